"""Custom fields as columns of `recipients`: one typed column each, named after the field, for as long as the field lives.

A field is followed by its id. A new one gets a column, a renamed one takes its column along, a removed one leaves its column
behind, no longer filled. A name that is taken by one of our own columns gets the prefix `custom_`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from sendgrid_orchestration.sendgrid.reading import Reading
from sendgrid_orchestration.warehouse.bounded_text import bounded
from sendgrid_orchestration.warehouse.object_tables import TABLES

TYPES = {"text": "text", "number": "numeric", "date": "timestamptz"}
"""Postgres types by SendGrid's, in lower case: the legacy API writes them so."""

LONGEST_NAME = 55  # leaves room, within Postgres's 63 bytes, for what makes a name unique

_RESERVED = frozenset(
    {
        *(column.name for column in TABLES["recipients"].all_columns),
        # Names that Postgres keeps for itself, and those of the staging tables.
        *("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid", "arrival", "unchanged"),
    }
)


@dataclass(frozen=True)
class CustomField:
    """One custom field and its column.

    Attributes:
        type: SendGrid's word for it.
        removed: SendGrid no longer has it.
    """

    id: str
    name: str
    type: str
    column: str
    removed: bool = False

    @property
    def column_type(self) -> str:
        """Of the column in Postgres; text for a type that is not known yet."""
        return TYPES.get(self.type.lower(), "text")


def column_name(name: str) -> str:
    """The column that a field of this name would like: `Favourite Colour` becomes `favourite_colour`.

    A name that begins with a digit, or that one of our own columns or Postgres has, gets the prefix `custom_`.
    """
    slug = re.sub(r"[^a-z0-9_]+", "_", name.strip().lower()).strip("_") or "field"
    slug = slug[:LONGEST_NAME]
    return f"custom_{slug}" if slug[0].isdigit() or slug in _RESERVED else slug


def align(
    conn: psycopg.Connection,
    raw: str,
    definitions: Iterable[dict[str, Any]],
    now: datetime,
    reading: Reading,
) -> tuple[list[CustomField], bool]:
    """Let the columns of `recipients` follow the field definitions.

    A transaction of its own: columns that no sync has filled yet do no harm, and it holds its lock for a moment only.

    Returns:
        Every field that has a column, removed ones included; and whether there is a column that was not filled before, so
        that rows which did not change must be read all the same.
    """
    defined = {
        bounded(str(one["id"])): (
            str(one.get("name") or one["id"]),
            str(one.get("field_type") or one.get("type") or "Text"),
        )
        for one in definitions
        if one.get("id") is not None
    }
    grown = False
    with conn.transaction():
        stored_before = _stored(conn, raw)
        columns = _Columns(conn, raw, dict(stored_before))
        for field_id, (name, field_type) in defined.items():
            stored = columns.fields.get(field_id)
            if stored is not None and stored.type.lower() != field_type.lower():
                columns.retire(stored)
                reading.note(f"The custom field {name} changed its type from {stored.type} to {field_type}.")
                stored = None
            if stored is None:
                columns.add(field_id, name, field_type, now)
                grown = True
                if stored_before:
                    reading.note(f"New custom field: {name} ({field_type}).")
            elif stored.name != name or stored.removed:
                grown = grown or stored.removed
                columns.keep(stored, name)
                reading.note(
                    f"The custom field {stored.name} is now called {name}."
                    if stored.name != name
                    else f"The custom field {name} is back."
                )
        for stored in list(columns.fields.values()):
            if stored.id not in defined and not stored.removed:
                columns.remove(stored, now)
                reading.note(
                    f"The custom field {stored.name} was removed; its column {stored.column} keeps what it last held."
                )
        columns.settle()
    return list(columns.fields.values()), grown


def _stored(conn: psycopg.Connection, raw: str) -> dict[str, CustomField]:
    query = sql.SQL("select field_id, name, field_type, column_name, removed_at is not null from {}")
    return {
        row[0]: CustomField(*row)
        for row in conn.execute(query.format(sql.Identifier(raw, "recipient_fields")))
    }


class _Columns:
    """The columns of `recipients` that belong to custom fields, and the ledger that says to which."""

    def __init__(self, conn: psycopg.Connection, raw: str, fields: dict[str, CustomField]) -> None:
        self._conn = conn
        self._table = sql.Identifier(raw, "recipients")
        self._ledger = sql.Identifier(raw, "recipient_fields")
        self._raw = raw
        self._renamed: set[str] = set()
        self.fields = fields

    def add(self, field_id: str, name: str, field_type: str, now: datetime) -> None:
        """A new field: a column under a name that nothing has, for the moment; `settle` gives it its own."""
        made = CustomField(field_id, name, field_type, self._passing_name(field_id))
        self._conn.execute(
            sql.SQL("alter table {} add column {} {}").format(
                self._table, sql.Identifier(made.column), sql.SQL(made.column_type)
            )
        )
        self._conn.execute(
            sql.SQL(
                "insert into {} (field_id, field_type, name, column_name, added_at) values (%s, %s, %s, %s, %s)"
            ).format(self._ledger),
            [field_id, field_type, name, made.column, now],
        )
        self.fields[field_id] = made

    def keep(self, field: CustomField, name: str) -> None:
        """A field that has another name, or that came back."""
        self._store(CustomField(field.id, name, field.type, field.column))
        self._renamed.add(field.id)
        self._conn.execute(
            sql.SQL("update {} set removed_at = null where field_id = %s").format(self._ledger), [field.id]
        )

    def remove(self, field: CustomField, now: datetime) -> None:
        """A field that SendGrid no longer has."""
        self.fields[field.id] = CustomField(field.id, field.name, field.type, field.column, removed=True)
        self._conn.execute(
            sql.SQL("update {} set removed_at = %s where field_id = %s").format(self._ledger), [now, field.id]
        )

    def retire(self, field: CustomField) -> None:
        """A field whose id now means another type: its column stays, under an id that SendGrid does not use."""
        kept = f"{field.id} ({field.type})"
        self._conn.execute(
            sql.SQL(
                "update {} set field_id = %s, removed_at = coalesce(removed_at, clock_timestamp()) where field_id = %s"
            ).format(self._ledger),
            [kept, field.id],
        )
        del self.fields[field.id]
        self.fields[kept] = CustomField(kept, field.name, field.type, field.column, removed=True)

    def settle(self) -> None:
        """Give each column the name that its field asks for; living fields choose before removed ones."""
        wanted: dict[str, str] = {}
        taken: set[str] = set()
        for field in sorted(
            self.fields.values(), key=lambda one: (one.removed, one.column != column_name(one.name))
        ):
            name = _free(field, taken)
            taken.add(name)
            wanted[field.id] = name
        moving = [field for field in self.fields.values() if wanted[field.id] != field.column]
        # In two steps, for two fields may have swapped their names.
        for field in moving:
            self._rename(field, self._passing_name(field.id))
        for field in moving:
            self._rename(self.fields[field.id], wanted[field.id])
        for field_id in {*(field.id for field in moving), *self._renamed}:
            self._describe(self.fields[field_id])

    def _rename(self, field: CustomField, column: str) -> None:
        if field.column != column:
            self._conn.execute(
                sql.SQL("alter table {} rename column {} to {}").format(
                    self._table, sql.Identifier(field.column), sql.Identifier(column)
                )
            )
            self._store(CustomField(field.id, field.name, field.type, column, field.removed))

    def _store(self, field: CustomField) -> None:
        self.fields[field.id] = field
        self._conn.execute(
            sql.SQL("update {} set name = %s, column_name = %s where field_id = %s").format(self._ledger),
            [field.name, field.column, field.id],
        )

    def _describe(self, field: CustomField) -> None:
        self._conn.execute(
            sql.SQL("comment on column {} is {}").format(
                sql.Identifier(self._raw, "recipients", field.column),
                sql.Literal(f"SendGrid: custom field {field.name} ({field.id}, {field.type})."),
            )
        )

    @staticmethod
    def _passing_name(field_id: str) -> str:
        return f"passing {field_id}"[:63]


def _free(field: CustomField, taken: set[str]) -> str:
    name = column_name(field.name)
    for candidate in (name, f"{name}_{_slug(field.id)}"[:63]):
        if candidate not in taken:
            return candidate
    return next(f"{name}_{n}" for n in range(2, 10_000) if f"{name}_{n}" not in taken)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:20]


def by_header(fields: Sequence[CustomField]) -> dict[str, CustomField]:
    """The fields by every spelling that an export's header may use, folded: the name, or else the id; the living first."""
    found: dict[str, CustomField] = {}
    for removed in (False, True):
        for field in fields:
            if field.removed is removed:
                found.setdefault(fold(field.name), field)
        for field in fields:
            if field.removed is removed:
                found.setdefault(fold(field.id), field)
    return found


def fold(name: str) -> str:
    """A header's name without what spellings differ in."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")
