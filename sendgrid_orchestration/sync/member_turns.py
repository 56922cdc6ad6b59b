"""When each list and segment had its turn, how long that took, and so how long all of them take."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from sendgrid_orchestration.sync.context import Context
from sendgrid_orchestration.warehouse.bounded_text import bounded
from sendgrid_orchestration.warehouse.engine import connect


@contextmanager
def timed(context: Context, table: str, group_id: str) -> Iterator[None]:
    """Note that a list or segment has its turn, and how long it takes, whatever comes of it.

    A list whose export never ends would otherwise stay the first in line for ever.
    """
    began = time.monotonic()
    error: BaseException | None = None
    try:
        yield
    except BaseException as caught:
        error = caught
        raise
    finally:
        statement = sql.SQL("""
            insert into {} (object, group_id, began_at, seconds, error)
            values (%(object)s, %(group)s, clock_timestamp() - make_interval(secs => %(seconds)s), %(seconds)s, %(error)s)
            on conflict (object, group_id) do update set
                began_at = excluded.began_at, seconds = excluded.seconds, error = excluded.error
        """)
        with connect(context.url) as conn:
            conn.execute(
                statement.format(_turns(context.raw)),
                {
                    "object": table,
                    "group": bounded(group_id),
                    "seconds": round(time.monotonic() - began, 3),
                    "error": None if error is None else f"{type(error).__name__}: {error}",
                },
            )


def last_turns(context: Context, table: str) -> dict[str, datetime]:
    """When each list or segment had its last turn, read or failed."""
    query = sql.SQL("select group_id, began_at from {} where object = %s").format(_turns(context.raw))
    return dict(context.conn.execute(query, [table]).fetchall())


def last_reads(context: Context, table: str) -> dict[str, datetime]:
    """When the members of each were last read."""
    query = sql.SQL("select group_id, read_at from {} where object = %s")
    found = context.conn.execute(query.format(sql.Identifier(context.raw, "member_reads")), [table])
    return dict(found.fetchall())


def forget_others(context: Context, table: str, living: Sequence[str]) -> None:
    """Forget the turns of lists or segments that are no more."""
    statement = sql.SQL("delete from {} where object = %s and not group_id = any(%s)")
    context.conn.execute(statement.format(_turns(context.raw)), [table, [bounded(one) for one in living]])


@dataclass(frozen=True)
class Estimate:
    """How long the members of all lists, or of all segments, take to read.

    Attributes:
        groups: how many there are.
        seconds: of all their turns one after the other; those that had none yet count as the average.
    """

    groups: int
    seconds: float


def estimates(conn: psycopg.Connection, raw: str) -> dict[str, Estimate]:
    """What the last turns say of `list_members` and `segment_members`; nothing of what had no turn yet."""
    row = conn.execute("select to_regclass(%s) is not null", [f"{raw}.member_turns"]).fetchone()
    if row is None or not row[0]:
        return {}
    query = sql.SQL("""
        select
            turns.object,
            greatest(count(*), max(listed.groups)),
            avg(turns.seconds) * greatest(count(*), max(listed.groups))
        from {} as turns
        inner join (
            select 'list_members' as object, count(*) as groups from {} where deleted_at is null
            union all
            select 'segment_members', count(*) from {} where deleted_at is null
        ) as listed using (object)
        group by turns.object
    """).format(_turns(raw), sql.Identifier(raw, "lists"), sql.Identifier(raw, "segments"))
    return {name: Estimate(int(groups), float(seconds)) for name, groups, seconds in conn.execute(query)}


def _turns(raw: str) -> sql.Identifier:
    return sql.Identifier(raw, "member_turns")
