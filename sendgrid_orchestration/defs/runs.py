"""One run of a job at a time, and patience after failures: what every sensor here asks before it requests a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterInstance, DagsterRunStatus, RunRecord, RunsFilter

UNFINISHED = (
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
)
WAITING_OR_AT_WORK = tuple(status for status in UNFINISHED if status != DagsterRunStatus.NOT_STARTED)
"""A run that was never submitted is neither, and stays that for ever."""

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=5)
_RECORDS = 12


@dataclass(frozen=True)
class Recent:
    """The latest runs of a job, newest first."""

    records: tuple[RunRecord, ...]

    @classmethod
    def of(cls, instance: DagsterInstance, job: str) -> Recent:
        """Ask Dagster for them: one query."""
        return cls(tuple(instance.get_run_records(RunsFilter(job_name=job), limit=_RECORDS)))

    @property
    def attempt(self) -> str:
        """Tells this attempt from all before it: a run key is deduplicated for ever, and a failed run must not be."""
        return self.records[0].dagster_run.run_id[:8] if self.records else "first"

    @property
    def is_unfinished(self) -> bool:
        """Whether the newest run is queued or at work."""
        return bool(self.records) and self.records[0].dagster_run.status in UNFINISHED

    def reason_to_wait(
        self,
        now: datetime | None = None,
        *,
        relieved_after: timedelta | None = None,
        longest_rest: timedelta = timedelta(0),
    ) -> str | None:
        """Why no other run should be requested now, as a sentence; None if one may be.

        Args:
            now: the time; by default what the clock says.
            relieved_after: how long a run may have been at work before another is requested beside it; by default
                none ever is.
            longest_rest: after a run, the next one waits as long as that run took, from its request to its end, but no
                longer than this: short runs then fill at most half of the time.
        """
        if not self.records:
            return None
        now = now or datetime.now(UTC)
        newest = self.records[0].dagster_run
        if self.is_unfinished:
            began = self.records[0].start_time
            if relieved_after and began and now - datetime.fromtimestamp(began, UTC) >= relieved_after:
                return None
            return f"Run {newest.run_id[:8]} is {newest.status.value.lower()} and takes them."
        failures = self._failures_in_a_row()
        if failures == 0:
            rested_at = self._ended_at() + min(self._took(), longest_rest)
            if now < rested_at:
                return f"The last run took {self._took().total_seconds():.0f} s; the next is due at {rested_at:%H:%M:%S} UTC."
            return None
        again_at = self._ended_at() + min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE)
        if now >= again_at:
            return None
        return f"The last {failures} run(s) failed; the next attempt is at {again_at:%H:%M:%S} UTC."

    def last_success_with(self, tag: str) -> dg.DagsterRun | None:
        """The newest successful run that carries this tag."""
        for record in self.records:
            if record.dagster_run.is_success and tag in record.dagster_run.tags:
                return record.dagster_run
        return None

    def _failures_in_a_row(self) -> int:
        count = 0
        for record in self.records:
            if record.dagster_run.status != DagsterRunStatus.FAILURE:
                break
            count += 1
        return count

    def _took(self) -> timedelta:
        """From its request to its end: Dagster shows the asset as being materialized for all of it."""
        return self._ended_at() - self.records[0].create_timestamp

    def _ended_at(self) -> datetime:
        record = self.records[0]
        ended = record.end_time or record.update_timestamp.timestamp()
        return datetime.fromtimestamp(ended, UTC)


def under_way(instance: DagsterInstance, job: str) -> dg.DagsterRun | None:
    """The run of a job that is queued or at work, the oldest if there are several."""
    filters = RunsFilter(job_name=job, statuses=list(WAITING_OR_AT_WORK))
    found = instance.get_run_records(filters, limit=1, ascending=True)
    return found[0].dagster_run if found else None


def reasons(events: Iterable[dg.DagsterEvent]) -> list[str]:
    """Why steps failed: the innermost sentence of each, for ours say what to do and Dagster's wrap them."""
    found = []
    for event in events:
        error = getattr(event.event_specific_data, "error", None) if event.is_step_failure else None
        if error is not None:
            while error.cause is not None:
                error = error.cause
            found.append(f"{event.step_key}: {error.message.strip()}")
    return found
