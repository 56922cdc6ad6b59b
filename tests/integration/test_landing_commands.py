"""`load` and `replay` from the command line: what a person is told about files that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sendgrid_orchestration.cli import app
from tests.support.landed import Landing


@pytest.fixture
def landing(tmp_path: Path, warehouse_url: str, monkeypatch: pytest.MonkeyPatch) -> Landing:
    """The landing of the settings that the commands read."""
    monkeypatch.setenv("SENDGRID_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("WAREHOUSE_URL", warehouse_url)
    monkeypatch.setenv("LANDING_URL", (tmp_path / "landing").as_uri())
    return Landing(tmp_path / "landing")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_every_load_names_damaged_files_and_ends_with_1_as_long_as_there_are_any(landing: Landing) -> None:
    landing.land_events(range(5))
    broken = landing.land_events(range(5, 10))
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-1])

    first = run("load")
    assert first.exit_code == 1
    assert "1 file(s), 5 event(s) read: 5 inserted" in first.stdout
    for result in (first, run("load")):
        assert result.exit_code == 1
        assert f"{broken} is damaged at byte" in result.stderr
        assert "Restore it from a backup under the same name" in result.stderr
    broken.write_bytes(whole)
    repaired = run("load")
    assert repaired.exit_code == 0
    assert "damaged" not in repaired.stderr
    assert "5 inserted" in repaired.stdout


def test_replay_names_damaged_files_and_ends_with_1(landing: Landing) -> None:
    landing.land_events(range(5))
    assert run("load").exit_code == 0
    (archived,) = landing.root.rglob("*.zst")
    archived.write_bytes(archived.read_bytes()[:-60])

    replayed = run("replay")
    assert replayed.exit_code == 1
    assert f"{archived} is damaged at byte" in replayed.stderr
    assert run("load").exit_code == 0, "the archive is not what waits"
