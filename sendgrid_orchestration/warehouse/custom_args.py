"""Typed columns for the custom args that the settings name: `customer_id: text` becomes `events.arg_customer_id`.

Each is a column that Postgres computes from `custom_args`, so it covers all history the moment it is added, agrees with
the JSON for ever, and costs the loader nothing. A value that does not fit the type is null, never an error. From
Postgres 18 on the column is virtual: added in milliseconds to a table of any size, computed when read. Older servers
know only stored ones: adding one rewrites the partitions, about a minute for ten million events.
"""

from __future__ import annotations

from importlib.resources import files

import psycopg
from psycopg import sql

from sendgrid_orchestration.settings import CustomArgType, Source
from sendgrid_orchestration.warehouse.errors import MigrationError

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
    """The custom args in the settings that have no column of their type yet."""
    columns = _columns(conn, source)
    return [
        arg for arg, kind in source.custom_args.items() if columns.get(column_name(arg)) != COLUMN_TYPES[kind]
    ]


def add_columns(conn: psycopg.Connection, source: Source) -> None:
    """Add the columns that are missing, and change those whose type has changed in the settings.

    A column whose custom arg has left the settings stays: somebody may query it, and it costs nothing.

    Raises:
        MigrationError: a column has to change its type, and views stand on it.
    """
    columns = _columns(conn, source)
    for arg in missing(conn, source):
        if column_name(arg) in columns:
            _drop(conn, source, arg, columns[column_name(arg)])
        _add(conn, source, arg, source.custom_args[arg])


def _add(conn: psycopg.Connection, source: Source, arg: str, kind: CustomArgType) -> None:
    storage = "virtual" if conn.info.server_version >= _FIRST_WITH_VIRTUAL_COLUMNS else "stored"
    value = sql.SQL("(custom_args ->> {})").format(sql.Literal(arg))
    template = (_SQL / f"{kind}.sql").read_text(encoding="utf-8")
    conn.execute(
        sql.SQL("alter table {} add column {} {} generated always as (\n{}\n) {}").format(
            sql.Identifier(source.raw_schema, "events"),
            sql.Identifier(column_name(arg)),
            sql.SQL(COLUMN_TYPES[kind]),
            sql.SQL(template).format(value=value),
            sql.SQL(storage),
        )
    )


def _drop(conn: psycopg.Connection, source: Source, arg: str, old: str) -> None:
    column = column_name(arg)
    try:
        with conn.transaction():
            conn.execute(
                sql.SQL("alter table {} drop column {}").format(
                    sql.Identifier(source.raw_schema, "events"), sql.Identifier(column)
                )
            )
    except psycopg.errors.DependentObjectsStillExist as error:
        raise MigrationError(
            f"The settings want {source.raw_schema}.events.{column} to be {source.custom_args[arg]}; it is {old}, and views "
            f"use it. Run `alter table {source.raw_schema}.events drop column {column} cascade` and build the models "
            f"again, or put the old type back. The views: {error.diag.message_detail}"
        ) from error


def _columns(conn: psycopg.Connection, source: Source) -> dict[str, str]:
    query = """
        select attname, format_type(atttypid, atttypmod)
        from pg_attribute
        where attrelid = to_regclass(%s) and attgenerated != '' and not attisdropped
    """
    return dict(conn.execute(query, [f"{source.raw_schema}.events"]).fetchall())
