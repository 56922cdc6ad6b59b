"""Has signatures checked by a process of its own, so that one post is checked while the next is read.

A signature takes a tenth of a millisecond, half of all the time that a small post takes. On threads of the worker that
half overlaps with the rest only on paper: each check gives up the interpreter's lock and has to get it back, and the time
for waking threads ate what was won. The process gets what the whole round of the event loop asks in one message, and
answers it in one.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence

from sendgrid_orchestration.receiver.verifier import REQUEST
from sendgrid_orchestration.sendgrid.signature import PublicKey

logger = logging.getLogger(__name__)

Verdict = bool | None
"""Whether a key made the signature; None where it could not be found out."""

_RESTART_SECONDS = 1.0
_READ_BYTES = 64 * 1024


class Verification:
    """Asks the verifier process. Belongs to one event loop and is used on its thread alone."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the process.

        Args:
            loop: where questions are asked and verdicts are given.
        """
        self._loop = loop
        self._asked: deque[Callable[[Verdict], None]] = deque()
        self._unsent = bytearray()
        self._flushing = False
        self._closed = False
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._start()

    def ask(
        self, keys: Sequence[PublicKey], signature: bytes, digest: bytes, answer: Callable[[Verdict], None]
    ) -> None:
        """Whether one of these keys made the signature over what has this digest.

        Args:
            keys: several while a key is rotated; they are tried one after the other.
            signature: as it came, decoded.
            digest: of the timestamp and the body.
            answer: called with the verdict.
        """
        if self._socket is None:
            answer(None)
            return
        first, *others = keys
        self._unsent += REQUEST.pack(len(signature), len(first.der), digest) + signature + first.der
        self._asked.append(self._then(others, signature, digest, answer) if others else answer)
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _then(
        self, others: Sequence[PublicKey], signature: bytes, digest: bytes, answer: Callable[[Verdict], None]
    ) -> Callable[[Verdict], None]:
        """Ask about the other keys where the first did not make the signature."""

        def on_verdict(verdict: Verdict) -> None:
            if verdict is False:
                self.ask(others, signature, digest, answer)
            else:
                answer(verdict)

        return on_verdict

    def close(self) -> None:
        """End the process."""
        self._closed = True
        self._stop()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sendgrid_orchestration.receiver.verifier"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
            )
        self._socket = ours
        self._loop.add_reader(ours.fileno(), self._read)

    def _flush(self) -> None:
        """Send what was asked since the last time; the rest follows when there is room."""
        if self._socket is None:
            return
        try:
            del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._restart()
            return
        if self._unsent:
            self._loop.add_writer(self._socket.fileno(), self._flush)
        elif self._flushing:
            self._loop.remove_writer(self._socket.fileno())
            self._flushing = False

    def _read(self) -> None:
        assert self._socket
        try:
            verdicts = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            verdicts = b""
        if not verdicts:
            self._restart()
        for verdict in verdicts:
            self._asked.popleft()(bool(verdict))

    def _restart(self) -> None:
        """The process died: whoever waits for it is told so, and a new one is started."""
        self._stop()
        logger.error(
            "The process that checks signatures died; starting another. Posts meanwhile are answered 503."
        )
        self._loop.call_later(_RESTART_SECONDS, self._start_again)

    def _start_again(self) -> None:
        if not self._closed:
            self._start()

    def _stop(self) -> None:
        if self._socket:
            self._loop.remove_reader(self._socket.fileno())
            self._loop.remove_writer(self._socket.fileno())
            self._socket.close()
            self._socket = None
        if self._process:
            self._process.kill()
            self._process.wait()
        self._unsent.clear()
        self._flushing = False
        asked, self._asked = self._asked, deque()
        for answer in asked:
            answer(None)
