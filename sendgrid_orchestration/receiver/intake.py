"""From a body in memory to a post on disk: check the signature, check the JSON, have it written, say so.

The event loop does what takes microseconds. Hashing and counting a large body is left to a few threads, signatures to the
verifier process, the disk to each source's writer thread; verdicts come back to the loop once per group, not once per post.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sendgrid_orchestration.landing.errors import LandingError, LandingFull
from sendgrid_orchestration.landing.format import Post
from sendgrid_orchestration.landing.writer import Limits, Prepared, Writer
from sendgrid_orchestration.receiver.bodies import count_items
from sendgrid_orchestration.receiver.gate import Gate, Headers
from sendgrid_orchestration.receiver.metrics import Metrics
from sendgrid_orchestration.receiver.refusal import Refusal
from sendgrid_orchestration.receiver.verification import Verdict, Verification
from sendgrid_orchestration.sendgrid.signature import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    decode_signature,
    digest_of,
)

logger = logging.getLogger(__name__)

_LARGE_BYTES = 16 * 1024
_THREADS = 2
_MAX_HEADER_CHARACTERS = 1024
"""What is kept of a header's value. Granian hands out printable ASCII alone, so that its JSON has at most twice the size, and
all that is kept is far below what a landed file holds. A signature or timestamp that was cut is no longer valid."""


@dataclass(slots=True)
class _Arrival:
    """A post on its way, and who waits for the verdict."""

    gate: Gate
    verify: bool
    """Whether its signature decides."""
    verdict: asyncio.Future[Refusal | None]
    size: int
    items: int | None = None
    """0: they cannot be counted. None: the body is not a JSON array."""
    signature: bytes | None = None
    digest: bytes | None = None


class Intake:
    """Takes posts that came through a gate. Belongs to one event loop and is used on its thread alone."""

    def __init__(self, root: Path, limits: Limits, metrics: Metrics, loop: asyncio.AbstractEventLoop) -> None:
        """Start threads and the verifier process.

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
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="large-bodies")
        self._verification = Verification(loop)

    async def take(self, gate: Gate, headers: Headers, body: bytes, *, verify: bool) -> Refusal | None:
        """Keep a post.

        Args:
            gate: of its source.
            headers: of the request.
            body: all of it.
            verify: whether it is kept only with a signature by one of the source's keys.

        Returns:
            None once it is on disk, else why it is not.
        """
        kept = {
            name: value[:_MAX_HEADER_CHARACTERS]
            for name in (SIGNATURE_HEADER, TIMESTAMP_HEADER, "content-type")
            if (value := headers.get(name)) is not None
        }
        arrival = _Arrival(gate, verify, self._loop.create_future(), len(body))
        if len(body) < _LARGE_BYTES:
            prepared = _examine(arrival, kept, body)
        else:
            prepared = await self._loop.run_in_executor(self._threads, _examine, arrival, kept, body)
        if not verify:
            self._judge(arrival, prepared, True)
        elif arrival.signature is None or arrival.digest is None:
            self._judge(arrival, prepared, False)
        else:
            answer = partial(self._judge, arrival, prepared)
            self._verification.ask(gate.keys, arrival.signature, arrival.digest, answer)
        return await arrival.verdict

    def close(self) -> None:
        """Finish what was taken, seal every file, end threads and process."""
        self._verification.close()
        self._threads.shutdown()
        for writer in self._writers.values():
            writer.close()

    def _judge(self, arrival: _Arrival, prepared: Prepared[_Arrival], verdict: Verdict) -> None:
        """What becomes of a post, now that its signature is known to be right or wrong."""
        if verdict is None:
            _give_verdicts([arrival], Refusal.FAILED)
        elif not verdict:
            _give_verdicts([arrival], Refusal.WRONG_SIGNATURE)
        elif arrival.items is None:
            _give_verdicts([arrival], Refusal.NOT_AN_ARRAY)
        else:
            self._writer(arrival.gate.source).submit(prepared)

    def _writer(self, source: str) -> Writer[_Arrival]:
        writer = self._writers.get(source)
        if writer is None:
            settle = partial(self._settle, source)
            writer = Writer(self._root, source, self._limits, settle, self._metrics.fsync.observe)
            self._writers[source] = writer
        return writer

    def _settle(self, source: str, arrivals: Sequence[_Arrival], error: LandingError | None) -> None:
        """A group is on disk, or is not; called on the writer's thread."""
        refusal = None
        if error:
            refusal = Refusal.FULL if isinstance(error, LandingFull) else Refusal.UNWRITABLE
        else:
            self._metrics.posts.labels(source).inc(len(arrivals))
            self._metrics.events.labels(source).inc(sum(arrival.items or 0 for arrival in arrivals))
            self._metrics.bytes.labels(source).inc(sum(arrival.size for arrival in arrivals))
        try:
            self._loop.call_soon_threadsafe(_give_verdicts, arrivals, refusal)
        except RuntimeError:
            # The loop was stopped before its requests had their answers: they get none, and SendGrid posts them again.
            logger.warning("%d posts went without an answer because the receiver stopped.", len(arrivals))


def _examine(arrival: _Arrival, headers: dict[str, str], body: bytes) -> Prepared[_Arrival]:
    """All that takes longer the larger the body is."""
    arrival.items = count_items(body)
    if arrival.verify:
        arrival.signature = decode_signature(headers.get(SIGNATURE_HEADER, ""))
        arrival.digest = digest_of(headers.get(TIMESTAMP_HEADER, ""), body)
    return Prepared.of(Post(datetime.now(UTC), headers, body), arrival)


def _give_verdicts(arrivals: Sequence[_Arrival], refusal: Refusal | None) -> None:
    for arrival in arrivals:
        if not arrival.verdict.done():
            arrival.verdict.set_result(refusal)
