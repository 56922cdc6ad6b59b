"""Whatever stops a load at whatever moment: afterwards every event is there once, and the ledger adds up.

CI kills the loader a few times; `SOAK=1` makes it a hundred.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sendgrid_orchestration.load import run, shaping
from sendgrid_orchestration.load.errors import LoadInterruptedError
from sendgrid_orchestration.load.loader import Progress, load_waiting
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse import embedded
from tests.support.databases import database
from tests.support.landed import Landing, body, event

pytestmark = pytest.mark.fault

SOURCE = Source.model_validate({"name": "sendgrid"})
KILLS = 100 if os.environ.get("SOAK") else 8
EVENTS_A_FILE = 600

LOADER = """
import sys
from sendgrid_orchestration.landing.store import open_store
from sendgrid_orchestration.load import run, shaping
from sendgrid_orchestration.load.loader import load_waiting
from sendgrid_orchestration.settings import Source
run.TRANSACTION_FILES, shaping.BATCH_ROWS = 3, 500  # many boundaries to be killed at
print("ready", flush=True)
load_waiting(sys.argv[1], open_store(sys.argv[2]), Source.model_validate({"name": "sendgrid"}))
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A server of these tests' own, as it is stopped and killed."""
    folder = tmp_path_factory.mktemp("postgres")
    yield folder
    embedded.stop(folder)


@pytest.fixture
def url(data_dir: Path) -> Iterator[str]:
    server = embedded.ensure_running(data_dir)
    with database(server, f"fault_{time.monotonic_ns()}") as empty:
        yield empty


class Expectation:
    """Lands events, some of them twice and some odd, and knows what must have become of them."""

    def __init__(self, root: Path) -> None:
        self.landing = Landing(root)
        self.events = self.odd = self.read = self.files = 0

    def land(self, files: int) -> None:
        for _ in range(files):
            again = range(max(0, self.events - 50), self.events)
            new = range(self.events, self.events + EVENTS_A_FILE)
            self.landing.land(body([*map(event, again), "odd"]), body(map(event, new)))
            self.read += len(again) + 1 + len(new)
            self.events += len(new)
            self.odd += 1
            self.files += 1

    def check(self, url: str) -> None:
        load_waiting(url, self.landing.store, SOURCE)
        with psycopg.connect(url) as conn:

            def one(query: str) -> tuple[int, ...]:
                row = conn.execute(query.encode()).fetchone()
                assert row is not None
                return tuple(map(int, row))

            counts = "sum(events_read), sum(inserted), sum(duplicate), sum(quarantined)"
            expected = (self.read, self.events, self.read - self.events - self.odd, self.odd)
            assert one("select count(*), count(distinct sg_event_id) from sendgrid_raw.events") == (
                self.events,
                self.events,
            )
            assert one(f"select {counts} from sendgrid_raw.loads") == expected
            assert one(f"select {counts} from sendgrid_raw.landed_files") == expected
            assert one("select count(*), count(archive_path) from sendgrid_raw.landed_files") == (
                self.files,
                self.files,
            )
            assert one("select count(*) from sendgrid_raw.quarantine") == (self.odd,)
            assert one("select count(*) from sendgrid_raw.loads where committed_at is null") == (0,)
        assert self.landing.store.waiting("sendgrid") == []
        assert len(list((self.landing.root / "sendgrid" / "archive").rglob("*.posts.zst"))) == self.files


def start_loader(url: str, landing: Landing) -> subprocess.Popen[str]:
    loader = subprocess.Popen(
        [sys.executable, "-c", LOADER, url, landing.root.as_uri()], stdout=subprocess.PIPE, text=True
    )
    assert loader.stdout is not None
    assert loader.stdout.readline() == "ready\n"
    return loader


def end(loader: subprocess.Popen[str]) -> None:
    loader.send_signal(signal.SIGKILL)
    loader.wait()
    assert loader.stdout is not None
    loader.stdout.close()


@pytest.mark.timeout(3600 if os.environ.get("SOAK") else 300)
def test_loader_killed_at_random_points_loses_and_doubles_nothing(url: str, tmp_path: Path) -> None:
    dice = random.Random(20240601)
    expectation = Expectation(tmp_path / "landing")
    for _ in range(KILLS):
        expectation.land(files=5)
        loader = start_loader(url, expectation.landing)
        time.sleep(dice.uniform(0, 0.6))
        end(loader)
    expectation.check(url)


def test_overlapping_loaders_of_which_one_is_killed_lose_and_double_nothing(url: str, tmp_path: Path) -> None:
    expectation = Expectation(tmp_path / "landing")
    expectation.land(files=12)
    victim, survivor = start_loader(url, expectation.landing), start_loader(url, expectation.landing)
    time.sleep(0.2)
    end(victim)
    assert survivor.wait(timeout=120) == 0
    end(survivor)
    expectation.check(url)


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_postgres_that_goes_away_in_mid_load_is_reported_and_the_next_load_completes(
    how: str, url: str, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "TRANSACTION_FILES", 3)
    monkeypatch.setattr(shaping, "BATCH_ROWS", 500)
    expectation = Expectation(tmp_path / "landing")
    expectation.land(files=9)

    def go_away(progress: Progress) -> None:
        if progress.files == 3 and progress.events_read > 3 * EVENTS_A_FILE + 800:
            if how == "stopped":
                embedded.stop(data_dir)
            else:
                pid_file = data_dir / "postgres" / "data" / "postmaster.pid"
                os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
                time.sleep(1)  # its children notice

    with pytest.raises(LoadInterruptedError) as caught:
        load_waiting(url, expectation.landing.store, SOURCE, progress=go_away)
    assert 'source "sendgrid"' in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
    assert url.split("@", maxsplit=1)[0].rsplit(":", 1)[1] not in str(caught.value)
    embedded.ensure_running(data_dir)
    expectation.check(url)
