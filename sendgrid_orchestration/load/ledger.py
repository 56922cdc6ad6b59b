"""What was loaded and what waits. Every line here is written in the transaction that brought the rows it counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

import psycopg
from psycopg import sql

from sendgrid_orchestration.landing.store import LandedFile, LandingStore
from sendgrid_orchestration.load.shaping import Tally
from sendgrid_orchestration.settings import Source

IS_ARCHIVED = "archive_path is not null and deleted_at is null and archive_path ~ '/archive/[0-9-]{10}/'"
"""Holds for loaded files that the archive should have; those that were replayed from a folder elsewhere it does not have."""

MOST_TRIES = 2
"""A file that could not be loaded so often is set aside."""


@dataclass(frozen=True)
class Damaged:
    """A landed file that cannot be read to its end, and waits for a person."""

    file_name: str
    bytes: int
    problem: str
    """A sentence: where the file is, what is wrong with it, and what to do."""
    found_at: datetime
    version: str | None
    """The file system's word for the file as it was found (`LandingStore.version`)."""


@dataclass(frozen=True)
class Failed:
    """A landed file over which a load stumbled for a reason that nobody foresaw."""

    file_name: str
    reason: str
    place: str
    tries: int
    set_aside_at: datetime | None
    """None before the second try."""

    def __str__(self) -> str:
        """A sentence that names it and says what happens next."""
        if self.set_aside_at is None:
            return (
                f"{self.file_name} could not be loaded and is tried once more: {self.reason} ({self.place})."
            )
        return (
            f"{self.file_name} is set aside after {self.tries} tries: {self.reason} ({self.place}). After an upgrade, run "
            "`sendgrid-orchestration load --retry-set-aside`."
        )


def waiting(
    conn: psycopg.Connection, store: LandingStore, source: Source, *, retry_damaged: bool = False
) -> list[LandedFile]:
    """The landed files that the next load will take, oldest first.

    Not among them are files that were loaded and only wait to be archived, those that were set aside, and damaged ones,
    unless somebody has put another file in their place or `retry_damaged` is set. Before the first migration everything
    waits.
    """
    files = store.waiting(source.name)
    if not files:
        return []
    known = loaded(conn, source.raw_schema, files)
    known |= {file.file_name for file in failed(conn, source.raw_schema) if file.set_aside_at}
    broken: dict[str, str | None] = {}
    if not retry_damaged:
        broken = {file.file_name: file.version for file in damaged(conn, source.raw_schema)}
    return [
        file
        for file in files
        if file.name not in known
        and (file.name not in broken or store.version(file) not in (None, broken[file.name]))
    ]


def loaded(conn: psycopg.Connection, raw_schema: str, files: Sequence[LandedFile]) -> set[str]:
    """The names of those of the files that are in the table."""
    if not _exists(conn, raw_schema, "landed_files"):
        return set()
    query = sql.SQL("select file_name from {} where file_name = any(%s)")
    rows = conn.execute(
        query.format(sql.Identifier(raw_schema, "landed_files")), [[file.name for file in files]]
    )
    return {name for (name,) in rows}


def damaged(conn: psycopg.Connection, raw_schema: str) -> list[Damaged]:
    """The landed files that could not be read when they were last tried, oldest first."""
    if not _exists(conn, raw_schema, "damaged_files"):
        return []
    query = sql.SQL("select file_name, bytes, problem, found_at, version from {} order by file_name")
    return [Damaged(*row) for row in conn.execute(query.format(sql.Identifier(raw_schema, "damaged_files")))]


def still_damaged(conn: psycopg.Connection, store: LandingStore, source: Source) -> list[Damaged]:
    """The damaged files that wait for a person; those that somebody has taken away are forgotten."""
    return _still_there(conn, store, source, damaged(conn, source.raw_schema))


def failed(conn: psycopg.Connection, raw_schema: str) -> list[Failed]:
    """The landed files over which a load stumbled, oldest first."""
    if not _exists(conn, raw_schema, "failed_files"):
        return []
    query = sql.SQL("select file_name, reason, place, tries, set_aside_at from {} order by file_name")
    return [Failed(*row) for row in conn.execute(query.format(sql.Identifier(raw_schema, "failed_files")))]


def still_failed(
    conn: psycopg.Connection, store: LandingStore, source: Source, *, forget: bool = True
) -> list[Failed]:
    """The files over which a load stumbled and that still wait.

    Args:
        conn: a connection.
        store: the landing.
        source: whose files.
        forget: whether to forget those that somebody has taken away.
    """
    return _still_there(conn, store, source, failed(conn, source.raw_schema), forget=forget)


_Problem = TypeVar("_Problem", Damaged, Failed)


def _still_there(
    conn: psycopg.Connection,
    store: LandingStore,
    source: Source,
    found: list[_Problem],
    *,
    forget: bool = True,
) -> list[_Problem]:
    if not found:
        return []  # nearly always, and listing an object store takes time
    there = {file.name for file in store.waiting(source.name)}
    gone = [file.file_name for file in found if file.file_name not in there]
    if gone and forget:
        forget_problems(conn, source.raw_schema, gone)
    return [file for file in found if file.file_name in there]


def max_load_id(conn: psycopg.Connection, raw_schema: str) -> int:
    """The number of the last load, 0 before the first. Loads follow one another, so none with a lower number comes later."""
    if not _exists(conn, raw_schema, "loads"):
        return 0
    query = sql.SQL("select coalesce(max(load_id), 0) from {}")
    row = conn.execute(query.format(sql.Identifier(raw_schema, "loads"))).fetchone()
    assert row is not None
    return int(row[0])


def touched_days(conn: psycopg.Connection, raw_schema: str, after_load_id: int) -> list[date]:
    """The days of which something became known by a load after this one, in order."""
    if not _exists(conn, raw_schema, "events"):
        return []
    query = sql.SQL("select distinct event_date from {} where load_id > %s order by event_date")
    rows = conn.execute(query.format(sql.Identifier(raw_schema, "events")), [after_load_id])
    return [day for (day,) in rows]


def lock(conn: psycopg.Connection, raw_schema: str) -> None:
    """Wait until no other load of this source is under way; held to the end of the transaction.

    It ends with the connection, so a loader that was killed holds up nobody.
    """
    conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"load {raw_schema}"])


def begin(conn: psycopg.Connection, raw_schema: str, kind: str, run_id: str | None) -> int:
    """Open a load.

    Returns:
        Its number.
    """
    query = sql.SQL("insert into {} (kind, run_id) values (%s, %s) returning load_id")
    row = conn.execute(query.format(sql.Identifier(raw_schema, "loads")), [kind, run_id]).fetchone()
    assert row is not None
    return int(row[0])


def finish(
    conn: psycopg.Connection,
    raw_schema: str,
    load_id: int,
    *,
    files: int,
    total: Tally,
    event_dates: Iterable[date],
) -> None:
    """Write what a load brought."""
    days = sorted(event_dates)
    query = sql.SQL("""
        update {}
        set
            committed_at = clock_timestamp(), files = %s, posts = %s, events_read = %s, inserted = %s,
            duplicate = %s, quarantined = %s, copies = %s, variants = %s, first_event_date = %s, last_event_date = %s
        where load_id = %s
    """)
    conn.execute(
        query.format(sql.Identifier(raw_schema, "loads")),
        [files, *_counts(total), days[0] if days else None, days[-1] if days else None, load_id],
    )


def record(
    conn: psycopg.Connection,
    raw_schema: str,
    load_id: int,
    loaded_files: Iterable[tuple[LandedFile, Tally]],
    *,
    stay_where_they_are: bool,
) -> None:
    """Write what each file brought; a file that was loaded before keeps its line.

    Args:
        conn: the load's connection.
        raw_schema: where the tables are.
        load_id: the load.
        loaded_files: the files with what they brought.
        stay_where_they_are: whether nobody is going to archive them, because they are kept already.
    """
    query = sql.SQL("""
        insert into {} (
            file_name, load_id, bytes, sealed_at, posts, events_read, inserted, duplicate, quarantined, copies,
            variants, first_received_at, last_received_at, checksum, archive_path
        )
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        on conflict (file_name) do nothing
    """)
    with conn.cursor() as cursor:
        cursor.executemany(
            query.format(sql.Identifier(raw_schema, "landed_files")),
            [
                (
                    file.name,
                    load_id,
                    file.size,
                    file.sealed_at,
                    *_counts(tally),
                    tally.first_received_at,
                    tally.last_received_at,
                    tally.checksum,
                    file.path if stay_where_they_are else None,
                )
                for file, tally in loaded_files
            ],
        )


def without_archive(conn: psycopg.Connection, raw_schema: str) -> dict[str, date]:
    """The loaded files that are not known to be archived, each with the day of its receipt."""
    query = sql.SQL("""
        select file_name, (coalesce(first_received_at, sealed_at) at time zone 'UTC')::date
        from {}
        where archive_path is null
    """)
    return dict(conn.execute(query.format(sql.Identifier(raw_schema, "landed_files"))).fetchall())


def record_archived(conn: psycopg.Connection, raw_schema: str, paths: Sequence[tuple[str, str]]) -> None:
    """Write where files (name, path) lie from now on."""
    query = sql.SQL("update {} set archive_path = %s where file_name = %s")
    with conn.cursor() as cursor:
        cursor.executemany(
            query.format(sql.Identifier(raw_schema, "landed_files")), [(path, name) for name, path in paths]
        )


def mark_deleted(
    conn: psycopg.Connection, raw_schema: str, names: Sequence[str], forwards: Sequence[str]
) -> set[str]:
    """Write that the archived copies of these files are deleted because of their age.

    Files that were never loaded, whose archiving is not recorded yet, that have a problem, or that wait for one of these
    forwards are not marked.

    Returns:
        The names that are marked now, those that were marked before included: no other file may be deleted.
    """
    query = sql.SQL("""
        update {files} as file
        set deleted_at = coalesce(deleted_at, clock_timestamp())
        where
            file_name = any(%s)
            and archive_path is not null
            and archive_problem is null
            and not exists (select from {damaged} as damaged where damaged.file_name = file.file_name)
            and not exists (select from {failed} as failed where failed.file_name = file.file_name)
            and not exists (
                select from {waiting} as waiting where waiting.file_name = file.file_name and waiting.forward = any(%s)
            )
        returning file_name
    """).format(
        waiting=sql.Identifier(raw_schema, "files_to_forward"),
        files=sql.Identifier(raw_schema, "landed_files"),
        damaged=sql.Identifier(raw_schema, "damaged_files"),
        failed=sql.Identifier(raw_schema, "failed_files"),
    )
    return {name for (name,) in conn.execute(query, [list(names), list(forwards)])}


def waiting_for_forwards(
    conn: psycopg.Connection, raw_schema: str, names: Sequence[str], forwards: Sequence[str]
) -> set[str]:
    """Those of these files of which one of these forwards has not yet sent on every post."""
    query = sql.SQL("select distinct file_name from {} where file_name = any(%s) and forward = any(%s)")
    rows = conn.execute(
        query.format(sql.Identifier(raw_schema, "files_to_forward")), [list(names), list(forwards)]
    )
    return {name for (name,) in rows}


def expected_in_archive(conn: psycopg.Connection, raw_schema: str, before: date) -> set[str]:
    """The names of loaded files that the archive should have and that were received before this UTC day."""
    query = sql.SQL(
        "select file_name from {} where {} and file_name ~ '^\\d{{8}}T' and file_name < %s"
    ).format(sql.Identifier(raw_schema, "landed_files"), sql.SQL(IS_ARCHIVED))
    return {name for (name,) in conn.execute(query, [f"{before:%Y%m%d}"])}


def mark_gone(conn: psycopg.Connection, raw_schema: str, names: Sequence[str]) -> None:
    """Write that these files, which somebody else took out of the archive, are old enough not to be missed there."""
    query = sql.SQL("""
        update {} set deleted_at = clock_timestamp(), archive_problem = null
        where file_name = any(%s) and deleted_at is null
    """)
    conn.execute(query.format(sql.Identifier(raw_schema, "landed_files")), [list(names)])


def deleted(
    conn: psycopg.Connection, raw_schema: str, first_day: date, last_day: date
) -> tuple[int, date | None]:
    """How many files received on these UTC days (both included) were deleted from the archive, and the last such day."""
    query = sql.SQL("""
        select count(*), max(day)
        from (
            select (coalesce(first_received_at, sealed_at) at time zone 'UTC')::date as day
            from {}
            where deleted_at is not null
        ) as deleted
        where day between %s and %s
    """)
    row = conn.execute(
        query.format(sql.Identifier(raw_schema, "landed_files")), [first_day, last_day]
    ).fetchone()
    assert row is not None
    return int(row[0]), row[1]


def record_damaged(
    conn: psycopg.Connection, raw_schema: str, file: LandedFile, problem: str, version: str | None
) -> None:
    """Write that a file that waits cannot be read, and which version of it that is."""
    query = sql.SQL("""
        insert into {} (file_name, bytes, problem, version)
        values (%s, %s, %s, %s)
        on conflict (file_name) do update
        set bytes = excluded.bytes, problem = excluded.problem, version = excluded.version
    """)
    conn.execute(
        query.format(sql.Identifier(raw_schema, "damaged_files")), [file.name, file.size, problem, version]
    )


def record_verified(
    conn: psycopg.Connection,
    raw_schema: str,
    file_name: str,
    archive_path: str,
    *,
    problem: str | None,
    checksum: str | None = None,
) -> None:
    """Write what is wrong with an archived file, or that nothing is.

    Args:
        conn: a connection.
        raw_schema: where the tables are.
        file_name: the file.
        archive_path: where it was read; a file of that name that is archived elsewhere is left alone.
        problem: what is wrong, as a sentence.
        checksum: of its content, for a file that was loaded by a version that did not record one.
    """
    query = sql.SQL("""
        update {}
        set archive_problem = %s, verified_at = clock_timestamp(), checksum = coalesce(checksum, %s)
        where file_name = %s and archive_path = %s and deleted_at is null
    """)
    conn.execute(
        query.format(sql.Identifier(raw_schema, "landed_files")), [problem, checksum, file_name, archive_path]
    )


def record_failed(
    conn: psycopg.Connection, raw_schema: str, file: LandedFile, reason: str, place: str
) -> Failed:
    """Write that a load stumbled over a file; the second time sets it aside.

    Args:
        conn: a connection.
        raw_schema: where the tables are.
        file: the file.
        reason: the exception and what it says.
        place: the line of the program that raised it.

    Returns:
        What stands there now.
    """
    query = sql.SQL("""
        insert into {} as failed (file_name, bytes, reason, place, tries)
        values (%s, %s, %s, %s, 1)
        on conflict (file_name) do update
        set
            bytes = excluded.bytes,
            reason = excluded.reason,
            place = excluded.place,
            tries = failed.tries + 1,
            last_failed_at = excluded.last_failed_at,
            set_aside_at = case when failed.tries + 1 >= %s then excluded.last_failed_at end
        returning file_name, reason, place, tries, set_aside_at
    """)
    row = conn.execute(
        query.format(sql.Identifier(raw_schema, "failed_files")),
        [file.name, file.size, reason, place, MOST_TRIES],
    ).fetchone()
    assert row is not None
    return Failed(*row)


def release_set_aside(conn: psycopg.Connection, raw_schema: str) -> list[str]:
    """Have the next load take the files that were set aside; one more failure sets a file aside again.

    Returns:
        Their names.
    """
    query = sql.SQL("update {} set set_aside_at = null where set_aside_at is not null returning file_name")
    return [name for (name,) in conn.execute(query.format(sql.Identifier(raw_schema, "failed_files")))]


def forget_problems(conn: psycopg.Connection, raw_schema: str, names: Sequence[str]) -> None:
    """Write that these files could be read and loaded after all."""
    for table in ("damaged_files", "failed_files"):
        query = sql.SQL("delete from {} where file_name = any(%s)")
        conn.execute(query.format(sql.Identifier(raw_schema, table)), [list(names)])


def add_up(tallies: Iterable[Tally]) -> Tally:
    """One tally for all."""
    total = Tally()
    for tally in tallies:
        total.posts += tally.posts
        total.events_read += tally.events_read
        total.inserted += tally.inserted
        total.duplicate += tally.duplicate
        total.quarantined += tally.quarantined
        total.copies += tally.copies
        total.variants += tally.variants
    return total


def _counts(tally: Tally) -> tuple[int, ...]:
    return (
        tally.posts,
        tally.events_read,
        tally.inserted,
        tally.duplicate,
        tally.quarantined,
        tally.copies,
        tally.variants,
    )


def _exists(conn: psycopg.Connection, raw_schema: str, table: str) -> bool:
    row = conn.execute("select to_regclass(%s) is not null", [f"{raw_schema}.{table}"]).fetchone()
    return row is not None and bool(row[0])
