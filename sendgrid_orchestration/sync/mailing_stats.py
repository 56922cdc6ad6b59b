"""Readers of what became of each mailing: totals, days, and the parts of A/B tests and automations.

SendGrid lists the totals, fifty a request. Days cost requests of their own, so they are read only of mailings whose total moved,
and only as far as they explain it: the days of a mailing add up to its total.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sendgrid_orchestration.sendgrid.errors import NotFoundError
from sendgrid_orchestration.sendgrid.paging import Row, token_pages
from sendgrid_orchestration.sync import marketing
from sendgrid_orchestration.sync.context import Context
from sendgrid_orchestration.sync.mirror import Records
from sendgrid_orchestration.sync.shape import moment
from sendgrid_orchestration.warehouse.object_tables import MARKETING_METRICS, TABLES

FIRST_STATS = timedelta(days=396)
"""How long after it was sent the days of a mailing are read at first, and how far back those of one of unknown age."""

STATS_AGAIN = timedelta(days=30)
"""How far before its last known day a mailing's days are looked through for what moved its total."""

_PAGE = 50
"""The most that SendGrid gives at once, and so the days of one request."""

_ADDITIVE = tuple(metric for metric in MARKETING_METRICS if not metric.startswith("unique_"))
"""The metrics whose days add up to the total. A person who opens on two days is one unique open of the total."""

_Counts = tuple[int, ...]
"""One number for each metric of `_ADDITIVE`."""

_NOTHING: _Counts = (0,) * len(_ADDITIVE)


@dataclass(frozen=True)
class _Mailing:
    """What the list of mailings says of one whose days are read.

    Attributes:
        in_parts: its parts are worth a request of their own.
        sent: the day before it was sent; None where that is not known, or mail goes out on many days.
        made: the day before it was made.
    """

    in_parts: bool
    sent: date | None = None
    made: date | None = None

    @property
    def began(self) -> date | None:
        """The first day on which anything can have happened, as far as it is known."""
        return self.sent or self.made


@dataclass(frozen=True)
class _Kind:
    """Single sends or automations.

    Attributes:
        table: the target.
        path: of the list of totals.
        parts: the fields that tell parts of a mailing apart; "all" where they are counted together.
        listed: the mailings by their id; asked only where a total moved.
    """

    table: str
    path: str
    parts: tuple[str, ...]
    listed: Callable[[Context], Mapping[Any, _Mailing]]

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes a row of statistics the same row."""
        return ("id", *self.parts, "aggregation")


def single_send_stats(context: Context) -> Records:
    """Totals of every single send, the days of those whose total moved, and the variations of their A/B tests."""

    def listed(context: Context) -> Mapping[Any, _Mailing]:
        return {
            one: _Mailing(
                bool(row.get("is_abtest")),
                _day_before(row.get("send_at")),
                _day_before(row.get("created_at")),
            )
            for one, row in marketing.listed_single_sends(context).items()
        }

    path = "/v3/marketing/stats/singlesends"
    return _stats(context, _Kind("single_send_stats", path, ("ab_variation", "ab_phase"), listed))


def automation_stats(context: Context) -> Records:
    """Totals of every automation, then the days and the steps of those whose total moved."""

    def listed(context: Context) -> Mapping[Any, _Mailing]:
        return {
            one: _Mailing(True, made=_day_before(row.get("created_at")))
            for one, row in marketing.listed_campaigns(context).items()
        }

    path = "/v3/marketing/stats/automations"
    return _stats(context, _Kind("automation_stats", path, ("step_id",), listed), unlisted=_Mailing(True))


def _stats(context: Context, kind: _Kind, unlisted: _Mailing = _Mailing(False)) -> Records:
    """What became of each mailing.

    Args:
        context: the circumstances.
        kind: of the mailings.
        unlisted: stands for a mailing that the list of mailings lacks.
    """
    defaults = {**dict.fromkeys(kind.parts, "all"), "aggregation": "total"}
    stored = _stored(context, kind)
    moved: dict[Any, Mapping[str, Any]] = {}
    without_days: dict[Any, Mapping[str, Any]] = {}
    for total in token_pages(
        context.client, kind.path, context.reading, params={"page_size": _PAGE}, identity=kind.identity
    ):
        row = {**defaults, **total}
        if all(row[part] == "all" for part in kind.parts):
            stats = row.get("stats") or {}
            known = stored.get(row.get("id"), _Stored())
            if known.total != tuple(map(stats.get, MARKETING_METRICS)):
                moved[row.get("id")] = stats
            elif not known.days and any(_counts(stats)):
                without_days[row.get("id")] = stats
        yield row
    listed = kind.listed(context) if moved or without_days else {}
    # Days may come later than the total. What has none after weeks is so old that SendGrid has forgotten them.
    lately = context.now.date() - STATS_AGAIN
    for one, stats in without_days.items():
        if (began := listed.get(one, unlisted).began) and began >= lately:
            moved[one] = stats
    for number, (one, stats) in enumerate(moved.items(), start=1):
        mailing = listed.get(one, unlisted)
        known = stored.get(one, _Stored())
        try:
            for day in _days(context, kind, one, total=_counts(stats), mailing=mailing, stored=known):
                # A day without anything is not worth a row, unless it had something before.
                if any((day.get("stats") or {}).values()) or str(day.get("aggregation")) in known.days:
                    yield {**defaults, **day}
            if mailing.in_parts:
                yield from _parts(context, kind, one, defaults)
        except NotFoundError:
            context.reading.note(
                f"SendGrid has no statistics by day of {kind.table} {one}: none yet, or it was deleted."
            )
        if number % 100 == 0:
            context.progress(f"{kind.table}: the days of {number} of {len(moved)} read.")


@dataclass
class _Stored:
    """What is stored of one mailing, all parts together.

    Attributes:
        total: every metric, as far as one is stored.
        days: the additive metrics by day.
    """

    total: tuple[int | None, ...] | None = None
    days: dict[str, _Counts] = field(default_factory=dict)

    def unexplained(self) -> _Counts:
        """What of the total its days do not have: SendGrid may have forgotten some, and then a move of the total shows."""
        if self.total is None:
            return _NOTHING
        total = dict(zip(MARKETING_METRICS, self.total, strict=True))
        return _left(_counts(total), self.days)


def _stored(context: Context, kind: _Kind) -> dict[Any, _Stored]:
    stored: dict[Any, _Stored] = {}
    for key, values in context.known(kind.table, TABLES[kind.table].key, MARKETING_METRICS).items():
        one, *parts, aggregation = key
        if any(part != "all" for part in parts):
            continue
        mailing = stored.setdefault(one, _Stored())
        if aggregation == "total":
            mailing.total = values
        else:
            mailing.days[aggregation] = _counts(dict(zip(MARKETING_METRICS, values, strict=True)))
    return stored


def _days(
    context: Context, kind: _Kind, one: Any, *, total: _Counts, mailing: _Mailing, stored: _Stored
) -> Iterator[Row]:
    """The days that explain the total of a mailing.

    Those of a new mailing are read from its beginning on, those of a known one from today backwards: what moves an old total
    is late, as opens and clicks are.
    """
    if not any(total) and not stored.days:
        return
    today = context.now.date()
    days = dict(stored.days)
    before = stored.unexplained()
    spans = _backwards(today, mailing, stored) if stored.days else _forwards(today, mailing)
    is_first = not stored.days
    while spans:
        first, last = spans.pop(0)
        # Both dates are always sent: SendGrid's specification gives them defaults in the year 2021.
        by_day: dict[str, str | int | None] = {
            "aggregated_by": "day",
            "start_date": first.isoformat(),
            "end_date": last.isoformat(),
            "timezone": "UTC",
            "page_size": _PAGE,
        }
        found = False
        for row in token_pages(
            context.client, f"{kind.path}/{one}", context.reading, params=by_day, identity=kind.identity
        ):
            counts = _counts(row.get("stats") or {})
            found |= any(counts)
            days[str(row.get("aggregation"))] = counts
            yield row
        if all(left <= known for left, known in zip(_left(total, days), before, strict=True)):
            return
        if is_first and mailing.sent and not found:
            spans = spans[-1:]  # of the weeks in which most happened SendGrid has kept nothing
        is_first = False


def _forwards(today: date, mailing: _Mailing) -> list[tuple[date, date]]:
    """Spans of one request each, from the beginning of a mailing on; the last is always that up to today."""
    oldest = today - FIRST_STATS
    # An automation goes on for years: its latest days matter, not its first.
    first = min(mailing.sent or max(mailing.made or oldest, oldest), today)
    spans = []
    while first <= today:
        last = min(first + timedelta(days=_PAGE - 1), today)
        spans.append((first, last))
        first = last + timedelta(days=1)
    return [*(span for span in spans[:-1] if span[0] - spans[0][0] < FIRST_STATS), *spans[-1:]]


def _backwards(today: date, mailing: _Mailing, stored: _Stored) -> list[tuple[date, date]]:
    """Spans of one request each, from today to shortly before the last known day."""
    oldest = date.fromisoformat(max(stored.days)) - STATS_AGAIN
    first = min(max(oldest, mailing.began or oldest), today)
    spans = []
    last = today
    while last >= first:
        spans.append((max(first, last - timedelta(days=_PAGE - 1)), last))
        last = spans[-1][0] - timedelta(days=1)
    return spans


def _parts(context: Context, kind: _Kind, one: Any, defaults: Mapping[str, str]) -> Iterator[Row]:
    """The totals of each part: variations and phases of an A/B test, steps of an automation."""
    grouped: dict[str, str | int | None] = {
        "aggregated_by": "total",
        # As for days; the first is before the oldest mailing of today's Marketing Campaigns.
        "start_date": "2018-01-01",
        "end_date": context.now.date().isoformat(),
        "timezone": "UTC",
        "group_by": ",".join(kind.parts),
        "page_size": _PAGE,
    }
    for row in token_pages(
        context.client, f"{kind.path}/{one}", context.reading, params=grouped, identity=kind.identity
    ):
        whole = {**defaults, **row}
        # What no part is told of stands in the list of totals already.
        if any(whole[part] != "all" for part in kind.parts):
            yield whole


def _counts(stats: Mapping[str, Any]) -> _Counts:
    found = (stats.get(metric) for metric in _ADDITIVE)
    return tuple(value if isinstance(value, int) else 0 for value in found)


def _left(total: _Counts, days: Mapping[str, _Counts]) -> _Counts:
    """What of the total the days do not have."""
    summed = [sum(column) for column in zip(_NOTHING, *days.values(), strict=True)]
    return tuple(whole - part for whole, part in zip(total, summed, strict=True))


def _day_before(when: Any) -> date | None:
    found = moment(when)
    return found.date() - timedelta(days=1) if isinstance(found, datetime) else None
