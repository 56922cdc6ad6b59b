"""How long until people see it: from SendGrid's 2xx to `activity`, and from there to the marts, with Dagster's daemon.

Everything is real and at its defaults: receiver, landing, sensors, runs, dbt. The simulated account posts 200 times a
second, while Dagster and Postgres use the same two cores.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psycopg

from benchmarks.report import Report
from sendgrid_orchestration.cli.dagster_dev import Dagster
from sendgrid_orchestration.cli.processes import free_port
from sendgrid_orchestration.cli.stage import Cast, Stage, set_up
from sendgrid_orchestration.simulator import SMOOTH, SendSummary
from sendgrid_orchestration.warehouse.engine import resolve_urls

FOLDER = Path(__file__).parent / ".work" / "visible"
POSTS_PER_SECOND = 200
SECONDS = 150
"""Long enough for a dozen loads, and for the models to follow some of them."""
SCHEMA = "sendgrid_visible"


@dataclass
class Watch:
    """When each load was first seen, by whoever looks four times a second."""

    url: str
    loads: dict[int, float] = field(default_factory=dict)
    marts: dict[int, float] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Look until it is over."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            while not self.over.wait(0.25):
                try:
                    self._look(conn)
                except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
                    continue

    def _look(self, conn: psycopg.Connection) -> None:
        for (load,) in conn.execute(
            f"select load_id from {SCHEMA}_raw.loads where load_id > %s".encode(),
            [max(self.loads, default=0)],
        ):
            self.loads[load] = time.time()
        # The overview is built after the message fact; once it is the younger of the two it holds what that one has.
        row = conn.execute(
            f"""
            select fact.load_id
            from {SCHEMA}_staging.model_state as fact
            inner join {SCHEMA}_staging.model_state as overview on overview.model = 'mart_email_overview_daily'
            where fact.model = 'fct_email_messages' and overview.updated_at >= fact.updated_at
            """.encode()
        ).fetchone()
        for load in self.loads:
            if row is not None and load <= row[0]:
                self.marts.setdefault(load, time.time())


def run(report: Report) -> None:
    """Post, watch, and compare."""
    cast = Cast("visible", SCHEMA, seed=3, contacts=2000, days=3, messages=SECONDS * POSTS_PER_SECOND)
    with set_up(FOLDER, [cast]) as stage:
        url = resolve_urls(stage.settings).warehouse.get_secret_value()
        dagster = Dagster(stage.children, FOLDER / "dagster", free_port(3000))
        dagster.wait_until_ready()
        watch = Watch(url)
        watching = threading.Thread(target=watch.run)
        watching.start()
        try:
            began = time.time()
            sent = _post(stage)
            share = _share_in_loads(dagster, began, time.time())
            with psycopg.connect(url, autocommit=True) as conn:
                stage.children.wait_until(
                    "The last event in activity", lambda: _rows(conn) == sent.unique_events, 120
                )
                last = max(watch.loads)
                stage.children.wait_until("The last load in the marts", lambda: last in watch.marts, 240)
                received = conn.execute(
                    f"select load_id, extract(epoch from received_at)::float8 from {SCHEMA}_raw.events".encode()
                ).fetchall()
        finally:
            watch.over.set()
            watching.join()
    to_activity = np.array([watch.loads[load] - at for load, at in received])
    to_marts = np.array([watch.marts[load] - watch.loads[load] for load, _ in received])
    report.add(
        "load_runs_share", share, unit="", goal="<= 0.5", detail="of the time that posts came, in load runs"
    )
    detail = f"{sent.posted} posts at {POSTS_PER_SECOND}/s, {len(watch.loads)} loads"
    _add(report, "visible_p95_s", to_activity, "<= 15", detail)
    _add(report, "marts_visible_p95_s", to_marts, "<= 180", "from the load's commit to the overview mart")


def _post(stage: Stage) -> SendSummary:
    source = stage.settings.sources[0]
    account = stage.simulators[source.name].account
    sender = stage.sender(source)
    return sender.send(account.history, batch=1, rate=POSTS_PER_SECOND, trouble=SMOOTH, stop=_after(SECONDS))


def _share_in_loads(dagster: Dagster, began: float, ended: float) -> float:
    """The share of this time in which Dagster showed the events table as being materialized: from request to end."""
    query = """
    query Loads($job: String!) { runsOrError(filter: {pipelineName: $job}) { ... on Runs { results {
      creationTime endTime
    } } } }
    """
    runs = dagster.ask(query, {"job": "visible_events"})["runsOrError"]["results"]
    spans = [(max(run["creationTime"], began), min(run["endTime"] or ended, ended)) for run in runs]
    return sum(max(end - start, 0) for start, end in spans) / (ended - began)


def _after(seconds: float) -> threading.Event:
    """Set after so long."""
    event = threading.Event()
    timer = threading.Timer(seconds, event.set)
    timer.daemon = True
    timer.start()
    return event


def _rows(conn: psycopg.Connection) -> int:
    try:
        row = conn.execute(f"select count(*) from {SCHEMA}.activity".encode()).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return -1
    assert row is not None
    return int(row[0])


def _add(report: Report, name: str, seconds: np.ndarray, goal: str, detail: str) -> None:
    median, p95, longest = (float(np.percentile(seconds, share)) for share in (50, 95, 100))
    report.add(
        name, p95, unit="s", goal=goal, detail=f"{detail}; median {median:.1f} s, longest {longest:.1f} s"
    )
