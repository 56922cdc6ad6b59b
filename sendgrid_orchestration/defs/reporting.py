"""What Dagster shows beside the assets of a run: the days that a run has brought up to date, and the views over its tables.

Neither needs a run of its own. A view shows new rows as soon as its table has them, and a model that follows the loads is
up to date for every day, whichever days its run is tagged with.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date

import dagster as dg
from dagster._core.definitions.data_version import (
    DATA_VERSION_TAG,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)
from dagster._core.events import StepMaterializationData
from dagster._core.instance.utils import RUNLESS_JOB_NAME, RUNLESS_RUN_ID
from dagster._core.storage.event_log.base import AssetEntry

from sendgrid_orchestration.defs.partitions import days_between, days_of

ROWS_OF_DAY = "dagster/partition_row_count"

RowsByDay = Callable[[date, date], Mapping[date, int]]
"""Counts the rows of each day of a range, both ends included; a day without rows may be missing."""


def report_days(context: dg.AssetExecutionContext, asset: dg.AssetKey, rows: RowsByDay) -> None:
    """Show each day up to today as materialized that was never shown so, in one statement.

    Call it after Dagster has logged the run's own materialization of the asset: its data versions are those of all days.
    The entries belong to no run: a run over 400 days would log an intention and a result for each day one by one, its
    page would list all of them, and they would go when the run is deleted.

    Args:
        context: of a run that brought every day of the asset up to date; each entry links to it.
        asset: partitioned by day.
        rows: counts the rows of each day.
    """
    partitions = context.assets_def.specs_by_key[asset].partitions_def
    assert partitions is not None
    instance = context.instance
    shown = instance.get_materialized_partitions(asset)
    missing = [day for day in partitions.get_partition_keys() if day not in shown]
    event = instance.get_latest_materialization_event(asset)
    if not missing or event is None or event.asset_materialization is None:
        return
    tags = event.asset_materialization.tags
    counts = rows(date.fromisoformat(missing[0]), date.fromisoformat(missing[-1]))
    instance.event_log_storage.store_event_batch(
        [
            _entry(
                dg.AssetMaterialization(
                    asset,
                    partition=day,
                    tags=tags,
                    metadata={
                        ROWS_OF_DAY: counts.get(date.fromisoformat(day), 0),
                        "built by": dg.MetadataValue.dagster_run(context.run.run_id),
                    },
                )
            )
            for day in missing
        ]
    )
    context.log.info("%s: %d more days are up to date.", asset.to_user_string(), len(missing))


def add_rows_of_days(context: dg.AssetExecutionContext, asset: dg.AssetKey, rows: RowsByDay) -> None:
    """Tell Dagster how many rows each day of the run has; nothing for a run without days."""
    if days := days_of(context):
        counts = rows(*days)
        for day in days_between(*days):
            context.add_asset_metadata({ROWS_OF_DAY: counts.get(day, 0)}, asset, f"{day}")


def views_over(specs: Iterable[dg.AssetSpec], changed: Collection[dg.AssetKey]) -> list[dg.AssetSpec]:
    """The views that show rows of these tables, also through other views.

    Args:
        specs: every asset of a source.
        changed: the tables.
    """
    views = [spec for spec in specs if "view" in spec.kinds]
    reached = set(changed)
    found: list[dg.AssetSpec] = []
    while more := [view for view in views if view.key not in reached and _reads(view, reached)]:
        found += more
        reached |= {view.key for view in more}
    return found


def report_views(
    context: dg.AssetExecutionContext,
    views: Sequence[dg.AssetSpec],
    rows: Callable[[dg.AssetSpec], int],
) -> None:
    """Log each view as materialized, with the rows and the versions of its tables that it shows now.

    A view that dbt has not created yet is left out.

    Args:
        context: of the run that changed the tables below, after Dagster has logged their materializations.
        views: as `views_over` finds them.
        rows: counts the rows of a view.
    """
    keys = {view.key for view in views} | {dep.asset_key for view in views for dep in view.deps}
    latest = {
        record.asset_entry.asset_key: record.asset_entry
        for record in context.instance.get_asset_records(list(keys))
        if record.asset_entry.last_materialization
    }
    for view in views:
        if view.key in latest:
            below = (latest[dep.asset_key] for dep in view.deps if dep.asset_key in latest)
            tags = {**_tags(latest[view.key]), **dict(tag for entry in below for tag in _as_input(entry))}
            metadata = {"dagster/row_count": rows(view)}
            context.log_event(dg.AssetMaterialization(view.key, metadata=metadata, tags=tags))


def _as_input(entry: AssetEntry) -> Iterator[tuple[str, str]]:
    """The tags by which Dagster knows which materialization of a table an asset has taken into account."""
    if version := _tags(entry).get(DATA_VERSION_TAG):
        yield get_input_data_version_tag(entry.asset_key), version
    yield get_input_event_pointer_tag(entry.asset_key), str(entry.last_materialization_storage_id)


def _tags(entry: AssetEntry) -> Mapping[str, str]:
    return entry.last_materialization.tags or {} if entry.last_materialization else {}


def _reads(view: dg.AssetSpec, tables: Collection[dg.AssetKey]) -> bool:
    return any(dep.asset_key in tables for dep in view.deps)


def _entry(materialization: dg.AssetMaterialization) -> dg.EventLogEntry:
    """What `DagsterInstance.report_runless_asset_event` would log, which takes one at a time."""
    event = dg.DagsterEvent(
        dg.DagsterEventType.ASSET_MATERIALIZATION.value,
        RUNLESS_JOB_NAME,
        event_specific_data=StepMaterializationData(materialization),
    )
    return dg.EventLogEntry(  # type: ignore[no-untyped-call]
        error_info=None,
        level=logging.INFO,
        user_message="",
        run_id=RUNLESS_RUN_ID,
        timestamp=time.time(),
        job_name=RUNLESS_JOB_NAME,
        dagster_event=event,
    )
