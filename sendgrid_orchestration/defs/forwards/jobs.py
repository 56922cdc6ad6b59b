"""The jobs that forward a source's posts, one for each forward: none waits for another."""

from __future__ import annotations

from typing import Any

import dagster as dg

from sendgrid_orchestration.defs.forwards.assets import asset_key
from sendgrid_orchestration.settings import Forward, Source


def job_name(source: Source, forward: Forward) -> str:
    """Its name: the handle for alerts, tags and the command line."""
    return f"{source.name}_forward_{forward.name}"


def forward_job(source: Source, forward: Forward) -> Any:
    """Forwards to one consumer, in one process."""
    return dg.define_asset_job(
        job_name(source, forward),
        selection=dg.AssetSelection.assets(asset_key(source, forward)),
        executor_def=dg.in_process_executor,
        description=f"Send on to {forward.name} the posts that were loaded since, as they came.",
        tags={"sendgrid/source": source.name, "sendgrid/work": "forwards"},
    )
