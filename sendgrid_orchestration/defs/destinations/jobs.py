"""The jobs that send a source's events on, one for each destination: none waits for another."""

from __future__ import annotations

from typing import Any

import dagster as dg

from sendgrid_orchestration.defs.destinations.assets import asset_key, op_name
from sendgrid_orchestration.settings import Destination, Source


def job_name(source: Source, destination: Destination) -> str:
    """Its name: the handle for alerts, tags and the command line."""
    return f"{source.name}_to_{destination.name}"


def destination_job(source: Source, destination: Destination) -> Any:
    """Sends to one destination, in one process."""
    return dg.define_asset_job(
        job_name(source, destination),
        selection=dg.AssetSelection.assets(asset_key(source, destination)),
        executor_def=dg.in_process_executor,
        description=f"Send to {destination.name} what was loaded since, or the chosen days.",
        tags={"sendgrid/source": source.name, "sendgrid/work": "destinations"},
    )


def run_config(source: Source, destination: Destination, *, backfill: bool) -> dict[str, Any]:
    """How a run is told to send what was loaded since, or the chosen days."""
    return {"ops": {op_name(source, destination): {"config": {"backfill": backfill}}}}
