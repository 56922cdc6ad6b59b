"""Compares archived files with what was loaded from them, a few at a time, the longest unverified first."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from sendgrid_orchestration.landing.errors import DamagedFile, LandingError, LandingUnreachable
from sendgrid_orchestration.landing.store import LandingStore
from sendgrid_orchestration.load import ledger
from sendgrid_orchestration.settings import Source

MAX_FILES = 200
MAX_BYTES = 64 * 1024 * 1024
MAX_SECONDS = 10.0
"""What one call takes unless it is told otherwise: little enough for every minute, and still 90 GB a day."""

MAX_COUNTED = 10_000
"""Counting goes no further: it must stay cheap with millions of files."""

MAX_MISSING_DAYS = 31
"""Days that one call finds gone at once; the next call finds the next ones."""

_SHOWN_PROBLEMS = 100


@dataclass(frozen=True)
class ArchiveProblem:
    """An archived file that is no longer what was loaded."""

    file_name: str
    problem: str
    """A sentence: where the file is, what is wrong with it, and what to do."""
    found_at: datetime


@dataclass(frozen=True)
class ArchiveState:
    """What is known about the archive of a source."""

    problems: tuple[ArchiveProblem, ...]
    """The oldest files with a problem, at most a hundred."""
    problem_count: int
    """How many files have a problem; at most `MAX_COUNTED`."""
    never_verified: int
    """How many archived files were never verified; at most `MAX_COUNTED`."""
    verified_since: datetime | None
    """Every file that was ever verified was verified after this moment; None where none was."""


@dataclass(frozen=True)
class Verification:
    """What one call has done, and what is known after it."""

    files: int
    """Files that were compared, or found missing."""
    bytes: int
    """Their size in the archive."""
    state: ArchiveState


def verify_archive(
    conn: psycopg.Connection,
    store: LandingStore,
    source: Source,
    *,
    max_files: int = MAX_FILES,
    max_bytes: int = MAX_BYTES,
    max_seconds: float = MAX_SECONDS,
    verified_before: datetime | None = None,
) -> Verification:
    """Read some archived files to their end and compare each with the ledger's checksum; look for days that are missing.

    A file that is damaged, changed or missing is recorded in the ledger, and stays there until it is found whole again.
    May run beside loads, and beside itself.

    Args:
        conn: a connection to the warehouse without an open transaction, after the migrations.
        store: the landing.
        source: whose archive.
        max_files: read no more files than this.
        max_bytes: read no further file after so many bytes.
        max_seconds: read no further file after this long.
        verified_before: only files that were not verified since then.

    Raises:
        LandingUnreachable: the landing does not answer; that says nothing about the archive.
    """
    end = time.monotonic() + max_seconds
    raw = source.raw_schema
    _find_missing_days(conn, store, source)
    files = size = 0
    for candidate in _candidates(conn, raw, max_files, verified_before):
        if files and (size >= max_bytes or time.monotonic() >= end):
            break
        compared = _compare(store, source, candidate)
        with conn.transaction():
            ledger.record_verified(
                conn,
                raw,
                candidate.file_name,
                candidate.path,
                problem=compared.problem,
                checksum=compared.checksum,
            )
        files, size = files + 1, size + compared.bytes
    return Verification(files, size, archive_state(conn, raw))


def archive_state(conn: psycopg.Connection, raw_schema: str) -> ArchiveState:
    """What the ledger knows about the archive. Reads no file, and costs the same however large the archive is."""
    with conn.transaction():
        problems = conn.execute(
            _sql(
                raw_schema,
                """
                select file_name, archive_problem, verified_at
                from {files}
                where archive_problem is not null
                order by file_name
                limit %s
                """,
            ),
            [_SHOWN_PROBLEMS],
        ).fetchall()
        row = conn.execute(
            _sql(
                raw_schema,
                """
                select
                    (
                        select count(*)
                        from (select 1 from {files} where archive_problem is not null limit %(most)s) as counted
                    ),
                    (
                        select count(*)
                        from (
                            select 1
                            from {files}
                            where {archived} and verified_at is null
                            limit %(most)s
                        ) as counted
                    ),
                    (
                        select verified_at
                        from {files}
                        where {archived} and verified_at is not null
                        order by verified_at nulls first
                        limit 1
                    )
                """,
            ),
            {"most": MAX_COUNTED},
        ).fetchone()
    assert row is not None
    return ArchiveState(tuple(ArchiveProblem(*problem) for problem in problems), *row)


@dataclass(frozen=True)
class _Candidate:
    file_name: str
    path: str
    checksum: str | None
    sealed_at: datetime


@dataclass(frozen=True)
class _Compared:
    problem: str | None
    checksum: str | None
    bytes: int = 0


def _find_missing_days(conn: psycopg.Connection, store: LandingStore, source: Source) -> None:
    """Record as missing every file of the days that the ledger knows and the archive has no folder for.

    One look at each day, not at each file: somebody who removes files removes days.
    """
    there = {f"{day:%Y%m%d}" for day in store.archived_days(source.name)}
    with conn.transaction():
        known = [day for (day,) in conn.execute(_sql(source.raw_schema, _DAYS)) if day is not None]
        for day in [day for day in known if day not in there][:MAX_MISSING_DAYS]:
            conn.execute(
                _sql(
                    source.raw_schema,
                    """
                    update {files}
                    set archive_problem = archive_path || %s, verified_at = clock_timestamp()
                    where file_name >= %s and file_name < %s and {archived} and archive_problem is null
                    """,
                ),
                [_MISSING, day, day + _BEHIND_A_DAY],
            )


def _candidates(
    conn: psycopg.Connection, raw_schema: str, most: int, verified_before: datetime | None
) -> list[_Candidate]:
    """Those with a problem first, up to half of them: somebody may have restored them."""
    columns = "select file_name, archive_path, checksum, sealed_at from {files} where {archived}"
    moment = {"before": verified_before or "infinity"}
    query = """
        and (verified_at is null or verified_at < %(before)s)
        order by verified_at nulls first, file_name limit %(most)s
    """
    with conn.transaction():
        problems = conn.execute(
            _sql(raw_schema, f"{columns} and archive_problem is not null {query}"),
            {"most": max(most // 2, 1), **moment},
        ).fetchall()
        others = conn.execute(
            _sql(raw_schema, f"{columns} and archive_problem is null {query}"),
            {"most": most - len(problems), **moment},
        ).fetchall()
    return [_Candidate(*row) for row in (*problems, *others)]


def _compare(store: LandingStore, source: Source, candidate: _Candidate) -> _Compared:
    file = store.archived_file(source.name, candidate.file_name, candidate.path, candidate.sealed_at)
    if file is None:
        return _Compared(candidate.path + _MISSING, None)
    try:
        checksum = store.checksum(file)
    except LandingUnreachable:
        raise
    except DamagedFile as error:
        return _Compared(str(error), None, file.size)
    except LandingError:  # it went away in this very moment
        return _Compared(candidate.path + _MISSING, None)
    if candidate.checksum not in (None, checksum):
        return _Compared(file.path + _CHANGED, None, file.size)
    return _Compared(None, checksum, file.size)


def _sql(raw_schema: str, query: str) -> sql.Composed:
    return sql.SQL(query).format(
        files=sql.Identifier(raw_schema, "landed_files"), archived=sql.SQL(ledger.IS_ARCHIVED)
    )


_MISSING = (
    " is missing from the archive. Restore it from a backup under the same name. The events that it brought are in the "
    "warehouse; a replay would leave them out."
)
_CHANGED = (
    " holds other posts than those that were loaded from it. Restore it from a backup. The events that it brought are in the "
    "warehouse; a replay would bring others."
)

_BEHIND_A_DAY = "U"
"""Names go on with a T behind the day, so that this is behind all of a day in every collation."""

# One step down the index for each day, not one for each file.
_DAYS = """
    with recursive days (day) as (
        (
            select substr(file_name, 1, 8)
            from {files}
            where {archived} and archive_problem is null and file_name ~ '^\\d{{8}}T'
            order by file_name
            limit 1
        )
        union all
        select (
            select substr(file_name, 1, 8)
            from {files}
            where
                file_name >= days.day || 'U' and {archived} and archive_problem is null and file_name ~ '^\\d{{8}}T'
            order by file_name
            limit 1
        )
        from days
        where days.day is not null
    )
    select day from days
"""
