"""The account's own integrations, by which SendGrid itself sends events on to Segment (`/v3/marketing/integrations`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from sendgrid_orchestration.sendgrid.client import SendGridClient

_PATH = "/v3/marketing/integrations"
_WEBHOOK_WORDS = {"drop": "dropped"}


@dataclass(frozen=True)
class Integration:
    """One integration; its write key is not kept.

    Attributes:
        destination: "Segment" is the only one that SendGrid has.
        events: what it sends, in the words of the webhook, and `machine_opened`.
    """

    id: str
    label: str
    destination: str
    region: str
    events: frozenset[str]

    @classmethod
    def from_answer(cls, answer: Any) -> Self | None:
        """Read leniently; None for what is no integration."""
        if not isinstance(answer, dict):
            return None
        filters, properties = (
            part if isinstance(part := answer.get(name), dict) else {} for name in ("filters", "properties")
        )
        return cls(
            id=str(answer.get("integration_id") or ""),
            label=str(answer.get("label") or "Untitled Integration"),
            destination=str(answer.get("destination") or ""),
            region=str(properties.get("destination_region") or ""),
            events=frozenset(
                _WEBHOOK_WORDS.get(str(name), str(name)) for name in filters.get("email_events") or ()
            ),
        )


def list_integrations(client: SendGridClient) -> tuple[Integration, ...]:
    """Every integration of the account, switched on as long as it exists."""
    answer = client.get(_PATH)
    found = answer.get("result") if isinstance(answer, dict) else None
    read = (Integration.from_answer(one) for one in found or ())
    return tuple(one for one in read if one is not None)
