"""/v3/stats, /v3/categories and /v3/logs: figures by day, and single messages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sendgrid_orchestration.simulator.api.answers import (
    Refusal,
    account_of,
    answer,
    body_of,
    day_in,
    offset_page,
)
from sendgrid_orchestration.simulator.clock import day, iso
from sendgrid_orchestration.simulator.ledger import METRICS, LoggedMessage, total
from sendgrid_orchestration.simulator.message import KNOWN_KEYS

_FIELDS = re.compile(
    r"""\s*(sg_message_id_created_at|sg_message_id|subject|to_email|status|reason|categories)\s*
        (=|>=|<=|>|<|\bIN\b)\s*(TIMESTAMP\s*)?("[^"]*"|\([^)]*\))\s*(?:AND\b|$)""",
    re.VERBOSE,
)


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
    sums.sort(key=lambda one: Counter(one["metrics"])[metric], reverse=True)
    return answer({"date": first.isoformat(), "stats": list(offset_page(request, sums, 5, 500))})


async def search_logs(request: Request) -> Response:
    """Messages of the last thirty days that fit a query; there are no pages, and never more than a thousand."""
    account, body = account_of(request), await body_of(request)
    limit = body.get("limit", 10)
    if not isinstance(limit, int) or not 1 <= limit <= 1000:
        raise Refusal(400, "limit must be between 1 and 1000", "limit")
    tests = _query(str(body.get("query") or ""))
    oldest = account.now() - 30 * 86_400
    found = []
    for message in reversed(list(account.ledger.messages.values())):
        if message.created >= oldest and all(_fits(message, *test) for test in tests):
            found.append(_summary(message))
            if len(found) == limit:
                break
    return answer({"messages": found})


async def one_log(request: Request) -> Response:
    """One message with its events; custom args stand apart here, and a category is always an array."""
    message = account_of(request).ledger.messages.get(request.path_params["message_id"])
    if message is None:
        raise Refusal(404, "not found", "sg_message_id")
    return answer(_summary(message) | {"events": [_event(event) for event in message.events]})


def periods(request: Request) -> Iterator[tuple[date, date]]:
    """The days, weeks or months between the dates that are asked for, with the first and last day of each.

    Raises:
        Refusal: a date is missing, or they are none.
    """
    first, last = _range(request)
    step = request.query_params.get("aggregated_by", "day")
    if step not in ("day", "week", "month"):
        raise Refusal(400, "aggregated_by must be day, week or month", "aggregated_by")
    while first <= last:
        if step == "day":
            end = first
        elif step == "week":
            end = first + timedelta(days=6 - first.weekday())
        else:
            end = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        yield first, min(end, last)
        first = end + timedelta(days=1)


def _range(request: Request) -> tuple[date, date]:
    first = day_in(request, "start_date")
    if first is None:
        raise Refusal(400, "start_date is required", "start_date")
    last = day_in(request, "end_date") or day(account_of(request).now())
    if last < first:
        raise Refusal(400, "end_date must not be before start_date", "end_date")
    return first, last


def _query(query: str) -> list[tuple[str, str, list[str]]]:
    tests, position = [], 0
    while position < len(query.rstrip()):
        found = _FIELDS.match(query, position)
        if found is None:
            raise Refusal(400, "invalid query", "query")
        tests.append((found[1], found[2], re.findall(r'"([^"]*)"', found[4])))
        position = found.end()
    return tests


def _fits(message: LoggedMessage, name: str, operator: str, values: list[str]) -> bool:
    if name == "sg_message_id_created_at":
        moment = datetime.fromisoformat(values[0].replace("Z", "+00:00")).astimezone(UTC).timestamp()
        return {
            ">": message.created > moment,
            "<": message.created < moment,
            ">=": message.created >= moment,
            "<=": message.created <= moment,
        }.get(operator, False)
    if name == "categories":
        return bool(set(values) & set(message.categories))
    held = {
        "sg_message_id": message.id,
        "subject": message.subject,
        "to_email": message.email,
        "status": message.status,
        "reason": message.reason,
    }
    return held[name] in values


def _summary(message: LoggedMessage) -> dict[str, Any]:
    shown = {
        "from_email": "news@mail.northwind.example",
        "sg_message_id": message.id,
        "subject": message.subject,
        "to_email": message.email,
        "status": message.status,
        "sg_message_id_created_at": iso(message.created),
    }
    return shown | ({"reason": message.reason} if message.reason else {})


def _event(event: dict[str, Any]) -> dict[str, Any]:
    shown = {key: value for key, value in event.items() if key in KNOWN_KEYS}
    if isinstance(shown.get("category"), str):
        shown["category"] = [shown["category"]]
    if not shown.get("sg_machine_open", True):
        del shown["sg_machine_open"]
    return shown | {"custom_args": {key: value for key, value in event.items() if key not in KNOWN_KEYS}}


ROUTES = [
    Route("/v3/stats", stats, methods=["GET"]),
    Route("/v3/categories", categories, methods=["GET"]),
    Route("/v3/categories/stats", category_stats, methods=["GET"]),
    Route("/v3/categories/stats/sums", category_sums, methods=["GET"]),
    Route("/v3/logs", search_logs, methods=["POST"]),
    Route("/v3/logs/{message_id}", one_log, methods=["GET"]),
]
