"""Damage in the archive is found, named, and forgotten when it is repaired; a whole archive stays unremarked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import zstandard
from typer.testing import CliRunner, Result

from sendgrid_orchestration.cli import app
from sendgrid_orchestration.landing.format import MAGIC_WITHOUT_TRAILER, Post, encode, whole_file
from sendgrid_orchestration.load.loader import load_waiting
from sendgrid_orchestration.load.replay import replay_folder, replay_source
from sendgrid_orchestration.load.verification import Verification, archive_state, verify_archive
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.engine import connect
from tests.support.landed import RECEIVED, Landing, body, event

SOURCE = Source.model_validate({"name": "sendgrid"})
DAYS = [RECEIVED + timedelta(days=number) for number in range(3)]


@pytest.fixture
def landing(tmp_path: Path, warehouse_url: str, monkeypatch: pytest.MonkeyPatch) -> Landing:
    """Three days with two loaded files each."""
    monkeypatch.setenv("SENDGRID_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("WAREHOUSE_URL", warehouse_url)
    monkeypatch.setenv("LANDING_URL", (tmp_path / "landing").as_uri())
    landing = Landing(tmp_path / "landing")
    for number in range(6):
        received_at = DAYS[number // 2] + timedelta(minutes=number)
        landing.land_events(range(10 * number, 10 * number + 10), received_at=received_at)
    assert load_waiting(warehouse_url, landing.store, SOURCE).files == 6
    return landing


@pytest.fixture
def conn(warehouse_url: str, landing: Landing) -> Iterator[psycopg.Connection]:
    with connect(warehouse_url) as conn:
        yield conn


def archive(landing: Landing) -> list[Path]:
    return sorted(landing.root.rglob("*.zst"), key=lambda path: path.name)


def verify(conn: psycopg.Connection, landing: Landing, **limits: int) -> Verification:
    return verify_archive(conn, landing.store, SOURCE, **limits)


def names(found: Verification) -> list[str]:
    return [problem.file_name for problem in found.state.problems]


def rewrite(path: Path, content: bytes) -> None:
    path.write_bytes(zstandard.compress(content))


def name_of(path: Path) -> str:
    return path.name.removesuffix(".posts.zst")


def test_whole_archive_has_no_problem_and_says_since_when(conn: psycopg.Connection, landing: Landing) -> None:
    began = datetime.now(UTC)
    assert archive_state(conn, "sendgrid_raw").never_verified == 6
    found = verify(conn, landing)

    assert (found.files, found.state.problems, found.state.problem_count) == (6, (), 0)
    assert found.bytes == sum(path.stat().st_size for path in archive(landing))
    assert found.state.never_verified == 0
    assert found.state.verified_since and found.state.verified_since > began


def test_files_take_turns_the_longest_unverified_first(conn: psycopg.Connection, landing: Landing) -> None:
    assert [verify(conn, landing, max_files=4).files, verify(conn, landing, max_bytes=1).files] == [4, 1]
    query = "select file_name from sendgrid_raw.landed_files where verified_at is null"
    assert conn.execute(query).fetchall() == [(name_of(archive(landing)[-1]),)]
    since = verify(conn, landing, max_seconds=0).state.verified_since
    assert verify(conn, landing, max_files=2).state.verified_since != since, (
        "the first two had their next turn"
    )
    everything = verify_archive(
        conn, landing.store, SOURCE, verified_before=datetime.now(UTC) - timedelta(hours=1)
    )
    assert everything.files == 0


def test_every_kind_of_harm_is_found_and_named_until_it_is_repaired(
    conn: psycopg.Connection, landing: Landing
) -> None:
    cut, flipped, edited, swapped, removed, whole = archive(landing)
    contents = {path: path.read_bytes() for path in archive(landing)}
    cut.write_bytes(contents[cut][:-40])
    flipped.write_bytes(
        contents[flipped][:60] + bytes([contents[flipped][60] ^ 0xFF]) + contents[flipped][61:]
    )
    # by somebody who knows the format
    rewrite(edited, b"".join(whole_file(name_of(edited), [Post(DAYS[1], {}, body([event(1)]))])))
    swapped.write_bytes(contents[whole])
    removed.unlink()
    sentences = {
        cut: "is damaged at byte",
        flipped: "cannot be decompressed",
        edited: "holds other posts than those that were loaded",
        swapped: f"its content is that of {name_of(whole)}",
        removed: "is missing from the archive",
    }

    for found in (verify(conn, landing), verify(conn, landing, max_files=1)):
        assert names(found) == [name_of(path) for path in sentences]
        for problem, (path, sentence) in zip(found.state.problems, sentences.items(), strict=True):
            assert problem.problem.startswith(str(path))
            assert sentence in problem.problem
            assert "Restore it from a backup" in problem.problem
    for path, content in contents.items():
        path.write_bytes(content)
    for left in (4, 3, 2, 1, 0):
        assert verify(conn, landing, max_files=1).state.problem_count == left, "problems are looked at first"


def test_days_that_are_gone_are_found_at_once(conn: psycopg.Connection, landing: Landing) -> None:
    verify(conn, landing)
    gone = [path for path in archive(landing) if path.parent.name != f"{DAYS[0]:%Y-%m-%d}"]
    backup = landing.root / "backup"
    for day in {path.parent for path in gone}:
        shutil.move(day, backup / day.name)
    found = verify(conn, landing, max_files=1)

    assert names(found) == [name_of(path) for path in gone]
    assert all("is missing from the archive" in problem.problem for problem in found.state.problems)
    for day in backup.iterdir():
        shutil.move(day, gone[0].parent.parent / day.name)
    verify(conn, landing)
    assert verify(conn, landing).state.problem_count == 0


def test_archive_that_moved_with_the_landing_is_whole(
    conn: psycopg.Connection, landing: Landing, tmp_path: Path
) -> None:
    """The ledger's paths are those of the old place."""
    landing.root.rename(tmp_path / "moved")

    assert verify(conn, Landing(tmp_path / "moved")).state.problem_count == 0


def test_files_of_the_first_version_are_compared_from_their_first_verification_on(
    conn: psycopg.Connection, landing: Landing
) -> None:
    """A version before checksums has loaded and archived them."""
    path = archive(landing)[0]
    frames = [b"".join(encode(Post(DAYS[0], {}, body([event(number)])))) for number in range(3)]
    rewrite(path, MAGIC_WITHOUT_TRAILER + b"".join(frames))
    conn.execute("update sendgrid_raw.landed_files set checksum = null")
    conn.commit()
    assert verify(conn, landing).state.problem_count == 0

    rewrite(path, MAGIC_WITHOUT_TRAILER + b"".join(frames[:2]))
    (problem,) = verify(conn, landing).state.problems
    assert "holds other posts" in problem.problem


def test_files_that_were_replayed_from_a_folder_may_go_with_it(
    warehouse_url: str, conn: psycopg.Connection, landing: Landing, tmp_path: Path
) -> None:
    backup = Landing(tmp_path / "backup")
    path = backup.land_events(range(100, 110))
    store = Landing(path.parent).store
    assert replay_folder(warehouse_url, store, SOURCE).inserted == 10
    shutil.rmtree(backup.root)

    found = verify(conn, landing)
    assert (found.files, found.state.problem_count, found.state.never_verified) == (6, 0, 0)


def test_replay_records_the_damage_that_it_meets(
    warehouse_url: str, conn: psycopg.Connection, landing: Landing
) -> None:
    path = archive(landing)[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    assert len(replay_source(warehouse_url, landing.store, SOURCE).damaged) == 1

    (problem,) = archive_state(conn, "sendgrid_raw").problems
    assert problem.file_name == name_of(path)
    assert conn.execute("select count(*) from sendgrid_raw.damaged_files").fetchone() == (0,)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["landing", "verify", *arguments])


def test_command_names_problems_and_ends_with_1_as_long_as_there_are_any(landing: Landing) -> None:
    path = archive(landing)[1]
    whole = path.read_bytes()
    path.unlink()
    result = run("--all")

    assert result.exit_code == 1
    assert "6 archived file(s)" in result.stdout
    assert "1 in the archive are damaged, changed or missing" in result.stdout
    assert f"{path} is missing from the archive" in result.stderr
    path.write_bytes(whole)
    result = run()
    assert result.exit_code == 0
    assert "0 in the archive are damaged, changed or missing. Every file was read since" in result.stdout
