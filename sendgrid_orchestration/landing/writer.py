"""Writes one source's posts durably, many with one fsync (group commit), and seals files by request, age and size.

A thread does all the writing. While it waits for the disk, posts queue up, and the next fsync serves them all: a busy
receiver pays for one fsync per group and not per post, an idle one waits for nothing.
"""

from __future__ import annotations

import itertools
import logging
import operator
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Generic, Self, TypeVar

from sendgrid_orchestration.landing import seal_requests
from sendgrid_orchestration.landing.errors import LandingError, LandingFull, LandingUnwritable
from sendgrid_orchestration.landing.format import Post, encode
from sendgrid_orchestration.landing.names import name_giver
from sendgrid_orchestration.landing.segment import OpenSegment, make_directory, refusal

logger = logging.getLogger(__name__)

T = TypeVar("T")

Settle = Callable[[Sequence[T], LandingError | None], None]
"""Told once per group, on the writer's thread, which posts (by their tickets) are durable or why they are not."""

_GROUP_BYTES = 8 * 1024 * 1024  # bounds how long one fsync can take, and with it the answer
_GROUP_SECONDS = 0.002
"""Under load groups follow each other no faster than this: larger groups took a quarter off the time per post. A post
that comes alone is written at once."""

_BACKLOG_FILES = 10
"""If so many sealed files wait, no loader is at work: one more would reach nobody any sooner."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a file is sealed and when posts are refused."""

    seal_seconds: float = 2.0
    seal_bytes: int = 16 * 1024 * 1024
    min_free_bytes: int = 512 * 1024 * 1024


class Writer(Generic[T]):
    """Takes posts of one source from any thread and answers for each when it is durable.

    Several writers, in one process or in many, may write the same source: each has files of its own.
    """

    def __init__(
        self,
        root: Path,
        source: str,
        limits: Limits,
        settle: Settle[T],
        on_fsync: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        """Start the thread.

        Args:
            root: the landing's folder, or the spool where the landing is an object store.
            source: whose posts these are.
            limits: when to seal and when to refuse.
            settle: called once per group with its posts' tickets and the error, if there was one.
            on_fsync: told how long each group took to write and synchronise.
        """
        self._directory = root / source
        self._limits = limits
        self._settle = settle
        self._on_fsync = on_fsync
        self._give_name = name_giver()
        self._segment: OpenSegment | None = None
        self._began_at = self._look_at = 0.0
        self._request: seal_requests.SealRequest | None = None
        self._next_group_at = 0.0
        # SimpleQueue waits in C without the interpreter lock and wakes at once; None asks the thread to end.
        self._queue: queue.SimpleQueue[Prepared[T] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"landing-{source}", daemon=True)
        self._thread.start()

    def submit(self, item: Prepared[T]) -> None:
        """Have a post written; `settle` hears of it by its ticket."""
        self._queue.put(item)

    def close(self) -> None:
        """Write what was submitted before, seal, and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        closing = False
        while not closing:
            group, closing = self._next_group()
            if group:
                self._write(group)
            if self._segment and (closing or self._seal_is_due()):
                self._seal()

    def _next_group(self) -> tuple[list[Prepared[T]], bool]:
        """All posts that wait, after waiting for the first until the open file is due; and whether to end."""
        now = time.monotonic()
        if now < self._next_group_at:
            time.sleep(self._next_group_at - now)
        timeout = max(0.0, self._look_at - now) if self._segment else None
        group: list[Prepared[T]] = []
        size = 0
        try:
            item = self._queue.get(timeout=timeout)
            while item is not None:
                group.append(item)
                size += item.size
                if size >= _GROUP_BYTES:
                    return group, False
                item = self._queue.get_nowait()
        except queue.Empty:
            return group, False
        return group, True

    def _write(self, group: list[Prepared[T]]) -> None:
        """Write a group; a file holds the posts of one UTC day only, so midnight may split it."""
        self._next_group_at = time.monotonic() + _GROUP_SECONDS if len(group) > 1 else 0.0
        for _, part in itertools.groupby(group, key=_day):
            items = list(part)
            error = self._write_day(items)
            self._settle([item.ticket for item in items], error)

    def _write_day(self, items: list[Prepared[T]]) -> LandingError | None:
        began = time.perf_counter()
        first = items[0].received_at
        try:
            self._check_room(sum(item.size for item in items))
            if self._segment and self._segment.day != items[0].day:
                self._seal()
            if self._segment is None:
                # Before the file is there: a loader that sees the file makes a later request.
                self._request = seal_requests.latest(self._directory)
                self._segment = OpenSegment.create(self._directory, self._give_name, first)
                self._began_at = time.monotonic()
                self._look_at = self._began_at + min(seal_requests.INTERVAL_S, self._limits.seal_seconds)
            self._segment.append([buffer for item in items for buffer in item.frame], len(items))
        except LandingError as error:
            if not isinstance(error, LandingFull):
                logger.error("%s Posts are answered 503 until it can be written to again.", error)
            self._seal()
            return error
        except Exception as error:  # whatever it is, the posts were not kept and their senders must hear so
            logger.exception("Writing posts failed.")
            self._seal()
            return LandingUnwritable(f"Posts cannot be written to {self._directory} ({error}).")
        self._on_fsync(time.perf_counter() - began)
        return None

    def _check_room(self, size: int) -> None:
        """Refuse before the disk is full: the loader, Postgres and the archive need room to make room."""
        try:
            make_directory(self._directory)
            disk = os.statvfs(self._directory)
        except OSError as error:
            raise refusal(error, self._directory) from error
        if disk.f_bavail * disk.f_frsize - size < self._limits.min_free_bytes:
            raise LandingFull(
                f"Less than {self._limits.min_free_bytes // 2**20} MB would be left on the disk of {self._directory}."
            )

    def _seal_is_due(self) -> bool:
        assert self._segment
        if self._segment.size >= self._limits.seal_bytes:
            return True
        now = time.monotonic()
        if now < self._look_at:
            return False
        self._look_at = now + seal_requests.INTERVAL_S
        request = seal_requests.latest(self._directory)
        if request != self._request:
            return True
        age, seal_seconds = now - self._began_at, self._limits.seal_seconds
        if age < seal_seconds:
            return False
        is_recent = request is not None and request.is_recent
        return age >= max(seal_seconds, seal_requests.LONGEST_OPEN_S) or not (is_recent or self._is_backlog())

    def _is_backlog(self) -> bool:
        try:
            with os.scandir(self._directory / "sealed") as files:
                return sum(1 for _ in itertools.islice(files, _BACKLOG_FILES)) == _BACKLOG_FILES
        except OSError:
            return False

    def _seal(self) -> None:
        segment, self._segment = self._segment, None
        if segment:
            try:
                segment.seal()
            except LandingError as error:
                logger.error("%s A file stays unsealed; the next sweep seals it.", error)


def append_all(root: Path, source: str, posts: Sequence[Post], limits: Limits | None = None) -> None:
    """Land posts and seal them: for tests, imports and benchmarks that need landed files without a receiver.

    Raises:
        LandingError: one of the posts was not kept.
    """
    writer: Writer[Future[None]] = Writer(root, source, limits or Limits(), settle_futures)
    written: list[Future[None]] = []
    for post in posts:
        written.append(Future())
        writer.submit(Prepared.of(post, written[-1]))
    writer.close()
    for future in written:
        future.result()


def settle_futures(tickets: Sequence[Future[None]], error: LandingError | None) -> None:
    """The `settle` of callers that wait in threads."""
    for future in tickets:
        if error:
            future.set_exception(error)
        else:
            future.set_result(None)


@dataclass(slots=True)
class Prepared(Generic[T]):
    """A post as it will lie in its file, ready for any writer, and the ticket that stands for it."""

    received_at: datetime
    day: date
    frame: tuple[bytes, bytes]
    size: int
    ticket: T

    @classmethod
    def of(cls, post: Post, ticket: T) -> Self:
        """Build the frame, checksum included: for large posts best done where nobody waits for this thread."""
        frame = encode(post)
        return cls(post.received_at, post.received_at.date(), frame, len(frame[0]) + len(frame[1]), ticket)


_day = operator.attrgetter("day")
