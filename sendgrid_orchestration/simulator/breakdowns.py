"""The account's daily figures broken down: by mailbox provider, by what mail was opened and clicked with, where, and by subuser.

Every event is counted once in each breakdown that has its metric, so the parts of a day add up to the day.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

Days = dict[date, Counter[str]]
Event = dict[str, Any]

PROVIDER_METRICS: tuple[str, ...] = (
    "blocks", "bounces", "clicks", "deferred", "delivered", "drops", "opens", "processed", "requests", "spam_reports",
    "unique_clicks", "unique_opens",
)  # fmt: skip
OPENS: tuple[str, ...] = ("opens", "unique_opens")
CLICKS: tuple[str, ...] = ("clicks", "unique_clicks")

_DROPS = frozenset({"bounce_drops", "spam_report_drops", "unsubscribe_drops", "invalid_emails"})

_PROVIDERS = {
    "gmail.com": "Gmail",
    "yahoo.com": "Yahoo",
    "outlook.com": "Outlook",
    "hotmail.com": "Hotmail",
    "icloud.com": "Apple",
    "me.com": "Apple",
    "aol.com": "AOL",
    "gmx.de": "GMX",
    "web.de": "GMX",
}
_BY_AGENT: tuple[tuple[str, str, str, str], ...] = (
    ("GoogleImageProxy", "Webmail", "Other", "Gmail"),
    ("YahooMailProxy", "Webmail", "Other", "Yahoo"),
    ("HeadlessChrome", "Desktop", "Chrome", "Other"),
    ("iPhone", "Phone", "Safari", "iPhone"),
    ("Android", "Phone", "Chrome", "Android"),
    ("Firefox", "Desktop", "Firefox", "Other"),
    ("Chrome", "Desktop", "Chrome", "Other"),
    ("Safari", "Desktop", "Safari", "Apple Mail"),
)
"""What stands in a user agent, and the device, browser and mail client that it shows."""

_PLACES: dict[str, tuple[str, str]] = {
    "81": ("GB", "ENG"), "82": ("DE", "BE"), "83": ("FR", "IDF"), "84": ("US", "NY"), "85": ("CA", "ON"), "86": ("ES", "MD"),
    "87": ("IE", "L"), "88": ("US", "TX"), "89": ("NL", "NH"), "90": ("IT", "MI"), "91": ("CA", "QC"), "92": ("PL", "MZ"),
    "93": ("SE", "AB"), "94": ("BR", "SP"), "95": ("IN", "KA"), "54": ("US", "VA"), "40": ("US", "WA"), "2a02": ("DE", "BY"),
}  # fmt: skip
"""By the first part of an address; all others are in California."""

PROVINCES_TOLD = ("US", "CA")
"""The countries whose provinces SendGrid tells."""


@dataclass(frozen=True)
class Subuser:
    """A subuser, and which of the account's mail it sends."""

    id: int
    username: str
    email: str
    region: Literal["global", "eu"] = "global"
    disabled: bool = False
    sends: Literal["", "automation", "transactional"] = ""


def believable_subusers() -> dict[str, Subuser]:
    """By name. Single sends come from the account itself."""
    subusers = (
        Subuser(7_000_001, "northwind-shop", "shop@northwind.example", sends="transactional"),
        Subuser(7_000_002, "northwind-lifecycle", "crm@northwind.example", sends="automation"),
        Subuser(7_000_003, "northwind-old", "old@northwind.example", disabled=True),
        Subuser(7_000_004, "marketing-eu", "eu@northwind.example", region="eu"),
    )
    return {one.username: one for one in subusers}


@dataclass
class Habits:
    """How the statistics behave where SendGrid's documents leave it open.

    Attributes:
        kept_days: older days of breakdowns by provider, device, browser, client and place are told as zeros ("we only store
            up to 7 days of email activity"); None where all are told.
        refuses: requests for such days are refused instead.
        limit_counts: what the limit of 500 counts: days, or the single figures of days.
    """

    kept_days: int | None = None
    refuses: bool = False
    limit_counts: Literal["days", "figures"] = "days"


def _by_day() -> Days:
    return defaultdict(Counter)


def _by_name() -> dict[str, Days]:
    return defaultdict(_by_day)


@dataclass
class Breakdowns:
    """Hears each event with its day and what it counts as."""

    providers: dict[str, Days] = field(default_factory=_by_name)
    devices: dict[str, Days] = field(default_factory=_by_name)
    browsers: dict[str, Days] = field(default_factory=_by_name)
    clients: dict[str, Days] = field(default_factory=_by_name)
    countries: dict[str, Days] = field(default_factory=_by_name)
    provinces: dict[str, dict[str, Days]] = field(default_factory=lambda: defaultdict(_by_name))
    kinds_of_mail: dict[str, Days] = field(default_factory=_by_name)

    def hear(self, event: Event, when: date, metrics: Iterable[str]) -> None:
        """Count one event.

        Args:
            event: as it is posted.
            when: its day.
            metrics: those of /v3/stats that it adds to.
        """
        counted = list(metrics)
        domain = str(event.get("email", "")).rpartition("@")[2]
        dropped = ["drops" for name in counted if name in _DROPS]
        provider = [name for name in counted if name in PROVIDER_METRICS] + dropped
        self.providers[_PROVIDERS.get(domain, "Other")][when].update(provider)
        self.kinds_of_mail[_kind_of_mail(event)][when].update(counted)
        opened = [name for name in counted if name in OPENS]
        clicked = [name for name in counted if name in CLICKS]
        if not opened and not clicked:
            return
        device, browser, client = _seen_with(str(event.get("useragent", "")))
        self.devices[device][when].update(opened)
        self.clients[client][when].update(opened)
        self.browsers[browser][when].update(clicked)
        country, province = _place(str(event.get("ip", "")))
        self.countries[country][when].update(opened + clicked)
        if country in PROVINCES_TOLD:
            self.provinces[country][province][when].update(opened + clicked)


def _kind_of_mail(event: Event) -> str:
    if event.get("mc_stats") == "automation":
        return "automation"
    return "" if "singlesend_id" in event or "marketing_campaign_id" in event else "transactional"


def _seen_with(agent: str) -> tuple[str, str, str]:
    for mark, device, browser, client in _BY_AGENT:
        if mark in agent:
            return device, browser, client
    return "Other", "Other", "Other"


def _place(ip: str) -> tuple[str, str]:
    return _PLACES.get(re.split("[.:]", ip, maxsplit=1)[0], ("US", "CA"))
