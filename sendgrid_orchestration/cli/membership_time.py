"""What `doctor` says of memberships: how long all of them take to read, and what to set where a sync has no time for that."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from sendgrid_orchestration.doctor import Check
from sendgrid_orchestration.settings import Settings
from sendgrid_orchestration.sync.member_turns import Estimate, estimates
from sendgrid_orchestration.sync.members import MAX_CONCURRENT_EXPORTS
from sendgrid_orchestration.warehouse.engine import connect, resolve_urls
from sendgrid_orchestration.warehouse.errors import EmbeddedPostgresError, WarehouseUnreachableError

CADENCES = ("0 */6 * * *", "0 */12 * * *", "0 1 * * *")
"""What is advised, the most frequent first."""


def memberships(settings: Settings) -> Iterator[Check]:
    """Whether a sync has time to read who is in which list and segment, by how long that took last."""
    from sendgrid_orchestration.defs.objects.cadence import (  # Dagster takes seconds to import
        MEMBERS,
        members_budget,
    )

    try:
        with connect(resolve_urls(settings).warehouse.get_secret_value()) as conn:
            found = {source.name: estimates(conn, source.raw_schema) for source in settings.sources}
    except (WarehouseUnreachableError, EmbeddedPostgresError):
        return  # the check of the warehouse says so
    budget = members_budget(settings.schedules).total_seconds()
    budgets = {
        cron: members_budget(settings.schedules.model_copy(update={"members": cron})).total_seconds()
        for cron in CADENCES
    }
    for source in settings.sources:
        wanted = {
            name: estimate
            for name, estimate in found[source.name].items()
            if name in MEMBERS and name not in source.skip_objects
        }
        if wanted:
            yield advice(source.name, wanted, budget, budgets)


def advice(source: str, wanted: Mapping[str, Estimate], budget: float, budgets: Mapping[str, float]) -> Check:
    """The finding for one source.

    Args:
        source: its name.
        wanted: how long the members of its lists and of its segments take.
        budget: seconds that a sync has for them.
        budgets: the same under other cadences, the most frequent first.
    """
    needed = _seconds(wanted.values())
    groups = " and ".join(
        f"{estimate.groups} {name.removesuffix('_members')}s" for name, estimate in sorted(wanted.items())
    )
    finding = f"The members of {groups} take about {_duration(needed)} to read; a sync has {_duration(budget)} for them."
    if needed <= budget:
        return Check("members", source, "ok", finding)
    syncs = math.ceil(needed / budget)
    return Check(
        "members",
        source,
        "warn",
        f"{finding} Each is read once in {syncs} syncs, the longest unread first.",
        _remedy(wanted, needed, budgets),
    )


def _remedy(wanted: Mapping[str, Estimate], needed: float, budgets: Mapping[str, float]) -> str:
    for cron, budget in budgets.items():
        if needed <= budget:
            return f'Set `schedules.members: "{cron}"`, which leaves time for all of them.'
    seldom, longest = list(budgets.items())[-1]
    lists = {name: estimate for name, estimate in wanted.items() if name == "list_members"}
    if lists != dict(wanted) and _seconds(lists.values()) <= longest:
        return f'Set `schedules.members: "{seldom}"` and add segment_members to skip_objects: the lists alone fit.'
    return (
        f'Set `schedules.members: "{seldom}"`, and delete lists and segments in SendGrid that nobody needs.'
    )


def _seconds(found: Iterable[Estimate]) -> float:
    return sum(estimate.seconds for estimate in found) / MAX_CONCURRENT_EXPORTS


def _duration(seconds: float) -> str:
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} hours"
    return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
