"""Typed columns for the custom args that the settings name: `customer_id: text` becomes `events.arg_customer_id`.

Each is a column that Postgres computes from `custom_args`, so it covers all history the moment it is added, agrees with
the JSON for ever, and costs the loader nothing. A value that does not fit the type is null, never an error. From
Postgres 18 on the column is virtual: added in milliseconds to a table of any size, computed when read. Older servers
know only stored ones: adding one rewrites the partitions, about a minute for ten million events.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

import psycopg
from psycopg import sql

from sendgrid_orchestration.settings import CustomArgType, Source
from sendgrid_orchestration.warehouse.dependent_views import dropped_views

_SQL = files("sendgrid_orchestration.warehouse") / "sql" / "custom_args"
_FIRST_WITH_VIRTUAL_COLUMNS = 180000

COLUMN_TYPES: dict[CustomArgType, str] = {
    "text": "text",
    "integer": "bigint",
    "numeric": "numeric",
    "boolean": "boolean",
    "timestamp": "timestamp with time zone",
}


def column_name(arg: str) -> str:
    """The column of `events` that holds this custom arg."""
    return f"arg_{arg}"


def missing(conn: psycopg.Connection, source: Source) -> list[str]:
    """The custom args in the settings that have no column as this program defines it."""
    columns = _columns(conn, source)
    return [
        arg
        for arg, kind in source.custom_args.items()
        if columns.get(column_name(arg)) != _comment(arg, kind)
    ]


def add_columns(conn: psycopg.Connection, source: Source) -> None:
    """Add the columns that are missing, and replace those whose type or definition has changed; views follow.

    A column whose custom arg has left the settings stays: somebody may query it, and it costs nothing.

    Raises:
        MigrationError: something stands on a column that has to be replaced, and cannot follow.
    """
    columns = _columns(conn, source)
    events = sql.Identifier(source.raw_schema, "events")
    for arg in missing(conn, source):
        column = column_name(arg)
        if column not in columns:
            _add(conn, source, arg, source.custom_args[arg])
            continue
        with dropped_views(conn, events.as_string(conn), column):
            conn.execute(sql.SQL("alter table {} drop column {}").format(events, sql.Identifier(column)))
            _add(conn, source, arg, source.custom_args[arg])


def _add(conn: psycopg.Connection, source: Source, arg: str, kind: CustomArgType) -> None:
    storage = "virtual" if conn.info.server_version >= _FIRST_WITH_VIRTUAL_COLUMNS else "stored"
    events, column = sql.Identifier(source.raw_schema, "events"), column_name(arg)
    conn.execute(
        sql.SQL("alter table {} add column {} {} generated always as (\n{}\n) {}").format(
            events,
            sql.Identifier(column),
            sql.SQL(COLUMN_TYPES[kind]),
            sql.SQL(_template(kind)).format(value=sql.SQL("(custom_args ->> {})").format(sql.Literal(arg))),
            sql.SQL(storage),
        )
    )
    conn.execute(
        sql.SQL("comment on column {} is {}").format(
            sql.Identifier(source.raw_schema, "events", column), sql.Literal(_comment(arg, kind))
        )
    )


@cache
def _template(kind: CustomArgType) -> str:
    return (_SQL / f"{kind}.sql").read_text(encoding="utf-8")


def _comment(arg: str, kind: CustomArgType) -> str:
    """What the column is, and a fingerprint of its definition, by which an upgrade knows an older one."""
    digest = hashlib.blake2b(_template(kind).encode(), digest_size=6).hexdigest()
    return f"The custom arg {arg} as {kind}; null where it does not fit. Defined as {digest}."


def _columns(conn: psycopg.Connection, source: Source) -> dict[str, str | None]:
    """The generated columns of `events`, each with its comment."""
    query = """
        select attname, col_description(attrelid, attnum)
        from pg_attribute
        where attrelid = to_regclass(%s) and attgenerated != '' and not attisdropped
    """
    return dict(conn.execute(query, [f"{source.raw_schema}.events"]).fetchall())
