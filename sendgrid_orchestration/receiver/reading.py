"""Reads a request's body: within its limit, and within a time that no honest sender exceeds."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]

from sendgrid_orchestration.receiver.refusal import Refusal

_LINGER_SECONDS = 10.0
_LINGER_BYTES = 64 * 1024 * 1024
"""How much of a refused body is read: what a sender that reads the answer only at the end may send until then."""


class BodyReader:
    """Reads bodies, and gives up on those that trickle in.

    One timer looks at all of them: a timeout of its own for each body took a tenth of the receiver's processor time.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        """Start looking.

        Args:
            loop: whose requests these are.
            seconds: how long a body may take.
        """
        self._loop = loop
        self._seconds = seconds
        self._deadlines: dict[asyncio.Task[Any], float] = {}
        self._given_up: set[asyncio.Task[Any]] = set()
        self._give_up_on_slow()

    async def read(self, proto: Any, length: int | None, limit: int) -> bytes | Refusal:
        """The body, or why there is none.

        Args:
            proto: granian's side of the request.
            length: what the request says its body has, if it does; checked against the limit by the caller.
            limit: how many bytes to read at most where it does not.
        """
        task = asyncio.current_task(self._loop)
        assert task
        self._deadlines[task] = self._loop.time() + self._seconds
        try:
            if length is not None:
                return await proto()  # type: ignore[no-any-return] # the server reads no further than `length`
            return await _read_parts(proto, limit)
        except (ProtocolClosed, ProtocolError):
            return Refusal.ABORTED
        except asyncio.CancelledError:
            if task not in self._given_up:
                raise
            self._given_up.discard(task)
            task.uncancel()
            return Refusal.TOO_SLOW
        finally:
            del self._deadlines[task]

    async def discard(self, proto: Any) -> None:
        """Read what a sender still sends of a body that nobody wants, so that it gets to read the answer.

        A connection that is closed while data arrive is reset, and the sender meets a broken pipe instead of the answer.

        Raises:
            ProtocolClosed, ProtocolError: the sender is gone.
        """
        task = asyncio.current_task(self._loop)
        assert task
        self._deadlines[task] = self._loop.time() + _LINGER_SECONDS
        left = _LINGER_BYTES
        try:
            with suppress(ProtocolError):  # it was begun already
                aiter(proto)
            while left > 0 and (part := await anext(proto, b"")):
                left -= len(part)
        except asyncio.CancelledError:
            if task not in self._given_up:
                raise
            self._given_up.discard(task)
            task.uncancel()
        finally:
            del self._deadlines[task]

    def _give_up_on_slow(self) -> None:
        now = self._loop.time()
        for task, deadline in self._deadlines.items():
            if deadline < now and task not in self._given_up:
                self._given_up.add(task)
                task.cancel()
        self._loop.call_later(min(1.0, self._seconds / 2), self._give_up_on_slow)


async def _read_parts(proto: Any, limit: int) -> bytes | Refusal:
    parts: list[bytes] = []
    empty = 0
    async for part in proto:
        parts.append(part)
        limit -= len(part)
        if limit < 0:
            return Refusal.TOO_LARGE
        empty += not part
    # Granian hands out one empty part at the end, and one more in place of an error: no last chunk, or none that can be
    # read. Trailers behind the last chunk look the same; no sender of webhooks has any.
    return Refusal.ABORTED if empty > 1 else b"".join(parts)
