"""Contacts that are new or changed, staged as text: made unique, cast without failing, merged, and what is gone marked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import psycopg
from psycopg import sql

from sendgrid_orchestration.sync.context import Context
from sendgrid_orchestration.sync.fingerprints import KnownPrints, Prints
from sendgrid_orchestration.warehouse.bounded_text import LONGEST_BYTES, bounded
from sendgrid_orchestration.warehouse.merge import Counts, Merge
from sendgrid_orchestration.warehouse.object_tables import TABLES

TABLE = TABLES["recipients"]


class Staged:
    """The temporary table `staged`: one text column for each column of the export, and the row's fingerprint."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._types: dict[str, str] = {}
        self._unknown: dict[str, str] = {}
        self._replaced: Prints = np.empty(0, np.int64)
        context.conn.execute("drop table if exists staged")
        context.conn.execute(
            "create temporary table staged (arrival bigint generated always as identity, content_hash bigint)"
        )

    def make_room(self, columns: Sequence[str], types: dict[str, str], unknown: dict[str, str]) -> None:
        """Add the columns that are not there yet: files of one export may differ."""
        adding = [
            sql.SQL("add column if not exists {} text").format(sql.Identifier(name)) for name in columns
        ]
        self._context.conn.execute(sql.SQL("alter table staged {}").format(sql.SQL(", ").join(adding)))
        self._types.update(types)
        self._unknown.update(unknown)

    def clean(self, known: KnownPrints) -> int:
        """Leave out what cannot be stored or is there twice.

        Returns:
            How many different contacts remain.
        """
        conn, reading = self._context.conn, self._context.reading
        if "id" not in self._types:
            return 0
        if nameless := conn.execute("delete from staged where id is null").rowcount:
            reading.doubt(f"{nameless} contacts came without an id and were left out.")
        self._cut_ids()
        conn.execute("analyze staged")
        self._replaced = self._stored_prints()
        if len(again := known.were_seen(self._replaced)):
            self._drop_twins(again)
        return self._context.number(sql.SQL("select count(distinct id) from staged").format())

    def _cut_ids(self) -> None:
        """Make every id fit into an index; the whole of it goes to `custom_fields`."""
        conn = self._context.conn
        longest = conn.execute(
            "select distinct id from staged where octet_length(id) > %s", [LONGEST_BYTES]
        ).fetchall()
        if not longest:
            return
        conn.execute('alter table staged add column "whole id" text')
        self._unknown["whole id"] = "contact_id"
        with conn.cursor() as cursor:
            cursor.executemany(
                'update staged set id = %s, "whole id" = id where id = %s',
                [(bounded(whole), whole) for (whole,) in longest],
            )

    def _stored_prints(self) -> Prints:
        """The fingerprints that the staged contacts have in the table so far, where they are there."""
        query = sql.SQL(
            "select string_agg(int8send(t.content_hash), '') from {} as t inner join staged as s on s.id = t.id "
            "where t.content_hash is not null"
        ).format(self._target)
        with self._context.conn.cursor(binary=True) as cursor:
            row = cursor.execute(query).fetchone()
        packed = row[0] if row and row[0] else b""
        return np.frombuffer(packed, dtype=">i8").astype(np.int64)

    def _drop_twins(self, again: Prints) -> None:
        """Contacts that came twice, once as they are stored: else the two would replace each other at every sync."""
        dropped = self._context.conn.execute(
            sql.SQL(
                "delete from staged as s using {} as t where t.id = s.id and t.content_hash = any(%s)"
            ).format(self._target),
            [again.tolist()],
        ).rowcount
        self._context.reading.note(
            f"{dropped} contacts came twice with different content; what was stored was kept."
        )

    def merge(self, known: KnownPrints) -> Counts:
        """Write what is new or changed, and mark what is gone where the read is complete."""
        conn = self._context.conn
        columns = [*self._types, "custom_fields"] if "id" in self._types else []
        with conn.transaction():
            merged = Counts()
            if columns:
                try:
                    with conn.transaction():
                        self._cast(columns, safely=bool(self._unknown))
                except psycopg.DataError:
                    self._cast(columns, safely=True)
                merge = Merge(
                    self._context.raw, TABLE, columns, self._context.now, trust_hashes=known.recognise
                )
                merged = merge.run(conn, delete=False)
            deleted = self._delete(known) if self._context.reading.complete else 0
        duplicates = merged.duplicates + known.repeated
        rows = known.seen_count + merged.rows
        return Counts(
            rows=rows,
            duplicates=duplicates,
            inserted=merged.inserted,
            updated=merged.updated,
            unchanged=rows - merged.inserted - merged.updated,
            deleted=deleted,
        )

    @property
    def _target(self) -> sql.Identifier:
        return sql.Identifier(self._context.raw, TABLE.name)

    def _cast(self, columns: Sequence[str], *, safely: bool) -> None:
        """The rows of `staged` as `incoming`, typed as the target is.

        Args:
            columns: of the target.
            safely: value by value, which takes ten times as long; else the first that does not fit ends it.
        """
        values = [self._safe_value(name) if safely else self._plain_value(name) for name in columns]
        self._context.conn.execute("drop table if exists incoming")
        self._context.conn.execute(
            sql.SQL(
                "create temporary table incoming as select {}, content_hash, arrival, false as unchanged from staged"
            ).format(sql.SQL(", ").join(values))
        )

    def _plain_value(self, name: str) -> sql.Composable:
        if name == "custom_fields":
            return sql.SQL("null::jsonb as custom_fields")
        return sql.SQL("{0}::{1} as {0}").format(sql.Identifier(name), sql.SQL(self._types[name]))

    def _safe_value(self, name: str) -> sql.Composable:
        if name == "custom_fields":
            return sql.SQL("{} as custom_fields").format(self._without_column())
        cast = self._cast_function(self._types[name])
        if cast is None:
            return sql.Identifier(name)
        return sql.SQL("{0}({1}) as {1}").format(cast, sql.Identifier(name))

    def _cast_function(self, column_type: str) -> sql.Identifier | None:
        names = {"numeric": "number_or_null", "timestamptz": "moment_or_null"}
        return sql.Identifier(self._context.raw, names[column_type]) if column_type in names else None

    def _without_column(self) -> sql.Composable:
        """Values of columns that nobody defined, and values that do not fit their column's type."""
        pairs: list[sql.Composable] = [
            sql.SQL("{}, {}").format(sql.Literal(word), sql.Identifier(name))
            for name, word in self._unknown.items()
        ]
        for name, column_type in self._types.items():
            if (cast := self._cast_function(column_type)) is not None:
                pairs.append(
                    sql.SQL("{}, case when {}({}) is null then {} end").format(
                        sql.Literal(name), cast, sql.Identifier(name), sql.Identifier(name)
                    )
                )
        if not pairs:
            return sql.SQL("null::jsonb")
        # A function takes a hundred arguments; objects are built in portions and put together.
        portions = [
            sql.SQL("jsonb_strip_nulls(jsonb_build_object({}))").format(
                sql.SQL(", ").join(pairs[at : at + 40])
            )
            for at in range(0, len(pairs), 40)
        ]
        return sql.SQL("nullif({}, '{{}}'::jsonb)").format(sql.SQL(" || ").join(portions))

    def _delete(self, known: KnownPrints) -> int:
        """Rows whose fingerprint did not come again and whose id is not among the changed ones."""
        unseen = np.setdiff1d(known.unseen(), self._replaced, assume_unique=False)
        if not len(unseen):
            return 0  # without this, finding nobody would cost a look at every contact
        conn = self._context.conn
        conn.execute("create temporary table unseen (content_hash bigint) on commit drop")
        with conn.cursor() as cursor, cursor.copy("copy unseen from stdin") as copy:
            for start in range(0, len(unseen), 100_000):
                copy.write("".join(f"{one}\n" for one in unseen[start : start + 100_000].tolist()))
        still_there = (
            sql.SQL("and not exists (select from staged as s where s.id = t.id)")
            if "id" in self._types
            else sql.SQL("")
        )
        return conn.execute(
            sql.SQL(
                "update {} as t set deleted_at = %s from unseen as u "
                "where t.content_hash = u.content_hash and t.deleted_at is null {}"
            ).format(self._target, still_there),
            [self._context.now],
        ).rowcount
