"""From posts to batches of rows: the half of a load that Python does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from itertools import pairwise
from typing import Protocol
from uuid import UUID

from sendgrid_orchestration.load import rows
from sendgrid_orchestration.load.quick import NOT_FOR_ME, SHAPERS
from sendgrid_orchestration.load.rows import PostRows
from sendgrid_orchestration.sendgrid.event_json import NotJsonError, as_storable_text, texts_of_items
from sendgrid_orchestration.sendgrid.event_parser import Items, NotAPostError, OddItem
from sendgrid_orchestration.sendgrid.events import Occurs

FIRST_BATCH_ROWS = 2_000
BATCH_ROWS = 8_000
BATCH_GROWTH = 1.25
BATCH_BYTES = 16 * 1024 * 1024
"""A batch ends with the post that reaches its rows or bytes. A few batches are in memory at a time, whatever a file's size.

Each COPY costs Postgres 3 milliseconds before it has stored anything (memory for a thousand rows), which is a quarter of the
time of a thousand rows, so batches should be large. But Postgres starts only when the first batch is shaped: that one is
small, and each next one larger by no more than Python is faster.
"""

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
class Quarantined:
    """An item that could not be understood, on its way into the quarantine."""

    key: UUID
    reason: str
    detail: str
    item: str
    file_name: str
    post_index: int
    item_index: int
    received_at: datetime


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
    quarantined: list[Quarantined] = field(default_factory=list)
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

    @property
    def is_full(self) -> bool:
        """Whether it is time to store it."""
        return len(self.rows) + len(self.quarantined) >= self.most or self.size >= BATCH_BYTES

    def add(
        self, post: Post, load_id: int, tally: Tally, file_name: str, post_index: int
    ) -> dict[int, OddItem]:
        """Shape one more post.

        Returns:
            What was odd in it, by the place in the post.
        """
        received_at = post.received_at
        tally.saw(received_at)
        shaper = PostRows((received_at - _EPOCH) // _MICROSECOND, load_id)
        self.size += len(post.body)
        begin = len(self.rows)
        try:
            odd = self._shape(Items(post.body), shaper)
        except NotAPostError as error:
            odd = {WHOLE_POST: OddItem(error.reason, str(error))}
        if odd:
            self._quarantine(post, odd, file_name, post_index)
        tally.quarantined += len(odd)
        tally.events_read += len(self.rows) - begin + len(odd)
        if self.owners and self.owners[-1][0] is tally:
            self.owners[-1] = tally, len(self.rows)
        else:
            self.owners.append((tally, len(self.rows)))
        return odd

    def finish(self) -> None:
        """Prepare everything that storing needs, while Postgres is busy: it is idle while the storing half computes."""
        self.keys = [row[rows.KEY] for row in self.rows]
        self.contents = {key[:8] for key in self.keys}
        self.stretches = _stretches(sorted(rows.integers({row[rows.AT] for row in self.rows}, "q")))
        self.days = rows.days(self.rows)
        self.encoded = rows.encoded(self.rows)

    def _shape(self, items: Items, shaper: PostRows) -> dict[int, OddItem]:
        odd: dict[int, OddItem] = {}
        append, finish = self.rows.append, shaper.finish
        for index, item in enumerate(items.raw):
            try:
                append(SHAPERS[tuple(item)](item, finish))
            except NOT_FOR_ME:
                event = items.event(index)
                if isinstance(event, OddItem):
                    odd[index] = event
                else:
                    append(shaper.row(event))
        return odd

    def _quarantine(self, post: Post, odd: dict[int, OddItem], file_name: str, post_index: int) -> None:
        try:
            texts = texts_of_items(post.body)
        except NotJsonError:
            texts = []
        for index, item in odd.items():
            text = texts[index] if 0 <= index < len(texts) else as_storable_text(post.body)
            self.quarantined.append(
                Quarantined(
                    quarantine_key(file_name, post_index, index),
                    item.reason,
                    item.detail,
                    text,
                    file_name,
                    post_index,
                    index,
                    post.received_at,
                )
            )


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


def quarantine_key(file_name: str, post_index: int, item_index: int) -> UUID:
    """What an item is called in the quarantine: the same whenever its file is loaded again."""
    place = f"{file_name}\0{post_index}\0{item_index}".encode()
    return UUID(bytes=blake2b(place, digest_size=16).digest())


def batches(files: Iterable[tuple[str, Tally, Iterable[Post]]], load_id: int) -> Iterator[Batch]:
    """The posts of some files as batches; small files share one, large ones take several.

    Args:
        files: name, tally and posts of each file; the tallies are filled on the way.
        load_id: the load that brings them.
    """
    batch = Batch(min(FIRST_BATCH_ROWS, BATCH_ROWS))
    for file_name, tally, posts in files:
        for post_index, post in enumerate(posts):
            batch.add(post, load_id, tally, file_name, post_index)
            if batch.is_full:
                batch.finish()
                yield batch
                batch = Batch(min(int(batch.most * BATCH_GROWTH), BATCH_ROWS))
    if batch.rows or batch.quarantined:
        batch.finish()
        yield batch
