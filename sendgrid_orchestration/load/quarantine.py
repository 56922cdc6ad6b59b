"""Items that could not be understood: look at them, and try them again by the rules of this version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from sendgrid_orchestration.landing.format import Post
from sendgrid_orchestration.load import ledger
from sendgrid_orchestration.load.run import connection
from sendgrid_orchestration.load.shaping import WHOLE_POST, Batch, Tally
from sendgrid_orchestration.load.storing import Storer
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.migrations import migrate

PORTION = 5_000
"""Items that are tried in one transaction."""


@dataclass(frozen=True, slots=True)
class QuarantinedItem:
    """One item in the quarantine."""

    quarantine_key: UUID
    reason: str
    """One word for what is odd about it."""
    detail: str
    """The same in a sentence."""
    item: str
    """What was posted, verbatim."""
    file_name: str
    post_index: int
    item_index: int
    """Its place in the post, from 0; -1 where the body as a whole was odd."""
    received_at: datetime
    quarantined_at: datetime
    released_at: datetime | None


@dataclass(frozen=True)
class RetryResult:
    """What a retry has achieved."""

    tried: int
    released: int
    """Items that are understood now and have left the quarantine."""
    inserted: int
    """Events that came into the table by that; fewer where some were there already."""
    load_ids: tuple[int, ...]


def list_items(
    conn: psycopg.Connection,
    raw_schema: str,
    *,
    reason: str | None = None,
    released: bool = False,
    limit: int | None = 100,
) -> list[QuarantinedItem]:
    """The items that wait in the quarantine, oldest first.

    Args:
        conn: a connection.
        raw_schema: of which source.
        reason: only those with this reason.
        released: those that have left it instead.
        limit: at most so many; None for all.
    """
    query = sql.SQL("""
        select
            quarantine_key, reason, detail, item, file_name, post_index, item_index,
            received_at, quarantined_at, released_at
        from {quarantine}
        where (released_at is not null) = %(released)s and (%(reason)s::text is null or reason = %(reason)s)
        order by quarantined_at, file_name, post_index, item_index
        limit %(limit)s
    """)
    with conn.cursor(row_factory=class_row(QuarantinedItem)) as cursor:
        cursor.execute(
            query.format(quarantine=sql.Identifier(raw_schema, "quarantine")),
            {"released": released, "reason": reason, "limit": limit},
        )
        return cursor.fetchall()


def count_by_reason(conn: psycopg.Connection, raw_schema: str) -> dict[str, int]:
    """How many items wait, by reason, the most frequent first."""
    query = sql.SQL(
        "select reason, count(*) from {} where released_at is null group by reason order by count(*) desc, reason"
    )
    return dict(conn.execute(query.format(sql.Identifier(raw_schema, "quarantine"))).fetchall())


def retry(
    conn_url: str, source: Source, *, reason: str | None = None, run_id: str | None = None
) -> RetryResult:
    """Read the items that wait once more, load those that are understood now, and release them.

    Args:
        conn_url: the warehouse.
        source: whose items.
        reason: only those with this reason.
        run_id: who asks, for the ledger.

    Raises:
        LoadInterruptedError: Postgres went away; what was released stays released.
        WarehouseUnreachableError: Postgres cannot be reached.
    """
    tried = released = inserted = 0
    load_ids: list[int] = []
    last: QuarantinedItem | None = None
    with connection(conn_url, source) as conn:
        migrate(conn, source)
        while True:
            with conn.transaction() as transaction:
                ledger.lock(conn, source.raw_schema)
                items = _items_behind(conn, source.raw_schema, reason, last)
                if not items:
                    break
                last = items[-1]
                tried += len(items)
                load_id = ledger.begin(conn, source.raw_schema, "quarantine_retry", run_id)
                understood, total = _load(conn, source.raw_schema, load_id, items)
                if not understood:
                    raise psycopg.Rollback(transaction)
                load_ids.append(load_id)
                released += len(understood)
                inserted += total.inserted
    return RetryResult(tried, released, inserted, tuple(load_ids))


def _items_behind(
    conn: psycopg.Connection, raw_schema: str, reason: str | None, last: QuarantinedItem | None
) -> list[QuarantinedItem]:
    """The next items in the order of their posts; those of one post stay together."""
    query = sql.SQL("""
        select
            quarantine_key, reason, detail, item, file_name, post_index, item_index,
            received_at, quarantined_at, released_at
        from {quarantine}
        where
            released_at is null
            and (%(reason)s::text is null or reason = %(reason)s)
            and (file_name, post_index) > (%(file)s, %(post)s)
        order by file_name, post_index
        fetch first %(portion)s rows with ties
    """)
    with conn.cursor(row_factory=class_row(QuarantinedItem)) as cursor:
        cursor.execute(
            query.format(quarantine=sql.Identifier(raw_schema, "quarantine")),
            {
                "reason": reason,
                "file": last.file_name if last else "",
                "post": last.post_index if last else -1,
                "portion": PORTION,
            },
        )
        return cursor.fetchall()


def _load(
    conn: psycopg.Connection, raw_schema: str, load_id: int, items: list[QuarantinedItem]
) -> tuple[list[UUID], Tally]:
    """Load what is understood now.

    Returns:
        The keys of the items that were understood, and what they brought. The others do not count: they were counted as
        quarantined by the load that brought them.
    """
    batch = Batch()
    understood: list[UUID] = []
    tally = Tally()
    for (file_name, post_index), of_post in groupby(
        items, key=lambda item: (item.file_name, item.post_index)
    ):
        group = sorted(of_post, key=lambda item: item.item_index)
        is_whole = group[0].item_index == WHOLE_POST
        texts = [item.item.encode() for item in group]
        body = texts[0] if is_whole else b"[" + b",".join(texts) + b"]"
        before = len(batch.quarantined)
        odd = batch.add(Post(group[0].received_at, {}, body), load_id, tally, file_name, post_index)
        if not is_whole or WHOLE_POST in odd:
            del batch.quarantined[before:]
            tally.events_read -= len(odd)
            tally.quarantined -= len(odd)
        odd_places = {WHOLE_POST} & odd.keys() if is_whole else odd.keys()
        understood += [
            item.quarantine_key
            for place, item in enumerate(group, start=WHOLE_POST if is_whole else 0)
            if place not in odd_places
        ]
    if understood:
        batch.finish()
        storer = Storer(conn, raw_schema, load_id)
        storer.store(batch)
        release = sql.SQL("""
            update {} set released_at = clock_timestamp(), released_load_id = %s where quarantine_key = any(%s)
        """)
        conn.execute(release.format(sql.Identifier(raw_schema, "quarantine")), [load_id, understood])
        ledger.finish(conn, raw_schema, load_id, files=0, total=tally, event_dates=storer.event_dates)
    return understood, tally
