"""A million contacts with twenty custom fields: from the export's file to the committed table, and once more with 1% changed.

The yardstick is a plain `COPY` of the same CSV into a table of text columns, on the same Postgres, seconds before and after. Each sync
runs in a process of its own, whose peak memory the system reports; the simulated account stands in this one, and rests while
a sync is timed: the clock runs from the moment the file is on local disk.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.report import Report
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.simulator import Simulator
from sendgrid_orchestration.warehouse import embedded
from sendgrid_orchestration.warehouse.engine import connect
from sendgrid_orchestration.warehouse.migrations import migrate

FIELDS = 20
LARGE, SMALL = 1_000_000, 100_000
CHANGED = 0.01


@dataclass(frozen=True)
class Run:
    """What one sync took.

    Attributes:
        seconds: from the file on local disk to the committed table.
        cpu: seconds of it that our process computed, from its start; on a busy machine the steadier figure.
        peak_mb: of the process.
        written: rows that Postgres says it wrote in recipients.
    """

    seconds: float
    cpu: float
    peak_mb: float
    written: int
    read: int


def run(report: Report) -> None:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix="bench-sync-") as folder, _postgres(Path(folder)) as url:
        with _account(SMALL) as account:
            small = _sync(account, url, "bench_100k")
        with _account(LARGE) as account:
            csv = _export(account, Path(folder) / "contacts.csv")
            before = _plain_copy(url, csv)
            first = _sync(account, url, "bench_1m")
            after = _plain_copy(url, csv)
            changed = account.account.change_contacts(CHANGED)
            second = _sync(account, url, "bench_1m")
    copy = (before + after) / 2
    megabytes = f"{first.read:,} contacts"
    report.add(
        "sync_vs_copy",
        copy / first.seconds,
        goal=">= 0.4",
        detail=f"{megabytes}: ours {first.seconds:.1f} s ({first.cpu:.1f} s of them computing), "
        f"COPY into text columns {before:.1f} and {after:.1f} s",
    )
    report.add("sync_peak_mb_100k", small.peak_mb, unit="MB", goal="< 400", detail=f"{small.seconds:.1f} s")
    report.add("sync_peak_mb_1m", first.peak_mb, unit="MB", goal="< 400, as at 100k")
    report.add(
        "resync_1pct_vs_first",
        second.seconds / first.seconds,
        goal="<= 0.5",
        detail=f"{second.seconds:.1f} s ({second.cpu:.1f} s computing), peak {second.peak_mb:.0f} MB; {changed:,} contacts changed, "
        f"Postgres wrote {second.written:,} rows",
    )


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    yield embedded.ensure_running(folder)
    embedded.stop(folder)


@contextmanager
def _account(contacts: int) -> Iterator[Simulator]:
    with Simulator(contacts=contacts, custom_fields=FIELDS, history_messages=100) as simulator:
        simulator.account.exports.habits.rows_per_file = contacts
        yield simulator


def _export(simulator: Simulator, path: Path) -> Path:
    job = simulator.account.exports.create([], [], "csv", 5000)
    with path.open("wb") as file:
        for part in range(job.files):
            for chunk in job.content(part):
                file.write(chunk)
    return path


def _plain_copy(url: str, csv: Path) -> float:
    with csv.open("rb") as file, psycopg.connect(url, autocommit=True) as conn:
        header = file.readline().decode().replace('"', "").strip().lower().split(",")
        conn.execute("drop table if exists plain")
        conn.execute(f"create table plain ({', '.join(f'{name} text' for name in header)})".encode())
        began = time.perf_counter()
        with conn.cursor() as cursor, cursor.copy("copy plain from stdin (format csv)") as copy:
            while block := file.read(1 << 17):
                copy.write(block)
        seconds = time.perf_counter() - began
        conn.execute("drop table plain")
    return seconds


def _sync(simulator: Simulator, url: str, schema: str) -> Run:
    source = Source.model_validate({"name": schema})
    with connect(url) as conn:
        migrate(conn, source)
        conn.execute("checkpoint")
    before = _written(url, source)
    told = {"api": simulator.url, "key": simulator.api_key, "url": url, "schema": schema}
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.sync_process"],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(finished.stdout.splitlines()[-1])
    return Run(
        answer["seconds"], answer["cpu"], answer["peak_mb"], _written(url, source) - before, answer["read"]
    )


def _written(url: str, source: Source) -> int:
    """Rows of recipients written so far, as Postgres counts them."""
    with psycopg.connect(url) as conn:
        row = conn.execute(
            "select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) from pg_stat_user_tables "
            "where schemaname = %s and relname = 'recipients'",
            [source.raw_schema],
        ).fetchone()
    return int(row[0]) if row else 0
