"""What a destination is: the few things in which one differs from another, and the records that pass between it and the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, LiteralString, NamedTuple, Protocol, Self, TypeAlias

from pydantic import SecretStr


class Position(NamedTuple):
    """A place in the order in which events are sent: by load, then by the event's time and key."""

    load_id: int
    event_at: datetime
    event_key: str


class Event(NamedTuple):
    """One event, as the deliverer reads it.

    Attributes:
        position: its place, which also names it.
        choice: what it is called among the events to choose from.
        skip: why it is not sent; None if it is.
        values: the destination's columns, in their order.
    """

    position: Position
    choice: str
    skip: str | None
    values: tuple[Any, ...]


class Message(NamedTuple):
    """One event, written for one destination.

    Attributes:
        position: the event's place.
        choice: what it is called among the events to choose from.
        body: the message as JSON.
        about: the user that it is about, as the destination names users in its answers.
    """

    position: Position
    choice: str
    body: bytes
    about: str

    @classmethod
    def of_no_event(cls, body: bytes, now: datetime, about: str) -> Self:
        """A message that a person sends to see whether a destination works."""
        return cls(Position(0, now, ""), "test", body, about)


class InvalidEventError(Exception):
    """The destination would drop this event, or refuse it; the message is its code for that."""


@dataclass(frozen=True)
class Limits:
    """What a destination takes at once.

    Attributes:
        message_bytes: of one message.
        request_bytes: of all messages of a request together, with the commas between them.
        messages: in one request.
        in_flight: requests at once.
    """

    message_bytes: int
    request_bytes: int
    messages: int
    in_flight: int = 4


@dataclass(frozen=True)
class Request:
    """One HTTP request. Headers hold secrets, and an address may; neither is in any repr."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """Status and beginning of the body, for people."""
        said = " ".join(self.body[:300].decode("utf-8", "replace").split())
        return f"{self.status} {said}".strip()


@dataclass(frozen=True)
class Delay:
    """An event that the destination takes only later."""

    seconds: float
    reason: str


@dataclass(frozen=True)
class Accepted:
    """The destination took every message."""


@dataclass(frozen=True)
class Named:
    """The destination took nothing and named the messages that stood in the way, by their places in the request."""

    rejected: Mapping[int, str] = field(default_factory=dict)
    delayed: Mapping[int, Delay] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """The destination took nothing, because of some message that it did not name."""

    reason: str


@dataclass(frozen=True)
class TooLarge:
    """The destination took nothing, because the request was too large."""

    reason: str


@dataclass(frozen=True)
class Busy:
    """The destination asks for patience, or gave no answer that says what became of the request.

    Attributes:
        wait: seconds that it asks for; None where it says nothing.
        is_limit: whether it limits us, and nothing is wrong with it.
        may_be_taken: whether it may have taken the messages all the same.
    """

    reason: str
    wait: float | None = None
    is_limit: bool = False
    may_be_taken: bool = False


@dataclass(frozen=True)
class Stopped:
    """The destination refuses us, whatever we send: a key, an address or a permission is wrong."""

    reason: str


Verdict: TypeAlias = Accepted | Named | Refused | TooLarge | Busy | Stopped


class Destination(Protocol):
    """One place where events are sent.

    Attributes:
        name: its name in the settings.
        target: what tells its receiver from every other, from which ids are made. Segment ignores an id that any of its sources
            has seen, so two targets must never share one; and the same target must keep its own.
        secrets: what no answer that is kept or shown may hold: some receivers repeat a wrong key in theirs.
        limits: what it takes at once.
        columns: SQL expressions of `mapping`, whose values `encode` gets.
    """

    name: str
    target: str
    secrets: tuple[SecretStr, ...]
    limits: Limits
    columns: tuple[LiteralString, ...]

    def encode(self, event: Event, message_id: str) -> Message:
        """Write one event.

        Args:
            event: with the values of `columns`.
            message_id: the same for this event and target whenever it is sent.

        Raises:
            InvalidEventError: the destination would not take it.
        """

    def request(self, messages: Sequence[Message], sent_at: datetime) -> Request:
        """Put messages into one request. Called anew for each attempt."""

    def read(self, answer: Answer, messages: Sequence[Message]) -> Verdict:
        """Say what an answer means for the messages of its request."""

    def test_event(self, message_id: str, now: datetime) -> Message:
        """An event that is marked as a test, for people who verify the destination."""


def read_status(answer: Answer) -> Verdict:
    """What an answer's status means where a destination has no rule of its own."""
    status = answer.status
    if 200 <= status < 300:
        return Accepted()
    if status == 413:
        return TooLarge(answer.text)
    if status == 429:
        return Busy(answer.text, wait=told_to_wait(answer.headers), is_limit=True)
    if status in (408, 423, 425) or status >= 500:
        # A gateway that gives up does not say whether the server behind it went on. 503 says that nobody was there.
        return Busy(
            answer.text, wait=told_to_wait(answer.headers), may_be_taken=status not in (423, 425, 503)
        )
    if status in (400, 422):
        return Refused(answer.text)
    return Stopped(answer.text)


def told_to_wait(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that `Retry-After` asks for; None where it is missing or unreadable."""
    retry_after = headers.get("Retry-After", "")
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - (now or datetime.now(UTC))).total_seconds())


def target_of(kind: str, *parts: str) -> str:
    """A short name of the receiver, from what identifies it; nobody can read a key out of it."""
    return hashlib.sha256("\n".join((kind, *parts)).encode()).hexdigest()[:16]


def message_id(target: str, event_key: str) -> str:
    """The id of an event at a target: 49 characters, the same whenever the event is sent."""
    return f"{target}-{event_key.replace('-', '')}"


def iso_time(at: datetime) -> str:
    """As ISO 8601 in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
