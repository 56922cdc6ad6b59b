"""What follows from the events: who is suppressed, what the statistics say, when a contact was last mailed.

SendGrid's API and its webhook tell of the same things. Here they cannot disagree: the ledger hears every event of the account's
history and present, and the API reads it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sendgrid_orchestration.simulator.breakdowns import Breakdowns
from sendgrid_orchestration.simulator.clock import day

Event = dict[str, Any]

METRICS: tuple[str, ...] = (
    "blocks", "bounce_drops", "bounces", "clicks", "deferred", "delivered", "invalid_emails", "opens", "processed",
    "requests", "spam_report_drops", "spam_reports", "unique_clicks", "unique_opens", "unsubscribe_drops", "unsubscribes",
)  # fmt: skip
"""The metrics of /v3/stats."""

MARKETING_METRICS: tuple[str, ...] = (
    "requests", "delivered", "bounces", "bounce_drops", "invalid_emails", "opens", "unique_opens", "clicks",
    "unique_clicks", "spam_reports", "spam_report_drops", "unsubscribes",
)  # fmt: skip
"""The metrics of /v3/marketing/stats."""

_PLAIN = {
    "processed": ("processed", "requests"),
    "delivered": ("delivered",),
    "deferred": ("deferred",),
    "open": ("opens",),
    "click": ("clicks",),
    "spamreport": ("spam_reports",),
    "unsubscribe": ("unsubscribes",),
    "group_unsubscribe": ("unsubscribes",),
}
_DROPS = {
    "Bounced Address": "bounce_drops",
    "Spam Reporting Address": "spam_report_drops",
    "Unsubscribed Address": "unsubscribe_drops",
    "Invalid": "invalid_emails",
}
_MOST_MESSAGES = 20_000


@dataclass(frozen=True)
class Suppressed:
    """One row of a suppression list."""

    email: str
    created: int
    reason: str = ""
    status: str = ""
    ip: str = ""


@dataclass(frozen=True)
class MailingKey:
    """What marketing statistics are counted by: a single send's variation and phase, or an automation's step."""

    mailing: str
    variation: str
    phase: str


@dataclass
class Contacted:
    """When a contact was last mailed, and when it last did something, in unix seconds."""

    emailed: int | None = None
    opened: int | None = None
    clicked: int | None = None


@dataclass
class LoggedMessage:
    """What Email Logs know of one message."""

    id: str
    email: str
    subject: str
    created: int
    status: str = "processed"
    reason: str = ""
    categories: tuple[str, ...] = ()
    events: list[Event] = field(default_factory=list)


class Ledger:
    """Hears events in the order in which they happen.

    Args:
        subjects: subject lines, which no event carries, by the id of the template or legacy campaign.

    Attributes:
        suppressions: by SendGrid's name of the list, then by address.
        groups: who left which unsubscribe group, and when.
        daily: the metrics of a day.
        categories: the same, by category.
        breakdowns: the same, by mailbox provider, device and the like.
        marketing: the same, by mailing.
        links: clicks by mailing, address and place in the message.
        contacted: by address.
        messages: the latest messages.
    """

    def __init__(self, subjects: Mapping[str, str] | None = None) -> None:
        self._subjects = subjects or {}
        self.suppressions: dict[str, dict[str, Suppressed]] = {
            name: {} for name in ("bounces", "blocks", "invalid_emails", "spam_reports", "unsubscribes")
        }
        self.groups: dict[int, dict[str, int]] = defaultdict(dict)
        self.daily: dict[date, Counter[str]] = defaultdict(Counter)
        self.categories: dict[str, dict[date, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        self.breakdowns = Breakdowns()
        self.marketing: dict[MailingKey, dict[date, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        self.links: dict[MailingKey, Counter[tuple[str, int]]] = defaultdict(Counter)
        self.contacted: dict[str, Contacted] = defaultdict(Contacted)
        self.messages: dict[str, LoggedMessage] = {}
        self._seen: set[tuple[str, str]] = set()

    def hear(self, event: Event) -> None:
        """Take note of one event."""
        kind = event["event"]
        if kind == "account_status_change":
            return
        metrics = self._metrics(event)
        when = day(event["timestamp"])
        self.daily[when].update(metrics)
        self.breakdowns.hear(event, when, metrics)
        category = event.get("category") or ()
        for name in (category,) if isinstance(category, str) else category:
            self.categories[name][when].update(metrics)
        key = mailing_key(event)
        if key is not None:
            self.marketing[key][when].update(metrics)
            if kind == "click":
                self.links[key][event["url"], event["url_offset"]["index"]] += 1
        self._suppress(event)
        self._touch(event)
        self._log(event)

    def forgive(self, name: str, email: str) -> None:
        """Take an address off a suppression list, as a person does in SendGrid's pages, or as it purges old bounces."""
        del self.suppressions[name][email]

    def _metrics(self, event: Event) -> list[str]:
        kind, message = event["event"], event.get("sg_message_id", "")
        if kind == "bounce":
            return ["bounces" if event["type"] == "bounce" else "blocks"]
        if kind == "dropped":
            counted = _DROPS.get(event["reason"])
            return ["requests", counted] if counted else ["requests"]
        metrics = list(_PLAIN.get(kind, ()))
        if kind in ("open", "click") and (kind, message) not in self._seen:
            self._seen.add((kind, message))
            metrics.append(f"unique_{kind}s")
        return metrics

    def _suppress(self, event: Event) -> None:
        kind, email, at = event["event"], event.get("email", ""), event["timestamp"]
        if not email:
            return
        if kind == "bounce":
            hard = event["type"] == "bounce"
            made = Suppressed(email, at, event["reason"], event.get("status", ""))
            self.suppressions["bounces" if hard else "blocks"][email] = made
        elif kind == "dropped" and event["reason"] == "Invalid":
            made = Suppressed(email, at, "Mail domain mentioned in email address is unknown")
            self.suppressions["invalid_emails"].setdefault(email, made)
        elif kind == "spamreport":
            self.suppressions["spam_reports"][email] = Suppressed(email, at, ip="10.89.32.5")
        elif kind == "unsubscribe":
            self.suppressions["unsubscribes"][email] = Suppressed(email, at)
        elif kind == "group_unsubscribe":
            self.groups[event["asm_group_id"]][email] = at
        elif kind == "group_resubscribe":
            self.groups[event["asm_group_id"]].pop(email, None)

    def _touch(self, event: Event) -> None:
        email = event.get("email")
        if not email:
            return
        contacted, at = self.contacted[email], event["timestamp"]
        if event["event"] == "processed":
            contacted.emailed = at
        elif event["event"] == "open":
            contacted.opened = at
        elif event["event"] == "click":
            contacted.clicked = at

    def _log(self, event: Event) -> None:
        message_id = event.get("sg_message_id")
        if message_id is None:
            return
        message = self.messages.get(message_id)
        if message is None:
            if len(self.messages) >= _MOST_MESSAGES:
                del self.messages[next(iter(self.messages))]
            category = event.get("category") or ()
            message = self.messages[message_id] = LoggedMessage(
                message_id,
                event["email"],
                self._subjects.get(
                    str(event.get("sg_template_id") or event.get("marketing_campaign_id")), ""
                ),
                event["timestamp"],
                categories=(category,) if isinstance(category, str) else tuple(category),
            )
        kind = event["event"]
        if kind in ("processed", "delivered", "deferred", "dropped"):
            message.status = kind
        elif kind == "bounce":
            message.status = "bounced" if event["type"] == "bounce" else "blocked"
        message.reason = event.get("reason", message.reason)
        if len(message.events) < 100:
            message.events.append(event)


def mailing_key(event: Event) -> MailingKey | None:
    """The marketing mailing that an event belongs to; variations are told apart by the versions of their templates."""
    if event.get("mc_stats") == "singlesend":
        return MailingKey(event["singlesend_id"], event["template_version_id"], event["phase_id"])
    if event.get("mc_stats") == "automation":
        return MailingKey(event["mc_auto_id"], event["mc_auto_step_id"], "")
    return None


def total(
    days: dict[date, Counter[str]], metrics: tuple[str, ...], first: date | None, last: date | None
) -> dict[str, int]:
    """The sum of the days in between, every metric named. Copies first: live events may be heard meanwhile."""
    summed: Counter[str] = Counter()
    for when, counted in list(days.items()):
        if (first is None or when >= first) and (last is None or when <= last):
            summed.update(dict(counted))
    return {metric: summed[metric] for metric in metrics}
