"""One load: some landed files, their rows and their lines in the ledger, committed together or not at all."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import islice

import psycopg

from sendgrid_orchestration.landing.errors import DamagedFile, LandingUnreachable
from sendgrid_orchestration.landing.format import Post
from sendgrid_orchestration.landing.store import LandedFile, LandingStore
from sendgrid_orchestration.load import ledger
from sendgrid_orchestration.load.ahead import ahead
from sendgrid_orchestration.load.rekeying import require_current
from sendgrid_orchestration.load.shaping import Place, Tally, batches
from sendgrid_orchestration.load.storing import Storer
from sendgrid_orchestration.sendgrid.event_parser import item_text

BATCHES_AHEAD = 1
"""One is being shaped, one waits, one is being stored: at most three of 8 MB and what Python needs around them."""


@dataclass(frozen=True)
class Loaded:
    """What one load brought."""

    load_id: int
    files: tuple[tuple[LandedFile, Tally], ...]
    event_dates: frozenset[date]


class FileDamagedError(Exception):
    """A file cannot be read to its end, so nothing of this load was kept.

    Attributes:
        file: the damaged file.
    """

    def __init__(self, file: LandedFile, problem: str) -> None:
        super().__init__(problem)
        self.file = file


class FileUnreadableError(Exception):
    """The landing does not give a file out, so nothing of this load was kept. The cause is why.

    Attributes:
        file: the file.
    """

    def __init__(self, file: LandedFile) -> None:
        super().__init__(f"{file.path} cannot be read.")
        self.file = file


def load_files(
    conn: psycopg.Connection,
    raw_schema: str,
    store: LandingStore,
    files: Sequence[LandedFile],
    *,
    kind: str,
    run_id: str | None,
    seen: Callable[[int], None] = lambda events: None,
) -> Loaded | None:
    """Load files in one transaction, under the lock of their source.

    Args:
        conn: a connection without an open transaction.
        raw_schema: where the tables are.
        store: where the files are.
        files: what to load. A `load` leaves out those that another run has loaded meanwhile; a `replay` takes all.
        kind: `load` or `replay`.
        run_id: who asks.
        seen: called with the number of events read so far.

    Returns:
        What was loaded; None where nothing was left to do.

    Raises:
        FileDamagedError: a file is damaged; nothing was kept.
        FileUnreadableError: the landing does not give a file out; nothing was kept.
        KeyVersionError: another version of this program has given the events other keys meanwhile.
    """
    with conn.transaction():
        ledger.lock(conn, raw_schema)
        require_current(conn, raw_schema)
        if kind == "load":
            known = ledger.loaded(conn, raw_schema, files)
            files = [file for file in files if file.name not in known]
        if not files:
            return None
        # The only queries that follow are looks into an index. Fresh tables have no statistics, and Postgres would
        # rather read all of them.
        conn.execute(
            "select set_config(name, 'off', true) "
            "from unnest(array['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin']) as name"
        )
        load_id = ledger.begin(conn, raw_schema, kind, run_id)
        by_name = {file.name: file for file in files}
        storer = Storer(
            conn, raw_schema, load_id, lambda place: _text_of(store, by_name[place.file_name], place)
        )
        tallied = tuple((file, Tally()) for file in files)
        opened = ((file.name, tally, _posts(store, file, tally)) for file, tally in tallied)
        with _collector_at_rest(), ahead(batches(opened, load_id), BATCHES_AHEAD) as shaped:
            for batch in shaped:
                storer.store(batch)
                seen(sum(tally.events_read for _, tally in tallied))
        ledger.record(conn, raw_schema, load_id, tallied, stay_where_they_are=kind == "replay")
        ledger.forget_problems(conn, raw_schema, [file.name for file in files])
        total = ledger.add_up(tally for _, tally in tallied)
        ledger.finish(
            conn, raw_schema, load_id, files=len(files), total=total, event_dates=storer.event_dates
        )
    return Loaded(load_id, tallied, frozenset(storer.event_dates))


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Python's search for cycles, off: events leave none behind, and looking for them took a fifth of the time of shaping."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _posts(store: LandingStore, file: LandedFile, tally: Tally) -> Iterator[Post]:
    try:
        posts = store.read(file)
        yield from posts
    except DamagedFile as error:
        raise FileDamagedError(file, str(error)) from error
    except LandingUnreachable:
        raise
    except Exception as error:  # each file system has errors of its own
        raise FileUnreadableError(file) from error
    tally.checksum = posts.checksum


def _text_of(store: LandingStore, file: LandedFile, place: Place) -> str:
    with closing(store.read(file)) as posts:
        post = next(islice(posts, place.post_index, None))
    return item_text(post.body, place.item_index)
