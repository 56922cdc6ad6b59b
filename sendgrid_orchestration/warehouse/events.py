"""The partitions of the events table: one for each month in which something happened."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import psycopg
from psycopg import sql


def ensure_partitions(conn: psycopg.Connection, raw_schema: str, months: Iterable[date]) -> list[date]:
    """Create the monthly partitions that are missing.

    Attached and not created in place: `create table … partition of` would lock out every reader of the table until
    this transaction ends, attaching an empty table locks out nobody who reads or inserts.

    Args:
        conn: a connection; its transaction is the caller's.
        raw_schema: where the table `events` is.
        months: any days; the months that they fall into are meant.

    Returns:
        The first days of the months whose partition was created.
    """
    wanted = {day.replace(day=1) for day in months}
    missing = sorted(wanted - existing_partitions(conn, raw_schema))
    if not missing:
        return []
    # Two processes would both find a month missing; the second waits here and then finds it there.
    conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"partitions {raw_schema}"])
    missing = sorted(wanted - existing_partitions(conn, raw_schema))
    for month in missing:
        _create(conn, raw_schema, month)
    return missing


def partition_name(month: date) -> str:
    """The name of the partition that holds this month's events."""
    return f"events_{month:%Y_%m}"


def existing_partitions(conn: psycopg.Connection, raw_schema: str) -> set[date]:
    """The first days of the months that have a partition."""
    query = """
        select child.relname
        from pg_inherits
        inner join pg_class as child on child.oid = pg_inherits.inhrelid
        inner join pg_class as parent on parent.oid = pg_inherits.inhparent
        inner join pg_namespace as schema on schema.oid = parent.relnamespace
        where schema.nspname = %s and parent.relname = 'events'
    """
    names = [name for (name,) in conn.execute(query, [raw_schema])]
    return {date(int(name[-7:-3]), int(name[-2:]), 1) for name in names}


def _create(conn: psycopg.Connection, raw_schema: str, month: date) -> None:
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    events = sql.Identifier(raw_schema, "events")
    partition = sql.Identifier(raw_schema, partition_name(month))
    like = "including defaults including generated including constraints including indexes including storage"
    conn.execute(sql.SQL(f"create table {{}} (like {{}} {like})").format(partition, events))
    conn.execute(
        sql.SQL("alter table {} attach partition {} for values from ({}) to ({})").format(
            events,
            partition,
            sql.Literal(f"{month} 00:00:00+00"),
            sql.Literal(f"{following} 00:00:00+00"),
        )
    )
