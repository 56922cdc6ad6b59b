"""From posts to batches of rows: the half of a load that Python does."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from itertools import count, islice, pairwise
from operator import itemgetter
from typing import NamedTuple, Protocol

from sendgrid_orchestration.load import rows
from sendgrid_orchestration.load.quick import SHAPERS
from sendgrid_orchestration.load.rows import PostRows
from sendgrid_orchestration.sendgrid.event_json import as_storable_text
from sendgrid_orchestration.sendgrid.event_parser import Items, NotAPostError, OddItem, items_of
from sendgrid_orchestration.sendgrid.events import Occurs

FIRST_BATCH_ROWS = 2_000
BATCH_ROWS = 8_000
BATCH_GROWTH = 1.25
BATCH_BYTES = 8 * 1024 * 1024
PORTION_ITEMS = 4_000
"""A batch ends with the portion of a post that reaches its rows or bytes. A few batches are in memory at a time, whatever the
size of a file or a post.

Each COPY costs Postgres 3 milliseconds before it has stored anything (memory for a thousand rows), which is a quarter of the
time of a thousand rows, so batches should be large. But Postgres starts only when the first batch is shaped: that one is
small, and each next one larger by no more than Python is faster.
"""

MOST_ODD_ITEMS = 1_000
"""So many odd items of a post are kept in quarantine one by one. A post can hold four million: as many rows would take the
warehouse a gigabyte and minutes, for eight megabytes of nothing. Further ones are kept in runs."""

_LONGEST_GAP = 2_000_000
"""Microseconds. Moments that lie closer together than this are one stretch."""

WHOLE_POST = -1
"""The item index of a quarantined post whose body is no list of items."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Post(Protocol):
    """One webhook request, as the landing keeps it."""

    @property
    def received_at(self) -> datetime:
        """When, UTC."""

    @property
    def body(self) -> bytes:
        """The bytes."""


@dataclass
class Tally:
    """What became of the items of one landed file."""

    posts: int = 0
    events_read: int = 0
    inserted: int = 0
    duplicate: int = 0
    quarantined: int = 0
    copies: int = 0
    variants: int = 0
    """Of the duplicates, those that say something else than the event that is kept."""
    first_received_at: datetime | None = None
    last_received_at: datetime | None = None
    checksum: str | None = None
    """Of the file's content, as `landing` computes it; None before the file was read to its end."""

    def saw(self, received_at: datetime) -> None:
        """Count a post."""
        self.posts += 1
        if self.first_received_at is None or received_at < self.first_received_at:
            self.first_received_at = received_at
        if self.last_received_at is None or received_at > self.last_received_at:
            self.last_received_at = received_at


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands."""

    file_name: str
    post_index: int
    received_at: datetime
    item_index: int
    """Counts from 0; `WHOLE_POST` for the body as a whole."""

    def key(self, item_index: int | None = None) -> str:
        """What this item, or another one of the post, is called in the quarantine: the same whenever its file is loaded again.

        Returns:
            The hexadecimal digits of a UUID.
        """
        index = self.item_index if item_index is None else item_index
        place = f"{self.file_name}\0{self.post_index}\0{index}".encode()
        return blake2b(place, digest_size=16).hexdigest()


class Odd(NamedTuple):
    """An item that is no event, or a run of them."""

    item_index: int
    """The place of the first one in the post."""
    why: OddItem
    text: str
    """What was posted."""
    items: int = 1
    """How many consecutive items these are."""


@dataclass(slots=True)
class Portion:
    """Consecutive items of a post, shaped."""

    first: int
    """The place of the first one in the post."""
    size: int
    """Bytes of the post that it comes from."""
    rows: list[str] = field(default_factory=list)
    odd: list[Odd] = field(default_factory=list)


def post_rows(received_at: datetime, load_id: int, ordinals: dict[bytes, int] | None = None) -> PostRows:
    """What makes the rows of a post that was received at this time."""
    return PostRows((received_at - _EPOCH) // _MICROSECOND, load_id, ordinals)


def portions(body: bytes, shaper: PostRows) -> Iterator[Portion]:
    """Shape the body of a post, a bounded number of items at a time.

    Args:
        body: a JSON array of items; anything else is one odd item.
        shaper: makes the rows.
    """
    odd = 0
    try:
        for items in items_of(body):
            for begin in range(0, len(items.values), PORTION_ITEMS):
                portion = _shape(items, begin, shaper, in_runs=odd >= MOST_ODD_ITEMS)
                odd += len(portion.odd)
                yield portion
    except NotAPostError as error:
        why = OddItem(error.reason, str(error))
        yield Portion(WHOLE_POST, len(body), [], [Odd(WHOLE_POST, why, as_storable_text(body))])


def _shape(items: Items, begin: int, shaper: PostRows, *, in_runs: bool) -> Portion:
    """Shape the next items.

    Args:
        items: the items of the post, or some of them.
        begin: which is the next one.
        shaper: makes the rows.
        in_runs: whether consecutive odd items are kept as one.
    """
    some = items.values[begin : begin + PORTION_ITEMS]
    portion = Portion(items.first + begin, items.size * len(some) // len(items.values))
    append, finish = portion.rows.append, shaper.finish
    odd: list[tuple[int, OddItem]] = []
    for index, item in enumerate(some, begin):
        try:
            append(SHAPERS[tuple(item)](item, finish))
        except Exception:  # whatever it is, it concerns this item alone; the plain way finds out what it is
            row = _shape_plainly(items, index, shaper)
            if isinstance(row, OddItem):
                odd.append((index, row))
            else:
                append(row)
    for run in _runs(odd) if in_runs else ([one] for one in odd):
        (first, why), (last, _) = run[0], run[-1]
        if first != last:
            why = OddItem(why.reason, f"{len(run)} items in a row are odd. The first one: {why.detail}")
        portion.odd.append(Odd(items.first + first, why, items.text(first, last), len(run)))
    return portion


def _runs(odd: list[tuple[int, OddItem]]) -> list[list[tuple[int, OddItem]]]:
    """Odd items that follow one another directly, together."""
    runs: list[list[tuple[int, OddItem]]] = []
    for index, why in odd:
        if runs and runs[-1][-1][0] == index - 1:
            runs[-1].append((index, why))
        else:
            runs.append([(index, why)])
    return runs


def _shape_plainly(items: Items, index: int, shaper: PostRows) -> str | OddItem:
    event = items.event(index)
    if isinstance(event, OddItem):
        return event
    try:
        return shaper.row(event)
    except Exception as error:
        return OddItem.from_error(error)


@dataclass
class Batch:
    """Rows of one or more files, in the order in which they were received.

    Args:
        most: how many make it full.
    """

    most: int = BATCH_ROWS
    rows: list[str] = field(default_factory=list)
    owners: list[tuple[Tally, int]] = field(default_factory=list)
    """Whose rows they are: each file's tally with the index behind its last row."""
    quarantined: list[tuple[Place, list[Odd]]] = field(default_factory=list)
    """Items that are no events, by portion: where its first item stands, and which they are."""
    size: int = 0
    """Bytes of the posts that it comes from."""
    keys: list[str] = field(default_factory=list)
    """The rows' keys, in their order."""
    contents: set[str] = field(default_factory=set)
    """The halves of the keys that say what happened."""
    stretches: tuple[list[int], list[int]] = ([], [])
    """Where the stretches of time begin and end in which the rows' moments lie close together; microseconds since 2000."""
    days: set[date] = field(default_factory=set)
    """The days that occur among the rows."""
    encoded: dict[Occurs, list[bytes]] = field(default_factory=dict)
    """All rows as COPY takes them, one COPY for each set of columns; what is sent when nothing of the batch is known."""
    _origins: list[tuple[int, Place, list[Odd]]] = field(default_factory=list)
    """For each portion the index of its first row, where its first item stands, and which items of it are no rows."""
    _odd: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it is time to store it."""
        return len(self.rows) + self._odd >= self.most or self.size >= BATCH_BYTES

    def add(
        self, portion: Portion, tally: Tally, file_name: str, post_index: int, received_at: datetime
    ) -> None:
        """Take one more portion of a post, and count its items."""
        self.size += portion.size
        first = Place(file_name, post_index, received_at, portion.first)
        self._origins.append((len(self.rows), first, portion.odd))
        self.rows += portion.rows
        if portion.odd:
            self.quarantined.append((first, portion.odd))
            self._odd += len(portion.odd)
        odd = sum(one.items for one in portion.odd)
        tally.quarantined += odd
        tally.events_read += len(portion.rows) + odd
        if self.owners and self.owners[-1][0] is tally:
            self.owners[-1] = tally, len(self.rows)
        else:
            self.owners.append((tally, len(self.rows)))

    def finish(self) -> None:
        """Prepare everything that storing needs, while Postgres is busy: it is idle while the storing half computes."""
        self.keys = [row[rows.KEY] for row in self.rows]
        self.contents = {key[:8] for key in self.keys}
        self.stretches = _stretches(sorted(rows.integers({row[rows.AT] for row in self.rows}, "q")))
        self.days = rows.days(self.rows)
        self.encoded = rows.encoded(self.rows)

    def place_of(self, row: int) -> Place:
        """Where the item of a row stands."""
        begin, first, odd = self._origins[bisect_right(self._origins, row, key=itemgetter(0)) - 1]
        are_no_rows = {one.item_index + n for one in odd for n in range(one.items)}
        are_rows = (index for index in count(first.item_index) if index not in are_no_rows)
        return replace(first, item_index=next(islice(are_rows, row - begin, None)))

    def tally_of(self, row: int) -> Tally:
        """The tally of the file that a row comes from."""
        return self.owners[bisect_right(self.owners, row, key=itemgetter(1))][0]


def _stretches(moments: list[int]) -> tuple[list[int], list[int]]:
    """Beginnings and ends of the stretches in which these moments, sorted, lie close together."""
    if not moments:
        return [], []
    begins, ends = [moments[0]], []
    for before, moment in pairwise(moments):
        if moment - before > _LONGEST_GAP:
            ends.append(before)
            begins.append(moment)
    ends.append(moments[-1])
    return begins, ends


def batches(files: Iterable[tuple[str, Tally, Iterable[Post]]], load_id: int) -> Iterator[Batch]:
    """The posts of some files as batches; small files share one, large ones take several.

    Args:
        files: name, tally and posts of each file; the tallies are filled on the way.
        load_id: the load that brings them.
    """
    batch = Batch(min(FIRST_BATCH_ROWS, BATCH_ROWS))
    for file_name, tally, posts in files:
        for post_index, post in enumerate(posts):
            tally.saw(post.received_at)
            for portion in portions(post.body, post_rows(post.received_at, load_id)):
                batch.add(portion, tally, file_name, post_index, post.received_at)
                if batch.is_full:
                    batch.finish()
                    yield batch
                    batch = Batch(min(int(batch.most * BATCH_GROWTH), BATCH_ROWS))
    if batch.rows or batch.quarantined:
        batch.finish()
        yield batch
