"""/v3/devices/stats and the like, /v3/subusers: the account's daily figures by what, where and whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sendgrid_orchestration.simulator.api.answers import Refusal, account_of, answer, number_in, offset_page
from sendgrid_orchestration.simulator.api.stats import periods
from sendgrid_orchestration.simulator.breakdowns import (
    CLICKS,
    OPENS,
    PROVIDER_METRICS,
    PROVINCES_TOLD,
    Days,
)
from sendgrid_orchestration.simulator.clock import day
from sendgrid_orchestration.simulator.ledger import METRICS, total

_MOST_NAMES = 10
_MOST_ROWS = 500


async def mailbox_providers(request: Request) -> Response:
    """By mailbox provider of the recipient."""
    counted = account_of(request).ledger.breakdowns.providers
    wanted = _names(request, "mailbox_providers")
    return _advanced(request, "mailbox_provider", _chosen(counted, wanted), PROVIDER_METRICS)


async def devices(request: Request) -> Response:
    """Opens by device."""
    return _advanced(request, "device", account_of(request).ledger.breakdowns.devices, OPENS)


async def clients(request: Request) -> Response:
    """Opens by mail client."""
    return _advanced(request, "client", account_of(request).ledger.breakdowns.clients, OPENS)


async def browsers(request: Request) -> Response:
    """Clicks by browser."""
    counted = account_of(request).ledger.breakdowns.browsers
    return _advanced(request, "browser", _chosen(counted, _names(request, "browsers")), CLICKS)


async def geo(request: Request) -> Response:
    """Opens and clicks by country, or by province of one that has them told."""
    told, country = account_of(request).ledger.breakdowns, request.query_params.get("country")
    if country is None:
        return _advanced(request, "country", told.countries, (*CLICKS, *OPENS))
    if country not in PROVINCES_TOLD:
        raise Refusal(400, "country must be US or CA", "country")
    return _advanced(request, "province", told.provinces[country], (*CLICKS, *OPENS))


async def subusers(request: Request) -> Response:
    """The subusers of a parent account."""
    found = list(account_of(request).subusers.values())
    region = request.query_params.get("region", "all")
    if region not in ("all", "global", "eu"):
        raise Refusal(400, "region must be all, global or eu", "region")
    if region != "all":
        found = [one for one in found if one.region == region]
    if name := request.query_params.get("username"):
        found = [one for one in found if one.username == name]
    with_region = request.query_params.get("include_region") == "true"
    return answer(
        [
            {"id": one.id, "username": one.username, "email": one.email, "disabled": one.disabled}
            | ({"region": one.region} if with_region else {})
            for one in offset_page(request, found, 10, 500)
        ]
    )


async def subuser_stats(request: Request) -> Response:
    """The figures of up to ten subusers; those that are pinned to a region are not counted here."""
    account, names = account_of(request), _names(request, "subusers")
    if not names:
        raise Refusal(400, "subusers is required", "subusers")
    for name in names:
        if name not in account.subusers or account.subusers[name].region != "global":
            raise Refusal(400, f"subuser {name} not found", "subusers")
    by_kind = account.ledger.breakdowns.kinds_of_mail
    kinds = {name: account.subusers[name].sends for name in names}
    counted = {name: by_kind[kind] if kind else {} for name, kind in kinds.items()}
    rows = [_day(first, last, "subuser", counted, METRICS) for first, last in periods(request)]
    return answer(list(offset_page(request, rows, _MOST_ROWS, _MOST_ROWS)))


def _advanced(request: Request, kind: str, counted: Mapping[str, Days], metrics: tuple[str, ...]) -> Response:
    """Every name that has anything in the time that is asked for, on every day of it."""
    account = account_of(request)
    asked = list(periods(request))
    begin, end = asked[0][0], asked[-1][1]
    named = {
        name: days
        for name, days in sorted(dict(counted).items())
        if any(total(days, metrics, begin, end).values())
    }
    kept = account.statistics.kept_days
    oldest = date.min if kept is None else day(account.now()) - timedelta(days=kept)
    if account.statistics.refuses and begin < oldest:
        raise Refusal(400, "start_date is too old", "start_date")
    forgotten: dict[str, Days] = {name: {} for name in named}
    rows = [
        _day(first, last, kind, named if first >= oldest else forgotten, metrics) for first, last in asked
    ]
    if account.statistics.limit_counts == "days":
        return answer(list(offset_page(request, rows, _MOST_ROWS, _MOST_ROWS)))
    return answer(list(_by_figures(request, rows)))


def _by_figures(request: Request, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    limit, offset = (
        number_in(request, "limit", _MOST_ROWS, 1, _MOST_ROWS),
        number_in(request, "offset", 0, 0, 1 << 40),
    )
    at = 0
    for row in rows:
        shown = [one for n, one in enumerate(row["stats"], start=at) if offset <= n < offset + limit]
        at += len(row["stats"])
        if shown:
            yield row | {"stats": shown}


def _day(
    first: date, last: date, kind: str, counted: Mapping[str, Days], metrics: tuple[str, ...]
) -> dict[str, Any]:
    stats = [
        {"type": kind, "name": name, "metrics": total(days, metrics, first, last)}
        for name, days in counted.items()
    ]
    return {"date": first.isoformat(), "stats": stats}


def _names(request: Request, parameter: str) -> list[str]:
    names = request.query_params.getlist(parameter)
    if len(names) > _MOST_NAMES:
        raise Refusal(400, f"{parameter} must have at most {_MOST_NAMES} values", parameter)
    return names


def _chosen(counted: dict[str, Days], names: list[str]) -> dict[str, Days]:
    return {name: counted[name] for name in names if name in counted} if names else counted


ROUTES = [
    Route("/v3/mailbox_providers/stats", mailbox_providers, methods=["GET"]),
    Route("/v3/devices/stats", devices, methods=["GET"]),
    Route("/v3/clients/stats", clients, methods=["GET"]),
    Route("/v3/browsers/stats", browsers, methods=["GET"]),
    Route("/v3/geo/stats", geo, methods=["GET"]),
    Route("/v3/subusers", subusers, methods=["GET"]),
    Route("/v3/subusers/stats", subuser_stats, methods=["GET"]),
]
