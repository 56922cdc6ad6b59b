"""Brings a staged read into an object's table: only what changed is written, what was replaced goes to the history.

The read stands in a temporary table `incoming` with the target's columns (or some of them), and beside these
`content_hash`, `arrival` (its order) and `unchanged` (known to be as it was: seen, but not read in full).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files

import psycopg
from psycopg import sql

from sendgrid_orchestration.warehouse.object_tables import Table
from sendgrid_orchestration.warehouse.objects import version_id, version_record

_SQL = files("sendgrid_orchestration.warehouse") / "sql" / "objects"


@dataclass(frozen=True)
class Counts:
    """What a merge did.

    Attributes:
        rows: different objects in the read.
        duplicates: rows of the read that were there twice.
    """

    rows: int = 0
    duplicates: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0


@dataclass(frozen=True)
class Merge:
    """One merge into one table.

    Attributes:
        raw: the schema.
        table: the target.
        columns: those of the target that the read has; the others keep what they hold.
        now: the moment that becomes `synced_at`, `deleted_at` and the like.
        trust_hashes: an equal `content_hash` means equal content; not so where a column was never filled before.
    """

    raw: str
    table: Table
    columns: Sequence[str]
    now: datetime
    trust_hashes: bool = True

    def run(
        self, conn: psycopg.Connection, *, delete: bool, delete_key: Sequence[str] | None = None
    ) -> Counts:
        """Merge; the caller has a transaction open.

        Args:
            conn: where `incoming` is.
            delete: the read is complete, so that what it lacks is gone.
            delete_key: the columns that name a thing whose rows go together; the key by default.
        """
        # Temporary tables are not analysed by anybody else; unanalysed, ten rows would be joined by reading a million.
        conn.execute("analyze incoming")
        staged = self._count(conn)
        duplicates = self._execute(conn, "keep_last", same_key=_pairs(self.table.key, "i", "later"))
        same_key = _pairs(self.table.key, "t", "i")
        updated = self._execute(
            conn,
            "update",
            history=sql.Identifier(self.raw, "object_history"),
            object=sql.Literal(self.table.name),
            id=version_id(self.table),
            record=version_record(),
            keeps_history=sql.Literal(self.table.keeps_history),
            same_key=same_key,
            differs=self._differs(),
            assignments=sql.SQL(", ").join(
                sql.SQL("{0} = i.{0}").format(sql.Identifier(name)) for name in self.columns
            ),
        )
        self._execute(conn, "refingerprint", same_key=same_key)
        inserted = self._execute(
            conn,
            "insert",
            columns=sql.SQL(", ").join(map(sql.Identifier, self.columns)),
            incoming_columns=sql.SQL(", ").join(sql.Identifier("i", name) for name in self.columns),
            same_key=same_key,
        )
        deleted = 0
        if delete:
            deleted = self._execute(conn, "delete", same_thing=_pairs(delete_key or self.table.key, "t", "i"))
        rows = staged - duplicates
        return Counts(rows, duplicates, inserted, updated, rows - inserted - updated, deleted)

    def _differs(self) -> sql.Composable:
        # The fingerprint decides cheaply; the columns decide truly, for equal content can be written in two ways.
        ours, theirs = (
            sql.SQL(", ").join(sql.Identifier(side, name) for name in self.columns) for side in ("t", "i")
        )
        changed = sql.SQL("row({}) is distinct from row({})").format(ours, theirs)
        if self.trust_hashes:
            changed = sql.SQL("t.content_hash is distinct from i.content_hash and {}").format(changed)
        return sql.SQL("(t.deleted_at is not null or ({}))").format(changed)

    def _execute(self, conn: psycopg.Connection, statement: str, **parts: sql.Composable) -> int:
        query = sql.SQL(_statement(statement)).format(
            target=sql.Identifier(self.raw, self.table.name), **parts
        )
        return conn.execute(query, {"now": self.now}).rowcount

    def _count(self, conn: psycopg.Connection) -> int:
        row = conn.execute("select count(*) from incoming").fetchone()
        assert row is not None
        return int(row[0])


@cache
def _statement(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def _pairs(columns: Sequence[str], left: str, right: str) -> sql.Composable:
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(left, name), sql.Identifier(right, name)) for name in columns
    )
