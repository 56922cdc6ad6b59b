"""The settings of the account's Event Webhooks: find ours, create it, sign it, test it; touch no other.

Every call names a webhook by its id: without one SendGrid means the oldest, which may be somebody else's. Every change sends the
whole body, for whether left-out switches keep their value is not documented.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from pydantic import SecretStr

from sendgrid_orchestration.sendgrid.client import SendGridClient
from sendgrid_orchestration.sendgrid.errors import BadRequestError, SendGridError, UnexpectedAnswerError
from sendgrid_orchestration.sendgrid.events import EVENT_TYPES

_SETTINGS = "/v3/user/webhooks/event/settings"
_SIGNED = f"{_SETTINGS}/signed"
_TEST = "/v3/user/webhooks/event/test"

_OPT_IN = "account_status_change"
"""Shown, and presumably changed, only where it is asked for in the query."""

SWITCHES = tuple(event.setting for event in EVENT_TYPES if event.setting != _OPT_IN)
"""The settings' names of the events that every webhook has a switch for."""


class NoRoomForWebhookError(SendGridError):
    """The plan allows no further webhook; one of the account's own would have to go, and that is a person's decision."""


@dataclass(frozen=True)
class OAuth:
    """How SendGrid shall authenticate to the receiver, beside or instead of signing."""

    client_id: str
    client_secret: SecretStr
    token_url: str


@dataclass(frozen=True)
class EventWebhook:
    """One webhook as SendGrid describes it.

    Attributes:
        events: the settings' names of the events that it posts.
        public_key: of the signature; empty where it does not sign or was not shown.
    """

    id: str
    url: str
    enabled: bool
    events: frozenset[str]
    friendly_name: str = ""
    public_key: str = ""
    oauth_client_id: str = ""
    oauth_token_url: str = ""

    @classmethod
    def from_answer(cls, answer: Any) -> Self | None:
        """Read leniently; None for the empty object that stands for "no webhook"."""
        if not isinstance(answer, dict) or not answer.get("url"):
            return None
        return cls(
            id=str(answer.get("id") or ""),
            url=str(answer["url"]),
            enabled=bool(answer.get("enabled")),
            events=frozenset(name for name in (*SWITCHES, _OPT_IN) if answer.get(name)),
            friendly_name=str(answer.get("friendly_name") or ""),
            public_key=str(answer.get("public_key") or ""),
            oauth_client_id=str(answer.get("oauth_client_id") or ""),
            oauth_token_url=str(answer.get("oauth_token_url") or ""),
        )

    @property
    def shown_url(self) -> str:
        """Its address as it may be shown: without user and password."""
        scheme, separator, rest = self.url.partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"


@dataclass(frozen=True)
class Webhooks:
    """All webhooks of the account.

    Attributes:
        max_allowed: what the plan permits; None where SendGrid does not say.
    """

    webhooks: tuple[EventWebhook, ...] = ()
    max_allowed: int | None = None

    def at(self, *urls: str) -> EventWebhook | None:
        """The first that posts to one of these addresses, an earlier address before a later one."""
        by_url = {one.url: one for one in self.webhooks}
        return next((by_url[url] for url in urls if url in by_url), None)


@dataclass(frozen=True)
class Connected:
    """What `connect` found and did.

    Attributes:
        webhook: ours, as it is now, with its public key where it signs.
        created: it was not there before.
        others: the account's other webhooks, untouched (promise S12).
    """

    webhook: EventWebhook
    created: bool
    others: tuple[EventWebhook, ...] = field(default=())


def list_webhooks(client: SendGridClient) -> Webhooks:
    """Every webhook of the account."""
    answer = client.get(f"{_SETTINGS}/all", {"include": _OPT_IN})
    found = answer if isinstance(answer, dict) else {}
    shown = (EventWebhook.from_answer(one) for one in found.get("webhooks") or ())
    most = found.get("max_allowed")
    return Webhooks(tuple(one for one in shown if one is not None), most if isinstance(most, int) else None)


def connect(
    client: SendGridClient,
    url: str,
    events: Iterable[str] = SWITCHES,
    *,
    friendly_name: str = "",
    signed: bool = True,
    oauth: OAuth | None = None,
    take_over: str | None = None,
) -> Connected:
    """Let SendGrid post these events to this address: create the webhook, or bring the one that is there up to date.

    Args:
        client: of the account.
        url: of the receiver.
        events: the settings' names of the events.
        friendly_name: what SendGrid's pages call it.
        signed: posts carry a signature.
        oauth: posts carry a token, which SendGrid fetches.
        take_over: the id of a webhook to take over although it posts elsewhere; nothing else is ever overwritten.

    Raises:
        NoRoomForWebhookError: the plan allows no further one.
    """
    known = list_webhooks(client)
    ours = known.at(url) or next((one for one in known.webhooks if take_over and one.id == take_over), None)
    body = _body(url, events, friendly_name, oauth)
    webhook = _create(client, body, known) if ours is None else _change(client, ours, body)
    # Signing is a call of its own, and a change of the settings answers without the key.
    key = sign(client, webhook.id) if signed else _unsign(client, webhook)
    others = tuple(one for one in known.webhooks if one.id != webhook.id)
    return Connected(dataclasses.replace(webhook, public_key=key), created=ours is None, others=others)


def sign(client: SendGridClient, webhook_id: str) -> str:
    """Have a webhook sign its posts.

    Returns:
        The public key to check them with.

    Raises:
        UnexpectedAnswerError: SendGrid showed no key.
    """
    answer = client.patch(f"{_SIGNED}/{webhook_id}", {"enabled": True})
    key = answer.get("public_key") if isinstance(answer, dict) else None
    key = key or public_key(client, webhook_id)
    if not key:
        raise UnexpectedAnswerError(
            f'SendGrid (source "{client.source}") switched signing on for webhook {webhook_id} and shows no public key. '
            "Copy it from Settings > Mail Settings > Event Webhook."
        )
    return str(key)


def public_key(client: SendGridClient, webhook_id: str) -> str:
    """The public key of a webhook; empty where it does not sign."""
    answer = client.get(f"{_SIGNED}/{webhook_id}")
    return str(answer.get("public_key") or "") if isinstance(answer, dict) else ""


def send_test(client: SendGridClient, webhook: EventWebhook) -> None:
    """Have SendGrid post a made-up batch, signed as the webhook's posts are."""
    body = {"id": webhook.id, "url": webhook.url}
    if webhook.oauth_client_id:
        # With the secret stored, SendGrid wants the other two and not the secret.
        body |= {"oauth_client_id": webhook.oauth_client_id, "oauth_token_url": webhook.oauth_token_url}
    client.post(_TEST, body)


def delete(client: SendGridClient, webhook_id: str) -> None:
    """Remove a webhook and its key pair."""
    assert webhook_id, "without an id SendGrid would mean another webhook"
    client.delete(f"{_SETTINGS}/{webhook_id}")


def _body(url: str, events: Iterable[str], friendly_name: str, oauth: OAuth | None) -> dict[str, Any]:
    chosen = set(events)
    unknown = chosen - {*SWITCHES, _OPT_IN}
    assert not unknown, f"no such events: {', '.join(sorted(unknown))}"
    return {
        "url": url,
        "enabled": True,
        "friendly_name": friendly_name or None,
        **{name: name in chosen for name in SWITCHES},
        **({_OPT_IN: True} if _OPT_IN in chosen else {}),
        # Empty strings switch OAuth off; leaving them out might keep it.
        "oauth_client_id": oauth.client_id if oauth else "",
        "oauth_client_secret": oauth.client_secret.get_secret_value() if oauth else "",
        "oauth_token_url": oauth.token_url if oauth else "",
    }


def _create(client: SendGridClient, body: dict[str, Any], known: Webhooks) -> EventWebhook:
    try:
        return _read(client, client.post(_path(body), body))
    except BadRequestError as refusal:
        if "maximum number of webhooks" not in str(refusal):
            raise
        there = "; ".join(f"{one.id} posts to {one.shown_url}" for one in known.webhooks)
        raise NoRoomForWebhookError(
            f'The plan of source "{client.source}" allows no further Event Webhook ({there}). Delete one in SendGrid, or '
            "take one over by its id: it then no longer posts to its old address.",
            status=refusal.status,
        ) from refusal


def _change(client: SendGridClient, ours: EventWebhook, body: dict[str, Any]) -> EventWebhook:
    return _read(client, client.patch(_path(body, ours.id), body))


def _path(body: dict[str, Any], webhook_id: str = "") -> str:
    path = f"{_SETTINGS}/{webhook_id}" if webhook_id else _SETTINGS
    return f"{path}?include={_OPT_IN}" if _OPT_IN in body else path


def _read(client: SendGridClient, answer: Any) -> EventWebhook:
    webhook = EventWebhook.from_answer(answer)
    if webhook is None or not webhook.id:
        raise UnexpectedAnswerError(
            f'SendGrid (source "{client.source}") took the webhook\'s settings and did not describe it. '
            "Look at Settings > Mail Settings > Event Webhook, and connect again."
        )
    return webhook


def _unsign(client: SendGridClient, webhook: EventWebhook) -> str:
    if public_key(client, webhook.id):
        client.patch(f"{_SIGNED}/{webhook.id}", {"enabled": False})
    return ""
