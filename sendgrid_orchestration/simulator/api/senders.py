"""/v3/marketing/senders, /v3/senders and /v3/verified_senders: whom mail may come from, told in three ways."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sendgrid_orchestration.simulator.api.answers import account_of, answer, number_in
from sendgrid_orchestration.simulator.senders import Sender

_FAR = 1 << 40


async def marketing_senders(request: Request) -> Response:
    """All senders of Marketing Campaigns at once."""
    account = account_of(request)
    made = int(account.begins)
    return answer({"results": [_sender(one, made) for one in account.senders.values()]})


async def legacy_senders(request: Request) -> Response:
    """The same for legacy Marketing Campaigns; other accounts find nothing here (sendgrid-php#1036)."""
    account = account_of(request)
    made = int(account.begins)
    known = account.senders.values() if account.family == "legacy" else ()
    return answer({"result": [_sender(one, made) for one in known]})


async def verified_senders(request: Request) -> Response:
    """Sender identities by number, beginning after the one that was seen last."""
    limit = number_in(request, "limit", 50, 1, 500)
    after = number_in(request, "lastSeenID", 0, 0, _FAR)
    listed = sorted(account_of(request).senders.values(), key=lambda one: one.identity)
    shown = [_identity(one) for one in listed if one.identity > after]
    return answer({"results": shown[:limit]})


def _sender(one: Sender, made: int) -> dict[str, Any]:
    return {
        "id": one.id,
        "nickname": one.nickname,
        "from": {"email": one.email, "name": one.name},
        "reply_to": {"email": one.reply_to, "name": one.name},
        "address": one.address,
        "address_2": one.address_2,
        "city": one.city,
        "state": one.state,
        "zip": one.zip,
        "country": one.country,
        "verified": one.verified,
        "locked": one.locked,
        "created_at": made,
        "updated_at": made,
    }


def _identity(one: Sender) -> dict[str, Any]:
    return {
        "id": one.identity,
        "nickname": one.nickname,
        "from_email": one.email,
        "from_name": one.name,
        "reply_to": one.reply_to,
        "reply_to_name": one.name,
        "address": one.address,
        "address2": one.address_2,
        "state": one.state,
        "city": one.city,
        "zip": one.zip,
        "country": one.country,
        "verified": one.verified,
        "locked": one.locked,
    }


ROUTES = [
    Route("/v3/marketing/senders", marketing_senders, methods=["GET"]),
    Route("/v3/senders", legacy_senders, methods=["GET"]),
    Route("/v3/verified_senders", verified_senders, methods=["GET"]),
]
