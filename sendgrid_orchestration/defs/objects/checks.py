"""What must hold after every sync. Evaluated by the sync itself, against what it just saw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg

from sendgrid_orchestration.defs.objects.cadence import MEMBERS
from sendgrid_orchestration.sync import SyncResult

GRANTED = "key_may_read"
COMPLETE = "read_was_complete"
VOLUME = "volume_as_before"
COLUMNS = "columns_as_before"
REFRESHED = "every_group_was_read"

MOST_NAMED = 20
"""Lists or segments that the check names; a sentence of a thousand would help nobody."""


def check_specs(asset: dg.AssetKey, *, of_members: bool = False) -> list[dg.AssetCheckSpec]:
    """The checks of one object's table.

    Args:
        asset: the object.
        of_members: it is who is in which list or segment.
    """
    refreshed = dg.AssetCheckSpec(
        REFRESHED,
        asset=asset,
        description="The sync reached every list or segment, and could read it. Names those that wait, and since when.",
    )
    return [
        *([refreshed] if of_members else []),
        dg.AssetCheckSpec(
            GRANTED,
            asset=asset,
            description="The API key has the scope for it. Without, the object is skipped and its rows stay as they were.",
        ),
        dg.AssetCheckSpec(
            COMPLETE, asset=asset, description="SendGrid gave all that it has, as far as it can be told."
        ),
        dg.AssetCheckSpec(
            VOLUME, asset=asset, description="Not suddenly empty, and no great part of the rows is gone."
        ),
        dg.AssetCheckSpec(
            COLUMNS, asset=asset, description="Tells when columns came or went; it is no fault."
        ),
    ]


def check_results(
    asset: dg.AssetKey,
    result: SyncResult,
    columns: dg.TableSchema,
    before: dg.EventLogEntry | None,
    largest_drop_percent: float,
) -> Iterator[dg.AssetCheckResult]:
    """The outcome of one sync.

    Args:
        asset: the object.
        result: what the sync did.
        columns: the table's columns now.
        before: the materialization before this one.
        largest_drop_percent: how much may vanish at once.
    """
    yield dg.AssetCheckResult(
        asset_key=asset,
        check_name=GRANTED,
        passed=result.refusal is None,
        severity=dg.AssetCheckSeverity.WARN,
        description=result.refusal.sentence if result.refusal else "SendGrid let the key read it.",
    )
    yield dg.AssetCheckResult(
        asset_key=asset,
        check_name=COMPLETE,
        passed=result.complete or not result.was_read,
        severity=dg.AssetCheckSeverity.WARN,
        description=" ".join(result.warnings) or f"{result.rows_read} rows.",
    )
    if result.object in MEMBERS:
        yield refreshed(asset, result)
    # Statistics are read in part each time: how much was read says nothing about how much there is.
    rows_before = result.rows_before if result.whole else None
    rows = result.rows_read if result.was_read else None
    yield volume(asset, rows, rows_before, largest_drop_percent)
    came, went = _difference(columns, before)
    changes = [*(f"{name} came" for name in came), *(f"{name} went" for name in went)]
    yield dg.AssetCheckResult(
        asset_key=asset,
        check_name=COLUMNS,
        passed=not changes,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(changes) or "No change.",
    )


def refreshed(asset: dg.AssetKey, result: SyncResult) -> dg.AssetCheckResult:
    """Whether every list or segment was read."""
    named = [
        f"{one.name} (since {one.since:%Y-%m-%d %H:%M} UTC)" if one.since else f"{one.name} (never)"
        for one in result.overdue[:MOST_NAMED]
    ]
    more = len(result.overdue) - len(named)
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=REFRESHED,
        passed=not result.overdue,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(result.overdue)} were not read, the longest unread first: {', '.join(named)}"
        f"{f' and {more} more' if more else ''}. `doctor` says how long all take, and what to set."
        if result.overdue
        else "All were read.",
        metadata={"waiting": len(result.overdue)},
    )


def volume(
    asset: dg.AssetKey, rows: int | None, rows_before: int | None, largest_drop_percent: float
) -> dg.AssetCheckResult:
    """Whether so many rows are plausible after so many; None where nothing was read."""
    if rows is None:
        return dg.AssetCheckResult(
            asset_key=asset, check_name=VOLUME, passed=True, description="It was not read."
        )
    gone = 100 * (rows_before - rows) / rows_before if rows_before else 0.0
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=VOLUME,
        passed=gone <= largest_drop_percent and not (rows_before and rows == 0),
        description=f"SendGrid gave {rows} rows, and {rows_before} the time before."
        if rows_before is not None
        else f"SendGrid gave {rows} rows.",
        metadata={"rows": rows, "percent gone": max(gone, 0.0)},
    )


def _difference(columns: dg.TableSchema, before: dg.EventLogEntry | None) -> tuple[list[str], list[str]]:
    schema = _metadata(before, "dagster/column_schema")
    if schema is None:
        return [], []
    now, then = {column.name for column in columns.columns}, {column.name for column in schema.columns}
    return sorted(now - then), sorted(then - now)


def _metadata(event: dg.EventLogEntry | None, name: str) -> Any:
    materialization = event.asset_materialization if event else None
    value = materialization.metadata.get(name) if materialization else None
    return value.value if value is not None else None
