"""The nightly job."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from sendgrid_orchestration.defs.maintenance.retention import delete_old_runs
from sendgrid_orchestration.defs.resources import Landing, Warehouse
from sendgrid_orchestration.landing.errors import LandingError
from sendgrid_orchestration.load.retention import prune_archive
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.engine import connect
from sendgrid_orchestration.warehouse.events import ensure_partitions

NAME = "maintenance"


def maintenance_job(
    sources: Sequence[Source], keep_runs_days: int, archive_days: int | None
) -> dg.JobDefinition:
    """Deletes old runs and archived files, and makes the tables of the next month before the first event asks for them.

    Args:
        sources: whose.
        keep_runs_days: older runs are deleted.
        archive_days: older archived files are deleted; None to keep all.
    """

    @dg.op(description="Delete the runs that nothing stands on any more.")
    def forget_old_runs(context: dg.OpExecutionContext) -> None:
        deleted = delete_old_runs(context.instance, keep_runs_days)
        context.log.info("Deleted %d run(s) older than %d days.", deleted, keep_runs_days)

    @dg.op(description="Create the partitions of the events tables for this month and the next.")
    def prepare_months(context: dg.OpExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> None:
        today = datetime.now(UTC).date()
        for source in sources:
            with connect(warehouse.prepare(source)) as conn:
                created = ensure_partitions(
                    conn, source.raw_schema, [today, today.replace(day=1) + timedelta(days=32)]
                )
            context.log.info("%s: %d month(s) created.", source.name, len(created))

    @dg.op(description="Delete the archived files that are older than `landing.archive_days`.")
    def prune_archives(
        context: dg.OpExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        landing: dg.ResourceParam[Landing],
    ) -> None:
        if archive_days is None:
            context.log.info("landing.archive_days is not set: every archived file is kept.")
            return
        metadata: dict[str, int] = {}
        problems: list[str] = []
        for source in sources:
            try:
                with connect(warehouse.prepare(source)) as conn:
                    pruned = prune_archive(conn, landing.store(), source, archive_days)
            except LandingError as error:  # the other sources may have other folders and rights
                problems.append(f"{source.name}: {error}")
                continue
            context.log.info("%s: %s", source.name, pruned)
            for sentence in pruned.warnings():
                context.log.warning("%s: %s", source.name, sentence)
            metadata |= {f"{source.name}: {what}": number for what, number in pruned.counts().items()}
        context.add_output_metadata(metadata)
        if problems:
            raise dg.Failure(" ".join(problems), allow_retries=False)

    @dg.job(
        name=NAME,
        executor_def=dg.in_process_executor,
        description="Nightly: deletes old runs and archived files, and makes the tables of the next month.",
    )
    def maintenance() -> None:
        forget_old_runs()
        prepare_months()
        prune_archives()

    return maintenance
