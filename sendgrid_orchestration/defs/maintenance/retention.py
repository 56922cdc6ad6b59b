"""Which of Dagster's runs are kept. Dagster itself deletes none (dagster #33785, #4100)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from dagster import DagsterInstance, DagsterRun, RunRecord, RunsFilter

from sendgrid_orchestration.defs.events.jobs import LOADS, WORK
from sendgrid_orchestration.defs.partitions import RANGE_END, RANGE_START
from sendgrid_orchestration.defs.runs import UNFINISHED

PAGE = 200

KEEP_LOADS_DAYS = 2
"""While posts keep coming there is a load every ten seconds. What each brought stands in the ledger `loads` for good."""


def delete_old_runs(instance: DagsterInstance, keep_days: int, now: datetime | None = None) -> int:
    """Delete the runs that are older than this, loads already after two days, but none that something still stands on.

    The newest successful run of each kind (job, assets, range of days) is kept, however old: a partition that no run
    speaks of any more would look as if it had never been materialized.

    Returns:
        How many were deleted.
    """
    now = now or datetime.now(UTC)
    before = now - timedelta(days=keep_days)
    loads_before = now - timedelta(days=min(KEEP_LOADS_DAYS, keep_days))
    seen: set[tuple[object, ...]] = set()
    doomed = []
    for record in _newest_first(instance):
        run = record.dagster_run
        newest_of_its_kind = run.is_success and _kind(run) not in seen
        if run.is_success:
            seen.add(_kind(run))
        is_old = record.create_timestamp < (loads_before if _is_load(run) else before)
        if is_old and run.status not in UNFINISHED and not newest_of_its_kind:
            doomed.append(run.run_id)
    for run_id in doomed:
        instance.delete_run(run_id)
    return len(doomed)


def _is_load(run: DagsterRun) -> bool:
    return run.is_success and run.tags.get(WORK) == LOADS


def _kind(run: DagsterRun) -> tuple[object, ...]:
    days = (run.tags.get(tag) for tag in ("dagster/partition", RANGE_START, RANGE_END))
    return run.job_name, run.asset_selection, *days


def _newest_first(instance: DagsterInstance) -> Iterator[RunRecord]:
    cursor = None
    while page := instance.get_run_records(RunsFilter(), limit=PAGE, cursor=cursor):
        yield from page
        cursor = page[-1].dagster_run.run_id
