"""A Segment for tests and the demo: its HTTP Tracking API, with the limits, silent discards and memory of the real one.

Source: Segment's HTTP API reference, its discard codes, and its page on duplicate data.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response

from sendgrid_orchestration.simulator.api.answers import answer
from sendgrid_orchestration.simulator.collector import Collector, Memory, decoded, json_object

MESSAGE_BYTES = 32 << 10
BATCH_BYTES = 500 << 10
BATCH_MESSAGES = 2_500
DEDUPE_SECONDS = 24 * 3600.0
TYPES = ("track", "identify", "group", "page", "screen", "alias")
PATHS = {f"/v1/{kind}" for kind in TYPES} | {"/v1/batch"}


class SegmentApi(Collector):
    """One region of Segment, with the write keys of its sources.

    Attributes:
        write_keys: the keys that it knows; what comes with another is answered 200 and dropped.
        memory: what was taken, by `messageId` alone: across all sources, as Segment does.
        discarded: what was dropped behind a 200, by its code.
        is_malformed: says of a message whether the API cannot read it; the whole request is then answered 400.
    """

    def __init__(self, *write_keys: str, clock: Callable[[], float] = time.time, **options: Any) -> None:
        super().__init__(**options)
        self.write_keys = set(write_keys)
        self.memory = Memory(DEDUPE_SECONDS, clock)
        self.discarded: Counter[str] = Counter()
        self.is_malformed: Callable[[dict[str, Any]], bool] = lambda message: False

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What was taken, each message once."""
        return self.memory.taken

    def judge(self, path: str, headers: Headers, body: bytes) -> Response:
        """Answer one request."""
        if path not in PATHS:
            return answer({"error": "not found"}, 404)
        try:
            raw = decoded(headers, body)
            said = json_object(raw)
        except ValueError:
            return _refused("malformed JSON")
        if len(raw) > BATCH_BYTES:
            return _refused("Exceed payload limit")
        if self.keep_bodies:
            self.bodies.append(said)
        messages = said.get("batch") if path == "/v1/batch" else [said]
        if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
            return _refused("batch must be an array of objects")
        if any(len(orjson.dumps(message)) > MESSAGE_BYTES for message in messages):
            return _refused("Exceed payload limit")
        if any(map(self.is_malformed, messages)):
            return _refused("malformed JSON")
        self._take(_key(headers) or said.get("writeKey"), path, messages)
        return answer({"success": True})

    def _take(self, key: object, path: str, messages: list[dict[str, Any]]) -> None:
        """Keep what Segment keeps, and count what it drops without a word."""
        if not messages:
            self.discarded["empty_batch"] += 1
        elif key not in self.write_keys:
            self.discarded["source_disabled"] += len(messages)
        elif len(messages) > BATCH_MESSAGES:
            self.discarded["too_many_messages"] += len(messages)
        else:
            for message in messages:
                if code := _discard_code(message, path):
                    self.discarded[code] += 1
                else:
                    self.memory.take(message.get("messageId", object()), message)


def _refused(error: str) -> Response:
    return answer({"success": False, "error": error}, 400)


def _key(headers: Headers) -> str | None:
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return None if password else user


def _discard_code(message: dict[str, Any], path: str) -> str | None:
    """Why Segment drops a message that it answers 200 to."""
    kind = message.get("type") if path == "/v1/batch" else path.rpartition("/")[2]
    ids = [message.get(name) for name in ("userId", "anonymousId")]
    if kind not in TYPES:
        return "invalid_type"
    if not any(ids):
        return "no_user_anon_id"
    if not all(one is None or isinstance(one, str) for one in (*ids, message.get("messageId"))):
        return "id_not_string"
    if kind == "track":
        if not message.get("event"):
            return "event_not_defined"
        if not isinstance(message["event"], str):
            return "event_not_string"
    if not isinstance(message.get("properties", {}), dict):
        return "properties_not_object"
    if not isinstance(message.get("traits", {}), dict):
        return "traits_not_object"
    return None
