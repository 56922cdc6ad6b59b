"""The job that fetches a source's objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dagster as dg

from sendgrid_orchestration.settings import Source


def job_name(source: Source) -> str:
    """Its name: the handle for alerts, tags and the command line."""
    return f"{source.name}_objects"


def objects_job(source: Source, objects: Sequence[dg.AssetsDefinition]) -> Any:
    """Fetches everything in one process; an object that fails keeps no other from being fetched."""
    return dg.define_asset_job(
        job_name(source),
        selection=dg.AssetSelection.assets(*objects),
        executor_def=dg.in_process_executor,
        description="Fetch lists, segments, recipients and every other object that is switched on.",
        tags={"sendgrid/source": source.name, "sendgrid/work": "objects"},
    )
