"""Reads the JSON of a post: fast where it is ordinary, patiently where it is not.

The patient way understands what the fast one refuses or would change: half surrogate pairs, whole numbers beyond 64 bits,
numbers beyond a double's range. It also removes what Postgres cannot store in a text: NUL characters.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import orjson

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\ufffd"
_ROUNDED = re.compile(rb"\de\+\d")
_MOST_DIGITS = 4000
"""Python converts no longer number to or from text."""


class NotJsonError(ValueError):
    """The body cannot be read as JSON; the message says where it stops making sense."""


def load(body: bytes) -> tuple[Any, bool]:
    """What the body says, and whether every number in it is exact.

    Raises:
        NotJsonError: it is no JSON at all.
    """
    if b"\\u0000" not in body:
        try:
            return orjson.loads(body), False
        except orjson.JSONDecodeError:
            pass
    return load_exactly(body), True


def load_exactly(body: bytes) -> Any:
    """What the body says, numbers of any size and broken texts included.

    Raises:
        NotJsonError: it is no JSON at all.
    """
    try:
        value = json.loads(_as_text(body), parse_int=_whole, parse_float=_fraction, parse_constant=str)
        return _storable(value)
    except (ValueError, RecursionError) as error:
        raise NotJsonError(str(error) or "nested too deeply") from error


def dump(value: Any) -> bytes:
    """JSON of anything that `load` returns."""
    try:
        return orjson.dumps(value)
    except TypeError:  # a number beyond 64 bits, or more than 254 levels
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def may_be_rounded(text: bytes) -> bool:
    """Whether this JSON, written from what the fast way read, has a number that had more digits in the post."""
    return b"e+" in text and _ROUNDED.search(text) is not None


def texts_of_items(body: bytes) -> list[str]:
    """The items of a list, each exactly as it stands in the body.

    Raises:
        NotJsonError: the body is no list.
    """
    text = _as_text(body)
    decoder = json.JSONDecoder(parse_int=_whole, parse_constant=str)
    found = []
    try:
        position = _skip(text, text.index("[") + 1)
        while text[position] != "]":
            _, end = decoder.raw_decode(text, position)
            found.append(text[position:end].replace("\x00", _REPLACEMENT))
            position = _skip(text, end)
            if text[position] == ",":
                position = _skip(text, position + 1)
    except (ValueError, IndexError, RecursionError) as error:
        raise NotJsonError("not a list of items") from error
    return found


def as_storable_text(body: bytes) -> str:
    """The body as a text that Postgres stores."""
    return _UNSTORABLE.sub(_REPLACEMENT, _as_text(body))


def _as_text(body: bytes) -> str:
    return body.decode("utf-8", errors="replace").removeprefix("\ufeff")


def _skip(text: str, position: int) -> int:
    while text[position] in " \t\r\n":
        position += 1
    return position


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _fraction(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub(_REPLACEMENT, value)
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(one) for key, one in value.items()}
    return value
