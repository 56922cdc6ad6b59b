"""The one parser: decides what in the body of a post is an event, and what of it goes into which column.

Made for speed, since it takes about as long as Postgres needs to store what it returns. Nearly all items of a source
share a few sets of keys, in the same order. What follows from the keys alone is worked out once for each such set, a
`Shape`; an ordinary item then costs a handful of calls that loop in C. An item with anything unusual in it (a null, a
number where text belongs, a custom arg that shadows a known key) is first sorted out key by key and then read in the
same way, as the item that it might have been.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from sendgrid_orchestration.sendgrid import event_json
from sendgrid_orchestration.sendgrid.event_values import (
    END_OF_MOMENTS,
    FIRST_MOMENT,
    LONGEST_INDEXED,
    MICROSECONDS,
    Unfit,
    moment,
)
from sendgrid_orchestration.sendgrid.events import (
    BY_WEBHOOK_NAME,
    FIELDS,
    FIELDS_BY_KEY,
    KNOWN_FIELDS,
    NESTED_CUSTOM_ARGS,
)

LONGEST_EVENT_NAME = 100
"""The name stands in an index; SendGrid's longest has 21 letters."""

_MOST_SHAPES = 5000
"""Some senders put data into the names of custom args, and each such item makes a shape: forget them now and then."""

_FIRST_SECOND, _END_OF_SECONDS = FIRST_MOMENT // MICROSECONDS, END_OF_MOMENTS // MICROSECONDS


class Event(NamedTuple):
    """One event, its values ready for their columns."""

    shape: Shape
    at: int
    """Microseconds since 1970, UTC."""
    name: str
    """SendGrid's own word in lower case."""
    texts: tuple[str, ...]
    """The values of `shape.text_columns`."""
    texts_are_ascii: bool
    others: tuple[Any, ...]
    """The values of `shape.other_fields`; a tuple where a field fills several columns."""
    custom_args: bytes
    """Everything else, as a JSON object; empty where there is nothing else."""
    unfit: bytes = b""
    """JSON of those custom args that stand under a known key and help to tell events apart."""

    def values(self) -> dict[str, Any]:
        """The values by the names of their columns; for people and tests, not for speed."""
        found: dict[str, Any] = dict(zip(self.shape.text_columns, self.texts, strict=True))
        for field, value in zip(self.shape.other_fields, self.others, strict=True):
            parts = value if len(field.columns) > 1 else (value,)
            found.update(zip((column.name for column in field.columns), parts, strict=True))
        return {name: value for name, value in found.items() if value is not None}


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


class Shape:
    """What all items with the same keys have in common."""

    __slots__ = (
        "_others",
        "_read",
        "custom_keys",
        "customs",
        "is_ordinary",
        "other_fields",
        "text_columns",
        "texts",
    )

    def __init__(self, keys: Sequence[str]) -> None:
        present = [field for field in FIELDS if field.key in keys]
        texts = [field for field in present if field.is_plain_text]
        self.text_columns = tuple(field.columns[0].name for field in texts)
        self.other_fields = tuple(field for field in present if not field.is_plain_text)
        self.custom_keys = tuple(key for key in keys if key not in KNOWN_FIELDS)
        self.is_ordinary = not any(key in NESTED_CUSTOM_ARGS for key in self.custom_keys)
        self.texts = _getter([field.key for field in texts])
        self.customs = _getter(self.custom_keys)
        self._others = _getter([field.key for field in self.other_fields])
        self._read: dict[tuple[Any, ...], tuple[Any, ...]] = {}

    def others(self, item: dict[str, Any]) -> tuple[Any, ...]:
        """The values of `other_fields` in their columns' types. Few different ones occur: each is read only once.

        Raises:
            Unfit: one of them does not fit its column.
            TypeError: an object or a list stands where none belongs.
        """
        given = self._others(item)
        told = tuple(
            [_COMPARABLE[type(value)](value) if type(value) in _COMPARABLE else value for value in given]
        )
        known = self._read.get(told)
        if known is None:
            known = tuple([field.read(value) for field, value in zip(self.other_fields, given, strict=True)])
            if len(self._read) >= _MOST_READINGS:
                self._read.clear()
            self._read[told] = known
        return known


_COMPARABLE: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    list: tuple,
    dict: lambda value: tuple(value.items()),
}
_MOST_READINGS = 10_000


def parse_post(body: bytes) -> Iterator[Event | OddItem]:
    """Every item of a post, in order: an event, or what is odd about it.

    Raises:
        NotAPostError: the body is no list of items at all.
    """
    try:
        items, is_exact = event_json.load(body)
    except event_json.NotJsonError as error:
        raise NotAPostError("not_json", f"The body of the post cannot be read as JSON: {error}.") from error
    if type(items) is not list:
        raise NotAPostError("not_a_list", f"The body of the post is {_kind(items)}, not a list of events.")
    return _parse_items(items, body, is_exact)


def _parse_items(items: list[Any], body: bytes, is_exact: bool) -> Iterator[Event | OddItem]:
    exact = items if is_exact else None
    for index, item in enumerate(items):
        event = parse_item(item if exact is None else exact[index])
        if (
            type(event) is Event
            and b"e+" in event.custom_args
            and exact is None
            and event_json.may_be_rounded(event.custom_args)
        ):
            exact = event_json.load_exactly(body)
            event = parse_item(exact[index])
        yield event


def parse_item(item: Any) -> Event | OddItem:
    """One item of a post, as JSON gave it."""
    try:
        shape = _shapes.get(tuple(item)) or _new_shape(item)
        seconds = item["timestamp"]
        name = _names[item["event"]]
        texts = shape.texts(item)
        together = "".join(texts)  # a TypeError where one of them is no text
        if (
            type(seconds) is int
            and _FIRST_SECOND <= seconds < _END_OF_SECONDS
            and shape.is_ordinary
            and (len(together) <= LONGEST_INDEXED or len(item.get("sg_message_id", "")) <= LONGEST_INDEXED)
        ):
            return Event(
                shape,
                seconds * MICROSECONDS,
                name,
                texts,
                together.isascii(),
                shape.others(item),
                orjson.dumps(dict(zip(shape.custom_keys, shape.customs(item))))  # noqa: B905 - alike, and counted costs time
                if shape.custom_keys
                else b"",
            )
    except (KeyError, TypeError, ValueError, AttributeError):
        pass
    return _sort_out(item)


_shapes: dict[tuple[str, ...], Shape] = {}
_names = {name: name for name in BY_WEBHOOK_NAME}


def _new_shape(item: Any) -> Shape:
    if type(item) is not dict:
        raise TypeError
    if len(_shapes) >= _MOST_SHAPES:
        _shapes.clear()
    keys = tuple(item)
    _shapes[keys] = shape = Shape(keys)
    return shape


def _sort_out(item: Any) -> Event | OddItem:
    """Read an item with something unusual in it: what does not fit its column becomes a custom arg, as it stands."""
    if type(item) is not dict:
        return OddItem("not_an_object", f"The item is {_kind(item)}; an event is an object.")
    name = _event_name(item.get("event"))
    if isinstance(name, OddItem):
        return name
    at = _event_time(item.get("timestamp"))
    if isinstance(at, OddItem):
        return at
    fitting: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for key, value in item.items():
        field = FIELDS_BY_KEY.get(key)
        if field is None:
            if key not in KNOWN_FIELDS:
                rest[key] = value
        elif value is not None:
            try:
                read = field.read(value)
                # A plain text is read once more, from what is known to fit now; the rest keeps its form.
                fitting[key] = read if field.is_plain_text else value
            except (Unfit, ValueError, OverflowError):
                rest[key] = value
    shape = _shapes.get(tuple(fitting)) or _new_shape(fitting)
    unfit = {key: value for key, value in rest.items() if _identifies(key)}
    custom_args = _merge(rest)
    texts = shape.texts(fitting)
    return Event(
        shape,
        at,
        name,
        texts,
        "".join(texts).isascii(),
        shape.others(fitting),
        event_json.dump(custom_args) if custom_args else b"",
        event_json.dump(unfit) if unfit else b"",
    )


def _event_name(value: Any) -> str | OddItem:
    if value is None or value == "":
        return OddItem("no_event", "The item does not say what happened: it has no `event`.")
    if not isinstance(value, str):
        return OddItem("bad_event", f"`event` is {_kind(value)}; it must be the name of what happened.")
    name = value.strip().lower()
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
    except (Unfit, ValueError, OverflowError):
        shown = event_json.dump(value)[:100].decode("utf-8", errors="replace")
        return OddItem(
            "bad_timestamp",
            f"`timestamp` is {shown}; it must be Unix seconds or milliseconds between the years 2000 and 2099.",
        )


def _identifies(key: str) -> bool:
    field = FIELDS_BY_KEY.get(key)
    return field is not None and any(column.identifies for column in field.columns)


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


def _getter(keys: Sequence[str]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """A function that takes the values of these keys out of an item, as a tuple however many there are."""
    if len(keys) > 1:
        return itemgetter(*keys)
    if keys:
        (key,) = keys
        return lambda item: (item[key],)
    return lambda item: ()
