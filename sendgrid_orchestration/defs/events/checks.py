"""What must hold after every load. Evaluated by the load itself: a second process would cost more than the load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import dagster as dg

from sendgrid_orchestration.defs.events.tally import Tally
from sendgrid_orchestration.load.ledger import Damaged

ADDS_UP = "ledger_adds_up"
QUARANTINE = "little_in_quarantine"
WHOLE = "no_damaged_files"


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
        dg.AssetCheckSpec(WHOLE, asset=asset, description="Every landed file could be read to its end."),
    ]


def check_results(
    asset: dg.AssetKey, tally: Tally, damaged: Sequence[Damaged], largest_quarantine_percent: float
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
    yield dg.AssetCheckResult(
        asset_key=asset,
        check_name=WHOLE,
        passed=not damaged,
        description=f"{len(damaged)} landed file(s) wait, damaged, for a person: docs/operate-receiver.md says what to do."
        if damaged
        else "None is damaged.",
        metadata={file.file_name: file.problem for file in damaged[:20]},
    )
