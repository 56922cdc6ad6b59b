"""Reports that this receiver is alive, and alerts people when Dagster is not.

Dagster checks the receiver (`health`), and sends alerts. If Dagster's daemon, its code location or its Postgres is down, no
sensor runs and nobody is alerted: the receiver is the one process that keeps running then, so it watches Dagster.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sendgrid_orchestration.landing import heartbeats
from sendgrid_orchestration.landing.store import LandingStore
from sendgrid_orchestration.receiver.metrics import LandingState, Totals
from sendgrid_orchestration.settings import Settings

logger = logging.getLogger(__name__)

INTERVAL_S = 20.0
WINDOW_S = 600.0
"""Posts and refusals are reported for this much time back."""

REPEAT_AFTER_S = 3600.0
"""A problem that persists is sent again after this long."""


class PeerMonitor:
    """A thread of a worker process. With several workers on a host, the one that holds the lock does the work."""

    def __init__(
        self,
        settings: Settings,
        store: LandingStore,
        totals: Callable[[], Totals],
        landing: Callable[[], LandingState],
        why_not_ready: Callable[[], str],
        *,
        interval_s: float = INTERVAL_S,
    ) -> None:
        """Start the thread.

        Args:
            settings: data directory, sources, alerts, and how long a process may be silent.
            store: the landing, where heartbeats are written.
            totals: the receiver's counters.
            landing: what waits in the landing, as it was last counted.
            why_not_ready: why this receiver takes no posts; empty if it does.
            interval_s: seconds between two heartbeats.
        """
        self._alerts = settings.alerts
        self._sources = [source.name for source in settings.sources]
        self._longest_delay = timedelta(minutes=settings.checks.longest_delay_minutes)
        self._lock_path = settings.data_dir / "receiver-monitor.lock"
        self._store = store
        self._totals = totals
        self._landing = landing
        self._why_not_ready = why_not_ready
        self._interval_s = interval_s
        self._lock: int | None = None
        self._samples = deque([(time.monotonic(), Totals())])
        self._sent_at: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="peer monitor", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and withdraw the heartbeat: this receiver stops because somebody wants it to."""
        self._stop.set()
        self._thread.join(timeout=5)  # it may hang on an object store that is down
        if self._lock is not None:
            os.close(self._lock)

    def _run(self) -> None:
        while True:
            try:
                if self._is_chosen():
                    self._report()
                    self._watch()
            except Exception as error:  # each file system has errors of its own, and none may end the thread
                logger.warning("The heartbeat could not be written: %s", error)
            if self._stop.wait(self._interval_s):
                break
        if self._lock is not None:
            try:
                heartbeats.stop(self._store, "receiver")
            except Exception as error:  # as above
                logger.warning("The heartbeat could not be withdrawn: %s", error)

    def _is_chosen(self) -> bool:
        if self._lock is None:
            self._lock_path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                return False
            self._lock = lock
        return True

    def _report(self) -> None:
        now, totals = time.monotonic(), self._totals()
        self._samples.append((now, totals))
        while self._samples[0][0] < now - WINDOW_S:
            self._samples.popleft()
        before = self._samples[0][1]
        refused: dict[str, dict[str, int]] = {}
        for (source, reason), count in totals.refused.items():
            if (recent := count - before.refused.get((source, reason), 0)) > 0:
                refused.setdefault(source, {})[reason] = recent
        details: dict[str, Any] = {
            "window_s": WINDOW_S,
            "posts": {source: count - before.posts.get(source, 0) for source, count in totals.posts.items()},
            "refused": refused,
            "not_ready": self._why_not_ready(),
        }
        heartbeats.beat(self._store, "receiver", details)

    def _watch(self) -> None:
        problems = dict(self._problems())
        for name in self._sent_at.keys() - problems.keys():
            del self._sent_at[name]
        for name, text in problems.items():
            now = time.monotonic()
            if now - self._sent_at.get(name, -REPEAT_AFTER_S) < REPEAT_AFTER_S:
                continue
            logger.error("%s", text)
            from sendgrid_orchestration import alerts  # noqa: PLC0415 # 7 MB that a receiver without trouble does not need

            if alerts.is_configured(self._alerts):
                try:
                    alerts.send(
                        self._alerts, alerts.Alert("Email events are not being loaded", text, "/deployment")
                    )
                except alerts.AlertNotSentError as error:
                    logger.error("%s", error)
                    continue  # the next round tries again
            self._sent_at[name] = now

    def _problems(self) -> Iterator[tuple[str, str]]:
        """Name and sentence of each thing that Dagster should do and does not."""
        last = next(iter(heartbeats.heartbeats(self._store, "dagster")), None)
        if last is not None and (silence := last.age(datetime.now(UTC))) > self._longest_delay:
            yield (
                "dagster",
                f"Dagster on {last.host} has been silent for {_minutes(silence)}. Posts are being kept in the landing. "
                "Check that `dagster-daemon run`, the code location and Postgres are up (`doctor` checks each).",
            )
        for source in self._sources:
            waiting = self._landing().landing.get(source)
            if waiting and waiting.oldest_seconds > self._longest_delay.total_seconds():
                age = timedelta(seconds=waiting.oldest_seconds)
                yield (
                    f"waiting {source}",
                    f"{waiting.files} landed file(s) of source {source} wait for the loader, the oldest for "
                    f"{_minutes(age)}. Check the runs of {source}_events in Dagster.",
                )


def _minutes(duration: timedelta) -> str:
    return f"{duration.total_seconds() / 60:.0f} minutes"
