"""Reads and writes the JSON of a post: fast where it is ordinary, exactly where the fast way would change something.

The fast parser rounds numbers to a double and refuses half surrogate pairs and numbers beyond a double. The exact one keeps
every digit, and replaces what Postgres cannot store in a text: NUL characters and half surrogate pairs. Of a key that an object
has twice both take the last value, as Postgres does.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

import orjson

from sendgrid_orchestration.sendgrid.json_items import levels

LONGEST_NUMBER = 4_000
"""Characters. Python and many others convert no integer of more than 4,300 digits; a longer number is kept as a text."""
LARGEST_EXPONENT = 400
"""Postgres writes `1e-400` with all its zeros. A number with a larger exponent is kept as a text: thousands of them in one
event could not be read any more. So is a fraction that is too large for a double."""

_MOST_LEVELS = 500
"""Half of what Python's parser manages; `dump` stops at 254."""

_NUL = b"\\u0000"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\ufffd"
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<unstorable>u0000|u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


class NotJsonError(ValueError):
    """The text cannot be read as JSON; the message says where it stops making sense."""


class TooDeepError(ValueError):
    """Arrays and objects are nested deeper than can be written again."""

    def __init__(self) -> None:
        super().__init__("nested too deeply")


class Number(float):
    """A number with the digits that it was written with: readers see the nearest double, `dump` writes the digits.

    Integers of 64 bits are plain `int`.
    """

    __slots__ = ("digits",)

    digits: str

    def __new__(cls, digits: str) -> Number:
        """From its digits, as JSON allows them."""
        number = super().__new__(cls, digits)
        number.digits = digits
        return number


def load(text: bytes) -> Any:
    """What the text says, numbers rounded to doubles.

    Raises:
        NotJsonError: it is not JSON, or it needs `load_exactly`.
    """
    if _NUL in text:
        raise NotJsonError("a text holds a NUL character")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotJsonError(str(error)) from error


def load_exactly(text: bytes) -> Any:
    """What the text says, with a `Number` for each that is not an integer of 64 bits.

    Raises:
        NotJsonError: it is not JSON.
        TooDeepError: it is nested too deeply.
    """
    if text.count(b"[") + text.count(b"{") > _MOST_LEVELS and levels(text) > _MOST_LEVELS:
        raise TooDeepError
    string = _as_text(text)
    if "\\u" in string:
        string = _ESCAPE.sub(_storable_escape, string)
    try:
        return json.loads(string, parse_int=_integer, parse_float=_fraction, parse_constant=str)
    except RecursionError as error:
        raise TooDeepError from error
    except ValueError as error:
        raise NotJsonError(str(error)) from error


def dump(value: Any) -> bytes:
    """JSON of a value, numbers with the digits that they have.

    Raises:
        TooDeepError: it is nested too deeply.
    """
    try:
        return orjson.dumps(value, as_written)
    except orjson.JSONEncodeError:
        pass  # it is nested too deeply, or an `int` of Python's exceeds 64 bits
    try:
        return orjson.dumps(_with_numbers(value, _large_as_written), as_written)
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise TooDeepError from error


def as_written(number: Number) -> orjson.Fragment:
    """JSON of a `Number`: what orjson asks for when it meets a type that it does not know."""
    digits = number.digits
    _, _, exponent = digits.lower().partition("e")
    if len(digits) > LONGEST_NUMBER or (exponent and abs(int(exponent)) > LARGEST_EXPONENT):
        return orjson.Fragment(f'"{digits}"')
    return orjson.Fragment(digits)


def dump_rounded(value: Any) -> bytes:
    """JSON of the value with fractions rounded to doubles: the form in which values enter the event key, for ever.

    Raises:
        TooDeepError: it is nested too deeply.
    """
    dump(value)  # bounds the levels of what follows
    rounded = _with_numbers(value, _rounded)
    try:
        return orjson.dumps(rounded)
    except orjson.JSONEncodeError:  # an integer beyond 64 bits
        return json.dumps(rounded, ensure_ascii=False, separators=(",", ":")).encode()


def holds_rounded_number(value: Any) -> bool:
    """Whether something in what `load` returned may have had other digits in the text."""
    left = [value]
    while left:
        one = left.pop()
        kind = type(one)
        if kind is float:
            return True
        if kind is dict:
            left.extend(one.values())
        elif kind is list:
            left.extend(one)
    return False


def as_storable_text(text: bytes) -> str:
    """The bytes as a text that Postgres stores."""
    return storable(_as_text(text))


def storable(text: str) -> str:
    """The text without what Postgres cannot store."""
    return _UNSTORABLE.sub(_REPLACEMENT, text)


def _as_text(text: bytes) -> str:
    return text.decode("utf-8", errors="replace").removeprefix("\ufeff")


def _storable_escape(escape: re.Match[str]) -> str:
    return "\\ufffd" if escape["unstorable"] else escape[0]


def _integer(digits: str) -> int | Number | str:
    if len(digits) > LONGEST_NUMBER:
        return digits
    number = int(digits)
    return number if -(1 << 63) <= number < 1 << 64 else Number(digits)


def _fraction(digits: str) -> Number | str:
    number = Number(digits)
    return number if math.isfinite(number) else digits


def _rounded(number: float) -> float | str:
    if not isinstance(number, Number):
        return number
    return int(number.digits) if number.digits.removeprefix("-").isdigit() else float(number)


def _large_as_written(number: float) -> float:
    return Number(f"{number}") if type(number) is int and number.bit_length() > 63 else number


def _with_numbers(value: Any, change: Callable[[float], float | str]) -> Any:
    """The value with every number changed."""
    if isinstance(value, list):
        changed = []
        for one in value:
            changed.append(_with_numbers(one, change))
        return changed
    if isinstance(value, dict):
        copy = {}
        for key, one in value.items():
            copy[key] = _with_numbers(one, change)
        return copy
    return change(value) if isinstance(value, int | float) else value
