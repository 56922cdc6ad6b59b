"""What the value of an event's key may look like: SendGrid's documents, its posts and its own examples do not agree."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

MICROSECONDS = 1_000_000

FIRST_MOMENT = 946_684_800 * MICROSECONDS
"""2000-01-01: an earlier time is a mistake, …"""
END_OF_MOMENTS = 4_102_444_800 * MICROSECONDS
"""… and so is one from 2100-01-01 on. Each month of such times would be a partition of the events table."""

_MILLISECONDS_FROM = 100_000_000_000
"""SendGrid's Single Send example has milliseconds; as seconds this number would be in the year 5138."""

LONGEST_INDEXED = 2_000
"""Bytes. An index entry of Postgres takes 2,704; real ids have about 80."""


class Unfit(ValueError):
    """The value does not fit its column; it is kept among the custom args."""


def text(value: Any) -> str:
    """Text, or a number where SendGrid's documents have text."""
    if isinstance(value, str):
        return value
    raise Unfit


def indexed_text(value: Any) -> str:
    """Text that is short enough for an index."""
    if isinstance(value, str) and len(value.encode()) <= LONGEST_INDEXED:
        return value
    raise Unfit


def text_or_number(value: Any) -> str:
    """A name of something that is written with digits only, as text."""
    return value if isinstance(value, str) else str(_whole(value, 63))


def smallint(value: Any) -> int:
    """A whole number, or its digits as text."""
    return _whole(value, 15)


def integer(value: Any) -> int:
    """A whole number, or its digits as text: `attempt` is both (SendGrid's documents against its posts)."""
    return _whole(value, 31)


def bigint(value: Any) -> int:
    """A whole number, or its digits as text."""
    return _whole(value, 63)


def boolean(value: Any) -> bool:
    """True or false, or 1 or 0 (which Python holds for the same)."""
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    raise Unfit


def moment(value: Any) -> int:
    """Unix seconds or milliseconds, as a number or as text; returns microseconds since 1970."""
    number = value if type(value) is int else _number(value)
    if abs(number) >= END_OF_MOMENTS:  # also keeps the product below within what a float can be
        raise Unfit
    microseconds = round(number * (1_000 if abs(number) >= _MILLISECONDS_FROM else MICROSECONDS))
    if not FIRST_MOMENT <= microseconds < END_OF_MOMENTS:
        raise Unfit
    return microseconds


def moment_or_none(value: Any) -> int | None:
    """As `moment`; `send_at` is 0 where nothing was scheduled."""
    return None if value in (0, "0", "") else moment(value)


def texts(value: Any) -> tuple[str, ...] | None:
    """A text or a list of texts: SendGrid returns categories in the shape in which they were sent."""
    if type(value) is list:
        try:
            "".join(value)  # fails unless every one is text, and loops in C
        except TypeError:
            raise Unfit from None
        return tuple(value) or None
    if isinstance(value, str):
        return (value,)
    raise Unfit


def parts_of(**readers: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    """A reader of an object with these keys and no others, each of them optional."""
    named = tuple(readers.items())

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, dict) or not value.keys() <= readers.keys():
            raise Unfit
        return tuple([None if (part := value.get(key)) is None else reads(part) for key, reads in named])

    return read


def _whole(value: Any, bits: int) -> int:
    """A whole number in any form. What Python holds for equal is read alike (1, 1.0, true): readings are remembered."""
    if isinstance(value, str):
        digits = value.removeprefix("-")
        if not (len(digits) < 20 and digits.isascii() and digits.isdigit()):
            raise Unfit
    elif not isinstance(value, int | float) or value % 1 != 0:
        raise Unfit
    number = int(value)
    if not -(1 << bits) <= number < 1 << bits:
        raise Unfit
    return number


def _number(value: Any) -> int | float:
    if isinstance(value, str):
        digits = value.strip()
        if not (digits.isascii() and digits.replace(".", "", 1).isdigit() and len(digits) <= 30):
            raise Unfit
        return float(digits) if "." in digits else int(digits)
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise Unfit
