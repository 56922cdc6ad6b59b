"""From batches to committed rows: the half of a load that Postgres does.

No `insert … on conflict`: out of a staging table it stored 92,000 to 99,000 events a second at best, and filling the
staging table comes on top. Loads of one source follow one another, so what is in the table cannot change between looking for
duplicates and copying what is new, straight into the table. The primary key still stands guard.
"""

from __future__ import annotations

from datetime import date

import psycopg
from psycopg import sql

from sendgrid_orchestration.load import rows
from sendgrid_orchestration.load.shaping import Batch, Quarantined
from sendgrid_orchestration.sendgrid.events import Occurs
from sendgrid_orchestration.warehouse.events import ensure_partitions


class Storer:
    """Stores the batches of one load, in the caller's transaction."""

    def __init__(self, conn: psycopg.Connection, raw_schema: str, load_id: int) -> None:
        self._conn = conn
        self._raw_schema = raw_schema
        self._load_id = load_id
        self._months: set[date] = set()
        self._copies = {
            rarest: sql.SQL("copy {} ({}) from stdin (format binary)")
            .format(sql.Identifier(raw_schema, "events"), sql.SQL(", ").join(map(sql.Identifier, names)))
            .as_bytes(conn)
            for rarest, names in rows.COLUMNS.items()
        }
        self.event_dates: set[date] = set()
        """The days on which something happened that was not known before."""

    def store(self, batch: Batch) -> None:
        """Store what is new of a batch and count, file by file, what it was."""
        known = self._known(batch)
        known_contents = {key[:8] for key in known}
        if len(batch.contents) == len(batch.rows) and batch.contents.isdisjoint(known_contents):
            begin = 0
            for tally, end in batch.owners:
                tally.inserted += end - begin
                begin = end
            self._copy(batch.days, batch.encoded)
        elif new := _new(batch, known, known_contents):
            self._copy(rows.days(new), rows.encoded(new))
        if batch.quarantined:
            self._quarantine(batch.quarantined)

    def _known(self, batch: Batch) -> set[str]:
        """The keys in the table at the moments of these rows.

        A key is a hash of the moment too, so a row can only repeat one of the same moment. The moments of a batch are
        few (SendGrid counts in seconds) and mostly lie together: one look into the index for each range of them, instead of
        one for each row, costs next to nothing where nothing is known, and little where everything is.
        """
        if not batch.rows:
            return set()
        begins, ends = batch.stretches
        most = 4 * len(batch.rows) + 10_000
        found = self._fetch(_KEYS_IN_RANGES, [begins, ends, most])
        if len(found) == most:
            # A few rows at moments when very much else happened (a late straggler of a busy hour): one look for each.
            contents = [key[:8].encode("latin-1").hex() for key in batch.keys]
            found = self._fetch(
                _KEYS_OF_CONTENTS,
                [
                    list(rows.integers((row[rows.AT] for row in batch.rows), "q")),
                    [content + "0" * 16 for content in contents],
                    [content + "f" * 16 for content in contents],
                ],
            )
        return found

    def _fetch(self, query: str, parameters: list[object]) -> set[str]:
        statement = sql.SQL(query).format(events=sql.Identifier(self._raw_schema, "events"))
        with self._conn.cursor(binary=True) as cursor:
            row = cursor.execute(statement, parameters).fetchone()
        assert row is not None
        keys = (row[0] or b"").decode("latin-1")
        return {keys[at : at + 16] for at in range(0, len(keys), 16)}

    def _prepare(self, months: set[date]) -> None:
        if not months <= self._months:
            ensure_partitions(self._conn, self._raw_schema, months)
            self._months |= months

    def _copy(self, days: set[date], encoded: dict[Occurs, list[bytes]]) -> None:
        self.event_dates |= days
        self._prepare({day.replace(day=1) for day in days})
        for rarest, portions in encoded.items():
            with self._conn.cursor() as cursor, cursor.copy(self._copies[rarest]) as copy:
                copy.write(rows.HEADER)
                for portion in portions:
                    copy.write(portion)
                copy.write(rows.TRAILER)

    def _quarantine(self, items: list[Quarantined]) -> None:
        statement = sql.SQL(_QUARANTINE).format(quarantine=sql.Identifier(self._raw_schema, "quarantine"))
        with self._conn.cursor() as cursor:
            cursor.executemany(
                statement,
                [
                    (
                        item.key,
                        item.reason,
                        item.detail,
                        item.item,
                        item.file_name,
                        item.post_index,
                        item.item_index,
                        item.received_at,
                        self._load_id,
                    )
                    for item in items
                ],
            )


_MOMENT = "timestamptz '2000-01-01 00:00:00+00' + {} * interval '1 microsecond'"

_KEYS_IN_RANGES = f"""
    select string_agg(uuid_send(known.event_key), ''::bytea)
    from (
        select event.event_key
        from unnest(%s::bigint[], %s::bigint[]) as wanted (first_moment, last_moment)
        cross join lateral (
            select event_key
            from {{events}}
            where event_at between {_MOMENT.format("wanted.first_moment")} and {_MOMENT.format("wanted.last_moment")}
        ) as event
        limit %s
    ) as known
"""

_KEYS_OF_CONTENTS = f"""
    select string_agg(uuid_send(event.event_key), ''::bytea)
    from unnest(%s::bigint[], %s::uuid[], %s::uuid[]) as wanted (moment, first_key, last_key)
    cross join lateral (
        select event_key
        from {{events}}
        where
            event_at = {_MOMENT.format("wanted.moment")}
            and event_key between wanted.first_key and wanted.last_key
    ) as event
"""

_QUARANTINE = """
    insert into {quarantine} (
        quarantine_key, reason, detail, item, file_name, post_index, item_index, received_at, load_id
    )
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
    on conflict (quarantine_key) do nothing
"""


def _new(batch: Batch, known: set[str], known_contents: set[str]) -> list[str]:
    """The rows that are not known yet; those that repeat another's content under another id are flagged."""
    new: list[str] = []
    begin = 0
    for tally, end in batch.owners:
        before = len(new)
        for key, row in zip(batch.keys[begin:end], batch.rows[begin:end], strict=True):
            if key in known:
                continue
            known.add(key)
            if key[:8] in known_contents:
                tally.copies += 1
                new.append(rows.as_copy(row))
            else:
                known_contents.add(key[:8])
                new.append(row)
        tally.inserted += len(new) - before
        tally.duplicate += end - begin - (len(new) - before)
        begin = end
    return new
