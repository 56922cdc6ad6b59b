"""The account's contacts, drawn on demand: a million of them cost some twenty megabytes, and no two reads differ.

What a contact looks like follows from the seed and its number. Only what somebody changed is remembered. Columns are
drawn for a block of contacts at once with numpy, which is what makes an export of a million rows a matter of seconds.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sendgrid_orchestration.simulator.fields import CustomField, FieldDefinitions
from sendgrid_orchestration.simulator.people import CITIES, FIRST_NAMES, LAST_NAMES, MAILBOXES

Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]

COLUMNS: tuple[str, ...] = (
    "email", "first_name", "last_name", "address_line_1", "address_line_2", "city", "state_province_region",
    "postal_code", "country", "alternate_emails", "phone_number", "whatsapp", "line", "facebook", "unique_name",
    "created_at", "updated_at", "contact_id",
)  # fmt: skip
"""The columns of an export before the custom fields, in SendGrid's order (there in upper case)."""

LAST_COLUMNS: tuple[str, ...] = ("phone_number_id", "external_id", "anonymous_id")
"""The columns of an export after the custom fields, as real files have them (there in upper case)."""

IDENTIFIERS: tuple[str, ...] = ("email", *LAST_COLUMNS)
"""What a contact may be known by; it has one at least, and no other contact has the same."""

_BLOCK = 5000
_MOST_DIGITS = 18
_TRAILING_NUMBER = re.compile(r"(\d+)@")
_ODD, _OFFSET, _ID_BITS = 0x5DEECE66D1B5, 0x2545F4914F6C, 48
_INVERSE = pow(_ODD, -1, 1 << _ID_BITS)
_STREETS = (
    "Main Street",
    "Hauptstraße",
    "Rue de la Paix",
    "Calle Mayor",
    "High Street",
    "Via Roma",
    "Elm Road",
    "",
)


class ContactBook:
    """Every contact by its number, from 0; numbers are never used again.

    Attributes:
        alive: which numbers still are contacts.
        changes: what was set by hand or by an upsert, by number and field (a column's name or a custom field's id).
    """

    def __init__(
        self, seed: int, count: int, fields: FieldDefinitions, first_day: int, last_day: int
    ) -> None:
        self.seed = seed
        self.fields = fields
        self.drawn = count
        self.hashes = mix(
            np.arange(count, dtype=np.uint64) + np.uint64(seed & 0xFFFFFFFF) * np.uint64(0x1000003D)
        )
        self.alive: Mask = np.ones(count, dtype=np.bool_)
        span = max(last_day - first_day, 1)
        steps = np.arange(count, dtype=np.int64) * span // max(count, 1)
        self.created: Numbers = first_day + steps
        ages = np.maximum(last_day - self.created, 1)
        self.updated: Numbers = self.created + (self.hashes >> np.uint64(20)).astype(np.int64) % ages
        self.revisions = np.zeros(count, dtype=np.uint64)
        self.changes: dict[int, dict[str, str]] = {}
        self._by_identifier: dict[tuple[str, str], int] = {}
        self._version = 0
        self._copy: tuple[object, ContactBook] | None = None

    @property
    def size(self) -> int:
        """How many numbers were ever given out."""
        return len(self.alive)

    def __len__(self) -> int:
        return int(np.count_nonzero(self.alive))

    def numbers(self, chosen: Mask | None = None) -> Numbers:
        """The numbers of all contacts that still exist, or of those among the chosen."""
        wanted = self.alive if chosen is None else self.alive & fitted(chosen, self.size)
        return np.flatnonzero(wanted).astype(np.int64)

    def email(self, number: int) -> str:
        """The address of one contact."""
        changed = self.changes.get(number, {})
        return changed["email"] if "email" in changed else self._emails(self.hashes[[number]], [number])[0]

    def contact_id(self, number: int) -> str:
        """SendGrid's id of one contact."""
        return self._ids(self.hashes[[number]], [number])[0]

    def domain(self, number: int) -> str:
        """Where one contact has its mailbox."""
        return self.email(number).rpartition("@")[2]

    def trait(self, number: int, bits: int, outcomes: int) -> int:
        """A lasting property of one contact, from 0 to outcomes - 1; `bits` names which."""
        return (int(self.hashes[number]) >> bits) % outcomes

    def with_id(self, contact_id: str) -> int | None:
        """The number behind an id, if that contact exists."""
        try:
            number = ((int(contact_id[-12:], 16) - _OFFSET) * _INVERSE) % (1 << _ID_BITS)
        except ValueError:
            return None
        found = number < self.size and self.alive[number] and self.contact_id(number) == contact_id
        return number if found else None

    def with_email(self, email: str) -> int | None:
        """The number behind an address, if that contact exists."""
        return self.with_identifier("email", email)

    def with_identifier(self, kind: str, value: str) -> int | None:
        """The number behind one of IDENTIFIERS, if that contact exists; addresses are the same in any case."""
        wanted = value.lower() if kind == "email" else value
        number = self._by_identifier.get((kind, wanted)) if wanted else None
        if number is None and kind == "email" and (match := _TRAILING_NUMBER.search(wanted)):
            number = int(match[1][-_MOST_DIGITS:])
        found = (
            number is not None
            and number < self.size
            and self.alive[number]
            and self.identifiers(number).get(kind, "").lower() == wanted.lower()
        )
        return number if found else None

    def with_alternate_email(self, email: str) -> int | None:
        """The number behind an alternate address, if that contact exists."""
        wanted = email.lower()
        number = self._by_identifier.get(("alternate_emails", wanted))
        if number is None or not self.alive[number]:
            return None
        return (
            number if wanted in self.changes[number].get("alternate_emails", "").lower().split(",") else None
        )

    def identifiers(self, number: int) -> dict[str, str]:
        """By which identifiers one contact is known."""
        changed = self.changes.get(number, {})
        held = {"email": self.email(number)} | {kind: changed.get(kind, "") for kind in LAST_COLUMNS}
        return {kind: value for kind, value in held.items() if value}

    def with_legacy_id(self, recipient_id: str) -> int | None:
        """The number behind a legacy recipient's id, if that contact exists."""
        try:
            return self.with_email(base64.b64decode(recipient_id).decode())
        except ValueError:
            return None

    def put(self, values: dict[str, str], now: int, number: int | None = None) -> int:
        """Set fields of one contact, or make a new one; nothing is checked, so that tests can store odd things.

        Args:
            values: by column name or custom field id.
            now: when, in unix seconds.
            number: which contact; a new one where it is None.

        Returns:
            The contact's number.
        """
        if number is None:
            number = self.size
            self._grow(now)
            self.changes[number] = dict.fromkeys(COLUMNS[:15], "")
        self._version += 1
        self.changes.setdefault(number, {}).update(values)
        self.updated[number] = now
        for kind in IDENTIFIERS:
            if values.get(kind):
                self._by_identifier[kind, values[kind].lower() if kind == "email" else values[kind]] = number
        for email in values.get("alternate_emails", "").lower().split(","):
            self._by_identifier["alternate_emails", email] = number
        return number

    def revise(self, numbers: Numbers, now: int) -> None:
        """Give these contacts new values in their custom fields."""
        self._version += 1
        self.revisions[numbers] += np.uint64(1)
        self.updated[numbers] = now

    def delete(self, numbers: Iterable[int]) -> None:
        """These contacts are gone."""
        self._version += 1
        self.alive[np.fromiter(numbers, dtype=np.int64)] = False

    def frozen(self) -> ContactBook:
        """This book as it is now: what an export that was asked for now will contain. Exports between two changes share one."""
        state = (self._version, [(field.id, field.name) for field in self.fields.custom])
        if self._copy is None or self._copy[0] != state:
            copy = object.__new__(ContactBook)
            copy.__dict__.update(self.__dict__)
            copy.fields = FieldDefinitions([replace(field) for field in self.fields.custom])
            copy.alive, copy.updated = self.alive.copy(), self.updated.copy()
            copy.revisions = self.revisions.copy()
            copy.changes = {number: dict(values) for number, values in self.changes.items()}
            copy._copy = None
            self._copy = (state, copy)
        return self._copy[1]

    def rows(self, numbers: Sequence[int] | Numbers) -> Iterator[tuple[str, ...]]:
        """The contacts as rows of text: COLUMNS, the custom fields in their order, LAST_COLUMNS."""
        listed = np.asarray(numbers, dtype=np.int64)
        for start in range(0, len(listed), _BLOCK):
            yield from zip(*self._columns(listed[start : start + _BLOCK]), strict=True)

    def csv(self, numbers: Numbers) -> Iterator[bytes]:
        """The same rows as a CSV without header, every value quoted, in chunks of some thousand rows."""
        for start in range(0, len(numbers), _BLOCK):
            columns = self._columns(numbers[start : start + _BLOCK], clean=_csv_quoted)
            body = '"\n"'.join(map('","'.join, zip(*columns, strict=True)))
            yield f'"{body}"\n'.encode()

    def documents(self, numbers: Sequence[int] | Numbers) -> list[dict[str, Any]]:
        """The contacts as the API gives them, without lists and segments."""
        answers = []
        custom = self.fields.custom
        names = (*COLUMNS, *(field.id for field in custom), *LAST_COLUMNS)
        for row in self.rows(numbers):
            values = dict(zip(names, row, strict=True))
            typed = {field.name: field.typed(values.pop(field.id)) for field in custom}
            alternates = values.pop("alternate_emails")
            answers.append(
                {
                    "id": values.pop("contact_id"),
                    **values,
                    "alternate_emails": alternates.split(",") if alternates else [],
                    "custom_fields": {name: value for name, value in typed.items() if value is not None},
                }
            )
        return answers

    def cities(self) -> NDArray[np.uint64]:
        """Which of CITIES each drawn contact lives in."""
        return (self.hashes >> np.uint64(26)) % np.uint64(len(CITIES))

    def mailboxes(self) -> NDArray[np.uint64]:
        """Which of MAILBOXES each drawn contact has."""
        return (self.hashes >> np.uint64(16)) % np.uint64(len(MAILBOXES))

    def _grow(self, now: int) -> None:
        self.hashes = np.append(self.hashes, mix(np.array([self.size + (self.seed << 20)], dtype=np.uint64)))
        self.alive = np.append(self.alive, True)
        self.created = np.append(self.created, now)
        self.updated = np.append(self.updated, now)
        self.revisions = np.append(self.revisions, np.uint64(0))

    def _columns(self, numbers: Numbers, clean: Callable[[str], str] = str) -> list[list[str]]:
        listed: list[int] = numbers.tolist()
        hashes = self.hashes[numbers]
        cities = _drawn(hashes, 26, len(CITIES))
        streets = _drawn(hashes, 33, len(_STREETS))
        empty = [""] * len(listed)
        columns: list[list[str]] = [
            self._emails(hashes, listed),
            _picked([clean(first) for first, _ in FIRST_NAMES], _drawn(hashes, 0, len(FIRST_NAMES))),
            _picked([clean(last) for last, _ in LAST_NAMES], _drawn(hashes, 8, len(LAST_NAMES))),
            [f"{number % 180 + 1} {_STREETS[s]}" if _STREETS[s] else "" for number, s in zip(listed, streets, strict=True)],
            _picked(("", "", "", "Apt. 4, 2nd floor"), _drawn(hashes, 35, 4)),
            _picked([city.city for city in CITIES], cities),
            _picked([city.region for city in CITIES], cities),
            _picked([city.postal_code for city in CITIES], cities),
            _picked([city.country for city in CITIES], cities),
            list(empty), list(empty), list(empty), list(empty), list(empty), list(empty),
            _iso(self.created[numbers]),
            _iso(self.updated[numbers]),
            self._ids(hashes, listed),
        ]  # fmt: skip
        columns.extend(self._custom(field, numbers, hashes, clean) for field in self.fields.custom)
        columns.extend(list(empty) for _ in LAST_COLUMNS)
        self._apply_changes(columns, listed, clean)
        return columns

    def _custom(
        self, field: CustomField, numbers: Numbers, hashes: NDArray[np.uint64], clean: Callable[[str], str]
    ) -> list[str]:
        drawn = mix((hashes ^ np.uint64(field.salt)) + self.revisions[numbers] * np.uint64(0x9E3779B9))
        pool = [clean(value) for value in field.values]
        return _picked(pool, (drawn % np.uint64(len(pool))).tolist())

    def _apply_changes(
        self, columns: list[list[str]], listed: list[int], clean: Callable[[str], str]
    ) -> None:
        if not self.changes:
            return
        names = [*COLUMNS, *(field.id for field in self.fields.custom), *LAST_COLUMNS]
        for row, number in enumerate(listed):
            changed = self.changes.get(number)
            if changed is None:
                continue
            for column, name in zip(columns, names, strict=True):
                if name in changed:
                    column[row] = clean(changed[name])
                elif number >= self.drawn and name not in COLUMNS:
                    column[row] = ""  # a contact that was added has no custom values but those it was given

    def _emails(self, hashes: NDArray[np.uint64], listed: list[int]) -> list[str]:
        firsts, lasts = _drawn(hashes, 0, len(FIRST_NAMES)), _drawn(hashes, 8, len(LAST_NAMES))
        boxes = _drawn(hashes, 16, len(MAILBOXES))
        return [
            f"{FIRST_NAMES[first][1]}.{LAST_NAMES[last][1]}{number}@{MAILBOXES[box]}"
            for number, first, last, box in zip(listed, firsts, lasts, boxes, strict=True)
        ]

    def _ids(self, hashes: NDArray[np.uint64], listed: list[int]) -> list[str]:
        return [
            f"{h >> 32:08x}-{h >> 16 & 0xFFFF:04x}-4{h & 0xFFF:03x}-a{h >> 12 & 0xFFF:03x}"
            f"-{(number * _ODD + _OFFSET) % (1 << _ID_BITS):012x}"
            for number, h in zip(listed, hashes.tolist(), strict=True)
        ]


def mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter consecutive numbers over 64 bits (splitmix64), the same way each time."""
    scattered = numbers + np.uint64(0x9E3779B97F4A7C15)
    scattered = (scattered ^ (scattered >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    scattered = (scattered ^ (scattered >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return scattered ^ (scattered >> np.uint64(31))


def fitted(mask: Mask, size: int) -> Mask:
    """A mask made when the account was smaller: contacts that came later are not in it."""
    if len(mask) == size:
        return mask
    longer = np.zeros(size, dtype=np.bool_)
    longer[: len(mask)] = mask[:size]
    return longer


def legacy_id(email: str) -> str:
    """The id of a recipient in the legacy family: its address in base64."""
    return base64.b64encode(email.encode()).decode()


def _drawn(hashes: NDArray[np.uint64], bits: int, outcomes: int) -> list[int]:
    return ((hashes >> np.uint64(bits)) % np.uint64(outcomes)).tolist()  # type: ignore[no-any-return]


def _picked(pool: Sequence[str], drawn: list[int]) -> list[str]:
    return [pool[n] for n in drawn]


def _iso(seconds: Numbers) -> list[str]:
    return [f"{text}Z" for text in np.datetime_as_string(seconds.astype("datetime64[s]")).tolist()]


def _csv_quoted(text: str) -> str:
    return text.replace('"', '""')
