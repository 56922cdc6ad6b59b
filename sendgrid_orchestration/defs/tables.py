"""What Dagster shows of a table: how many rows it has, and which columns."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

import dagster as dg
import psycopg
from psycopg import sql

EXACT_UP_TO = 500_000
"""Above this the planner's estimate has to do: counting a large history would make every run as slow as it is long."""

RAW_VERSION = "1"
"""The code version of every raw table. Data versions here say by which code a table was made, not how far it has come: Dagster
marks an asset as out of date when the code of one above it changes, and not after each load and each sync. The models follow
those by themselves, and Dagster cannot know which loads they have seen."""


def count_rows(conn: psycopg.Connection, table: str) -> int:
    """The rows of a table or view: counted while it is small, estimated when it is large.

    Args:
        conn: in autocommit, or the locks stay until the caller's transaction ends.
        table: schema and name.
    """
    rows = sql.SQL("select * from {}").format(sql.Identifier(*table.split(".")))
    plan = _value(conn, sql.SQL("explain (format json) {}").format(rows))
    estimate = int(plan[0]["Plan"]["Plan Rows"])
    if estimate > EXACT_UP_TO:
        return estimate
    return int(_value(conn, sql.SQL("select count(*) from ({}) as rows").format(rows)))


def rows_by_day(
    conn: psycopg.Connection, table: str, column: str, first: date, last: date
) -> dict[date, int]:
    """The rows of each day of a range, both ends included; days without rows are missing.

    Args:
        conn: in autocommit, or the locks stay until the caller's transaction ends.
        table: schema and name.
        column: the column that holds the day.
        first: the first day.
        last: the last day.
    """
    query = sql.SQL("""
        select {column}, count(*)
        from {table}
        where {column} between %s and %s
        group by {column}
    """).format(column=sql.Identifier(column), table=sql.Identifier(*table.split(".")))
    return dict(conn.execute(query, [first, last]).fetchall())


def column_schema(conn: psycopg.Connection, table: str) -> dg.TableSchema:
    """The columns of a table, with their types and comments."""
    query = """
        select
            attribute.attname,
            format_type(attribute.atttypid, attribute.atttypmod),
            col_description(attribute.attrelid, attribute.attnum),
            attribute.attnotnull
        from pg_attribute as attribute
        where attribute.attrelid = to_regclass(%s) and attribute.attnum > 0 and not attribute.attisdropped
        order by attribute.attnum
    """
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, type_, description, dg.TableColumnConstraints(nullable=not required))
            for name, type_, description, required in conn.execute(query, [table])
        ]
    )


def _value(conn: psycopg.Connection, query: sql.Composable) -> Any:
    row = conn.execute(cast(sql.Composed, query)).fetchone()
    assert row is not None
    return row[0]
