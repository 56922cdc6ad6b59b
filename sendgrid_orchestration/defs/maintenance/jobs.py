"""The nightly job."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from sendgrid_orchestration.defs.maintenance.retention import delete_old_runs
from sendgrid_orchestration.defs.resources import Warehouse
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.engine import connect
from sendgrid_orchestration.warehouse.events import ensure_partitions

NAME = "maintenance"


def maintenance_job(sources: Sequence[Source], keep_runs_days: int) -> dg.JobDefinition:
    """Deletes old runs, and makes the tables of the next month before the first event asks for them."""

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

    @dg.job(
        name=NAME,
        executor_def=dg.in_process_executor,
        description="Nightly: deletes old runs and makes the tables of the next month.",
    )
    def maintenance() -> None:
        forget_old_runs()
        prepare_months()

    return maintenance
