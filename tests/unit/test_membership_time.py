"""How long members may take, and what is advised where that is not enough."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sendgrid_orchestration.cli.membership_time import CADENCES, advice
from sendgrid_orchestration.defs.objects.cadence import longest_interval, members_budget
from sendgrid_orchestration.settings import Schedules
from sendgrid_orchestration.sync.member_turns import Estimate

HOUR = 3600.0
BUDGETS = {cron: members_budget(Schedules(members=cron)).total_seconds() for cron in CADENCES}


@pytest.mark.parametrize(
    ("schedules", "hours"),
    [
        ({}, 2),
        ({"members": "0 1 * * *"}, 16),
        ({"members": "0 */6 * * *"}, 4),
        ({"objects": "0 8-18/2 * * 1-5"}, 4 / 3),
        ({"members": "0 1 * * 0"}, 16),
    ],
)
def test_members_have_two_thirds_of_the_pause_between_two_syncs(
    schedules: dict[str, str], hours: float
) -> None:
    assert members_budget(Schedules(**schedules)) == timedelta(hours=hours)


def test_only_members_have_a_cadence_of_their_own() -> None:
    schedules = Schedules(members="0 1 * * *")
    assert longest_interval(schedules, "list_members") == timedelta(days=1)
    assert longest_interval(schedules, "lists") == timedelta(hours=3)


@pytest.mark.parametrize(
    ("lists", "segments", "status", "finding", "remedy"),
    [
        (1, 2, "ok", "take about 1.5 hours to read; a sync has 2.0 hours", ""),
        (
            4,
            3,
            "warn",
            "3.5 hours to read; a sync has 2.0 hours for them. Each is read once in 2 syncs",
            "0 */6 * * *",
        ),
        (8, 8, "warn", "once in 4 syncs", "0 */12 * * *"),
        (20, 10, "warn", "once in 8 syncs", "0 1 * * *"),
        (30, 10, "warn", "once in 10 syncs", "add segment_members to skip_objects"),
        (40, 1, "warn", "once in 11 syncs", "delete lists and segments"),
    ],
)
def test_what_does_not_fit_is_advised_a_cadence_that_does(
    lists: float, segments: float, status: str, finding: str, remedy: str
) -> None:
    """Two exports at once: eight hours one after the other are four."""
    wanted = {"list_members": Estimate(300, lists * HOUR), "segment_members": Estimate(20, segments * HOUR)}
    check = advice("marketing", wanted, 2 * HOUR, BUDGETS)
    assert (check.status, check.subject) == (status, "marketing")
    assert "300 lists and 20 segments" in check.finding
    assert finding in check.finding
    assert remedy in check.remedy
    assert ("schedules.members" in check.remedy) == (status == "warn")


def test_lists_alone_that_do_not_fit_are_not_advised_to_go() -> None:
    check = advice("marketing", {"list_members": Estimate(900, 40 * HOUR)}, 2 * HOUR, BUDGETS)
    assert "skip_objects" not in check.remedy
    assert "delete lists" in check.remedy
