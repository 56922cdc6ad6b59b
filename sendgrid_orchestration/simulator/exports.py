"""Contact exports: jobs that take a while, and the files they leave behind a pre-signed link."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import orjson

from sendgrid_orchestration.simulator.clock import iso
from sendgrid_orchestration.simulator.contacts import COLUMNS, LAST_COLUMNS, ContactBook, Numbers
from sendgrid_orchestration.simulator.membership import Membership
from sendgrid_orchestration.simulator.presigned import Links

_MEGABYTE = 1_000_000
_MOST_JOBS = 500
_OWN_ANSWER = ("updated_at", "message", "contact_count")


@dataclass
class ExportHabits:
    """How exports behave; tests change what they need.

    Attributes:
        pending_polls: how often a job says `pending` before it is ready.
        failure: the message with which the next jobs fail; they succeed where None.
        gzip: whether files are compressed; SendGrid's are for most accounts.
        gzip_name: whether the name ends in `.gzip`, which it may do without being so.
        rows_per_file: splits an export even where max_file_size would not.
        link_seconds: how long links work.
        empty_as_nothing: an export without rows is a file of zero bytes, not a header.
        empty_answer: how a job without rows says that it is ready: with a link to an empty file, with a count of 0 and no
            links, or with neither; the specification requires none of the two.
        header: how custom fields are spelled in the header; SendGrid's own columns are upper case.
        extra_columns: columns that nobody has seen before, with the value in every row.
        duplicate_rows: so many rows at the front come a second time at the end.
        cut_after: ends the CSV after so many bytes, in the middle of a row.
    """

    pending_polls: int = 1
    failure: str | None = None
    gzip: bool = True
    gzip_name: bool = True
    rows_per_file: int = 500_000
    link_seconds: int = 259_200
    empty_as_nothing: bool = True
    empty_answer: Literal["link", "count", "bare"] = "link"
    header: Literal["upper", "as_named"] = "as_named"
    extra_columns: dict[str, str] = field(default_factory=dict)
    duplicate_rows: int = 0
    cut_after: int | None = None


@dataclass
class Export:
    """One job: who is in it is settled when it is asked for."""

    id: str
    numbers: Numbers
    book: ContactBook
    habits: ExportHabits
    file_type: Literal["csv", "json"]
    files: int
    rows_per_file: int
    created: int
    lists: list[dict[str, str]]
    segments: list[dict[str, str]]
    polls: int = 0
    completed: int | None = None

    @property
    def kind(self) -> str:
        """What SendGrid calls this sort of export."""
        return "list_export" if self.lists else "segment_export" if self.segments else "contacts_export"

    def content(self, part: int) -> Iterator[bytes]:
        """One file, as it is before compression."""
        numbers = self.numbers[part * self.rows_per_file : (part + 1) * self.rows_per_file]
        if part == self.files - 1 and self.habits.duplicate_rows:
            numbers = [*numbers.tolist(), *self.numbers[: self.habits.duplicate_rows].tolist()]  # type: ignore[assignment]
        chunks = self._csv(numbers) if self.file_type == "csv" else self._json(numbers)
        return chunks if self.habits.cut_after is None else _cut(chunks, self.habits.cut_after)

    def _csv(self, numbers: Any) -> Iterator[bytes]:
        if len(numbers) == 0 and self.habits.empty_as_nothing:
            return
        custom = [
            f.name.upper() if self.habits.header == "upper" else f.name for f in self.book.fields.custom
        ]
        reserved, last = ([name.upper() for name in names] for names in (COLUMNS, LAST_COLUMNS))
        header = [*reserved, *custom, *last, *self.habits.extra_columns]
        yield (",".join(f'"{name}"' for name in header) + "\n").encode()
        more = "".join(f',"{value}"' for value in self.habits.extra_columns.values()).encode()
        for chunk in self.book.csv(_array(numbers)):
            # A line break inside a value is never right behind a quotation mark, so this finds the ends of rows only.
            yield chunk.replace(b'"\n"', b'"' + more + b'\n"')[:-1] + more + b"\n" if more else chunk

    def _json(self, numbers: Any) -> Iterator[bytes]:
        listed = _array(numbers)
        for start in range(0, len(listed), 1000):
            for contact in self.book.documents(listed[start : start + 1000]):
                yield orjson.dumps({"contact_id": contact.pop("id"), **contact}) + b"\n"


class Exports:
    """All jobs of the account, and the links to their files.

    Attributes:
        habits: how the exports that are asked for from now on behave.
    """

    def __init__(
        self, book: ContactBook, membership: Membership, clock: Callable[[], float], links: Links
    ) -> None:
        self.habits = ExportHabits()
        self._book, self._membership, self._clock, self._links = book, membership, clock, links
        self._jobs: dict[str, Export] = {}

    def create(
        self,
        list_ids: list[str],
        segment_ids: list[str],
        file_type: Literal["csv", "json"],
        max_megabytes: int,
    ) -> Export:
        """Start an export; without lists and segments it has every contact.

        Raises:
            KeyError: a list or segment does not exist.
        """
        lists = [self._membership.lists[one] for one in list_ids]
        segments = [self._membership.segments[one] for one in segment_ids]
        habits = ExportHabits(**vars(self.habits))
        numbers = self._wanted(list_ids, segment_ids)
        row_bytes = 260 + 20 * len(self._book.fields.custom)
        rows = max(min(habits.rows_per_file, max_megabytes * _MEGABYTE // row_bytes), 1)
        made = Export(
            id=str(uuid.uuid4()),
            numbers=numbers,
            book=self._book.frozen(),
            habits=habits,
            file_type=file_type,
            files=max(-(-len(numbers) // rows), 1),
            rows_per_file=rows,
            created=int(self._clock()),
            lists=[{"ID": one.id, "Name": one.name} for one in lists],
            segments=[{"ID": one.id, "Name": one.name} for one in segments],
        )
        if len(self._jobs) >= _MOST_JOBS:
            del self._jobs[next(iter(self._jobs))]
        self._jobs[made.id] = made
        return made

    def poll(self, export_id: str) -> dict[str, Any]:
        """What the job says when it is asked once more.

        Raises:
            KeyError: there is no such job.
        """
        job = self._jobs[export_id]
        job.polls += 1
        if job.completed is None and job.polls > job.habits.pending_polls:
            job.completed = int(self._clock())
        return self._told(job)

    def all(self) -> list[dict[str, Any]]:
        """Every job, the newest first, with what it was made of, and without what only its own answer has."""
        return [
            {
                **{key: value for key, value in self._told(job).items() if key not in _OWN_ANSWER},
                "user_id": "2135897280",
                "export_type": job.kind,
                "segments": job.segments,
                "lists": job.lists,
            }
            for job in reversed(self._jobs.values())
        ]

    def download(self, export_id: str, part: int) -> tuple[Iterator[bytes], bool]:
        """A file's bytes, and whether they are compressed.

        Raises:
            KeyError: there is no such file.
        """
        job = self._jobs[export_id]
        if not 0 <= part < job.files:
            raise KeyError(part)
        content = job.content(part)
        # SendGrid compresses an export without rows into nothing at all, which is no gzip file either.
        if job.habits.gzip and len(job.numbers):
            return _gzipped(content), True
        return content, False

    def _wanted(self, list_ids: list[str], segment_ids: list[str]) -> Numbers:
        if not list_ids and not segment_ids:
            return self._book.numbers()
        wanted = self._book.numbers()[:0]
        members = [self._membership.list_numbers(one) for one in list_ids]
        members += [self._membership.segment_numbers(one) for one in segment_ids]
        for some in members:
            wanted = _union(wanted, some)
        return wanted

    def _told(self, job: Export) -> dict[str, Any]:
        told: dict[str, Any] = {"id": job.id, "status": "pending", "created_at": iso(job.created)}
        told["updated_at"] = iso(job.completed or self._clock())
        told["expires_at"] = iso((job.completed or job.created) + job.habits.link_seconds)
        if job.completed is None:
            return told
        told["completed_at"] = iso(job.completed)
        if job.habits.failure is not None:
            return told | {"status": "failure", "message": job.habits.failure}
        told["status"] = "ready"
        as_it_is = "link" if len(job.numbers) else job.habits.empty_answer
        if as_it_is == "link":
            told["urls"] = [self._link(job, part) for part in range(job.files)]
        return told if as_it_is == "bare" else told | {"contact_count": len(job.numbers)}

    def _link(self, job: Export, part: int) -> str:
        ending = ".gzip" if job.habits.gzip_name else ""
        path = f"/email-contact-exports/{job.id}/{part + 1}_{job.files}.{job.file_type}{ending}"
        return self._links.make(path, job.habits.link_seconds, since=job.completed)


def _array(numbers: Any) -> Numbers:
    return np.asarray(numbers, dtype=np.int64)


def _union(one: Numbers, other: Numbers) -> Numbers:
    return np.union1d(one, other)


def _gzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()


def _cut(chunks: Iterator[bytes], length: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk[:length]
        length -= len(chunk)
        if length <= 0:
            return
