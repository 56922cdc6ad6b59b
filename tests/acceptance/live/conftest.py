"""The whole thing, alive: what `make demo` starts, small, once for all tests that look at it from outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from sendgrid_orchestration.cli.dagster_dev import Dagster
from sendgrid_orchestration.cli.processes import free_port
from sendgrid_orchestration.cli.stage import Cast, Stage, set_up
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.simulator import SendSummary
from sendgrid_orchestration.warehouse.engine import resolve_urls

PATIENCE = 400
"""Seconds that anything may take on a machine that does ten other things."""


@dataclass(frozen=True)
class Live:
    """A simulated account, the receiver, Postgres, Dagster's webserver and daemon: processes of their own."""

    stage: Stage
    dagster: Dagster
    sent: SendSummary

    @property
    def source(self) -> Source:
        """The only one."""
        return self.stage.settings.sources[0]

    @property
    def url(self) -> str:
        """The warehouse."""
        return resolve_urls(self.stage.settings).warehouse.get_secret_value()

    def value(self, query: str) -> Any:
        """The first value of a query; None where the table is not there yet."""
        try:
            with psycopg.connect(self.url) as conn:
                row = conn.execute(query.encode()).fetchone()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return None
        return row[0] if row else None

    def wait_until(self, what: str, is_so: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait for something that Dagster brings about by itself."""
        self.stage.children.wait_until(what, is_so, seconds)

    def run_status(self, run_id: str) -> str:
        """How far a run is, in Dagster's words."""
        query = "query Run($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
        return str(self.dagster.ask(query, {"id": run_id})["runOrError"]["status"])

    def wait_for_run(self, run_id: str, seconds: float = PATIENCE) -> None:
        """Until a run has succeeded."""
        deadline = time.monotonic() + seconds
        while (status := self.run_status(run_id)) != "SUCCESS":
            assert status not in {"FAILURE", "CANCELED"}, f"run {run_id}: {status}"
            assert time.monotonic() < deadline, f"run {run_id} is still {status}"
            time.sleep(0.5)


@pytest.fixture(scope="package")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    cast = Cast("marketing", "sendgrid_marketing", seed=11, contacts=300, days=10, messages=600)
    folder = tmp_path_factory.mktemp("live")
    with set_up(folder, [cast], schedules={"models_poll_seconds": 5}) as stage:
        dagster = Dagster(stage.children, folder / "dagster", free_port(3000))
        sent = stage.send_history(stage.settings.sources[0])
        dagster.wait_until_ready(seconds=PATIENCE)
        yield Live(stage, dagster, sent)
