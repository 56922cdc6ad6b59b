"""The account's Event Webhooks: where events go, and the key pair of each that signs."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sendgrid_orchestration.simulator.clock import iso

EVENT_SETTINGS: tuple[str, ...] = (
    "processed", "delivered", "deferred", "bounce", "dropped", "open", "click", "spam_report", "unsubscribe",
    "group_unsubscribe", "group_resubscribe",
)  # fmt: skip
"""The switches of a webhook, spelled as its settings spell them."""

_SETTABLE = ("url", "enabled", "friendly_name", "oauth_client_id", "oauth_token_url", *EVENT_SETTINGS)
_ACCOUNT_STATUS = "account_status_change"


class WebhookRefusedError(Exception):
    """SendGrid would answer 400 with this message, and with what it says besides."""

    def __init__(self, message: str, **more: str) -> None:
        super().__init__(message)
        self.more = more


class UnknownWebhookError(Exception):
    """There is no webhook with that id."""


@dataclass
class Webhook:
    """One Event Webhook.

    Attributes:
        private_key: signs the posts; None while signing is off.
        oauth_client_secret: stored, and never shown again.
    """

    id: str
    created: int
    updated: int
    values: dict[str, Any] = field(default_factory=dict)
    oauth_client_secret: str | None = field(default=None, repr=False)
    private_key: ec.EllipticCurvePrivateKey | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where its events go."""
        return str(self.values["url"])

    @property
    def public_key(self) -> str:
        """The key to check signatures with, as SendGrid shows it: base64 of the DER, no armour; empty when off."""
        return "" if self.private_key is None else public_key_text(self.private_key)

    def document(self, *, account_status: bool = False) -> dict[str, Any]:
        """The webhook as the API gives it, without the public key."""
        shown = {name: self.values.get(name) for name in _SETTABLE}
        if account_status:
            shown[_ACCOUNT_STATUS] = bool(self.values.get(_ACCOUNT_STATUS, False))
        return {"id": self.id, **shown, "created_date": iso(self.created), "updated_date": iso(self.updated)}

    def wants(self, event: str) -> bool:
        """Whether events of this type are posted to it; types that have no switch are."""
        setting = "spam_report" if event == "spamreport" else event
        return bool(self.values.get("enabled")) and bool(self.values.get(setting, setting != _ACCOUNT_STATUS))


class Webhooks:
    """All of them, the oldest first.

    Attributes:
        max_allowed: what the plan permits.
    """

    def __init__(self, clock: Callable[[], float], max_allowed: int = 5) -> None:
        self.max_allowed = max_allowed
        self._clock = clock
        self._webhooks: dict[str, Webhook] = {}

    def all(self) -> list[Webhook]:
        """Every webhook, the oldest first."""
        return list(self._webhooks.values())

    def get(self, webhook_id: str | None) -> Webhook:
        """The webhook with this id; without an id the oldest.

        Raises:
            UnknownWebhookError: there is none.
        """
        if webhook_id is None:
            if self._webhooks:
                return next(iter(self._webhooks.values()))
            raise UnknownWebhookError
        if webhook_id not in self._webhooks:
            raise UnknownWebhookError
        return self._webhooks[webhook_id]

    def at(self, url: str) -> Webhook | None:
        """The webhook that posts to this address, if there is one."""
        return next((webhook for webhook in self._webhooks.values() if webhook.url == url), None)

    def create(self, body: dict[str, Any]) -> Webhook:
        """Make a webhook.

        Raises:
            WebhookRefusedError: bad address, address in use, or the plan permits no more.
        """
        self._check_url(body.get("url"), None)
        if len(self._webhooks) >= self.max_allowed:
            raise WebhookRefusedError(
                "You have reached the maximum number of webhooks per your current billing plan."
            )
        now = int(self._clock())
        made = Webhook(str(uuid.uuid4()), now, now, {"enabled": True} | dict.fromkeys(EVENT_SETTINGS, False))
        _apply(made, body)
        self._webhooks[made.id] = made
        return made

    def update(self, webhook_id: str | None, body: dict[str, Any]) -> Webhook:
        """Change a webhook; what the body leaves out keeps its value.

        Raises:
            UnknownWebhookError: there is none.
            WebhookRefusedError: bad address, or address in use.
        """
        webhook = self.get(webhook_id)
        self._check_url(body.get("url"), webhook)
        _apply(webhook, body)
        webhook.updated = int(self._clock())
        return webhook

    def delete(self, webhook_id: str) -> None:
        """Remove a webhook and its key pair.

        Raises:
            UnknownWebhookError: there is none.
        """
        del self._webhooks[self.get(webhook_id).id]

    def sign(self, webhook_id: str | None, enabled: bool) -> Webhook:
        """Switch signing on, which makes a key pair, or off, which throws it away.

        Raises:
            UnknownWebhookError: there is none.
        """
        webhook = self.get(webhook_id)
        if not enabled:
            webhook.private_key = None
        elif webhook.private_key is None:
            webhook.private_key = ec.generate_private_key(ec.SECP256R1())
        return webhook

    def _check_url(self, url: object, itself: Webhook | None) -> None:
        if not is_url(url):
            raise WebhookRefusedError(f"'{url}' is not a valid url")
        for other in self._webhooks.values():
            if other.url == url and other is not itself:
                message = f"Webhook at '{url}' already exists. Please provide a unique URL."
                raise WebhookRefusedError(message, id=other.id, url=other.url)


def is_url(text: object) -> bool:
    """Whether events can be posted there."""
    if not isinstance(text, str) or not re.fullmatch(r"https?://[!-~]+", text):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def public_key_text(private_key: ec.EllipticCurvePrivateKey) -> str:
    """The public half as SendGrid writes it."""
    der = private_key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


def _apply(webhook: Webhook, body: dict[str, Any]) -> None:
    webhook.values.update({name: body[name] for name in (*_SETTABLE, _ACCOUNT_STATUS) if name in body})
    if "oauth_client_secret" in body:
        webhook.oauth_client_secret = body["oauth_client_secret"]
