"""Runs the sync of one object, or of all members: one at a time, written down, and nothing half done."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from psycopg import Connection
from psycopg.errors import LockNotAvailable

from sendgrid_orchestration.sendgrid import family
from sendgrid_orchestration.sendgrid.client import SendGridClient
from sendgrid_orchestration.sendgrid.errors import MissingScopeError, NotAllowedError, SendGridError
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.sync import ledger, members
from sendgrid_orchestration.sync.context import Context, Progress
from sendgrid_orchestration.sync.errors import NotOfferedError, SyncRunningError
from sendgrid_orchestration.sync.objects import OBJECTS, ObjectSpec
from sendgrid_orchestration.sync.result import Refusal, SyncResult
from sendgrid_orchestration.warehouse.engine import open_connection
from sendgrid_orchestration.warehouse.merge import Counts

logger = logging.getLogger(__name__)


def sync_object(
    client: SendGridClient,
    url: str,
    source: Source,
    name: str,
    *,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> SyncResult:
    """Mirror one object of one source.

    Args:
        client: of that source.
        url: the warehouse.
        source: whose object; its tables exist (`migrate`).
        name: one of `OBJECTS`.
        now: the moment that rows are marked with; the present by default.
        progress: told, in sentences, how far it is; logged by default.

    Returns:
        What was done. An object that the key may not read, or that the account does not have, is no error.

    Raises:
        SendGridError: it could not be read. The tables are as they were, and the ledger has the reason.
        SyncRunningError: another process is at it.
    """
    with closing(_Session.open(client, url, source, name, now=now, progress=progress)) as session:
        try:
            outcome = _run(session.context, session.spec, source)
        except BaseException as error:
            session.fail(error)
            raise
        return session.finish(outcome)


def sync_members(
    client: SendGridClient,
    url: str,
    source: Source,
    names: Sequence[str],
    *,
    budget_s: float = members.BUDGET_S,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> dict[str, SyncResult | SendGridError]:
    """Mirror who is in which list and who is in which segment, in one go: they share the time and take turns.

    Args:
        client: of that source.
        url: the warehouse.
        source: whose lists and segments; its tables exist (`migrate`).
        names: `list_members`, `segment_members`, or both.
        budget_s: seconds after which no further list or segment is begun.
        now: the moment that rows are marked with; the present by default.
        progress: told, in sentences, how far it is; logged by default.

    Returns:
        For each what was done, or why it could not be read.

    Raises:
        InvalidKeyError: SendGrid does not know the key.
        SyncRunningError: another process is at one of them.
    """
    with ExitStack() as stack:
        sessions: dict[str, _Session] = {}
        try:
            for name in names:
                session = _Session.open(client, url, source, name, now=now, progress=progress)
                sessions[name] = stack.enter_context(closing(session))
            absences = {
                name: _family_of(session.context, session.spec, source) for name, session in sessions.items()
            }
            present = {name: session.context for name, session in sessions.items() if absences[name] is None}
            outcomes = members.sync_together(present, budget_s)
        except BaseException as error:
            for session in sessions.values():
                session.fail(error)
            raise
        return {name: session.end(absences[name] or outcomes[name]) for name, session in sessions.items()}


_Absence = NotOfferedError | MissingScopeError
"""Why there is nothing to read, although nothing is wrong."""


@dataclass
class _Session:
    """One sync of one object: its lock, its line in the ledger, its context."""

    spec: ObjectSpec
    context: Context
    sync_id: int
    began: float
    rows_before: int | None

    @classmethod
    def open(
        cls,
        client: SendGridClient,
        url: str,
        source: Source,
        name: str,
        *,
        now: datetime | None,
        progress: Progress | None,
    ) -> Self:
        began = time.monotonic()
        moment = now or datetime.now(UTC)
        conn = open_connection(url, autocommit=True)
        try:
            _claim(conn, source, name)
            rows_before = ledger.rows_of_last(conn, source.raw_schema, name)
            sync_id = ledger.begin(conn, source.raw_schema, name, moment)
        except BaseException:
            conn.close()
            raise
        context = Context(
            client,
            conn,
            url,
            source.raw_schema,
            "none",
            moment,
            progress or logger.info,
            stats_since=source.stats_since,
        )
        return cls(OBJECTS[name], context, sync_id, began, rows_before)

    def close(self) -> None:
        """Give the lock back."""
        self.context.conn.close()

    def fail(self, error: BaseException) -> None:
        """Write down why it could not be made."""
        ledger.fail(self.context.conn, self.context.raw, self.sync_id, error, self.context.reading.notes)

    def finish(self, outcome: Counts | _Absence) -> SyncResult:
        """Write down what it did."""
        context = self.context
        result = replace(
            _result(context, self.spec, outcome, time.monotonic() - self.began), rows_before=self.rows_before
        )
        ledger.finish(
            context.conn, context.raw, self.sync_id, result, context.read_from if result.was_read else None
        )
        for sentence in result.warnings:
            context.progress(f"{self.spec.name}: {sentence}")
        return result

    def end(self, outcome: Counts | _Absence | SendGridError) -> SyncResult | SendGridError:
        """Write down what it did, or why it could not be made."""
        if isinstance(outcome, NotAllowedError):
            try:
                outcome = family.missing_scope(self.context.client, self.context.family, outcome)
            except SendGridError as error:
                outcome = error
        if isinstance(outcome, (Counts, NotOfferedError, MissingScopeError)):
            return self.finish(outcome)
        self.fail(outcome)
        return outcome


def _claim(conn: Connection[Any], source: Source, name: str) -> None:
    """Take the object's lock, which the connection holds to its end.

    Postgres gives back the lock of a run that has just ended, or was killed, only when it has cleaned up after its
    connection. That takes it moments, during which the lock is no sign of another run; so they are waited for.
    """
    try:
        with conn.transaction():
            conn.execute("set local lock_timeout = '2s'")
            conn.execute(
                "select pg_advisory_lock(hashtextextended(%s, 0))", [f"sync {source.raw_schema}.{name}"]
            )
    except LockNotAvailable as error:
        raise SyncRunningError(
            f'{name} of source "{source.name}" is being synced by another run. Wait for it to end, or end it.'
        ) from error


def _run(context: Context, spec: ObjectSpec, source: Source) -> Counts | _Absence:
    """What the sync did, or why there was nothing to do."""
    absence = _family_of(context, spec, source)
    if absence is not None:
        return absence
    try:
        return spec.syncs[context.family](context)
    except NotOfferedError as found:
        return found
    except NotAllowedError as refusal:
        return family.missing_scope(context.client, context.family, refusal)


def _family_of(context: Context, spec: ObjectSpec, source: Source) -> _Absence | None:
    """Put the account's family into the context; or say why it does not have the object, as far as that is known."""
    try:
        if spec.marketing:
            context.family = family.detect(context.client, source.marketing)
    except MissingScopeError as refusal:
        return refusal
    why = spec.why_missing(context.family, source.region)
    return NotOfferedError(why) if why else None


def _result(
    context: Context,
    spec: ObjectSpec,
    outcome: Counts | _Absence,
    duration: float,
) -> SyncResult:
    counts = outcome if isinstance(outcome, Counts) else Counts()
    refusal = None
    if isinstance(outcome, MissingScopeError):
        refusal = Refusal(str(outcome), outcome.permission, outcome.scope)
    if isinstance(outcome, Exception):
        context.reading.doubt(str(outcome))
    if counts.duplicates:
        context.reading.note(f"{counts.duplicates} rows came twice; the last of each was kept.")
    return SyncResult(
        object=spec.name,
        rows_read=counts.rows,
        inserted=counts.inserted,
        updated=counts.updated,
        unchanged=counts.unchanged,
        deleted=counts.deleted,
        complete=context.reading.complete,
        family=context.family if spec.marketing else None,
        warnings=tuple(context.reading.notes),
        duration=duration,
        offered=not isinstance(outcome, NotOfferedError),
        refusal=refusal,
        whole=spec.whole and not context.overdue,
        overdue=tuple(context.overdue),
        facts=context.facts,
    )
