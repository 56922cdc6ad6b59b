"""How far the warehouse has come, and how far the models have followed.

Which events a model has seen it knows by itself, in the same transaction as its rows. This is only for deciding whether
a run is worth starting.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, LiteralString, Self

import psycopg
from psycopg import sql

from sendgrid_orchestration.load.ledger import max_load_id
from sendgrid_orchestration.settings import Source

_TEXT = r"load (\d+), sync (\d+), models (.+)"


@dataclass(frozen=True)
class Progress:
    """What something has taken into account.

    Attributes:
        load: the last load.
        sync: how many syncs changed a row.
        code: which views there are, and on which day they were made: they are made again when they change, and once
            a day, when everything is tested.
    """

    load: int
    sync: int
    code: str

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what `to_text` wrote."""
        load, sync, code = re.fullmatch(_TEXT, text).groups()  # type: ignore[union-attr]
        return cls(int(load), int(sync), code)

    def to_text(self) -> str:
        """For a sensor's cursor and the key of a run."""
        return f"load {self.load}, sync {self.sync}, models {self.code}"

    def news(self, before: Self | None) -> str:
        """What is new since then, in a few words."""
        if before is None:
            return "first build"
        if self.code != before.code:
            return "new day or new code"
        counts = {"load": self.load - before.load, "sync": self.sync - before.sync}
        return ", ".join(f"{n} {word}{'s' * (n != 1)}" for word, n in counts.items() if n)


def of_warehouse(conn: psycopg.Connection, source: Source, code: str) -> Progress:
    """How far the warehouse has come; at zero where nothing was ever loaded."""
    changed = "count(*) filter (where error is null and inserted + updated + deleted > 0)"
    sync = _value(conn, source, "sync_runs", changed)
    return Progress(max_load_id(conn, source.raw_schema), sync or 0, code)


def _value(conn: psycopg.Connection, source: Source, table: str, expression: LiteralString) -> Any:
    exists = conn.execute("select to_regclass(%s)", [f"{source.raw_schema}.{table}"]).fetchone()
    if exists is None or exists[0] is None:
        return None
    query = sql.SQL("select {} from {}").format(sql.SQL(expression), sql.Identifier(source.raw_schema, table))
    row = conn.execute(query).fetchone()
    assert row is not None
    return row[0]
