"""What is older than landing.archive_days leaves the archive, and nothing else does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from typer.testing import CliRunner, Result

from sendgrid_orchestration.cli import app
from sendgrid_orchestration.defs.maintenance.jobs import maintenance_job
from sendgrid_orchestration.defs.resources import Landing as LandingResource
from sendgrid_orchestration.defs.resources import Warehouse
from sendgrid_orchestration.landing.errors import LandingUnreachable
from sendgrid_orchestration.landing.store import LandingStore
from sendgrid_orchestration.load import retention
from sendgrid_orchestration.load.loader import load_waiting
from sendgrid_orchestration.load.replay import replay_days, replay_source
from sendgrid_orchestration.load.retention import Pruned, prune_archive
from sendgrid_orchestration.load.verification import archive_state, verify_archive
from sendgrid_orchestration.settings import Source, load_settings
from sendgrid_orchestration.warehouse.engine import connect
from tests.support.landed import RECEIVED, Landing

SOURCE = Source.model_validate({"name": "sendgrid"})
OTHER = Source.model_validate({"name": "other"})
MIDNIGHT = RECEIVED.replace(hour=0)
DAYS = [RECEIVED.date() + timedelta(days=number) for number in range(4)]
TODAY = DAYS[-1]
LAST_MICROSECOND = timedelta(days=1) - timedelta(microseconds=1)


@pytest.fixture
def landing(tmp_path: Path, warehouse_url: str, monkeypatch: pytest.MonkeyPatch) -> Landing:
    """Four days, each with a loaded file of its first moment and one of its last."""
    monkeypatch.setenv("SENDGRID_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("WAREHOUSE_URL", warehouse_url)
    monkeypatch.setenv("LANDING_URL", (tmp_path / "landing").as_uri())
    return load_days(tmp_path / "landing", warehouse_url, SOURCE)


@pytest.fixture
def other(landing: Landing, warehouse_url: str) -> Landing:
    """The same of another source, in the same landing."""
    return load_days(landing.root, warehouse_url, OTHER)


def load_days(root: Path, warehouse_url: str, source: Source) -> Landing:
    landing = Landing(root, source.name)
    for number in range(len(DAYS)):
        for moment in (timedelta(0), LAST_MICROSECOND):
            received_at = MIDNIGHT + timedelta(days=number) + moment
            landing.land_events(range(10 * number, 10 * number + 10), received_at=received_at)
    assert load_waiting(warehouse_url, landing.store, source).files == 2 * len(DAYS)
    return landing


@pytest.fixture
def conn(warehouse_url: str, landing: Landing) -> Iterator[psycopg.Connection]:
    with connect(warehouse_url) as conn:
        yield conn


def prune(conn: psycopg.Connection, landing: Landing, keep_days: int = 1) -> Pruned:
    return prune_archive(conn, landing.store, SOURCE, keep_days, today=TODAY)


def archive(landing: Landing) -> list[Path]:
    return sorted((landing.root / landing.source).rglob("*.zst"), key=lambda path: path.name)


def days(landing: Landing) -> list[date]:
    return landing.store.archived_days(landing.source)


def name_of(path: Path) -> str:
    return path.name.removesuffix(".posts.zst")


def marked(conn: psycopg.Connection, source: Source = SOURCE) -> list[str]:
    query = f"select file_name from {source.raw_schema}.landed_files where deleted_at is not null order by 1"
    with conn.transaction():
        return [name for (name,) in conn.execute(query.encode())]


def problems(conn: psycopg.Connection, landing: Landing) -> list[str]:
    return [problem.problem for problem in verify_archive(conn, landing.store, SOURCE).state.problems]


def test_whole_days_older_than_the_setting_are_deleted_and_marked(
    conn: psycopg.Connection, landing: Landing
) -> None:
    """A post that is less than so many days old is never deleted, to the microsecond."""
    everything = archive(landing)
    for keep_days, kept in ((300, DAYS), (3, DAYS), (2, DAYS[1:]), (1, DAYS[2:])):
        old = [path for path in archive(landing) if date.fromisoformat(path.parent.name) not in kept]
        size = sum(path.stat().st_size for path in old)
        pruned = prune(conn, landing, keep_days)

        assert (pruned.files, pruned.bytes, list(pruned.warnings())) == (len(old), size, [])
        assert (pruned.first_kept, days(landing)) == (TODAY - timedelta(days=keep_days), kept)
        assert not any(path.parent.exists() for path in old), "empty folders go"
        left = archive(landing)
        assert len(left) == 2 * len(kept)
        assert marked(conn) == [name_of(path) for path in everything if path not in left]
        assert problems(conn, landing) == []
    assert prune(conn, landing).files == 0
    with conn.transaction():
        assert conn.execute("select count(*) from sendgrid_raw.events").fetchone() == (40,)


def test_file_that_was_never_loaded_stays_until_it_is(
    warehouse_url: str, conn: psycopg.Connection, landing: Landing
) -> None:
    landing.land_events(range(50, 60), received_at=MIDNIGHT)
    (file,) = landing.store.waiting("sendgrid")
    path = Path(landing.store.archive(file))
    pruned = prune(conn, landing)

    assert (pruned.files, pruned.not_loaded, days(landing)) == (4, (str(path),), [DAYS[0], *DAYS[2:]])
    (sentence,) = pruned.warnings()
    assert sentence.startswith("1 old file(s) in the archive stay")
    assert str(path) in sentence
    assert "Load them with `replay`" in sentence
    assert replay_source(warehouse_url, landing.store, SOURCE).inserted == 10
    assert (prune(conn, landing).files, path.parent.exists()) == (1, False)


def test_nothing_of_another_source_is_deleted(
    conn: psycopg.Connection, landing: Landing, other: Landing
) -> None:
    """Not in its own archive, and not where somebody has put it into this one."""
    before = archive(other)
    copied = archive(landing)[0].parent / before[0].name
    shutil.copy(before[0], copied)

    pruned = prune(conn, landing)
    assert (pruned.files, pruned.not_loaded, copied.exists()) == (4, (str(copied),), True)
    assert (archive(other), marked(conn, OTHER)) == (before, [])


def test_damaged_file_stays_until_it_is_restored(conn: psycopg.Connection, landing: Landing) -> None:
    path = archive(landing)[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    assert len(problems(conn, landing)) == 1
    pruned = prune(conn, landing)

    assert (pruned.files, pruned.with_problem, pruned.gone) == (3, (str(path),), 0)
    (sentence,) = pruned.warnings()
    assert "1 old file(s) in the archive stay because they are damaged" in sentence
    assert str(path) in sentence
    assert len(problems(conn, landing)) == 1
    path.write_bytes(whole)
    assert problems(conn, landing) == []
    assert prune(conn, landing).files == 1


def test_files_that_are_set_aside_stay(conn: psycopg.Connection, landing: Landing) -> None:
    paths = archive(landing)[:2]
    statements = (
        "insert into sendgrid_raw.damaged_files (file_name, bytes, problem) values (%s, 1, 'odd')",
        "insert into sendgrid_raw.failed_files (file_name, bytes, reason, place, tries) values (%s, 1, 'odd', '', 2)",
    )
    with conn.transaction():
        for statement, path in zip(statements, paths, strict=True):
            conn.execute(statement.encode(), [name_of(path)])

    assert prune(conn, landing).with_problem == tuple(map(str, paths))
    assert all(path.exists() for path in paths)


def test_file_of_a_newer_day_in_an_old_folder_stays(conn: psycopg.Connection, landing: Landing) -> None:
    """Somebody restored it into the wrong place."""
    old, new = archive(landing)[0], archive(landing)[-1]
    misplaced = new.rename(old.parent / new.name)
    prune(conn, landing)

    assert misplaced.exists()
    assert name_of(new) not in marked(conn)


def test_file_whose_archiving_is_not_noted_yet_is_deleted_after_the_next_load(
    warehouse_url: str, conn: psycopg.Connection, landing: Landing
) -> None:
    """A load was killed behind its commit."""
    path = archive(landing)[0]
    with conn.transaction():
        query = "update sendgrid_raw.landed_files set archive_path = null where file_name = %s"
        conn.execute(query, [name_of(path)])
    pruned = prune(conn, landing)
    assert (pruned.files, list(pruned.warnings()), path.exists()) == (3, [], True)

    load_waiting(warehouse_url, landing.store, SOURCE)
    assert (prune(conn, landing).files, path.exists()) == (1, False)


def test_ledger_knows_before_a_file_is_gone(
    conn: psycopg.Connection, landing: Landing, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.remove

    def remove(path: Any) -> None:
        with connect(warehouse_url) as other:
            assert name_of(Path(path)) in marked(other)
        real(path)

    monkeypatch.setattr(os, "remove", remove)
    assert prune(conn, landing).files == 4


def test_interrupted_pruning_goes_on(
    conn: psycopg.Connection, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was deleted when it was interrupted, nothing is missed, and the next call deletes the rest."""
    real, left = os.remove, [0]

    def remove(path: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError("the disk went away")
        real(path)

    with monkeypatch.context() as interrupted:
        interrupted.setattr(os, "remove", remove)
        interrupted.setattr(Path, "rmdir", lambda self: None)
        for deleted in (0, 1, 2):  # in one call
            left[0] = deleted
            before = len(archive(landing))
            with pytest.raises(LandingUnreachable, match="the disk went away"):
                prune(conn, landing)
            assert len(archive(landing)) == before - deleted
            assert problems(conn, landing) == []
        left[0] = 9
        assert prune(conn, landing).files == 1
    assert days(landing) == DAYS, "it was killed before it removed the empty folders"

    assert prune(conn, landing).files == 0
    assert days(landing) == DAYS[2:]
    assert problems(conn, landing) == []


def test_folder_with_something_else_in_it_stays(conn: psycopg.Connection, landing: Landing) -> None:
    folder = archive(landing)[0].parent
    (folder / "notes.txt").write_text("mine")

    assert prune(conn, landing).files == 4
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_old_days_that_somebody_took_away_are_not_missed_any_more(
    conn: psycopg.Connection, landing: Landing
) -> None:
    for path in (archive(landing)[0], archive(landing)[-1]):
        shutil.rmtree(path.parent)
    assert len(problems(conn, landing)) == 4
    pruned = prune(conn, landing)

    assert (pruned.files, pruned.gone) == (2, 2)
    (sentence,) = pruned.warnings()
    assert sentence.startswith("2 old file(s) were already missing")
    assert len(problems(conn, landing)) == 2, "a new day that is missing is a problem"
    assert archive_state(conn, "sendgrid_raw").problem_count == 2
    assert list(prune(conn, landing).warnings()) == []


def test_replay_says_what_it_leaves_out(
    warehouse_url: str, conn: psycopg.Connection, landing: Landing
) -> None:
    prune(conn, landing)
    everything = replay_source(warehouse_url, landing.store, SOURCE)
    assert (everything.files, everything.deleted_files, everything.deleted_until) == (4, 4, DAYS[1])
    assert everything.left_out.startswith(f"4 file(s) with posts received up to {DAYS[1]} (UTC) are left out")
    first = replay_days(warehouse_url, landing.store, SOURCE, DAYS[0], DAYS[0])
    assert (first.files, first.deleted_files, first.deleted_until) == (0, 2, DAYS[0])
    last = replay_days(warehouse_url, landing.store, SOURCE, DAYS[2], DAYS[3])
    assert (last.files, last.left_out) == (4, "")


def test_clock_that_runs_ahead_deletes_nothing_while_the_warehouse_knows_better(
    conn: psycopg.Connection, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(2099, 1, 1, tzinfo=tz)

    monkeypatch.setattr(retention, "datetime", Clock)
    keep_days = (date.today() - DAYS[0]).days + 2
    assert prune_archive(conn, landing.store, SOURCE, keep_days).files == 0


@pytest.fixture
def configure(
    landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int | None], None]:
    """Writes settings with these `archive_days`."""

    def write(archive_days: int | None) -> None:
        path = tmp_path / "sendgrid.yaml"
        kept = "null" if archive_days is None else archive_days
        path.write_text(
            f"sources: [{{name: sendgrid}}, {{name: other}}]\nlanding: {{archive_days: {kept}}}\n"
        )
        monkeypatch.setenv("SENDGRID_CONFIG", str(path))

    return write


def maintain(*, succeeds: bool = True) -> dg.ExecuteInProcessResult:
    settings = load_settings()
    job = maintenance_job(settings.sources, 30, settings.landing.archive_days)
    result = job.execute_in_process(
        instance=dg.DagsterInstance.ephemeral(),
        resources={"warehouse": Warehouse(settings), "landing": LandingResource(settings)},
        raise_on_error=False,
    )
    assert result.success is succeeds
    return result


def test_nightly_maintenance_prunes_every_source(
    landing: Landing, other: Landing, configure: Callable[[int | None], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(None)
    maintain()
    assert days(landing) == days(other) == DAYS, "the default keeps everything"

    configure(1)
    landing.land_events(range(50, 60), received_at=MIDNIGHT)
    (file,) = landing.store.waiting("sendgrid")
    landing.store.archive(file)
    with monkeypatch.context() as broken:
        real = LandingStore.archived_days

        def one_does_not_answer(self: LandingStore, source: str) -> list[date]:
            if source == "sendgrid":
                raise LandingUnreachable("The landing cannot be reached: gone. Mount it.")
            return real(self, source)

        broken.setattr(LandingStore, "archived_days", one_does_not_answer)
        result = maintain(succeeds=False)
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert failure.step_key == "prune_archives"
    assert "sendgrid: The landing cannot be reached: gone. Mount it." in str(failure.event_specific_data)
    assert (days(landing), days(other)) == (DAYS, []), "the other source is pruned nevertheless"

    (output,) = [
        event.step_output_data.metadata
        for event in maintain().all_events
        if event.is_successful_output and event.step_key == "prune_archives"
    ]
    assert output["sendgrid: deleted files"].value == 8
    assert output["sendgrid: kept files that were never loaded"].value == 1
    assert output["other: deleted files"].value == 0
    assert days(landing) == DAYS[:1]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_commands_prune_and_say_what_a_replay_leaves_out(
    landing: Landing, other: Landing, configure: Callable[[int | None], None]
) -> None:
    configure(None)
    refused = run("landing", "prune")
    assert refused.exit_code == 1
    assert "landing.archive_days is not set" in refused.stderr
    configure(1)
    pruned = run("landing", "prune", "--source", "sendgrid")
    assert pruned.exit_code == 0
    assert pruned.stdout.startswith("sendgrid: 8 archived file(s) of ")
    assert (days(landing), days(other)) == ([], DAYS)

    replayed = run("replay", "--source", "sendgrid")
    assert replayed.exit_code == 0
    assert "8 file(s) with posts received up to 2024-06-04 (UTC) are left out" in replayed.stdout
    assert "landing.archive_days" not in run("replay", "--source", "other").stdout
