"""Kills, full disks and wild clocks: after each of them every acknowledged post is in the landing exactly once.

A few rounds by default; `make soak` (environment variable SOAK) runs a hundred.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import os
import random
import resource
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sendgrid_orchestration.landing.store import open_store
from tests.support.receiver import RunningReceiver
from tests.support.signing import body_of, events

pytestmark = pytest.mark.fault

KILLS = 100 if os.environ.get("SOAK") else 8


class Load:
    """Senders on connections of their own, each post unlike all others, and what was answered."""

    def __init__(self, running: RunningReceiver, senders: int = 6, events_per_post: int = 2) -> None:
        self._running = running
        self._per_post = events_per_post
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self.acknowledged: list[bytes] = []
        self.refused: Counter[int] = Counter()
        self._threads = [threading.Thread(target=self._send) for _ in range(senders)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        path = self._running.path()
        connection = self._running.connect(timeout=10)
        while not self._stop.is_set():
            body = body_of(events(next(self._numbers) * self._per_post, self._per_post))
            try:
                connection.request("POST", path, body, self._running.key.headers(body))
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(0.05)
                continue
            if response.status == 204:
                self.acknowledged.append(body)
            else:
                self.refused[response.status] += 1
                time.sleep(0.01)
        connection.close()


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.02)


def landed(running: RunningReceiver) -> Counter[bytes]:
    """Every post in sealed files; nothing else may lie about."""
    assert all(path.parent.name == "sealed" for path in running.files()), running.files()
    return Counter(post.body for post in running.landed())


def assert_exactly_once(running: RunningReceiver, acknowledged: list[bytes]) -> None:
    found = landed(running)
    assert set(acknowledged) - set(found) == set(), "acknowledged posts are missing"
    assert max(found.values(), default=1) == 1, "posts are there twice"


@pytest.mark.timeout(300 + 20 * KILLS)
def test_acknowledged_post_survives_kill(tmp_path: Path) -> None:
    """Killed at random moments under load, and started again at once (promise S18)."""
    dice = random.Random(2026)
    running = RunningReceiver(tmp_path, landing={"seal_seconds": 0.1}).start()
    load = Load(running)
    try:
        for _ in range(KILLS):
            before = len(load.acknowledged)
            wait_for(lambda before=before: len(load.acknowledged) > before + 5)  # type: ignore[misc]
            time.sleep(dice.uniform(0, 0.25))
            running.kill()
            running.start()
        load.stop()
        assert running.stop() == 0
        assert_exactly_once(running, load.acknowledged)
        assert not {status for status in load.refused if status >= 500}
    finally:
        load.stop()
        running.close()


def test_killed_worker_is_replaced_and_its_posts_are_kept(tmp_path: Path) -> None:
    """Only the worker dies, as when it runs out of memory; its siblings go on and clean up behind it."""
    running = RunningReceiver(tmp_path, receiver={"workers": 2}, landing={"seal_seconds": 300}).start()
    load = Load(running)
    try:
        wait_for(lambda: len(load.acknowledged) > 30)
        os.kill(running.workers()[0], 9)
        before = len(load.acknowledged)
        wait_for(lambda: len(load.acknowledged) > before + 30)
        load.stop()
        assert running.stop() == 0
        assert_exactly_once(running, load.acknowledged)
    finally:
        load.stop()
        running.close()


def test_killed_verifier_is_replaced_and_nothing_unverified_gets_in(tmp_path: Path) -> None:
    """Posts that it had in hand are answered 503, never 204: nobody knows their signatures."""
    running = RunningReceiver(tmp_path).start()
    load = Load(running)
    try:
        for _ in range(3):
            before = len(load.acknowledged)
            wait_for(lambda before=before: len(load.acknowledged) > before + 30)  # type: ignore[misc]
            (verifier,) = running.verifiers()
            os.kill(verifier, 9)
            wait_for(lambda gone=verifier: running.verifiers() not in ([gone], []))  # type: ignore[misc]
        body = body_of(events(1, 1))
        assert running.post(body + b" ", running.key.headers(body))[0] == 401
        load.stop()
        assert running.stop() == 0
        assert_exactly_once(running, load.acknowledged)
        assert set(load.refused) <= {503}
    finally:
        load.stop()
        running.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(
            "Mounting a small disk needs root; the limit on file sizes stands in for it in another test."
        )
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk_is_503_and_recovers_by_itself(tmp_path: Path, small_disk: Path) -> None:
    """The reserve is 1 MB; something else then fills even that, so that writing itself fails."""
    running = RunningReceiver(
        tmp_path / "receiver",
        receiver={"max_body_megabytes": 0.5},
        landing={"url": (small_disk / "landing").as_uri(), "min_free_megabytes": 1, "seal_megabytes": 1},
    ).start()
    load = Load(running, events_per_post=200)
    hog = small_disk / "hog"
    try:
        wait_for(lambda: load.refused[503] > 3)
        assert running.get("/readyz")[0] == 503
        assert running.get("/healthz")[0] == 200
        assert running.metric("sendgrid_receiver_refused_total", source="marketing", reason="full") > 3

        acknowledged = len(load.acknowledged)
        with contextlib.suppress(OSError), hog.open("wb") as file:
            while True:
                file.write(bytes(65536))
                file.flush()
        store = open_store(running.settings.landing_url)
        kept = [post.body for file in store.waiting("marketing") for post in store.read(file)]
        for waiting in store.waiting("marketing"):
            Path(waiting.path).unlink()  # as the loader does, to another disk
        wait_for(lambda: len(load.acknowledged) > acknowledged)
        wait_for(lambda: load.refused[503] > 10)
        hog.unlink()
        before = len(load.acknowledged)
        wait_for(lambda: len(load.acknowledged) > before)
        load.stop()
        assert running.stop() == 0
        found = Counter(kept) + landed(running)
        assert set(load.acknowledged) - set(found) == set()
        assert max(found.values()) == 1
        assert set(load.refused) == {503}
    finally:
        load.stop()
        running.close()


def test_disk_that_fails_in_mid_write_leaves_no_half_post(tmp_path: Path) -> None:
    """Files may not grow beyond 100 KB: writes stop short and fail, without warning and again and again."""
    limit = "import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY)); "
    command = (
        sys.executable,
        "-c",
        limit + "runpy.run_module('sendgrid_orchestration.receiver', run_name='__main__')",
    )
    running = RunningReceiver(tmp_path, landing={"seal_seconds": 300}, command=command).start()
    load = Load(running, events_per_post=20)
    try:
        wait_for(lambda: load.refused[503] >= 5 and len(load.acknowledged) > 50)
        load.stop()
        assert running.stop() == 0
        assert_exactly_once(running, load.acknowledged)
        assert set(load.refused) == {503}
        assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    finally:
        load.stop()
        running.close()


def test_clock_that_jumps_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """The wall clock of the receiver jumps by days, back and forth, while posts come in."""
    jumping = """
import datetime, itertools, random, runpy, sys
dice = random.Random(1)
class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(hours=dice.choice([0, 0, 0, -30, 30, -1]))
import sendgrid_orchestration.receiver.intake as intake
intake.datetime = Clock
runpy.run_module('sendgrid_orchestration.receiver', run_name='__main__')
"""
    running = RunningReceiver(
        tmp_path, landing={"seal_seconds": 0.2}, command=(sys.executable, "-c", jumping)
    ).start()
    load = Load(running)
    try:
        wait_for(lambda: len(load.acknowledged) > 150)
        running.kill()
        running.start()
        before = len(load.acknowledged)
        wait_for(lambda: len(load.acknowledged) > before + 50)
        load.stop()
        assert running.stop() == 0
        assert_exactly_once(running, load.acknowledged)
        days = {file.day for file in open_store(running.settings.landing_url).waiting("marketing")}
        assert len(days) > 1
        for file in open_store(running.settings.landing_url).waiting("marketing"):
            received = {
                post.received_at.date() for post in open_store(running.settings.landing_url).read(file)
            }
            assert received == {file.day}
    finally:
        load.stop()
        running.close()
