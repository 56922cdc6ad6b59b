"""Reading lists that come in pages, in the three manners that SendGrid has.

Each function yields the rows and says in a `Reading` whether they are surely all. Where a list changed under the read it
is read again from the start: rows then come twice, and the caller keeps the last of each.

SendGrid answers an empty list with `[]` or with null. Null with a count of 0 is empty, and so is null where 0 rows are
expected. A null that nothing counts is as good as an uncounted `[]` at the beginning of a list: the caller decides, knowing
what was there before. In the middle of a list, or beside another count, it may hide rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from sendgrid_orchestration.sendgrid.client import Params, SendGridClient
from sendgrid_orchestration.sendgrid.errors import NotFoundError, UnexpectedAnswerError
from sendgrid_orchestration.sendgrid.reading import Reading

Row = dict[str, Any]

PASSES = 3
"""How often a list that changes while it is read is read again from the start."""

MOST_EMPTY_PAGES = 20
"""The legacy API may give empty pages before its end; after so many in a row the end is taken as reached."""


def token_pages(
    client: SendGridClient,
    path: str,
    reading: Reading,
    *,
    params: Params | None = None,
    keys: tuple[str, ...] = ("result", "results"),
    identity: tuple[str, ...] = ("id",),
) -> Iterator[Row]:
    """Pages that link to each other through `_metadata.next`.

    Args:
        client: whom to ask.
        path: of the first page.
        reading: told what is odd.
        params: of the first page; later ones carry their own.
        keys: where the rows may stand.
        identity: the fields that make a row the same row.

    Raises:
        UnexpectedAnswerError: a link leads to another host, or an answer has no rows at all.
    """
    for attempt in range(1, PASSES + 1):
        one_pass = _Pass(client, path, reading, keys, identity)
        yield from one_pass.rows(params)
        trouble = one_pass.trouble()
        if trouble is None:
            reading.compared(counted=bool(one_pass.counts))
            return
        if attempt < PASSES:
            reading.note(f"{path}: {trouble}. Read again from the start.")
        else:
            reading.doubt(f"{path}: {trouble}, {PASSES} times. What is missing is not taken as deleted.")


@dataclass
class _Pass:
    """One walk through all pages."""

    client: SendGridClient
    path: str
    reading: Reading
    keys: tuple[str, ...]
    identity: tuple[str, ...]
    counts: list[tuple[int, int]] = field(default_factory=list)
    seen: set[tuple[Any, ...]] = field(default_factory=set)
    repeated: bool = False
    pages: int = 0
    had_null: bool = False

    def rows(self, params: Params | None) -> Iterator[Row]:
        answer = self.client.get(self.path, params)
        links: set[str] = set()
        fingerprints: set[bytes] = set()
        while True:
            rows = rows_in(answer, self.keys, self.path, self.reading, self.client.source)
            print_of_page = _fingerprint(rows)
            link = _metadata(answer).get("next")
            if (rows and print_of_page in fingerprints) or link in links:
                self.repeated = True
                return
            fingerprints.add(print_of_page)
            count = stated_count(answer)
            self.pages += 1
            self.had_null |= rows is None and count != 0
            if count is not None:
                self.counts.append((count, len(rows or ())))
            for row in rows or ():
                self.seen.add(tuple(row.get(name) for name in self.identity))
                yield row
            if not link:
                return
            links.add(link)
            answer = self.client.get(self.client.path_of(str(link)))

    def trouble(self) -> str | None:
        """Why this pass may have missed rows; None where it has not."""
        if self.repeated:
            return "a page came a second time"
        if self.had_null and (self.counts or self.pages > 1):
            return "there was null where rows should be"
        totals = {total for total, _ in self.counts}
        # Documented as the number of items on all pages; where it is each page's own number, it proves nothing.
        if len(self.counts) > 1 and all(total == rows for total, rows in self.counts):
            return None
        if len(totals) > 1:
            return f"the list changed while it was read (first {self.counts[0][0]} rows, then {self.counts[-1][0]})"
        if totals and totals != {len(self.seen)}:
            return f"{len(self.seen)} rows came, and SendGrid counts {totals.pop()}"
        return None


def offset_pages(
    client: SendGridClient,
    path: str,
    reading: Reading,
    *,
    params: Params | None = None,
    limit: int,
    expected: int | None = None,
) -> Iterator[Row]:
    """Pages by `limit` and `offset` over a bare array.

    Offsets over a list that shrinks skip rows. So each page begins with the last row of the page before: where it does not,
    the list moved, and is read again. The end is a page with nothing else, for a short page may also be an endpoint's own limit.

    Args:
        client: whom to ask.
        path: of the list.
        reading: told what is odd.
        params: of every page.
        limit: rows to a page.
        expected: how many rows SendGrid counts elsewhere; tells an endpoint that gives all at once from a page that repeats.
    """
    for attempt in range(1, PASSES + 1):
        page: list[Row] = []
        taken = 0
        while True:
            asked = {**(params or {}), "limit": limit, "offset": max(taken - 1, 0)}
            answer = client.get(path, asked)
            rows = rows_in(answer, ("result",), path, reading, client.source)
            if not rows and not taken:
                reading.compared(counted=0 in (expected, stated_count(answer)))
                return
            if rows is None:
                reading.doubt(f"{path}: there was null where rows should be, after {taken} rows.")
                return
            fresh = rows
            if page:
                if rows == page and len(page) > 1 and taken == expected:
                    return
                if not rows or rows[0] != page[-1]:
                    break
                fresh = rows[1:]
            if not fresh:
                return
            yield from fresh
            taken += len(fresh)
            page = rows
        if attempt < PASSES:
            reading.note(f"{path}: a page did not continue the one before. Read again from the start.")
    reading.doubt(
        f"{path}: pages did not fit together, {PASSES} times. What is missing is not taken as deleted."
    )


def numbered_pages(
    client: SendGridClient,
    path: str,
    reading: Reading,
    *,
    key: str,
    page_size: int = 1000,
    expected: int | None = None,
) -> Iterator[Row]:
    """The legacy API's pages by number: they may be empty before the end, and the end is a 404.

    Args:
        client: whom to ask.
        path: of the list.
        reading: told what is odd.
        key: where the rows stand.
        page_size: up to 1000.
        expected: how many rows there should be; empty pages are then not searched for more.
    """
    page, empty, rows_read = 1, 0, 0
    fingerprints: set[bytes] = set()
    while True:
        try:
            answer = client.get(path, {"page": page, "page_size": page_size})
        except NotFoundError:
            if page == 1 and expected is None:
                raise
            return
        rows = rows_in(answer, (key,), path, reading, client.source)
        if rows is None and expected != 0 and (expected is not None or page > 1):
            reading.doubt(f"{path}: there was null where rows should be, on page {page}.")
        fingerprint = _fingerprint(rows)
        if rows and fingerprint in fingerprints:
            reading.doubt(f"{path}: page {page} repeats an earlier one. What follows was not read.")
            return
        fingerprints.add(fingerprint)
        yield from rows or ()
        rows_read += len(rows or ())
        empty = 0 if rows else empty + 1
        if empty and expected is not None and rows_read >= expected:
            return
        if empty >= MOST_EMPTY_PAGES:
            reading.doubt(f"{path}: {empty} empty pages in a row, after {rows_read} rows, and no end.")
            return
        page += 1


def whole_list(
    client: SendGridClient, path: str, reading: Reading, *keys: str, params: Params | None = None
) -> list[Row]:
    """The rows of a list that has no pages.

    Args:
        client: whom to ask.
        path: of the list.
        reading: told what is odd.
        keys: where the rows may stand; an answer that is an array itself needs none.
        params: of the request.

    Raises:
        UnexpectedAnswerError: the answer has no rows at all.
    """
    answer = client.get(path, params)
    # The specification of segments shows one bare object where the API sends {"results": […]}.
    if isinstance(answer, dict) and "id" in answer and answer.keys().isdisjoint(keys):
        answer = [answer]
    rows = rows_in(answer, keys, path, reading, client.source)
    count = stated_count(answer)
    reading.compared(counted=count is not None and count == len(rows or ()))
    if rows is None and count:
        reading.doubt(f"{path}: there was null where rows should be, and SendGrid counts {count}.")
    return rows or []


def stated_count(answer: Any) -> int | None:
    """How many rows the answer says there are; None where it does not say."""
    count = _metadata(answer).get("count")
    return count if isinstance(count, int) else None


def _metadata(answer: Any) -> dict[str, Any]:
    metadata = answer.get("_metadata") if isinstance(answer, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def rows_in(answer: Any, keys: tuple[str, ...], path: str, reading: Reading, source: str) -> list[Row] | None:
    """The rows of an answer, wherever they stand; None where SendGrid put a null.

    Raises:
        UnexpectedAnswerError: there is no array to be found.
    """
    found = answer
    if isinstance(answer, dict):
        present = [key for key in keys if key in answer]
        if not present:
            raise UnexpectedAnswerError(
                f'SendGrid (source "{source}") answered {path} without {" or ".join(keys)}: it has '
                f"{', '.join(sorted(map(str, answer))) or 'nothing'}. The tables stay as they are."
            )
        found = answer[present[0]]
    if found is None:
        return None
    if not isinstance(found, list):
        raise UnexpectedAnswerError(
            f'SendGrid (source "{source}") answered {path} with a {type(found).__name__} where rows should be. '
            "The tables stay as they are."
        )
    rows = [row for row in found if isinstance(row, dict)]
    if len(rows) < len(found):
        reading.doubt(f"{path}: {len(found) - len(rows)} rows were no objects and were left out.")
    return rows


def _fingerprint(rows: list[Row] | None) -> bytes:
    return hashlib.blake2b(orjson.dumps(rows), digest_size=16).digest()
