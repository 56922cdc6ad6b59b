"""What a reader is handed: whom to ask, for which account, where the tables are, and where to say what was odd."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import sql

from sendgrid_orchestration.sendgrid.client import SendGridClient
from sendgrid_orchestration.sendgrid.family import Family
from sendgrid_orchestration.sendgrid.reading import Reading
from sendgrid_orchestration.warehouse.engine import connect
from sendgrid_orchestration.warehouse.object_tables import TABLES

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Overdue:
    """A list or segment whose members this sync did not read.

    Attributes:
        since: when they were last read; None if they never were.
    """

    id: str
    name: str
    since: datetime | None


@dataclass
class Context:
    """The circumstances of one sync of one object.

    Attributes:
        conn: in autocommit; whoever writes opens a transaction.
        url: for readers that need more connections.
        raw: the schema of the tables.
        family: what the account is on; `none` for objects that do not ask.
        now: the moment of this sync.
        progress: told, in a sentence, how far it is.
        stats_since: the first day that statistics are wanted for, where the settings name one.
        facts: what the sync's result tells beside its counts, by name.
        overdue: lists or segments whose members were not read, the longest unread first.
        read_from: set by readers of statistics that came to their end: the first day that they read.
    """

    client: SendGridClient
    conn: psycopg.Connection
    url: str
    raw: str
    family: Family
    now: datetime
    progress: Progress
    reading: Reading = field(default_factory=Reading)
    facts: dict[str, str | float] = field(default_factory=dict)
    overdue: list[Overdue] = field(default_factory=list)
    stats_since: date | None = None
    read_from: date | None = None

    def known(
        self, table: str, key: Sequence[str], columns: Sequence[str]
    ) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """Some columns of every row that is not deleted, by its key: small tables only.

        On a connection of its own, for a reader asks in the middle of the COPY that it feeds.
        """
        query = sql.SQL("select {} from {} where deleted_at is null").format(
            sql.SQL(", ").join(map(sql.Identifier, (*key, *columns))), sql.Identifier(self.raw, table)
        )
        with connect(self.url) as conn:
            return {row[: len(key)]: row[len(key) :] for row in conn.execute(query)}

    def stored(self, table: str) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Every row that is not deleted, by its key, as values by column: small tables only."""
        columns = [column.name for column in TABLES[table].columns]
        found = self.known(table, TABLES[table].key, columns)
        return {key: dict(zip(columns, values, strict=True)) for key, values in found.items()}

    def number(self, query: sql.Composed, params: Sequence[Any] = ()) -> int:
        """The single number that a query gives."""
        row = self.conn.execute(query, params).fetchone()
        return int(row[0]) if row and row[0] is not None else 0
