"""A value of any length fails no sync: indexes hold bounded keys, and nothing of the value is lost."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendgrid_orchestration.sendgrid.exports import ExportedFiles
from sendgrid_orchestration.sync import group_members, marketing, members, recipients
from sendgrid_orchestration.sync.context import Context
from sendgrid_orchestration.sync.mirror import mirror as bring
from sendgrid_orchestration.warehouse.bounded_text import LONGEST_BYTES, bounded
from sendgrid_orchestration.warehouse.engine import open_connection
from sendgrid_orchestration.warehouse.object_tables import TABLES, Column, Table
from tests.support.long_values import LONG, indexed_texts, long_text, longest
from tests.support.mirror import Mirror, mirror

SHAPED = [table for table in TABLES.values() if table.mirrored and table.name != "recipients"]
OF_A_CLOSED_VOCABULARY = {
    (table, "object") for table in ("object_history", "member_reads", "member_turns", "sync_runs")
}


@pytest.fixture(scope="module")
def account(postgres_url: str) -> Iterator[Mirror]:
    with mirror(postgres_url) as made:
        yield made


@pytest.fixture
def context(account: Mirror) -> Iterator[Context]:
    with open_connection(account.url, autocommit=True) as conn:
        raw = account.source.raw_schema
        account.catch_up()
        yield Context(account.client, conn, account.url, raw, "new", account.now, lambda _: None)


@given(st.text(min_size=150), st.integers(100, 1_000))
def test_bounded_text_fits_and_stays_unique(text: str, longest: int) -> None:
    text = text.encode("utf-8", "replace").decode()
    cut = bounded(text, longest)
    assert len(cut.encode()) <= max(longest, longest // 5 * 4 + 35)
    assert (cut == text) == (len(text.encode()) <= longest)
    assert bounded(text + "x", longest) != cut
    assert bounded(cut, longest) == cut


def field(column: Column) -> str:
    return (column.field or column.name).split(" | ")[0]


def record(table: Table, name: str) -> dict[str, Any]:
    """An object whose every text is long."""
    made: dict[str, Any] = {}
    for column in table.columns:
        values: dict[str, Any] = {
            "text": long_text(f"{name} {column.name}"),
            "text[]": [long_text(f"{name} {column.name}")],
            "date": "2026-03-01",
            "jsonb": {"text": long_text(f"{name} {column.name}")},
        }
        *parents, last = field(column).split(".")
        if column.type in values and column.name != "extra":
            part = made
            for parent in parents:
                part = part.setdefault(parent, {})
            part.setdefault(last, values[column.type])
        elif column.name in table.key:
            made[field(column)] = 7
    return made


@pytest.mark.parametrize("table", SHAPED, ids=lambda table: table.name)
def test_objects_take_long_texts(context: Context, table: Table) -> None:
    """New, changed, known and gone again, with its history; beside it an ordinary neighbour."""
    name = sql_name(context, table)
    whole = record(table, table.name)
    changed = whole | {
        field(column): "changed"
        for column in table.columns
        if column.type == "text" and column.name not in table.key
    }
    for read in ([whole], [whole], [changed], []):
        bring(context, table, lambda _, read=read: iter(read), delete_key=table.key)
        context.now = context.now.replace(microsecond=context.now.microsecond + 1)
    [row] = context.conn.execute(f"select * from {name}".encode()).fetchall()
    described = dict(zip([column.name for column in table.all_columns], row, strict=True))
    for column in table.columns:
        if column.type == "text" and column.name in table.key:
            whole_text = long_text(f"{table.name} {column.name}")
            assert described[column.name] == table.bounded_key(column.name, whole_text)
            assert described["extra"][field(column)] == whole_text


def sql_name(context: Context, table: Table) -> str:
    return f'"{context.raw}"."{table.name}"'


def test_contacts_and_members_take_long_ids(
    context: Context, account: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into an empty table and into a full one; the whole id is in `custom_fields`."""
    ids = [long_text("one"), long_text("two"), "short"]
    emails = {one: long_text(f"email of {one[:3]}") for one in ids}
    numbers = itertools.count()
    first_name = ""

    @contextmanager
    def exported(*_: Any, **__: Any) -> Iterator[ExportedFiles]:
        path = tmp_path / f"{next(numbers)}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["CONTACT_ID", "EMAIL", "FIRST_NAME"])
            rows.writerows([one, emails[one], first_name] for one in ids)
        yield ExportedFiles("an export", (path,), len(ids), 0.0)

    for module in (recipients, group_members):
        monkeypatch.setattr(module, "exported", exported)
    monkeypatch.setattr(recipients, "_count", lambda _: len(ids))
    monkeypatch.setattr(group_members, "_count_again", lambda *_: len(ids))
    groups = [
        {"id": long_text("list"), "contact_count": len(ids)},
        {"id": "short", "contact_count": len(ids)},
    ]
    monkeypatch.setattr(marketing, "lists", lambda _: iter(groups))
    definitions = [
        {"id": long_text("field"), "name": long_text("name"), "field_type": "Text", "is_reserved": False}
    ]
    monkeypatch.setattr(marketing, "field_definitions", lambda _: iter(definitions))
    raw = account.source.raw_schema
    for first_name in ("Ada", "Ada", "Grace"):  # noqa: B007 - the exports have it
        counts = recipients.sync(context)
        assert counts.rows == 3
        stored = context.conn.execute(
            f"select id, email, custom_fields ->> 'contact_id' from {raw}.recipients order by id".encode()
        ).fetchall()
        wanted = [(bounded(one), emails[one], one if len(one) == LONG else None) for one in ids]
        assert stored == sorted(wanted)
        counts = members.sync_alone(context, "list_members")
        assert counts.rows == 6
    assert counts.inserted == 0
    assert context.conn.execute(
        f"select distinct contact_id from {raw}.list_members where list_id = %s order by 1".encode(),
        [bounded(groups[0]["id"])],
    ).fetchall() == [(bounded(one),) for one in sorted(ids, key=bounded)]
    del groups[0]
    assert members.sync_alone(context, "list_members").deleted == 3
    monkeypatch.setattr(
        marketing, "listed_segments", lambda _: iter([("2", groups[0] | {"id": long_text("segment")})])
    )
    members.sync_alone(context, "segment_members")


def test_no_index_holds_a_text_without_bounds(account: Mirror) -> None:
    """Every indexed text of the objects' tables met a long one above; a new index has to as well."""
    raw = account.source.raw_schema
    with psycopg.connect(account.url) as conn:
        for schema, table, column in indexed_texts(conn, raw):
            size = longest(conn, schema, table, column)
            if (table, column) not in OF_A_CLOSED_VOCABULARY:
                assert 100 < size <= LONGEST_BYTES + 100, (table, column, size)
