"""Models follow loads: asks how far the warehouse has come, and requests one run for all that is new."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg
from dagster import DagsterInstance

from sendgrid_orchestration.defs.models import progress
from sendgrid_orchestration.defs.models.jobs import job_name, run_config
from sendgrid_orchestration.defs.models.progress import Progress, Touched
from sendgrid_orchestration.defs.partitions import range_tags
from sendgrid_orchestration.defs.resources import Warehouse
from sendgrid_orchestration.defs.runs import Recent
from sendgrid_orchestration.settings import Schedules, Source
from sendgrid_orchestration.warehouse.engine import connect

NEVER_STALE = {"view", "seed"}
"""What follows the events by itself, or never changes. It would only keep people's queries waiting to replace it."""

MOST_DAYS = 7
"""How many days a run is shown for at the most; a backfill in the UI shows as many as one likes."""

REACHED = "sendgrid/reached"
"""The tag that tells how far a run has brought the models, if it succeeds."""


def models_sensor(source: Source, schedules: Schedules, models: dg.AssetsDefinition) -> dg.SensorDefinition:
    """The sensor of one source.

    Args:
        source: whose models.
        schedules: how often to ask, and the first day that has a partition.
        models: the dbt assets of this source.
    """
    followers = [spec.key for spec in models.specs if not spec.kinds & NEVER_STALE]
    a_mart = next(spec.key for spec in models.specs if spec.partitions_def is not None)
    code = hashlib.sha256(
        "".join(sorted(str(spec.code_version) for spec in models.specs)).encode()
    ).hexdigest()[:12]

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
            if reason := recent.reason_to_wait():
                return dg.SkipReason(f"Loads up to {now.load} wait for their models. {reason}")
            touched = progress.touched_after(conn, source, done.load if done else 0)
        days = days_to_show(context.instance, a_mart, touched, schedules.first_day, today)
        return dg.RunRequest(
            run_key=f"{now.to_text()}:{recent.attempt}",
            run_config=run_config(source, rebuild=False),
            tags={REACHED: now.to_text(), **range_tags(*days)},
            asset_selection=followers if done and done.code == now.code else None,
        )

    return models_follow_loads


def reached(recent: Recent, cursor: str | None) -> Progress | None:
    """How far the models have come: as far as the last run that succeeded, or as was known before it was deleted."""
    run = recent.last_success_with(REACHED)
    text = run.tags[REACHED] if run else cursor
    return Progress.from_text(text) if text else None


def days_to_show(
    instance: DagsterInstance, a_mart: dg.AssetKey, touched: Touched | None, first_day: date, today: date
) -> tuple[date, date]:
    """The days that the run is shown to have built.

    dbt updates every day that was touched, and people open mail that is weeks old: shown for each of these days and each
    model, a run would write thousands of entries into Dagster's log. So it is shown for today, yesterday, and for
    touched days of the last week that no run was ever shown for.
    """
    first = yesterday = today - timedelta(days=1)
    if touched is not None and touched.first < yesterday:
        built = instance.get_materialized_partitions(a_mart)
        earliest = max(touched.first, first_day, today - timedelta(days=MOST_DAYS - 1))
        never = (day for day in _days(earliest, touched.last) if f"{day}" not in built)
        first = min(next(never, yesterday), yesterday)
    return max(first, first_day), today


def _days(first: date, last: date) -> Iterator[date]:
    for count in range((last - first).days + 1):
        yield first + timedelta(days=count)
