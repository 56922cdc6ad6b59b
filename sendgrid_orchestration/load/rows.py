"""Writes events as rows for COPY in Postgres's binary format, and computes their keys on the way.

Binary, because Postgres then has no times, keys, numbers and arrays to read from text: about 11 instead of 15
microseconds an event, and Postgres is the slower half of a load. A row is a `str` whose characters stand for bytes
(Latin-1) while it is being put together: nearly all values are ASCII, and then a text and its UTF-8 bytes are the same,
and joining texts is what Python does fastest. A finished row begins with its time and key, so that sorting rows sorts
by them, and ends with its flag. It has the columns of what occurs in its kind of mail (`Occurs`), and no others: an absent
value costs Postgres as much to read as a small one, and of all columns two thirds are empty in an ordinary event.

This is the plain way, one event at a time, one column after the other. `quick` does the same for most events in a
quarter of the time.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from xxhash import xxh3_64_digest

from sendgrid_orchestration.sendgrid.event_parser import Event
from sendgrid_orchestration.sendgrid.events import FIELDS, Column, Occurs

KEY_VERSION = 2
"""The algorithm of `PostRows.finish`. A change of anything that a key is made from takes a new number, and `rekeying` has to
know how keys of the number before were made."""

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

AT = slice(6, 14)
"""Where a row has its time, …"""
KEY = slice(18, 34)
"""… its key, the first half of which is the hash of what the event says, …"""
DAY = slice(38, 42)
"""… its day, …"""
RECEIVED = slice(46, 54)
"""… and the time when its post was received."""

NULL = "\xff\xff\xff\xff"

TELLING_TEXTS = tuple(field.columns[0] for field in FIELDS if field.is_plain_text and field.identifies)
TELLING_OTHERS = tuple(
    c for field in FIELDS if not field.is_plain_text for c in field.columns if c.identifies
)
"""The columns that tell events apart, those of plain text and the others; each row has them."""


def _describing(occurs: Occurs) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    fields = [field for field in FIELDS if field.occurs == occurs and not field.identifies]
    return (
        tuple(field.columns[0] for field in fields if field.is_plain_text),
        tuple(column for field in fields if not field.is_plain_text for column in field.columns),
    )


DESCRIBING = {occurs: _describing(occurs) for occurs in Occurs}
"""The other columns by where they occur; again those of plain text and the others."""


def further(rarest: Occurs) -> list[tuple[Column, ...]]:
    """The groups of columns that rows with something as rare have behind those of any mail."""
    return [group for occurs in Occurs if 0 < occurs <= rarest for group in DESCRIBING[occurs]]


def _columns(rarest: Occurs) -> tuple[str, ...]:
    texts, others = DESCRIBING[Occurs.IN_ANY_MAIL]
    groups = (TELLING_TEXTS, texts, TELLING_OTHERS, others, *further(rarest))
    return (
        *("event_at", "event_key", "event_date", "received_at", "load_id", "event"),
        *(column.name for group in groups for column in group),
        *("custom_args", "is_copy"),
    )


COLUMNS = {rarest: _columns(rarest) for rarest in Occurs}
"""The columns of a row, in order, by the rarest of what it has."""

OPENINGS = {rarest: struct.pack("!hi", len(names), 8).decode("latin-1") for rarest, names in COLUMNS.items()}
"""What such a row begins with: the number of its columns, and the length of its moment."""


class PostRows:
    """Makes the rows of one post.

    Args:
        received_at: when the post was received, in microseconds since 1970.
        load_id: the load that brings it.
        ordinals: how many equal items without an id came before, where a post is shaped in several goes.
    """

    def __init__(self, received_at: int, load_id: int, ordinals: dict[bytes, int] | None = None) -> None:
        self._constant = _timestamp(received_at) + _bigint(load_id)
        self._without_id = {} if ordinals is None else ordinals

    def row(self, event: Event) -> str:
        """The event as a row. To be called for the events of a post in their order."""
        values = event.values
        moment, day = moment_and_day(event.at)
        rarest = max((_OCCURS[name] for name in values), default=Occurs.IN_ANY_MAIL)
        texts, others = DESCRIBING[Occurs.IN_ANY_MAIL]
        return self.finish(
            moment,
            day,
            write_text(event.name) + written(TELLING_TEXTS, values),
            written(texts, values),
            written(TELLING_OTHERS, values),
            written(others, values) + "".join(written(some, values) for some in further(rarest)),
            in_latin(values.get("sg_event_id") or ""),
            event.custom_args,
            event.unfit,
            OPENINGS[rarest],
        )

    def finish(  # noqa: PLR0917 - called for each event, and names take time
        self,
        moment: str,
        day: str,
        told: str,
        described: str,
        told_besides: str,
        described_besides: str,
        event_id: str,
        custom_args: bytes,
        unfit: bytes = b"",
        opening: str = OPENINGS[Occurs.IN_ANY_MAIL],
    ) -> str:
        """Compute the key and put the row together.

        The key is 8 bytes of hash of what the event says (`told`: its name, moment and every column that tells events
        apart) and 8 bytes of the same with SendGrid's id. A redelivery repeats both; the same told once more under
        another id repeats the first; an id that is used for something else repeats neither. Where any of this changes, old
        events that are delivered again are no longer recognised: it takes a new `KEY_VERSION`.

        XXH3 and no cryptographic hash: that took a quarter of the time of shaping an event, and there is nothing to win.
        Who finds two events with one content can have his own second one flagged as a copy; to have one left out he
        would have to choose SendGrid's ids.
        """
        said = f"{moment}{told}{told_besides}".encode("latin-1") + unfit
        content = xxh3_64_digest(said)
        if event_id:
            told_as = event_id.encode("latin-1")
        else:
            # Without an id, equal items of one post are told apart by their order, which a redelivery repeats.
            ordinal = self._without_id[content] = self._without_id.get(content, 0) + 1
            told_as = b"\0%d" % ordinal  # no text holds a NUL, so this is nobody's id
        key = (content + xxh3_64_digest(said + told_as)).decode("latin-1")
        if custom_args:
            json = f"{_length(len(custom_args) + 1)}{_JSONB_VERSION}{custom_args.decode('latin-1')}"
        else:
            json = NULL
        return (
            f"{opening}{moment}{_BEFORE_KEY}{key}{day}{self._constant}{told}{described}"
            f"{told_besides}{described_besides}{json}{_NOT_A_COPY}"
        )


def as_copy(row: str) -> str:
    """The row, flagged as something that was told before under another id."""
    return row[: -len(_A_COPY)] + _A_COPY


def is_copy(row: str) -> bool:
    """Whether the row is flagged so."""
    return row.endswith(_A_COPY)


def integers(values: Iterable[str], code: str) -> tuple[int, ...]:
    """The numbers whose bytes these texts are; `code` is `struct`'s letter for their kind."""
    data = "".join(values).encode("latin-1")
    return struct.unpack(f"!{len(data) // struct.calcsize(f'!{code}')}{code}", data)


def days(some: list[str]) -> set[date]:
    """The days on which these rows' events happened."""
    return {_FIRST_DAY + timedelta(days=number) for number in integers({row[DAY] for row in some}, "i")}


def encoded(some: list[str]) -> dict[Occurs, list[bytes]]:
    """Rows as COPY takes them, in portions; those with the same columns by time, so that the primary key grows at its end."""
    ordered = sorted(some)
    portions = {}
    begin = 0
    for rarest, names in COLUMNS.items():
        end = bisect_left(ordered, chr(0) + chr(len(names) + 1), begin)
        if begin < end:
            portions[rarest] = [
                "".join(ordered[at : min(at + _PORTION, end)]).encode("latin-1")
                for at in range(begin, end, _PORTION)
            ]
        begin = end
    return portions


def written(columns: tuple[Column, ...], values: dict[str, Any]) -> str:
    """The values of these columns, or that there are none."""
    return "".join([_WRITERS[column.type](values.get(column.name)) for column in columns])


def in_latin(text: str) -> str:
    """The UTF-8 bytes of a text, each as a character."""
    return text if text.isascii() else text.encode().decode("latin-1")


@lru_cache(maxsize=8192)
def moment_and_day(at: int) -> tuple[str, str]:
    """The bytes of a moment, and its day with the length in front."""
    moment = struct.pack("!q", at - _MICROSECONDS_TO_2000)
    day = struct.pack("!ii", 4, at // _MICROSECONDS_A_DAY - _DAYS_TO_2000)
    return moment.decode("latin-1"), day.decode("latin-1")


def write_text(value: str | None) -> str:
    """A text with its length in front."""
    if value is None:
        return NULL
    data = in_latin(value)
    return _length(len(data)) + data


_PORTION = 1_000
_NOT_A_COPY, _A_COPY = "\0\0\0\1\0", "\0\0\0\1\1"
_BEFORE_KEY = struct.pack("!i", 16).decode("latin-1")
_JSONB_VERSION = "\1"
_OCCURS = {column.name: field.occurs for field in FIELDS for column in field.columns}
_OID_OF_TEXT = 25
_MICROSECONDS_TO_2000 = 946_684_800_000_000
_MICROSECONDS_A_DAY = 86_400_000_000
_DAYS_TO_2000 = 10_957
_FIRST_DAY = date(2000, 1, 1)


@lru_cache(maxsize=8192)
def _length(length: int) -> str:
    return struct.pack("!i", length).decode("latin-1")


def _write_texts(values: tuple[str, ...] | None) -> str:
    if values is None:
        return NULL
    array = struct.pack("!iiIii", 1, 0, _OID_OF_TEXT, len(values), 1).decode("latin-1")
    array += "".join(map(write_text, values))
    return _length(len(array)) + array


def _writer(format_: str, length: int) -> Callable[[Any], str]:
    pack = struct.Struct(f"!i{format_}").pack
    return lambda value: NULL if value is None else pack(length, value).decode("latin-1")


_bigint = _writer("q", 8)


def _timestamp(microseconds: int | None) -> str:
    return _bigint(None if microseconds is None else microseconds - _MICROSECONDS_TO_2000)


_WRITERS: dict[str, Callable[[Any], str]] = {
    "smallint": _writer("h", 2),
    "integer": _writer("i", 4),
    "bigint": _bigint,
    "boolean": _writer("?", 1),
    "timestamptz": _timestamp,
    "text": write_text,
    "text[]": _write_texts,
}
