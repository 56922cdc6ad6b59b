"""The plain way from an item to its row, sped up for items that have nothing unusual in them: nearly all.

Shaping has to keep up with Postgres, on one core, in Python. Nearly all items of a source share a few sets of keys, in the
same order; for each set this module writes the one function that such an item needs, as `dataclasses` does for a class:
no loop over keys, no question whose answer follows from the keys. An ordinary item takes 7 microseconds this way and
25 by `parse_item` and `PostRows.row`, which alone decide what everything means: as soon as a value is not exactly what
SendGrid documents, the function raises and the item goes the plain way. A test compares both for items of every kind.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache, lru_cache
from types import CodeType
from typing import Any

import orjson

from sendgrid_orchestration.load import rows
from sendgrid_orchestration.sendgrid.event_json import as_written, holds_rounded_number
from sendgrid_orchestration.sendgrid.event_parser import LONGEST_EVENT_NAME, normal_name
from sendgrid_orchestration.sendgrid.event_values import LONGEST_INDEXED, indexed_text, moment, texts
from sendgrid_orchestration.sendgrid.events import FIELDS, KNOWN_FIELDS, NESTED_CUSTOM_ARGS, Field, Occurs

Shaper = Callable[[dict[str, Any], Callable[..., str]], str]
"""Takes an item and `PostRows.finish`; returns the row."""


class Unusual(Exception):
    """The item needs the plain way."""


class _Remembered(dict[Any, Any]):
    """Results by what they are made from; a dict that asks only for what is missing is Python's fastest cache.

    Args:
        make: makes a result from a key.
        most: how much is kept.
        weigh: what key and result count against that; by default one.
    """

    def __init__(
        self, make: Callable[[Any], Any], most: int, weigh: Callable[[Any, Any], int] = lambda key, made: 1
    ) -> None:
        self._make = make
        self._most = most
        self._weigh = weigh
        self._kept = 0

    def __missing__(self, key: Any) -> Any:
        made = self._make(key)
        weight = self._weigh(key, made)
        if weight <= self._most:
            self._kept += weight
            if self._kept > self._most:
                self.clear()
                self._kept = weight
            self[key] = made
        return made


_MOST_KEYS = 100
_MOST_BYTES = 512 * 1024


def _write_shaper(keys: tuple[str, ...]) -> Shaper:
    customs = tuple(key for key in keys if key not in KNOWN_FIELDS)
    if (
        not {"event", "timestamp"} <= set(keys)
        or not set(customs).isdisjoint(NESTED_CUSTOM_ARGS)
        or len(keys) > _MOST_KEYS
    ):
        return _refuse
    known = tuple(field for field in FIELDS if field.key in keys)
    names: dict[str, Any] = {
        "moments": _moments,
        "names": _names,
        "others": _others(tuple(field for field in known if not field.is_plain_text), _rarest(known)),
        "opening": rows.OPENINGS[_rarest(known)],
        "in_latin": rows.in_latin,
        "json": orjson.dumps,
        "as_written": as_written,
        "require_exact": _require_exact,
        "Unusual": Unusual,
        **_gaps(known),
        **{f"key_{number}": key for number, key in enumerate(customs)},
    }
    exec(_code(known, len(customs)), names)  # noqa: S102 - written from our own vocabulary; no key of an item is in it
    # Not left among its own globals: a load runs without the search for cycles.
    shaper: Shaper = names.pop("shape")
    return shaper


SHAPERS = _Remembered(
    _write_shaper, most=4 * _MOST_BYTES, weigh=lambda keys, made: 4_000 + sum(60 + len(key) for key in keys)
)
"""The shaper for items with these keys in this order. Whatever it raises over an item, the item needs the plain way. Bounded, as
some senders put data into the names of custom args."""


@lru_cache(maxsize=1_000)
def _code(known: tuple[Field, ...], customs: int) -> CodeType:
    """The shaper for items that have these of the known keys, and so many others."""
    variables = _variables(known)
    all_texts = "".join(f"{name}, " for name in variables.values())
    told, described, *further = (
        "".join(
            f"{{before_{name}[len({name})]}}{{{name}}}"
            for name in (variables[field.key] for field in group if field.key in variables)
        )
        + f"{{after_{number}}}"
        for number, group in enumerate(_groups_of_texts(known))
    )
    others = [f"others_{number}" for number in range(1 + len(further))]
    besides = "".join(f"{text}{{{name}}}" for text, name in zip(("", *further), others, strict=True))
    lines = [
        *(f"{name} = item['{key}']" for key, name in variables.items()),
        f"if not ''.join(({all_texts})).isascii():",  # a TypeError where one of them is no text
        f"    {all_texts} = map(in_latin, ({all_texts}))" if variables else "    raise Unusual",
        "moment, day = moments[item['timestamp']]",
        f"told_besides, {', '.join(others)} = others[{_given(known)}]",
        *_custom_args(customs),
        "return finish(",
        f"    moment, day, f'{{names[item[\"event\"]]}}{told}', f'{described}', told_besides, f'{besides}',",
        f"    {variables.get('sg_event_id', repr(''))}, custom_args, b'', opening,",
        ")",
    ]
    return compile(
        "def shape(item, finish):\n" + "".join(f"    {line}\n" for line in lines), "<shaper>", "exec"
    )


def _custom_args(number: int) -> list[str]:
    """The lines that write so many custom args. Nearly all are texts; a number among them may have been rounded."""
    if not number:
        return ["custom_args = b''"]
    values = [f"custom_{n}" for n in range(number)]
    return [
        *(f"{value} = item[key_{n}]" for n, value in enumerate(values)),
        f"if not (str is {' is '.join(f'type({value})' for value in values)}):",
        f"    require_exact([{', '.join(values)}])",
        f"custom_args = json({{{''.join(f'key_{n}: {value}, ' for n, value in enumerate(values))}}}, as_written)",
    ]


def _require_exact(values: list[Any]) -> None:
    if holds_rounded_number(values):
        raise Unusual


def _rarest(known: tuple[Field, ...]) -> Occurs:
    return max((field.occurs for field in known), default=Occurs.IN_ANY_MAIL)


_FIELD_OF = {field.columns[0]: field for field in FIELDS if field.is_plain_text}


def _variables(known: tuple[Field, ...]) -> dict[str, str]:
    """What the shaper calls the plain texts, by their keys."""
    plain = (field for field in known if field.is_plain_text)
    return {field.key: f"text_{number}" for number, field in enumerate(plain)}


def _groups_of_texts(known: tuple[Field, ...]) -> list[list[Field]]:
    """The plain texts as they lie together in a row."""
    described = [rows.DESCRIBING[occurs][0] for occurs in Occurs if occurs <= _rarest(known)]
    return [[_FIELD_OF[column] for column in group] for group in (rows.TELLING_TEXTS, *described)]


def _given(known: tuple[Field, ...]) -> str:
    """The values that are no plain text, as something that can be looked up."""
    given = []
    for field in known:
        value = f"item['{field.key}']"
        if field.read is texts:
            given.append(f"(tuple(v) if type(v := {value}) is list else v)")
        elif len(field.columns) > 1:
            given.append(f"(tuple(v.items()) if type(v := {value}) is dict else v)")
        elif not field.is_plain_text:
            given.append(value)
    return f"({''.join(f'{value}, ' for value in given)})"


def _others(fields: tuple[Field, ...], rarest: Occurs) -> _Remembered:
    """Those values as they are written: telling ones, and describing ones by where they occur. Few different ones occur."""

    def write(given: tuple[Any, ...]) -> tuple[str, ...]:
        values: dict[str, Any] = {}
        for field, value in zip(fields, given, strict=True):
            if type(value) is tuple:
                value = list(value) if field.read is texts else dict(value)  # noqa: PLW2901
            values.update(field.by_column(field.read(value)))
        return (
            rows.written(rows.TELLING_OTHERS, values),
            *(rows.written(rows.DESCRIBING[occurs][1], values) for occurs in Occurs if occurs <= rarest),
        )

    return _Remembered(write, most=_MOST_BYTES, weigh=_bytes)


def _bytes(given: tuple[Any, ...], written: tuple[str, ...]) -> int:
    """About what a remembered result takes."""
    return 200 + sum(len(text) for text in (*given, *written) if isinstance(text, str))


def _name(value: Any) -> str:
    if type(value) is not str or normal_name(value) != value or not 0 < len(value) <= LONGEST_EVENT_NAME:
        raise Unusual
    return rows.write_text(value)


_names = _Remembered(_name, most=1_000)
_moments = _Remembered(
    lambda value: rows.moment_and_day(moment(value)),
    most=10_000,
    weigh=lambda value, made: len(value) if isinstance(value, str) else 1,
)


def _refuse(item: dict[str, Any], finish: Callable[..., str]) -> str:
    raise Unusual


@cache
def _before(absent: int, longest: int) -> _Remembered:
    """What stands before a text: as many absent columns as lie between it and the one before, then its length."""

    def length(number: int) -> str:
        if number > longest:
            raise Unusual
        return rows.NULL * absent + struct.pack("!i", number).decode("latin-1")

    return _Remembered(length, most=2_000)


def _gaps(known: tuple[Field, ...]) -> dict[str, Any]:
    """What stands before each text, and after the last of each group."""
    gaps: dict[str, Any] = {}
    variables = _variables(known)
    for number, group in enumerate(_groups_of_texts(known)):
        absent = 0
        for field in group:
            if field.key in variables:
                longest = LONGEST_INDEXED if field.read is indexed_text else 1 << 30
                gaps[f"before_{variables[field.key]}"] = _before(absent, longest)
                absent = 0
            else:
                absent += 1
        gaps[f"after_{number}"] = rows.NULL * absent
    return gaps
