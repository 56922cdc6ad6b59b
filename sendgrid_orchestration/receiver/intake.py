"""From a body in memory to a post on disk: check the signature, check the JSON, have it written, say so.

The event loop only moves bytes. Signatures (a tenth of a millisecond each, without the interpreter lock) and JSON are
checked on a few threads, each source's writer has a thread of its own, and their verdicts come back to the loop once
per group and not once per post.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sendgrid_orchestration.landing.errors import LandingError, LandingFull
from sendgrid_orchestration.landing.format import Post
from sendgrid_orchestration.landing.writer import Limits, Writer
from sendgrid_orchestration.receiver.bodies import count_items
from sendgrid_orchestration.receiver.gate import Gate, Headers
from sendgrid_orchestration.receiver.metrics import Metrics
from sendgrid_orchestration.receiver.refusal import Refusal
from sendgrid_orchestration.sendgrid.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER

logger = logging.getLogger(__name__)

_CHECKERS = min(4, os.cpu_count() or 1)


@dataclass(slots=True)
class _Arrival:
    """A post on its way, and who waits for the verdict."""

    gate: Gate
    headers: dict[str, str]
    body: bytes
    verdict: asyncio.Future[Refusal | None]
    items: int = 0


class Intake:
    """Takes posts that came through a gate. Belongs to one event loop."""

    def __init__(self, root: Path, limits: Limits, metrics: Metrics, loop: asyncio.AbstractEventLoop) -> None:
        """Start the threads.

        Args:
            root: where the writers write: the landing's folder or the spool.
            limits: when files are sealed and when posts are refused.
            metrics: told of every post that was kept.
            loop: where verdicts are awaited.
        """
        self._root = root
        self._limits = limits
        self._metrics = metrics
        self._loop = loop
        self._writers: dict[str, Writer[_Arrival]] = {}
        self._opening_writer = threading.Lock()
        self._arrivals: queue.SimpleQueue[_Arrival | None] = queue.SimpleQueue()
        self._checkers = [
            threading.Thread(target=self._check_all, name=f"checker-{number}", daemon=True)
            for number in range(_CHECKERS)
        ]
        for checker in self._checkers:
            checker.start()

    async def take(self, gate: Gate, headers: Headers, body: bytes) -> Refusal | None:
        """Keep a post. Returns None once it is on disk, else why it is not."""
        kept = {
            name: value
            for name in (SIGNATURE_HEADER, TIMESTAMP_HEADER, "content-type")
            if (value := headers.get(name)) is not None
        }
        verdict: asyncio.Future[Refusal | None] = self._loop.create_future()
        self._arrivals.put(_Arrival(gate, kept, body, verdict))
        return await verdict

    def close(self) -> None:
        """Finish what was taken, seal every file and end the threads."""
        for _ in self._checkers:
            self._arrivals.put(None)
        for checker in self._checkers:
            checker.join()
        for writer in self._writers.values():
            writer.close()

    def _check_all(self) -> None:
        while (arrival := self._arrivals.get()) is not None:
            try:
                if refusal := self._check(arrival):
                    self._answer([arrival], refusal)
                else:
                    post = Post(datetime.now(UTC), arrival.headers, arrival.body)
                    self._writer(arrival.gate.source).submit(post, arrival)
            except Exception:  # a checker that dies would leave every later post without an answer
                logger.exception("A post could not be checked.")
                self._answer([arrival], Refusal.FAILED)

    def _check(self, arrival: _Arrival) -> Refusal | None:
        gate, headers = arrival.gate, arrival.headers
        if gate.requires_signature and not gate.verifies(
            headers.get(SIGNATURE_HEADER, ""), headers.get(TIMESTAMP_HEADER, ""), arrival.body
        ):
            return Refusal.WRONG_SIGNATURE
        items = count_items(arrival.body)
        if items is None:
            return Refusal.NOT_AN_ARRAY
        arrival.items = items
        return None

    def _writer(self, source: str) -> Writer[_Arrival]:
        writer = self._writers.get(source)
        if writer is None:
            with self._opening_writer:
                if (writer := self._writers.get(source)) is None:
                    settle = partial(self._settle, source)
                    writer = Writer(self._root, source, self._limits, settle, self._metrics.fsync.observe)
                    self._writers[source] = writer
        return writer

    def _settle(self, source: str, arrivals: Sequence[_Arrival], error: LandingError | None) -> None:
        """A group is on disk, or is not; called on the writer's thread."""
        if error is None:
            self._metrics.posts.labels(source).inc(len(arrivals))
            self._metrics.events.labels(source).inc(sum(arrival.items for arrival in arrivals))
            self._metrics.bytes.labels(source).inc(sum(len(arrival.body) for arrival in arrivals))
            self._answer(arrivals, None)
        else:
            self._answer(arrivals, Refusal.FULL if isinstance(error, LandingFull) else Refusal.UNWRITABLE)

    def _answer(self, arrivals: Sequence[_Arrival], refusal: Refusal | None) -> None:
        try:
            self._loop.call_soon_threadsafe(_give_verdicts, arrivals, refusal)
        except RuntimeError:
            # The loop was stopped before its requests had their answers: they get none, and SendGrid posts them again.
            logger.warning("%d posts went without an answer because the receiver stopped.", len(arrivals))


def _give_verdicts(arrivals: Sequence[_Arrival], refusal: Refusal | None) -> None:
    for arrival in arrivals:
        if not arrival.verdict.done():
            arrival.verdict.set_result(refusal)
