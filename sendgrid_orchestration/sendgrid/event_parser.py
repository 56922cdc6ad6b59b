"""The one parser: decides what in the body of a post is an event, and what of it goes into which column."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from sendgrid_orchestration.sendgrid import event_json
from sendgrid_orchestration.sendgrid.event_values import Unfit, moment
from sendgrid_orchestration.sendgrid.events import FIELDS_BY_KEY, KNOWN_FIELDS, NESTED_CUSTOM_ARGS
from sendgrid_orchestration.sendgrid.json_items import NotAnArrayError, item_spans

PORTION_BYTES = 1024 * 1024
"""How much of a post is parsed at once: at worst its objects take 44 bytes for each of these. SendGrid posts 768 KB at most.
A larger item is odd; SendGrid's own limit for the custom args of a message is 10,000 bytes."""

UNREAD = object()
"""Stands for an item that the fast parser cannot read."""

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

    @classmethod
    def from_error(cls, error: Exception) -> OddItem:
        """An item over which the program stumbled."""
        if isinstance(error, event_json.TooDeepError):
            return cls("too_deep", "The item nests arrays and objects deeper than 254 levels.")
        said = event_json.storable(f"{type(error).__name__}: {error}")[:300]
        return cls("unforeseen", f"This version cannot handle the item ({said}).")


# Millions of items of one post may be odd in the same way.
_NO_EVENT = OddItem("no_event", "The item does not say what happened: it has no `event`.")
_NO_TIMESTAMP = OddItem("no_timestamp", "The item does not say when it happened: it has no `timestamp`.")


@cache
def _not_an_object(kind: str) -> OddItem:
    return OddItem("not_an_object", f"The item is {kind}; an event is an object.")


class NotAPostError(ValueError):
    """The body of a post is no list of items.

    Attributes:
        reason: one word for what it is instead.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Items:
    """Consecutive items of a post.

    Where a post stops making sense as an array, the items before that place are items all the same, and the rest is one more.

    Args:
        text: a JSON array that holds them.
        first: the place of the first one in the post.
        is_rest: whether the text is the rest of a post, from where it stopped making sense, in brackets.

    Raises:
        NotAPostError: the text makes no sense as an array from the beginning.
    """

    def __init__(self, text: bytes, first: int = 0, *, is_rest: bool = False) -> None:
        self._text = text
        self._spans: tuple[array[int], array[int]] | None = None
        self._has_rest = is_rest
        self.first = first
        self.values: list[Any] = self._load()
        """What the fast parser makes of each item; `UNREAD` where it cannot read one."""

    @property
    def size(self) -> int:
        """Bytes of text."""
        return len(self._text)

    def event(self, index: int) -> Event | OddItem:
        """What an item says, every number exact. Never raises: what cannot be handled is odd.

        Args:
            index: its place among these items.
        """
        try:
            value = self.values[index]
            if self._has_rest and index == len(self.values) - 1:
                return OddItem("not_json", "From here on the post cannot be read as JSON.")
            if value is UNREAD or event_json.holds_rounded_number(value):
                item = self._item(index)
                if len(item) > PORTION_BYTES:
                    return OddItem(
                        "too_large", f"The item has {len(item):,} bytes; {PORTION_BYTES:,} are the limit."
                    )
                value = event_json.load_exactly(item)
            return parse_item(value)
        except event_json.NotJsonError as error:
            return OddItem("not_json", f"The item cannot be read as JSON: {event_json.storable(str(error))}.")
        except Exception as error:
            return OddItem.from_error(error)

    def text(self, first: int, last: int | None = None) -> str:
        """An item exactly as it stands in the post, but for what Postgres cannot store; the whole text if it is not found.

        Args:
            first: its place among these items.
            last: the place of the last one, for several in a row.
        """
        try:
            begin, end = self._span(first)[0], self._span(first if last is None else last)[1]
        except (NotAnArrayError, IndexError):
            return event_json.as_storable_text(self._text)
        return event_json.as_storable_text(self._text[begin:end])

    def _item(self, index: int) -> bytes:
        begin, end = self._span(index)
        return self._text[begin:end]

    def _span(self, index: int) -> tuple[int, int]:
        begins, ends = self._found()
        return begins[index], ends[index]

    def _found(self) -> tuple[array[int], array[int]]:
        if self._spans is None:
            begins, ends = array("Q"), array("Q")
            try:
                for begin, end in item_spans(self._text):
                    begins.append(begin)
                    ends.append(end)
            except NotAnArrayError as error:
                if not begins:
                    raise
                begins.append(error.at)
                ends.append(len(self._text))
                self._has_rest = True
            self._spans = begins, ends
        return self._spans

    def _load(self) -> list[Any]:
        if self._has_rest or len(self._text) > PORTION_BYTES + len("[]"):
            self._spans = array("Q", [1]), array("Q", [len(self._text) - 1])
            return [UNREAD]  # the rest, or one item that is too large
        try:
            values = event_json.load(self._text)
        except event_json.NotJsonError as error:
            try:
                values = [self._value(index) for index in range(len(self._found()[0]))]
            except NotAnArrayError:
                raise _not_a_post(self._text, f"{error}") from error
            if self._has_rest:
                values[-1] = UNREAD
            return values
        if type(values) is not list:
            raise _not_a_post(self._text, "")
        return values

    def _value(self, index: int) -> Any:
        try:
            return event_json.load(self._item(index))
        except event_json.NotJsonError:
            return UNREAD


def items_of(body: bytes) -> Iterator[Items]:
    """The items of a post in portions whose size does not grow with the post's.

    Args:
        body: the body of the post.

    Raises:
        NotAPostError: at once, if the body is not a JSON array.
    """
    if len(body) <= PORTION_BYTES:
        return iter((Items(body),))
    try:
        portions = list(_portions(body))
    except NotAnArrayError as error:
        raise _not_a_post(body, f"{error}") from error
    return (
        Items(b"[%b]" % body[begin:end], first, is_rest=is_rest) for begin, end, first, is_rest in portions
    )


def _portions(body: bytes) -> Iterator[tuple[int, int, int, bool]]:
    """Begin, end and first item of each portion: as many items as fit, one that does not, or the rest that makes no sense."""
    begin = end = first = number = 0
    try:
        for number, (item_begin, item_end) in enumerate(item_spans(body), start=1):
            if end and item_end - begin > PORTION_BYTES:
                yield begin, end, first, False
                end = 0
            if not end:
                begin, first = item_begin, number - 1
            end = item_end
    except NotAnArrayError as error:
        if not end:
            raise
        yield begin, end, first, False
        yield error.at, len(body), number, True
        return
    if end:
        yield begin, end, first, False


def _not_a_post(body: bytes, problem: str) -> NotAPostError:
    """What a body is that is not a JSON array."""
    try:
        kind = _kind(event_json.load_exactly(body)) if len(body) <= PORTION_BYTES else ""
    except ValueError as error:
        kind, problem = "", problem or f"{error}"
    if kind and kind != "a list":
        return NotAPostError("not_a_list", f"The body of the post is {kind}, not a list of events.")
    return NotAPostError("not_json", f"The body of the post cannot be read as JSON: {problem}.")


def parse_post(body: bytes) -> Iterator[Event | OddItem]:
    """Every item of a post, in order: an event, or what is odd about it.

    Raises:
        NotAPostError: at once, if the body is not a JSON array.
    """
    return (items.event(index) for items in items_of(body) for index in range(len(items.values)))


def item_text(body: bytes, index: int) -> str:
    """An item of a post exactly as it stands there, but for what Postgres cannot store.

    Raises:
        NotAPostError: the body is not a JSON array.
        IndexError: it has no such item.
    """
    for items in items_of(body):
        if index < items.first + len(items.values):
            return items.text(index - items.first)
    raise IndexError(index)


def parse_item(item: Any) -> Event | OddItem:
    """What one item of a post says: a value that does not fit its column becomes a custom arg, as it stands."""
    if not isinstance(item, dict):
        return _not_an_object(_kind(item))
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
        event_json.dump_rounded(unfit) if unfit else b"",
    )


def normal_name(value: str) -> str:
    """How an event is called whoever wrote it: SendGrid's own examples have `Processed`."""
    return value.strip().lower()


def _event_name(value: Any) -> str | OddItem:
    if value is None or value == "":
        return _NO_EVENT
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
        return _NO_TIMESTAMP
    try:
        return moment(value)
    except Unfit:
        shown = event_json.dump(value)[:100].decode("utf-8", errors="replace")
        return OddItem(
            "bad_timestamp",
            f"`timestamp` is {shown}; it must be Unix seconds or milliseconds between the years 2000 and 2099.",
        )


def _merge(rest: dict[str, Any]) -> dict[str, Any]:
    """Custom args in one object, nested ones among them.

    What stands beside SendGrid's own keys comes first, then `custom_args`. A nested arg that differs from one before it
    under the same key stays where it is, under the name of its object.
    """
    merged = {key: value for key, value in rest.items() if not _is_nested(key, value)}
    for name in reversed(NESTED_CUSTOM_ARGS):
        if not _is_nested(name, rest.get(name)):
            continue
        others: dict[str, Any] = {}
        for key, value in rest[name].items():
            if key not in merged and key not in NESTED_CUSTOM_ARGS:
                merged[key] = value
            elif key not in merged or event_json.dump(merged[key]) != event_json.dump(value):
                others[key] = value
        if others:
            merged[name] = others
    return merged


def _is_nested(key: str, value: Any) -> bool:
    return key in NESTED_CUSTOM_ARGS and isinstance(value, dict)


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return kinds.get(type(value), "a number")
