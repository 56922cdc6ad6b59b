"""Creates the tables of SendGrid's objects, and brings older ones up to date by adding the columns they lack.

What the tables are is declared in `object_tables`; the documentation and the sync read the same declaration.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import psycopg
from psycopg import sql

from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.object_tables import SUPPORT_TABLES, TABLES, Column, Table

_VIEW = "object_versions"
_SAFE_CASTS = (files("sendgrid_orchestration.warehouse") / "sql" / "objects" / "safe_casts.sql").read_text(
    encoding="utf-8"
)


def are_current(conn: psycopg.Connection, source: Source) -> bool:
    """Whether everything is as this program declares it; one small query, no lock."""
    row = conn.execute(
        "select obj_description(to_regclass(%s), 'pg_class')", [f"{source.raw_schema}.{_VIEW}"]
    ).fetchone()
    return row is not None and row[0] == _view_comment()


def create(conn: psycopg.Connection, source: Source) -> None:
    """Create what is missing: tables, columns, indexes, comments, the view over all versions. Any number of times.

    Args:
        conn: a connection; where no transaction is open the work is one of its own.
        source: whose raw schema, which exists already.
    """
    raw = source.raw_schema
    with conn.transaction():
        # Two processes that start together would both see a table missing.
        conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"objects {raw}"])
        if are_current(conn, source):
            return
        # One script: some three hundred statements would otherwise be as many journeys to the server and back.
        conn.execute(sql.SQL(";\n").join(_statements(raw, _columns(conn, raw))))


def _statements(raw: str, existing: dict[str, set[str]]) -> Iterator[sql.Composed]:
    for table in (*TABLES.values(), *SUPPORT_TABLES):
        if table.name not in existing:
            yield from _table_statements(raw, table)
        for column in table.all_columns:
            if table.name in existing and column.name not in existing[table.name]:
                yield from _column_statements(raw, table, column)
    yield sql.SQL(_SAFE_CASTS).format(raw=sql.Identifier(raw))
    yield _versions_view(raw)
    yield sql.SQL("comment on view {} is {}").format(sql.Identifier(raw, _VIEW), sql.Literal(_view_comment()))


@cache
def _view_comment() -> str:
    """What the view is, and a fingerprint of all declarations: written last, it vouches for the rest."""
    declared = f"{tuple(TABLES.values())}{SUPPORT_TABLES}{_SAFE_CASTS}{_versions_view('raw').as_string()}"
    digest = hashlib.blake2b(declared.encode(), digest_size=6).hexdigest()
    return (
        "One row per version of an object, replaced ones and those that stand (valid_to is null, unless deleted). "
        f"Declared as {digest}."
    )


def _columns(conn: psycopg.Connection, raw: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    query = "select table_name, column_name from information_schema.columns where table_schema = %s"
    for table, column in conn.execute(query, [raw]):
        found.setdefault(table, set()).add(column)
    return found


def _table_statements(raw: str, table: Table) -> Iterator[sql.Composed]:
    name = sql.Identifier(raw, table.name)
    lines = [
        sql.SQL("{} {}{}").format(
            sql.Identifier(column.name),
            sql.SQL(column.type),
            sql.SQL("" if column.nullable and column.name not in table.key else " not null"),
        )
        for column in table.all_columns
    ]
    lines.append(
        sql.SQL("constraint {} primary key ({})").format(
            sql.Identifier(f"{table.name}_pkey"), sql.SQL(", ").join(map(sql.Identifier, table.key))
        )
    )
    yield sql.SQL("create table {} ({}) with (fillfactor = {})").format(
        name, sql.SQL(", ").join(lines), sql.Literal(table.fill)
    )
    for index in table.indexes:
        yield sql.SQL(index).format(table=name)
    yield sql.SQL("comment on table {} is {}").format(name, sql.Literal(table.grain))
    for column in table.all_columns:
        yield _comment(raw, table, column)


def _column_statements(raw: str, table: Table, column: Column) -> Iterator[sql.Composed]:
    yield sql.SQL("alter table {} add column {} {}").format(
        sql.Identifier(raw, table.name), sql.Identifier(column.name), sql.SQL(column.type)
    )
    yield _comment(raw, table, column)


def _comment(raw: str, table: Table, column: Column) -> sql.Composed:
    return sql.SQL("comment on column {} is {}").format(
        sql.Identifier(raw, table.name, column.name), sql.Literal(column.comment)
    )


def _versions_view(raw: str) -> sql.Composed:
    """Every version of every object that keeps its history: those that were replaced, and the one that stands."""
    return sql.SQL("create or replace view {} as {}").format(
        sql.Identifier(raw, _VIEW), sql.SQL(" union all ").join(_versions(raw))
    )


def _versions(raw: str) -> Iterator[sql.Composed]:
    yield sql.SQL("select object, id, valid_from, valid_to, record from {}").format(
        sql.Identifier(raw, "object_history")
    )
    for table in TABLES.values():
        if table.keeps_history:
            yield sql.SQL(
                "select {name}, {id}, t.synced_at, t.deleted_at, {record} from {table} as t"
            ).format(
                name=sql.Literal(table.name),
                id=version_id(table),
                record=version_record(),
                table=sql.Identifier(raw, table.name),
            )


def version_id(table: Table) -> sql.Composable:
    """How one object is named in the history: its key, its parts joined by a slash."""
    parts = [sql.SQL("t.{}").format(sql.Identifier(name)) for name in table.key]
    if len(parts) == 1:
        return sql.SQL("{}::text").format(parts[0])
    return sql.SQL("concat_ws('/', {})").format(sql.SQL(", ").join(parts))


def version_record() -> sql.Composable:
    """One version as a document: what SendGrid said, without our bookkeeping."""
    return sql.SQL("to_jsonb(t) - '{content_hash,first_seen_at,synced_at,deleted_at}'::text[]")
