"""What must hold after every run of a forward. Evaluated by the run itself: a second process would cost more than it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from sendgrid_orchestration.destinations.forward_ledger import ForwardLedger

REJECTED = "nothing_rejected"
LOST = "nothing_lost"

LATELY = timedelta(days=1)


def check_specs(asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of one forward."""
    return [
        dg.AssetCheckSpec(
            REJECTED, asset=asset, description="The other side refused no post of the last day for good."
        ),
        dg.AssetCheckSpec(
            LOST,
            asset=asset,
            description="Every post of the last day could be read when its turn came: none was deleted or damaged before.",
        ),
    ]


def check_results(asset: dg.AssetKey, ledger: ForwardLedger) -> Iterator[dg.AssetCheckResult]:
    """The outcome of one run."""
    for check, state, severity in (
        (REJECTED, "rejected", dg.AssetCheckSeverity.WARN),
        (LOST, "lost", dg.AssetCheckSeverity.ERROR),
    ):
        reasons = ledger.listed(state, LATELY)
        yield dg.AssetCheckResult(
            asset_key=asset,
            check_name=check,
            passed=not reasons,
            severity=severity,
            description=f"{sum(reasons.values())} post(s) of the last day; `forward rejected` lists them, and `forward resend` sends "
            "them once more."
            if reasons
            else "None.",
            metadata=dict(reasons),
        )
