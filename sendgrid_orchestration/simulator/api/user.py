"""/v3/scopes and /v3/user: whose account this is, and its Event Webhooks."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sendgrid_orchestration.simulator.api import access
from sendgrid_orchestration.simulator.api.answers import Refusal, account_of, answer, body_of
from sendgrid_orchestration.simulator.sample_post import send_test_batch
from sendgrid_orchestration.simulator.webhooks import UnknownWebhookError, WebhookRefusedError

_SETTINGS = "/v3/user/webhooks/event/settings"


def _unknown() -> Refusal:
    return Refusal(404, "Invalid id provided.", "id")


async def scopes(request: Request) -> Response:
    """What the key may do; any valid key may ask."""
    return answer({"scopes": access.scopes_of(account_of(request), request.headers)})


async def account(request: Request) -> Response:
    """The plan and the reputation."""
    profile = account_of(request).profile
    return answer({"type": profile.kind, "reputation": profile.reputation})


async def username(request: Request) -> Response:
    """The login name and its number."""
    profile = account_of(request).profile
    return answer({"username": profile.username, "user_id": profile.user_id})


async def profile(request: Request) -> Response:
    """The owner."""
    owner = account_of(request).profile
    names = {"first_name": owner.first_name, "last_name": owner.last_name, "company": owner.company}
    return answer({**names, "address": "", "city": "", "country": "", "phone": "", "website": "", "zip": ""})


async def timezone(request: Request) -> Response:
    """The zone in which the account counts its days."""
    return answer({"timezone": account_of(request).profile.timezone})


async def list_webhooks(request: Request) -> Response:
    """Every webhook. Without any, SendGrid shows one empty object."""
    webhooks = account_of(request).webhooks
    shown = []
    for webhook in webhooks.all():
        one = webhook.document(account_status=_with_account_status(request))
        shown.append({**one, "public_key": webhook.public_key} if webhook.public_key else one)
    return answer({"max_allowed": webhooks.max_allowed, "webhooks": shown or [{}]})


async def create_webhook(request: Request) -> Response:
    """Make a webhook; signing is switched on by another call."""
    try:
        made = account_of(request).webhooks.create(await body_of(request))
    except WebhookRefusedError as refusal:
        raise Refusal(400, str(refusal)) from refusal
    return answer(made.document(account_status=_with_account_status(request)), 201)


async def one_webhook(request: Request) -> Response:
    """Read, change or delete one webhook; without an id the oldest is meant, except in a delete."""
    webhooks = account_of(request).webhooks
    webhook_id = request.path_params.get("webhook_id")
    shows = _with_account_status(request)
    try:
        if request.method == "DELETE":
            webhooks.delete(webhook_id or "")
            return answer(None, 204)
        if request.method == "PATCH":
            return answer(webhooks.update(webhook_id, await body_of(request)).document(account_status=shows))
        found = webhooks.get(webhook_id)
    except UnknownWebhookError as error:
        raise _unknown() from error
    except WebhookRefusedError as refusal:
        raise Refusal(400, str(refusal)) from refusal
    document = found.document(account_status=shows)
    return answer({**document, "public_key": found.public_key} if found.public_key else document)


async def signing(request: Request) -> Response:
    """Read the public key, or switch signing on or off."""
    webhooks = account_of(request).webhooks
    webhook_id = request.path_params.get("webhook_id")
    try:
        if request.method == "PATCH":
            webhook = webhooks.sign(webhook_id, bool((await body_of(request)).get("enabled")))
        else:
            webhook = webhooks.get(webhook_id)
    except UnknownWebhookError as error:
        raise _unknown() from error
    return answer({"id": webhook.id, "public_key": webhook.public_key})


async def test_webhook(request: Request) -> Response:
    """Post a made-up batch, signed where the webhook that is named signs."""
    body: dict[str, Any] = await body_of(request)
    url = body.get("url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise Refusal(400, f"'{url}' is not a valid url")
    key = None
    if body.get("id"):
        try:
            key = account_of(request).webhooks.get(body["id"]).private_key
        except UnknownWebhookError as error:
            raise _unknown() from error
    await asyncio.to_thread(send_test_batch, url, key, account_of(request).now())
    return answer(None, 204)


def _with_account_status(request: Request) -> bool:
    return "account_status_change" in request.query_params.get("include", "")


ROUTES = [
    Route("/v3/scopes", scopes, methods=["GET"]),
    Route("/v3/user/account", account, methods=["GET"]),
    Route("/v3/user/username", username, methods=["GET"]),
    Route("/v3/user/profile", profile, methods=["GET"]),
    Route("/v3/user/timezone", timezone, methods=["GET"]),
    Route(f"{_SETTINGS}/all", list_webhooks, methods=["GET"]),
    Route(f"{_SETTINGS}/signed", signing, methods=["GET", "PATCH"]),
    Route(f"{_SETTINGS}/signed/{{webhook_id}}", signing, methods=["GET", "PATCH"]),
    Route("/v3/user/webhooks/event/test", test_webhook, methods=["POST"]),
    Route(_SETTINGS, create_webhook, methods=["POST"]),
    Route(_SETTINGS, one_webhook, methods=["GET", "PATCH"]),
    Route(f"{_SETTINGS}/{{webhook_id}}", one_webhook, methods=["GET", "PATCH", "DELETE"]),
]
