"""Gives events whose key an older version of this program made the key that this one makes.

A key is a hash of what the event says, and the table holds all of that, so no archive is needed. Each key is checked before it
is replaced: what an older version would make of the row has to be the key that the row has. Versions differ in the hash alone so
far; what is hashed is described by `PostRows.finish`.

It goes month by month, a transaction each, under the lock of loads. Whoever comes next after an interruption goes on with the
month that was not finished. Where both versions have loaded the same events, the row that came first remains. What refers to
events by their keys comes along (rekeying_references.py); the models find out by the version that is recorded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from itertools import chain, islice, permutations
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from xxhash import xxh3_64_digest

from sendgrid_orchestration.load import ledger, rows
from sendgrid_orchestration.load import rekeying_references as references
from sendgrid_orchestration.load.errors import KeyVersionError
from sendgrid_orchestration.load.rekeying_references import Change
from sendgrid_orchestration.load.storing import OF_THE_DELIVERY
from sendgrid_orchestration.sendgrid.event_json import dump
from sendgrid_orchestration.sendgrid.events import FIELDS
from sendgrid_orchestration.warehouse.events import existing_partitions, partition_name

logger = logging.getLogger(__name__)


def _blake2(data: bytes) -> bytes:
    return blake2b(data, digest_size=8).digest()


HASHES: dict[int, Callable[[bytes], bytes]] = {1: _blake2, 2: xxh3_64_digest}
"""How keys of each version are hashed."""

_SAMPLE = 300
"""Rows of each month that are looked at to find out which version made a table's keys."""

_PORTION = 2_000
_MOST_ITEMS = 200_000
"""More items of a post have no place in what the receiver takes."""

_IDENTIFYING_KEYS = [field.key for field in FIELDS if field.identifies]
_MOST_ORDERS = 100


def require_current(conn: psycopg.Connection, raw_schema: str) -> None:
    """Refuse to load into a table whose keys are not those of this program.

    To be called within the load's transaction, under its lock: keys cannot change until it ends.

    Raises:
        KeyVersionError: they are others.
    """
    version, is_finished = _recorded(conn, raw_schema)
    if version != rows.KEY_VERSION or not is_finished:
        raise KeyVersionError(_mismatch(raw_schema, version))


def ensure_current(conn: psycopg.Connection, raw_schema: str) -> None:
    """Bring the keys of a source's events to the version of this program; costs one small query where they are.

    Args:
        conn: a connection without an open transaction.
        raw_schema: where the tables are.

    Raises:
        KeyVersionError: a newer version of this program made the keys.
    """
    while True:
        with conn.transaction():
            version, is_finished = _recorded(conn, raw_schema)
            if version == rows.KEY_VERSION and is_finished:
                return
            if version > rows.KEY_VERSION:
                raise KeyVersionError(_mismatch(raw_schema, version))
            ledger.lock(conn, raw_schema)
            if _recorded(conn, raw_schema) == (version, is_finished):
                _go_on(conn, raw_schema, is_begun=version == rows.KEY_VERSION)


def _go_on(conn: psycopg.Connection, raw_schema: str, *, is_begun: bool) -> None:
    """Begin with a table, or give one more month its keys."""
    table = sql.Identifier(raw_schema, "event_key_versions")
    if not is_begun:
        is_current = all(
            _version_of(row) in (rows.KEY_VERSION, None)
            for month in existing_partitions(conn, raw_schema)
            for row in _sample(conn, raw_schema, month)
        )
        conn.execute(
            sql.SQL(
                "insert into {} (version, finished_at) values (%s, case when %s then clock_timestamp() end)"
            ).format(table),
            [rows.KEY_VERSION, is_current],
        )
        return
    row = conn.execute(
        sql.SQL("select next_month from {} where version = %s").format(table), [rows.KEY_VERSION]
    ).fetchone()
    assert row is not None
    months = sorted(
        month for month in existing_partitions(conn, raw_schema) if row[0] is None or month >= row[0]
    )
    if not months:
        statement = "update {} set finished_at = clock_timestamp() where version = %s"
        conn.execute(sql.SQL(statement).format(table), [rows.KEY_VERSION])
        logger.info("All events in %s have keys of version %s.", raw_schema, rows.KEY_VERSION)
        return
    counts = _Month(conn, raw_schema, months[0]).rekey()
    conn.execute(
        sql.SQL("""
            update {}
            set next_month = %s, rekeyed = rekeyed + %s, merged = merged + %s, unverified = unverified + %s
            where version = %s
        """).format(table),
        [
            (months[0] + timedelta(days=31)).replace(day=1),
            counts.rekeyed,
            counts.merged,
            counts.unverified,
            rows.KEY_VERSION,
        ],
    )
    logger.info(
        "%s events of %s in %s got keys of version %s; %s of them were there under both keys. The keys of %s others are "
        "unknown and stay. %s months are left.",
        counts.rekeyed, f"{months[0]:%Y-%m}", raw_schema, rows.KEY_VERSION, counts.merged, counts.unverified,
        len(months) - 1,
    )  # fmt: skip


def _recorded(conn: psycopg.Connection, raw_schema: str) -> tuple[int, bool]:
    """The newest version that the table's keys are made by, 0 where nobody has looked yet; and whether all of them are."""
    query = "select version, finished_at is not null from {} order by version desc limit 1"
    row = conn.execute(sql.SQL(query).format(sql.Identifier(raw_schema, "event_key_versions"))).fetchone()
    return (int(row[0]), bool(row[1])) if row else (0, False)


def _mismatch(raw_schema: str, version: int) -> str:
    said = (
        f"The events in {raw_schema} have keys of version {version or 'unknown'}, and this program makes version "
        f"{rows.KEY_VERSION}: each event that is delivered again would come in twice. "
    )
    if version > rows.KEY_VERSION:
        return f"{said}A newer version of this program has been here: upgrade this one."
    return f"{said}Start the load again: it gives them new keys before it begins."


def _sample(conn: psycopg.Connection, raw_schema: str, month: date) -> list[dict[str, Any]]:
    """Some events of a month: the first, and some from anywhere."""
    first = sql.SQL("{} order by event_at limit {}").format(_events(raw_schema, month), sql.Literal(_SAMPLE))
    anywhere = sql.SQL("{} tablesample system (least(100, 100 * 200.0 / {})) limit {}").format(
        _events(raw_schema, month), sql.Literal(_pages(conn, raw_schema, month)), sql.Literal(_SAMPLE)
    )
    with conn.cursor(row_factory=dict_row) as cursor:
        return [*cursor.execute(first).fetchall(), *cursor.execute(anywhere).fetchall()]


def _pages(conn: psycopg.Connection, raw_schema: str, month: date) -> int:
    size = "select greatest(1, pg_relation_size(%s::regclass) / 8192)"
    row = conn.execute(size, [f"{raw_schema}.{partition_name(month)}"]).fetchone()
    assert row is not None
    return int(row[0])


def _events(raw_schema: str, month: date) -> sql.Composed:
    """What of the events of a month their keys are made from."""
    names = ("event_at", "event_key", "event", "sg_event_id", *_TELLING)
    return sql.SQL(
        "select {}, case when custom_args ?| {} then custom_args end as custom_args from {}"
    ).format(
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.Literal(_IDENTIFYING_KEYS),
        sql.Identifier(raw_schema, partition_name(month)),
    )


_TELLING = [column.name for column in (*rows.TELLING_TEXTS, *rows.TELLING_OTHERS)]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _version_of(event: dict[str, Any]) -> int | None:
    """The version by which an event's key is made; None where none of them makes it."""
    content = event["event_key"].bytes[:8]
    for said in _sayings(event):
        for version, digest in HASHES.items():
            if digest(said) == content:
                return version
    return None


def _new_key(event: dict[str, Any], version: int) -> UUID | None:
    """The key of this program for an event with a key of that version; None where it cannot be told."""
    old, new = HASHES[version], HASHES[rows.KEY_VERSION]
    content, rest = event["event_key"].bytes[:8], event["event_key"].bytes[8:]
    for said in _sayings(event):
        if old(said) == content:
            for told_as in _tellings(event["sg_event_id"]):
                if old(said + told_as) == rest:
                    return UUID(bytes=new(said) + new(said + told_as))
    return None


def _sayings(event: dict[str, Any]) -> Iterator[bytes]:
    """What may have been hashed.

    A value that did not fit its column stands among the custom args, and so does what a sender calls by the name of a column.
    Whether it was hashed, and in which order, only the key can tell.
    """
    moment, _ = rows.moment_and_day((event["event_at"] - _EPOCH) // timedelta(microseconds=1))
    told = rows.write_text(event["event"]) + rows.written(rows.TELLING_TEXTS, event)
    said = f"{moment}{told}{rows.written(rows.TELLING_OTHERS, event)}".encode("latin-1")
    custom_args = event["custom_args"] or {}
    keys = [key for key in _IDENTIFYING_KEYS if key in custom_args]
    orders = chain.from_iterable(permutations(keys, length) for length in range(len(keys), 0, -1))
    for order in islice(orders, _MOST_ORDERS):
        yield said + dump({key: custom_args[key] for key in order})
    yield said


def _tellings(event_id: str | None) -> Iterator[bytes]:
    """What an event's second half may have been told by: its id, or its place among the equal items of its post."""
    if event_id:
        yield event_id.encode()
    else:
        yield from (b"\0%d" % place for place in range(1, _MOST_ITEMS))


@dataclass(frozen=True)
class _Counts:
    rekeyed: int
    merged: int
    unverified: int


class _Month:
    """The events of one month, in the caller's transaction."""

    def __init__(self, conn: psycopg.Connection, raw_schema: str, month: date) -> None:
        self._conn = conn
        self._raw_schema = raw_schema
        self._month = month
        self._table = sql.Identifier(raw_schema, partition_name(month))
        self._names = {
            "month": self._table,
            "of_the_delivery": sql.Literal(list(OF_THE_DELIVERY)),
        }

    def rekey(self) -> _Counts:
        """Replace the keys of older versions."""
        found, is_mixed, unverified = self._find()
        if not found:
            return _Counts(0, 0, unverified)
        changes: list[Change] = []
        self._execute(_MERGED)
        if is_mixed:
            self._execute(_FIND_MERGED)
        references.move_deliveries(self._conn, self._raw_schema, self._table)
        if is_mixed:
            changes += self._changes(_MERGE)
        self._execute(_REKEY)
        if is_mixed:
            changes += self._changes(_FLAG)
        merged = sum(change.events for change in changes if change.kind in ("merged", "merged_copy"))
        changes += references.move_variants(self._conn, self._raw_schema, self._table)
        references.correct_counts(self._conn, self._raw_schema, changes)
        return _Counts(found, merged, unverified)

    def _find(self) -> tuple[int, bool, int]:
        """Write new keys beside the old ones into a temporary table.

        Returns:
            How many; whether the month has keys of this program too; and how many keys no version makes.
        """
        self._conn.execute("drop table if exists pg_temp.rekeyed")
        self._conn.execute(
            "create temporary table rekeyed (event_at timestamptz, old_key uuid, new_key uuid) on commit drop"
        )
        found = unverified = 0
        is_mixed = False
        with self._conn.cursor("events_of_a_month", row_factory=dict_row) as cursor:
            cursor.execute(_events(self._raw_schema, self._month))
            while events := cursor.fetchmany(_PORTION):
                with self._conn.cursor() as writer, writer.copy("copy rekeyed from stdin") as copy:
                    for event in events:
                        version = _version_of(event)
                        if version == rows.KEY_VERSION:
                            is_mixed = True
                        elif version is None or (key := _new_key(event, version)) is None:
                            unverified += 1
                        else:
                            copy.write_row((event["event_at"], event["event_key"], key))
                            found += 1
        self._conn.execute("analyze rekeyed")
        return found, is_mixed, unverified

    def _execute(self, statement: str) -> None:
        self._conn.execute(sql.SQL(statement).format(**self._names))

    def _changes(self, statement: str) -> list[Change]:
        rows = self._conn.execute(sql.SQL(statement).format(**self._names)).fetchall()
        return [Change(*row) for row in rows]


_MERGED = """
    drop table if exists pg_temp.merged;

    create temporary table merged (
        event_at timestamptz, gone_key uuid, new_key uuid, load_id bigint, is_copy boolean, received_at timestamptz,
        kept_received_at timestamptz, content jsonb
    ) on commit drop
"""

# Of an event that is there under both keys, the one that came later goes. What it says is kept where it is not the same.
_FIND_MERGED = """
    insert into pg_temp.merged
    select
        gone.event_at,
        gone.event_key,
        rekeyed.new_key,
        gone.load_id,
        gone.is_copy,
        gone.received_at,
        kept.received_at,
        case
            when to_jsonb(gone) - {of_the_delivery}::text[] <> to_jsonb(kept) - {of_the_delivery}::text[]
                then to_jsonb(gone) - {of_the_delivery}::text[]
        end
    from pg_temp.rekeyed
    inner join {month} as old on rekeyed.event_at = old.event_at and rekeyed.old_key = old.event_key
    inner join {month} as new on rekeyed.event_at = new.event_at and rekeyed.new_key = new.event_key
    inner join {month} as gone
        on
            gone.event_at = rekeyed.event_at
            and gone.event_key = case when old.load_id <= new.load_id then new.event_key else old.event_key end
    inner join {month} as kept
        on
            kept.event_at = rekeyed.event_at
            and kept.event_key = case when old.load_id <= new.load_id then old.event_key else new.event_key end
    ;

    analyze pg_temp.merged
"""

# What the loads that brought them had inserted was known before.
_MERGE = """
    with

        gone as (

            delete from {month} as event
            using pg_temp.merged
            where event.event_at = merged.event_at and event.event_key = merged.gone_key
            returning event.load_id, event.received_at, event.is_copy

        )

    select load_id, received_at, case when is_copy then 'merged_copy' else 'merged' end as kind, count(*)
    from gone
    group by load_id, received_at, kind
"""

_REKEY = """
    update {month} as event
    set event_key = rekeyed.new_key
    from rekeyed
    where event.event_at = rekeyed.event_at and event.event_key = rekeyed.old_key
"""

# What two versions loaded under different ids was no copy to either of them. The first to come is the original.
_FLAG = """
    with

        contents as (

            select distinct event_at, substr(uuid_send(new_key), 1, 8) as content
            from rekeyed

        ),

        ranked as (

            select
                event.event_at,
                event.event_key,
                row_number() over (
                    partition by contents.event_at, contents.content
                    order by event.load_id, event.is_copy, event.event_key
                ) > 1 as is_copy
            from contents
            inner join {month} as event
                on
                    contents.event_at = event.event_at
                    and contents.content = substr(uuid_send(event.event_key), 1, 8)

        ),

        flagged as (

            update {month} as event
            set is_copy = ranked.is_copy
            from ranked
            where
                event.event_at = ranked.event_at
                and event.event_key = ranked.event_key
                and event.is_copy <> ranked.is_copy
            returning event.load_id, event.received_at, event.is_copy

        )

    select load_id, received_at, case when is_copy then 'copy' else 'original' end as kind, count(*)
    from flagged
    group by load_id, received_at, kind
"""
