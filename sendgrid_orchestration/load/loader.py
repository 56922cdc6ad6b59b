"""Loads what waits: bounded, oldest first, in transactions small enough to be seen soon and repeated cheaply."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

import psycopg

from sendgrid_orchestration.landing.errors import LandingError, LandingUnreachable
from sendgrid_orchestration.landing.store import LandedFile, LandingStore
from sendgrid_orchestration.load import ledger
from sendgrid_orchestration.load.rekeying import ensure_current
from sendgrid_orchestration.load.run import LoadResult, Progress, Reporter, Run, connection, parts
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.migrations import migrate

__all__ = ["LoadResult", "Progress", "load_waiting"]

logger = logging.getLogger(__name__)

RUN_FILES = 20_000
RUN_BYTES = 4 * 1024 * 1024 * 1024
"""What one call takes unless it is told otherwise: some minutes, after which others get their turn."""


def load_waiting(
    conn_url: str,
    store: LandingStore,
    source: Source,
    *,
    run_id: str | None = None,
    max_files: int = RUN_FILES,
    max_bytes: int = RUN_BYTES,
    retry_damaged: bool = False,
    retry_set_aside: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> LoadResult:
    """Load the landed files of a source that wait, then move them to the archive.

    Receivers on the same landing seal what they have open first, so every post acknowledged before is taken, unless the
    landing is on an object store.

    Calls for one source take turns, transaction by transaction; calls for different sources run side by side. It may be
    stopped at any point: what was committed stays, and the next call goes on from there.

    Args:
        conn_url: the warehouse.
        store: the landing.
        source: whose posts.
        run_id: who asks, for the ledger.
        max_files: take no more files than this.
        max_bytes: take no more bytes than this, but at least one file.
        retry_damaged: try damaged files again although nobody has replaced them: a disk may have been repaired.
        retry_set_aside: try the files too that were set aside.
        progress: called after each batch of rows.

    Raises:
        LoadInterruptedError: Postgres went away, or the landing gives nothing out; the next call repeats the transaction.
        LoadFailedError: file after file failed.
        KeyVersionError: a newer version of this program made the keys of the events.
        WarehouseUnreachableError: Postgres cannot be reached.
    """
    with connection(conn_url, source) as conn:
        migrate(conn, source)
        ensure_current(conn, source.raw_schema)
        if retry_set_aside:
            ledger.release_set_aside(conn, source.raw_schema)
        store.request_seal(source.name)
        waiting = ledger.waiting(conn, store, source, retry_damaged=retry_damaged)
        failed_before = {file.file_name for file in ledger.failed(conn, source.raw_schema)}
        conn.commit()
        _finish_what_was_interrupted(conn, store, source)
        chosen = _within(waiting, max_files, max_bytes)
        run = Run(conn, store, source, "load", run_id, Reporter(chosen, progress))
        for part in parts(chosen, alone=failed_before):
            for loaded in run.load(part):
                _archive(conn, store, source, [file for file, _ in loaded.files])
        run.end()
        with conn.transaction():
            still_damaged = ledger.still_damaged(conn, store, source)
            still_failed = ledger.still_failed(conn, store, source)
        return run.result(len(waiting) - len(chosen), still_damaged, still_failed)


def _within(files: Sequence[LandedFile], max_files: int, max_bytes: int) -> list[LandedFile]:
    chosen: list[LandedFile] = []
    size = 0
    for file in files[:max_files]:
        size += file.size
        if chosen and size > max_bytes:
            break
        chosen.append(file)
    return chosen


def _finish_what_was_interrupted(conn: psycopg.Connection, store: LandingStore, source: Source) -> None:
    """Archive what a run has left that was stopped behind its commit, and note what it had archived but not noted."""
    files = store.waiting(source.name)
    loaded = ledger.loaded(conn, source.raw_schema, files) if files else set()
    unknown = ledger.without_archive(conn, source.raw_schema)
    conn.commit()
    if left := [file for file in files if file.name in loaded]:
        _archive(conn, store, source, left)
    waiting = {file.name for file in files}
    if days := [day for name, day in unknown.items() if name not in waiting]:
        # A day more on both sides: a file's name says its day, and the clock may have stepped while it was written.
        around = timedelta(days=1)
        archived = store.archived(source.name, min(days) - around, max(days) + around)
        paths = [(file.name, file.path) for file in archived if file.name in unknown]
        with conn.transaction():
            ledger.lock(conn, source.raw_schema)
            ledger.record_archived(conn, source.raw_schema, paths)


def _archive(
    conn: psycopg.Connection, store: LandingStore, source: Source, files: Sequence[LandedFile]
) -> None:
    """Move loaded files to the archive; one that cannot be moved now is moved by the next run."""
    paths = []
    with conn.transaction():
        # Two runs that compress the same file at once could each believe that the other's copy is complete.
        ledger.lock(conn, source.raw_schema)
        for file in files:
            try:
                paths.append((file.name, store.archive(file)))
            except LandingUnreachable as error:
                # Each further file would wait as long, and with it every other load of this source.
                logger.warning(
                    "%s and what follows are loaded and could not be archived: %s", file.name, error
                )
                break
            except (LandingError, OSError) as error:
                logger.warning("%s is loaded and could not be archived: %s", file.name, error)
        ledger.record_archived(conn, source.raw_schema, paths)
