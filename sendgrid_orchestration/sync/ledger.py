"""The record of syncs: one row each in `sync_runs`, also of those that fail."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

import psycopg
from psycopg import sql

from sendgrid_orchestration.sync.result import SyncResult
from sendgrid_orchestration.warehouse.engine import connect


def begin(conn: psycopg.Connection, raw: str, name: str, now: datetime) -> int:
    """Write down that a sync starts."""
    row = conn.execute(
        _query("insert into {} (object, started_at) values (%s, %s) returning sync_id", raw), [name, now]
    ).fetchone()
    assert row is not None
    return int(row[0])


def finish(
    conn: psycopg.Connection, raw: str, sync_id: int, result: SyncResult, read_from: date | None = None
) -> None:
    """Write down what it did, and of statistics the first day that it read."""
    statement = """
        update {} set finished_at = clock_timestamp(), complete = %s, family = %s, rows_read = %s, inserted = %s,
            updated = %s, unchanged = %s, deleted = %s, warnings = %s, read_from = %s
        where sync_id = %s
    """
    conn.execute(
        _query(statement, raw),
        [
            result.complete,
            result.family,
            # What had no time to read anything has not read nothing.
            result.rows_read if result.was_read and (result.rows_read or not result.overdue) else None,
            result.inserted,
            result.updated,
            result.unchanged,
            result.deleted,
            list(result.warnings),
            read_from,
            sync_id,
        ],
    )


def fail(conn: psycopg.Connection, raw: str, sync_id: int, error: BaseException, warnings: list[str]) -> None:
    """Write down why it did not."""
    conn.execute(
        _query(
            "update {} set finished_at = clock_timestamp(), error = %s, warnings = %s where sync_id = %s", raw
        ),
        [f"{type(error).__name__}: {error}", warnings, sync_id],
    )


class DaysRead(NamedTuple):
    """The days that syncs of statistics have read: from the first on, up to the day of the last sync."""

    first: date
    last: date


def days_read(url: str, raw: str, name: str) -> DaysRead | None:
    """Which days of an object were read; None where it never was.

    On a connection of its own, because a reader asks in the middle of the COPY that it feeds.
    """
    query = _query(
        "select min(read_from), (max(started_at) at time zone 'utc')::date from {} "
        "where object = %s and read_from is not null and finished_at is not null and error is null",
        raw,
    )
    with connect(url) as conn:
        row = conn.execute(query, [name]).fetchone()
    return None if row is None or row[0] is None else DaysRead(*row)


def rows_of_last(conn: psycopg.Connection, raw: str, name: str) -> int | None:
    """How many rows the last sync that came to its end read; None where there was none.

    A sync that was not let in, or of an object that the account does not have, has read nothing: not zero rows.
    """
    row = conn.execute(
        _query(
            "select rows_read from {} where object = %s and error is null and rows_read is not null "
            "order by sync_id desc limit 1",
            raw,
        ),
        [name],
    ).fetchone()
    return None if row is None else int(row[0])


def _query(statement: str, raw: str) -> sql.Composed:
    return sql.SQL(statement).format(sql.Identifier(raw, "sync_runs"))
