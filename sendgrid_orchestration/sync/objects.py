"""Every object that can be synced: how it is read in each Marketing family, and what for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import get_args

from sendgrid_orchestration.settings import ObjectName
from sendgrid_orchestration.sync import (
    account,
    contactdb,
    legacy_recipients,
    links,
    mailing_stats,
    marketing,
    members,
    recipients,
    senders,
    statistics,
)
from sendgrid_orchestration.sync.context import Context
from sendgrid_orchestration.sync.mirror import Reader, mirror
from sendgrid_orchestration.warehouse.merge import Counts
from sendgrid_orchestration.warehouse.object_tables import TABLES

Sync = Callable[[Context], Counts]


@dataclass(frozen=True)
class ObjectSpec:
    """One object.

    Attributes:
        marketing: it belongs to Marketing Campaigns, so that the account's family decides how it is read.
        endpoints: what is asked first in each family, for `doctor`; a family without one does not offer the object. `{today}`
            stands for a day.
        syncs: how it is synced in each family; `none` stands for objects that do not depend on it.
        whole: every sync reads all of it.
        reads: other paths that it reads, where they need scopes of their own.
        in_eu: SendGrid offers it in its EU region.
    """

    name: str
    marketing: bool
    endpoints: Mapping[str, str]
    syncs: Mapping[str, Sync]
    whole: bool = True
    reads: tuple[str, ...] = ()
    in_eu: bool = True

    @property
    def description(self) -> str:
        """What one row is."""
        return TABLES[self.name].grain

    def why_missing(self, family: str, region: str) -> str | None:
        """Why accounts of this Marketing family and region do not have the object, in a sentence; None where they have."""
        words = self.name.replace("_", " ")
        if region == "eu" and not self.in_eu:
            return f"There are no {words} in SendGrid's EU region."
        if not self.marketing or family in self.syncs:
            return None
        on = "legacy Marketing Campaigns" if family == "legacy" else "an account without Marketing Campaigns"
        return f"There are no {words} on {on}."


def _mirrored(name: str, read: Reader, delete_key: Sequence[str] | None = None) -> Sync:
    return partial(mirror, table=TABLES[name], read=read, delete_key=delete_key)


def _everywhere(
    name: str, endpoint: str, read: Reader, delete_key: Sequence[str] | None = None
) -> ObjectSpec:
    return ObjectSpec(name, False, {"none": endpoint}, {"none": _mirrored(name, read, delete_key)})


def _in_part(spec: ObjectSpec) -> ObjectSpec:
    return replace(spec, whole=False)


def _daily(name: str, endpoint: str, read: Reader, *reads: str) -> ObjectSpec:
    # A day that was counted stays counted: no delete is ever told from these.
    return replace(_in_part(_everywhere(name, endpoint, read, ())), reads=reads)


def _marketing(name: str, new: tuple[str, Sync], legacy: tuple[str, Sync] | None = None) -> ObjectSpec:
    offered = {"new": new, **({"legacy": legacy} if legacy else {})}
    return ObjectSpec(
        name,
        True,
        {family: endpoint for family, (endpoint, _) in offered.items()},
        {family: sync for family, (_, sync) in offered.items()},
    )


_TODAY = "start_date={today}&end_date={today}"


def _members(name: str) -> Sync:
    return partial(members.sync_alone, name=name)


_CONTACTS = "/v3/marketing/contacts/count"
_STATS = "/v3/marketing/stats"

_SPECS = (
    _marketing(
        "lists",
        ("/v3/marketing/lists?page_size=1", _mirrored("lists", marketing.lists)),
        ("/v3/contactdb/lists", _mirrored("lists", contactdb.lists)),
    ),
    _marketing(
        "segments",
        ("/v3/marketing/segments/2.0", _mirrored("segments", marketing.segments)),
        ("/v3/contactdb/segments", _mirrored("segments", contactdb.segments)),
    ),
    _marketing(
        "recipients",
        (_CONTACTS, recipients.sync),
        ("/v3/contactdb/recipients/count", legacy_recipients.sync),
    ),
    _marketing(
        "field_definitions",
        (
            "/v3/marketing/field_definitions",
            _mirrored("field_definitions", marketing.field_definitions),
        ),
        ("/v3/contactdb/custom_fields", _mirrored("field_definitions", contactdb.field_definitions)),
    ),
    _marketing(
        "list_members",
        ("/v3/marketing/lists?page_size=1", _members("list_members")),
        ("/v3/contactdb/lists", _members("list_members")),
    ),
    _marketing(
        "segment_members",
        ("/v3/marketing/segments/2.0", _members("segment_members")),
        ("/v3/contactdb/segments", _members("segment_members")),
    ),
    _marketing(
        "campaigns",
        ("/v3/marketing/campaigns?page_size=1", _mirrored("campaigns", marketing.campaigns)),
        ("/v3/campaigns?limit=1", _mirrored("campaigns", contactdb.campaigns)),
    ),
    _marketing(
        "single_sends",
        ("/v3/marketing/singlesends?page_size=1", _mirrored("single_sends", marketing.single_sends)),
    ),
    _in_part(
        _marketing(
            "single_send_stats",
            (
                f"{_STATS}/singlesends?page_size=1",
                _mirrored("single_send_stats", mailing_stats.single_send_stats, ("single_send_id",)),
            ),
        )
    ),
    _in_part(
        _marketing(
            "automation_stats",
            (
                f"{_STATS}/automations?page_size=1",
                _mirrored("automation_stats", mailing_stats.automation_stats, ("automation_id",)),
            ),
        )
    ),
    _in_part(
        _marketing(
            "single_send_links",
            (f"{_STATS}/singlesends?page_size=1", _mirrored("single_send_links", links.single_send_links)),
        )
    ),
    _in_part(
        _marketing(
            "automation_links",
            (f"{_STATS}/automations?page_size=1", _mirrored("automation_links", links.automation_links)),
        )
    ),
    _marketing(
        "senders",
        ("/v3/marketing/senders", _mirrored("senders", senders.marketing_senders)),
        ("/v3/senders", _mirrored("senders", senders.legacy_senders)),
    ),
    _everywhere("verified_senders", "/v3/verified_senders?limit=1", senders.verified_senders),
    _everywhere("unsubscribe_groups", "/v3/asm/groups", account.unsubscribe_groups),
    _everywhere(
        "unsubscribe_group_members", "/v3/asm/suppressions?limit=1", account.unsubscribe_group_members
    ),
    *(
        _everywhere(name, f"/v3/suppression/{listed}?limit=1", account.suppression(listed))
        for name, listed in (
            ("bounces", "bounces"),
            ("blocks", "blocks"),
            ("invalid_emails", "invalid_emails"),
            ("spam_reports", "spam_reports"),
            ("global_unsubscribes", "unsubscribes"),
        )
    ),
    _everywhere("templates", "/v3/templates?page_size=1", account.templates),
    _everywhere("categories", "/v3/categories?limit=1", account.categories),
    _daily("daily_stats", f"/v3/stats?{_TODAY}", statistics.daily_stats),
    _daily("category_stats", "/v3/categories?limit=1", statistics.category_stats, "/v3/categories/stats"),
    *(
        _daily(name, f"{path}?{_TODAY}", statistics.advanced_stats(name, path))
        for name, path in statistics.ADVANCED.items()
    ),
    replace(_daily("geo_stats", f"{statistics.GEO}?{_TODAY}", statistics.geo_stats), in_eu=False),
    _everywhere("subusers", "/v3/subusers?limit=1", statistics.subusers),
    _daily("subuser_stats", "/v3/subusers?limit=1", statistics.subuser_stats, "/v3/subusers/stats"),
)

OBJECTS: dict[str, ObjectSpec] = {spec.name: spec for spec in _SPECS}
"""By name, in the order in which a person would want them."""

assert set(OBJECTS) == set(get_args(ObjectName)), "the settings name every object, and no other"
