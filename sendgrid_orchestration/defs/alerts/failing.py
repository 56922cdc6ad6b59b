"""What is failing at the moment, kept in a sensor's cursor so that only news is told."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from dagster import AssetCheckEvaluation, DagsterEventType, EventLogRecord
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange

WATCHED = (DagsterEventType.ASSET_CHECK_EVALUATION, DagsterEventType.FRESHNESS_STATE_CHANGE)


@dataclass(frozen=True)
class Failing:
    """The checks and assets that fail, and the last event that this takes into account."""

    last_event: int | None
    names: frozenset[str] = frozenset()

    @classmethod
    def from_cursor(cls, cursor: str | None) -> Failing:
        """Read what `to_cursor` wrote; without a cursor nothing is known yet."""
        if not cursor:
            return cls(None)
        kept = json.loads(cursor)
        return cls(kept["last_event"], frozenset(kept["failing"]))

    def to_cursor(self) -> str:
        """As text."""
        return json.dumps({"last_event": self.last_event, "failing": sorted(self.names)})

    def after(self, records: Iterable[EventLogRecord]) -> tuple[Failing, list[str]]:
        """Take further events into account.

        Returns:
            What fails now, and a sentence for each thing that did not fail before.
        """
        last, names, news = self.last_event or 0, set(self.names), []
        for record in records:
            last = max(last, record.storage_id)
            name, problem = _outcome(record)
            if problem is None:
                names.discard(name)
            elif name not in names:
                names.add(name)
                news.append(problem)
        return Failing(last, frozenset(names)), news


def _outcome(record: EventLogRecord) -> tuple[str, str | None]:
    """What the event is about, and what is wrong with it, if anything is."""
    event = record.event_log_entry.dagster_event
    data = event.event_specific_data if event else None
    if isinstance(data, AssetCheckEvaluation):
        asset = data.asset_key.to_user_string()
        name = f"{asset}: {data.check_name}"
        detail = f" ({data.description})" if data.description else ""
        return name, None if data.passed else f"{asset}: the check {data.check_name} failed{detail}."
    if isinstance(data, FreshnessStateChange):
        asset = data.key.to_user_string()
        overdue = data.new_state == FreshnessState.FAIL
        return (
            f"{asset} is overdue",
            f"{asset} is overdue: it was not refreshed in time." if overdue else None,
        )
    return "", None
