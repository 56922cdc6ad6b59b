"""What must hold after every load. Evaluated by the load itself: a second process would cost more than the load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from sendgrid_orchestration.defs.events.tally import Tally
from sendgrid_orchestration.load.ledger import Damaged

ADDS_UP = "ledger_adds_up"
QUARANTINE = "little_in_quarantine"
WHOLE = "no_damaged_files"
LOADED = "no_files_set_aside"


MOST_NAMED = 3
"""Files whose sentences the check's own description holds; its metadata have twenty."""


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
        dg.AssetCheckSpec(
            LOADED,
            asset=asset,
            description="No load failed over a landed file for a reason that this version does not know; after the second try "
            "such a file is set aside.",
        ),
    ]


def check_results(
    asset: dg.AssetKey,
    tally: Tally,
    damaged: Sequence[Damaged],
    failed: Mapping[str, str],
    largest_quarantine_percent: float,
) -> Iterator[dg.AssetCheckResult]:
    """The outcome of one run.

    Args:
        asset: the events table.
        tally: what the run brought.
        damaged: the landed files that cannot be read.
        failed: the files over which a load stumbled, by name; a sentence for each.
        largest_quarantine_percent: how many of the items may be in quarantine.
    """
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
    yield dg.AssetCheckResult(
        asset_key=asset,
        check_name=LOADED,
        passed=not failed,
        description=" ".join([*list(failed.values())[:MOST_NAMED], *_and_others(len(failed))])
        if failed
        else "Every file could be loaded.",
        metadata=dict(list(failed.items())[:20]),
    )


def _and_others(number: int) -> list[str]:
    return [f"And {number - MOST_NAMED} others."] if number > MOST_NAMED else []
