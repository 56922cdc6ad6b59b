"""/v3/marketing/singlesends and campaigns, /v3/templates: what the account sends."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sendgrid_orchestration.simulator.account import Account
from sendgrid_orchestration.simulator.api.answers import (
    Refusal,
    account_of,
    answer,
    body_of,
    page,
    text_of,
    texts_of,
)
from sendgrid_orchestration.simulator.clock import iso, plain
from sendgrid_orchestration.simulator.mailings import SingleSend, Template
from sendgrid_orchestration.simulator.senders import USUAL_SENDER

_SENDS = "/v3/marketing/singlesends"
_STATS = "/v3/marketing/stats"
_Days = dict[date, Counter[str]]


async def single_sends(request: Request) -> Response:
    """A page of single sends."""
    account = account_of(request)
    sends = account.mailings.single_sends
    return page(request, sends, lambda send: _summary(account, send), null_when_empty=True)


async def search(request: Request) -> Response:
    """The same, by name, status and category."""
    account, body = account_of(request), await body_of(request)
    name = text_of(body, "name", 1, 100)
    statuses, categories = texts_of(body, "status"), texts_of(body, "categories")
    if unknown := set(statuses) - {"draft", "scheduled", "triggered"}:
        raise Refusal(400, f"unknown status: {', '.join(sorted(unknown))}", "status")
    found = [
        send
        for send in account.mailings.single_sends
        if (not name or name.lower() in send.name.lower())
        and (not statuses or send.status in statuses)
        and (not categories or set(categories) & set(send.categories))
    ]
    return page(request, found, lambda send: _summary(account, send))


async def send_categories(request: Request) -> Response:
    """The categories of single sends."""
    sends = account_of(request).mailings.single_sends
    return answer({"categories": sorted({name for send in sends for name in send.categories})})


async def one_send(request: Request) -> Response:
    """One single send with its content and audience."""
    account, send = account_of(request), _send(request)
    mailing = send.mailings[0] if send.mailings else None
    audience = mailing.audience if mailing else ()
    lists = [one.id for one in account.membership.lists.values() if one.name in audience]
    told = _summary(account, send)
    del told["is_abtest"], told["abtest"]
    return answer(
        told
        | {
            "send_at": told.get("send_at"),
            "send_to": {"list_ids": lists, "segment_ids": [], "all": not lists},
            "email_config": {
                "subject": mailing.template.subject if mailing else "",
                "html_content": "<html><body><% subject %></body></html>",
                "plain_content": "",
                "generate_plain_content": True,
                "design_id": "",
                "editor": "code",
                "suppression_group_id": mailing.unsubscribe_group if mailing else None,
                "custom_unsubscribe_url": None,
                "sender_id": USUAL_SENDER,
                "ip_pool": "marketing",
            },
            "warnings": [],
        }
    )


async def campaigns(request: Request) -> Response:
    """Single sends and automations by name. SendGrid documents this nowhere, and may take it away."""
    account = account_of(request)
    if not account.tells_campaigns:
        raise Refusal(404, "resource not found")
    shown = [
        {
            "id": send.id,
            "name": send.name,
            "status": send.status,
            "channels": ["email"],
            "is_abtest": bool(send.abtest),
        }
        for send in account.mailings.single_sends
    ]
    shown += [
        {"id": identity, "name": name, "status": "live", "channels": ["email"], "is_abtest": False}
        for identity, (name, _) in account.mailings.automations.items()
    ]
    made = iso(account.begins)
    return page(request, shown, lambda one: one | {"created_at": made, "updated_at": made})


async def templates(request: Request) -> Response:
    """A page of templates; without `generations` only legacy ones, and without `page_size` all of them under another key."""
    account = account_of(request)
    wanted = request.query_params.get("generations", "legacy").split(",")
    if unknown := set(wanted) - {"legacy", "dynamic"}:
        raise Refusal(400, f"unknown generation: {', '.join(sorted(unknown))}", "generations")
    found = [one for one in account.mailings.templates if one.generation in wanted]
    if "page_size" not in request.query_params:
        return answer({"templates": [_template(account, one) for one in found]})
    return page(request, found, lambda one: _template(account, one), max_size=200)


async def one_template(request: Request) -> Response:
    """One template with its versions."""
    account = account_of(request)
    for one in account.mailings.templates:
        if one.id == request.path_params["template_id"]:
            return answer(_template(account, one, content=True))
    raise Refusal(404, "resource not found")


def _summary(account: Account, send: SingleSend) -> dict[str, Any]:
    at = account.moment(send.when)
    planned = {"send_at": iso(at)} if send.status != "draft" else {}
    return {
        **planned,
        "id": send.id,
        "name": send.name,
        "status": send.status,
        "categories": list(send.categories),
        "is_abtest": send.abtest is not None,
        "abtest": None if send.abtest is None else send.abtest | {"winner_selected_at": iso(at + 4 * 3600)},
        "created_at": iso(min(at, account.started) - 90_000),
        "updated_at": iso(min(at, account.started)),
    }


def _template(account: Account, one: Template, *, content: bool = False) -> dict[str, Any]:
    changed = plain(account.begins)
    version: dict[str, Any] = {
        "id": one.version_id,
        "template_id": one.id,
        "active": 1,
        "name": one.version_name,
        "subject": one.subject,
        "updated_at": changed,
        "generate_plain_content": True,
        "editor": "code",
    }
    if content:
        version |= {"html_content": "<html><body></body></html>", "plain_content": "", "thumbnail_url": ""}
    return {
        "id": one.id,
        "name": one.name,
        "generation": one.generation,
        "updated_at": changed,
        "versions": [version],
    }


def _send(request: Request) -> SingleSend:
    for send in account_of(request).mailings.single_sends:
        if send.id == request.path_params["send_id"]:
            return send
    raise Refusal(404, "single send not found", "id")


ROUTES = [
    Route(_SENDS, single_sends, methods=["GET"]),
    Route(f"{_SENDS}/search", search, methods=["POST"]),
    Route(f"{_SENDS}/categories", send_categories, methods=["GET"]),
    Route(f"{_SENDS}/{{send_id}}", one_send, methods=["GET"]),
    Route("/v3/marketing/campaigns", campaigns, methods=["GET"]),
    Route("/v3/templates", templates, methods=["GET"]),
    Route("/v3/templates/{template_id}", one_template, methods=["GET"]),
]
