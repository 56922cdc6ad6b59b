"""Several transactions one after the other, what they report while they go on, and the sum of what they brought."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import psycopg

from sendgrid_orchestration.landing.errors import LandingUnreachable
from sendgrid_orchestration.landing.store import LandedFile, LandingStore
from sendgrid_orchestration.load import ledger
from sendgrid_orchestration.load.errors import KeyVersionError, LoadFailedError, LoadInterruptedError
from sendgrid_orchestration.load.transaction import FileDamagedError, FileUnreadableError, Loaded, load_files
from sendgrid_orchestration.sendgrid.event_json import storable
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.engine import open_connection, place

logger = logging.getLogger(__name__)

TRANSACTION_FILES = 1_000
TRANSACTION_BYTES = 128 * 1024 * 1024
"""What one transaction takes: about 300,000 events, some five seconds."""

MOST_FAILURES = 20
"""When so many files failed and none was loaded, the fault is not theirs, and the run ends."""

LONGEST_REASON = 500

_CLASSES_OF_THE_SERVER = frozenset({"08", "25", "28", "3D", "3F", "40", "42", "53", "55", "57", "58", "F0"})
"""SQLSTATE classes of what no row can cause: connections, rights, missing tables, deadlocks, full disks, shutdowns."""
_OUT_OF_MEMORY = "53200"
"""In the class of insufficient resources, and yet one row may be why."""


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
    variants: int = 0
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
    failed: Mapping[str, str] = field(default_factory=dict)
    """A sentence for each file, by its name, over which this call stumbled for a reason that nobody foresaw."""
    still_failed: tuple[ledger.Failed, ...] = ()
    """Every file over which a load stumbled, whichever load it was, and that still waits."""
    deleted_files: int = 0
    """Files of the days of a replay that were deleted from the archive because of their age."""
    deleted_until: date | None = None
    """The last UTC day of receipt of these."""

    @property
    def left_out(self) -> str:
        """A sentence about what a replay could not load again because it was deleted; empty where there is none."""
        if not self.deleted_files:
            return ""
        return (
            f"{self.deleted_files:,} file(s) with posts received up to {self.deleted_until} (UTC) are left out: they were deleted "
            "from the archive because of landing.archive_days. Their events stay in the warehouse as they are; if they were removed "
            "there, only a backup of the archive (`replay --folder`) or of the warehouse brings them back."
        )


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
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        said = str(error).strip().splitlines()
        raise LoadInterruptedError(
            f'The load of source "{source.name}" was interrupted: Postgres at {place(conn_url)} says '
            f"{said[0] if said else 'nothing'}. What it had not committed is undone; the next load takes it again."
        ) from error
    finally:
        conn.close()


def parts(files: Sequence[LandedFile], alone: Collection[str] = ()) -> Iterator[list[LandedFile]]:
    """The files in portions, each for one transaction.

    Args:
        files: the files.
        alone: names of those over which a load stumbled before: each gets a transaction of its own, after all others.
    """
    part: list[LandedFile] = []
    size = 0
    for file in files:
        if file.name in alone:
            continue
        if part and (len(part) >= TRANSACTION_FILES or size + file.size > TRANSACTION_BYTES):
            yield part
            part, size = [], 0
        part.append(file)
        size += file.size
    if part:
        yield part
    for file in files:
        if file.name in alone:
            yield [file]


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
    _failed: dict[str, str] = field(default_factory=dict)
    _unreadable: list[FileUnreadableError] = field(default_factory=list)

    def load(self, files: Sequence[LandedFile]) -> Iterator[Loaded]:
        """Load these files in one transaction, or in several where one of them is in the way of the others.

        A file that is damaged, or that the landing does not give out, is left out. Over anything else that nobody foresaw
        the files are halved until the one is found over which the load stumbles; good halves are committed on the way, so
        that all of it costs about as much as loading the files twice.

        Yields:
            What was loaded; nothing where there was nothing left to do.

        Raises:
            LoadFailedError: too many files failed, and none was loaded.
        """
        left = [list(files)]
        while left:
            part = left.pop()
            try:
                loaded = load_files(
                    self.conn,
                    self.source.raw_schema,
                    self.store,
                    part,
                    kind=self.kind,
                    run_id=self.run_id,
                    seen=self.reporter.events,
                )
            except FileDamagedError as error:
                part.remove(error.file)
                self._record_damaged(error)
                if part:
                    left.append(part)
            except FileUnreadableError as error:
                logger.error("%s", error, exc_info=error)
                self._unreadable.append(error)
                part.remove(error.file)
                if part:
                    left.append(part)
            except Exception as error:
                if self._is_no_fault_of_a_file(error):
                    raise
                if len(part) == 1:
                    self._fail(part[0], error)
                else:
                    middle = len(part) // 2
                    left += [part[middle:], part[:middle]]
            else:
                self.reporter.finished(part)
                if loaded is not None:
                    self._loaded.append(loaded)
                    yield loaded

    def _fail(self, file: LandedFile, error: BaseException) -> None:
        reason, place = _described(error)
        if self.kind == "load":
            with self.conn.transaction():
                sentence = str(ledger.record_failed(self.conn, self.source.raw_schema, file, reason, place))
        else:
            sentence = f"{file.path} could not be loaded again: {reason} ({place})."
        self._failed[file.name] = sentence
        logger.error("%s", sentence, exc_info=error)
        if len(self._failed) >= MOST_FAILURES and not self._loaded:
            raise LoadFailedError(
                f'{len(self._failed)} files of source "{self.source.name}" could not be loaded, and none could. The last of '
                f"them: {sentence}"
            ) from error

    def _is_no_fault_of_a_file(self, error: Exception) -> bool:
        if isinstance(error, KeyVersionError):
            return True
        if not isinstance(error, psycopg.Error):
            return isinstance(error, LandingUnreachable)
        if self.conn.closed or error.sqlstate is None:
            return self.conn.closed or isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return error.sqlstate[:2] in _CLASSES_OF_THE_SERVER and error.sqlstate != _OUT_OF_MEMORY

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

    def end(self) -> None:
        """Settle what came of the files that the landing did not give out.

        Raises:
            LoadInterruptedError: it gave out none.
        """
        if self._unreadable and not self._loaded:
            raise LoadInterruptedError(
                f'The load of source "{self.source.name}" was interrupted: {self._unreadable[-1]} '
                f"{_described(self._unreadable[-1].__cause__)[0]}. The next load takes it again."
            ) from self._unreadable[-1]
        for error in self._unreadable:  # the landing gives out others, so it is this one
            self._fail(error.file, error.__cause__ or error)

    def result(
        self,
        remaining_files: int = 0,
        still_damaged: Sequence[ledger.Damaged] = (),
        still_failed: Sequence[ledger.Failed] = (),
    ) -> LoadResult:
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
            variants=total.variants,
            days=tuple(sorted(days)),
            event_dates=tuple(sorted(set().union(*(loaded.event_dates for loaded in self._loaded)))),
            remaining_files=remaining_files,
            damaged=tuple(self._damaged),
            still_damaged=tuple(still_damaged),
            failed=self._failed,
            still_failed=tuple(still_failed),
        )


def _described(error: BaseException | None) -> tuple[str, str]:
    """What an exception says, in one line, and which line of the program raised it."""
    said = storable(f"{type(error).__name__}: {error}").partition("\n")[0][:LONGEST_REASON].rstrip(".")
    frames = traceback.extract_tb(error.__traceback__) if error else []
    return (
        said,
        f"{Path(frames[-1].filename).name}:{frames[-1].lineno}, in {frames[-1].name}" if frames else "",
    )
