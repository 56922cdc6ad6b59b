"""The doorbell: asks whether landed files wait, and requests one run that takes all of them."""

from datetime import timedelta

import dagster as dg

from sendgrid_orchestration.defs.events.jobs import job_name, run_config
from sendgrid_orchestration.defs.partitions import range_tags
from sendgrid_orchestration.defs.resources import Landing, Warehouse
from sendgrid_orchestration.defs.runs import Recent
from sendgrid_orchestration.landing.store import LandedFile
from sendgrid_orchestration.load.ledger import waiting
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.engine import connect

MOST_DAYS = 31
"""A run over more days than this would write a page of events for each; a longer backlog takes several runs."""

RELIEVED_AFTER = timedelta(seconds=90)
"""A run that has been at work this long is given a successor while posts keep coming. The successor needs some seconds to
start, and with the first still at work nothing waits for it; loads of one source take turns. A long reload of old days
keeps nobody waiting either."""


def landed_files_sensor(source: Source, poll_seconds: int) -> dg.SensorDefinition:
    """The sensor of one source.

    The ledger is the truth about what was loaded, and not a cursor: a failed run leaves its files waiting, and the
    next tick requests another.
    """

    @dg.sensor(
        name=f"{source.name}_landed_files",
        job_name=job_name(source),
        minimum_interval_seconds=poll_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests one load as soon as landed files wait; never a second one beside it, but to relieve it.",
    )
    def landed_files(
        context: dg.SensorEvaluationContext,
        warehouse: dg.ResourceParam[Warehouse],
        landing: dg.ResourceParam[Landing],
    ) -> dg.RunRequest | dg.SkipReason:
        with connect(warehouse.url()) as conn:
            files = waiting(conn, landing.store(), source)
        if not files:
            return dg.SkipReason("No landed file waits.")
        recent = Recent.of(context.instance, job_name(source))
        if reason := recent.reason_to_wait(relieved_after=RELIEVED_AFTER):
            return dg.SkipReason(f"{len(files)} landed file(s) wait. {reason}")
        return request(source, files, recent.attempt)

    return landed_files


def request(source: Source, files: list[LandedFile], attempt: str) -> dg.RunRequest:
    """One run for all that waits."""
    days = sorted({file.day for file in files})[:MOST_DAYS]
    return dg.RunRequest(
        run_key=f"{files[0].name}:{files[-1].name}:{len(files)}:{attempt}",
        run_config=run_config(source, reload=False),
        tags={**range_tags(days[0], days[-1]), "sendgrid/files": str(len(files)), "dagster/priority": "10"},
    )
