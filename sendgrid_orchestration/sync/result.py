"""What one sync of one object did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sendgrid_orchestration.sync.context import Overdue


@dataclass(frozen=True)
class Refusal:
    """What an API key is not granted.

    Attributes:
        sentence: what is refused and what to do.
        permission: what is missing, as SendGrid's settings call it; empty if that is not known.
        scope: the same as the API calls it.
    """

    sentence: str
    permission: str
    scope: str


@dataclass(frozen=True)
class SyncResult:
    """What one sync of one object did, and how far it can be trusted.

    Attributes:
        rows_read: different rows that SendGrid gave.
        complete: the read was proven complete, so that deletes could be told.
        family: the Marketing Campaigns family that it was read through; None where that does not matter.
        offered: the account has this object at all; where it has not, nothing was read and nothing is wrong.
        refusal: why SendGrid does not let the key read it; the rows stay as they were. None where it does.
        rows_before: `rows_read` of the last sync that read this object; None where there was none.
        whole: this sync read all of it. Of statistics none does: `rows_read` then says nothing about how many there are.
        overdue: lists or segments whose members were not read, the longest unread first.
        warnings: what was odd, in sentences.
        duration: seconds.
        facts: what else there is to tell, by name: of an export its id, files, megabytes, and seconds until they were here.
    """

    object: str
    rows_read: int
    inserted: int
    updated: int
    unchanged: int
    deleted: int
    complete: bool
    family: str | None
    warnings: tuple[str, ...]
    duration: float
    offered: bool = True
    refusal: Refusal | None = None
    rows_before: int | None = None
    whole: bool = True
    overdue: tuple[Overdue, ...] = ()
    facts: Mapping[str, str | float] = field(default_factory=dict)

    @property
    def was_read(self) -> bool:
        """SendGrid has it and lets the key read it."""
        return self.offered and self.refusal is None

    def metadata(self) -> dict[str, Any]:
        """The same as plain values, for the metadata of a materialization."""
        missing = (
            {"missing_permission": self.refusal.permission, "missing_scope": self.refusal.scope}
            if self.refusal
            else {}
        )
        return {
            "rows_read": self.rows_read,
            "inserted": self.inserted,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "deleted": self.deleted,
            "complete": self.complete,
            "offered": self.offered,
            "granted": self.refusal is None,
            **missing,
            "family": self.family or "",
            "duration_s": round(self.duration, 3),
            "warnings": list(self.warnings),
            **self.facts,
        }
