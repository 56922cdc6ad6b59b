"""What the ledgers in the warehouse say about time: last posts, usual pauses, waiting files, loads without models."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from sendgrid_orchestration.landing.store import LandedFile, LandingStore
from sendgrid_orchestration.load import ledger
from sendgrid_orchestration.load.verification import ArchiveState, archive_state
from sendgrid_orchestration.settings import Source


@dataclass(frozen=True)
class Load:
    """A committed load."""

    load_id: int
    committed_at: datetime


@dataclass(frozen=True)
class LastSync:
    """The newest successful sync of an object."""

    object: str
    finished_at: datetime


def last_post_at(conn: psycopg.Connection, raw_schema: str) -> datetime | None:
    """When the newest loaded post was received, UTC; None before the first."""
    row = _row(conn, raw_schema, "landed_files", "select max(last_received_at) from {}")
    return row[0] if row else None


def longest_pause(conn: psycopg.Connection, raw_schema: str, since: datetime) -> timedelta:
    """The longest time between two files of posts that were received since a moment."""
    row = _row(
        conn,
        raw_schema,
        "landed_files",
        """
        select max(first_received_at - previous)
        from (
            select first_received_at, lag(last_received_at) over (order by first_received_at) as previous
            from {}
            where last_received_at >= %s
        ) as files
        """,
        [since],
    )
    return row[0] if row and row[0] else timedelta(0)


def waiting(conn: psycopg.Connection, store: LandingStore, source: Source) -> list[LandedFile]:
    """The landed files that no load has taken yet."""
    return ledger.waiting(conn, store, source)


def archive(conn: psycopg.Connection, source: Source) -> ArchiveState | None:
    """What is known about the archive; None before anything was loaded."""
    if not _exists(conn, source.raw_schema, "landed_files"):
        return None
    return archive_state(conn, source.raw_schema)


def oldest_load_without_models(conn: psycopg.Connection, source: Source) -> Load | None:
    """The oldest load that the message fact, on which every mart stands, has not seen; None if it has seen all."""
    state = f"{source.schema_}_staging"
    seen = _row(conn, state, "model_state", "select load_id from {} where model = 'fct_email_messages'")
    row = _row(
        conn,
        source.raw_schema,
        "loads",
        "select load_id, committed_at from {} where load_id > %s and committed_at is not null order by load_id limit 1",
        [seen[0] if seen else 0],
    )
    return Load(*row) if row else None


def last_syncs(conn: psycopg.Connection, source: Source) -> list[LastSync]:
    """The newest successful sync of each object, the longest ago first."""
    if not _exists(conn, source.raw_schema, "sync_runs"):
        return []
    query = sql.SQL("""
        select object, max(finished_at)
        from {}
        where error is null and finished_at is not null
        group by object
        order by 2
    """)
    return [
        LastSync(*row) for row in conn.execute(query.format(sql.Identifier(source.raw_schema, "sync_runs")))
    ]


def _row(
    conn: psycopg.Connection, schema: str, table: str, query: str, values: list[Any] | None = None
) -> tuple[Any, ...] | None:
    """The first row of a query over a table; None if the table is not there yet."""
    if not _exists(conn, schema, table):
        return None
    return conn.execute(sql.SQL(query).format(sql.Identifier(schema, table)), values or []).fetchone()


def _exists(conn: psycopg.Connection, schema: str, table: str) -> bool:
    row = conn.execute("select to_regclass(%s) is not null", [f"{schema}.{table}"]).fetchone()
    return row is not None and bool(row[0])
