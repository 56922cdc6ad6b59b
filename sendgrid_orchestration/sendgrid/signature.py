"""Checks the signature of an Event Webhook post: ECDSA (P-256, SHA-256) over timestamp header and raw body.

The bytes as they came are what was signed. SendGrid ends lines with CRLF and escapes as it likes, so a body that was
parsed and written again fails although nothing was forged; nearly every report of a failing check is that
(sendgrid-nodejs #1322, sendgrid-python #950).

SendGrid defines no time after which a signed post is too old, and retries for 24 hours: age is not checked here. A post
that is played again meets its twin at loading.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from functools import lru_cache
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

SIGNATURE_HEADER = "x-twilio-email-event-webhook-signature"
TIMESTAMP_HEADER = "x-twilio-email-event-webhook-timestamp"

_ECDSA_SHA256 = ec.ECDSA(hashes.SHA256())
_PEM_LINES = ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----")


class InvalidPublicKey(Exception):
    """What was given as a verification key is none."""


class PublicKey:
    """A webhook's verification key. SendGrid makes one per webhook and a new one whenever signing is switched on."""

    __slots__ = ("_key", "text")

    def __init__(self, key: ec.EllipticCurvePublicKey, text: str) -> None:
        self._key = key
        self.text = text
        """The key as SendGrid shows it: base64 without line breaks."""

    @classmethod
    def parse(cls, key: str | bytes) -> Self:
        """Read a key as SendGrid's settings page and API give it, with or without PEM lines around it.

        Raises:
            InvalidPublicKey: it is not the base64 of a P-256 public key.
        """
        text = key.decode("ascii", "replace") if isinstance(key, bytes) else key
        for line in _PEM_LINES:
            text = text.replace(line, "")
        text = "".join(text.split())
        try:
            loaded = load_der_public_key(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError, UnsupportedAlgorithm) as error:
            raise InvalidPublicKey(
                f'"{text[:12]}…" is not a verification key. Copy the whole key from Settings > Mail Settings > '
                "Event Webhook > Signature Verification; it begins with MFkwEwYH and ends with ==."
            ) from error
        if not isinstance(loaded, ec.EllipticCurvePublicKey) or not isinstance(loaded.curve, ec.SECP256R1):
            raise InvalidPublicKey(
                f'"{text[:12]}…" is a public key of another kind. SendGrid signs with elliptic curve P-256 (secp256r1).'
            )
        return cls(loaded, text)

    def verify(self, signature: bytes, signed: bytes) -> bool:
        """Whether the (DER) signature over these bytes was made with the private half of this key."""
        try:
            self._key.verify(signature, signed, _ECDSA_SHA256)
        except InvalidSignature:
            return False
        return True


def verify(public_key: str | bytes, signature: str, timestamp: str, body: bytes) -> bool:
    """Whether a post was signed with this key.

    Args:
        public_key: the key as SendGrid gives it.
        signature: the signature header's value.
        timestamp: the timestamp header's value, exactly as it came.
        body: the raw body, exactly as it came.

    Raises:
        InvalidPublicKey: the key is none.
    """
    return verify_any((_parsed(public_key),), signature, timestamp, body)


def verify_any(keys: Iterable[PublicKey], signature: str, timestamp: str, body: bytes) -> bool:
    """Whether one of several keys made the signature; there are several while a key is rotated."""
    try:
        decoded = base64.b64decode(signature, validate=True)
        signed = timestamp.encode("ascii") + body
    except (binascii.Error, ValueError):
        return False
    return any(key.verify(decoded, signed) for key in keys)


@lru_cache(maxsize=256)
def _parsed(key: str | bytes) -> PublicKey:
    return PublicKey.parse(key)
