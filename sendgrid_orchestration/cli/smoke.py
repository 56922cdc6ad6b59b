"""`smoke`: the demo's pipeline once through, headless, with real parts; ends with a JSON line of counts that must add up."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import orjson
import typer
from psycopg import sql
from rich.console import Console

from sendgrid_orchestration.cli.mistakes import CommandError
from sendgrid_orchestration.cli.processes import until_told_to_stop
from sendgrid_orchestration.landing.store import open_store
from sendgrid_orchestration.settings import PROJECT_ROOT, Source
from sendgrid_orchestration.warehouse.engine import connect, resolve_urls

if TYPE_CHECKING:
    from dagster import RunRequest

    from sendgrid_orchestration.cli.stage import Stage
    from sendgrid_orchestration.simulator import SendSummary

FOLDER = PROJECT_ROOT / ".data" / "smoke"


@dataclass(frozen=True)
class Counts:
    """What was sent, and what of it was found at each step."""

    posted: int
    events_sent: int
    landed: int
    loaded: int
    duplicates: int
    quarantined: int
    activity: int
    lists: int
    segments: int
    recipients: int


def smoke() -> None:
    """Run the pipeline once through and check that the counts add up. Needs no account and no server."""
    # Only here: the other commands need none of it, and Dagster alone takes seconds to import.
    from sendgrid_orchestration.cli.stage import Cast, set_up
    from sendgrid_orchestration.simulator import Trouble

    console = Console(stderr=True, highlight=False)
    began = time.monotonic()

    def say(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:5.1f} s[/]  {text}")

    counts = None
    cast = Cast("smoke", "sendgrid_smoke", seed=7, contacts=600, days=14, messages=1500)
    with until_told_to_stop():
        say("starting Postgres, a simulated account and the receiver")
        with set_up(FOLDER, [cast]) as stage:
            source = stage.settings.sources[0]
            say("posting two weeks of events, with duplicates, disorder and odd items")
            sent = stage.send_history(source, Trouble(repeated_posts=0.02, odd_items=20))
            say(f"{sent.posted} posts with {sent.events_sent} items were acknowledged")
            stage.children.stop("receiver")  # seals what it still holds
            _run_dagster(stage, source, say)
            counts = _count(stage, source, sent)
            problems = list(_problems(stage, counts, sent))
    if counts is None:
        raise CommandError("The smoke test was stopped before its end.")
    typer.echo(json.dumps(asdict(counts)))
    if problems:
        raise CommandError(" ".join(problems))


def _run_dagster(stage: Stage, source: Source, say: Callable[[str], None]) -> None:
    """Tick what would tick, and execute what is asked for, until nothing is."""
    say("loading Dagster's definitions")
    from sendgrid_orchestration.cli import headless
    from sendgrid_orchestration.definitions import defs

    with headless.open_instance(stage.folder / "dagster") as instance:
        events, objects, models = (f"{source.name}_{part}" for part in ("events", "objects", "models"))
        ticks: dict[str, Callable[[], list[RunRequest]]] = {
            events: lambda: headless.tick_sensor(defs, instance, f"{source.name}_landed_files"),
            objects: lambda: headless.tick_schedule(defs, instance, f"{objects}_schedule"),
            models: lambda: headless.tick_sensor(defs, instance, f"{models}_follow_loads"),
        }
        for job, tick in ticks.items():
            requests = tick()
            if not requests:
                raise CommandError(f"Nothing asked for a run of {job}.")
            for request in requests:
                # What dbt says goes into a log: our own output ends with one line of JSON.
                with stage.children.log(job).open("w", encoding="utf-8") as log, redirect_stdout(log):
                    headless.execute(defs, instance, job, request)
            say(f"{job} ran")
        for name in (events, models):
            if ticks[name]():
                raise CommandError(f"Another run of {name} is asked for, although everything is done.")


def _count(stage: Stage, source: Source, sent: SendSummary) -> Counts:
    """What is in the landing, in the ledger, and in the tables that people query."""
    store = open_store(stage.settings.landing_url)
    archived = [
        file for day in store.archived_days(source.name) for file in store.archived(source.name, day, day)
    ]
    posts = [post for file in [*store.waiting(source.name), *archived] for post in store.read(file)]
    with connect(resolve_urls(stage.settings).warehouse.get_secret_value()) as conn:

        def value(query: str, *table: str) -> int:
            row = conn.execute(sql.SQL(query).format(sql.Identifier(*table))).fetchone()
            assert row is not None
            return int(row[0])

        loads = (source.raw_schema, "loads")
        return Counts(
            posted=sent.posted,
            events_sent=sent.events_sent,
            landed=sum(len(orjson.loads(post.body)) for post in posts),
            loaded=value("select sum(inserted) from {}", *loads),
            duplicates=value("select sum(duplicate) from {}", *loads),
            quarantined=value("select sum(quarantined) from {}", *loads),
            activity=value("select count(*) from {}", source.schema_, "activity"),
            lists=value("select count(*) from {}", source.schema_, "lists"),
            segments=value("select count(*) from {}", source.schema_, "segments"),
            recipients=value("select count(*) from {}", source.schema_, "recipients"),
        )


def _problems(stage: Stage, counts: Counts, sent: SendSummary) -> Iterator[str]:
    """A sentence for everything that does not add up."""
    account = next(iter(stage.simulators.values())).account
    expected = (
        ("items landed", counts.landed, counts.events_sent),
        ("events loaded", counts.loaded, sent.unique_events + sent.renamed),
        ("duplicates", counts.duplicates, sent.duplicates),
        ("items in quarantine", counts.quarantined, sent.odd_items),
        ("rows in activity", counts.activity, counts.loaded),
        ("lists", counts.lists, len(account.membership.lists)),
        ("segments", counts.segments, len(account.membership.segments)),
        ("recipients", counts.recipients, account.contact_count()),
    )
    for what, found, wanted in expected:
        if found != wanted:
            yield f"There should be {wanted} {what}, and there are {found}."
    if sent.failed:
        yield f"{sent.failed} posts were never acknowledged."
