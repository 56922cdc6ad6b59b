"""The jobs that fetch a source's objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dagster as dg

from sendgrid_orchestration.settings import Source


def job_name(source: Source) -> str:
    """Its name: the handle for alerts, tags and the command line."""
    return f"{source.name}_objects"


def members_job_name(source: Source) -> str:
    """The same of the job that reads members by a cadence of their own."""
    return f"{source.name}_members"


def objects_job(source: Source, objects: Sequence[dg.AssetsDefinition]) -> Any:
    """Fetches everything in one process; an object that fails keeps no other from being fetched."""
    return dg.define_asset_job(
        job_name(source),
        selection=dg.AssetSelection.assets(*objects),
        executor_def=dg.in_process_executor,
        description="Fetch lists, segments, recipients and every other object that is switched on.",
        tags={"sendgrid/source": source.name, "sendgrid/work": "objects"},
    )


def members_job(source: Source, members: Sequence[dg.AssetsDefinition]) -> Any:
    """Reads who is in which list and segment. It has a pool of its own, so that the other objects are fetched meanwhile."""
    return dg.define_asset_job(
        members_job_name(source),
        selection=dg.AssetSelection.assets(*members),
        executor_def=dg.in_process_executor,
        description="Read who is in which list and segment: an export of each, the longest unread first.",
        tags={"sendgrid/source": source.name, "sendgrid/work": "members"},
    )
