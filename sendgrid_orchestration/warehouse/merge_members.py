"""Brings the members of one list or segment into its table: who joined gets a row, who left gets its row closed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from sendgrid_orchestration.warehouse.bounded_text import bounded
from sendgrid_orchestration.warehouse.object_tables import TABLES

_JOINED = """
    insert into {table} ({group}, contact_id, valid_from)
    select distinct %(group_id)s, i.contact_id, %(now)s::timestamptz
    from incoming_members as i
    where not exists (
        select from {table} as t
        where t.{group} = %(group_id)s and t.contact_id = i.contact_id and t.valid_to is null
    )
    on conflict do nothing
"""

_LEFT = """
    update {table} as t
    set valid_to = %(now)s
    where
        t.{group} = %(group_id)s and t.valid_to is null
        and not exists (select from incoming_members as i where i.contact_id = t.contact_id)
"""

_READ = """
    insert into {reads} (object, group_id, read_at, complete, members)
    values (%(object)s, %(group_id)s, %(now)s, %(complete)s, %(members)s)
    on conflict (object, group_id) do update set
        read_at = excluded.read_at, complete = excluded.complete, members = excluded.members
"""

_CLOSED = "update {table} set valid_to = %(now)s where valid_to is null and not {group} = any(%(living)s)"


@dataclass(frozen=True)
class MemberCounts:
    """What a merge of members did; adds up over lists."""

    members: int = 0
    joined: int = 0
    left: int = 0

    def __add__(self, other: MemberCounts) -> MemberCounts:
        return MemberCounts(self.members + other.members, self.joined + other.joined, self.left + other.left)


def stage_members(conn: psycopg.Connection, contact_ids: Iterable[str]) -> int:
    """Put members aside, as they are read; nothing of the table changes yet.

    Returns:
        How many different ones there are.
    """
    conn.execute("create temporary table incoming_members (contact_id text not null)")
    with conn.cursor() as cursor, cursor.copy("copy incoming_members from stdin") as copy:
        for contact_id in contact_ids:
            copy.write_row((bounded(contact_id),))
    row = conn.execute("select count(distinct contact_id) from incoming_members").fetchone()
    return int(row[0]) if row else 0


@dataclass(frozen=True)
class MemberMerge:
    """The merge of what was staged for one list or segment.

    Attributes:
        raw: the schema.
        table: list_members or segment_members.
        group_id: of the list or segment.
        now: the moment that becomes `valid_from` and `valid_to`.
    """

    raw: str
    table: str
    group_id: str
    now: datetime

    def run(self, conn: psycopg.Connection, members: int, *, complete: bool) -> MemberCounts:
        """Merge, in one transaction.

        Args:
            conn: where the members were staged.
            members: how many were.
            complete: those who did not come have left.
        """
        values: dict[str, Any] = {
            "object": self.table,
            "group_id": bounded(self.group_id),
            "now": self.now,
            "complete": complete,
            "members": members,
        }
        with conn.transaction():
            joined = conn.execute(_named(_JOINED, self.raw, self.table), values).rowcount
            left = conn.execute(_named(_LEFT, self.raw, self.table), values).rowcount if complete else 0
            conn.execute(_named(_READ, self.raw, self.table), values)
        return MemberCounts(members, joined, left)


def close_groups(conn: psycopg.Connection, raw: str, table: str, living: Sequence[str], now: datetime) -> int:
    """Close the rows of lists or segments that are no more.

    Returns:
        How many rows were closed.
    """
    return conn.execute(
        _named(_CLOSED, raw, table), {"now": now, "living": [bounded(one) for one in living]}
    ).rowcount


def _named(statement: str, raw: str, table: str) -> sql.Composed:
    return sql.SQL(statement).format(
        table=sql.Identifier(raw, table),
        group=sql.Identifier(TABLES[table].key[0]),
        reads=sql.Identifier(raw, "member_reads"),
    )
