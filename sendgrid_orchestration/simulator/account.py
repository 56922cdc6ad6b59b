"""One SendGrid account: everything that its API tells, made up from a seed and open to change.

The parts keep their own rules (contacts, membership, fields, mailings, ledger, webhooks); this module puts them together and
has the verbs that a test uses to change the account between two syncs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from sendgrid_orchestration.simulator.breakdowns import Habits as StatisticsHabits
from sendgrid_orchestration.simulator.breakdowns import Subuser, believable_subusers
from sendgrid_orchestration.simulator.contacts import ContactBook
from sendgrid_orchestration.simulator.events import EventScript
from sendgrid_orchestration.simulator.exports import Exports
from sendgrid_orchestration.simulator.fields import CustomField, FieldDefinitions, FieldType
from sendgrid_orchestration.simulator.imports import Imports
from sendgrid_orchestration.simulator.ledger import Ledger
from sendgrid_orchestration.simulator.mailings import GROUPS, Mailings
from sendgrid_orchestration.simulator.membership import ContactList, Membership
from sendgrid_orchestration.simulator.presigned import Links
from sendgrid_orchestration.simulator.senders import believable as believable_senders
from sendgrid_orchestration.simulator.webhooks import Webhooks

DAY = 86_400

FULL_ACCESS: frozenset[str] = frozenset(
    {
        *(f"user.webhooks.event.settings.{verb}" for verb in ("create", "read", "update", "delete")),
        *(f"user.webhooks.event.test.{verb}" for verb in ("create", "read", "update")),
        "user.profile.read", "user.timezone.read", "user.account.read", "user.username.read", "user.email.read",
        "marketing.read", "marketing.write", "marketing.automation.read",
        *(f"marketing_campaigns.{verb}" for verb in ("create", "read", "update", "delete")),
        "suppression.read", "suppression.bounces.read", "suppression.blocks.read", "suppression.invalid_emails.read",
        "suppression.spam_reports.read", "suppression.unsubscribes.read",
        "asm.groups.read", "asm.groups.suppressions.read", "asm.suppressions.global.read",
        "stats.read", "stats.global.read", "categories.read", "categories.stats.read", "categories.stats.sums.read",
        *(f"{kind}.stats.read" for kind in ("browsers", "clients", "devices", "geo", "mailbox_providers", "subusers")),
        "subusers.read",
        "templates.read", "templates.versions.read", "messages.read", "email_activity.read", "mail.send",
        "sender_verification_eligible",
    }
)  # fmt: skip
"""What a Full Access key may do at the endpoints imitated here."""

DEMO_KEY = "SG.simulated-account-0001.aSimulatedSecretThatOpensNothingButThisSimulator"
"""The key that every simulated account knows."""


@dataclass(frozen=True)
class Profile:
    """Who owns the account."""

    username: str = "northwind-mail"
    user_id: int = 2135897280
    first_name: str = "Nora"
    last_name: str = "Wind"
    company: str = "Northwind Traders"
    kind: Literal["free", "paid"] = "paid"
    reputation: float = 97.4
    timezone: str = "UTC"


@dataclass
class Account:
    """A believable account.

    Attributes:
        seed: the same seed makes the same account.
        contacts: how many contacts it has at first.
        custom_fields: how many custom fields are defined.
        history_days: how far back its mail goes.
        history_messages: about how many messages it sent in that time.
        family: `new` for today's Marketing Campaigns; `legacy` for the contactdb family.
        started: the moment, in unix seconds, at which history ends and the present begins.
        clock: tells the time; tests may set their own.
        groups: the unsubscribe groups.
        senders: whom its mail may come from, by id.
        integrations: of SendGrid's own with Segment, as the API gives them; none at first.
        subusers: by name.
        statistics: how the statistics behave where SendGrid leaves it open.
        tells_campaigns: whether the undocumented list of campaigns is there.
        empty_legacy_pages: pages of /v3/contactdb/recipients that come empty before the end.
    """

    seed: int = 1
    contacts: int = 1000
    custom_fields: int = 8
    family: Literal["new", "legacy"] = "new"
    started: int = field(default_factory=lambda: int(time.time()))
    clock: Callable[[], float] = time.time
    profile: Profile = Profile()
    history_days: int = 30
    history_messages: int = 5000
    keys: dict[str, frozenset[str]] = field(default_factory=lambda: {DEMO_KEY: FULL_ACCESS})
    subusers: dict[str, Subuser] = field(default_factory=believable_subusers)

    def __post_init__(self) -> None:
        self.fields = FieldDefinitions.believable(self.custom_fields)
        self.book = ContactBook(
            self.seed, self.contacts, self.fields, self.started - 900 * DAY, self.started - DAY
        )
        self.membership = Membership.believable(self.book, self.started - 60 * DAY)
        self.webhooks = Webhooks(self.clock)
        self.links = Links(self.clock)
        self.exports = Exports(self.book, self.membership, self.clock, self.links)
        self.imports = Imports(self.book, self.membership, self.clock, self.links)
        self.mailings = Mailings.believable(self.seed)
        self.groups = GROUPS
        self.senders = believable_senders()
        self.integrations: list[dict[str, Any]] = []
        self.tells_campaigns = True
        self.statistics = StatisticsHabits()
        self.empty_legacy_pages: set[int] = set()
        self._ledger: Ledger | None = None
        self._ledger_lock = threading.Lock()
        self.history = self.script(
            days=self.history_days,
            messages=self.history_messages,
            heard=self._hear,
        )

    def now(self) -> int:
        """The present, in unix seconds."""
        return int(self.clock())

    @property
    def begins(self) -> int:
        """The moment at which history begins, in unix seconds."""
        return self.started - self.history_days * DAY

    @property
    def ledger(self) -> Ledger:
        """What follows from everything that has happened so far; history is heard when somebody asks first."""
        with self._ledger_lock:
            if self._ledger is None:
                ledger = Ledger(self.mailings.subjects)
                for event in self.script(days=self.history_days, messages=self.history_messages):
                    ledger.hear(event)
                self._ledger = ledger
        return self._ledger

    def _hear(self, event: dict[str, Any]) -> None:
        self.ledger.hear(event)

    def moment(self, when: float) -> int:
        """A point of history, from 0 to 1, as the moment at which a mailing goes out."""
        return self.begins + int(when * self.history_days) * DAY + 9 * 3600

    def script(
        self,
        *,
        days: int,
        messages: int,
        seed: int | None = None,
        heard: Callable[[dict[str, Any]], None] | None = None,
    ) -> EventScript:
        """Another script over the same contacts and mailings: for a load, where it need not agree with the API."""
        return EventScript(
            self.book,
            self.membership,
            self.mailings,
            user_id=self.profile.user_id,
            ends=self.started,
            seed=self.seed if seed is None else seed,
            days=days,
            messages=messages,
            legacy=self.family == "legacy",
            heard=heard,
        )

    def add_key(self, key: str, scopes: Iterable[str] = FULL_ACCESS) -> str:
        """Let this key in, with these scopes."""
        self.keys[key] = frozenset(scopes)
        return key

    def add_list(self, name: str, members: int = 0) -> ContactList:
        """Make a list of so many contacts."""
        return self.membership.add_list(name, members)

    def rename_list(self, list_id: str, name: str) -> None:
        """Give a list another name."""
        self.membership.lists[list_id].name = name

    def delete_list(self, list_id: str) -> None:
        """Delete a list; its members stay contacts."""
        del self.membership.lists[list_id]

    def set_list_count(self, list_id: str, count: int) -> None:
        """Let a list have so many members, and its exports so many rows."""
        self.membership.set_count(list_id, count)

    def delete_segment(self, segment_id: str) -> None:
        """Delete a segment."""
        del self.membership.segments[segment_id]

    def add_custom_field(self, name: str, field_type: FieldType) -> CustomField:
        """Define one more custom field; every contact has a value in it."""
        return self.fields.add(name, field_type)

    def rename_custom_field(self, field_id: str, name: str) -> None:
        """Give a custom field another name."""
        self.fields.rename(field_id, name)

    def remove_custom_field(self, field_id: str) -> None:
        """Remove a custom field and its values."""
        self.fields.remove(field_id)

    def change_contacts(self, share: float = 0.01) -> int:
        """Change the custom values of so large a part of the contacts, evenly spread.

        Returns:
            How many were changed.
        """
        numbers = self.book.numbers()
        chosen = numbers[:: max(round(1 / share), 1)]
        self.book.revise(chosen, self.now())
        return len(chosen)

    def delete_contacts(self, count: int) -> list[str]:
        """Delete so many contacts, the oldest first.

        Returns:
            Their ids.
        """
        chosen = [int(number) for number in self.book.numbers()[:count]]
        ids = [self.book.contact_id(number) for number in chosen]
        self.book.delete(chosen)
        return ids

    def put_contact(self, values: dict[str, str], list_ids: Iterable[str] = ()) -> str:
        """Add a contact as it is given: without address, with an address of 500 characters, whatever a test needs.

        Args:
            values: by column name of an export in lower case, or by custom field id.
            list_ids: the lists to put it into.

        Returns:
            Its id.
        """
        number = self.book.put(values, self.now())
        for list_id in list_ids:
            self.membership.add_members(list_id, [number])
        return self.book.contact_id(number)

    def contact_count(self) -> int:
        """How many contacts there are."""
        return int(np.count_nonzero(self.book.alive))
