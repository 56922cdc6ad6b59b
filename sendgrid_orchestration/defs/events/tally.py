"""What the loads of one run did, added up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sendgrid_orchestration.load.loader import LoadResult


@dataclass(frozen=True)
class Tally:
    """The sum of some loads."""

    files: int = 0
    posts: int = 0
    events_read: int = 0
    inserted: int = 0
    duplicate: int = 0
    quarantined: int = 0
    copies: int = 0
    variants: int = 0

    @classmethod
    def of(cls, results: Iterable[LoadResult]) -> Tally:
        """Add up."""
        names = list(cls.__dataclass_fields__)
        counts = [[getattr(result, name) for name in names] for result in results]
        return cls(*map(sum, zip(*counts, strict=True)))

    def metadata(self, seconds: float) -> dict[str, Any]:
        """Numbers, which Dagster plots over time."""
        return {
            "files": self.files,
            "posts": self.posts,
            "events read": self.events_read,
            "events inserted": self.inserted,
            "redelivered events": self.duplicate,
            "redelivered events that differ": self.variants,
            "copies under another id": self.copies,
            "events in quarantine": self.quarantined,
            "seconds of loading": round(seconds, 3),
            "events per second": round(self.events_read / seconds, 1) if seconds else 0.0,
        }
