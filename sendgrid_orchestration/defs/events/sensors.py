"""The doorbell: asks whether landed files wait, and requests one run that takes all of them."""

from datetime import date, timedelta

import dagster as dg

from sendgrid_orchestration.defs.events.jobs import job_name, run_config
from sendgrid_orchestration.defs.partitions import range_tags
from sendgrid_orchestration.defs.resources import Landing, Warehouse
from sendgrid_orchestration.defs.runs import Recent
from sendgrid_orchestration.landing.store import LandedFile
from sendgrid_orchestration.load.ledger import waiting
from sendgrid_orchestration.settings import Schedules, Source
from sendgrid_orchestration.warehouse.engine import connect

MOST_DAYS = 31
"""A run over more days than this would write a page of events for each; a longer backlog takes several runs."""

RELIEVED_AFTER = timedelta(seconds=60)
"""A run that has been at work this long, over a backlog, is given a successor for what was posted meanwhile; loads of one
source take turns, transaction by transaction."""

LONGEST_REST = timedelta(seconds=15)
"""While posts keep coming, a run of 5 s every 10 s. Nothing is visible later than that: a post waits for one cycle."""


def landed_files_sensor(source: Source, schedules: Schedules, seal_seconds: float) -> dg.SensorDefinition:
    """The sensor of one source.

    The ledger is the truth about what was loaded, and not a cursor: a failed run leaves its files waiting, and the
    next tick requests another.

    Args:
        source: whose posts.
        schedules: how often to look, and the first day that has a partition.
        seal_seconds: a file that is still being written waits, too, once its first post is this old: the load has it sealed.
    """

    @dg.sensor(
        name=f"{source.name}_landed_files",
        job_name=job_name(source),
        minimum_interval_seconds=schedules.events_poll_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests one load for all landed files that wait, and rests after it for as long as it took.",
    )
    def landed_files(
        context: dg.SensorEvaluationContext,
        warehouse: dg.ResourceParam[Warehouse],
        landing: dg.ResourceParam[Landing],
    ) -> dg.RunRequest | dg.SkipReason:
        store = landing.store()
        with connect(warehouse.url()) as conn:
            files = waiting(conn, store, source) + store.being_written(source.name, seal_seconds)
        if not files:
            return dg.SkipReason("No landed file waits.")
        recent = Recent.of(context.instance, job_name(source))
        if reason := recent.reason_to_wait(relieved_after=RELIEVED_AFTER, longest_rest=LONGEST_REST):
            return dg.SkipReason(f"{len(files)} landed file(s) wait. {reason}")
        return request(source, files, recent.attempt, schedules.first_day)

    return landed_files


def request(source: Source, files: list[LandedFile], attempt: str, first_day: date) -> dg.RunRequest:
    """One run for all that waits."""
    days = sorted({max(file.day, first_day) for file in files})[:MOST_DAYS]
    return dg.RunRequest(
        run_key=f"{files[0].name}:{files[-1].name}:{len(files)}:{attempt}",
        run_config=run_config(source, reload=False),
        tags={**range_tags(days[0], days[-1]), "sendgrid/files": str(len(files)), "dagster/priority": "10"},
    )
