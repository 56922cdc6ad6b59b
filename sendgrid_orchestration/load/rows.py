"""Writes events as rows for COPY in Postgres's binary format, and computes their keys on the way.

Binary, because Postgres then has no times, keys, numbers and arrays to read from text: about 11 instead of 15
microseconds an event, and Postgres is the slower half of a load. A row is a `str` whose characters stand for bytes
(Latin-1) while it is being put together: nearly all values are ASCII, and then a text and its UTF-8 bytes are the same,
and joining texts is what Python does fastest. A finished row begins with its time and key, so that sorting rows sorts
by them, and ends with its flag.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any

from sendgrid_orchestration.sendgrid.event_parser import Event, Shape
from sendgrid_orchestration.sendgrid.events import FIELDS, Field

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

AT = slice(6, 14)
"""Where a row has its time, …"""
KEY = slice(18, 34)
"""… its key, …"""
CONTENT = slice(18, 26)
"""… and within the key the hash of what the event says."""


class PostRows:
    """Makes the rows of one post.

    Args:
        received_at: when the post was received, in microseconds since 1970.
        load_id: the load that brings it.
    """

    def __init__(self, received_at: int, load_id: int) -> None:
        self._constant = _timestamp(received_at) + _bigint(load_id)
        self._without_id: dict[bytes, int] = {}

    def row(self, event: Event) -> str:
        """The event as a row. To be called for the events of a post in their order."""
        shape, at, name, texts, texts_are_ascii, others, custom_args, unfit = event
        layout = _layouts.get(shape) or _new_layout(shape)
        if not texts_are_ascii:
            texts = tuple([_utf8(text) for text in texts])
        moment, day = _time(at)
        told = "".join([before[len(text)] + text for before, text in zip(layout.telling, texts)])  # noqa: B905
        told = f"{_text(name)}{told}{layout.after_telling}"
        facts, details = layout.written.get(others) or layout.write(others)
        hashed = blake2b(f"{moment}{told}{facts}".encode("latin-1") + unfit, digest_size=8)
        content = hashed.digest()
        if layout.place_of_id is not None and texts[layout.place_of_id]:
            hashed.update(texts[layout.place_of_id].encode("latin-1"))
        else:
            # Without an id, equal items of one post are told apart by their order, which a redelivery repeats.
            ordinal = self._without_id[content] = self._without_id.get(content, 0) + 1
            hashed.update(b"\0%d" % ordinal)  # no text holds a NUL, so this is nobody's id
        key = (content + hashed.digest()).decode("latin-1")
        rest = zip(layout.describing, texts[len(layout.telling) :])  # noqa: B905
        described = "".join([before[len(text)] + text for before, text in rest])
        if custom_args:
            json = f"{_length[len(custom_args) + 1]}{_JSONB_VERSION}{custom_args.decode('latin-1')}"
        else:
            json = _NULL
        return (
            f"{_BEFORE_MOMENT}{moment}{_BEFORE_KEY}{key}{day}{self._constant}{told}{described}{layout.after_describing}"
            f"{facts}{details}{json}{_NOT_A_COPY}"
        )


def as_copy(row: str) -> str:
    """The row, flagged as something that was told before under another id."""
    return row[: -len(_A_COPY)] + _A_COPY


_NULL = "\xff\xff\xff\xff"
_NOT_A_COPY, _A_COPY = "\0\0\0\1\0", "\0\0\0\1\1"
_JSONB_VERSION = "\1"
_OID_OF_TEXT = 25
_MICROSECONDS_TO_2000 = 946_684_800_000_000
_MICROSECONDS_A_DAY = 86_400_000_000
_DAYS_TO_2000 = 10_957

_TEXTS = tuple(field for field in FIELDS if field.is_plain_text)
_OTHERS = tuple(field for field in FIELDS if not field.is_plain_text)


def _names(fields: Iterable[Field]) -> list[str]:
    return [column.name for field in fields for column in field.columns]


COLUMNS = (
    *("event_at", "event_key", "event_date", "received_at", "load_id", "event"),
    *_names(_TEXTS),
    *_names(_OTHERS),
    *("custom_args", "is_copy"),
)
"""The columns of a row, in order."""

_BEFORE_MOMENT = struct.pack("!hi", len(COLUMNS), 8).decode("latin-1")
_BEFORE_KEY = struct.pack("!i", 16).decode("latin-1")


class _Lengths(dict[int, str]):
    """What stands before a text: as many absent columns as lie between it and the one before, then its length."""

    def __init__(self, absent: int) -> None:
        self._absent = _NULL * absent

    def __missing__(self, length: int) -> str:
        written = self._absent + struct.pack("!i", length).decode("latin-1")
        if length < 4096:  # there are too many longer ones to keep, and they are rare
            self[length] = written
        return written


_lengths = cache(_Lengths)
_length = _lengths(0)


class _Layout:
    """How the values of events of one shape are distributed over the columns of a row."""

    __slots__ = (
        "_after_details",
        "_after_facts",
        "_details",
        "_facts",
        "after_describing",
        "after_telling",
        "describing",
        "place_of_id",
        "telling",
        "written",
    )

    def __init__(self, shape: Shape) -> None:
        columns = shape.text_columns
        telling, describing = _split(_TEXTS)
        self.telling, self.after_telling = _gaps(_names(telling), columns)
        self.describing, self.after_describing = _gaps(_names(describing), columns)
        self.place_of_id = columns.index("sg_event_id") if "sg_event_id" in columns else None
        facts, details = _split(_OTHERS)
        self._facts, self._after_facts = _parts(facts, shape.other_fields)
        self._details, self._after_details = _parts(details, shape.other_fields)
        self.written: dict[tuple[Any, ...], tuple[str, str]] = {}

    def write(self, others: tuple[Any, ...]) -> tuple[str, str]:
        """The columns that are no plain text: those that tell events apart, and the others."""
        facts = _join(self._facts, others) + self._after_facts
        details = _join(self._details, others[len(self._facts) :]) + self._after_details
        if len(self.written) >= _MOST_WRITTEN:
            self.written.clear()
        self.written[others] = facts, details
        return facts, details


_Part = tuple[str, Callable[[Any], str]]
_layouts: dict[Shape, _Layout] = {}
_MOST_LAYOUTS = 5_000
_MOST_WRITTEN = 10_000


def _new_layout(shape: Shape) -> _Layout:
    if len(_layouts) >= _MOST_LAYOUTS:
        _layouts.clear()
    _layouts[shape] = layout = _Layout(shape)
    return layout


def _split(fields: tuple[Field, ...]) -> tuple[list[Field], list[Field]]:
    """The fields that tell events apart, and the others."""
    telling = [field for field in fields if field.columns[0].identifies]
    rest = [field for field in fields if not field.columns[0].identifies]
    assert (*telling, *rest) == fields, "the former come first in the vocabulary"
    return telling, rest


def _gaps(names: list[str], present: Sequence[str]) -> tuple[list[_Lengths], str]:
    """What stands before each text that is present, and after the last."""
    before = []
    absent = 0
    for name in names:
        if name in present:
            before.append(_lengths(absent))
            absent = 0
        else:
            absent += 1
    return before, _NULL * absent


def _parts(fields: list[Field], present: tuple[Field, ...]) -> tuple[list[_Part], str]:
    """What stands before each value that is present with the means to write it, and what stands after the last."""
    parts: list[_Part] = []
    absent = 0
    for field in fields:
        if field in present:
            parts.append((_NULL * absent, _writer(field)))
            absent = 0
        else:
            absent += len(field.columns)
    return parts, _NULL * absent


def _join(parts: list[_Part], values: Sequence[Any]) -> str:
    return "".join([before + write(value) for (before, write), value in zip(parts, values)])  # noqa: B905


def _writer(field: Field) -> Callable[[Any], str]:
    writers = [_WRITERS[column.type] for column in field.columns]
    if len(writers) == 1:
        return writers[0]
    return lambda values: "".join([write(value) for write, value in zip(writers, values, strict=True)])


def _utf8(text: str) -> str:
    return text.encode().decode("latin-1")


@lru_cache(maxsize=8192)
def _time(at: int) -> tuple[str, str]:
    """A moment without its length, and its day with it."""
    moment = struct.pack("!q", at - _MICROSECONDS_TO_2000)
    day = struct.pack("!ii", 4, at // _MICROSECONDS_A_DAY - _DAYS_TO_2000)
    return moment.decode("latin-1"), day.decode("latin-1")


def _binary(format_: str, length: int) -> Callable[[Any], str]:
    pack = struct.Struct(f"!i{format_}").pack

    @lru_cache(maxsize=8192)
    def write(value: Any) -> str:
        return _NULL if value is None else pack(length, value).decode("latin-1")

    return write


@lru_cache(maxsize=8192)
def _text(value: str | None) -> str:
    if value is None:
        return _NULL
    written = _utf8(value)
    return _length[len(written)] + written


@lru_cache(maxsize=8192)
def _texts(values: tuple[str, ...] | None) -> str:
    if values is None:
        return _NULL
    array = struct.pack("!iiIii", 1, 0, _OID_OF_TEXT, len(values), 1).decode("latin-1")
    array += "".join(map(_text, values))
    return _length[len(array)] + array


_bigint = _binary("q", 8)


def _timestamp(microseconds: int | None) -> str:
    return _bigint(None if microseconds is None else microseconds - _MICROSECONDS_TO_2000)


_WRITERS: dict[str, Callable[[Any], str]] = {
    "smallint": _binary("h", 2),
    "integer": _binary("i", 4),
    "bigint": _bigint,
    "boolean": _binary("?", 1),
    "timestamptz": _timestamp,
    "text": _text,
    "text[]": _texts,
}
