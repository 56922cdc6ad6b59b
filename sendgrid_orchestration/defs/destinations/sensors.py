"""Destinations follow loads: asks the ledger what waits, and requests one run for each destination that has something."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import psycopg

from sendgrid_orchestration.defs.destinations.assets import state_of
from sendgrid_orchestration.defs.destinations.jobs import job_name, run_config
from sendgrid_orchestration.defs.partitions import range_tags
from sendgrid_orchestration.defs.resources import Warehouse
from sendgrid_orchestration.defs.runs import Recent
from sendgrid_orchestration.destinations.catalog import resend_window
from sendgrid_orchestration.destinations.ledger import Due, Ledger, disable_others, is_migrated
from sendgrid_orchestration.settings import Destination, Schedules, Source
from sendgrid_orchestration.warehouse.engine import connect

MOST_DAYS = 7
"""How many days a run is shown for at the most; a backfill in the UI shows as many as one likes."""


def destinations_sensor(source: Source, schedules: Schedules, jobs: Sequence[object]) -> dg.SensorDefinition:
    """The sensor of one source, for all its destinations.

    Args:
        source: whose.
        schedules: how often to ask, and the first day that has a partition.
        jobs: those of the destinations.
    """

    @dg.sensor(
        name=f"{source.name}_destinations_follow_loads",
        jobs=list(jobs),  # type: ignore[arg-type]
        minimum_interval_seconds=schedules.destinations_poll_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests a run for each destination that something waits for; none while nothing does.",
    )
    def destinations_follow_loads(
        context: dg.SensorEvaluationContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        idle = []
        with connect(warehouse.url()) as conn:
            if not is_migrated(conn, source.raw_schema):
                yield dg.SkipReason("Nothing was ever loaded.")
                return
            waiting = list(what_waits(conn, source))
        requested = False
        for destination, due in waiting:
            recent = Recent.of(context.instance, job_name(source, destination))
            if state_of(destination) != "enabled":
                idle.append(f"{destination.name} is {state_of(destination)}.")
            elif due is None or not due.anything:
                idle.append(f"{destination.name} has everything.")
            elif reason := recent.reason_to_wait():
                idle.append(f"{destination.name}: {reason}")
            else:
                requested = True
                yield request(source, destination, due, recent.attempt, schedules.first_day)
        if not requested:
            yield dg.SkipReason(" ".join(idle))

    return destinations_follow_loads


def what_waits(conn: psycopg.Connection, source: Source) -> Iterator[tuple[Destination, Due | None]]:
    """What waits for each destination; None where it is not enabled.

    Writes down which are enabled and which are not: a destination begins with the load at which it was first seen enabled.
    """
    disable_others(conn, source.raw_schema, [one.name for one in source.destinations if one.enabled])
    for destination in source.destinations:
        due = None
        if destination.enabled:
            ledger = Ledger(conn, source.raw_schema, destination.name)
            ledger.enable(destination)
            due = ledger.due(resend_window(destination))
        yield destination, due


def request(
    source: Source, destination: Destination, due: Due, attempt: str, first_day: date
) -> dg.RunRequest:
    """One run for all that waits for a destination, shown for the latest of the days that it is about."""
    today = datetime.now(UTC).date()
    earliest = max(first_day, today - timedelta(days=MOST_DAYS - 1))
    first, last = due.days or (today, today)
    days = range_tags(min(max(first, earliest), today), min(max(last, earliest), today))
    return dg.RunRequest(
        run_key=f"{destination.name}:{due.last_load}:{due.batches}:{due.events}:{attempt}",
        job_name=job_name(source, destination),
        run_config=run_config(source, destination, backfill=False),
        tags={**days, "sendgrid/destination": destination.name},
    )
