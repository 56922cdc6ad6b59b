"""Days, as Dagster partitions them: by receipt for raw events, by what happened when for marts. Always UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def daily(first_day: date) -> dg.DailyPartitionsDefinition:
    """Every day since the first, today included: posts of today are loaded today."""
    return dg.DailyPartitionsDefinition(start_date=f"{first_day}", timezone="UTC", end_offset=1)


def range_tags(first: date, last: date) -> dict[str, str]:
    """The tags of one run over a range of days, both included."""
    return {RANGE_START: f"{first}", RANGE_END: f"{last}"}


def days_of(context: dg.AssetExecutionContext) -> tuple[date, date] | None:
    """The days that a run is for, both included; None where it was started without any."""
    if not (context.has_partition_key or context.has_partition_key_range):
        return None
    window = context.partition_time_window
    return window.start.date(), window.end.date() - timedelta(days=1)


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day of a range, both ends included."""
    for count in range((last - first).days + 1):
        yield first + timedelta(days=count)
