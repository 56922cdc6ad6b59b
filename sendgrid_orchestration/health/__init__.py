"""Whether everything that brings email data in is alive and on time: one sentence for each thing, and what to do.

For: the receiver, events that stop arriving, files that wait for the loader, marts that fall behind, syncs that are late.
Dagster shows each finding as an asset check, `doctor` prints it, and the alerts send it.

Promises: a fault is found within `checks.longest_delay_minutes`; reading changes nothing.

Never: starts or repairs anything, or imports Dagster.
"""

from sendgrid_orchestration.health.findings import CHECKS, Finding, source_findings

__all__ = ["CHECKS", "Finding", "source_findings"]
