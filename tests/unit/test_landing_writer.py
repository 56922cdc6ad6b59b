"""The writer: durable before it says so, many posts with one fsync, and never a wrong word after a failure."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sendgrid_orchestration.landing.errors import LandingError, LandingFull, LandingUnwritable
from sendgrid_orchestration.landing.format import (
    MAGIC,
    MAGIC_WITHOUT_TRAILER,
    TRAILER_BYTES,
    Content,
    Post,
    encode,
    header,
    whole_file,
)
from sendgrid_orchestration.landing.names import name_giver
from sendgrid_orchestration.landing.recovery import seal_leftovers
from sendgrid_orchestration.landing.segment import OpenSegment
from sendgrid_orchestration.landing.store import open_store
from sendgrid_orchestration.landing.writer import Limits, Prepared, Writer, append_all, settle_futures

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PATIENT = Limits(seal_seconds=300, min_free_bytes=1)


class Desk:
    """A writer, and everything it was told."""

    def __init__(self, root: Path, limits: Limits = PATIENT, source: str = "marketing") -> None:
        self.root = root
        self.fsyncs: list[float] = []
        self.writer: Writer[Future[None]] = Writer(root, source, limits, settle_futures, self.fsyncs.append)

    def put(self, body: bytes, received_at: datetime = NOW) -> Future[None]:
        future: Future[None] = Future()
        self.writer.submit(Prepared.of(Post(received_at, {}, body), future))
        return future

    def landed(self, source: str = "marketing") -> list[bytes]:
        store = open_store(self.root.as_uri())
        return [post.body for file in store.waiting(source) for post in store.read(file)]

    def open_files(self) -> list[Path]:
        return list(self.root.glob("*/open/*"))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "landing")
    yield desk
    desk.writer.close()


def failing(monkeypatch: pytest.MonkeyPatch, call: str, number: int, times: int = 1) -> None:
    """Let a system call fail so many times."""
    real, left = getattr(os, call), [times]

    def fail(*args: Any) -> Any:
        if left[0] > 0:
            left[0] -= 1
            raise OSError(number, os.strerror(number))
        return real(*args)

    monkeypatch.setattr(os, call, fail)


def test_posts_are_settled_only_after_file_and_directory_are_synchronised(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def watch(name: str) -> None:
        real = getattr(os, name)

        def call(*args: Any) -> Any:
            result = real(*args)
            calls.append(name)
            return result

        monkeypatch.setattr(os, name, call)

    for name in ("fsync", "fdatasync", "writev"):
        watch(name)
    first = desk.put(b"[1]")
    first.add_done_callback(lambda _: calls.append("settled"))
    first.result(10)

    assert calls[-3:] == ["writev", "fdatasync", "settled"]
    assert "fsync" in calls[:-3]  # the directory, before anything in the file counts


def test_posts_that_wait_together_share_one_fsync(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real, gate = os.fdatasync, threading.Event()

    def slow(fd: int) -> None:
        gate.wait(10)
        real(fd)

    monkeypatch.setattr(os, "fdatasync", slow)
    futures = [desk.put(b"[0]")]
    time.sleep(0.1)
    futures += [desk.put(b"[%d]" % number) for number in range(1, 200)]
    gate.set()
    wait(futures, 10)

    assert all(future.result() is None for future in futures)
    assert len(desk.fsyncs) <= 3
    desk.writer.close()
    assert desk.landed() == [b"[%d]" % number for number in range(200)]


def test_sealed_file_states_what_it_holds(desk: Desk) -> None:
    """Its name, how many posts and their checksum, over several groups."""
    for number in range(3):
        desk.put(b"[%d]" % number).result(10)
    desk.writer.close()
    (path,) = (desk.root / "marketing" / "sealed").iterdir()

    expected = whole_file(path.name.removesuffix(".posts"), [Post(NOW, {}, b"[%d]" % n) for n in range(3)])
    assert path.read_bytes() == b"".join(expected)


def test_file_is_sealed_when_its_first_post_is_old_enough(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Limits(seal_seconds=0.2, min_free_bytes=1))
    desk.put(b"[1]").result(10)
    assert desk.landed() == []

    deadline = time.monotonic() + 10
    while not desk.landed() and time.monotonic() < deadline:
        time.sleep(0.02)

    assert desk.landed() == [b"[1]"]
    assert desk.open_files() == []
    desk.writer.close()


def test_file_is_sealed_when_it_is_large_enough(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Limits(seal_seconds=300, seal_bytes=1000, min_free_bytes=1))
    for _ in range(3):
        desk.put(b"[" + b" " * 600 + b"]").result(10)
    desk.writer.close()

    sizes = [file.size for file in open_store(tmp_path.as_uri()).waiting("marketing")]
    assert len(sizes) == 2
    assert max(sizes) < 1000 + 700


def test_no_file_spans_two_days(desk: Desk) -> None:
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    for seconds in (-2, -1, 0, 1):
        desk.put(b"[%d]" % seconds, midnight + timedelta(seconds=seconds))
    desk.writer.close()

    store = open_store(desk.root.as_uri())
    days = {file.day: [post.body for post in store.read(file)] for file in store.waiting("marketing")}
    assert days == {NOW.date(): [b"[-2]", b"[-1]"], midnight.date(): [b"[0]", b"[1]"]}


def test_clock_that_steps_back_loses_and_overwrites_nothing(desk: Desk) -> None:
    moments = [NOW, NOW + timedelta(days=1), NOW, NOW - timedelta(days=30), NOW]
    futures = [desk.put(b"[%d]" % number, moment) for number, moment in enumerate(moments)]
    wait(futures, 10)
    desk.writer.close()

    assert sorted(desk.landed()) == [b"[%d]" % number for number in range(len(moments))]


@pytest.mark.parametrize("call", ["writev", "fdatasync"])
@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.ENOSPC, LandingFull), (errno.EDQUOT, LandingFull), (errno.EIO, LandingUnwritable)],
)
def test_failed_write_is_refused_cut_off_and_overcome(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, call: str, number: int, error: type[LandingError]
) -> None:
    """After a failed fsync the kernel may have dropped pages: the file is cut to what is certain and left."""
    desk.put(b"[1]").result(10)
    failing(monkeypatch, call, number)

    with pytest.raises(error):
        desk.put(b"[2]").result(10)
    desk.put(b"[3]").result(10)
    desk.writer.close()

    assert desk.landed() == [b"[1]", b"[3]"]
    assert len(open_store(desk.root.as_uri()).waiting("marketing")) == 2


def test_write_that_stops_halfway_leaves_no_half_post(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real_writev = os.writev
    desk.put(b"[1]").result(10)

    def half(fd: int, buffers: Sequence[bytes]) -> int:
        return real_writev(fd, [b"".join(buffers)[:7]])

    monkeypatch.setattr(os, "writev", half)
    failing(monkeypatch, "write", errno.ENOSPC)
    with pytest.raises(LandingFull):
        desk.put(b"[2]").result(10)
    desk.put(b"[3]").result(10)  # the rest of a short write is written by further calls
    desk.writer.close()

    assert desk.landed() == [b"[1]", b"[3]"]


def test_file_that_cannot_be_created_leaves_nothing_behind(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "write", errno.ENOSPC)

    with pytest.raises(LandingFull):
        desk.put(b"[1]").result(10)
    assert desk.open_files() == []
    desk.put(b"[2]").result(10)


def test_nearly_full_disk_refuses_before_harm_and_recovers_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path, Limits(seal_seconds=300, min_free_bytes=2**30))
    real, free = os.statvfs, [2**40]

    class Disk:
        f_frsize = 1

        @property
        def f_bavail(self) -> int:
            return free[0]

    monkeypatch.setattr(
        os, "statvfs", lambda path: Disk() if Path(path).is_relative_to(tmp_path) else real(path)
    )
    desk.put(b"[1]").result(10)
    free[0] = 2**30
    with pytest.raises(LandingFull, match="1024 MB"):
        desk.put(b"[2]").result(10)
    free[0] = 2**40
    desk.put(b"[3]").result(10)
    desk.writer.close()

    assert desk.landed() == [b"[1]", b"[3]"]


def test_writers_of_one_source_share_a_landing(tmp_path: Path) -> None:
    desks = [Desk(tmp_path) for _ in range(4)]
    futures = [
        desk.put(b"[%d,%d]" % (which, number)) for which, desk in enumerate(desks) for number in range(50)
    ]
    wait(futures, 10)
    for desk in desks:
        desk.writer.close()

    assert sorted(desks[0].landed()) == sorted(
        b"[%d,%d]" % (which, number) for which in range(4) for number in range(50)
    )


def test_landing_that_was_removed_under_the_writer_is_made_again(desk: Desk) -> None:
    desk.put(b"[1]").result(10)
    for path in desk.open_files():
        path.unlink()
    (desk.root / "marketing" / "open").rmdir()
    (desk.root / "marketing").rmdir()

    desk.put(b"[2]")
    desk.writer.close()
    append_all(desk.root, "marketing", [Post(NOW, {}, b"[3]")])
    assert desk.landed() == [b"[3]"]


def test_empty_file_that_somebody_took_away_is_no_trouble(tmp_path: Path) -> None:
    segment = OpenSegment.create(tmp_path / "marketing", name_giver(), NOW)
    (file,) = tmp_path.glob("marketing/open/*")
    file.unlink()
    assert segment.seal() is None


def test_append_all_raises_what_the_disk_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, "fdatasync", errno.EIO)

    with pytest.raises(LandingUnwritable, match="Input/output error"):
        append_all(tmp_path, "marketing", [Post(NOW, {}, b"[]")], PATIENT)


def abandon(root: Path, bodies: Sequence[bytes], tail: bytes = b"") -> Path:
    """What a writer leaves that was killed: an open file without a lock, perhaps with half a post at its end."""
    append_all(root, "marketing", [Post(NOW, {}, body) for body in bodies], PATIENT)
    sealed = max((root / "marketing" / "sealed").iterdir())
    path = root / "marketing" / "open" / sealed.name
    sealed.rename(path)
    with path.open("ab") as file:
        file.write(tail)
    return path


def assert_sealed(root: Path, bodies: Sequence[bytes]) -> None:
    assert len(seal_leftovers(root)) == 1
    store = open_store(root.as_uri())
    assert [post.body for file in store.waiting("marketing") for post in store.read(file)] == bodies
    assert seal_leftovers(root) == []


@pytest.mark.parametrize("tail", [b"", b"\x05", bytes(5000), b"half a frame, longer than the header of one"])
@pytest.mark.parametrize("lost", [0, 1, TRAILER_BYTES - 1, TRAILER_BYTES])
def test_leftover_of_a_dead_writer_is_cut_and_sealed(tmp_path: Path, tail: bytes, lost: int) -> None:
    """The next write begins where the trailer is, and may have got any part of the way."""
    path = abandon(tmp_path, [b"[1]", b"[2]"])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - lost] + tail)

    assert_sealed(tmp_path, [b"[1]", b"[2]"])


def test_leftover_of_a_writer_that_died_behind_whole_frames_keeps_them(tmp_path: Path) -> None:
    """They were not acknowledged, and may have been written all the same."""
    path = abandon(tmp_path, [b"[1]"])
    frame = b"".join(encode(Post(NOW, {}, b"[2]")))
    path.write_bytes(path.read_bytes()[:-TRAILER_BYTES] + frame + frame[:-1])

    assert_sealed(tmp_path, [b"[1]", b"[2]"])


@pytest.mark.parametrize("tail", [b"", b"\x05", bytes(5000)])
def test_leftover_of_the_first_version_is_cut_and_sealed_as_such(tmp_path: Path, tail: bytes) -> None:
    """An upgrade of the receiver after a kill."""
    path = abandon(tmp_path, [b"[]"])
    frames = [b"".join(encode(Post(NOW, {}, body))) for body in (b"[1]", b"[2]")]
    path.write_bytes(MAGIC_WITHOUT_TRAILER + b"".join(frames) + tail)

    assert_sealed(tmp_path, [b"[1]", b"[2]"])


@pytest.mark.parametrize("room", range(0, 2 * TRAILER_BYTES, 5))
def test_file_is_whole_although_the_disk_filled_up_at_any_byte(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """A post that found no room leaves the file as it was, its trailer included, and not a byte larger."""
    desk.put(b"[1]").result(10)
    (path,) = desk.open_files()
    before = path.read_bytes()
    real = os.writev

    def write_little(fd: int, buffers: Sequence[bytes]) -> int:
        data = b"".join(buffers)[:room]
        if not data:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, [data])

    with monkeypatch.context() as full:
        full.setattr(os, "writev", write_little)
        failing(full, "write", errno.ENOSPC)
        with pytest.raises(LandingFull):
            desk.put(b"[2]" + bytes(100)).result(10)
    desk.writer.close()
    seal_leftovers(desk.root)  # where the disk has no room for a single byte, the next sweep seals the file

    (sealed,) = (desk.root / "marketing" / "sealed").iterdir()
    assert sealed.read_bytes() == before
    assert desk.landed() == [b"[1]"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"SGPO",
        MAGIC,
        header("20261120T12"),
        header("2026")[:-1],
        MAGIC_WITHOUT_TRAILER,
        MAGIC_WITHOUT_TRAILER + b"half a frame",
        header("2026") + b"half a frame",
        header("2026") + Content(header("2026")).trailer(),
    ],
)
def test_leftover_without_a_whole_post_is_removed(tmp_path: Path, content: bytes) -> None:
    path = abandon(tmp_path, [b"[]"])
    path.write_bytes(content)

    assert seal_leftovers(tmp_path) == []
    assert not path.exists()


def test_leftover_of_an_unknown_version_is_kept_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = abandon(tmp_path, [b"[1]"])
    path.write_bytes(b"SGPOSTS\x03" + bytes(100))

    assert seal_leftovers(tmp_path) == []
    assert (tmp_path / "marketing" / "damaged" / path.name).stat().st_size == 108
    assert "nothing was deleted" in caplog.text


def test_file_of_a_living_writer_is_left_alone(desk: Desk) -> None:
    desk.put(b"[1]").result(10)

    assert seal_leftovers(desk.root) == []
    assert len(desk.open_files()) == 1
    desk.put(b"[2]").result(10)
    desk.writer.close()
    assert desk.landed() == [b"[1]", b"[2]"]


def test_sweeps_beside_writers_that_begin_many_files_lose_nothing(tmp_path: Path) -> None:
    """A sweep may meet a file between its creation and its lock."""
    desk = Desk(tmp_path, Limits(seal_seconds=300, seal_bytes=1, min_free_bytes=1))
    done = threading.Event()

    def sweep() -> None:
        while not done.is_set():
            seal_leftovers(tmp_path)

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    futures = []
    for number in range(150):
        futures.append(desk.put(b"[%d]" % number))
        futures[-1].result(10)
    done.set()
    sweeper.join()
    desk.writer.close()

    assert sorted(desk.landed()) == sorted(b"[%d]" % number for number in range(150))
