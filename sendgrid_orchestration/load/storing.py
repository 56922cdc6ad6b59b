"""From batches to committed rows: the half of a load that Postgres does.

No `insert … on conflict`: out of a staging table it stored 92,000 to 99,000 events a second at best, and filling the
staging table comes on top. Loads of one source follow one another, so what is in the table cannot change between looking for
duplicates and copying what is new, straight into the table. The primary key still stands guard.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import orjson
import psycopg
from psycopg import sql

from sendgrid_orchestration.load import rows
from sendgrid_orchestration.load.shaping import Batch, Odd, Place, Tally
from sendgrid_orchestration.sendgrid.event_json import storable
from sendgrid_orchestration.sendgrid.event_parser import OddItem
from sendgrid_orchestration.sendgrid.events import Occurs
from sendgrid_orchestration.warehouse.events import ensure_partitions

_THIS_LOAD = ""
"""Instead of the time of receipt of an event that this load has stored."""


class Storer:
    """Stores the batches of one load, in the caller's transaction.

    Args:
        conn: the load's connection.
        raw_schema: where the tables are.
        load_id: the load.
        text_of: reads an item once more, as it was posted.
    """

    def __init__(
        self, conn: psycopg.Connection, raw_schema: str, load_id: int, text_of: Callable[[Place], str]
    ) -> None:
        self._conn = conn
        self._raw_schema = raw_schema
        self._load_id = load_id
        self._text_of = text_of
        self._months: set[date] = set()
        self._compares = False
        self._copies = self._copy_statements(sql.Identifier(raw_schema, "events"))
        self.event_dates: set[date] = set()
        """The days on which something happened that was not known before."""

    def store(self, batch: Batch) -> list[Place]:
        """Store what is new of a batch and count, file by file, what it was.

        Returns:
            The items that Postgres refused; they are in quarantine.
        """
        known = self._known(batch)
        known_contents = {key[:8] for key in known}
        refused: list[tuple[Place, Odd]] = []
        if len(batch.contents) == len(batch.rows) and batch.contents.isdisjoint(known_contents):
            begin = 0
            for tally, end in batch.owners:
                tally.inserted += end - begin
                begin = end
            refused = self._insert(batch, batch.rows, batch.days, batch.encoded)
        else:
            new, redelivered = _sort_out(batch, known, known_contents)
            if new:
                refused = self._insert(batch, new, rows.days(new), rows.encoded(new))
            if redelivered:
                self._keep_variants(redelivered)
        if batch.quarantined or refused:
            self._quarantine([*batch.quarantined, *((place, [odd]) for place, odd in refused)])
        return [place for place, _ in refused]

    def _known(self, batch: Batch) -> dict[str, str]:
        """The keys in the table at the moments of these rows, with the time at which their post was received.

        A key is a hash of the moment too, so a row can only repeat one of the same moment. The moments of a batch are
        few (SendGrid counts in seconds) and mostly lie together: one look into the index for each range of them, instead of
        one for each row, costs next to nothing where nothing is known, and little where everything is.
        """
        if not batch.rows:
            return {}
        begins, ends = batch.stretches
        most = 4 * len(batch.rows) + 10_000
        found = self._fetch(_KEYS_IN_RANGES, {"first": begins, "last": ends, "most": most})
        if len(found) == most:
            # A few rows at moments when very much else happened (a late straggler of a busy hour): one look for each.
            moments = list(rows.integers((row[rows.AT] for row in batch.rows), "q"))
            moment_of = {
                key[:8].encode("latin-1").hex(): at for key, at in zip(batch.keys, moments, strict=True)
            }
            found = self._fetch(
                _KEYS_ONE_BY_ONE,
                {
                    "moments": moments,
                    "keys": [key.encode("latin-1").hex() for key in batch.keys],
                    "content_moments": list(moment_of.values()),
                    "first": [content + "0" * 16 for content in moment_of],
                    "last": [content + "f" * 16 for content in moment_of],
                },
            )
        return found

    def _fetch(self, query: str, parameters: dict[str, object]) -> dict[str, str]:
        statement = sql.SQL(query).format(events=sql.Identifier(self._raw_schema, "events"))
        with self._conn.cursor(binary=True) as cursor:
            row = cursor.execute(statement, {**parameters, "load_id": self._load_id}).fetchone()
        assert row is not None
        found = (row[0] or b"").decode("latin-1")
        return {
            found[at : at + 16]: _THIS_LOAD
            if found[at + 16 : at + 24] == _INFINITY
            else found[at + 16 : at + 24]
            for at in range(0, len(found), 24)
        }

    def _insert(
        self, batch: Batch, new: list[str], days: set[date], encoded: dict[Occurs, list[bytes]]
    ) -> list[tuple[Place, Odd]]:
        """Copy rows that were counted as inserted; those that Postgres refuses are counted as quarantined instead."""
        refused = self._copy(new, days, encoded)
        quarantined = []
        for row, error in refused.items():
            index = batch.keys.index(row[rows.KEY])
            tally = batch.tally_of(index)
            tally.inserted -= 1
            tally.copies -= rows.is_copy(row)
            tally.quarantined += 1
            place = batch.place_of(index)
            said = storable(str(error)).partition("\n")[0]
            why = OddItem("refused", f"Postgres refuses the event: {said}.")
            quarantined.append((place, Odd(place.item_index, why, self._text_of(place))))
        return quarantined

    def _copy(
        self, new: list[str], days: set[date], encoded: dict[Occurs, list[bytes]]
    ) -> dict[str, psycopg.Error]:
        """Copy rows into the table.

        Returns:
            The rows that Postgres refused, found by halving, with the errors.
        """
        months = {day.replace(day=1) for day in days}
        if not months <= self._months:
            ensure_partitions(self._conn, self._raw_schema, months)
            self._months |= months
        try:
            with self._conn.transaction():
                self._send(self._copies, encoded)
        except psycopg.Error as error:
            if not _is_about_a_row(error):
                raise
            if len(new) == 1:
                return {new[0]: error}
        else:
            self.event_dates |= days
            return {}
        middle = len(new) // 2
        refused: dict[str, psycopg.Error] = {}
        for half in (new[:middle], new[middle:]):
            refused |= self._copy(half, rows.days(half), rows.encoded(half))
        return refused

    def _copy_statements(self, table: sql.Identifier) -> dict[Occurs, bytes]:
        return {
            rarest: sql.SQL("copy {} ({}) from stdin (format binary)")
            .format(table, sql.SQL(", ").join(map(sql.Identifier, names)))
            .as_bytes(self._conn)
            for rarest, names in rows.COLUMNS.items()
        }

    def _send(self, statements: dict[Occurs, bytes], encoded: dict[Occurs, list[bytes]]) -> None:
        for rarest, portions in encoded.items():
            with self._conn.cursor() as cursor, cursor.copy(statements[rarest]) as copy:
                copy.write(rows.HEADER)
                for portion in portions:
                    copy.write(portion)
                copy.write(rows.TRAILER)

    def _keep_variants(self, redelivered: list[tuple[str, Tally]]) -> None:
        """Compare redelivered events with what is stored, and keep what they say differently.

        Postgres compares: it knows when two JSON documents are equal. Few events are redelivered, so the others do not pay.
        """
        table = sql.Identifier("pg_temp", "redelivered")
        if not self._compares:
            self._conn.execute(
                sql.SQL("create temporary table redelivered (like {}) on commit drop").format(
                    sql.Identifier(self._raw_schema, "events")
                )
            )
            self._compares = True
        self._send(self._copy_statements(table), rows.encoded([row for row, _ in redelivered]))
        columns = list(COMPARED_COLUMNS)
        statement = sql.SQL(_VARIANTS).format(
            variants=sql.Identifier(self._raw_schema, "event_variants"),
            events=sql.Identifier(self._raw_schema, "events"),
            **{
                table: sql.SQL(", ").join(sql.Identifier(table, name) for name in columns)
                for table in ("redelivered", "stored")
            },
        )
        with self._conn.cursor(binary=True) as cursor:
            found = cursor.execute(statement, {"columns": columns, "load_id": self._load_id}).fetchall()
        self._conn.execute(sql.SQL("truncate {}").format(table))
        tallies = {(row[rows.KEY], row[rows.RECEIVED]): tally for row, tally in redelivered}
        for key, received_at in found:
            tallies[key.decode("latin-1"), received_at.decode("latin-1")].variants += 1

    def _quarantine(self, portions: list[tuple[Place, list[Odd]]]) -> None:
        """Store odd items as one JSON document: there may be thousands, and psycopg takes ten times as long over arrays."""
        document = orjson.dumps(
            [
                (
                    place.file_name,
                    place.post_index,
                    place.received_at,
                    [
                        {
                            "quarantine_key": place.key(odd.item_index),
                            "item_index": odd.item_index,
                            "items": odd.items,
                            "reason": odd.why.reason,
                            "detail": odd.why.detail,
                            "item": odd.text,
                        }
                        for odd in items
                    ],
                )
                for place, items in portions
            ]
        )
        statement = sql.SQL(_QUARANTINE).format(quarantine=sql.Identifier(self._raw_schema, "quarantine"))
        self._conn.execute(statement, [document.decode(), self._load_id])


_MOMENT = "timestamptz '2000-01-01 00:00:00+00' + {} * interval '1 microsecond'"

_INFINITY = "\x7f" + "\xff" * 7

_KNOWN = """
    uuid_send(event_key)
    || timestamptz_send(case when load_id = %(load_id)s then 'infinity' else received_at end) as known
"""

_KEYS_IN_RANGES = f"""
    select string_agg(found.known, ''::bytea)
    from (
        select event.known
        from unnest(%(first)s::bigint[], %(last)s::bigint[]) as wanted (first_moment, last_moment)
        cross join lateral (
            select {_KNOWN}
            from {{events}}
            where event_at between {_MOMENT.format("wanted.first_moment")} and {_MOMENT.format("wanted.last_moment")}
        ) as event
        limit %(most)s
    ) as found
"""

_KEYS_ONE_BY_ONE = f"""
    select string_agg(event.known, ''::bytea)
    from (
        -- The very keys.
        select event.known
        from unnest(%(moments)s::bigint[], %(keys)s::uuid[]) as wanted (moment, event_key)
        cross join lateral (
            select {_KNOWN}
            from {{events}}
            where event_at = {_MOMENT.format("wanted.moment")} and event_key = wanted.event_key
        ) as event
        union all
        -- Whether the same content is there under any key: a thousand equal events without an id have one.
        select event.known
        from
            unnest(%(content_moments)s::bigint[], %(first)s::uuid[], %(last)s::uuid[]) as wanted (
                moment, first_key, last_key
            )
        cross join lateral (
            select {_KNOWN}
            from {{events}}
            where
                event_at = {_MOMENT.format("wanted.moment")}
                and event_key between wanted.first_key and wanted.last_key
            limit 1
        ) as event
    ) as event
"""

OF_THE_DELIVERY = ("event_at", "event_key", "event_date", "received_at", "load_id", "is_copy")
"""Columns that are the same by the key, or that each delivery has its own of."""

COMPARED_COLUMNS = tuple(name for name in rows.COLUMNS[Occurs.SELDOM] if name not in OF_THE_DELIVERY)
"""Columns in which a redelivered event may differ from the one that is kept."""

_VARIANTS = """
    insert into {variants} (variant_key, event_at, event_key, event, received_at, load_id, differs)
    select
        md5(stored.event_key::text || difference.differs::text)::uuid,
        stored.event_at,
        stored.event_key,
        stored.event,
        redelivered.received_at,
        %(load_id)s,
        difference.differs
    from pg_temp.redelivered as redelivered
    inner join {events} as stored
        on redelivered.event_at = stored.event_at and redelivered.event_key = stored.event_key
    cross join lateral (
        select
            jsonb_object_agg(
                one.key, jsonb_build_object('stored', to_jsonb(stored) -> one.key, 'redelivered', one.value)
            ) as differs
        from jsonb_each(to_jsonb(redelivered)) as one
        where one.key = any(%(columns)s) and one.value is distinct from to_jsonb(stored) -> one.key
    ) as difference
    where row({redelivered}) is distinct from row({stored}) and difference.differs is not null
    on conflict (variant_key) do nothing
    returning uuid_send(event_key), timestamptz_send(received_at)
"""

_QUARANTINE = """
    insert into {quarantine} (
        load_id, file_name, post_index, received_at, quarantine_key, item_index, items, reason, detail, item
    )
    with portions as materialized (
        select
            portion ->> 0 as file_name,
            (portion ->> 1)::integer as post_index,
            (portion ->> 2)::timestamptz as received_at,
            portion -> 3 as items
        from json_array_elements(%s::json) as portion
    )
    select %s, portions.file_name, portions.post_index, portions.received_at, item.*
    from portions
    cross join lateral json_to_recordset(portions.items) as item (
        quarantine_key uuid, item_index integer, items integer, reason text, detail text, item text
    )
    on conflict (quarantine_key) do nothing
"""


def _is_about_a_row(error: psycopg.Error) -> bool:
    """Whether Postgres refuses what a row says: it cannot be computed with, is too large, or breaks a constraint."""
    state = error.sqlstate or ""
    return state[:2] in _CLASSES_OF_ROWS or state in _CONSTRAINTS


_CLASSES_OF_ROWS = frozenset({"22", "54"})
"""SQLSTATE: data exception, program limit exceeded."""
_CONSTRAINTS = frozenset({"23502", "23514"})
"""SQLSTATE: not null violation, check violation. Somebody may have added such a constraint."""


def _sort_out(
    batch: Batch, known: dict[str, str], known_contents: set[str]
) -> tuple[list[str], list[tuple[str, Tally]]]:
    """Tell what is new from what was delivered before.

    Returns:
        The rows that are not known yet, those flagged that repeat another's content under another id; and the redelivered
        rows with the tally of their file. A row of the very post that brought the stored event is not among either.
    """
    new: list[str] = []
    redelivered: list[tuple[str, Tally]] = []
    begin = 0
    for tally, end in batch.owners:
        before = len(new)
        for key, row in zip(batch.keys[begin:end], batch.rows[begin:end], strict=True):
            received = known.get(key)
            if received is not None:
                if received != row[rows.RECEIVED]:
                    redelivered.append((row, tally))
                continue
            known[key] = _THIS_LOAD
            if key[:8] in known_contents:
                tally.copies += 1
                new.append(rows.as_copy(row))
            else:
                known_contents.add(key[:8])
                new.append(row)
        tally.inserted += len(new) - before
        tally.duplicate += end - begin - (len(new) - before)
        begin = end
    return new, redelivered
