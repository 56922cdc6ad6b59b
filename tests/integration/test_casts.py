"""A cast of what others write gives its value or null, on every supported version of Postgres, and never an error."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import orjson
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.sync.shape import Shaper
from sendgrid_orchestration.warehouse.custom_args import COLUMN_TYPES, column_name
from sendgrid_orchestration.warehouse.engine import connect
from sendgrid_orchestration.warehouse.events import ensure_partitions
from sendgrid_orchestration.warehouse.migrations import migrate
from sendgrid_orchestration.warehouse.object_tables import Column, Table
from tests.support import hostile_values
from tests.support.databases import database
from tests.support.event_items import anything
from tests.support.landed import RECEIVED

SOURCE = Source.model_validate({"name": "sendgrid", "custom_args": {kind: kind for kind in COLUMN_TYPES}})

MANY = 500 if os.environ.get("SOAK") else 15
utc = partial(datetime, tzinfo=UTC)
TRUE, FALSE = {"true", "t", "yes", "y", "on", "1"}, {"false", "f", "no", "n", "off", "0"}
ASCII_SPACES = " \t\n\r\f\v"


@pytest.fixture(scope="module")
def migrated(postgres_url: str) -> Iterator[psycopg.Connection]:
    """A table with a custom arg of each type, on a database whose defaults are not ours."""
    with database(postgres_url, "casts") as url:
        with psycopg.connect(url) as conn:
            conn.execute("alter database casts set datestyle = 'SQL, DMY'")
            conn.execute("alter database casts set timezone = 'Pacific/Auckland'")
        with connect(url) as conn:
            migrate(conn, SOURCE)
            ensure_partitions(conn, SOURCE.raw_schema, [RECEIVED.date()])
            conn.commit()
            yield conn


def as_read(conn: psycopg.Connection, values: Sequence[Any]) -> list[dict[str, Any]]:
    """Store events that have each value as the custom arg of every type, and read all their columns."""
    insert = """
        insert into sendgrid_raw.events (event_at, event_key, received_at, load_id, event_date, is_copy, event, custom_args)
        select %s, gen_random_uuid(), now(), n, '2024-06-01', false, 'open', args
        from unnest(%s::jsonb[]) with ordinality as given (args, n)
    """
    with conn.transaction(force_rollback=True), conn.cursor(row_factory=dict_row) as cursor:
        cursor.execute(insert, [RECEIVED, [Jsonb(dict.fromkeys(COLUMN_TYPES, value)) for value in values]])
        return cursor.execute("select * from sendgrid_raw.events order by load_id").fetchall()


def expected(text: str) -> dict[str, Any]:
    """What the columns hold for a text, by Python's reading of the same rules."""
    trimmed = text.strip(ASCII_SPACES)
    whole = re.fullmatch(r"[+-]?[0-9]{1,18}", trimmed)
    number = re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?", trimmed)
    word = trimmed.lower() if trimmed.isascii() else ""
    return {
        "text": text,
        "integer": int(trimmed) if whole else None,
        "numeric": Decimal(trimmed) if number and len(text) <= 100 else None,
        "boolean": True if word in TRUE else False if word in FALSE else None,
    }


def check(conn: psycopg.Connection, texts: Sequence[str]) -> None:
    rows = as_read(conn, texts)
    assert len(rows) == len(texts)
    for text, row in zip(texts, rows, strict=True):
        found = {kind: row[column_name(kind)] for kind in COLUMN_TYPES}
        moment = found.pop("timestamp")
        assert moment is None or text.isascii()
        assert found == expected(text), text


@pytest.mark.parametrize(
    ("kind", "value", "reading"),
    [
        ("text", "a", "a"),
        ("text", [1], "[1]"),
        ("integer", "-12", -12),
        ("integer", 12, 12),
        ("integer", "1e3", None),
        ("integer", "9" * 30, None),
        ("numeric", "1.50", Decimal("1.50")),
        ("numeric", 1e3, Decimal(1000)),
        ("numeric", "1,5", None),
        ("boolean", True, True),
        ("boolean", "No", False),
        ("boolean", "perhaps", None),
        ("timestamp", "2024-02-29", utc(2024, 2, 29)),
        ("timestamp", "2023-02-29", None),
        ("timestamp", "2024-06-01T10:11:12.5+02:30", utc(2024, 6, 1, 7, 41, 12, 500_000)),
        ("timestamp", "2024-06-01 10:11-0330", utc(2024, 6, 1, 13, 41)),
        ("timestamp", 1717200000, utc(2024, 6, 1)),
        ("timestamp", "1717200000123", utc(2024, 6, 1, 0, 0, 0, 123_000)),
        ("timestamp", "2024-06-01T24:00:00Z", None),
        ("timestamp", "yesterday", None),
        ("timestamp", {}, None),
    ],
)
def test_custom_args_are_read_by_their_type(
    migrated: psycopg.Connection, kind: str, value: Any, reading: Any
) -> None:
    (row,) = as_read(migrated, [value])
    assert row[column_name(kind)] == reading


def test_custom_args_of_no_type_are_null(migrated: psycopg.Connection) -> None:
    check(migrated, hostile_values.FIXED)


@settings(max_examples=MANY, deadline=None)
@given(st.lists(hostile_values.TEXTS, min_size=30, max_size=40))
def test_custom_args_that_nobody_foresaw_are_null(migrated: psycopg.Connection, texts: list[str]) -> None:
    check(migrated, texts)


@settings(max_examples=MANY, deadline=None)
@given(st.lists(anything, min_size=20, max_size=30))
def test_custom_args_of_any_json_can_be_read(migrated: psycopg.Connection, values: list[Any]) -> None:
    assert len(as_read(migrated, values)) == len(values)


def test_casts_of_contacts_fields_give_null(migrated: psycopg.Connection) -> None:
    """`number_or_null` and `moment_or_null`: what the sync uses for custom fields of contacts."""
    check_contact_casts(migrated, hostile_values.FIXED)


@settings(max_examples=MANY, deadline=None)
@given(st.lists(hostile_values.TEXTS, min_size=30, max_size=40))
def test_casts_of_contacts_fields_that_nobody_foresaw_give_null(
    migrated: psycopg.Connection, texts: list[str]
) -> None:
    check_contact_casts(migrated, texts)


def test_dates_of_contacts_are_read_as_sendgrid_writes_them(migrated: psycopg.Connection) -> None:
    """Month first, whatever the database's default says."""
    query = "select sendgrid_raw.moment_or_null(text) from unnest(%s::text[]) as text"
    dates = ["03/04/2026", "2026-03-04", "2026-03-04T00:00:00Z", "1772582400"]
    assert migrated.execute(query, [dates]).fetchall() == [(utc(2026, 3, 4),)] * 4


def check_contact_casts(conn: psycopg.Connection, texts: Sequence[str]) -> None:
    query = """
        select sendgrid_raw.number_or_null(text)::text, sendgrid_raw.moment_or_null(text)::text
        from unnest(%s::text[]) as text
    """
    assert len(conn.execute(query, [list(texts)]).fetchall()) == len(texts)


OBJECT = Table(
    "object_of_every_type",
    "One row per hostile value.",
    tuple(
        Column(f"as {kind}", kind, "value")
        for kind in ("text", "bigint", "numeric", "boolean", "timestamptz", "date", "text[]", "jsonb")
    ),
)


def test_values_of_objects_fit_their_columns(migrated: psycopg.Connection) -> None:
    """Whatever SendGrid answers for a field, its row can be stored."""
    store_objects(migrated, [*hostile_values.FIXED, 1e308, -1e308, 1e-320, 0, True, None, [], {}])


@settings(max_examples=MANY, deadline=None)
@given(st.lists(hostile_values.TEXTS | anything, min_size=20, max_size=40))
def test_values_of_objects_that_nobody_foresaw_fit_their_columns(
    migrated: psycopg.Connection, values: list[Any]
) -> None:
    store_objects(migrated, values)


def store_objects(conn: psycopg.Connection, values: Sequence[Any]) -> None:
    shaper = Shaper(OBJECT)
    with conn.transaction(force_rollback=True), conn.cursor() as cursor:
        columns = ", ".join(f'"{column.name}" {column.type}' for column in shaper.columns)
        cursor.execute(f"create temporary table shaped ({columns}, extra jsonb, hash bigint)".encode())
        with cursor.copy("copy shaped from stdin") as copy:
            for value in values:
                # As the client reads it: no number has more than 64 bits.
                row, fingerprint = shaper.row(orjson.loads(json.dumps({"value": value})))
                copy.write_row((*row, fingerprint))
        rows = cursor.execute("select to_jsonb(s) from shaped as s").fetchall()
    assert len(rows) == len(values)
