"""The job that loads a source's posts."""

from __future__ import annotations

from typing import Any

import dagster as dg

from sendgrid_orchestration.defs.health.checks import health_selection
from sendgrid_orchestration.settings import Source

WORK = "sendgrid/work"
LOADS = "loads"


def job_name(source: Source) -> str:
    """Its name: the handle for alerts, tags and the command line."""
    return f"{source.name}_events"


def events_job(source: Source) -> Any:
    """Loads into the events table of one source, in one process: each further one would cost 3 s."""
    return dg.define_asset_job(
        job_name(source),
        selection=dg.AssetSelection.assets([source.name, "raw", "events"]) - health_selection(source),
        executor_def=dg.in_process_executor,
        description="Bring the posts that wait, or those of the chosen days, into the events table.",
        tags={"sendgrid/source": source.name, WORK: LOADS},
    )


def run_config(source: Source, *, reload: bool) -> dict[str, Any]:
    """How a run is told to load only what waits, or the chosen days from the archive too."""
    return {"ops": {f"{source.name}__raw__events": {"config": {"reload": reload}}}}
