"""When objects are fetched."""

from __future__ import annotations

import dagster as dg

from sendgrid_orchestration.defs.objects.jobs import job_name, members_job_name
from sendgrid_orchestration.defs.runs import under_way
from sendgrid_orchestration.settings import Schedules, Source


def objects_schedule(source: Source, schedules: Schedules) -> dg.ScheduleDefinition:
    """Every three hours, unless the settings say otherwise (promise S13)."""
    return _schedule(
        job_name(source),
        schedules.objects,
        schedules.timezone,
        "Fetches everything that SendGrid's API knows, unless a run is still at it.",
    )


def members_schedule(source: Source, schedules: Schedules) -> dg.ScheduleDefinition:
    """When the settings say."""
    assert schedules.members is not None, "without a cadence of their own they are fetched with the objects"
    return _schedule(
        members_job_name(source),
        schedules.members,
        schedules.timezone,
        "Reads who is in which list and segment, unless a run is still at it.",
    )


def _schedule(job: str, cron: str, timezone: str, description: str) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"{job}_schedule",
        job_name=job,
        cron_schedule=cron,
        execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=description,
    )
    def due(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        # On an account that takes longer than the pause between two ticks, runs would queue up without end.
        run = under_way(context.instance, job)
        if run is None:
            return dg.RunRequest()
        return dg.SkipReason(
            f"Run {run.run_id} of {job} is {run.status.value.lower()}; another one beside it would only wait."
        )

    return due
