"""Brings along what refers to events by their keys, when the keys of a month change: variants, deliveries, counts of the ledger.

All of it happens in the month's transaction (see rekeying.py), with two temporary tables: `rekeyed` holds each event's old and
new key, `merged` the events that are about to go because they are there under the other key, too.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import psycopg
from psycopg import sql

from sendgrid_orchestration.load.storing import COMPARED_COLUMNS

Kind = Literal["merged", "merged_copy", "copy", "original", "variant", "no_variant"]


@dataclass(frozen=True)
class Change:
    """Events that the ledger counts as something else than before.

    Attributes:
        load_id: the load that had brought them.
        received_at: when their post was received.
        kind: `merged` and `merged_copy` were known already; `copy` and `original` change their flag; `variant` and
            `no_variant` are redeliveries that differ, or no longer do.
        events: how many.
    """

    load_id: int
    received_at: datetime
    kind: Kind
    events: int


@dataclass
class FileCounts:
    """What a landed file has brought."""

    name: str
    first_received_at: datetime
    last_received_at: datetime
    inserted: int
    duplicate: int
    copies: int
    variants: int

    def room(self, kind: Kind) -> int:
        """How many events of the file can change in this way."""
        return {
            "merged": self.inserted - self.copies,
            "merged_copy": self.copies,
            "copy": self.inserted - self.copies,
            "original": self.copies,
            "variant": self.duplicate - self.variants,
            "no_variant": self.variants,
        }[kind]

    def change(self, kind: Kind, events: int) -> None:
        """Count events as what they are now."""
        inserted, copies, variants = _EFFECTS[kind]
        self.inserted += inserted * events
        self.duplicate -= inserted * events
        self.copies += copies * events
        self.variants += variants * events


_EFFECTS: dict[Kind, tuple[int, int, int]] = {
    "merged": (-1, 0, 0),
    "merged_copy": (-1, -1, 0),
    "copy": (0, 1, 0),
    "original": (0, -1, 0),
    "variant": (0, 0, 1),
    "no_variant": (0, 0, -1),
}
"""By how much each changes what is inserted (and, the other way, what is a duplicate), a copy, a variant."""


def correct_counts(conn: psycopg.Connection, raw_schema: str, changes: Iterable[Change]) -> None:
    """Correct what loads and landed files say that they have brought.

    An event does not know its file, but the time at which its post was received, and a file the first and the last time of its
    posts. Files that several receivers wrote at the same time overlap; then each event is counted for one that it may have
    come in and that has so many, so that the files of a load add up to the load.

    Args:
        conn: a connection, in the transaction that changes the events.
        raw_schema: where the tables are.
        changes: in the order in which they happened.
    """
    by_load: dict[int, dict[Kind, list[Change]]] = defaultdict(lambda: defaultdict(list))
    for change in changes:
        by_load[change.load_id][change.kind].append(change)
    loads = []
    files = []
    for load_id, kinds in by_load.items():
        total = FileCounts("", datetime.max, datetime.max, 0, 0, 0, 0)
        in_load = _files(conn, raw_schema, load_id)
        for kind, of_kind in kinds.items():
            total.change(kind, sum(change.events for change in of_kind))
            distribute(in_load, of_kind)
        loads.append((total.inserted, total.duplicate, total.copies, total.variants, load_id))
        files += [(one.inserted, one.duplicate, one.copies, one.variants, one.name) for one in in_load]
    names = {
        "loads": sql.Identifier(raw_schema, "loads"),
        "files": sql.Identifier(raw_schema, "landed_files"),
    }
    with conn.cursor() as cursor:
        cursor.executemany(sql.SQL(_LOAD).format(**names), loads)
        cursor.executemany(sql.SQL(_FILE).format(**names), files)


def _files(conn: psycopg.Connection, raw_schema: str, load_id: int) -> list[FileCounts]:
    query = sql.SQL("""
        select file_name, first_received_at, last_received_at, inserted, duplicate, copies, variants
        from {}
        where load_id = %s and first_received_at is not null
        order by first_received_at, file_name
    """).format(sql.Identifier(raw_schema, "landed_files"))
    return [FileCounts(*row) for row in conn.execute(query, [load_id])]


def distribute(files: list[FileCounts], changes: list[Change]) -> None:
    """Count each event for a file that was open when it was received and has room for it, the one that closed first.

    Whoever closes first has the fewest events to choose from: if there is a way to place all of them, this finds one. What
    has no place (a replay has no files) is left out.
    """
    coming = iter(files)
    upcoming = next(coming, None)
    is_open: list[tuple[datetime, str, FileCounts]] = []
    for change in sorted(changes, key=lambda change: change.received_at):
        while upcoming is not None and upcoming.first_received_at <= change.received_at:
            heapq.heappush(is_open, (upcoming.last_received_at, upcoming.name, upcoming))
            upcoming = next(coming, None)
        left = change.events
        while left and is_open:
            closed_at, _, file = is_open[0]
            fit = min(left, file.room(change.kind)) if closed_at >= change.received_at else 0
            if fit > 0:
                file.change(change.kind, fit)
                left -= fit
            else:
                heapq.heappop(is_open)


_LOAD = """
    update {loads}
    set
        inserted = inserted + %s,
        duplicate = duplicate + %s,
        copies = copies + %s,
        variants = variants + %s
    where load_id = %s
"""

_FILE = "update {files} set inserted = %s, duplicate = %s, copies = %s, variants = %s where file_name = %s"


def move_variants(conn: psycopg.Connection, raw_schema: str, month: sql.Identifier) -> list[Change]:
    """Give variants the new keys of their events, and keep as variants what merged events say differently.

    To be called when the events have their new keys.
    """
    names = {
        "events": month,
        "variants": sql.Identifier(raw_schema, "event_variants"),
        "columns": sql.Literal(list(COMPARED_COLUMNS)),
    }
    conn.execute("drop table if exists pg_temp.versions")
    conn.execute(sql.SQL(_TAKE_VERSIONS).format(**names))
    moved = conn.execute(sql.SQL(_PUT_VARIANTS).format(**names)).fetchall()
    return [
        Change(load_id, received_at, "variant" if more > 0 else "no_variant", abs(more))
        for load_id, received_at, more in moved
    ]


# A variant says how it differs from its event. If that event goes and had differed from the one that stays, what the variant
# says in full is compared with that one.
_TAKE_VERSIONS = """
    create temporary table versions (
        event_at timestamptz, event_key uuid, received_at timestamptz, load_id bigint, is_variant boolean, differs jsonb,
        content jsonb
    ) on commit drop;

    with

        taken as (

            delete from {variants} as variant
            using pg_temp.rekeyed
            where
                variant.event_at = rekeyed.event_at
                and variant.event_key in (rekeyed.old_key, rekeyed.new_key)
            returning variant.*, rekeyed.new_key

        )

    insert into pg_temp.versions
    select
        taken.event_at,
        taken.new_key,
        taken.received_at,
        taken.load_id,
        true,
        taken.differs,
        merged.content || (
            select jsonb_object_agg(one.key, one.value -> 'redelivered')
            from jsonb_each(taken.differs) as one
        )
    from taken
    left join pg_temp.merged on taken.event_at = merged.event_at and taken.event_key = merged.gone_key;

    insert into pg_temp.versions
    select event_at, new_key, received_at, load_id, false, null, content
    from pg_temp.merged
    where content is not null and received_at <> kept_received_at
"""

_PUT_VARIANTS = """
    with

        compared as (

            select
                version.*,
                stored.event,
                case
                    when version.content is null then version.differs
                    else (
                        select
                            jsonb_object_agg(
                                one.key,
                                jsonb_build_object(
                                    'stored', to_jsonb(stored) -> one.key, 'redelivered', one.value
                                )
                            )
                        from jsonb_each(version.content) as one
                        where
                            one.key = any({columns})
                            and one.value is distinct from to_jsonb(stored) -> one.key
                    )
                end as now_differs
            from pg_temp.versions as version
            inner join {events} as stored
                on version.event_at = stored.event_at and version.event_key = stored.event_key

        ),

        ranked as (

            select
                *,
                now_differs is not null
                and row_number() over (
                    partition by event_at, event_key, now_differs
                    order by load_id, received_at
                ) = 1 as stays
            from compared

        ),

        put as (

            insert into {variants} (variant_key, event_at, event_key, event, received_at, load_id, differs)
            select
                md5(event_key::text || now_differs::text)::uuid, event_at, event_key, event, received_at, load_id,
                now_differs
            from ranked
            where stays

        )

    select load_id, received_at, sum(stays::integer - is_variant::integer)::integer
    from ranked
    group by load_id, received_at
    having sum(stays::integer - is_variant::integer) <> 0
"""


def move_deliveries(conn: psycopg.Connection, raw_schema: str, month: sql.Identifier) -> None:
    """Let deliveries go on where they are. To be called while the events have their old keys.

    A place in the order of events lies between two events; where events of one load and one second get another order, no place
    separates the same ones. Then nothing is left out: a destination goes on, and a batch that is to be sent again begins
    and ends, so that what was behind the place is still behind it, and some events of that second may be sent twice.

    The ids under which a receiver recognises events follow from the keys. So what it may have taken under the old ids is not
    sent again by itself; the batch is unclear, as one that is too old for its ids is.
    """
    names = {
        "events": month,
        **{
            name: sql.Identifier(raw_schema, f"delivery_{name}")
            for name in ("destinations", "batches", "exceptions")
        },
    }
    for statement in (_FORGET_IDS, _PLACES, _MOVE_DESTINATIONS, _MOVE_BATCHES, _MOVE_EXCEPTIONS):
        conn.execute(sql.SQL(statement).format(**names))


_FORGET_IDS = """
    update {batches} as batch
    set first_sent_at = 'epoch'
    where
        batch.state in ('sending', 'unknown')
        and exists (
            select 1
            from {events} as event
            inner join pg_temp.rekeyed on event.event_at = rekeyed.event_at and event.event_key = rekeyed.old_key
            where
                event.load_id <= batch.last_load_id
                and case batch.kind
                    when 'stream'
                        then
                            (event.load_id, event.event_at, event.event_key) > (
                                batch.after_load_id,
                                coalesce(batch.after_event_at, 'infinity'),
                                coalesce(batch.after_event_key, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                            )
                            and (event.load_id, event.event_at, event.event_key) <= (
                                batch.last_load_id,
                                coalesce(batch.last_event_at, 'infinity'),
                                coalesce(batch.last_event_key, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                            )
                    else
                        (event.event_at, event.event_key) > (batch.after_event_at, batch.after_event_key)
                        and (event.event_at, event.event_key) <= (batch.last_event_at, batch.last_event_key)
                end
        );

    update {exceptions} as exception
    set retry_at = null
    from pg_temp.rekeyed
    where
        exception.state = 'unknown'
        and exception.event_at = rekeyed.event_at
        and exception.event_key = rekeyed.old_key
"""

# A place of a backfill lies among the events of all loads: it has no load. `before` has every event behind it that was
# behind the place; `behind` has every event before it that was before the place.
_PLACES = """
    drop table if exists pg_temp.places;

    create temporary table places on commit drop as
    with

        old_places as (

            select load_id, event_at, event_key from {destinations}
            union
            select case kind when 'stream' then after_load_id end, after_event_at, after_event_key from {batches}
            union
            select case kind when 'stream' then last_load_id end, last_event_at, last_event_key from {batches}

        ),

        neighbours as (

            select
                place.*,
                event.event_key <= place.event_key as is_before,
                coalesce(rekeyed.new_key, event.event_key) as new_key
            from old_places as place
            inner join {events} as event
                on
                    place.event_at = event.event_at
                    and (place.load_id is null or place.load_id = event.load_id)
            left join pg_temp.rekeyed on event.event_at = rekeyed.event_at and event.event_key = rekeyed.old_key
            where
                not exists (
                    select 1
                    from pg_temp.merged
                    where merged.event_at = event.event_at and merged.gone_key = event.event_key
                )

        ),

        bounds as (

            select
                load_id,
                event_at,
                event_key,
                array_agg(new_key order by new_key) as new_keys,
                (array_agg(new_key order by new_key) filter (where not is_before))[1] as first_behind,
                (array_agg(new_key order by new_key desc) filter (where is_before))[1] as last_before
            from neighbours
            group by load_id, event_at, event_key

        )

    select
        load_id,
        event_at,
        event_key,
        coalesce(
            (
                select one.new_key
                from unnest(new_keys) as one (new_key)
                where first_behind is null or one.new_key < first_behind
                order by one.new_key desc
                limit 1
            ),
            '00000000-0000-0000-0000-000000000000'
        ) as before,
        coalesce(last_before, '00000000-0000-0000-0000-000000000000') as behind
    from bounds
"""

_MOVE_DESTINATIONS = """
    update {destinations} as destination
    set event_key = place.before
    from pg_temp.places as place
    where (destination.load_id, destination.event_at, destination.event_key)
        = (place.load_id, place.event_at, place.event_key)
"""

_MOVE_BATCHES = """
    update {batches} as batch
    set after_event_key = place.before
    from pg_temp.places as place
    where
        place.load_id is not distinct from case batch.kind when 'stream' then batch.after_load_id end
        and (batch.after_event_at, batch.after_event_key) = (place.event_at, place.event_key);

    update {batches} as batch
    set last_event_key = case batch.state when 'settled' then place.before else place.behind end
    from pg_temp.places as place
    where
        place.load_id is not distinct from case batch.kind when 'stream' then batch.last_load_id end
        and (batch.last_event_at, batch.last_event_key) = (place.event_at, place.event_key)
"""

# Where a batch holds an event under both keys, the exception of the one stays with a key that nothing has any more.
_MOVE_EXCEPTIONS = """
    update {exceptions} as exception
    set event_key = rekeyed.new_key
    from pg_temp.rekeyed
    where
        exception.event_at = rekeyed.event_at
        and exception.event_key = rekeyed.old_key
        and not exists (
            select 1
            from {exceptions} as other
            where
                other.batch_id = exception.batch_id
                and other.event_at = rekeyed.event_at
                and other.event_key = rekeyed.new_key
        )
"""
