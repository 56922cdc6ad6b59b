"""Who is in which list and in which segment."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sendgrid_orchestration.simulator.contacts import ContactBook, Mask, Numbers, fitted
from sendgrid_orchestration.simulator.people import CITIES, CORPORATE_DOMAINS, MAILBOXES


@dataclass
class ContactList:
    """A list and its members."""

    id: str
    name: str
    members: Mask
    legacy_id: int = 0


@dataclass
class Segment:
    """A segment; who is in it follows from one condition, and is worked out whenever somebody asks.

    Attributes:
        field_name: `city`, `country` or `email_domain`.
        version: "2" for Segmentation 2.0; "1" for the kind that can no longer be created.
        reported_count: what SendGrid shows instead of the true count, where its hourly refresh is behind.
    """

    id: str
    name: str
    field_name: str
    values: tuple[str, ...]
    version: str = "2"
    parent_list_id: str | None = None
    created_at: int = 0
    updated_at: int = 0
    reported_count: int | None = None
    legacy_id: int = 0

    @property
    def query_dsl(self) -> str:
        """The condition in SendGrid's query language."""
        if self.field_name == "email_domain":
            tests = [f"email LIKE '%@{value}'" for value in self.values]
        else:
            tests = [f"{self.field_name} = '{value}'" for value in self.values]
        return f"SELECT contact_id, updated_at FROM contact_data WHERE {' OR '.join(tests)}"

    @property
    def conditions(self) -> list[dict[str, Any]]:
        """The same for the legacy family."""
        name = "email" if self.field_name == "email_domain" else self.field_name
        operator = "contains" if self.field_name == "email_domain" else "eq"
        return [
            {"field": name, "value": value, "operator": operator, "and_or": "or" if n else ""}
            for n, value in enumerate(self.values)
        ]


@dataclass
class Membership:
    """All lists and segments of the account."""

    book: ContactBook
    lists: dict[str, ContactList] = field(default_factory=dict)
    segments: dict[str, Segment] = field(default_factory=dict)
    _made: int = 0

    @classmethod
    def believable(cls, book: ContactBook, now: int) -> Membership:
        """A handful of lists and segments such as a shop has, with overlaps, one of them empty."""
        made = cls(book)
        scattered = (book.hashes >> np.uint64(40)).astype(np.int64)
        for bit, (name, share) in enumerate(_LISTS):
            made.add_list(name, ((scattered >> bit) * 2654435761 % 1000) < share)
        boxes = np.array(MAILBOXES)[book.mailboxes()]
        made.add_list("Enterprise accounts", np.isin(boxes, CORPORATE_DOMAINS))
        made.add_list(
            "App users (iOS)", np.isin(boxes, ("icloud.com", "me.com")) | ((scattered % 1000) < 180)
        )
        made.add_list("Empty list")
        newsletter = next(iter(made.lists))
        for name, column, values in _SEGMENTS:
            made.add_segment(name, column, values, now=now)
        made.add_segment("Newsletter readers in Europe", "country", _EUROPE, parent=newsletter, now=now)
        made.add_segment("Old Yahoo segment", "email_domain", ("yahoo.com",), version="1", now=now)
        return made

    def add_list(self, name: str, members: Mask | int | None = None) -> ContactList:
        """Make a list.

        Args:
            name: what it is called.
            members: who is in it; a number takes so many contacts from the front; none makes it empty.
        """
        made = ContactList(
            self._new_id("list"), name, np.zeros(self.book.size, dtype=np.bool_), 1000 + self._made
        )
        if isinstance(members, int):
            made.members = self._first(members)
        elif members is not None:
            made.members = members
        self.lists[made.id] = made
        return made

    def list_named(self, name: str) -> ContactList:
        """The list with this name.

        Raises:
            KeyError: there is none.
        """
        for candidate in self.lists.values():
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def set_count(self, list_id: str, count: int) -> None:
        """Let this list have so many members: those at the front of the account."""
        self.lists[list_id].members = self._first(count)

    def add_members(self, list_id: str, numbers: list[int]) -> None:
        """Put contacts into a list."""
        members = fitted(self.lists[list_id].members, self.book.size).copy()
        members[numbers] = True
        self.lists[list_id].members = members

    def remove_members(self, list_id: str, numbers: list[int]) -> None:
        """Take contacts out of a list; they stay contacts."""
        members = fitted(self.lists[list_id].members, self.book.size).copy()
        members[numbers] = False
        self.lists[list_id].members = members

    def add_segment(
        self,
        name: str,
        field_name: str,
        values: tuple[str, ...],
        *,
        version: str = "2",
        parent: str | None = None,
        now: int = 0,
    ) -> Segment:
        """Make a segment."""
        made = Segment(
            self._new_id("segment"),
            name,
            field_name,
            values,
            version,
            parent,
            now,
            now,
            None,
            2000 + self._made,
        )
        self.segments[made.id] = made
        return made

    def list_numbers(self, list_id: str) -> Numbers:
        """The members of a list, by number."""
        return self.book.numbers(self.lists[list_id].members)

    def segment_numbers(self, segment_id: str) -> Numbers:
        """The members of a segment, by number."""
        return self.book.numbers(self._matches(self.segments[segment_id]))

    def of_contact(self, number: int) -> tuple[list[str], list[str]]:
        """The ids of the lists and of the segments that this contact is in."""
        return self.of_contacts([number])[0]

    def of_contacts(self, numbers: Sequence[int]) -> list[tuple[list[str], list[str]]]:
        """The same for several contacts; segments are worked out once for all."""
        lists = [(one.id, fitted(one.members, self.book.size)) for one in self.lists.values()]
        segments = [(one.id, self._matches(one)) for one in self.segments.values()] if numbers else []
        return [
            ([id_ for id_, members in lists if members[n]], [id_ for id_, members in segments if members[n]])
            for n in numbers
        ]

    def _matches(self, segment: Segment) -> Mask:
        book = self.book
        if segment.field_name == "email_domain":
            wanted = np.isin(np.array(MAILBOXES), segment.values)[book.mailboxes()]
        else:
            column = {"city": 0, "country": 2}[segment.field_name]
            wanted = np.array([city[column] in segment.values for city in CITIES])[book.cities()]
        for number, changed in book.changes.items():
            if segment.field_name == "email_domain":
                if "email" in changed:
                    wanted[number] = changed["email"].rpartition("@")[2] in segment.values
            elif segment.field_name in changed:
                wanted[number] = changed[segment.field_name] in segment.values
        if segment.parent_list_id is not None:
            parent = self.lists.get(segment.parent_list_id)
            wanted &= False if parent is None else fitted(parent.members, book.size)
        return wanted & book.alive

    def _first(self, count: int) -> Mask:
        numbers = self.book.numbers()
        if count > len(numbers):
            raise ValueError(f"The account has only {len(numbers)} contacts; a list cannot have {count}.")
        members = np.zeros(self.book.size, dtype=np.bool_)
        members[numbers[:count]] = True
        return members

    def _new_id(self, kind: str) -> str:
        self._made += 1
        digest = hashlib.blake2b(f"{kind} {self._made} of {self.book.seed}".encode(), digest_size=16).digest()
        return str(uuid.UUID(bytes=digest, version=4))


_LISTS = (
    ("Newsletter", 620),
    ("Customers", 350),
    ("Trial users", 120),
    ("Événements Paris", 150),
    ("VIP", 25),
)
_EUROPE = (
    "Germany",
    "United Kingdom",
    "France",
    "Spain",
    "Portugal",
    "Italy",
    "Netherlands",
    "Poland",
    "Sweden",
)
_SEGMENTS = (
    ("Berlin", "city", ("Berlin",)),
    ("North America", "country", ("United States", "Canada", "Mexico")),
    ("Google mailboxes", "email_domain", ("gmail.com",)),
    ("Nowhere yet", "city", ("Atlantis",)),
)
