"""Which scope of an API key each endpoint needs, and which scopes a key has beyond our needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Access:
    """What a key must be allowed to do for the endpoints under a path.

    Attributes:
        path: where they begin.
        scopes: any one of these is enough.
        label: the name of the permission in SendGrid's settings.
    """

    path: str
    scopes: tuple[str, ...]
    label: str


READS: tuple[Access, ...] = (
    # Key holders report `marketing.read` as enough for every marketing read, creating an export included.
    Access("/v3/marketing/", ("marketing.read",), "Marketing: Read Access"),
    Access("/v3/contactdb/", ("marketing_campaigns.read",), "Marketing Campaigns (legacy): Read Access"),
    Access("/v3/campaigns", ("marketing_campaigns.read",), "Marketing Campaigns (legacy): Read Access"),
    Access("/v3/senders", ("marketing_campaigns.read",), "Marketing Campaigns (legacy): Read Access"),
    *(
        Access(
            f"/v3/suppression/{name}",
            (f"suppression.{name}.read", "suppression.read"),
            "Suppressions: Read Access",
        )
        for name in ("bounces", "blocks", "invalid_emails", "spam_reports", "unsubscribes")
    ),
    Access("/v3/asm/groups", ("asm.groups.read",), "Unsubscribe Groups: Read Access"),
    Access(
        "/v3/asm/suppressions",
        ("asm.groups.suppressions.read", "asm.groups.read"),
        "Unsubscribe Groups: Read Access",
    ),
    Access("/v3/templates", ("templates.read",), "Template Engine: Read Access"),
    Access(
        "/v3/categories/stats", ("categories.stats.read", "stats.read"), "Category Management: Read Access"
    ),
    Access(
        "/v3/categories", ("categories.read", "categories.stats.read"), "Category Management: Read Access"
    ),
    *(
        Access(f"/v3/{kind}/stats", (f"{kind}.stats.read", "stats.read"), "Stats: Read Access")
        for kind in ("browsers", "clients", "devices", "geo", "mailbox_providers")
    ),
    Access("/v3/subusers/stats", ("subusers.stats.read",), "Subuser Management: Read Access"),
    Access("/v3/subusers", ("subusers.read",), "Subuser Management: Read Access"),
    Access("/v3/stats", ("stats.read", "stats.global.read"), "Stats: Read Access"),
    Access(
        "/v3/user/webhooks/event",
        ("user.webhooks.event.settings.read",),
        "Mail Settings > Event Notification: Read Access",
    ),
)

_WRITES = (".create", ".update", ".delete", ".write", ".send", ".batch")


def needed_for(path: str) -> Access | None:
    """The permission for this endpoint; None where no key needs one."""
    return next((access for access in READS if path.startswith(access.path)), None)


def grants(scopes: Iterable[str], access: Access) -> bool:
    """Whether a key with these scopes may."""
    return not set(scopes).isdisjoint(access.scopes)


def beyond_reading(scopes: Iterable[str]) -> list[str]:
    """The scopes that let a key change or send something; the sync never needs one (promises S7, S99)."""
    return sorted(
        scope for scope in scopes if scope.endswith(_WRITES) and not scope.startswith("user.webhooks.event.")
    )
