"""Statements over the tables of one source, which each ledger here runs on its caller's connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import psycopg
from psycopg import sql


class Statements:
    """Runs statements in which tables stand as `{name}`.

    Attributes:
        tables: the tables that may stand in them, by that name.
    """

    tables: ClassVar[Mapping[str, str]]

    def __init__(self, conn: psycopg.Connection, raw_schema: str) -> None:
        self._conn = conn
        self._raw = raw_schema

    def _query(self, text: Any) -> sql.Composed:
        return sql.SQL(text).format(
            **{name: sql.Identifier(self._raw, table) for name, table in self.tables.items()}
        )

    def _run(self, text: str, *values: object) -> None:
        self._conn.execute(self._query(text), values)

    def _one(self, text: str, *values: object) -> tuple[Any, ...] | None:
        return self._conn.execute(self._query(text), values).fetchone()

    def _value(self, text: str, *values: object) -> Any:
        row = self._one(text, *values)
        assert row is not None
        return row[0]


def table_exists(conn: psycopg.Connection, raw_schema: str, table: str) -> bool:
    """Whether a table is there, which it is after the migrations."""
    row = conn.execute("select to_regclass(%s) is not null", [f"{raw_schema}.{table}"]).fetchone()
    return row is not None and bool(row[0])
