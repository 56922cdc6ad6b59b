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
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key

SIGNATURE_HEADER = "x-twilio-email-event-webhook-signature"
TIMESTAMP_HEADER = "x-twilio-email-event-webhook-timestamp"

_ECDSA_SHA256 = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
_LONGEST_SIGNATURE = 72  # two numbers of 33 bytes, and what DER writes around them
_PEM_LINES = ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----")


class InvalidPublicKey(Exception):
    """What was given as a verification key is none."""


class PublicKey:
    """A webhook's verification key. SendGrid makes one per webhook and a new one whenever signing is switched on."""

    __slots__ = ("_key", "der")

    def __init__(self, key: ec.EllipticCurvePublicKey, der: bytes) -> None:
        self._key = key
        self.der = der

    @property
    def text(self) -> str:
        """The key as SendGrid shows it: base64 without line breaks."""
        return base64.b64encode(self.der).decode()

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
            return cls.from_der(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError, UnsupportedAlgorithm) as error:
            raise InvalidPublicKey(
                f'"{text[:12]}…" is not a verification key. Copy the whole key from Settings > Mail Settings > '
                "Event Webhook > Signature Verification; it begins with MFkwEwYH and ends with ==."
            ) from error

    @classmethod
    def from_der(cls, der: bytes) -> Self:
        """Read a key from its binary form.

        Raises:
            ValueError, UnsupportedAlgorithm: it is no key.
            InvalidPublicKey: it is one of another kind.
        """
        key = load_der_public_key(der)
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise InvalidPublicKey(
                "This is a public key of another kind. SendGrid signs with elliptic curve P-256 (secp256r1)."
            )
        return cls(key, der)

    def verify(self, signature: bytes, digest: bytes) -> bool:
        """Whether the (DER) signature over what has this digest was made with the private half of this key."""
        try:
            self._key.verify(signature, digest, _ECDSA_SHA256)
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
    decoded, digest = decode_signature(signature), digest_of(timestamp, body)
    return decoded is not None and digest is not None and any(key.verify(decoded, digest) for key in keys)


def decode_signature(signature: str) -> bytes | None:
    """The signature header's value in binary; None where it cannot be a signature."""
    try:
        decoded = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if len(decoded) <= _LONGEST_SIGNATURE else None


def digest_of(timestamp: str, body: bytes) -> bytes | None:
    """What is signed, in short: SHA-256 over the timestamp header's value and the body; None for an odd timestamp."""
    if not timestamp.isascii():
        return None
    sha256 = hashlib.sha256(timestamp.encode())
    sha256.update(body)
    return sha256.digest()


@lru_cache(maxsize=256)
def _parsed(key: str | bytes) -> PublicKey:
    return PublicKey.parse(key)
