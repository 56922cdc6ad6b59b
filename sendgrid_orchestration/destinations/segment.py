"""Segment's HTTP API: one Track call for each event, as SendGrid's Marketing Campaigns source makes them.

Segment answers 200 to messages that it then drops, and 400 to a whole batch for one that is malformed or too large, without
naming it. So everything that it would drop is found here, before it is sent.

Source: Segment's HTTP Tracking API, its discard codes and its limits.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any, LiteralString

import orjson
from pydantic import SecretStr

from sendgrid_orchestration.destinations import mapping
from sendgrid_orchestration.destinations.errors import DestinationError
from sendgrid_orchestration.destinations.interface import (
    Answer,
    Event,
    InvalidEventError,
    Limits,
    Message,
    Request,
    Verdict,
    iso_time,
    read_status,
    target_of,
)
from sendgrid_orchestration.settings import SegmentDestination

HOSTS = {"US": "https://api.segment.io", "EU": "https://events.eu1.segmentapis.com"}

LIMITS = Limits(message_bytes=32 * 1024, request_bytes=475_000, messages=2_500)
"""Segment takes 500 KB; its own libraries stop here, for what stands around the messages."""

LIBRARY = {"name": "sendgrid-orchestration", "version": version("sendgrid-orchestration")}

_PROPERTIES = tuple((item.segment, item.expression) for item in mapping.PROPERTIES if item.segment)
_NAMES = tuple(name for name, _ in _PROPERTIES)


class Segment:
    """A source at Segment, or at a collector that takes the same calls."""

    columns: tuple[LiteralString, ...] = (
        mapping.ANONYMOUS_ID,
        mapping.EMAIL,
        mapping.IP,
        mapping.USER_AGENT,
        *(expression for _, expression in _PROPERTIES),
    )

    def __init__(self, settings: SegmentDestination, write_key: SecretStr) -> None:
        key = write_key.get_secret_value()
        if settings.endpoint is None and not 6 <= len(key) <= 51:
            raise DestinationError(
                f'The write key of destination "{settings.name}" has {len(key)} characters; Segment\'s have 6 to 51. '
                "Copy it from the source's Overview page in Segment."
            )
        host = str(settings.endpoint).rstrip("/") if settings.endpoint else HOSTS[settings.region]
        self.name, self.limits = settings.name, LIMITS
        self.secrets: tuple[SecretStr, ...] = (write_key,)
        self.target = target_of("segment", host, key)
        self._url = f"{host}/v1/batch"
        self._headers = {
            # The key as user name, and no password. Not in the body, which proxies may log.
            "Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode(),
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
        }

    def encode(self, event: Event, message_id: str) -> Message:
        """Write one event as a Track call."""
        anonymous_id, email, ip, user_agent, *values = event.values
        name = mapping.TRACK_NAME_BY_CHOICE.get(event.choice)
        if not anonymous_id:
            raise InvalidEventError("no_user_anon_id")
        if not name:
            raise InvalidEventError("event_not_defined")
        traits = {"email": email}
        if ip:
            traits["ip"] = ip
        if user_agent:
            traits["user_agent"] = user_agent
        body = _track(
            name,
            anonymous_id,
            message_id,
            event.position.event_at,
            traits=traits,
            properties={name: value for name, value in zip(_NAMES, values, strict=True) if value is not None},
        )
        return Message(event.position, event.choice, body, anonymous_id)

    def request(self, messages: Sequence[Message], sent_at: datetime) -> Request:
        """Put messages into one batch, with the time of this very attempt: Segment corrects clocks by it."""
        body = b'{"batch":[%b],"sentAt":"%b"}' % (
            b",".join([message.body for message in messages]),
            iso_time(sent_at).encode(),
        )
        return Request(self._url, gzip.compress(body, compresslevel=1, mtime=0), self._headers)

    def read(self, answer: Answer, messages: Sequence[Message]) -> Verdict:
        """Say what an answer means. Segment names no message."""
        return read_status(answer)

    def test_event(self, message_id: str, now: datetime) -> Message:
        """A Track call under a name that no event has."""
        anonymous_id = "sendgrid-orchestration-verify"
        body = _track(
            "SendGrid Destination Verified",
            anonymous_id,
            message_id,
            now,
            traits={},
            properties={"test": True},
        )
        return Message.of_no_event(body, now, anonymous_id)


def _track(
    name: str,
    anonymous_id: str,
    message_id: str,
    at: datetime,
    *,
    traits: dict[str, str],
    properties: dict[str, Any],
) -> bytes:
    return orjson.dumps(
        {
            "type": "track",
            "event": name,
            "anonymousId": anonymous_id,
            "messageId": message_id,
            "timestamp": at,
            "context": {"library": LIBRARY, "traits": traits},
            "properties": properties,
        },
        option=orjson.OPT_UTC_Z,
    )
