"""Puts posts into a landing as the receiver leaves them: sealed files of framed posts."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sendgrid_orchestration.landing.format import Post, whole_file
from sendgrid_orchestration.landing.names import name_giver
from sendgrid_orchestration.landing.store import LandingStore, open_store

RECEIVED = datetime(2024, 6, 1, 12, 0, tzinfo=UTC)


def event(number: int, **keys: Any) -> dict[str, Any]:
    """An ordinary event; each number gives another one, one a second."""
    return {
        "email": f"user{number % 97}@example.com",
        "event": ("processed", "delivered", "open", "click")[number % 4],
        "timestamp": int(RECEIVED.timestamp()) - 1_000 + number,
        "sg_event_id": f"event-{number}",
        "sg_message_id": f"message-{number // 4}.recvd-1",
        "category": ["news"],
        "customer_id": str(number),
        **keys,
    }


def body(items: Iterable[Any]) -> bytes:
    """Items as SendGrid joins them."""
    return b"[" + b",\r\n".join(json.dumps(item).encode() for item in items) + b"]\r\n"


@dataclass
class Landing:
    """A landing under a folder, for one source."""

    root: Path
    source: str = "sendgrid"
    _name: Any = field(default_factory=name_giver)
    _minutes: Any = field(default_factory=itertools.count)

    @property
    def store(self) -> LandingStore:
        """The landing, for reading."""
        return open_store(self.root.as_uri())

    def land(self, *bodies: bytes, received_at: datetime | None = None) -> Path:
        """Seal a file with these posts."""
        first = received_at or RECEIVED + timedelta(seconds=next(self._minutes))
        return self.land_posts(
            *(Post(first + timedelta(milliseconds=number), {}, one) for number, one in enumerate(bodies))
        )

    def land_posts(self, *posts: Post) -> Path:
        """Seal a file with posts that have headers and times of their own."""
        folder = self.root / self.source / "sealed"
        folder.mkdir(parents=True, exist_ok=True)
        name = self._name(posts[0].received_at)
        path = folder / f"{name}.posts"
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_bytes(b"".join(whole_file(name, posts)))
        unfinished.rename(path)
        return path

    def land_events(self, numbers: Iterable[int], *, received_at: datetime | None = None) -> Path:
        """Seal a file with one post of ordinary events."""
        return self.land(body(event(number) for number in numbers), received_at=received_at)
