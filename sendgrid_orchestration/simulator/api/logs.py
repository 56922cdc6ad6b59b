"""/v3/logs: Email Logs, the messages of the last thirty days with their events.

They are typed more strictly than the webhook's, and lack what tells single sends and automations apart.
"""

from __future__ import annotations

import hashlib
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
    number_of,
    text_of,
    texts_of,
)
from sendgrid_orchestration.simulator.clock import iso
from sendgrid_orchestration.simulator.ledger import LoggedMessage
from sendgrid_orchestration.simulator.message import FROM_ADDRESS, KNOWN_KEYS
from sendgrid_orchestration.simulator.query import QueryError, log_test

_KEPT_SECONDS = 30 * 86_400
_MOST_EVENTS = 100

_EVERY_EVENT = ("event", "email", "timestamp", "sg_message_id", "sg_event_id", "asm_group_id")
_OTHER_FIELDS: dict[str, tuple[str, ...]] = {
    "processed": ("smtp-id", "send_at", "pool"),
    "dropped": ("smtp-id", "reason", "pool", "message"),
    "delivered": ("smtp-id", "response", "ip", "tls", "cert_err"),
    "deferred": ("smtp-id", "response", "attempt", "ip", "tls", "cert_err", "domain", "from"),
    "bounce": ("smtp-id", "reason", "status", "type", "bounce_classification", "ip", "tls", "cert_err"),
    "open": ("ip", "useragent", "sg_content_type", "sg_machine_open"),
    "click": ("ip", "useragent", "url", "url_offset"),
    "unsubscribe": ("ip", "useragent", "date", "reseller_id"),
    "group_unsubscribe": ("ip", "useragent"),
    "group_resubscribe": ("ip", "useragent"),
}
_ONLY_IF_TRUE = ("tls", "sg_machine_open")


async def search(request: Request) -> Response:
    """Messages that fit a query, the newest first; there are no pages, and never more than a thousand."""
    account, body = account_of(request), await body_of(request)
    limit = number_of(body, "limit", 10, 1, 1000)
    subusers = texts_of(body, "subusers", 0, 1)
    if not all(one.isascii() and one.isdigit() for one in subusers):
        raise Refusal(400, "subusers must be numeric ids", "subusers")
    try:
        test = log_test(text_of(body, "query") or "")
    except QueryError as error:
        raise Refusal(400, str(error), "query") from error
    found = []
    for message in reversed(list(account.ledger.messages.values())):
        if _is_kept(account, message) and test(_record(message)):
            found.append(_summary(message))
            if len(found) == limit:
                break
    return answer({"messages": found})


async def one_message(request: Request) -> Response:
    """One message with its events; custom args stand apart here, and a category is always an array."""
    account = account_of(request)
    message = account.ledger.messages.get(request.path_params["message_id"])
    if message is None or not _is_kept(account, message):
        raise Refusal(404, "not found", "sg_message_id")
    return answer(_detail(message))


def _is_kept(account: Account, message: LoggedMessage) -> bool:
    return message.created >= account.now() - _KEPT_SECONDS


def _record(message: LoggedMessage) -> dict[str, Any]:
    return {
        "sg_message_id": message.id,
        "subject": message.subject,
        "to_email": message.email,
        "status": message.status,
        "reason": message.reason,
        "categories": message.categories,
        "sg_message_id_created_at": message.created,
    }


def _shown(message: LoggedMessage) -> dict[str, Any]:
    return {
        "from_email": FROM_ADDRESS,
        "sg_message_id": message.id,
        "subject": message.subject,
        "to_email": message.email,
        "status": message.status,
    }


def _summary(message: LoggedMessage) -> dict[str, Any]:
    shown = _shown(message) | {"sg_message_id_created_at": iso(message.created)}
    return shown | ({"reason": message.reason} if message.reason else {})


def _detail(message: LoggedMessage) -> dict[str, Any]:
    events = sorted(message.events, key=lambda event: int(event["timestamp"]))[-_MOST_EVENTS:]
    custom_args = _custom_args(events)
    told: dict[str, Any] = {}
    for event in events:
        told = event | told
    return {
        **_shown(message),
        "api_key_id": "simulated-account-0001",
        "client_ip": "203.0.113.7",
        "teammate": "",
        "category": list(message.categories),
        "custom_args": custom_args,
        "events": [_event(event) | {"custom_args": custom_args} for event in events],
        **({"template_id": told["sg_template_id"]} if "sg_template_id" in told else {}),
        **({"asm_group_id": told["asm_group_id"]} if "asm_group_id" in told else {}),
        **_sent_from(events),
        **{key: value for key, value in told.items() if key.startswith("marketing_campaign_")},
    }


def _sent_from(events: list[dict[str, Any]]) -> dict[str, str]:
    for event in events:
        if event["event"] in ("delivered", "deferred", "bounce") and "ip" in event:
            return {"outbound_ip": event["ip"], "outbound_ip_type": "dedicated"}
    return {}


def _event(event: dict[str, Any]) -> dict[str, Any]:
    fields = (*_EVERY_EVENT, *_OTHER_FIELDS.get(event["event"], ()))
    shown = {key: event[key] for key in fields if key in event}
    for key in _ONLY_IF_TRUE:
        if not shown.get(key, True):
            del shown[key]
    if shown["event"] in ("spamreport", "unsubscribe"):
        shown.pop("asm_group_id", None)
    # Of what the webhook spells in two ways, or leaves out at times, Email Logs know one.
    if "send_at" in shown:
        shown["send_at"] = int(shown["send_at"])
    if shown.get("type") == "expired":
        shown["type"] = "blocked"
    if "sg_event_id" not in shown:
        shown["sg_event_id"] = hashlib.blake2b(
            repr(sorted(shown.items())).encode(), digest_size=11
        ).hexdigest()
    category = event.get("category") or []
    return shown | {"category": [category] if isinstance(category, str) else category}


def _custom_args(events: list[dict[str, Any]]) -> dict[str, Any]:
    """What the sender added to the message: the webhook hides an arg that has the name of a field, Email Logs do not."""
    for event in events:
        if event["event"] == "processed":  # has neither a type nor a status of its own
            return {key: event[key] for key in event if key in ("type", "status") or key not in KNOWN_KEYS}
    return {key: value for event in events for key, value in event.items() if key not in KNOWN_KEYS}


ROUTES = [
    Route("/v3/logs", search, methods=["POST"]),
    Route("/v3/logs/{message_id}", one_message, methods=["GET"]),
]
