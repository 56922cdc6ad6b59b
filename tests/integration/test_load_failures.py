"""What cannot be loaded stands alone: an item, or a file, is named and set aside, and everything around it is loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from sendgrid_orchestration.cli import app
from sendgrid_orchestration.landing.errors import LandingUnreachable
from sendgrid_orchestration.landing.store import LandedFile, LandingStore
from sendgrid_orchestration.load import ledger, quarantine, run
from sendgrid_orchestration.load.errors import LoadFailedError, LoadInterruptedError
from sendgrid_orchestration.load.loader import LoadResult, load_waiting
from sendgrid_orchestration.load.replay import replay_source
from sendgrid_orchestration.load.shaping import Batch, portions
from sendgrid_orchestration.load.storing import Storer
from sendgrid_orchestration.sendgrid.event_parser import item_text
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.engine import connect
from sendgrid_orchestration.warehouse.events import ensure_partitions
from sendgrid_orchestration.warehouse.migrations import migrate
from tests.support.landed import RECEIVED, Landing, body, event

SOURCE = Source.model_validate({"name": "sendgrid"})
RAW = "sendgrid_raw"
POISON = "poison@example.com"


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Has storing raise an error as soon as a batch holds the poison."""
    store = Storer.store

    def poison(error: Exception) -> None:
        def stumble(self: Storer, batch: Batch) -> Any:
            if any(POISON in row for row in batch.rows):
                raise error
            return store(self, batch)

        monkeypatch.setattr(Storer, "store", stumble)

    return poison


def load(url: str, landing: Landing, **options: Any) -> LoadResult:
    return load_waiting(url, landing.store, SOURCE, **options)


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, options="-c timezone=UTC") as conn:
        return conn.execute(query.encode()).fetchall()


def name(path: Path) -> str:
    return path.name.removesuffix(".posts")


def test_event_that_postgres_refuses_is_quarantined_alone(warehouse_url: str, landing: Landing) -> None:
    """A generated column whose expression fails over one value, or a constraint that somebody added."""
    with connect(warehouse_url) as conn:
        migrate(conn, SOURCE)
        ensure_partitions(conn, RAW, [RECEIVED.date()])
        conn.execute(
            f"alter table {RAW}.events add column a integer "
            f"generated always as (1 / (case when email = '{POISON}' then 0 else 1 end)) stored, "
            "add constraint short check (length(url) < 100)".encode()
        )
    long = event(7, url="x" * 200, n=1)
    posted = [
        event(1),
        5,
        event(2, email=POISON, n="1.50"),
        event(3),
        event(3, sg_event_id="again"),
        long,
        event(8),
    ]
    landing.land(body([event(20)]), body(posted))
    landing.land_events(range(30, 60))
    result = load(warehouse_url, landing)
    assert (result.events_read, result.inserted, result.copies, result.quarantined) == (38, 35, 1, 3)
    found = rows(
        warehouse_url,
        f"select reason, item, post_index, item_index, detail from {RAW}.quarantine order by item_index",
    )
    assert [row[:4] for row in found] == [
        ("not_an_object", "5", 1, 1),
        ("refused", json.dumps(posted[2]), 1, 2),
        ("refused", json.dumps(long), 1, 5),
    ]
    assert "division by zero" in found[1][4]
    counts = "events_read, inserted, duplicate, quarantined"
    assert rows(warehouse_url, f"select {counts} from {RAW}.landed_files order by file_name") == [
        (8, 5, 0, 3),
        (30, 30, 0, 0),
    ]
    assert quarantine.retry(warehouse_url, SOURCE).released == 0
    with connect(warehouse_url) as conn:
        conn.execute(f"alter table {RAW}.events drop column a, drop constraint short".encode())
    again = quarantine.retry(warehouse_url, SOURCE)
    assert (again.tried, again.released, again.inserted) == (3, 2, 2)
    assert rows(warehouse_url, f"select custom_args ->> 'n' from {RAW}.events where email = '{POISON}'") == [
        ("1.50",)
    ]
    assert replay_source(warehouse_url, landing.store, SOURCE).inserted == 0


def test_refused_event_of_a_post_that_was_odd_as_a_whole_is_quarantined_by_the_retry(
    warehouse_url: str, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing.land(
        b'{"events": [%b]}' % b",".join(json.dumps(event(n, url="x" * n * 60)).encode() for n in range(3))
    )
    assert load(warehouse_url, landing).quarantined == 1
    with connect(warehouse_url) as conn:
        ensure_partitions(conn, RAW, [RECEIVED.date()])
        conn.execute(f"alter table {RAW}.events add constraint short check (length(url) < 100)".encode())
    # Rules of a later version: the events are taken out of the object.
    monkeypatch.setattr(quarantine, "portions", lambda text, shaper: portions(text[11:-1], shaper))
    monkeypatch.setattr(quarantine, "item_text", lambda text, index: item_text(text[11:-1], index))
    result = quarantine.retry(warehouse_url, SOURCE)
    assert (result.released, result.inserted) == (1, 2)
    with connect(warehouse_url) as conn:
        (left,) = quarantine.list_items(conn, RAW)
    assert (left.reason, left.item_index) == ("refused", 2)


def test_file_over_which_a_load_stumbles_is_found_and_the_others_are_loaded(
    warehouse_url: str,
    landing: Landing,
    poisoned: Callable[[Exception], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In transactions of many files, and cheaply: each halving repeats half of the work."""
    for number in range(70):
        landing.land(body([event(number)]))
    bad = landing.land(body([event(1_000, email=POISON)]))
    for number in range(100, 130):
        landing.land(body([event(number)]))
    poisoned(ValueError("nobody foresaw this"))
    tried: list[int] = []
    original = run.load_files

    def counted(conn: Any, schema: str, store: Any, files: list[LandedFile], **options: Any) -> Any:
        tried.append(len(files))
        return original(conn, schema, store, files, **options)

    monkeypatch.setattr(run, "load_files", counted)
    first = load(warehouse_url, landing)
    assert (first.files, first.inserted) == (100, 100)
    assert sum(tried) <= 3 * 101
    assert len(tried) <= 2 * 7 + 1
    ((failed, sentence),) = first.failed.items()
    assert failed == name(bad)
    assert "ValueError: nobody foresaw this (test_load_failures.py:" in sentence
    assert "tried once more" in sentence
    assert sentence in caplog.text
    with connect(warehouse_url) as conn:
        assert [file.name for file in ledger.waiting(conn, landing.store, SOURCE)] == [name(bad)]

    landing.land_events(range(200, 220))
    tried.clear()
    second = load(warehouse_url, landing)
    assert (second.files, second.inserted, tried) == (1, 20, [1, 1])  # no longer in the way of others
    assert "set aside after 2 tries" in second.failed[name(bad)]
    assert "load --retry-set-aside" in second.failed[name(bad)]
    with connect(warehouse_url) as conn:
        assert ledger.waiting(conn, landing.store, SOURCE) == []
        (left,) = ledger.still_failed(conn, landing.store, SOURCE)
    assert (left.file_name, left.tries, left.reason) == (name(bad), 2, "ValueError: nobody foresaw this")
    assert left.set_aside_at is not None
    assert load(warehouse_url, landing).failed == {}
    assert bad.exists()


def test_file_that_was_set_aside_is_loaded_after_an_upgrade(
    warehouse_url: str,
    landing: Landing,
    poisoned: Callable[[Exception], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad = landing.land(body([event(1, email=POISON), event(2)]))
    with monkeypatch.context():
        poisoned(MemoryError())
        load(warehouse_url, landing)
        load(warehouse_url, landing)
        again = load(warehouse_url, landing, retry_set_aside=True)
        assert "set aside after 3 tries: MemoryError" in again.failed[name(bad)]
    monkeypatch.undo()
    assert load(warehouse_url, landing).files == 0
    upgraded = load(warehouse_url, landing, retry_set_aside=True)
    assert (upgraded.files, upgraded.inserted, upgraded.failed) == (1, 2, {})
    assert rows(warehouse_url, f"select count(*) from {RAW}.failed_files") == [(0,)]
    assert not bad.exists()


def test_when_file_after_file_fails_the_run_fails(
    warehouse_url: str,
    landing: Landing,
    poisoned: Callable[[Exception], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Then the fault is the program's: it does not set everything aside, and somebody has to hear of it."""
    monkeypatch.setattr(run, "MOST_FAILURES", 3)
    for number in range(8):
        landing.land(body([event(number, email=POISON)]))
    poisoned(KeyError("a bug"))
    for _ in range(2):
        with pytest.raises(LoadFailedError, match=r"3 files of source .*KeyError"):
            load(warehouse_url, landing)
    assert rows(warehouse_url, f"select tries from {RAW}.failed_files order by file_name") == [(1,)] * 6
    monkeypatch.undo()
    assert load(warehouse_url, landing, retry_set_aside=True).inserted == 8


def test_file_that_the_landing_does_not_give_out_is_named(
    warehouse_url: str, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over one file of many it is set aside like any other; where none can be read, the landing is to blame."""
    bad = landing.land_events(range(5))
    good = landing.land_events(range(5, 10))
    read = LandingStore.read
    unreadable = {name(bad), name(good)}

    def refuse(self: LandingStore, file: LandedFile) -> Any:
        if file.name in unreadable:
            raise OSError(5, "Input/output error")
        return read(self, file)

    monkeypatch.setattr(LandingStore, "read", refuse)
    for _ in range(3):
        with pytest.raises(LoadInterruptedError, match=r"Input/output error"):
            load(warehouse_url, landing)
    assert rows(warehouse_url, f"select count(*) from {RAW}.failed_files") == [(0,)]
    unreadable.remove(name(good))
    first = load(warehouse_url, landing)
    assert (first.files, first.inserted) == (1, 5)
    assert "Input/output error" in first.failed[name(bad)]
    landing.land_events(range(10, 15))
    assert "set aside" in load(warehouse_url, landing).failed[name(bad)]
    monkeypatch.undo()
    assert load(warehouse_url, landing, retry_set_aside=True).inserted == 5


def test_replay_names_what_it_stumbles_over_and_sets_nothing_aside(
    warehouse_url: str, landing: Landing, poisoned: Callable[[Exception], None]
) -> None:
    for number in range(5):
        landing.land(body([event(number, **({"email": POISON} if number == 3 else {}))]))
    load(warehouse_url, landing)
    poisoned(ValueError("nobody foresaw this"))
    result = replay_source(warehouse_url, landing.store, SOURCE)
    assert (result.files, len(result.failed)) == (4, 1)
    assert "could not be loaded again: ValueError" in next(iter(result.failed.values()))
    assert rows(warehouse_url, f"select count(*) from {RAW}.failed_files") == [(0,)]


@pytest.mark.parametrize(
    ("error", "is_counted"),
    [
        (psycopg.errors.DiskFull("no space"), False),
        (psycopg.errors.UndefinedColumn("who dropped it"), False),
        (psycopg.errors.AdminShutdown("bye"), False),
        (psycopg.errors.DeadlockDetected("deadlock"), False),
        (psycopg.OperationalError("the connection is lost"), False),
        (LandingUnreachable("no answer"), False),
        (psycopg.errors.OutOfMemory("out of shared memory"), True),
        (psycopg.errors.StatementTooComplex("stack depth"), True),
        (psycopg.errors.InternalError_("unexpected"), True),
        (psycopg.DataError("a NUL"), True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_only_what_a_file_may_cause_counts_against_it(
    warehouse_url: str,
    landing: Landing,
    poisoned: Callable[[Exception], None],
    error: psycopg.Error,
    is_counted: bool,
) -> None:
    landing.land(body([event(1, email=POISON)]))
    poisoned(error)
    if is_counted:
        assert len(load(warehouse_url, landing).failed) == 1
    else:
        with pytest.raises((LoadInterruptedError, psycopg.Error, LandingUnreachable)):
            load(warehouse_url, landing)
    assert rows(warehouse_url, f"select count(*) from {RAW}.failed_files") == [(int(is_counted),)]


def test_load_on_the_command_line_names_what_is_set_aside_and_fails(
    warehouse_url: str,
    landing: Landing,
    poisoned: Callable[[Exception], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = tmp_path / "sendgrid.yaml"
    settings.write_text(
        json.dumps(
            {
                "sources": [{"name": "sendgrid"}],
                "data_dir": f"{tmp_path}",
                "landing": {"url": landing.root.as_uri()},
            }
        )
    )
    monkeypatch.setenv("SENDGRID_CONFIG", f"{settings}")
    monkeypatch.setenv("WAREHOUSE_URL", warehouse_url)
    bad = landing.land(body([event(1, email=POISON)]))
    landing.land(body([event(2)]))
    poisoned(ValueError("nobody foresaw this"))
    command = CliRunner()
    first = command.invoke(app, ["load"])
    assert (first.exit_code, "1 inserted" in first.stdout) == (1, True)
    assert f"{name(bad)} could not be loaded and is tried once more" in first.stderr
    for _ in range(2):
        later = command.invoke(app, ["load"])
        assert later.exit_code == 1
        assert f"{name(bad)} is set aside after 2 tries" in later.stderr
    monkeypatch.undo()
    monkeypatch.setenv("SENDGRID_CONFIG", f"{settings}")
    monkeypatch.setenv("WAREHOUSE_URL", warehouse_url)
    healed = command.invoke(app, ["load", "--retry-set-aside"])
    assert (healed.exit_code, "1 inserted" in healed.stdout) == (0, True)
