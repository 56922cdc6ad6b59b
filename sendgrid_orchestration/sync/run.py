"""Runs the sync of one object: one at a time, written down, and nothing half done."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection
from psycopg.errors import LockNotAvailable

from sendgrid_orchestration.sendgrid import family
from sendgrid_orchestration.sendgrid.client import SendGridClient
from sendgrid_orchestration.sendgrid.errors import MissingScopeError, NotAllowedError
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.sync import ledger
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
    spec = OBJECTS[name]
    began = time.monotonic()
    moment = now or datetime.now(UTC)
    with closing(open_connection(url, autocommit=True)) as conn:
        _claim(conn, source, name)
        rows_before = ledger.rows_of_last(conn, source.raw_schema, name)
        sync_id = ledger.begin(conn, source.raw_schema, name, moment)
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
        try:
            outcome = _run(context, spec, source)
        except BaseException as error:
            ledger.fail(conn, source.raw_schema, sync_id, error, context.reading.notes)
            raise
        result = replace(_result(context, spec, outcome, time.monotonic() - began), rows_before=rows_before)
        ledger.finish(
            conn, source.raw_schema, sync_id, result, context.read_from if result.was_read else None
        )
    for sentence in result.warnings:
        context.progress(f"{name}: {sentence}")
    return result


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


def _run(context: Context, spec: ObjectSpec, source: Source) -> Counts | NotOfferedError | MissingScopeError:
    """What the sync did, or why there was nothing to do."""
    try:
        if spec.marketing:
            context.family = family.detect(context.client, source.marketing)
        if why := spec.why_missing(context.family, source.region):
            return NotOfferedError(why)
        return spec.syncs[context.family](context)
    except NotOfferedError as absence:
        return absence
    except NotAllowedError as refusal:
        return family.missing_scope(context.client, context.family, refusal)


def _result(
    context: Context,
    spec: ObjectSpec,
    outcome: Counts | NotOfferedError | MissingScopeError,
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
        whole=spec.whole,
        facts=context.facts,
    )
