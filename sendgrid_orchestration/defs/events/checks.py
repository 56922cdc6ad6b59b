"""What must hold after every load. Evaluated by the load itself: a second process would cost more than the load."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from sendgrid_orchestration.defs.events.tally import Tally

ADDS_UP = "ledger_adds_up"
QUARANTINE = "little_in_quarantine"


def check_specs(asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of the events table."""
    return [
        dg.AssetCheckSpec(
            ADDS_UP,
            asset=asset,
            description="Every item that was read was inserted, known already, or put into quarantine.",
        ),
        dg.AssetCheckSpec(
            QUARANTINE, asset=asset, description="Nearly everything that SendGrid posted could be understood."
        ),
    ]


def check_results(
    asset: dg.AssetKey, tally: Tally, largest_quarantine_percent: float
) -> Iterator[dg.AssetCheckResult]:
    """The outcome of one run."""
    explained = tally.inserted + tally.duplicate + tally.quarantined
    yield dg.AssetCheckResult(
        asset_key=asset,
        check_name=ADDS_UP,
        passed=explained == tally.events_read,
        description=f"Read {tally.events_read}, explained {explained}.",
        metadata={"read": tally.events_read, "explained": explained},
    )
    percent = 100 * tally.quarantined / max(tally.events_read, 1)
    yield dg.AssetCheckResult(
        asset_key=asset,
        check_name=QUARANTINE,
        passed=percent <= largest_quarantine_percent,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{tally.quarantined} of {tally.events_read} items are in quarantine; `quarantine list` shows why.",
        metadata={"quarantined": tally.quarantined, "percent": percent},
    )
