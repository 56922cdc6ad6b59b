"""Readers of SendGrid's statistics by day: of the account, its categories and subusers, and of what its mail was read with.

Days are read once from the beginning; the latest are read again at every sync, because SendGrid goes on counting. A day on
which a category (a browser, a country …) had nothing gets no row, so that a thousand old categories cost none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote_plus

from psycopg import sql

from sendgrid_orchestration.sendgrid.errors import (
    BadRequestError,
    NotFoundError,
    SendGridError,
    UnexpectedAnswerError,
)
from sendgrid_orchestration.sendgrid.paging import Row, offset_pages, whole_list
from sendgrid_orchestration.sync import account, ledger
from sendgrid_orchestration.sync.context import Context
from sendgrid_orchestration.sync.errors import NotOfferedError
from sendgrid_orchestration.sync.mirror import Reader, Records
from sendgrid_orchestration.warehouse.engine import connect
from sendgrid_orchestration.warehouse.object_tables import TABLES

T = TypeVar("T")

FIRST_DAYS = timedelta(days=396)
"""How far back the first sync reads unless the settings say otherwise: thirteen months."""

KEPT_DAYS = timedelta(days=393)
"""SendGrid keeps statistics of categories for thirteen months; these are the shortest that there are."""

READ_AGAIN = timedelta(days=30)
"""How far before the last sync each later one begins: opens and clicks are counted late, incidents are corrected."""

READ_AGAIN_ADVANCED = timedelta(days=7)
"""The same for statistics by device, browser and the like: SendGrid documents that it stores seven days of their activity."""

MAX_NAMES = 10
"""Categories or subusers of one request."""

MAX_NAMES_BYTES = 4000
"""The same in bytes of the URL: category names have up to 255 characters."""

MAX_FIGURES = 500
"""The default `limit` of these endpoints. SendGrid does not document whether it counts days or the figures of all days."""

SUBUSERS_PAGE = 100

_SLICE = timedelta(days=90)
_SLICE_OF_NAMES = timedelta(days=MAX_FIGURES // MAX_NAMES)
"""Short enough that ten names never have more figures than the limit, whatever it counts."""

GEO = "/v3/geo/stats"
_COUNTRIES_WITH_PROVINCES = ("US", "CA")

_Span = dict[str, Any]


def daily_stats(context: Context) -> Records:
    """`GET /v3/stats`. Days without mail are rows, too."""
    days = _Days.of(context, "daily_stats")
    for span in days.slices(_SLICE):
        for row in whole_list(context.client, "/v3/stats", context.reading, "stats", params=span):
            yield {"date": row.get("date"), "stats": _sole(row.get("stats"))}
    context.read_from = days.first


def category_stats(context: Context) -> Records:
    """`GET /v3/categories/stats`, of every category there is."""
    names = [row.get("category") for row in account.categories(context) if isinstance(row, dict)]
    days = _Days.of(context, "category_stats", kept=KEPT_DAYS)
    return _Named(context, "category_stats", "/v3/categories/stats", "categories").of(names, days)


def subusers(context: Context) -> Iterator[Row]:
    """`GET /v3/subusers`, with the region of each."""
    return _of_parents(
        offset_pages(
            context.client,
            "/v3/subusers",
            context.reading,
            params={"include_region": "true"},
            limit=SUBUSERS_PAGE,
        )
    )


def subuser_stats(context: Context) -> Records:
    """`GET /v3/subusers/stats`, of every subuser but those in the EU, whom the endpoint does not cover."""
    return _of_parents(_subuser_stats(context))


def _of_parents(rows: Iterator[T]) -> Iterator[T]:
    """The rows, on an account that may have subusers.

    Raises:
        NotOfferedError: the account may not: the only error that is documented is 401, which here does not mean the key.
    """
    try:
        yield from rows
    except UnexpectedAnswerError as refusal:
        if refusal.status != HTTPStatus.UNAUTHORIZED:
            raise
        raise NotOfferedError(f"This account cannot have subusers ({refusal.status}).") from refusal


def _subuser_stats(context: Context) -> Records:
    listed = list(subusers(context))
    names = [row.get("username") for row in listed if row.get("region") != "eu"]
    if len(names) < len(listed):
        context.reading.note(
            f"{len(listed) - len(names)} subusers are in the EU, where SendGrid gives their statistics to their own keys alone."
        )
    days = _Days.of(context, "subuser_stats")
    return _Named(context, "subuser_stats", "/v3/subusers/stats", "subusers").of(names, days)


def advanced_stats(table: str, path: str) -> Reader:
    """The reader of one of the statistics whose names SendGrid lists by itself.

    Args:
        table: the target.
        path: of the endpoint.
    """
    return partial(_advanced, table=table, path=path)


def geo_stats(context: Context) -> Records:
    """`GET /v3/geo/stats`: all countries, then the provinces of those that SendGrid divides."""
    days = _Days.of(context, "geo_stats", kept=KEPT_DAYS, again=READ_AGAIN_ADVANCED)
    for span in days.slices(_SLICE):
        for country in (None, *_COUNTRIES_WITH_PROVINCES):
            for when, figure in _advanced_figures(context, GEO, {**span, "country": country}, days):
                name = figure.get("name")
                if figure.get("type") == "country":
                    place = {"country": name.upper() if isinstance(name, str) else name, "province": "all"}
                elif country is not None:
                    place = {"country": country, "province": name}
                else:
                    continue  # a province without its country; it comes again with it
                yield {"date": when, **place, "stats": {"metrics": figure.get("metrics")}}
    context.read_from = days.first


@dataclass(frozen=True)
class _Days:
    """The days that one sync reads.

    Attributes:
        again: the latest of them, which every sync reads, begin here.
    """

    first: date
    last: date
    again: date

    @classmethod
    def of(
        cls, context: Context, name: str, *, kept: timedelta | None = None, again: timedelta = READ_AGAIN
    ) -> _Days:
        """All from the beginning where they were never read, else those since shortly before the last sync.

        Args:
            context: the circumstances.
            name: the object.
            kept: how long SendGrid keeps them, where that is documented.
            again: how far before the last sync to begin.
        """
        last = context.now.date()
        beginning = min(context.stats_since or last - FIRST_DAYS, last)
        if kept is not None:
            beginning = max(beginning, last - kept)
        read = ledger.days_read(context.url, context.raw, name)
        if read is None or beginning < read.first:
            first = beginning
        else:
            first = max(beginning, min(read.last, last) - again)
        return cls(first, last, last - again)

    def may_refuse(self, span: _Span) -> bool:
        """Whether a refusal of this slice may only mean that SendGrid does not keep days as old as these."""
        return date.fromisoformat(span["end_date"]) < self.again

    def slices(self, length: timedelta) -> Iterator[_Span]:
        """The parameters of one request after the other; none has days that may be refused and days that may not."""
        first = self.first
        while first <= self.last:
            end = self.last if first >= self.again else self.again - timedelta(days=1)
            until = min(end, first + length - timedelta(days=1))
            yield {
                "start_date": first.isoformat(),
                "end_date": until.isoformat(),
                "aggregated_by": "day",
            }
            first = until + timedelta(days=1)


@dataclass(frozen=True)
class _Named:
    """Statistics of things that must be named, ten at a time.

    Attributes:
        table: the target.
        path: of the endpoint.
        parameter: names a thing; given once for each.
        refused: names that SendGrid refuses, found on the way.
    """

    context: Context
    table: str
    path: str
    parameter: str
    refused: set[str] = field(default_factory=set)

    def of(self, names: Iterable[Any], days: _Days) -> Records:
        """The rows of all these names, as SendGrid just listed them."""
        listed = self.context.reading.complete
        batches = list(_batches(dict.fromkeys(str(name) for name in names if name)))
        counted = _counted(self.context, self.table, days.first)
        for number, span in enumerate(days.slices(_SLICE_OF_NAMES), start=1):
            refusals: dict[str, SendGridError] = {}
            answered = False
            for batch in batches:
                wanted = [name for name in batch if name not in self.refused]
                rows, refused = self._rows(wanted, span)
                refusals |= refused
                answered |= len(refused) < len(wanted)
                if not answered and len(refusals) > 1:
                    break
                for when, figure in _figures(self.context, self.path, rows):
                    # Zero is worth a row only where it corrects one.
                    if _has_any(figure) or (when, str(figure.get("name"))) in counted:
                        yield _row(when, figure)
            self._judge(refusals, answered, days, span)
            self.context.progress(f"{self.table}: {number * len(batches)} requests answered.")
        if listed:
            self.context.read_from = days.first

    def _rows(self, names: list[str], span: _Span) -> tuple[list[Row], dict[str, SendGridError]]:
        """The rows of some names, and why SendGrid refuses which of them: one that is refused costs the others nothing."""
        if not names:
            return [], {}
        try:
            return self._ask(names, span), {}
        except (BadRequestError, NotFoundError) as refusal:
            if len(names) == 1:
                return [], {names[0]: refusal}
        rows: list[Row] = []
        refused: dict[str, SendGridError] = {}
        for name in names:
            found, why = self._rows([name], span)
            rows += found
            refused |= why
        return rows, refused

    def _judge(self, refusals: dict[str, SendGridError], answered: bool, days: _Days, span: _Span) -> None:
        """Tell names that SendGrid refuses from days that it refuses.

        Raises:
            SendGridError: it refuses all names, on days that it should have.
        """
        if answered:
            for name, refusal in refusals.items():
                self.refused.add(name)
                self.context.reading.doubt(f"{name} was left out: {refusal}")
            return
        for refusal in refusals.values():
            if not days.may_refuse(span):
                raise refusal
            self.context.reading.note(f"{self.path}: nothing before {span['end_date']}. {refusal}")
            return

    def _ask(self, names: list[str], span: _Span) -> list[Row]:
        params = {**span, self.parameter: names}
        return whole_list(self.context.client, self.path, self.context.reading, "stats", params=params)


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for name in names:
        more = len(quote_plus(name))
        if batch and (len(batch) == MAX_NAMES or size + more > MAX_NAMES_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(name)
        size += more
    if batch:
        yield batch


def _counted(context: Context, table: str, first: date) -> set[tuple[Any, Any]]:
    """The days from `first` on and names that have a row."""
    _, name = TABLES[table].key
    query = sql.SQL("select date::text, {} from {} where date >= %s and deleted_at is null").format(
        sql.Identifier(name), sql.Identifier(context.raw, table)
    )
    with connect(context.url) as conn:
        return set(conn.execute(query, [first]).fetchall())


def _advanced(context: Context, *, table: str, path: str) -> Records:
    days = _Days.of(context, table, kept=KEPT_DAYS, again=READ_AGAIN_ADVANCED)
    for span in days.slices(_SLICE):
        for when, figure in _advanced_figures(context, path, span, days):
            yield _row(when, figure)
    context.read_from = days.first


def _advanced_figures(context: Context, path: str, span: _Span, days: _Days) -> Iterator[tuple[str, Row]]:
    """The figures of a slice, but for zeros.

    A zero never replaces a count: SendGrid forgets these figures after some days, and what it has forgotten may come as
    nothing, as zero, or as a refusal.
    """
    try:
        for rows in _pages(context, path, span):
            for when, figure in _figures(context, path, rows):
                if _has_any(figure):
                    yield when, figure
    except BadRequestError as refusal:
        if not days.may_refuse(span):
            raise
        context.reading.note(f"{path}: nothing before {span['end_date']}. {refusal}")


def _pages(context: Context, path: str, span: _Span) -> Iterator[list[Row]]:
    """The rows of a slice, in pages whose offset goes on by the limit.

    That finds every figure, whether the limit counts days (no slice has so many), the figures of each day, or those of all
    days. Where it counts days, the page after a full one is empty.
    """
    offset = 0
    before: list[Row] = []
    while True:
        page = {**span, "limit": MAX_FIGURES, "offset": offset}
        rows = whole_list(context.client, path, context.reading, "stats", params=page)
        if rows and rows == before:
            context.reading.doubt(f"{path}: the page from {offset} on is the one before it.")
            return
        yield rows
        if sum(len(_listed(row)) for row in rows) < MAX_FIGURES:
            return
        before = rows
        offset += MAX_FIGURES


def _figures(context: Context, path: str, rows: Iterable[Row]) -> Iterator[tuple[str, Row]]:
    """Every figure with its day."""
    for row in rows:
        when = str(row.get("date"))[:10]
        for figure in _listed(row):
            if isinstance(figure, dict):
                yield when, figure
            else:
                context.reading.doubt(f"{path}: a figure of {when} was no object and was left out.")


def _listed(row: Row) -> list[Any]:
    stats = row.get("stats")
    return stats if isinstance(stats, list) else []


def _row(when: str, figure: Row) -> Row:
    return {"date": when, "stats": {"name": figure.get("name"), "metrics": figure.get("metrics")}}


def _has_any(figure: Row) -> bool:
    metrics = figure.get("metrics")
    return any(metrics.values()) if isinstance(metrics, dict) else metrics is not None


def _sole(stats: Any) -> Any:
    """The account's own numbers, which SendGrid wraps in a list of one."""
    if isinstance(stats, list):
        return stats[0] if stats else {}
    return stats


ADVANCED: dict[str, str] = {
    "mailbox_provider_stats": "/v3/mailbox_providers/stats",
    "device_stats": "/v3/devices/stats",
    "client_stats": "/v3/clients/stats",
    "browser_stats": "/v3/browsers/stats",
}
"""The endpoint of each of the statistics that `advanced_stats` reads."""
