"""OAuth 2.0 client credentials, where we are the token endpoint: SendGrid fetches a token here and posts with it.

Tokens carry their own proof (an HMAC whose key comes from the client's secret), so every receiver process accepts what
any other issued, a restart forgets none, and changing the secret makes all of them invalid at once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote_plus

import orjson
from pydantic import SecretStr

LIFETIME_SECONDS = 3600

_CLAIMS = struct.Struct(">BQ16s")  # version, expiry, nonce
_VERSION = 1


class Client:
    """The OAuth client that SendGrid acts as for one source."""

    def __init__(
        self, client_id: str, client_secret: SecretStr, clock: Callable[[], float] = time.time
    ) -> None:
        self._id = client_id.encode()
        self._secret = client_secret.get_secret_value().encode()
        self._key = hmac.digest(
            self._secret, b"sendgrid-orchestration access token:" + self._id, hashlib.sha256
        )
        self._clock = clock

    def has(self, client_id: str, client_secret: str) -> bool:
        """Whether these are this client's credentials, in constant time."""
        right_id = hmac.compare_digest(client_id.encode(), self._id)
        right_secret = hmac.compare_digest(client_secret.encode(), self._secret)
        return right_id and right_secret

    def issue(self) -> str:
        """A token that is valid for an hour."""
        claims = _CLAIMS.pack(_VERSION, int(self._clock()) + LIFETIME_SECONDS, secrets.token_bytes(16))
        proof = hmac.digest(self._key, claims, hashlib.sha256)
        return base64.urlsafe_b64encode(claims + proof).decode().rstrip("=")

    def accepts(self, token: str) -> bool:
        """Whether we issued this token to this client and its hour is not over."""
        try:
            decoded = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            return False
        claims, proof = decoded[: _CLAIMS.size], decoded[_CLAIMS.size :]
        if not hmac.compare_digest(hmac.digest(self._key, claims, hashlib.sha256), proof):
            return False
        version, expires, _ = _CLAIMS.unpack(claims)
        return bool(version == _VERSION and self._clock() < expires)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a client sent to the token endpoint."""

    client_id: str
    client_secret: str = field(repr=False)
    grant_type: str


def credentials(authorization: str | None, content_type: str, body: bytes) -> TokenRequest | None:
    """Read a token request; None where it names no client.

    RFC 6749 allows the credentials in the form or in the Authorization header. Which one SendGrid uses is not documented,
    so both are understood, and JSON as well.
    """
    fields = _fields(content_type, body)
    if fields is None:
        return None
    grant_type = fields.get("grant_type", "client_credentials")
    if pair := basic_credentials(authorization):
        return TokenRequest(unquote_plus(pair[0]), unquote_plus(pair[1]), grant_type)
    if fields.get("client_id") and "client_secret" in fields:
        return TokenRequest(fields["client_id"], fields["client_secret"], grant_type)
    return None


def basic_credentials(authorization: str | None) -> tuple[str, str] | None:
    """User and password of an Authorization header; None where it holds none."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None


def _fields(content_type: str, body: bytes) -> dict[str, str] | None:
    if content_type.partition(";")[0].strip().lower() == "application/json":
        try:
            parsed = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        return (
            {key: value for key, value in parsed.items() if isinstance(value, str)}
            if isinstance(parsed, dict)
            else None
        )
    try:
        # A field that is given twice is refused by RFC 6749; the number of fields is bounded against abuse.
        parsed_form = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return None
    return {key: values[0] for key, values in parsed_form.items() if len(values) == 1}
