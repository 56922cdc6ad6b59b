"""How often objects are fetched, and so how long members may take."""

from datetime import datetime, timedelta
from itertools import islice, pairwise

from dagster._utils.schedules import cron_string_iterator

from sendgrid_orchestration.settings import Schedules

MEMBERS = ("list_members", "segment_members")
"""The objects that are read by an export each, and may have a cadence of their own."""

LONGEST_BUDGET = timedelta(hours=16)
"""Dagster ends a run after a day (`max_runtime_seconds` in dagster.yaml)."""


def cron_of(schedules: Schedules, name: str) -> str:
    """When an object is fetched."""
    return schedules.members if schedules.members and name in MEMBERS else schedules.objects


def longest_interval(schedules: Schedules, name: str) -> timedelta:
    """The longest pause between two syncs of an object, weekends of an office-hours schedule included."""
    return max(_intervals(cron_of(schedules, name), schedules.timezone))


def members_budget(schedules: Schedules) -> timedelta:
    """How long members may take: two thirds of the shortest pause, so that a sync ends before the next is due."""
    shortest = min(_intervals(cron_of(schedules, MEMBERS[0]), schedules.timezone))
    return min(shortest * 2 / 3, LONGEST_BUDGET)


def _intervals(cron: str, timezone: str) -> list[timedelta]:
    start = datetime(2026, 1, 1).timestamp()
    ticks = islice(cron_string_iterator(start, cron, timezone), 100)
    return [later - earlier for earlier, later in pairwise(ticks)]
