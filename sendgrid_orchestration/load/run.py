"""Several transactions one after the other, what they report while they go on, and the sum of what they brought."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

import psycopg

from sendgrid_orchestration.landing.store import LandedFile, LandingStore
from sendgrid_orchestration.load import ledger
from sendgrid_orchestration.load.errors import LoadInterruptedError
from sendgrid_orchestration.load.transaction import FileDamagedError, Loaded, load_files
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.engine import open_connection, place

logger = logging.getLogger(__name__)

TRANSACTION_FILES = 1_000
TRANSACTION_BYTES = 128 * 1024 * 1024
"""What one transaction takes: about 300,000 events, some five seconds."""


@dataclass(frozen=True)
class Progress:
    """How far a load has come."""

    files: int
    total_files: int
    bytes: int
    total_bytes: int
    events_read: int


@dataclass(frozen=True)
class LoadResult:
    """What a call has loaded."""

    load_ids: tuple[int, ...] = ()
    files: int = 0
    posts: int = 0
    events_read: int = 0
    inserted: int = 0
    duplicate: int = 0
    quarantined: int = 0
    copies: int = 0
    days: tuple[date, ...] = ()
    """The UTC days on which the posts were received."""
    event_dates: tuple[date, ...] = ()
    """The UTC days on which events happened that were not known before."""
    remaining_files: int = 0
    """How many files wait that this call did not take."""
    damaged: tuple[str, ...] = ()
    """One sentence for each file that this call found damaged and left alone."""
    still_damaged: tuple[ledger.Damaged, ...] = ()
    """Every file that waits, damaged, for a person, whoever found it."""


@contextmanager
def connection(conn_url: str, source: Source) -> Iterator[psycopg.Connection]:
    """A connection for a run; where it is lost on the way, that is said in a sentence.

    Raises:
        LoadInterruptedError: Postgres went away.
        WarehouseUnreachableError: it was not there to begin with.
    """
    conn = open_connection(conn_url)
    try:
        yield conn
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()
        raise LoadInterruptedError(
            f'The load of source "{source.name}" was interrupted: Postgres at {place(conn_url)} says '
            f"{said[0] if said else 'nothing'}. What it had not committed is undone; the next load takes it again."
        ) from error
    finally:
        conn.close()


def parts(files: Sequence[LandedFile]) -> Iterator[list[LandedFile]]:
    """The files in portions, each for one transaction."""
    part: list[LandedFile] = []
    size = 0
    for file in files:
        if part and (len(part) >= TRANSACTION_FILES or size + file.size > TRANSACTION_BYTES):
            yield part
            part, size = [], 0
        part.append(file)
        size += file.size
    if part:
        yield part


class Reporter:
    """Adds up how far a run has come and tells whoever wants to know."""

    def __init__(self, files: Sequence[LandedFile], tell: Callable[[Progress], None] | None) -> None:
        self._tell = tell
        self._total_files = len(files)
        self._total_bytes = sum(file.size for file in files)
        self._files = self._bytes = self._events = self._events_before = 0

    def events(self, number: int) -> None:
        """So many events of the transaction under way were read."""
        self._events = self._events_before + number
        self._report()

    def finished(self, files: Sequence[LandedFile]) -> None:
        """The transaction of these files is through."""
        self._files += len(files)
        self._bytes += sum(file.size for file in files)
        self._events_before = self._events
        self._report()

    def _report(self) -> None:
        if self._tell is not None:
            self._tell(Progress(self._files, self._total_files, self._bytes, self._total_bytes, self._events))


@dataclass
class Run:
    """Several transactions, one after the other, and the sum of what they brought."""

    conn: psycopg.Connection
    store: LandingStore
    source: Source
    kind: str
    run_id: str | None
    reporter: Reporter
    _loaded: list[Loaded] = field(default_factory=list)
    _damaged: list[str] = field(default_factory=list)

    def load(self, files: Sequence[LandedFile]) -> Iterator[Loaded]:
        """Load these files in one transaction; where one of them is damaged, without it, and say so.

        Yields:
            What was loaded; nothing where there was nothing left to do.
        """
        left = list(files)
        while left:
            try:
                loaded = load_files(
                    self.conn,
                    self.source.raw_schema,
                    self.store,
                    left,
                    kind=self.kind,
                    run_id=self.run_id,
                    seen=self.reporter.events,
                )
            except FileDamagedError as error:
                left.remove(error.file)
                self._record_damaged(error)
                continue
            self.reporter.finished(files)
            if loaded is not None:
                self._loaded.append(loaded)
                yield loaded
            return

    def _record_damaged(self, error: FileDamagedError) -> None:
        # The version is older than the second look: a file that is put in its place meanwhile has another.
        version = self.store.version(error.file)
        if self.store.damage(error.file) is None:
            logger.warning("%s Read a second time it is whole: the next load takes it.", error)
            return
        sentence = str(error)
        if self.kind == "load":
            sentence += " None of its posts is loaded before; move it out of the landing to give them up."
        logger.error("%s", sentence)
        self._damaged.append(sentence)
        with self.conn.transaction():
            if self.kind == "load":
                ledger.record_damaged(self.conn, self.source.raw_schema, error.file, sentence, version)
            else:
                ledger.record_verified(
                    self.conn, self.source.raw_schema, error.file.name, error.file.path, problem=str(error)
                )

    def result(self, remaining_files: int = 0, still_damaged: Sequence[ledger.Damaged] = ()) -> LoadResult:
        """The sum of what was loaded, with what the caller knows about the files that were not."""
        tallies = [tally for loaded in self._loaded for _, tally in loaded.files]
        total = ledger.add_up(tallies)
        days: set[date] = set()
        for tally in tallies:
            if tally.first_received_at is not None and tally.last_received_at is not None:
                first, last = tally.first_received_at.date(), tally.last_received_at.date()
                days.update(first + timedelta(days=number) for number in range((last - first).days + 1))
        return LoadResult(
            load_ids=tuple(loaded.load_id for loaded in self._loaded),
            files=len(tallies),
            posts=total.posts,
            events_read=total.events_read,
            inserted=total.inserted,
            duplicate=total.duplicate,
            quarantined=total.quarantined,
            copies=total.copies,
            days=tuple(sorted(days)),
            event_dates=tuple(sorted(set().union(*(loaded.event_dates for loaded in self._loaded)))),
            remaining_files=remaining_files,
            damaged=tuple(self._damaged),
            still_damaged=tuple(still_damaged),
        )
