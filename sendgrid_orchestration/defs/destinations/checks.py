"""What must hold after every delivery. Evaluated by the run itself: a second process would cost more than it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from sendgrid_orchestration.destinations.deliverer import Delivery
from sendgrid_orchestration.destinations.ledger import Ledger

ADDS_UP = "every_event_is_accounted_for"
REJECTED = "nothing_rejected"
UNKNOWN = "nothing_waits_for_a_person"

LATELY = timedelta(days=1)


def check_specs(asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of one destination."""
    return [
        dg.AssetCheckSpec(
            ADDS_UP,
            asset=asset,
            description="Every event of the loads that were handed over is in a batch: skipped, set apart with a reason, "
            "accepted, or of an outcome that is known to be open.",
        ),
        dg.AssetCheckSpec(
            REJECTED,
            asset=asset,
            description="No event of the last day was refused, or set apart as invalid.",
        ),
        dg.AssetCheckSpec(
            UNKNOWN,
            asset=asset,
            description="No delivery is unclear for longer than the destination recognises ids.",
        ),
    ]


def check_results(asset: dg.AssetKey, ledger: Ledger, done: Delivery) -> Iterator[dg.AssetCheckResult]:
    """The outcome of one run."""
    in_batches, loaded = ledger.handed_over()
    counts = ledger.counts()
    yield dg.AssetCheckResult(
        asset_key=asset,
        check_name=ADDS_UP,
        passed=in_batches == loaded,
        description=f"{in_batches} events are in batches; the loads brought {loaded}.",
        metadata={
            "in batches": in_batches,
            "loaded": loaded,
            "skipped": counts.skipped,
            "accepted": counts.accepted,
            "rejected": counts.rejected,
            "invalid": counts.invalid,
            "unknown": counts.unknown,
            "not sent": counts.unsent,
        },
    )
    reasons = ledger.listed(["rejected", "invalid"], LATELY)
    yield dg.AssetCheckResult(
        asset_key=asset,
        check_name=REJECTED,
        passed=not reasons,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{sum(reasons.values())} event(s) of the last day; `destinations rejected` lists them."
        if reasons
        else "None.",
        metadata=dict(reasons),
    )
    yield dg.AssetCheckResult(
        asset_key=asset,
        check_name=UNKNOWN,
        passed=done.waits_for_a_person == 0,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{done.waits_for_a_person} event(s) were sent without an answer and may double if they are sent again: "
        "`destinations resend --unknown` does that."
        if done.waits_for_a_person
        else "None.",
    )
