"""Puts events into batches that a destination takes at once, and sets aside what it would not take."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from sendgrid_orchestration.destinations.interface import (
    Destination,
    Event,
    InvalidEventError,
    Message,
    Position,
    message_id,
)
from sendgrid_orchestration.destinations.reader import Mark, Range

logger = logging.getLogger(__name__)

TOO_LARGE = "message too large"


@dataclass(frozen=True)
class Invalid:
    """An event that is not sent, because the destination would drop or refuse it."""

    position: Position
    choice: str
    reason: str


@dataclass
class Batch:
    """Events between two marks, and what is to be sent of them.

    Attributes:
        kind: whether the range is one of the stream's order, or of a backfill's.
        events: where it begins and ends.
        messages: what is to be sent.
        invalid: what is not.
        skipped: what was not chosen, by reason.
        by_name: what was chosen, by what it is called among the events to choose from.
        is_again: of a backfill that sends what was sent before, too.
        batch_id: its number in the ledger, once it has one.
        was_unknown: whether the receiver may have it from an earlier attempt.
    """

    kind: Literal["stream", "backfill"]
    events: Range
    messages: list[Message] = field(default_factory=list)
    invalid: list[Invalid] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    by_name: Counter[str] = field(default_factory=Counter)
    is_again: bool = False
    batch_id: int | None = None
    was_unknown: bool = False

    @property
    def eligible(self) -> int:
        """How many events were chosen."""
        return self.by_name.total()

    def add(self, event: Event, written: Message | Invalid) -> None:
        """Take a chosen event in."""
        if isinstance(written, Message):
            self.messages.append(written)
        else:
            self.invalid.append(written)
        self.by_name[event.choice] += 1


def batches(
    events: Iterable[Event | Mark],
    destination: Destination,
    after: Mark,
    *,
    kind: Literal["stream", "backfill"] = "stream",
    is_again: bool = False,
) -> Iterator[Batch]:
    """Put events into batches; the last one may hold only skipped events, or none.

    Args:
        events: in their order, and marks where everything before them was seen.
        destination: for which.
        after: where the first batch begins.
        kind: of the batches.
        is_again: of the batches.
    """
    limits = destination.limits
    batch = Batch(kind, Range(after, after), is_again=is_again)
    size = 0
    for item in events:
        if isinstance(item, Mark):
            batch.events = Range(batch.events.after, item)
            continue
        if item.skip is not None:
            batch.skipped[item.skip] += 1
        else:
            written = encode(item, destination)
            needed = len(written.body) + 1 if isinstance(written, Message) else 0
            if needed and (len(batch.messages) == limits.messages or size + needed > limits.request_bytes):
                yield batch
                batch = Batch(kind, Range(batch.events.last, batch.events.last), is_again=is_again)
                size = 0
            batch.add(item, written)
            size += needed
        batch.events = Range(batch.events.after, Mark(*item.position))
    yield batch


def encode(event: Event, destination: Destination) -> Message | Invalid:
    """Write an event for a destination; whatever stands in the way sets aside this event alone."""
    try:
        message = destination.encode(event, message_id(destination.target, event.position.event_key))
    except InvalidEventError as error:
        return Invalid(event.position, event.choice, str(error))
    except Exception as error:
        # Whatever an event holds, it must not hold up those behind it.
        logger.exception("An event cannot be written for destination %s.", destination.name)
        return Invalid(event.position, event.choice, f"cannot be written ({type(error).__name__})")
    if len(message.body) > destination.limits.message_bytes:
        return Invalid(event.position, event.choice, TOO_LARGE)
    return message
