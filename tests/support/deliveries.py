"""A warehouse with events, and destinations for them at simulated vendors."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sendgrid_orchestration.destinations.sender import RetryPolicy
from sendgrid_orchestration.load.loader import load_waiting
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.engine import connect
from tests.support.landed import Landing, body, event

WRITE_KEY = "segment-write-key"
API_KEY = "amplitude-api-key"
WEBHOOK_SECRET = "whsec_" + "c2VuZGdyaWQtb3JjaGVzdHJhdGlvbi10ZXN0cw=="

IMPATIENT = RetryPolicy(
    attempts=3, first_wait=0.01, longest_wait=0.05, limited_wait=2, connect_timeout=2, read_timeout=2
)
"""Gives up soon: what waits in a test is the test."""


def set_keys(patch: pytest.MonkeyPatch) -> None:
    """Put the keys where the settings below say."""
    patch.setenv("TEST_WRITE_KEY", WRITE_KEY)
    patch.setenv("TEST_API_KEY", API_KEY)
    patch.setenv("TEST_WEBHOOK_SECRET", WEBHOOK_SECRET)


def segment(url: str, **settings: Any) -> dict[str, Any]:
    """A Segment destination that sends everything from the beginning."""
    return _destination("segment", url, write_key={"env": "TEST_WRITE_KEY"}, **settings)


def amplitude(url: str, **settings: Any) -> dict[str, Any]:
    """An Amplitude destination that sends everything from the beginning."""
    return _destination("amplitude", url, api_key={"env": "TEST_API_KEY"}, **settings)


def webhook(url: str, **settings: Any) -> dict[str, Any]:
    """A webhook destination that sends everything from the beginning."""
    return _destination("webhook", url, secret={"env": "TEST_WEBHOOK_SECRET"}, **settings)


def _destination(kind: str, url: str, **settings: Any) -> dict[str, Any]:
    usual = {"name": kind, "kind": kind, "endpoint": url, "enabled": True, "start": "beginning"}
    return {**usual, "max_events_per_second": None, **settings}


def source_with(*destinations: dict[str, Any]) -> Source:
    """A source with these destinations."""
    return Source.model_validate({"name": "sendgrid", "destinations": list(destinations)})


@dataclass
class Events:
    """A landing and a warehouse: what is landed here is loaded at once."""

    url: str
    folder: Path
    _numbers: Any = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.landing = Landing(self.folder)

    def load(self, items: Iterable[dict[str, Any]], *, received_at: datetime | None = None) -> int:
        """Load these items; returns how many were inserted."""
        self.landing.land(body(items), received_at=received_at or datetime.now(UTC))
        return load_waiting(self.url, self.landing.store, source_with()).inserted

    def load_ordinary(self, count: int, **keys: Any) -> int:
        """Load ordinary events, other ones each time."""
        return self.load(event(next(self._numbers), **keys) for _ in range(count))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with connect(self.url) as conn:
            return conn.execute(query.encode()).fetchall()

    def value(self, query: str) -> Any:
        """The only value of a query."""
        ((value,),) = self.rows(query)
        return value

    def run(self, statement: str) -> None:
        """Change something behind everybody's back."""
        with connect(self.url) as conn:
            conn.execute(statement.encode())

    def adds_up(self) -> bool:
        """Whether the batches of every destination hold each loaded event once: an independent count of `loads`."""
        with connect(self.url) as conn:
            query = """
                select coalesce(sum(batch.events), 0) = (
                    select coalesce(sum(inserted), 0) from sendgrid_raw.loads
                    where load_id <= (select max(load_id) from sendgrid_raw.delivery_destinations)
                )
                from sendgrid_raw.delivery_batches as batch
                where kind = 'stream'
                group by destination
            """
            found = conn.execute(query).fetchall()
        return bool(found) and all(value for (value,) in found)
