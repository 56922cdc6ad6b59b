"""Deletes archived files that are older than `landing.archive_days`; the ledger keeps their rows, with a mark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import psycopg

from sendgrid_orchestration.landing.store import LandedFile, LandingStore
from sendgrid_orchestration.load import ledger
from sendgrid_orchestration.settings import Source


@dataclass(frozen=True)
class Pruned:
    """What one call has deleted, and what it has left although it is old enough."""

    first_kept: date
    """Posts received on this UTC day and later are kept."""
    files: int
    """Files that were deleted."""
    bytes: int
    """Their size in the archive."""
    not_loaded: tuple[str, ...]
    """Paths of files that the ledger does not know as loaded: they stay."""
    with_problem: tuple[str, ...]
    """Paths of files that are damaged, changed or set aside: they stay."""
    not_forwarded: tuple[str, ...]
    """Paths of files that an enabled forward has not sent on yet: they stay."""
    gone: int
    """Files that somebody else has taken out of the archive; they are no longer reported as missing."""

    def __str__(self) -> str:
        """A sentence about what was deleted."""
        return (
            f"{self.files:,} archived file(s) of {self.bytes / 2**20:,.1f} MB with posts received before {self.first_kept} (UTC) "
            "deleted."
        )

    def counts(self) -> dict[str, int]:
        """Its numbers by name."""
        return {
            "deleted files": self.files,
            "deleted bytes": self.bytes,
            "kept files that were never loaded": len(self.not_loaded),
            "kept files with a problem": len(self.with_problem),
            "kept files that wait for a forward": len(self.not_forwarded),
            "files that were missing": self.gone,
        }

    def warnings(self) -> Iterator[str]:
        """A sentence for each kind of old file that was not deleted here: how many, an example, what to do."""
        if self.not_loaded:
            yield (
                f"{len(self.not_loaded):,} old file(s) in the archive stay because the ledger does not know them as loaded, for "
                f"example {self.not_loaded[0]}. Load them with `replay`, and the next time they are deleted; or remove them."
            )
        if self.with_problem:
            yield (
                f"{len(self.with_problem):,} old file(s) in the archive stay because they are damaged, changed or set aside, for "
                f"example {self.with_problem[0]}. `landing verify` says what is wrong with each. Restore them from a backup and "
                "verify them, and the next time they are deleted; or remove them."
            )
        if self.not_forwarded:
            yield (
                f"{len(self.not_forwarded):,} old file(s) in the archive stay because they wait for a forward, for example "
                f"{self.not_forwarded[0]}. `forward list` says which one is behind; disable it, and the next time they are deleted."
            )
        if self.gone:
            yield (
                f"{self.gone:,} old file(s) were already missing from the archive. They would be deleted now, so they are no longer "
                "reported as missing."
            )


def prune_archive(
    conn: psycopg.Connection,
    store: LandingStore,
    source: Source,
    keep_days: int,
    *,
    today: date | None = None,
) -> Pruned:
    """Delete the archived files of a source whose posts were all received more than so many days ago.

    A file is deleted only after the ledger has marked it, and the ledger marks only what was loaded, archived, forwarded to all
    that are enabled, and is not known to be damaged. It goes day by day and may be interrupted at any point: the next call deletes what is marked and
    still there. May run beside loads.

    Args:
        conn: a connection to the warehouse without an open transaction, after the migrations.
        store: the landing.
        source: whose archive, and to whom it forwards.
        keep_days: UTC days before today that are kept whole.
        today: the UTC day; by default the earlier one of what this machine and the warehouse believe, since a clock that
            runs ahead would have everything deleted.

    Raises:
        LandingUnreachable: the landing does not answer.
        LandingError: the landing did not delete files.
    """
    first_kept = (today or _today(conn)) - timedelta(days=keep_days)
    files = size = 0
    not_loaded: list[LandedFile] = []
    with_problem: list[LandedFile] = []
    not_forwarded: list[LandedFile] = []
    # Nobody may have written down that a forward was disabled: its whole section may be gone from the settings.
    forwards = [forward.name for forward in source.forward if forward.enabled]
    for day in store.archived_days(source.name):
        if day >= first_kept:
            break
        # A file in the folder of another day was put there by hand; what its name says counts as well.
        old = [file for file in store.archived(source.name, day, day) if file.day < first_kept]
        with conn.transaction():
            ledger.lock(conn, source.raw_schema)
            marked = ledger.mark_deleted(conn, source.raw_schema, [file.name for file in old], forwards)
            kept = [file for file in old if file.name not in marked]
            loaded = ledger.loaded(conn, source.raw_schema, kept)
            # A load was stopped before it could note that it had archived them; the next load notes it.
            not_noted = ledger.without_archive(conn, source.raw_schema)
            waiting = ledger.waiting_for_forwards(
                conn, source.raw_schema, [file.name for file in kept], forwards
            )
        deleted = [file for file in old if file.name in marked]
        store.delete_archived(source.name, day, deleted)
        files, size = files + len(deleted), size + sum(file.size for file in deleted)
        not_loaded += [file for file in kept if file.name not in loaded]
        not_forwarded += [file for file in kept if file.name in waiting]
        with_problem += [
            file
            for file in kept
            if file.name in loaded and file.name not in not_noted and file.name not in waiting
        ]
    with conn.transaction():
        ledger.lock(conn, source.raw_schema)
        expected = ledger.expected_in_archive(conn, source.raw_schema, first_kept)
        gone = expected - {file.name for file in (*with_problem, *not_forwarded)}
        ledger.mark_gone(conn, source.raw_schema, sorted(gone))
    return Pruned(
        first_kept,
        files,
        size,
        tuple(file.path for file in not_loaded),
        tuple(file.path for file in with_problem),
        tuple(file.path for file in not_forwarded),
        len(gone),
    )


def _today(conn: psycopg.Connection) -> date:
    with conn.transaction():
        row = conn.execute("select (now() at time zone 'UTC')::date").fetchone()
    assert row is not None
    theirs: date = row[0]
    return min(datetime.now(UTC).date(), theirs)
