"""What one more day costs the marts, over one and over ten million events of history, and how fast dashboards are on top.

The histories differ in length, not in volume: a hundred thousand events a day, for ten days and for a hundred. The day's update is one
dbt process that brings every mart up to date, the median of three days; the full rebuild is `dbt run --full-refresh` over the history
before them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median, quantiles

import psycopg

from benchmarks.report import Report
from dashboards.bundle import Branch
from dashboards.queries import chart_queries
from sendgrid_orchestration.defs.models.project import FLAGS, PROJECT, environment, executable
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse import embedded
from sendgrid_orchestration.warehouse.events import ensure_partitions
from sendgrid_orchestration.warehouse.migrations import migrate

WORK = Path(__file__).parent / ".work" / "marts"
EVENTS = Path(__file__).with_name("marts_events.sql")
SOURCE = Source.model_validate({"name": "bench"})
LAST_DAY = date(2026, 1, 31)
DAYS = (10, 100)
UPDATES = 3
"""So many of these days are updates, each measured: the speed of a machine changes from one quarter of a minute to the next."""
EVENTS_A_DAY = int(os.environ.get("BENCH_MARTS_EVENTS", "10000000")) // DAYS[1]
MESSAGES_A_DAY = int(EVENTS_A_DAY / 2.35)
RECIPIENTS = MESSAGES_A_DAY * 3
MARTS = ("--select", "tag:daily", "tag:objects")

DASHBOARDS = ("overview", "campaigns")
"""Whose charts are timed, with the queries that their files define and the dates that their filter starts with."""

DATES_SHOWN = timedelta(days=90)


def run(report: Report) -> None:
    """Measure it."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    try:
        server = embedded.ensure_running(WORK)
        short, _, _ = measure(server, DAYS[0])
        long, full, charts = measure(server, DAYS[1])
    finally:
        embedded.stop(WORK)
        shutil.rmtree(WORK, ignore_errors=True)
    size = f"{EVENTS_A_DAY * DAYS[1]:,} events"
    report.add(
        "marts_day_10m_vs_1m",
        long.seconds / short.seconds,
        goal="<= 1.5",
        detail=f"a day's update of all marts, median of {UPDATES}: {long.seconds:.1f} s over {size}, "
        f"{short.seconds:.1f} s over a tenth",
    )
    report.add(
        "marts_full_vs_day_10m",
        full.seconds / long.seconds,
        goal=">= 20",
        detail=f"full rebuild of all but {UPDATES} of {DAYS[1]} days {full.seconds:.1f} s, a day's update {long.seconds:.1f} s",
    )
    report.add(
        "marts_full_vs_day_cpu_10m",
        full.processor / long.processor,
        detail=f"the same in processor time: {full.processor:.1f} s, {long.processor:.1f} s",
    )
    report.add(
        "dashboard_query_p95_ms_10m",
        quantiles(charts, n=20)[-1] * 1000,
        unit="ms",
        goal="< 300",
        detail=f"{len(_charts())} charts of overview and campaigns, slowest {max(charts) * 1000:.0f} ms",
    )


@dataclass(frozen=True)
class Cost:
    """What a dbt process takes: of the user's time, and of the processors' (dbt, Postgres and the kernel together)."""

    seconds: float
    processor: float


def measure(server: str, days: int) -> tuple[Cost, Cost, list[float]]:
    """The cost of a day's update and of a full rebuild over so many days of history, and seconds of each chart's query."""
    name = f"marts_{days}"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f"create database {name}".encode())
    url = server.rsplit("/", 1)[0] + f"/{name}"
    first = LAST_DAY - timedelta(days=days - 1)
    with psycopg.connect(url) as conn:
        migrate(conn, SOURCE)
        ensure_partitions(conn, SOURCE.raw_schema, [first + timedelta(days=n) for n in range(days + 31)])
        with_indexes = _drop_indexes(conn)
        for n in range(days - UPDATES):
            post_day(conn, first + timedelta(days=n), until=LAST_DAY)
        for statement in with_indexes:
            conn.execute(statement.encode())
        conn.commit()
        conn.autocommit = True
        conn.execute(f"vacuum analyze {SOURCE.raw_schema}.events".encode())
        dbt(url, name, "seed", as_of=LAST_DAY - timedelta(days=UPDATES))
        full = dbt(url, name, "run", "--full-refresh", as_of=LAST_DAY - timedelta(days=UPDATES))
        updates = [_update(conn, url, name, LAST_DAY - timedelta(days=n)) for n in reversed(range(UPDATES))]
        day = Cost(median(cost.seconds for cost in updates), median(cost.processor for cost in updates))
        charts = [_seconds(conn, query) for _ in range(3) for query in _charts()]
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f"drop database {name} with (force)".encode())
    return day, full, charts


def _update(conn: psycopg.Connection, url: str, name: str, day: date) -> Cost:
    """The cost of one more day."""
    conn.execute(b"vacuum analyze")
    post_day(conn, day, until=day)
    return dbt(url, name, "run", *MARTS, as_of=day)


def post_day(conn: psycopg.Connection, day: date, until: date) -> None:
    """One load: everything that comes of one day's mail up to the end of another day."""
    raw = SOURCE.raw_schema
    row = conn.execute(
        f"insert into {raw}.loads (kind, committed_at) values ('load', '{day} 23:59:59+00') returning load_id".encode()
    ).fetchone()
    assert row is not None
    statement = EVENTS.read_text(encoding="utf-8").format(
        raw=raw,
        day=day,
        messages=MESSAGES_A_DAY,
        recipients=RECIPIENTS,
        load_id=row[0],
        until=until + timedelta(days=1),
    )
    conn.execute(statement.encode())


def dbt(url: str, name: str, *args: str, as_of: date) -> Cost:
    """The cost of one dbt process."""
    variables = {
        **os.environ,
        **environment(url, SOURCE),
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_TARGET_PATH": str(WORK / name),
        "DBT_LOG_PATH": str(WORK / name),
        "SENDGRID_AS_OF": f"{as_of}",
    }
    started, used = time.perf_counter(), processor_seconds()
    done = subprocess.run(
        [executable(), "--quiet", *FLAGS, *args],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"dbt {args[0]} failed:\n{done.stdout}")
    return Cost(time.perf_counter() - started, processor_seconds() - used)


def processor_seconds() -> float:
    """What all processors of this machine have worked since it started; nothing else should be running."""
    user, nice, system, _idle, _waiting, *interrupts = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]
    )
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def _drop_indexes(conn: psycopg.Connection) -> list[str]:
    """Without its secondary indexes the history is written in half the time; returns how to make them again."""
    rows = conn.execute(
        "select schemaname, indexname, indexdef from pg_indexes "
        "where schemaname = %s and tablename = 'events' and indexname <> 'events_pkey'",
        [SOURCE.raw_schema],
    ).fetchall()
    for schema, index, _ in rows:
        conn.execute(f"drop index {schema}.{index}".encode())
    return [str(definition).replace(" ON ONLY ", " ON ") for *_, definition in rows]


def _charts() -> list[str]:
    branches = [Branch(SOURCE.label, SOURCE.marts_schema)]
    queries = chart_queries(branches, LAST_DAY - DATES_SHOWN)
    return [query.sql for query in queries if query.dashboard in DASHBOARDS]


def _seconds(conn: psycopg.Connection, query: str) -> float:
    started = time.perf_counter()
    conn.execute(query.encode()).fetchall()
    return time.perf_counter() - started
