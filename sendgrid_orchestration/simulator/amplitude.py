"""An Amplitude for tests and the demo: HTTP V2 and Batch, with the limits, named refusals and memory of the real one.

Source: Amplitude's HTTP V2 and Batch Event Upload API references.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response

from sendgrid_orchestration.simulator.api.answers import answer
from sendgrid_orchestration.simulator.collector import Collector, Memory, decoded, json_object

STREAM, BATCH = "/2/httpapi", "/batch"
MOST_BYTES = {STREAM: 1_000_000, BATCH: 20_000_000}
MOST_EVENTS = {STREAM: 1_999, BATCH: 2_000}
DEDUPE_SECONDS = 7 * 24 * 3600.0
DEPTH = 40
MIN_ID_LENGTH = 5
REFUSED_IDS = frozenset(
    {"anonymous", "nil", "none", "null", "n/a", "na", "undefined", "unknown", "empty", "{}", "0", "-1"}
    | {"00000000-0000-0000-0000-000000000000", "lmy47d"}
)


class AmplitudeApi(Collector):
    """One region of Amplitude, with the keys of its projects.

    Attributes:
        api_keys: the keys that it knows.
        memory: what was taken, by `insert_id` and device, which is the user where an event names none.
        silenced_users: whose events are refused.
        events_per_second: of one user, over the last second; more is throttled.
        daily_quota: events of one user in 24 hours; more is refused until it is over. Batch only.
        is_invalid: says of an event whether a field of its is invalid; returns the field's name.
    """

    def __init__(self, *api_keys: str, clock: Callable[[], float] = time.time, **options: Any) -> None:
        super().__init__(**options)
        self.api_keys = set(api_keys)
        self.memory = Memory(DEDUPE_SECONDS, clock)
        self.silenced_users: set[str] = set()
        self.events_per_second = 30.0
        self.daily_quota = 500_000
        self.is_invalid: Callable[[dict[str, Any]], str | None] = lambda event: None
        self._clock = clock
        self._lately: defaultdict[str, deque[float]] = defaultdict(deque)
        self._today: Counter[str] = Counter()

    @property
    def events(self) -> list[dict[str, Any]]:
        """What was taken, each event once."""
        return self.memory.taken

    def judge(self, path: str, headers: Headers, body: bytes) -> Response:
        """Answer one request."""
        if path not in MOST_BYTES:
            return answer({"code": 404, "error": "Not Found"}, 404)
        try:
            raw = decoded(headers, body)
            said = json_object(raw)
        except ValueError:
            return _refused("Invalid JSON request body")
        events = said.get("events")
        if len(raw) >= MOST_BYTES[path] or (isinstance(events, list) and len(events) > MOST_EVENTS[path]):
            return answer({"code": 413, "error": "Payload too large"}, 413)
        if self.keep_bodies:
            self.bodies.append(said)
        if not said.get("api_key"):
            return _refused("Request missing required field", missing_field="api_key")
        if said["api_key"] not in self.api_keys:
            return _refused(f"Invalid API key: {said['api_key']}")
        if not isinstance(events, list) or not events:
            return _refused("Request missing required field", missing_field="events")
        least = (said.get("options") or {}).get("min_id_length", MIN_ID_LENGTH)
        return self._faulty(path, events, least) or self._limited(path, events) or self._taken(events, raw)

    def _faulty(self, path: str, events: list[Any], least: int) -> Response | None:
        """Refuse a request for what its events hold."""
        missing: defaultdict[str, list[int]] = defaultdict(list)
        invalid: defaultdict[str, list[int]] = defaultdict(list)
        short: defaultdict[str, list[int]] = defaultdict(list)
        for place, event in enumerate(events):
            if not isinstance(event, dict) or not event.get("event_type"):
                missing["event_type"].append(place)
                continue
            if not event.get("user_id") and not event.get("device_id"):
                missing["user_id"].append(place)
            elif event.get("user_id") and len(str(event["user_id"])) < least and not event.get("device_id"):
                short["user_id"].append(place)
            for name in _invalid_fields(event):
                invalid[name].append(place)
            if field := self.is_invalid(event):
                invalid[field].append(place)
        silenced = [
            place for place, event in enumerate(events) if event.get("user_id") in self.silenced_users
        ]
        if missing or invalid or short:
            # HTTP V2 names the first of each field, Batch all.
            most = 1 if path == STREAM else len(events)
            return _refused(
                "Request missing required field" if missing else "Invalid field values on some events",
                events_with_missing_fields={name: places[:most] for name, places in missing.items()},
                events_with_invalid_fields={name: places[:most] for name, places in invalid.items()},
                events_with_invalid_id_lengths={name: places[:most] for name, places in short.items()},
            )
        if silenced:
            return _refused(
                "Events silenced", silenced_events=silenced, silenced_devices=[], throttled_events=[]
            )
        return None

    def _limited(self, path: str, events: list[dict[str, Any]]) -> Response | None:
        """Refuse a request for users that have too many events."""
        now = self._clock()
        throttled, users, over = [], Counter[str](), Counter[str]()
        for place, event in enumerate(events):
            user = str(event.get("user_id") or event.get("device_id"))
            lately = self._lately[user]
            while lately and now - lately[0] > 1:
                lately.popleft()
            if path == BATCH and self._today[user] >= self.daily_quota:
                over[user] += 1
            elif len(lately) + users[user] >= self.events_per_second * (1 if path == STREAM else 30):
                throttled.append(place)
            users[user] += 1
        if not throttled and not over:
            for user, count in users.items():
                self._lately[user].extend([now] * count)
                self._today[user] += count
            return None
        body: dict[str, Any] = {
            "code": 429,
            "error": "Too many requests for some devices and users",
            "eps_threshold": self.events_per_second,
            "throttled_devices": {},
            "throttled_users": {
                str(events[place]["user_id"]): users[str(events[place]["user_id"])] for place in throttled
            },
            "throttled_events": throttled,
        }
        if path == BATCH:
            body |= {"exceeded_daily_quota_users": dict(over), "exceeded_daily_quota_devices": {}}
        return answer(body, 429)

    def _taken(self, events: list[dict[str, Any]], raw: bytes) -> Response:
        for event in events:
            device = event.get("device_id") or event.get("user_id")
            self.memory.take((device, event.get("insert_id", object())), event)
        return answer(
            {
                "code": 200,
                "events_ingested": len(events),
                "payload_size_bytes": len(raw),
                "server_upload_time": int(self._clock() * 1000),
            }
        )


def _refused(error: str, **more: Any) -> Response:
    return answer({"code": 400, "error": error, **more}, 400)


def _invalid_fields(event: dict[str, Any]) -> list[str]:
    found = []
    if "time" in event and (type(event["time"]) is not int or event["time"] < 0):
        found.append("time")
    if str(event["event_type"]).startswith("[Amplitude]"):
        found.append("event_type")
    if str(event.get("user_id", "")).lower() in REFUSED_IDS:
        found.append("user_id")
    if (
        not isinstance(event.get("event_properties", {}), dict)
        or _depth(event.get("event_properties")) > DEPTH
    ):
        found.append("event_properties")
    return found


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0
