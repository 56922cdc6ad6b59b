"""Amplitude's HTTP V2 API, and its Batch API for backfills: one event for each event, as Amplitude's SendGrid source names them.

Sources: Amplitude's HTTP V2 and Batch Event Upload API references, and its SendGrid source page. Which properties that source
gives an event is documented nowhere: ours are SendGrid's own keys, and the custom arguments of the mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString

import orjson
from pydantic import SecretStr

from sendgrid_orchestration.destinations import mapping
from sendgrid_orchestration.destinations.interface import (
    Answer,
    Busy,
    Delay,
    Event,
    InvalidEventError,
    Limits,
    Message,
    Named,
    Refused,
    Request,
    Stopped,
    Verdict,
    read_status,
    target_of,
    told_to_wait,
)
from sendgrid_orchestration.settings import AmplitudeDestination

HOSTS = {"US": "https://api2.amplitude.com", "EU": "https://api.eu.amplitude.com"}
STREAM, BULK = "/2/httpapi", "/batch"

STREAM_LIMITS = Limits(message_bytes=900_000, request_bytes=900_000, messages=1_000)
"""HTTP V2 takes less than 1 MB and fewer than 2,000 events."""
BULK_LIMITS = Limits(message_bytes=900_000, request_bytes=10_000_000, messages=2_000)
"""Batch takes 20 MB and 2,000 events."""

WAIT_SECONDS = {STREAM: 30.0, BULK: 15.0}
"""How long a user rests who got too many events."""
DAY_SECONDS = 24 * 3600.0

REFUSED_IDS = frozenset(
    {"anonymous", "nil", "none", "null", "n/a", "na", "undefined", "unknown", "empty", "{}", "0", "-1"}
    | {"00000000-0000-0000-0000-000000000000", "lmy47d"}
)
"""User ids that Amplitude refuses."""

_PROPERTIES = tuple((item.amplitude, item.expression) for item in mapping.PROPERTIES if item.amplitude)
_NAMES = tuple(name for name, _ in _PROPERTIES)


class Amplitude:
    """A project at Amplitude."""

    columns: tuple[LiteralString, ...] = (
        mapping.AMPLITUDE_USER_ID,
        # The address of a machine that opens mail says nothing about where its reader is.
        f"case when event.sg_machine_open is not true then {mapping.IP} end",
        f"case when event.sg_machine_open is not true then {mapping.USER_AGENT} end",
        "(event.custom_args - 'amp_user_id')::text",
        *(expression for _, expression in _PROPERTIES),
    )

    def __init__(self, settings: AmplitudeDestination, api_key: SecretStr, *, bulk: bool = False) -> None:
        host = str(settings.endpoint).rstrip("/") if settings.endpoint else HOSTS[settings.region]
        key = api_key.get_secret_value()
        self.name = settings.name
        self.secrets: tuple[SecretStr, ...] = (api_key,)
        self.limits = BULK_LIMITS if bulk else STREAM_LIMITS
        self.target = target_of("amplitude", host, key)
        self._path = BULK if bulk else STREAM
        self._url = host + self._path
        self._min_id_length = settings.min_id_length
        self._opening = b'{"api_key":%b,"options":{"min_id_length":%d},"events":[' % (
            orjson.dumps(key),
            settings.min_id_length,
        )

    def encode(self, event: Event, message_id: str) -> Message:
        """Write one event."""
        user_id, ip, user_agent, custom_args, *values = event.values
        event_type = mapping.AMPLITUDE_NAME_BY_CHOICE.get(event.choice)
        if not user_id:
            raise InvalidEventError("missing_user_id")
        if not event_type:
            raise InvalidEventError("missing_event_type")
        if len(user_id) < self._min_id_length:
            raise InvalidEventError("invalid_id_length")
        if user_id.lower() in REFUSED_IDS:
            raise InvalidEventError("invalid_user_id")
        properties = orjson.loads(custom_args) if custom_args else {}
        properties |= {name: value for name, value in zip(_NAMES, values, strict=True) if value is not None}
        body = _event(
            event_type, user_id, message_id, event.position.event_at, properties, ip=ip, user_agent=user_agent
        )
        return Message(event.position, event.choice, body, user_id)

    def request(self, messages: Sequence[Message], sent_at: datetime) -> Request:
        """Put messages into one request, which is closed by its events."""
        body = b"".join((self._opening, b",".join([message.body for message in messages]), b"]}"))
        return Request(self._url, body, {"Content-Type": "application/json"})

    def read(self, answer: Answer, messages: Sequence[Message]) -> Verdict:
        """Say what an answer means; a refusal names the events that stand in the way."""
        if answer.status not in (400, 429):
            return read_status(answer)
        try:
            said = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            said = None
        if not isinstance(said, dict):
            return read_status(answer)
        named = self._named(said, messages)
        if named.rejected or named.delayed:
            return named
        if answer.status == 429:
            return Busy(
                answer.text, wait=told_to_wait(answer.headers) or WAIT_SECONDS[self._path], is_limit=True
            )
        if said.get("missing_field") or "api key" in str(said.get("error", "")).lower():
            return Stopped(answer.text)
        return Refused(answer.text)

    def test_event(self, message_id: str, now: datetime) -> Message:
        """An event under a name that no event of SendGrid has."""
        user_id = "sendgrid-orchestration-verify"
        body = _event("[Sendgrid] destination verified", user_id, message_id, now, {"test": True})
        return Message.of_no_event(body, now, user_id)

    def _named(self, said: dict[str, Any], messages: Sequence[Message]) -> Named:
        rejected: dict[int, str] = {}
        for key, what in (
            ("events_with_invalid_fields", "invalid"),
            ("events_with_missing_fields", "missing"),
            ("events_with_invalid_id_lengths", "invalid length of"),
        ):
            for name, places in _object(said.get(key)).items():
                rejected |= dict.fromkeys(_places(places, messages), f"{what} {name}")
        rejected |= dict.fromkeys(_places(said.get("silenced_events"), messages), "silenced")
        delayed = {
            place: Delay(WAIT_SECONDS[self._path], "throttled")
            for place in _places(said.get("throttled_events"), messages)
        }
        over = set(_object(said.get("exceeded_daily_quota_users")))
        for place, message in enumerate(messages):
            if message.about in over:
                delayed[place] = Delay(DAY_SECONDS, "exceeded daily quota")
        return Named(rejected, {place: delay for place, delay in delayed.items() if place not in rejected})


def _event(
    event_type: str,
    user_id: str,
    insert_id: str,
    at: datetime,
    properties: dict[str, Any],
    *,
    ip: str | None = None,
    user_agent: str | None = None,
) -> bytes:
    written = {
        "event_type": event_type,
        "user_id": user_id,
        "time": round(at.timestamp() * 1000),
        "insert_id": insert_id,
        "library": "sendgrid",
        "event_properties": properties,
    }
    if ip:
        written["ip"] = ip
    if user_agent:
        written["user_agent"] = user_agent
    return orjson.dumps(written)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _places(value: object, messages: Sequence[Message]) -> list[int]:
    """The places that an answer names; what is no place in this request is left out."""
    if not isinstance(value, list):
        return []
    return [place for place in value if type(place) is int and 0 <= place < len(messages)]
