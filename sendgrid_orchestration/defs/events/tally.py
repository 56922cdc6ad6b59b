"""What the loads of one run did, added up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from sendgrid_orchestration.load.loader import LoadResult

LOOK_AGAIN_SECONDS = 0.5


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
            "copies under another id": self.copies,
            "events in quarantine": self.quarantined,
            "seconds of loading": round(seconds, 3),
            "events per second": round(self.events_read / seconds, 1) if seconds else 0.0,
        }


def while_posts_keep_coming(
    load: Callable[[], LoadResult],
    waiting: Callable[[], Collection[str]],
    *,
    patience: float,
    at_most: float,
    clock: Callable[[], float] = monotonic,
    pause: Callable[[float], None] = sleep,
) -> Iterator[LoadResult]:
    """Load what waits, look for more, and end when nothing new came for a while.

    Args:
        load: loads what waits.
        waiting: names what waits. What was seen once is not waited for again: a damaged file waits for ever.
        patience: seconds without a new file after which this ends.
        at_most: seconds after which this ends in any case.
        clock: tells the time.
        pause: waits.
    """
    began = last_new = clock()
    seen: set[str] = set()
    while True:
        names = set(waiting())
        more = bool(names - seen)
        if more:
            seen |= names
            result = load()
            yield result
            last_new = clock()
            more = result.remaining_files > 0
            if more:
                seen.clear()
        now = clock()
        if now - began >= at_most or now - last_new >= patience:
            return
        if not more:
            pause(LOOK_AGAIN_SECONDS)
