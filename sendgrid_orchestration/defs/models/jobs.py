"""The job that builds a source's models."""

from __future__ import annotations

from typing import Any

import dagster as dg

from sendgrid_orchestration.defs.health.checks import health_selection
from sendgrid_orchestration.settings import Source


def job_name(source: Source) -> str:
    """Its name: the handle for alerts, tags and the command line."""
    return f"{source.name}_models"


def op_name(source: Source) -> str:
    """The step that starts dbt; no job may have the same name."""
    return f"{source.name}__models"


def models_job(source: Source, models: dg.AssetsDefinition) -> Any:
    """Everything that dbt builds for one source, with its tests, in one dbt process."""
    return dg.define_asset_job(
        job_name(source),
        selection=dg.AssetSelection.assets(*models.keys) - health_selection(source),
        executor_def=dg.in_process_executor,
        description="Bring the models up to date with what was loaded, or rebuild the chosen days; then test them.",
        tags={"sendgrid/source": source.name, "sendgrid/work": "models"},
    )


def run_config(source: Source, *, rebuild: bool) -> dict[str, Any]:
    """How a run is told to follow the loads, or to build the chosen days again."""
    return {"ops": {op_name(source): {"config": {"rebuild": rebuild}}}}
