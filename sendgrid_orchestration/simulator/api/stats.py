"""/v3/stats and /v3/categories: figures by day."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sendgrid_orchestration.simulator.api.answers import (
    Refusal,
    account_of,
    answer,
    day_in,
    offset_page,
)
from sendgrid_orchestration.simulator.clock import day
from sendgrid_orchestration.simulator.ledger import METRICS, total

_MOST_DAYS = 3660


async def stats(request: Request) -> Response:
    """The account's figures; days without mail are there with zeros."""
    ledger = account_of(request).ledger
    rows = [
        {"date": first.isoformat(), "stats": [{"metrics": total(ledger.daily, METRICS, first, last)}]}
        for first, last in periods(request)
    ]
    return answer(list(offset_page(request, rows, 500, 500)))


async def categories(request: Request) -> Response:
    """The names of all categories."""
    names = account_of(request).mailings.categories
    if wanted := request.query_params.get("category"):
        names = [name for name in names if name.startswith(wanted)]
    return answer([{"category": name} for name in offset_page(request, names, 50, 500)])


async def category_stats(request: Request) -> Response:
    """The figures of up to ten categories."""
    ledger, names = account_of(request).ledger, request.query_params.getlist("categories")
    if not 1 <= len(names) <= 10:
        raise Refusal(400, "categories must have between 1 and 10 values", "categories")
    rows = [
        {
            "date": first.isoformat(),
            "stats": [
                {
                    "type": "category",
                    "name": name,
                    "metrics": total(ledger.categories[name], METRICS, first, last),
                }
                for name in names
            ],
        }
        for first, last in periods(request)
    ]
    return answer(list(offset_page(request, rows, 500, 500)))


async def category_sums(request: Request) -> Response:
    """The sums of every category, the largest first."""
    account = account_of(request)
    metric = request.query_params.get("sort_by_metric", "delivered")
    if metric not in METRICS:
        raise Refusal(400, "sort_by_metric is unknown", "sort_by_metric")
    first, last = _range(request)
    sums = [
        {
            "type": "category",
            "name": name,
            "metrics": total(account.ledger.categories[name], METRICS, first, last),
        }
        for name in account.mailings.categories
    ]
    direction = request.query_params.get("sort_by_direction", "desc")
    if direction not in ("asc", "desc"):
        raise Refusal(400, "sort_by_direction must be asc or desc", "sort_by_direction")
    sums.sort(key=lambda one: Counter(one["metrics"])[metric], reverse=direction == "desc")
    return answer({"date": first.isoformat(), "stats": list(offset_page(request, sums, 5, 500))})


def periods(request: Request) -> Iterator[tuple[date, date]]:
    """The days, weeks or months between the dates that are asked for, with the first and last day of each.

    Raises:
        Refusal: a date is missing or none, or they are more than ten years apart.
    """
    first, last = _range(request)
    step = request.query_params.get("aggregated_by", "day")
    if step not in ("day", "week", "month"):
        raise Refusal(400, "aggregated_by must be day, week or month", "aggregated_by")
    while True:
        if step == "day":
            end = first
        elif step == "week":
            end = first + timedelta(days=min(6 - first.weekday(), (last - first).days))
        else:
            end = min(first.replace(day=monthrange(first.year, first.month)[1]), last)
        yield first, end
        if end == last:
            return
        first = end + timedelta(days=1)


def _range(request: Request) -> tuple[date, date]:
    first = day_in(request, "start_date")
    if first is None:
        raise Refusal(400, "start_date is required", "start_date")
    last = day_in(request, "end_date") or day(account_of(request).now())
    if last < first:
        raise Refusal(400, "end_date must not be before start_date", "end_date")
    if (last - first).days > _MOST_DAYS:
        raise Refusal(400, "the dates are too far apart", "end_date")
    return first, last


ROUTES = [
    Route("/v3/stats", stats, methods=["GET"]),
    Route("/v3/categories", categories, methods=["GET"]),
    Route("/v3/categories/stats", category_stats, methods=["GET"]),
    Route("/v3/categories/stats/sums", category_sums, methods=["GET"]),
]
