"""Any endpoint: posts of events in SendGrid's own words, signed as Standard Webhooks describes (https://www.standardwebhooks.com)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

import orjson
from pydantic import SecretStr
from standardwebhooks.webhooks import EmptyWebhookSecretError
from standardwebhooks.webhooks import Webhook as Signer

from sendgrid_orchestration.destinations import mapping
from sendgrid_orchestration.destinations.errors import DestinationError
from sendgrid_orchestration.destinations.interface import (
    Answer,
    Event,
    Limits,
    Message,
    Request,
    Verdict,
    iso_time,
    read_status,
    target_of,
)
from sendgrid_orchestration.settings import WebhookDestination

TYPE = "sendgrid.events"

_PROPERTIES = tuple((item.webhook, item.expression) for item in mapping.PROPERTIES if item.webhook)
_NAMES = tuple(name for name, _ in _PROPERTIES)


class Webhook:
    """An endpoint of one's own.

    A post is `{"type": "sendgrid.events", "timestamp": …, "data": [{"id": …, "timestamp": …, "data": {…}}]}`. Its
    `webhook-id` follows from the events in it: the same post has the same id whenever it is sent.
    """

    columns: tuple[LiteralString, ...] = (
        "event.custom_args::text",
        *(expression for _, expression in _PROPERTIES),
    )

    def __init__(self, settings: WebhookDestination, secret: SecretStr) -> None:
        try:
            self._signer = Signer(secret.get_secret_value())
        except (EmptyWebhookSecretError, ValueError) as error:
            raise DestinationError(
                f'The secret of destination "{settings.name}" is empty or not base64. It must look like `whsec_` and 24 to 64 '
                "random bytes in base64."
            ) from error
        self.name = settings.name
        self.secrets: tuple[SecretStr, ...] = (secret,)
        self.limits = Limits(
            message_bytes=256_000, request_bytes=1_000_000, messages=settings.events_per_post
        )
        self._url = str(settings.endpoint)
        self.target = target_of("webhook", self._url)

    def encode(self, event: Event, message_id: str) -> Message:
        """Write one event."""
        custom_args, *values = event.values
        data = {name: value for name, value in zip(_NAMES, values, strict=True) if value is not None}
        if custom_args:
            data["custom_args"] = orjson.Fragment(custom_args)
        return _message(event, message_id, data)

    def request(self, messages: Sequence[Message], sent_at: datetime) -> Request:
        """Put messages into one post and sign it, with the time of this attempt."""
        post_id = "msg_" + hashlib.sha256(b"".join(message.body for message in messages)).hexdigest()[:32]
        body = b'{"type":"%b","timestamp":"%b","data":[%b]}' % (
            TYPE.encode(),
            iso_time(messages[0].position.event_at).encode(),
            b",".join([message.body for message in messages]),
        )
        headers = {
            "Content-Type": "application/json",
            "webhook-id": post_id,
            "webhook-timestamp": str(int(sent_at.timestamp())),
            "webhook-signature": self._signer.sign(post_id, sent_at, body.decode()),
        }
        return Request(self._url, body, headers)

    def read(self, answer: Answer, messages: Sequence[Message]) -> Verdict:
        """Say what an answer means."""
        return read_status(answer)

    def test_event(self, message_id: str, now: datetime) -> Message:
        """An event of a type that SendGrid has not."""
        body = orjson.dumps(
            {"id": message_id, "timestamp": now, "data": {"event": "test"}}, option=orjson.OPT_UTC_Z
        )
        return Message.of_no_event(body, now, "")


def _message(event: Event, message_id: str, data: dict[str, object]) -> Message:
    written = {"id": message_id, "timestamp": event.position.event_at, "data": data}
    body = orjson.dumps(written, option=orjson.OPT_UTC_Z)
    return Message(event.position, event.choice, body, str(data.get("email", "")))
