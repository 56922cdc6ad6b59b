"""/v3/scopes and /v3/user: whose account this is, and its Event Webhooks."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sendgrid_orchestration.simulator.api import access
from sendgrid_orchestration.simulator.api.answers import (
    Refusal,
    account_of,
    answer,
    body_of,
    flag_of,
    text_of,
)
from sendgrid_orchestration.simulator.sample_post import send_test_batch
from sendgrid_orchestration.simulator.webhooks import (
    EVENT_SETTINGS,
    UnknownWebhookError,
    WebhookRefusedError,
    is_url,
)

_SETTINGS = "/v3/user/webhooks/event/settings"


def _unknown() -> Refusal:
    return _refusal(404, "Invalid id provided.")


def _refusal(status: int, message: str, **more: str) -> Refusal:
    """An error in the shape that these endpoints have: without a field, and with more than a message at times."""
    refusal = Refusal(status, message)
    refusal.errors = [{"message": message, **more}]
    return refusal


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
    others = ("address", "address2", "city", "country", "phone", "state", "website", "zip")
    return answer(names | dict.fromkeys(others, ""))


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
        made = account_of(request).webhooks.create(await _settings_of(request))
    except WebhookRefusedError as refusal:
        raise _refusal(400, str(refusal), **refusal.more) from refusal
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
            settings = await _settings_of(request)
            return answer(webhooks.update(webhook_id, settings).document(account_status=shows))
        found = webhooks.get(webhook_id)
    except UnknownWebhookError as error:
        raise _unknown() from error
    except WebhookRefusedError as refusal:
        raise _refusal(400, str(refusal), **refusal.more) from refusal
    document = found.document(account_status=shows)
    del document["created_date"], document["updated_date"]  # told where all are listed, and after a change
    return answer({**document, "public_key": found.public_key} if found.public_key else document)


async def signing(request: Request) -> Response:
    """Read the public key, or switch signing on or off."""
    webhooks = account_of(request).webhooks
    webhook_id = request.path_params.get("webhook_id")
    try:
        if request.method == "PATCH":
            webhook = webhooks.sign(webhook_id, flag_of(await body_of(request), "enabled"))
        else:
            webhook = webhooks.get(webhook_id)
    except UnknownWebhookError as error:
        raise _unknown() from error
    return answer({"id": webhook.id, "public_key": webhook.public_key})


async def test_webhook(request: Request) -> Response:
    """Post a made-up batch, signed where the webhook that is named signs."""
    body: dict[str, Any] = await body_of(request)
    url, webhook_id = body.get("url"), text_of(body, "id")
    if not isinstance(url, str) or not is_url(url):
        raise _refusal(400, f"'{url}' is not a valid url")
    key = None
    if webhook_id:
        try:
            key = account_of(request).webhooks.get(webhook_id).private_key
        except UnknownWebhookError as error:
            raise _unknown() from error
    await asyncio.to_thread(send_test_batch, url, key, account_of(request).now())
    return answer(None, 204)


async def _settings_of(request: Request) -> dict[str, Any]:
    body = await body_of(request)
    for name in ("enabled", "account_status_change", *EVENT_SETTINGS):
        flag_of(body, name)
    for name in ("friendly_name", "oauth_client_id", "oauth_client_secret", "oauth_token_url"):
        if body.get(name) is not None:
            text_of(body, name)
    return body


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
