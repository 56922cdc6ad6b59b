"""`demo`: two simulated SendGrid accounts arrive in Postgres, in the Dagster UI, until Ctrl-C."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Annotated

import psycopg
import typer
from psycopg import sql
from rich.console import Console

from sendgrid_orchestration.cli.processes import free_port, until_told_to_stop
from sendgrid_orchestration.settings import PROJECT_ROOT, Source
from sendgrid_orchestration.warehouse.engine import connect, resolve_urls

FOLDER = PROJECT_ROOT / ".data" / "demo"

LOOK_AT = """
[bold]Dagster: {url}[/]

  the way from webhook to mart   {url}/assets/marketing/marts/mart_email_overview_daily?view=lineage&lineageScope=upstream&lineageDepth=6
  rows over time                 {url}/assets/marketing/activity?view=overview   (Metadata, Plots)
  loads, and models after them   {url}/runs
  everything, in groups          {url}/asset-groups

  SQL:  psql "$(SENDGRID_CONFIG={folder}/sendgrid.yaml sendgrid-orchestration postgres url)" \\
          -c 'select event, count(*) from sendgrid_marketing.activity group by event'
  Logs: {logs}

Ctrl-C stops everything. The data stays in {folder} until the next demo.
"""


def demo(
    port: Annotated[
        int, typer.Option(help="Where the Dagster UI shall be; another port is taken if it is busy.")
    ] = 3000,
    rate: Annotated[
        float, typer.Option(min=0, help="Messages a second that each account goes on sending.")
    ] = 2.0,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="Stop by itself after so long.")] = None,
) -> None:
    """Watch two simulated SendGrid accounts arrive in Postgres, in the Dagster UI. Needs no account and no server."""
    # Only here: the other commands need neither the simulator nor what it imports.
    from sendgrid_orchestration.cli.dagster_dev import Dagster
    from sendgrid_orchestration.cli.stage import Cast, Stage, set_up

    casts = [
        Cast("marketing", "sendgrid_marketing", seed=1, contacts=1200, days=45, messages=9000),
        Cast("transactional", "sendgrid_transactional", seed=2, contacts=400, days=45, messages=3000),
    ]
    console = Console()
    began = time.monotonic()
    stop = threading.Event()

    def say(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:5.1f} s[/]  {text}", highlight=False)

    def post(stage: Stage, source: Source) -> None:
        sent = stage.send_history(source)
        say(f"{source.name}: {sent.events_sent} events of the past 45 days posted; from now on, live")
        if rate and not stop.is_set():
            stage.send_live(source, rate, stop)

    with until_told_to_stop():
        say("starting Postgres, two simulated accounts and the receiver")
        with set_up(FOLDER, casts, schedules={"objects": "*/15 * * * *", "models_poll_seconds": 10}) as stage:
            try:
                say("starting Dagster")
                dagster = Dagster(stage.children, FOLDER / "dagster", free_port(port))
                for source in stage.settings.sources:
                    threading.Thread(target=post, args=(stage, source), daemon=True).start()
                dagster.wait_until_ready()
                postgres = resolve_urls(stage.settings).warehouse.get_secret_value()
                console.print(
                    LOOK_AT.format(url=dagster.url, logs=FOLDER / "logs", folder=FOLDER),
                    soft_wrap=True,
                    highlight=False,
                )
                _watch(
                    stage.settings.sources,
                    postgres,
                    say=say,
                    check=stage.children.check,
                    launch=dagster.launch,
                    minutes=minutes,
                )
            finally:
                stop.set()
                say("stopping")
    say("everything has stopped")


def _watch(
    sources: tuple[Source, ...],
    postgres: str,
    *,
    say: Callable[[str], None],
    check: Callable[[], None],
    launch: Callable[[str], str],
    minutes: float | None,
) -> None:
    """Tell what arrives: at once when a table gets its first rows, later every half minute.

    Objects would be fetched at the next quarter of an hour; nobody wants to wait for that, and events come first.
    """
    fetched: set[str] = set()
    first_seen: set[str] = set()
    until = time.monotonic() + minutes * 60 if minutes else float("inf")
    tell_again_at = 0.0
    while time.monotonic() < until:
        check()
        counts = _counts(sources, postgres)
        for table, rows in counts.items():
            if rows and table not in first_seen:
                first_seen.add(table)
                say(f"[green]{table}[/] has its first {rows} rows")
        for source in sources:
            if f"{source.schema_}.activity" in first_seen and source.name not in fetched:
                fetched.add(source.name)
                launch(f"{source.name}_objects")
        if len(first_seen) == len(counts) and time.monotonic() >= tell_again_at:
            say(", ".join(f"{table} {rows}" for table, rows in counts.items()))
            tell_again_at = time.monotonic() + 30
        time.sleep(1)


def _counts(sources: tuple[Source, ...], postgres: str) -> dict[str, int]:
    """The rows of what a newcomer asks for first; 0 where the table is not there yet."""
    tables = ("activity", "lists", "segments", "recipients")
    counts = {}
    with connect(postgres) as conn:
        for source in sources:
            for table in tables:
                counts[f"{source.schema_}.{table}"] = _rows(conn, source.schema_, table)
    return counts


def _rows(conn: psycopg.Connection, schema: str, table: str) -> int:
    try:
        with conn.transaction():
            row = conn.execute(
                sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))
            ).fetchone()
    except psycopg.errors.UndefinedTable:
        return 0
    assert row is not None
    return int(row[0])
