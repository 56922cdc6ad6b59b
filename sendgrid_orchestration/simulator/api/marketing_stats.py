"""/v3/marketing/stats: what became of single sends and automations, in SendGrid's own count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sendgrid_orchestration.simulator.account import Account
from sendgrid_orchestration.simulator.api.answers import Refusal, account_of, answer, day_in, page
from sendgrid_orchestration.simulator.ledger import MARKETING_METRICS, MailingKey, total
from sendgrid_orchestration.simulator.mailings import Mailing, SingleSend

_STATS = "/v3/marketing/stats"
_MOST_DAYS = 3660
_Days = dict[date, Counter[str]]


async def send_stats(request: Request) -> Response:
    """Statistics of single sends, all variations and phases together."""
    account = account_of(request)
    wanted = _ids(request, "singlesend_ids")
    rows = [
        {
            "id": send.id,
            "ab_variation": "all",
            "ab_phase": "all",
            "aggregation": "total",
            "stats": _total(account, _keys(send)),
        }
        for send in account.mailings.single_sends
        if send.mailings and (wanted is None or send.id in wanted)
    ]
    return page(request, rows, lambda row: row, key="results", default_size=25, max_size=50)


async def one_send_stats(request: Request) -> Response:
    """Statistics of one single send: by day or in total, by variation and phase or all together."""
    account, send = account_of(request), _send(request)
    rows = [
        {"id": send.id, "ab_variation": variation, "ab_phase": phase, "aggregation": when, "stats": stats}
        for (variation, phase), keys in _grouped(request, send).items()
        for when, stats in _aggregated(request, account, keys)
    ]
    return page(request, rows, lambda row: row, key="results", default_size=25, max_size=50)


async def one_send_links(request: Request) -> Response:
    """Clicks of one single send, by link."""
    account, send = account_of(request), _send(request)
    rows = []
    for (variation, phase), keys in _grouped(request, send).items():
        clicks: Counter[tuple[str, int]] = Counter()
        for key in keys:
            clicks.update(dict(account.ledger.links[key]))
        rows += [
            {"url": url, "url_location": place, "ab_variation": variation, "ab_phase": phase, "clicks": count}
            for (url, place), count in sorted(clicks.items())
        ]
    return _with_total(
        page(request, rows, lambda row: row, key="results", default_size=25, max_size=50), rows
    )


async def automation_stats(request: Request) -> Response:
    """Statistics of automations, all steps together."""
    account, wanted = account_of(request), _ids(request, "automation_ids")
    rows = [
        {
            "id": identity,
            "step_id": "all",
            "aggregation": "total",
            "stats": _total(account, [_step_key(step) for step in steps]),
        }
        for identity, (_, steps) in account.mailings.automations.items()
        if wanted is None or identity in wanted
    ]
    return page(request, rows, lambda row: row, key="results", default_size=25, max_size=50)


async def one_automation_stats(request: Request) -> Response:
    """Statistics of one automation: by day or in total, by step or all together."""
    account, steps = account_of(request), _steps(request)
    keys = [_step_key(step) for step in steps]
    if wanted := _ids(request, "step_ids"):
        keys = [key for key in keys if key.variation in wanted]
    grouped = bool(_groups(request, "step_id"))
    groups = [(key.variation, [key]) for key in keys] if grouped else [("all", keys)]
    rows = [
        {"id": steps[0].id, "step_id": step, "aggregation": when, "stats": stats}
        for step, group in groups
        for when, stats in _aggregated(request, account, group)
    ]
    return page(request, rows, lambda row: row, key="results", default_size=25, max_size=50)


async def one_automation_links(request: Request) -> Response:
    """Clicks of one automation, by link: by step or all together."""
    account, wanted = account_of(request), _ids(request, "step_ids")
    grouped = request.query_params.get("group_by") == "step_id"
    clicks: dict[str, Counter[tuple[str, int]]] = {}
    for key in map(_step_key, _steps(request)):
        if wanted is None or key.variation in wanted:
            step = key.variation if grouped else "all"
            clicks.setdefault(step, Counter()).update(dict(account.ledger.links[key]))
    rows = [
        {"url": url, "url_location": place, "step_id": step, "clicks": count}
        for step, counted in clicks.items()
        for (url, place), count in sorted(counted.items())
    ]
    return _with_total(
        page(request, rows, lambda row: row, key="results", default_size=25, max_size=50), rows
    )


def _send(request: Request) -> SingleSend:
    for send in account_of(request).mailings.single_sends:
        if send.id == request.path_params["send_id"]:
            return send
    raise Refusal(404, "single send not found", "id")


def _steps(request: Request) -> list[Mailing]:
    found = account_of(request).mailings.automations.get(request.path_params["automation_id"])
    if found is None:
        raise Refusal(404, "automation not found", "id")
    return found[1]


def _ids(request: Request, name: str) -> set[str] | None:
    given = [one for value in request.query_params.getlist(name) for one in value.split(",") if one]
    if len(given) > 25:
        raise Refusal(400, f"{name} must have at most 25 elements", name, parameter=name)
    return set(given) or None


def _groups(request: Request, *known: str) -> set[str]:
    asked = {one for value in request.query_params.getlist("group_by") for one in value.split(",") if one}
    if unknown := asked - set(known):
        message = f"unknown group: {', '.join(sorted(unknown))}"
        raise Refusal(400, message, "group_by")
    return asked


def _step_key(step: Mailing) -> MailingKey:
    return MailingKey(step.id, step.step_id, "")


def _keys(send: SingleSend) -> list[MailingKey]:
    return [MailingKey(send.id, mailing.template.version_id, mailing.phase) for mailing in send.mailings]


def _grouped(request: Request, send: SingleSend) -> dict[tuple[str, str], list[MailingKey]]:
    """The mailings of a single send by variation and phase, or "all" where the request does not tell them apart."""
    asked = _groups(request, "ab_variation", "ab_phase")
    groups: dict[tuple[str, str], list[MailingKey]] = {}
    for key, mailing in zip(_keys(send), send.mailings, strict=True):
        variation = key.variation if "ab_variation" in asked and mailing.variation else "all"
        phase = key.phase if "ab_phase" in asked and mailing.variation else "all"
        groups.setdefault((variation, phase), []).append(key)
    return groups


def _total(account: Account, keys: list[MailingKey]) -> dict[str, int]:
    return total(_merged(account, keys), MARKETING_METRICS, None, None)


def _merged(account: Account, keys: Iterable[MailingKey]) -> _Days:
    days: _Days = {}
    for key in keys:
        for when, counted in list(account.ledger.marketing[key].items()):
            days.setdefault(when, Counter()).update(dict(counted))
    return days


def _aggregated(
    request: Request, account: Account, keys: list[MailingKey]
) -> Iterator[tuple[str, dict[str, int]]]:
    days = _merged(account, keys)
    first, last = day_in(request, "start_date"), day_in(request, "end_date")
    step = request.query_params.get("aggregated_by", "total")
    if step not in ("day", "total"):
        raise Refusal(400, "aggregated_by must be day or total", "aggregated_by")
    if step == "total":
        yield "total", total(days, MARKETING_METRICS, first, last)
        return
    begin, end = first or min(days, default=None), last or max(days, default=None)
    if begin is None or end is None:
        return
    if (end - begin).days > _MOST_DAYS:
        raise Refusal(400, "the dates are too far apart", "end_date")
    for number in range((end - begin).days + 1):
        when = begin + timedelta(days=number)
        yield when.isoformat(), total(days, MARKETING_METRICS, when, when)


def _with_total(response: Response, rows: list[dict[str, Any]]) -> Response:
    body = orjson.loads(response.body)
    return answer(body | {"total_clicks": sum(row["clicks"] for row in rows)})


ROUTES = [
    Route(f"{_STATS}/singlesends", send_stats, methods=["GET"]),
    Route(f"{_STATS}/singlesends/{{send_id}}", one_send_stats, methods=["GET"]),
    Route(f"{_STATS}/singlesends/{{send_id}}/links", one_send_links, methods=["GET"]),
    Route(f"{_STATS}/automations", automation_stats, methods=["GET"]),
    Route(f"{_STATS}/automations/{{automation_id}}", one_automation_stats, methods=["GET"]),
    Route(f"{_STATS}/automations/{{automation_id}}/links", one_automation_links, methods=["GET"]),
]
