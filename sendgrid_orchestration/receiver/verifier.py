"""The other half of `verification`: a process that checks signatures and does nothing else.

It reads requests from its standard input (a socket), in the order of which it writes one byte for each: 1 if a key made the
signature, else 0. It ends when its worker closes the socket or dies.
"""

from __future__ import annotations

import signal
import socket
import struct
import sys
from functools import lru_cache

from sendgrid_orchestration.sendgrid.signature import PublicKey

REQUEST = struct.Struct("<BB32s")
"""Length of the signature, length of the key, SHA-256 of what was signed; signature and key follow."""

_READ_BYTES = 256 * 1024


def main() -> None:
    """Answer until nobody asks any more."""
    # A supervisor, or Ctrl-C, tells all processes to end; this one goes last, when its worker has no more questions.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked = bytearray()
    with socket.socket(fileno=sys.stdin.fileno()) as worker:
        while data := worker.recv(_READ_BYTES):
            asked += data
            verdicts, used = _judge(asked)
            del asked[:used]
            try:
                worker.sendall(verdicts)
            except OSError:
                return


def _judge(asked: bytearray) -> tuple[bytes, int]:
    """The verdicts on all whole requests, and how many bytes those had."""
    verdicts = bytearray()
    start = 0
    while (after := start + REQUEST.size) <= len(asked):
        signature_length, key_length, digest = REQUEST.unpack_from(asked, start)
        middle, end = after + signature_length, after + signature_length + key_length
        if end > len(asked):
            break
        key = _key(bytes(asked[middle:end]))
        verdicts.append(key.verify(bytes(asked[after:middle]), digest))
        start = end
    return bytes(verdicts), start


@lru_cache(maxsize=256)
def _key(der: bytes) -> PublicKey:
    return PublicKey.from_der(der)


if __name__ == "__main__":
    main()
