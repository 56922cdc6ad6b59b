"""Who is in which list and segment, and who was: lists and segments take turns, each is committed on its own.

Nothing tells that the members of a list are still the same: its count stays when one leaves as another comes. So none is
skipped because it seems unchanged. Lists and segments share the time that a sync has; the one whose last turn is longest ago
comes first, and those that are not reached come first in the next sync.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

from psycopg import sql

from sendgrid_orchestration.sendgrid.errors import InvalidKeyError, NotAllowedError, SendGridError
from sendgrid_orchestration.sendgrid.exports import EXPORT_TIMEOUT_S
from sendgrid_orchestration.sync import member_turns
from sendgrid_orchestration.sync.context import Context, Overdue
from sendgrid_orchestration.sync.group_members import KINDS, Group, GroupKind, GroupRead, read_group
from sendgrid_orchestration.sync.mirror import believes_empty
from sendgrid_orchestration.warehouse.merge import Counts
from sendgrid_orchestration.warehouse.merge_members import MemberCounts, close_groups

MAX_CONCURRENT_EXPORTS = 2
"""SendGrid publishes no limit, and two are known to be fine."""

BUDGET_S = 2 * 3600.0
"""Seconds after which no further turn begins, unless the caller says otherwise."""

SHORTEST_TIMEOUT_S = 900.0
"""What SendGrid may take over an export that is asked for shortly before the time is up."""


def sync_alone(context: Context, name: str) -> Counts:
    """The members of all lists, or of all segments, with all the time for themselves."""
    (outcome,) = sync_together({name: context}, BUDGET_S).values()
    if isinstance(outcome, SendGridError):
        raise outcome
    return outcome


def sync_together(contexts: Mapping[str, Context], budget_s: float) -> dict[str, Counts | SendGridError]:
    """The members of lists and segments, taking turns.

    Args:
        contexts: of `list_members`, of `segment_members`, or of both; told what was odd, and what was not reached.
        budget_s: seconds after which no further turn begins.

    Returns:
        For each what was done, or why nothing was: what fails for lists keeps no segment from being read.

    Raises:
        InvalidKeyError: nothing can be read.
    """
    deadline = time.monotonic() + budget_s
    outcomes: dict[str, Counts | SendGridError] = {}
    works: list[_Work] = []
    for name, context in contexts.items():
        kind = KINDS[name, context.family]
        try:
            groups = kind.listed(context)
        except InvalidKeyError:
            raise
        except SendGridError as error:
            outcomes[name] = error
        else:
            works.append(_Work(context, kind, groups, listing_complete=context.reading.complete))
    _take_turns(works, deadline)
    return outcomes | {work.kind.table: work.end() for work in works}


@dataclass
class _Work:
    """All lists, or all segments, of one sync.

    Attributes:
        listing_complete: a group that is not listed is gone.
        done: the groups that were read.
        failures: why others were not, by their id.
        refusal: SendGrid does not let the key read members; the rest is left out.
    """

    context: Context
    kind: GroupKind
    groups: list[Group]
    listing_complete: bool
    total: MemberCounts = field(default_factory=MemberCounts)
    done: set[str] = field(default_factory=set)
    failures: dict[str, SendGridError] = field(default_factory=dict)
    refusal: NotAllowedError | None = None

    def take(self, group: Group, deadline: float) -> GroupRead | None:
        """One turn; None if the time is up. Called from several threads at once."""
        left = _time_left(deadline)
        if left <= 0 or self.refusal is not None:
            return None
        timeout = min(max(left, SHORTEST_TIMEOUT_S), EXPORT_TIMEOUT_S)
        try:
            with member_turns.timed(self.context, self.kind.table, group.id):
                return read_group(self.context, self.kind, group, timeout)
        except NotAllowedError as refusal:
            self.refusal = refusal
            raise

    def settle(self, group: Group, turn: Future[GroupRead | None]) -> None:
        """Take down what a turn came to."""
        try:
            read = turn.result()
        except InvalidKeyError:
            raise
        except NotAllowedError:
            return
        except SendGridError as error:
            self.failures[group.id] = error
            self.context.reading.doubt(
                f"The members of {self.kind.word} {group.id} stay as they were: {error}"
            )
            return
        if read is None:
            return
        for sentence in read.reading.notes:
            self.context.reading.note(f"{self.kind.word} {group.id}: {sentence}")
        self.context.reading.complete &= read.reading.complete
        self.done.add(group.id)
        self.total += read.counts
        self.context.progress(
            f"{self.kind.table}: {len(self.done)} of {len(self.groups)} {self.kind.word}s read."
        )

    def end(self) -> Counts | SendGridError:
        """Close what is gone, and say what was done."""
        if self.refusal is not None:
            return self.refusal
        unread = [group for group in self.groups if group.id not in self.done]
        if self.failures and len(self.failures) == len(self.groups):
            return next(iter(self.failures.values()))
        self._tell(unread)
        if self.listing_complete and (self.groups or self._believes_there_are_none()):
            living = [group.id for group in self.groups]
            gone = close_groups(
                self.context.conn, self.context.raw, self.kind.table, living, self.context.now
            )
            member_turns.forget_others(self.context, self.kind.table, living)
            self.total += MemberCounts(left=gone)
        return Counts(
            rows=self.total.members,
            inserted=self.total.joined,
            unchanged=self.total.members - self.total.joined,
            deleted=self.total.left,
        )

    def _tell(self, unread: Sequence[Group]) -> None:
        self.context.facts.update(
            {
                "groups": len(self.groups),
                "groups_read": len(self.done),
                "groups_failed": len(self.failures),
                "groups_not_reached": len(unread) - len(self.failures),
            }
        )
        if not unread:
            return
        last_read = member_turns.last_reads(self.context, self.kind.table)
        self.context.overdue.extend(
            sorted(
                (Overdue(group.id, group.name, last_read.get(group.id)) for group in unread),
                key=lambda one: (one.since is not None, one.since, one.name),
            )
        )
        if left := len(unread) - len(self.failures):
            self.context.reading.doubt(
                f"{left} of {len(self.groups)} {self.kind.word}s were not reached in the time that memberships have; "
                "the next sync begins with them."
            )

    def _believes_there_are_none(self) -> bool:
        present = sql.SQL("select count(*) from {} where valid_to is null")
        table = sql.Identifier(self.context.raw, self.kind.table)
        return believes_empty(self.context, self.kind.table, present.format(table))


def _take_turns(works: Sequence[_Work], deadline: float) -> None:
    """Every group of all, the one whose last turn is longest ago first."""
    turns: list[tuple[float, _Work, Group]] = []
    for work in works:
        last = member_turns.last_turns(work.context, work.kind.table)
        turns += [
            (last[group.id].timestamp() if group.id in last else 0.0, work, group) for group in work.groups
        ]
    turns.sort(key=lambda turn: turn[0])
    with ThreadPoolExecutor(MAX_CONCURRENT_EXPORTS, thread_name_prefix="members") as pool:
        running = {pool.submit(work.take, group, deadline): (work, group) for _, work, group in turns}
        for future in as_completed(running):
            work, group = running[future]
            try:
                work.settle(group, future)
            except InvalidKeyError:
                pool.shutdown(cancel_futures=True)
                raise


def _time_left(deadline: float) -> float:
    return deadline - time.monotonic()
