"""Heartbeats: a small file in the landing that says when a process was last alive, and what it saw.

Receivers and Dagster share nothing but the landing: they may run on different machines, and each must notice when the
other is down. Every process writes one file for its host under `.heartbeats/` and removes it when it stops in order, so
a file that grows old means a process that died.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import orjson

from sendgrid_orchestration.landing.store import LandingStore

Process = Literal["receiver", "dagster"]

FORGET_AFTER = timedelta(days=1)
"""A host whose last heartbeat is older than this has been replaced by another: its file is removed."""

_FOLDER = ".heartbeats"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last sign of life of a process on one host."""

    process: Process
    host: str
    at: datetime
    """UTC, by the clock of that host."""
    details: Mapping[str, Any]
    """What the process reported, as JSON."""

    def age(self, now: datetime) -> timedelta:
        """Time since the heartbeat, zero if the host's clock is ahead."""
        return max(now - self.at, timedelta(0))


def beat(
    store: LandingStore, process: Process, details: Mapping[str, Any], now: datetime | None = None
) -> None:
    """Write the heartbeat of a process on this host."""
    at = now or datetime.now(UTC)
    content = orjson.dumps({"at": at.isoformat(), "details": dict(details)})
    store.put(f"{_FOLDER}/{process}-{_host()}.json", content)


def stop(store: LandingStore, process: Process) -> None:
    """Remove the heartbeat of a process on this host: it stops because somebody wants it to."""
    store.remove(f"{_FOLDER}/{process}-{_host()}.json")


def heartbeats(store: LandingStore, process: Process, now: datetime | None = None) -> list[Heartbeat]:
    """The last heartbeat of each host that runs a process, the newest first.

    Files that cannot be understood are ignored; files older than `FORGET_AFTER` are removed, except the newest: it
    is the only trace that the process ever ran.
    """
    found = []
    for name, content in store.small_files(_FOLDER).items():
        kind, _, host = name.removesuffix(".json").partition("-")
        if kind != process:
            continue
        try:
            read = orjson.loads(content)
            found.append(Heartbeat(process, host, datetime.fromisoformat(read["at"]), read["details"]))
        except (ValueError, KeyError, TypeError):
            continue
    found.sort(key=lambda heartbeat: heartbeat.at, reverse=True)
    kept = found[:1]
    for heartbeat in found[1:]:
        if heartbeat.age(now or datetime.now(UTC)) > FORGET_AFTER:
            store.remove(f"{_FOLDER}/{process}-{heartbeat.host}.json")
        else:
            kept.append(heartbeat)
    return kept


def _host() -> str:
    return "".join(char if char.isalnum() or char in "-." else "_" for char in socket.gethostname()) or "host"
