"""Replaces a column that views use, and leaves the views as they were.

Postgres neither changes the type of such a column nor drops it without its views. They belong to dbt and to the people who
query the warehouse, so they are created again within the same transaction: definition, options, owner, grants, comments.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

import psycopg

from sendgrid_orchestration.warehouse.errors import MigrationError

_QUERY = (files("sendgrid_orchestration.warehouse") / "sql" / "dependent_views.sql").read_text(
    encoding="utf-8"
)


@contextmanager
def dropped_views(conn: psycopg.Connection, relation: str, column: str) -> Iterator[None]:
    """Drop the views that need a column; create them again when the block ends.

    Args:
        conn: a connection; its transaction is the caller's.
        relation: the quoted name of the table, with its schema.
        column: its column.

    Raises:
        MigrationError: something other than a plain view needs the column, or a view does not fit what the block has
            made of it.
    """
    views = conn.execute(_QUERY.encode(), {"relation": relation, "column": column}).fetchall()
    for name, is_plain, _, _ in views:
        if not is_plain:
            raise MigrationError(
                f"{relation}.{column} has to be created anew, and {name}, which is no plain view, uses it. "
                f"Drop {name}, run this again, and create it again."
            )
    for name, *_ in reversed(views):
        conn.execute(f"drop view {name}".encode())
    yield
    for name, _, definition, properties in views:
        try:
            conn.execute(definition.encode())
            for statement in properties:
                conn.execute(statement.encode())
        except psycopg.ProgrammingError as error:
            raise MigrationError(
                f"{relation}.{column} has to be created anew, and the view {name} does not fit it afterwards "
                f"({error.diag.message_primary}). Drop {name}, run this again, and create it again."
            ) from error
