"""The one parser: decides what in the body of a post is an event, and what of it goes into which column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sendgrid_orchestration.sendgrid import event_json
from sendgrid_orchestration.sendgrid.event_values import Unfit, moment
from sendgrid_orchestration.sendgrid.events import FIELDS_BY_KEY, KNOWN_FIELDS, NESTED_CUSTOM_ARGS

LONGEST_EVENT_NAME = 100
"""The name stands in an index; SendGrid's longest has 21 letters."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event, its values ready for their columns."""

    at: int
    """Microseconds since 1970, UTC."""
    name: str
    """SendGrid's own word in lower case."""
    values: dict[str, Any]
    """By column; what the item does not have is not here, or None."""
    custom_args: bytes = b""
    """Everything else, as a JSON object; empty where there is nothing else."""
    unfit: bytes = b""
    """JSON of those custom args that stand under a key which helps to tell events apart."""


@dataclass(frozen=True, slots=True)
class OddItem:
    """Something in a post that is no event."""

    reason: str
    """One word for the kind of oddity."""
    detail: str
    """A sentence for whoever looks at the quarantine."""


class NotAPostError(ValueError):
    """The body of a post is no list of items.

    Attributes:
        reason: one word for what it is instead.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Items:
    """The items of a post, as JSON gave them; each can be asked what it means.

    Args:
        body: the body of the post.

    Raises:
        NotAPostError: it is no list of items.
    """

    def __init__(self, body: bytes) -> None:
        try:
            items, is_exact = event_json.load(body)
        except event_json.NotJsonError as error:
            raise NotAPostError(
                "not_json", f"The body of the post cannot be read as JSON: {error}."
            ) from error
        if type(items) is not list:
            raise NotAPostError(
                "not_a_list", f"The body of the post is {_kind(items)}, not a list of events."
            )
        self._body = body
        self._is_exact = is_exact
        self.raw: list[Any] = items
        """What JSON gave; long numbers may be rounded, as `may_be_rounded` tells."""

    def event(self, index: int) -> Event | OddItem:
        """What this item says, every number exact."""
        event = parse_item(self.raw[index])
        if self._is_exact or isinstance(event, OddItem) or not event_json.may_be_rounded(event.custom_args):
            return event
        self.raw, self._is_exact = event_json.load_exactly(self._body), True
        return parse_item(self.raw[index])


def parse_post(body: bytes) -> Iterator[Event | OddItem]:
    """Every item of a post, in order: an event, or what is odd about it.

    Raises:
        NotAPostError: the body is no list of items at all.
    """
    items = Items(body)
    return (items.event(index) for index in range(len(items.raw)))


def parse_item(item: Any) -> Event | OddItem:
    """What one item of a post says: a value that does not fit its column becomes a custom arg, as it stands."""
    if not isinstance(item, dict):
        return OddItem("not_an_object", f"The item is {_kind(item)}; an event is an object.")
    name = _event_name(item.get("event"))
    if isinstance(name, OddItem):
        return name
    at = _event_time(item.get("timestamp"))
    if isinstance(at, OddItem):
        return at
    values: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for key, value in item.items():
        field = FIELDS_BY_KEY.get(key)
        if field is None:
            if key not in KNOWN_FIELDS:
                rest[key] = value
        elif value is not None:
            try:
                values.update(field.by_column(field.read(value)))
            except Unfit:
                rest[key] = value
    unfit = {
        key: value for key, value in rest.items() if key in FIELDS_BY_KEY and FIELDS_BY_KEY[key].identifies
    }
    custom_args = _merge(rest)
    return Event(
        at,
        name,
        values,
        event_json.dump(custom_args) if custom_args else b"",
        event_json.dump(unfit) if unfit else b"",
    )


def normal_name(value: str) -> str:
    """How an event is called whoever wrote it: SendGrid's own examples have `Processed`."""
    return value.strip().lower()


def _event_name(value: Any) -> str | OddItem:
    if value is None or value == "":
        return OddItem("no_event", "The item does not say what happened: it has no `event`.")
    if not isinstance(value, str):
        return OddItem("bad_event", f"`event` is {_kind(value)}; it must be the name of what happened.")
    name = normal_name(value)
    if not 0 < len(name) <= LONGEST_EVENT_NAME:
        return OddItem(
            "bad_event", f"`event` has {len(name)} characters; a name has 1 to {LONGEST_EVENT_NAME}."
        )
    return name


def _event_time(value: Any) -> int | OddItem:
    if value is None or value == "":
        return OddItem("no_timestamp", "The item does not say when it happened: it has no `timestamp`.")
    try:
        return moment(value)
    except Unfit:
        shown = event_json.dump(value)[:100].decode("utf-8", errors="replace")
        return OddItem(
            "bad_timestamp",
            f"`timestamp` is {shown}; it must be Unix seconds or milliseconds between the years 2000 and 2099.",
        )


def _merge(rest: dict[str, Any]) -> dict[str, Any]:
    """Custom args in one object, nested ones among them; what stands beside SendGrid's own keys comes first."""
    merged: dict[str, Any] = {}
    for key in NESTED_CUSTOM_ARGS:
        if isinstance(rest.get(key), dict):
            merged.update(rest.pop(key))
    return {**merged, **rest}


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return kinds.get(type(value), "a number")
