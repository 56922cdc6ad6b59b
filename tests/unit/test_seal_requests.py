"""A loader has open files sealed; while one asks regularly, writers make no file that it did not ask for."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fsspec
import pytest

from sendgrid_orchestration.landing import seal_requests
from sendgrid_orchestration.landing.format import Post
from sendgrid_orchestration.landing.store import LandingStore, open_store
from sendgrid_orchestration.landing.writer import Limits, Prepared, Writer, settle_futures

PATIENT = Limits(seal_seconds=300, min_free_bytes=1)
HASTY = Limits(seal_seconds=0.05, min_free_bytes=1)
LONG_ENOUGH_S = 0.5
"""Ten times as long as `HASTY` keeps a file open, five times as long as writers go without a look."""


class Desk:
    """A writer and a loader's view of what it wrote."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self.folder = root / "marketing"
        self.store = open_store(root.as_uri())
        self.writer: Writer[Future[None]] = Writer(root, "marketing", limits, settle_futures)

    def post(self, body: bytes) -> None:
        """Return when it is acknowledged."""
        future: Future[None] = Future()
        self.writer.submit(Prepared.of(Post(datetime.now(UTC), {}, body), future))
        future.result(10)

    def sealed(self) -> list[bytes]:
        return [post.body for file in self.store.waiting("marketing") for post in self.store.read(file)]

    def being_written(self, min_age_s: float = 0.0) -> int:
        return len(self.store.being_written("marketing", min_age_s))

    def set_request(self, seconds_ago: float) -> None:
        path = self.folder / seal_requests.FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        moment = time.time() - seconds_ago
        os.utime(path, (moment, moment))


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Callable[[Limits], Desk]]:
    """Makes writers of the same source."""
    made: list[Desk] = []

    def make(limits: Limits) -> Desk:
        made.append(Desk(tmp_path / "my landing", limits))
        return made[-1]

    yield make
    for desk in made:
        desk.writer.close()


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.01)


def test_every_writer_seals_when_a_loader_asks(desks: Callable[[Limits], Desk]) -> None:
    one, other = desks(PATIENT), desks(PATIENT)
    for number in range(2):  # also a second time
        one.post(b"[%d]" % number)
        other.post(b"[-%d]" % number)
        assert one.being_written() == 2
        one.store.request_seal("marketing")
        wait_until(lambda: one.being_written() == 0)
    assert sorted(one.sealed()) == [b"[-0]", b"[-1]", b"[0]", b"[1]"]


def test_whatever_was_acknowledged_before_a_request_is_sealed_after_it(
    desks: Callable[[Limits], Desk],
) -> None:
    """With posts without pause, so that requests meet files at every stage."""
    desk, acknowledged, over = desks(PATIENT), [0], threading.Event()

    def keep_posting() -> None:
        while not over.is_set():
            desk.post(b"[%d]" % acknowledged[0])
            acknowledged[0] += 1

    posting = threading.Thread(target=keep_posting)
    posting.start()
    try:
        for requests in range(1, 11):
            wait_until(lambda: desk.being_written() == 1)
            before = acknowledged[0]
            desk.store.request_seal("marketing")
            assert len(desk.sealed()) >= before
            assert len(desk.store.waiting("marketing")) == requests
    finally:
        over.set()
        posting.join()
    desk.writer.close()
    assert desk.sealed() == [b"[%d]" % number for number in range(acknowledged[0])]


def test_writer_leaves_it_to_a_loader_that_asks(desks: Callable[[Limits], Desk]) -> None:
    desk = desks(HASTY)
    desk.set_request(seconds_ago=seal_requests.VALID_S / 2)
    for number in range(3):
        desk.post(b"[%d]" % number)
        time.sleep(LONG_ENOUGH_S)
    assert (desk.sealed(), desk.being_written()) == ([], 1)

    desk.store.request_seal("marketing")
    wait_until(lambda: desk.sealed() == [b"[0]", b"[1]", b"[2]"])
    assert len(desk.store.waiting("marketing")) == 1


@pytest.mark.parametrize("seconds_ago", [seal_requests.VALID_S + 5, -60.0])
def test_writer_seals_by_age_when_the_last_request_is_old_or_from_another_clock(
    desks: Callable[[Limits], Desk], seconds_ago: float
) -> None:
    desk = desks(HASTY)
    desk.set_request(seconds_ago)
    desk.post(b"[1]")
    wait_until(lambda: desk.sealed() == [b"[1]"])


def test_writer_waits_for_a_request_only_so_long(
    desks: Callable[[Limits], Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loader that asked a moment ago has died."""
    monkeypatch.setattr(seal_requests, "LONGEST_OPEN_S", LONG_ENOUGH_S)
    desk = desks(HASTY)
    desk.set_request(seconds_ago=1)
    began = time.monotonic()
    desk.post(b"[1]")
    wait_until(lambda: desk.sealed() == [b"[1]"])
    assert time.monotonic() - began >= LONG_ENOUGH_S


def test_few_files_pile_up_while_nobody_loads(desks: Callable[[Limits], Desk]) -> None:
    desk = desks(HASTY)
    for number in range(10):
        desk.post(b"[%d]" % number)
        wait_until(lambda number=number: len(desk.sealed()) == number + 1)  # type: ignore[misc]
    desk.post(b"[10]")
    time.sleep(LONG_ENOUGH_S)
    assert (len(desk.sealed()), desk.being_written()) == (10, 1)

    desk.store.archive(desk.store.waiting("marketing")[0])
    wait_until(lambda: desk.sealed() == [b"[%d]" % number for number in range(1, 11)])


def test_file_counts_as_waiting_when_its_first_post_is_old_enough(desks: Callable[[Limits], Desk]) -> None:
    desk = desks(PATIENT)
    assert desk.being_written() == 0
    desk.post(b"[1]")
    assert (desk.being_written(), desk.being_written(min_age_s=LONG_ENOUGH_S)) == (1, 0)
    time.sleep(LONG_ENOUGH_S)
    desk.post(b"[2]")
    (file,) = desk.store.being_written("marketing", min_age_s=LONG_ENOUGH_S)
    assert (file.source, file.day) == ("marketing", datetime.now(UTC).date())


def test_file_of_a_dead_writer_is_not_waited_for_long(desks: Callable[[Limits], Desk]) -> None:
    desk = desks(PATIENT)
    (desk.folder / "open").mkdir(parents=True)
    left = (
        desk.folder
        / "open"
        / f"{datetime.now(UTC) - timedelta(hours=1):%Y%m%dT%H%M%S%f}Z-{'0' * 16}-00000001.posts"
    )
    left.write_bytes(b"")
    began = time.monotonic()
    desk.store.request_seal("marketing")
    assert 0.9 < time.monotonic() - began < 10
    assert left.exists()
    os.utime(left, (time.time() - 130, time.time() - 130))
    assert desk.being_written() == 0, "it was not written to for so long that its writer is dead"


def test_landing_that_takes_no_requests_is_loaded_nevertheless(
    desks: Callable[[Limits], Desk], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(source_dir: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(seal_requests, "make", refuse)
    desk = desks(PATIENT)
    desk.post(b"[1]")
    desk.store.request_seal("marketing")
    assert "The receiver cannot be asked to seal its files" in caplog.text


def test_nobody_is_asked_on_an_object_store() -> None:
    fs = fsspec.filesystem("memory")
    fs.pipe_file("/asked/marketing/open/a.posts", b"")
    store = LandingStore(fs, "/asked", "memory://")
    store.request_seal("marketing")
    assert (store.being_written("marketing"), fs.ls("/asked/marketing", detail=False)) == (
        [],
        ["/asked/marketing/open"],
    )
