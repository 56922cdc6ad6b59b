"""A consumer of SendGrid's Event Webhook as people have written them: it checks the signature over timestamp and body, and keeps the post.

The verification is `cryptography`'s, over the very bytes that arrived, as SendGrid's documentation asks for.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from starlette.datastructures import Headers
from starlette.responses import Response

from sendgrid_orchestration.simulator.api.answers import answer
from sendgrid_orchestration.simulator.collector import Collector

_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"


@dataclass(frozen=True)
class Taken:
    """A post that it kept."""

    headers: Headers
    body: bytes


class OldConsumer(Collector):
    """It answers 403 to what SendGrid did not sign, and 401 where it wants a login and gets none.

    Attributes:
        taken: the posts that it kept, in order of arrival.
        dislikes: says which bodies it answers 400 to.
    """

    def __init__(
        self, public_key: str | None = None, *, login: tuple[str, str] | None = None, port: int = 0
    ) -> None:
        """Nothing is taken yet.

        Args:
            public_key: as SendGrid shows it; None to take unsigned posts.
            login: user and password that must come along.
            port: to listen on; 0 for any.
        """
        super().__init__(port=port)
        self._key = None
        if public_key:
            key = load_der_public_key(base64.b64decode(public_key))
            assert isinstance(key, ec.EllipticCurvePublicKey)
            self._key = key
        self._login = base64.b64encode(":".join(login).encode()).decode() if login else ""
        self.taken: list[Taken] = []
        self.dislikes: Callable[[bytes], bool] = lambda _: False

    def judge(self, path: str, headers: Headers, body: bytes) -> Response:
        """Take a post, or refuse it."""
        if self._login and not secrets.compare_digest(
            headers.get("authorization", "").encode(), f"Basic {self._login}".encode()
        ):
            return answer({"error": "unauthorized"}, 401)
        if self._key is not None and not self._is_signed(headers, body):
            return answer({"error": "wrong signature"}, 403)
        if self.dislikes(body):
            return answer({"error": "cannot be stored"}, 400)
        self.taken.append(Taken(headers, body))
        return Response(status_code=204)

    def _is_signed(self, headers: Headers, body: bytes) -> bool:
        assert self._key is not None
        try:
            signature = base64.b64decode(headers.get(_SIGNATURE, ""), validate=True)
            self._key.verify(
                signature, headers.get(_TIMESTAMP, "").encode() + body, ec.ECDSA(hashes.SHA256())
            )
        except (binascii.Error, InvalidSignature):
            return False
        return True
