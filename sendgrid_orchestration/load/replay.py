"""Loads again what is kept: into an emptied table it restores every row, into a full one it changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date

from sendgrid_orchestration.landing.store import LandedFile, LandingStore
from sendgrid_orchestration.load import ledger
from sendgrid_orchestration.load.rekeying import ensure_current
from sendgrid_orchestration.load.run import LoadResult, Progress, Reporter, Run, connection, parts
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.migrations import migrate


def replay_days(
    conn_url: str,
    store: LandingStore,
    source: Source,
    first_day: date,
    last_day: date,
    *,
    run_id: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> LoadResult:
    """Load again the archived posts that were received on these UTC days (both included).

    The result says how many files of these days were deleted from the archive because of their age.

    Raises:
        KeyVersionError: a newer version of this program made the keys of the events.
        LoadInterruptedError: Postgres went away; what was committed stays, and the replay may be repeated.
        WarehouseUnreachableError: Postgres cannot be reached.
    """
    files = store.archived(source.name, first_day, last_day)
    result = _replay(conn_url, store, source, files, run_id=run_id, progress=progress)
    with connection(conn_url, source) as conn:
        deleted_files, deleted_until = ledger.deleted(conn, source.raw_schema, first_day, last_day)
    return replace(result, deleted_files=deleted_files, deleted_until=deleted_until)


def replay_source(
    conn_url: str,
    store: LandingStore,
    source: Source,
    *,
    run_id: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> LoadResult:
    """Load again everything that the archive of a source holds. Raises as `replay_days` does."""
    return replay_days(conn_url, store, source, date.min, date.max, run_id=run_id, progress=progress)


def replay_folder(
    conn_url: str,
    folder: LandingStore,
    source: Source,
    *,
    run_id: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> LoadResult:
    """Load the landed files that lie in a folder, compressed or not, for example restored from a backup.

    The files stay where they are. Raises as `replay_days` does.

    Args:
        conn_url: the warehouse.
        folder: the folder, opened with `open_store`.
        source: whose posts they are; the files do not say.
        run_id: who asks, for the ledger.
        progress: called after each batch of rows.
    """
    return _replay(conn_url, folder, source, folder.loose(source.name), run_id=run_id, progress=progress)


def _replay(
    conn_url: str,
    store: LandingStore,
    source: Source,
    files: Iterable[LandedFile],
    *,
    run_id: str | None,
    progress: Callable[[Progress], None] | None,
) -> LoadResult:
    chosen = list(files)
    with connection(conn_url, source) as conn:
        migrate(conn, source)
        ensure_current(conn, source.raw_schema)
        run = Run(conn, store, source, "replay", run_id, Reporter(chosen, progress))
        for part in parts(chosen):
            for _ in run.load(part):
                pass
        run.end()
        return run.result()
