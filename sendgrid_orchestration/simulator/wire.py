"""The exact bytes of an Event Webhook post, and its signature.

SendGrid's body is an array whose events are separated by a comma and CRLF, with CRLF at the end. Keys come sorted. Some of its
servers escape `<`, `>` and `&`, others do not; text beyond ASCII comes raw. A signature covers those bytes, so a receiver
that parses and writes again cannot check it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"

HEADERS: dict[str, str] = {
    "Content-Type": "application/json;charset=utf-8",
    "User-Agent": "SendGrid Event API",
    "Accept-Encoding": "gzip",
}
"""What every post carries."""

_SHA256 = ec.ECDSA(hashes.SHA256())
_ESCAPES = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"))


def body(items: Iterable[Any], *, escaped: bool = True) -> bytes:
    """The bytes of one post.

    Args:
        items: the events; anything that JSON can hold, since tests send odd things too.
        escaped: whether this server escapes `<`, `>` and `&`.
    """
    raw = b",\r\n".join(orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in items)
    if escaped:
        for plain, escape in _ESCAPES:
            raw = raw.replace(plain, escape)
    return b"[" + raw + b"]\r\n"


def sign(private_key: ec.EllipticCurvePrivateKey, timestamp: str, raw: bytes) -> str:
    """The signature header: base64 of the DER signature over the timestamp's bytes followed by the body's."""
    return base64.b64encode(private_key.sign(timestamp.encode() + raw, _SHA256)).decode()


def signed_headers(
    private_key: ec.EllipticCurvePrivateKey | None, timestamp: int, raw: bytes
) -> dict[str, str]:
    """All headers of a post; without a key it is not signed."""
    if private_key is None:
        return dict(HEADERS)
    return HEADERS | {
        SIGNATURE_HEADER: sign(private_key, str(timestamp), raw),
        TIMESTAMP_HEADER: str(timestamp),
    }
