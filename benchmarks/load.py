"""How fast landed files become committed rows, beside COPY of the same rows and beside dlt's merge; how much memory it takes.

Every comparison is made on one server (the private Postgres with its own tuning), the sides taking turns, each in a fresh
database. COPY is given rows that are shaped already, in text and in binary; the faster of the two is the peer.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from statistics import median

import psycopg

from benchmarks import worst_posts
from benchmarks.posts import FIRST_MOMENT, land
from benchmarks.report import Report
from sendgrid_orchestration.landing.format import Content, Post, encode, header
from sendgrid_orchestration.landing.store import LandingStore, open_store
from sendgrid_orchestration.landing.writer import append_all
from sendgrid_orchestration.load import rows
from sendgrid_orchestration.load.loader import LoadResult, load_waiting
from sendgrid_orchestration.load.rekeying import ensure_current
from sendgrid_orchestration.load.replay import replay_source
from sendgrid_orchestration.load.shaping import Tally, batches
from sendgrid_orchestration.load.transaction import load_files
from sendgrid_orchestration.sendgrid.events import Occurs
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse import embedded
from sendgrid_orchestration.warehouse.engine import connect
from sendgrid_orchestration.warehouse.events import ensure_partitions
from sendgrid_orchestration.warehouse.migrations import migrate

WORK = Path(__file__).parent / ".work" / "load"
DLT = Path(__file__).parent / ".work" / "dlt"
UV = Path(__file__).parent.parent / ".uv" / "bin" / "uv"
SOURCE = Source.model_validate({"name": "bench"})
RAW = "bench_raw"
ROUNDS = 5
REPLAYS = 3

COPIED = 200_000
MERGED = 50_000
HISTORY = (100_000, 10_000_000)
ADDED = 100_000
DAY = 1_000_000
"""Events in each comparison."""

ALL = rows.COLUMNS[Occurs.SELDOM]
BINARY = "(format binary)"
PORTION = 300_000

_numbers = count(1)


def run(report: Report) -> None:
    """Measure all of it."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    try:
        server = embedded.ensure_running(WORK)
        against_copy(report, server)
        against_dlt(report, server)
        replay(report, server)
        memory(report, server)
        with_history(report, server)
    finally:
        embedded.stop(WORK)
        shutil.rmtree(WORK, ignore_errors=True)


def against_copy(report: Report, server: str) -> None:
    """Ours: read, check, parse, hash, look for duplicates, store, write the ledger, commit. Theirs: COPY and commit.

    The loader leaves out columns that a row has no use for, which a plain COPY does not. What that trick alone brings is
    shown too: COPY of what the loader sends, byte for byte.
    """
    store = landed("copy", COPIED)
    sent = rows.encoded([row for batch in shape(store) for row in batch.rows])
    text, binary = (as_postgres_writes(server, sent, options) for options in ("", BINARY))
    times: dict[str, list[float]] = {"load": [], "text": [], "binary": [], "sent": []}
    for _ in range(ROUNDS):
        times["text"].append(copy_time(server, lambda conn: copy_in(conn, text, ALL, "")))
        times["load"].append(load_time(server, store))
        times["binary"].append(copy_time(server, lambda conn: copy_in(conn, binary, ALL, BINARY)))
        times["sent"].append(copy_time(server, lambda conn: copy_sent(conn, sent)))
    rate = {name: COPIED / median(seconds) for name, seconds in times.items()}
    report.add(
        "load_vs_copy",
        rate["load"] / max(rate["text"], rate["binary"]),
        goal=">= 0.8",
        detail=f"events/s: load {rate['load']:,.0f}, COPY text {rate['text']:,.0f}, COPY binary {rate['binary']:,.0f}",
    )
    report.add(
        "load_vs_copy_as_sent",
        rate["load"] / rate["sent"],
        detail=f"events/s: load {rate['load']:,.0f}, COPY of the loader's own bytes {rate['sent']:,.0f}",
    )


def against_dlt(report: Report, server: str) -> None:
    """Dlt's merge of the same posts by sg_event_id: as it comes, with a child table for each list, and told to keep lists as JSON."""
    python = DLT / "bin" / "python"
    if not python.exists():
        for command in (
            [UV, "venv", "--quiet", "--python", sys.executable, DLT],
            [UV, "pip", "install", "--quiet", "--python", python, "dlt[postgres]"],
        ):
            result = subprocess.run(
                [str(part) for part in command], capture_output=True, text=True, check=False
            )
            if result.returncode:
                report.missing("load_vs_dlt", f"dlt could not be installed: {result.stderr.strip()[-200:]}")
                return
    store = landed("dlt", MERGED)
    bodies = WORK / "bodies.jsonl"
    with bodies.open("wb") as file:
        for waiting in store.waiting("bench"):
            file.writelines(post.body.replace(b"\r\n", b"") + b"\n" for post in store.read(waiting))
    ours = median(load_time(server, store) for _ in range(3))
    for lists, name, goal in (
        ("as-tables", "load_vs_dlt", ">= 10"),
        ("as-json", "load_vs_dlt_lists_as_json", ""),
    ):
        try:
            theirs = dlt_time(server, python, bodies, lists)
        except RuntimeError as error:
            report.missing(name, str(error))
            continue
        report.add(
            name,
            theirs / ours,
            goal=goal,
            detail=f"events/s: load {MERGED / ours:,.0f}, dlt merge {MERGED / theirs:,.0f}",
        )


def dlt_time(server: str, python: Path, bodies: Path, lists: str) -> float:
    """Seconds of dlt's merge into a fresh database."""
    script = Path(__file__).with_name("dlt_merge.py")
    with database(server) as url:
        result = subprocess.run(
            [str(python), str(script), url, str(bodies), str(WORK / f"dlt-{lists}"), lists],
            capture_output=True,
            text=True,
            check=False,
        )
    if result.returncode:
        raise RuntimeError(f"dlt failed: {result.stderr.strip()[-200:]}")
    return float(json.loads(result.stdout.strip().splitlines()[-1])["seconds"])


def replay(report: Report, server: str) -> None:
    """A day of a million events: loaded, loaded again over the full table, and again into the emptied one.

    Three rounds, and the median of their ratios counts: now and then the kernel writes to the disk what it has cached of an
    earlier phase, and whoever commits meanwhile waits for that, once for 18 s where a load takes 7. The detail shows how long
    each phase of the slowest round stood still for the disk, and how many checkpoints it saw.
    """
    rounds = [_replay_round(server, number) for number in range(REPLAYS)]
    ratios = [max(over.seconds, into.seconds) / first.seconds for first, over, into in rounds]
    slowest = rounds[max(range(REPLAYS), key=ratios.__getitem__)]
    phases = ", ".join(
        f"{name} {phase.seconds:.1f} ({phase.stalled:.1f} of them the disk's, {phase.checkpoints} checkpoints)"
        for name, phase in zip(("load", "replay over full", "into empty"), slowest, strict=True)
    )
    report.add(
        "replay_vs_load",
        median(ratios),
        goal="<= 1.2",
        detail=f"rounds {', '.join(f'{ratio:.2f}' for ratio in ratios)}; seconds for {DAY:,} events in the slowest: {phases}",
    )


@dataclass(frozen=True)
class Phase:
    """One load, and what held it up."""

    seconds: float
    stalled: float
    """Seconds in which every process of this machine that had something to do waited for the disk."""
    checkpoints: int


def _replay_round(server: str, number: int) -> tuple[Phase, Phase, Phase]:
    store = landed(f"day{number}", DAY)
    with database(server) as url:
        first = _phase(server, url, lambda: load_waiting(url, store, SOURCE))
        over_full = _phase(server, url, lambda: replay_source(url, store, SOURCE))
        with psycopg.connect(url) as conn:
            conn.execute(f"truncate {RAW}.events".encode())
        into_empty = _phase(server, url, lambda: replay_source(url, store, SOURCE))
    return first, over_full, into_empty


def _phase(server: str, url: str, load: Callable[[], LoadResult]) -> Phase:
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute("checkpoint")  # no phase pays for what the one before has left in memory
        checkpoints, stalled = _checkpoints(conn), _stalled()
        seconds = committed_in(url, load())
        return Phase(seconds, _stalled() - stalled, _checkpoints(conn) - checkpoints)


def _checkpoints(conn: psycopg.Connection) -> int:
    row = conn.execute("select num_timed + num_requested from pg_stat_checkpointer").fetchone()
    assert row is not None
    return int(row[0])


def _stalled() -> float:
    """Seconds that the whole machine waited for its disks so far; 0 where the kernel does not count them."""
    pressure = Path("/proc/pressure/io")
    if not pressure.exists():
        return 0.0
    (full,) = (line for line in pressure.read_text().splitlines() if line.startswith("full"))
    return int(full.rpartition("total=")[2]) / 1e6


def memory(report: Report, server: str) -> None:
    """Measure the peak memory of a loading process: a day of a million events in one file, then each of the worst posts."""
    day = landed("memory", DAY)
    one_file(day)
    peak = _peak_megabytes(server, WORK / "single")
    report.add("load_peak_mb", peak, unit="MB", goal="< 300", detail=f"one file of {DAY:,} events")
    peaks = {}
    for number, (name, body) in enumerate(worst_posts.posts().items()):
        append_all(WORK / f"worst{number}", "bench", [Post(FIRST_MOMENT, {}, body)])
        peaks[name] = _peak_megabytes(server, WORK / f"worst{number}")
    worst = max(peaks, key=peaks.__getitem__)
    report.add(
        "load_peak_mb_worst",
        peaks[worst],
        unit="MB",
        goal="<= 400",
        detail=f"one post of 8 MB, {worst}; the mildest of {len(peaks)} kinds takes {min(peaks.values()):.0f}",
    )


def _peak_megabytes(server: str, landing: Path) -> float:
    # Not ru_maxrss: a process inherits that from the one that started it, and ours holds the rows of the other topics.
    code = (
        "import sys; from benchmarks.load import SOURCE, open_store, load_waiting;"
        "assert load_waiting(sys.argv[1], open_store(sys.argv[2]), SOURCE).files == 1;"
        "status = dict(line.split(':', 1) for line in open('/proc/self/status'));"
        "print(int(status['VmHWM'].split()[0]) / 1024)"
    )
    with database(server) as url:
        done = subprocess.run(
            [sys.executable, "-c", code, url, landing.as_uri()], capture_output=True, text=True, check=True
        )
    return float(done.stdout)


def with_history(report: Report, server: str) -> None:
    """The same load into a table with a hundred thousand rows and into one with ten million, half of them in its month."""
    stores = [landed(f"history{number}", ADDED, seed=100 + number) for number in range(3)]
    times: dict[int, list[float]] = {size: [] for size in HISTORY}
    with database(server) as small, database(server) as large:
        urls = dict(zip(HISTORY, (small, large), strict=True))
        for size, url in urls.items():
            build_history(url, size)
        for store in stores:
            for size, url in urls.items():
                times[size].append(load_into(url, store))
    few, many = (median(times[size]) / ADDED * 1e6 for size in HISTORY)
    report.add(
        "load_cost_10m_vs_100k",
        many / few,
        goal="<= 1.3",
        detail=f"microseconds/event: {few:.1f} on {HISTORY[0]:,} rows, {many:.1f} on {HISTORY[1]:,}",
    )


@contextmanager
def database(server: str) -> Iterator[str]:
    """A fresh database with the tables of the source and the partition of its month."""
    name = f"bench_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f"create database {name} strategy file_copy".encode())
        url = server.replace("/warehouse", f"/{name}")
        with connect(url) as fresh:
            migrate(fresh, SOURCE)
            ensure_current(fresh, RAW)
            ensure_partitions(fresh, RAW, [FIRST_MOMENT.date()])
        conn.execute("checkpoint")  # neither side pays for what the other has left in memory
        yield url
        conn.execute(f"drop database {name} with (force)".encode())


def landed(name: str, number: int, seed: int = 1) -> LandingStore:
    """A landing with so many events."""
    land(WORK / name, "bench", number, seed)
    return open_store((WORK / name).as_uri())


def shape(store: LandingStore):  # type: ignore[no-untyped-def]
    """The rows as the loader shapes them."""
    return batches(((file.name, Tally(), store.read(file)) for file in store.waiting("bench")), 1)


def as_postgres_writes(server: str, sent: dict[Occurs, list[bytes]], options: str) -> list[bytes]:
    """The same rows with every column, as Postgres itself writes them, in portions such as a client sends."""
    with database(server) as url, psycopg.connect(url) as conn:
        copy_sent(conn, sent)
        query = f"copy (select {', '.join(ALL)} from {RAW}.events) to stdout {options}"
        with conn.cursor().copy(query.encode()) as copy:
            data = b"".join(bytes(part) for part in copy)
    return [data[at : at + PORTION] for at in range(0, len(data), PORTION)]


def copy_sent(conn: psycopg.Connection, sent: dict[Occurs, list[bytes]]) -> None:
    """COPY of what the loader sends, and commit."""
    for rarest, portions in sent.items():
        copy_in(conn, [rows.HEADER, *portions, rows.TRAILER], rows.COLUMNS[rarest], BINARY)


def copy_in(conn: psycopg.Connection, data: list[bytes], columns: Sequence[str], options: str) -> None:
    """Plain COPY of everything, and commit."""
    statement = f"copy {RAW}.events ({', '.join(columns)}) from stdin {options}"
    with conn.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for piece in data:
            copy.write(piece)
    conn.commit()


def copy_time(server: str, copy: Callable[[psycopg.Connection], None]) -> float:
    """Seconds of a plain COPY into a fresh table."""
    with database(server) as url, psycopg.connect(url) as conn:
        return timed(lambda: copy(conn))


def load_time(server: str, store: LandingStore) -> float:
    """Seconds from landed files to the commit, into a fresh table; the files stay where they are."""
    with database(server) as url:
        return load_into(url, store)


def load_into(url: str, store: LandingStore) -> float:
    """The same into a table that is there."""
    files = store.waiting("bench")
    with connect(url) as conn:
        return timed(lambda: load_files(conn, RAW, store, files, kind="load", run_id=None))


def committed_in(url: str, result: LoadResult) -> float:
    """Seconds that the transactions took, from the ledger: without the archive, which only a first load has to fill."""
    query = (
        f"select sum(extract(epoch from committed_at - started_at)) from {RAW}.loads where load_id = any(%s)"
    )
    with psycopg.connect(url) as conn:
        row = conn.execute(query.encode(), [list(result.load_ids)]).fetchone()
    assert row is not None
    return float(row[0])


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def one_file(store: LandingStore) -> None:
    """Put the posts of a landing into one single landed file of another."""
    sealed = WORK / "single" / "bench" / "sealed"
    sealed.mkdir(parents=True)
    files = store.waiting("bench")
    content = Content(header(files[0].name))
    with (sealed / f"{files[0].name}.posts").open("wb") as single:
        single.write(header(files[0].name))
        for file in files:
            for post in store.read(file):
                frame = encode(post)
                single.writelines(frame)
                content.add(frame, 1)
        single.write(content.trailer())


def build_history(url: str, size: int) -> None:
    """So many rows, half in the month that is loaded into and half in the one before, indexed and with statistics.

    Filled before it is indexed and attached, in the transaction that creates it: that takes a minute and not ten.
    """
    sql = Path(__file__).with_name("history.sql").read_text(encoding="utf-8")
    this_month = FIRST_MOMENT.date()
    last_month = (this_month - timedelta(days=1)).replace(day=1)
    next_month = (this_month + timedelta(days=32)).replace(day=1)
    for begin, end in ((last_month, this_month), (this_month, next_month)):
        with psycopg.connect(url, options="-c timezone=UTC") as conn:
            conn.execute(f"drop table if exists {RAW}.events_{begin:%Y_%m}".encode())
            conn.execute(
                sql.format(
                    raw=RAW, partition=f"events_{begin:%Y_%m}", rows=size // 2, begin=begin, end=end
                ).encode()
            )
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f"vacuum analyze {RAW}.events".encode())
        conn.execute("checkpoint")
