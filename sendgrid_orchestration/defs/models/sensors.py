"""Models follow loads: asks how far the warehouse has come, and requests one run for all that is new."""

import hashlib
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.tags import RUN_KEY_TAG

from sendgrid_orchestration.defs.models import progress
from sendgrid_orchestration.defs.models.jobs import job_name, run_config
from sendgrid_orchestration.defs.models.progress import Progress
from sendgrid_orchestration.defs.objects.jobs import job_name as objects_job_name
from sendgrid_orchestration.defs.partitions import range_tags
from sendgrid_orchestration.defs.resources import Warehouse
from sendgrid_orchestration.defs.runs import Recent
from sendgrid_orchestration.settings import Schedules, Source
from sendgrid_orchestration.warehouse.engine import connect

NEVER_STALE = {"view", "seed"}
"""What follows the events by itself, or never changes. It would only keep people's queries waiting to replace it."""
NEWS = "sendgrid/news"
"""The tag that says, in the list of runs, why a run was requested."""


def models_sensor(source: Source, schedules: Schedules, models: dg.AssetsDefinition) -> dg.SensorDefinition:
    """The sensor of one source.

    Args:
        source: whose models.
        schedules: how often to ask, and the first day that has a partition.
        models: the dbt assets of this source.
    """
    followers = [spec.key for spec in models.specs if not spec.kinds & NEVER_STALE]
    code = hashlib.sha256(
        "".join(sorted(str(spec.code_version) for spec in models.specs)).encode()
    ).hexdigest()[:12]
    poll = timedelta(seconds=schedules.models_poll_seconds)

    @dg.sensor(
        name=f"{source.name}_models_follow_loads",
        job_name=job_name(source),
        minimum_interval_seconds=schedules.models_poll_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests one update of the models for everything that was loaded since the last one.",
    )
    def models_follow_loads(
        context: dg.SensorEvaluationContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.RunRequest | dg.SkipReason:
        recent = Recent.of(context.instance, job_name(source))
        done = reached(recent, context.cursor)
        context.update_cursor(done.to_text() if done else "")
        today = datetime.now(UTC).date()
        with connect(warehouse.url()) as conn:
            now = progress.of_warehouse(conn, source, f"{code} {today}")
        if now == done:
            return dg.SkipReason("The models are up to date.")
        if not (now.load or now.sync):
            return dg.SkipReason("Nothing was loaded or synced yet.")
        if reason := recent.reason_to_wait(longest_rest=poll):
            return dg.SkipReason(f"Loads up to {now.load} wait for their models. {reason}")
        everything = done is None or done.code != now.code
        if done and not everything and now.load == done.load:
            syncs = Recent.of(context.instance, objects_job_name(source))
            if syncs.is_unfinished:
                return dg.SkipReason("A sync is under way; one update will take all that it brings.")
        # The first run of a day also closes the one before.
        first = today - timedelta(days=1) if everything else today
        return dg.RunRequest(
            run_key=f"{now.to_text()}:{recent.attempt}",
            run_config=run_config(source, rebuild=False),
            tags={NEWS: now.news(done), **range_tags(max(first, schedules.first_day), today)},
            asset_selection=None if everything else followers,
        )

    return models_follow_loads


def reached(recent: Recent, cursor: str | None) -> Progress | None:
    """How far the models have come: as far as the last run that succeeded, or as was known before it was deleted."""
    run = recent.last_success_with(RUN_KEY_TAG)
    text = run.tags[RUN_KEY_TAG].rpartition(":")[0] if run else cursor
    return Progress.from_text(text) if text else None
