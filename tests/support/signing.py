"""Forms and signs Event Webhook posts the way SendGrid does, independently of the code under test."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Iterable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"


class SigningKey:
    """A webhook's key pair: SendGrid keeps the private half."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        der = self._private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.public = base64.b64encode(der).decode()

    def headers(self, body: bytes, timestamp: str | None = None) -> dict[str, str]:
        """The headers of a signed post with this body."""
        timestamp = timestamp or str(int(time.time()))
        signature = self._private.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            SIGNATURE: base64.b64encode(signature).decode(),
            TIMESTAMP: timestamp,
            "Content-Type": "application/json;charset=utf-8",
            "User-Agent": "SendGrid Event API",
        }


def body_of(events: Iterable[dict[str, Any]]) -> bytes:
    r"""Events as SendGrid writes them: CRLF after each comma and at the end, `<` and `>` as \u003c and \u003e, UTF-8."""
    items = (json.dumps(event, ensure_ascii=False, separators=(",", ":")) for event in events)
    text = "[" + ",\r\n".join(items) + "]\r\n"
    return text.replace("<", r"\u003c").replace(">", r"\u003e").encode()


def event(number: int, **fields: Any) -> dict[str, Any]:
    """One event, made unlike all others by its number."""
    message = uuid.uuid5(uuid.NAMESPACE_OID, f"message-{number}").hex[:22]
    return {
        "email": f"reader-{number}@example.com",
        "timestamp": 1_760_000_000 + number,
        "smtp-id": f"<{message}@geopod-ismtpd-16>",
        "event": "delivered",
        "category": ["newsletter", "größe"],
        "sg_event_id": base64.urlsafe_b64encode(f"delivered-0-1099491-{message}-{number}".encode())
        .decode()
        .rstrip("="),
        "sg_message_id": f"{message}.recvd-786d47b7ff-42mlq-1-67DF866E-B.0",
        "response": "250 2.0.0 OK <queued>",
        "tls": 1,
        "ip": "192.0.2.7",
        **fields,
    }


def events(first: int, count: int) -> list[dict[str, Any]]:
    """So many different events."""
    return [event(number) for number in range(first, first + count)]
