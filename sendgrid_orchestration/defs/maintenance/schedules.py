"""When the housekeeping runs."""

from __future__ import annotations

import dagster as dg

from sendgrid_orchestration.defs.maintenance.jobs import NAME
from sendgrid_orchestration.settings import Schedules


def maintenance_schedule(schedules: Schedules) -> dg.ScheduleDefinition:
    """Once a night."""
    return dg.ScheduleDefinition(
        name=NAME + "_schedule",
        job_name=NAME,
        cron_schedule=schedules.maintenance,
        execution_timezone=schedules.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Nightly housekeeping.",
    )
