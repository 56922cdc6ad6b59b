"""How far the warehouse has come, and how far the models have followed.

Which events a model has seen it knows by itself, in the same transaction as its rows. This is only for deciding whether
a run is worth starting.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
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
        sync: how many syncs.
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
        """For a sensor's cursor and a run's tag, where people see it."""
        return f"load {self.load}, sync {self.sync}, models {self.code}"


@dataclass(frozen=True)
class Touched:
    """The days on which the events of some loads happened."""

    first: date
    last: date


def of_warehouse(conn: psycopg.Connection, source: Source, code: str) -> Progress:
    """How far the warehouse has come; at zero where nothing was ever loaded."""
    sync = _value(
        conn, source, "sync_runs", "count(*) filter (where finished_at is not null and error is null)"
    )
    return Progress(max_load_id(conn, source.raw_schema), sync or 0, code)


def touched_after(conn: psycopg.Connection, source: Source, load: int) -> Touched | None:
    """The days that loads after this one touched; None if they brought no event that was not there."""
    first = _value(conn, source, "loads", "min(first_event_date) filter (where load_id > %s)", load)
    last = _value(conn, source, "loads", "max(last_event_date) filter (where load_id > %s)", load)
    return Touched(first, last) if first and last else None


def _value(
    conn: psycopg.Connection, source: Source, table: str, expression: LiteralString, *values: int
) -> Any:
    exists = conn.execute("select to_regclass(%s)", [f"{source.raw_schema}.{table}"]).fetchone()
    if exists is None or exists[0] is None:
        return None
    query = sql.SQL("select {} from {}").format(sql.SQL(expression), sql.Identifier(source.raw_schema, table))
    row = conn.execute(query, values).fetchone()
    assert row is not None
    return row[0]
