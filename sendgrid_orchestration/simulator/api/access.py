"""Who may ask what: keys, scopes, subusers, and the two families of Marketing Campaigns."""

from __future__ import annotations

import re

from starlette.datastructures import Headers

from sendgrid_orchestration.simulator.account import Account
from sendgrid_orchestration.simulator.api.answers import Refusal

_READ = ("GET", "HEAD")
_SUPPRESSIONS = ("bounces", "blocks", "invalid_emails", "spam_reports", "unsubscribes")
_ADVANCED = ("browsers", "clients", "devices", "geo", "mailbox_providers")

_NEW_FAMILY = re.compile(r"/v3/marketing/")
_LEGACY_FAMILY = re.compile(r"/v3/(contactdb|campaigns)(/|$)")

_SCOPES: tuple[tuple[re.Pattern[str], tuple[str, ...], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), reading, writing)
    for pattern, reading, writing in (
        (r"/v3/scopes$", (), ()),
        (r"/v3/user/webhooks/event/test$", (), ("user.webhooks.event.test.create",)),
        (r"/v3/user/account$", ("user.account.read",), ()),
        (r"/v3/user/username$", ("user.username.read",), ()),
        (r"/v3/user/profile$", ("user.profile.read",), ()),
        (r"/v3/user/timezone$", ("user.timezone.read",), ()),
        # Key holders report that marketing.read is enough to have an export made, too.
        (r"/v3/marketing/contacts/(exports|batch|search)", ("marketing.read",), ("marketing.read",)),
        (r"/v3/marketing/", ("marketing.read",), ("marketing.write",)),
        # No scope is documented; this is the only one that speaks of sender identities.
        (r"/v3/verified_senders", ("sender_verification_eligible",), ()),
        (r"/v3/senders", ("marketing_campaigns.read",), ()),
        (r"/v3/contactdb/exports", ("marketing_campaigns.read",), ("marketing_campaigns.read",)),
        (r"/v3/(contactdb|campaigns)(/|$)", ("marketing_campaigns.read",), ("marketing_campaigns.create",)),
        *((f"/v3/suppression/{s}", ("suppression.read", f"suppression.{s}.read"), ()) for s in _SUPPRESSIONS),
        (r"/v3/asm/groups/\d+/suppressions", ("asm.groups.suppressions.read", "suppression.read"), ()),
        (r"/v3/asm/groups", ("asm.groups.read", "suppression.read"), ()),
        (r"/v3/asm/suppressions", ("asm.groups.suppressions.read", "suppression.read"), ()),
        (r"/v3/stats", ("stats.read", "stats.global.read"), ()),
        *((f"/v3/{kind}/stats", (f"{kind}.stats.read", "stats.read"), ()) for kind in _ADVANCED),
        (r"/v3/subusers/stats", ("subusers.stats.read",), ()),
        (r"/v3/subusers", ("subusers.read",), ()),
        (r"/v3/categories/stats", ("categories.stats.read", "stats.read"), ()),
        (r"/v3/categories", ("categories.read",), ()),
        (r"/v3/templates", ("templates.read",), ()),
        (
            r"/v3/(logs|messages)",
            ("messages.read", "email_activity.read"),
            ("messages.read", "email_activity.read"),
        ),
    )
)

_WEBHOOK_VERBS = {"POST": "create", "PATCH": "update", "DELETE": "delete"}


def check(account: Account, method: str, path: str, headers: Headers) -> None:
    """Let the request pass, or end it.

    Raises:
        Refusal: 401 for a key that is not ours, 403 for a missing scope or the other Marketing family.
    """
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or key not in account.keys:
        raise Refusal(401, "authorization required")
    subuser = headers.get("on-behalf-of")
    if subuser is not None and subuser not in account.subusers:
        raise Refusal(401, "authorization required")
    other_family = _LEGACY_FAMILY if account.family == "new" else _NEW_FAMILY
    if other_family.match(path):
        raise Refusal(403, "access forbidden")
    scopes = account.keys[key]
    needed = _needed(method, path)
    if needed and scopes.isdisjoint(needed):
        raise Refusal(403, "access forbidden")


def scopes_of(account: Account, headers: Headers) -> list[str]:
    """What the key of this request may do."""
    return sorted(account.keys[headers.get("authorization", "").partition(" ")[2]])


def _needed(method: str, path: str) -> tuple[str, ...]:
    if path.startswith("/v3/user/webhooks/event/settings"):
        return (f"user.webhooks.event.settings.{_WEBHOOK_VERBS.get(method, 'read')}",)
    for pattern, reading, writing in _SCOPES:
        if pattern.match(path):
            return reading if method in _READ else writing
    return ()
