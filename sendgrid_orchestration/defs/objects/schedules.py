"""When objects are fetched."""

from __future__ import annotations

import dagster as dg

from sendgrid_orchestration.defs.objects.jobs import job_name
from sendgrid_orchestration.settings import Schedules, Source


def objects_schedule(source: Source, schedules: Schedules) -> dg.ScheduleDefinition:
    """Every three hours, unless the settings say otherwise (promise S13)."""
    return dg.ScheduleDefinition(
        name=f"{job_name(source)}_schedule",
        job_name=job_name(source),
        cron_schedule=schedules.objects,
        execution_timezone=schedules.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Fetches everything that SendGrid's API knows.",
    )
