"""The fields that a contact has: SendGrid's own, and those that the account's owner has defined."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sendgrid_orchestration.simulator.people import DATE_VALUES, NUMBER_VALUES, TEXT_VALUES

FieldType = Literal["Text", "Number", "Date"]


@dataclass
class CustomField:
    """One custom field.

    Attributes:
        salt: decides who holds which value, so that a rename leaves them as they were.
        values: what a contact may hold here, as text.
    """

    id: str
    name: str
    field_type: FieldType
    salt: int
    values: tuple[str, ...]

    def typed(self, text: str) -> str | float | int | None:
        """A value as the API gives it in JSON; absent ones are None, and what is no number stays text."""
        if text == "":
            return None
        if self.field_type == "Number":
            try:
                number = float(text)
            except ValueError:
                return text
            if not math.isfinite(number):
                return text
            return int(number) if number.is_integer() and abs(number) < 1 << 53 else number
        return text

    def legacy(self, text: str) -> str | float | int | None:
        """A value as the legacy API gives it: dates as unix seconds."""
        if self.field_type == "Date" and text:
            try:
                return int(datetime.fromisoformat(text).timestamp())
            except (ValueError, OverflowError):
                return text
        return self.typed(text)


_DEFAULT_FIELDS: tuple[tuple[str, FieldType], ...] = (
    ("plan", "Text"),
    ("lifetime_value", "Number"),
    ("signup_date", "Date"),
    ("favourite_category", "Text"),
    ("loyalty_points", "Number"),
    ("last_purchase", "Date"),
    ("notes", "Text"),
    ("nps_score", "Number"),
)

_RESERVED: tuple[tuple[str, FieldType, bool], ...] = (
    ("first_name", "Text", False), ("last_name", "Text", False), ("email", "Text", False),
    ("alternate_emails", "Text", False), ("address_line_1", "Text", False), ("address_line_2", "Text", False),
    ("city", "Text", False), ("state_province_region", "Text", False), ("postal_code", "Text", False),
    ("country", "Text", False), ("phone_number", "Text", False), ("whatsapp", "Text", False),
    ("line", "Text", False), ("facebook", "Text", False), ("unique_name", "Text", False),
    ("email_domains", "Text", True), ("last_clicked", "Date", True), ("last_opened", "Date", True),
    ("last_emailed", "Date", True), ("singlesend_id", "Text", True), ("automation_id", "Text", True),
    ("created_at", "Date", True), ("updated_at", "Date", True), ("contact_id", "Text", True),
    ("phone_number_id", "Text", False), ("external_id", "Text", False), ("anonymous_id", "Text", False),
)  # fmt: skip


@dataclass
class FieldDefinitions:
    """All custom fields of the account, in the order of their creation."""

    custom: list[CustomField] = field(default_factory=list)
    _next: int = 1

    @classmethod
    def believable(cls, count: int) -> FieldDefinitions:
        """So many custom fields, the first with telling names."""
        definitions = cls()
        kinds: tuple[FieldType, ...] = ("Text", "Number", "Date")
        for n in range(count):
            name, kind = (
                _DEFAULT_FIELDS[n] if n < len(_DEFAULT_FIELDS) else (f"attribute_{n + 1}", kinds[n % 3])
            )
            definitions.add(name, kind)
        return definitions

    def add(self, name: str, field_type: FieldType) -> CustomField:
        """Define one more field; SendGrid wants its name unused, whatever the case."""
        if any(existing.name.lower() == name.lower() for existing in self.custom):
            raise ValueError(f'There is a custom field "{name}" already. Choose another name.')
        pools = {
            "Text": TEXT_VALUES.get(name, TEXT_VALUES[""]),
            "Number": NUMBER_VALUES,
            "Date": DATE_VALUES,
        }
        made = CustomField(
            f"e{self._next}_{field_type[0]}", name, field_type, 0x9E37 * self._next, pools[field_type]
        )
        self._next += 1
        self.custom.append(made)
        return made

    def rename(self, field_id: str, name: str) -> None:
        """Change a field's name; id and values stay."""
        self.get(field_id).name = name

    def remove(self, field_id: str) -> None:
        """Drop a field and every value it held."""
        self.custom.remove(self.get(field_id))

    def get(self, field_id: str) -> CustomField:
        """The field with this id.

        Raises:
            KeyError: there is none.
        """
        for candidate in self.custom:
            if candidate.id == field_id:
                return candidate
        raise KeyError(field_id)

    @property
    def reserved(self) -> dict[str, str]:
        """SendGrid's own fields that may be written: their names, by id."""
        return {f"_rf{n}_{kind[0]}": name for n, (name, kind, fixed) in enumerate(_RESERVED) if not fixed}

    def named(self, name: str) -> CustomField:
        """The field with this name.

        Raises:
            KeyError: there is none.
        """
        for candidate in self.custom:
            if candidate.name.lower() == name.lower():
                return candidate
        raise KeyError(name)

    def document(self, self_url: str) -> dict[str, Any]:
        """What `GET /v3/marketing/field_definitions` answers. Without custom fields the key is left out."""
        answer: dict[str, Any] = {}
        if self.custom:
            answer["custom_fields"] = [
                {
                    "id": f.id,
                    "name": f.name,
                    "field_type": f.field_type,
                    "_metadata": {"self": f"{self_url}/{f.id}"},
                }
                for f in self.custom
            ]
        answer["reserved_fields"] = [
            {"id": f"_rf{n}_{kind[0]}", "name": name, "field_type": kind}
            | ({"read_only": True} if fixed else {})
            for n, (name, kind, fixed) in enumerate(_RESERVED)
        ]
        answer["_metadata"] = {"self": self_url}
        return answer
