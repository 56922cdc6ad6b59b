"""Real dbt on a real warehouse: events written as the loader writes them, the project built, the marts fingerprinted."""

from __future__ import annotations

import hashlib
import os
import sys
import uuid
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from psycopg.conninfo import conninfo_to_dict

from sendgrid_orchestration.settings import PROJECT_ROOT, Source
from sendgrid_orchestration.sync.shape import Shaper
from sendgrid_orchestration.warehouse.events import ensure_partitions
from sendgrid_orchestration.warehouse.object_tables import TABLES

PROJECT = PROJECT_ROOT / "dbt_project"
DATABASE = "modelled"
"""The name for databases that dbt works on: their name becomes part of the parsed project, so one name needs one parsing."""
SOURCE = Source.model_validate({"name": "sendgrid"})


# No file of its own either: dbt never closes it.
_QUIETLY = ("--no-use-colors", "--no-write-json", "--log-level-file", "none")


def command(*args: str) -> list[str]:
    """The command line of the dbt of this environment."""
    return [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *args]


def environment(url: str, artifacts: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What dbt needs to know to work on this database."""
    where = conninfo_to_dict(url)
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith(("SENDGRID_", "DBT_"))},
        "DBT_HOST": str(where["host"]),
        "DBT_PORT": str(where["port"]),
        "DBT_USER": str(where["user"]),
        "DBT_PASSWORD": str(where["password"]),
        "DBT_DBNAME": str(where["dbname"]),
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_TARGET_PATH": str(artifacts),
        "DBT_LOG_PATH": str(artifacts),
        "SENDGRID_SCHEMA": SOURCE.schema_,
        **(more or {}),
    }


def dbt(url: str, artifacts: Path, *args: str, **more: str) -> str:
    """Run dbt to its end and return what it said; a failure is the test's failure, in dbt's words.

    In this process, with a project that is parsed once: a process of its own takes seven seconds to get as far as the first
    model. Not for two at the same time, because dbt keeps a run in globals.
    """
    said = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        wanted = environment(url, artifacts, more)
        for name in os.environ.keys() - wanted.keys():
            patch.delenv(name)
        for name, value in wanted.items():
            patch.setenv(name, value)
        # A copy: a run leaves its marks on it, such as the common table expressions of ephemeral models.
        manifest = _parsed(wanted["DBT_DBNAME"], wanted["SENDGRID_SCHEMA"]).deepcopy()
        result = dbtRunner(manifest).invoke([*_QUIETLY, *args])
    assert result.success, f"{said.getvalue()[-6000:]}\n{result.exception or ''}"
    return said.getvalue()


@lru_cache
def _parsed(_database: str, _schema: str) -> Manifest:
    """The project as dbt parses it where the environment says so; of that, only these two become part of it."""
    result = dbtRunner().invoke([*_QUIETLY, "parse"])
    assert isinstance(result.result, Manifest), result.exception
    return result.result


def load(conn: psycopg.Connection, events: Iterable[Mapping[str, Any]]) -> int:
    """One load: a row in the ledger, and these events with what the loader derives. Returns its load_id."""
    raw = SOURCE.raw_schema
    row = conn.execute(
        f"insert into {raw}.loads (kind, committed_at) values ('load', now()) returning load_id".encode()
    ).fetchone()
    assert row is not None
    rows = [_row(event, int(row[0])) for event in events]
    ensure_partitions(conn, raw, {event["event_date"] for event in rows})
    for event in rows:
        columns = ", ".join(event)
        values = ", ".join(f"%({column})s" for column in event)
        conn.execute(
            f"insert into {raw}.events ({columns}) values ({values}) on conflict do nothing".encode(), event
        )
    conn.execute(
        f"update {raw}.loads set events_read = %(n)s, inserted = %(n)s where load_id = %(id)s".encode(),
        {"n": len(rows), "id": row[0]},
    )
    conn.commit()
    return int(row[0])


def store_object(conn: psycopg.Connection, table: str, record: Mapping[str, Any]) -> None:
    """An object as the sync would store it."""
    shaper = Shaper(TABLES[table])
    values, content_hash = shaper.row(record)
    names = [*(column.name for column in shaper.columns), "extra", "content_hash"]
    conn.execute(
        f"insert into {SOURCE.raw_schema}.{table} ({', '.join(names)}, first_seen_at, synced_at) "
        f"values ({', '.join(['%s'] * len(names))}, now(), now())".encode(),
        [*values, content_hash],
    )


def _row(event: Mapping[str, Any], load_id: int) -> dict[str, Any]:
    at: datetime = event["event_at"]
    identity = repr(sorted((key, str(value)) for key, value in event.items()))
    derived = {
        "event_key": uuid.UUID(hashlib.md5(identity.encode()).hexdigest()),
        "event_date": at.astimezone(UTC).date(),
        "received_at": at + timedelta(seconds=3),
        "load_id": load_id,
        "is_copy": False,
    }
    return {**derived, **event}


def fingerprints(conn: psycopg.Connection) -> dict[str, str]:
    """Each mart and intermediate table, as a hash of its rows, these and their columns in any order."""
    tables = conn.execute(
        "select table_schema, table_name from information_schema.tables where table_schema = %s",
        [SOURCE.marts_schema],
    ).fetchall()
    tables.append((f"{SOURCE.schema_}_staging", "int_suppression_events"))
    found = {}
    for schema, table in tables:
        rows = f"select to_jsonb(t)::text as r from {schema}.{table} as t"
        query = f"select count(*), md5(string_agg(r, '|' order by r)) from ({rows}) as rows"
        row = conn.execute(query.encode()).fetchone()
        assert row is not None
        found[table] = f"{row[0]} rows {row[1]}"
    conn.rollback()
    return found
