"""One object as SendGrid gives it, turned into one row: each value fits its column, and none gets lost.

What does not fit, and what has no column, goes into the row's `extra` under SendGrid's own name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from psycopg.types.json import Jsonb

from sendgrid_orchestration.warehouse.object_tables import EXTRA, Column, Table

Record = Mapping[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MISSING = object()
_MOST_MILLISECONDS = 1e11
_MOST_DIGITS = 1_000
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""NUL as JSON writes it, which jsonb refuses; behind an escaped backslash the same letters are only letters."""

_IGNORED = frozenset({"_metadata"})


@dataclass
class Shaper:
    """Shapes the records of one table.

    Attributes:
        columns: of the rows, in order, without the bookkeeping.
        unknown: fields that had no column, for the run's notes: SendGrid's answers grow.
        unfit: fields whose value did not fit its column.
    """

    table: Table
    unknown: set[str] = field(default_factory=set)
    unfit: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.columns = tuple(column for column in self.table.columns if column != EXTRA)
        self._paths = {
            column.name: tuple(tuple(path.split(".")) for path in (column.field or column.name).split(" | "))
            for column in self.columns
        }
        self._known = {path for paths in self._paths.values() for path in paths}
        self._above = {path[:depth] for path in self._known for depth in range(1, len(path))}

    def row(self, record: Record, stored: Record | None = None) -> tuple[list[Any], int]:
        """The values of the columns and of `extra`, and the fingerprint of it all.

        Args:
            record: one object, as SendGrid gives it.
            stored: the row that is there, if the record tells only some of the object's fields. Columns of fields that it
                does not mention, and their part of `extra`, then keep what they hold; a null is a mention.
        """
        # Some keys carry a trailing space (`updated_at ` of templates, in SendGrid's own specification).
        record = {str(key).strip(): value for key, value in record.items()}
        extra = {
            name: value
            for name, value in ((stored or {}).get(EXTRA.name) or {}).items()
            if name.split(".")[0] not in record
        }
        for key, value in record.items():
            if key not in _IGNORED and (left := self._without_column((key,), value)) is not None:
                extra[key] = left
        plain: dict[str, Any] = {}
        values: list[Any] = []
        for column in self.columns:
            name, found = self._find(column, record)
            value = None if found is None else _SHAPES[column.type](found)
            if stored is not None and not any(path[0] in record for path in self._paths[column.name]):
                value = _as_shaped(stored[column.name])
            if value is _UNFIT:
                self.unfit.add(name)
                extra[name] = found
                value = None
            if column.name in self.table.key and (cut := self.table.bounded_key(column.name, value)) != value:
                extra[name] = value
                value = cut
            if value is not None:
                plain[column.name] = value
            values.append(
                Jsonb(value, dumps=_dumps) if column.type == "jsonb" and value is not None else value
            )
        if extra:
            plain["extra"] = extra
        values.append(Jsonb(extra, dumps=_dumps) if extra else None)
        return values, fingerprint(plain)

    def _without_column(self, path: tuple[str, ...], value: Any) -> Any:
        """What of a field no column holds; None where that is nothing."""
        if value is None or path in self._known:
            return None
        if path in self._above and isinstance(value, Mapping):
            left = {key: self._without_column((*path, str(key)), part) for key, part in value.items()}
            return {key: part for key, part in left.items() if part is not None} or None
        self.unknown.add(".".join(path))
        return value

    def _find(self, column: Column, record: Record) -> tuple[str, Any]:
        for path in self._paths[column.name]:
            value: Any = record
            for part in path:
                value = value.get(part, _MISSING) if isinstance(value, Mapping) else _MISSING
                if value is _MISSING:
                    break
            if value is not _MISSING:
                return ".".join(path), value
        return column.name, None

    def notes(self) -> Iterable[str]:
        """What a run should tell about the records that were shaped."""
        if self.unknown:
            yield f"Fields without a column, kept in extra: {', '.join(sorted(self.unknown))}."
        if self.unfit:
            yield f"Values that do not fit their column, kept in extra: {', '.join(sorted(self.unfit))}."


def fingerprint(value: Any) -> int:
    """64 bits of the content, as Postgres's bigint."""
    digest = hashlib.blake2b(_dumps(value, orjson.OPT_SORT_KEYS), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _as_shaped(value: Any) -> Any:
    """A value from the database as the shapes below make it, so that fingerprints agree."""
    return value.astimezone(UTC) if isinstance(value, datetime) else value


_UNFIT = object()


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    return _dumps(value).decode() if isinstance(value, (list, dict)) else str(value)


def _integer(value: Any) -> Any:
    try:
        number = int(value) if not isinstance(value, str) else int(value.strip())
    except (TypeError, ValueError, OverflowError):
        return _UNFIT
    return number if -(2**63) <= number < 2**63 else _UNFIT


def _numeric(value: Any) -> Any:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return _UNFIT
    # Postgres has 131,072 digits before the point and 16,383 behind it; beyond, the whole sync would fail.
    return number if number.is_finite() and abs(number.adjusted()) < _MOST_DIGITS else _UNFIT


def _boolean(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower(), _UNFIT)


def moment(value: Any) -> Any:
    """A point in time: ISO 8601, `YYYY-MM-DD hh:mm:ss` (which is UTC), or unix seconds or milliseconds."""
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
        if re.fullmatch(r"-?[0-9]{9,15}", value):
            value = int(value)
    if isinstance(value, bool):
        return _UNFIT
    try:
        if isinstance(value, (int, float)):
            if value == 0:
                return None  # SendGrid's way of saying never
            return _EPOCH + timedelta(seconds=value / 1000 if abs(value) > _MOST_MILLISECONDS else value)
        found = datetime.fromisoformat(str(value))
        # In UTC, because Postgres accepts no offset of 16 hours or more.
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return _UNFIT


def _date(value: Any) -> Any:
    if value == "total":
        return None  # an aggregation that is not a day
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return _UNFIT


def _texts(value: Any) -> Any:
    if isinstance(value, str):
        return [storable(value)]
    return [_text(item) for item in value if item is not None] if isinstance(value, list) else _UNFIT


def storable(text: str) -> str:
    """Without what Postgres cannot hold: NUL, and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _dumps(value: Any, option: int = 0) -> bytes:
    text = orjson.dumps(value, default=str, option=option | orjson.OPT_NON_STR_KEYS)
    return _NUL.sub(rb"\1", text) if b"u0000" in text else text


_SHAPES: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "bigint": _integer,
    "numeric": _numeric,
    "boolean": _boolean,
    "timestamptz": moment,
    "date": _date,
    "text[]": _texts,
    "jsonb": lambda value: value,
}
