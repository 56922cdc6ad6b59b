"""Items that could not be understood: look at them, and try them again by the rules of this version."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from sendgrid_orchestration.load import ledger
from sendgrid_orchestration.load.rekeying import ensure_current, require_current
from sendgrid_orchestration.load.run import connection
from sendgrid_orchestration.load.shaping import WHOLE_POST, Batch, Place, Tally, portions, post_rows
from sendgrid_orchestration.load.storing import Storer
from sendgrid_orchestration.sendgrid.event_parser import item_text
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.migrations import migrate

PORTION_ITEMS = 5_000
PORTION_BYTES = 8 * 1024 * 1024
"""What is tried in one transaction, but at least one item."""


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
    items: int
    """How many consecutive items of the post these are."""
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
    most_characters: int | None = None,
) -> list[QuarantinedItem]:
    """The items that wait in the quarantine, oldest first.

    Args:
        conn: a connection.
        raw_schema: of which source.
        reason: only those with this reason.
        released: those that have left it instead.
        limit: at most so many; None for all.
        most_characters: cut longer items there.
    """
    query = sql.SQL("""
        select
            quarantine_key, reason, detail, left(item, coalesce(%(most)s, 2147483647)) as item, file_name, post_index, item_index, items,
            received_at, quarantined_at, released_at
        from {quarantine}
        where (released_at is not null) = %(released)s and (%(reason)s::text is null or reason = %(reason)s)
        order by quarantined_at, file_name, post_index, item_index
        limit %(limit)s
    """)
    with conn.cursor(row_factory=class_row(QuarantinedItem)) as cursor:
        cursor.execute(
            query.format(quarantine=sql.Identifier(raw_schema, "quarantine")),
            {"released": released, "reason": reason, "limit": limit, "most": most_characters},
        )
        return cursor.fetchall()


def count_by_reason(conn: psycopg.Connection, raw_schema: str) -> dict[str, int]:
    """How many items wait, by reason, the most frequent first."""
    query = sql.SQL(
        "select reason, sum(items) from {} where released_at is null group by reason order by sum(items) desc, reason"
    )
    rows = conn.execute(query.format(sql.Identifier(raw_schema, "quarantine")))
    return {reason: int(items) for reason, items in rows}


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
        KeyVersionError: a newer version of this program made the keys of the events.
        LoadInterruptedError: Postgres went away; what was released stays released.
        WarehouseUnreachableError: Postgres cannot be reached.
    """
    tried = released = inserted = 0
    load_ids: list[int] = []
    last: QuarantinedItem | None = None
    ordinals = _Ordinals()
    with connection(conn_url, source) as conn:
        migrate(conn, source)
        ensure_current(conn, source.raw_schema)
        while True:
            with conn.transaction() as transaction:
                ledger.lock(conn, source.raw_schema)
                require_current(conn, source.raw_schema)
                items = _items_behind(conn, source.raw_schema, reason, last)
                if not items:
                    break
                last = items[-1]
                tried += sum(item.items for item in items)
                load_id = ledger.begin(conn, source.raw_schema, "quarantine_retry", run_id)
                understood, total = _load(conn, source.raw_schema, load_id, items, ordinals)
                if not understood:
                    raise psycopg.Rollback(transaction)
                load_ids.append(load_id)
                released += sum(item.items for item in items if item.quarantine_key in understood)
                inserted += total.inserted
    return RetryResult(tried, released, inserted, tuple(load_ids))


class _Ordinals:
    """Counts the equal items without an id of the post under way, however many transactions its items take."""

    def __init__(self) -> None:
        self._post: tuple[str, int] | None = None
        self._counts: dict[bytes, int] = {}

    def of(self, item: QuarantinedItem) -> dict[bytes, int]:
        """The counts of the item's post; items are asked for in their order."""
        if self._post != (item.file_name, item.post_index):
            self._post, self._counts = (item.file_name, item.post_index), {}
        return self._counts


def _items_behind(
    conn: psycopg.Connection, raw_schema: str, reason: str | None, last: QuarantinedItem | None
) -> list[QuarantinedItem]:
    """The next items in the order in which they were posted."""
    query = sql.SQL("""
        select
            quarantine_key, reason, detail, item, file_name, post_index, item_index, items,
            received_at, quarantined_at, released_at
        from (
            select
                *,
                sum(octet_length(item)) over (
                    order by file_name, post_index, item_index rows between unbounded preceding and 1 preceding
                ) as bytes_before
            from (
                select *
                from {quarantine}
                where
                    released_at is null
                    and (%(reason)s::text is null or reason = %(reason)s)
                    and (file_name, post_index, item_index) > (%(file)s, %(post)s, %(item)s)
                order by file_name, post_index, item_index
                limit %(items)s
            ) as waiting
        ) as measured
        where coalesce(bytes_before, 0) < %(bytes)s
        order by file_name, post_index, item_index
    """)
    with conn.cursor(row_factory=class_row(QuarantinedItem)) as cursor:
        cursor.execute(
            query.format(quarantine=sql.Identifier(raw_schema, "quarantine")),
            {
                "reason": reason,
                "file": last.file_name if last else "",
                "post": last.post_index if last else -1,
                "item": last.item_index if last else WHOLE_POST,
                "items": PORTION_ITEMS,
                "bytes": PORTION_BYTES,
            },
        )
        return cursor.fetchall()


def _load(
    conn: psycopg.Connection, raw_schema: str, load_id: int, items: list[QuarantinedItem], ordinals: _Ordinals
) -> tuple[set[UUID], Tally]:
    """Load what is understood now.

    Returns:
        The keys of the items that were understood, and what they brought. The others do not count: they were counted as
        quarantined by the load that brought them.
    """
    tally = Tally()
    understood: set[UUID] = set()
    waiting = {item.quarantine_key.hex: item for item in items}
    storer = Storer(conn, raw_schema, load_id, lambda place: _text_of(place, waiting))
    batch = Batch()

    def store() -> None:
        batch.finish()
        for place in storer.store(batch):
            if UUID(place.key()) in understood:
                understood.remove(UUID(place.key()))
                tally.events_read -= 1
                tally.quarantined -= 1

    for item in items:
        shaper = post_rows(item.received_at, load_id, ordinals.of(item))
        is_whole = item.item_index == WHOLE_POST
        body = item.item.encode()
        for portion in portions(body if is_whole else b"[%b]" % body, shaper):
            if portion.first == WHOLE_POST or (portion.odd and not is_whole):
                break
            first = portion.first if is_whole else item.item_index
            understood.add(item.quarantine_key)
            batch.add(replace(portion, first=first), tally, item.file_name, item.post_index, item.received_at)
            if batch.is_full:
                store()
                batch = Batch()
    store()
    if understood:
        release = sql.SQL("""
            update {} set released_at = clock_timestamp(), released_load_id = %s where quarantine_key = any(%s)
        """)
        conn.execute(release.format(sql.Identifier(raw_schema, "quarantine")), [load_id, list(understood)])
        ledger.finish(conn, raw_schema, load_id, files=0, total=tally, event_dates=storer.event_dates)
    return understood, tally


def _text_of(place: Place, waiting: dict[str, QuarantinedItem]) -> str:
    if item := waiting.get(place.key()):
        return item.item
    return item_text(waiting[place.key(WHOLE_POST)].item.encode(), place.item_index)
