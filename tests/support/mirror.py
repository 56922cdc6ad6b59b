"""A simulated account, a client that does not wait long, and a migrated warehouse to mirror it into."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from pydantic import SecretStr

from sendgrid_orchestration.sendgrid.client import RetryPolicy, SendGridClient
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.simulator import Simulator
from sendgrid_orchestration.sync import SyncResult, sync_object
from sendgrid_orchestration.warehouse import objects
from sendgrid_orchestration.warehouse.engine import connect

IMPATIENT = RetryPolicy(first_wait=0.01, longest_wait=0.05, total_wait=5, first_poll=0.01, longest_poll=0.05)
FIRST_SYNC = datetime(2026, 3, 1, 3, tzinfo=UTC)


@dataclass
class Mirror:
    """One source, with everything that a sync of it needs.

    Attributes:
        now: when the last sync took place; each is three hours after the one before.
        said: what the syncs told while they ran.
    """

    simulator: Simulator
    url: str
    source: Source
    now: datetime = FIRST_SYNC - timedelta(hours=3)
    said: list[str] = field(default_factory=list)

    @property
    def client(self) -> SendGridClient:
        """A new client of the account."""
        return client_of(self.simulator)

    def catch_up(self) -> None:
        """To the account's present: suppressions are read up to the moment of the sync, which must be after its history."""
        self.now = datetime.fromtimestamp(self.simulator.account.now(), UTC)

    def sync(self, name: str, client: SendGridClient | None = None) -> SyncResult:
        """Sync one object, three hours after the last."""
        self.now += timedelta(hours=3)
        return self.sync_now(name, client)

    def sync_now(self, name: str, client: SendGridClient | None = None) -> SyncResult:
        """Sync one object at the moment of the last."""
        return sync_object(
            client or self.client, self.url, self.source, name, now=self.now, progress=self.said.append
        )

    def told(self, name: str) -> str:
        """What another process must be told to sync an object at the moment of the last, as JSON."""
        account = {"api": self.simulator.url, "key": self.simulator.api_key}
        target = {"url": self.url, "source": self.source.name, "object": name, "now": self.now.isoformat()}
        return json.dumps({**account, **target})

    def rows(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        """What a query gives; `{raw}` is the schema of the tables."""
        with psycopg.connect(self.url, options="-c timezone=UTC") as conn:
            return conn.execute(query.format(raw=self.source.raw_schema).encode(), params or None).fetchall()

    def value(self, query: str, *params: Any) -> Any:
        """The first value of the first row."""
        found = self.rows(query, *params)
        return found[0][0] if found else None


_numbers = itertools.count(1)


def since_a_fixed_day() -> dict[str, Any]:
    """Options of an account whose present began on one certain day: what a seed brings about depends on the hour too."""
    began, at_first = int(datetime(2026, 9, 15, 9, tzinfo=UTC).timestamp()), time.time()
    return {"started": began, "clock": lambda: began + time.time() - at_first}


@contextmanager
def mirror(url: str, *, marketing: str = "new", **account: Any) -> Iterator[Mirror]:
    """A mirror of a small new account, in a schema of its own: a database of its own would cost ten times as much."""
    options: dict[str, Any] = {"contacts": 40, "history_messages": 20, "custom_fields": 3}
    options |= since_a_fixed_day() | account
    with Simulator(**options) as simulator:
        yield mirror_of(simulator, url, marketing=marketing)


def mirror_of(simulator: Simulator, url: str, *, marketing: str = "new") -> Mirror:
    """One more mirror of an account, in a schema of its own."""
    source = Source.model_validate({"name": f"mirror_{next(_numbers)}", "marketing": marketing})
    with connect(url) as conn:
        conn.execute(f"create schema {source.raw_schema}".encode())
        objects.create(conn, source)
    return Mirror(simulator, url, source)


def client_of(simulator: Simulator, **options: Any) -> SendGridClient:
    """A client that does not wait long."""
    key = options.pop("api_key", simulator.api_key)
    return SendGridClient(
        simulator.url, SecretStr(key), source="marketing", **{"policy": IMPATIENT, **options}
    )
