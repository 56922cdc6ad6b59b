"""The receiver's chores, away from the requests: sealing what dead receivers left, counting what waits, uploading."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sendgrid_orchestration.landing.errors import LandingError
from sendgrid_orchestration.landing.recovery import seal_leftovers
from sendgrid_orchestration.landing.segment import make_directory
from sendgrid_orchestration.landing.store import LandingStore
from sendgrid_orchestration.receiver.metrics import LandingState, Waiting

logger = logging.getLogger(__name__)

_SECONDS = 2.0
_SHARES_OF_TIME = 20  # with tens of thousands of files waiting, listing them must not eat the machine
_LONGEST_PAUSE_SECONDS = 60.0
_REPEAT_SECONDS = 60.0


class Keeper:
    """Two threads that look after the landing every few seconds; one of them may hang on an object store that is down."""

    def __init__(
        self, root: Path, sources: Sequence[str], store: LandingStore, spool: LandingStore | None
    ) -> None:
        """Clean up after dead receivers, then start the threads.

        Args:
            root: where this process writes: the landing's folder or the spool.
            sources: whose files to count.
            store: the landing.
            spool: the spool, where the landing is not a local folder.
        """
        self._root = root
        self._sources = sources
        self._store = store
        self._spool = spool
        self._parent = os.getppid()
        self._stop = threading.Event()
        self.state = LandingState()
        self._seal_leftovers()
        self._chores = threading.Thread(target=self._do_chores, name="keeper", daemon=True)
        self._chores.start()
        threading.Thread(target=self._keep_counting, name="counter", daemon=True).start()

    def close(self) -> None:
        """End the chores, and leave nothing open that nobody writes to."""
        self._stop.set()
        self._chores.join()
        self._seal_leftovers()

    def _do_chores(self) -> None:
        while not self._stop.wait(_SECONDS):
            self._follow_parent()
            self._seal_leftovers()

    def _keep_counting(self) -> None:
        pause = 0.0
        silent_until = 0.0
        while not self._stop.wait(pause):
            began = time.monotonic()
            try:
                self._count()
                silent_until = 0.0
            except Exception as error:  # whatever it is, none may end the counting
                if began >= silent_until:
                    logger.warning("Landed files cannot be counted: %s", error)
                    silent_until = began + _REPEAT_SECONDS
            took = time.monotonic() - began
            pause = min(max(_SECONDS, took * _SHARES_OF_TIME), _LONGEST_PAUSE_SECONDS)

    def _follow_parent(self) -> None:
        """A worker whose main process was killed would go on alone, with nobody to stop it: it leaves instead."""
        if os.getppid() != self._parent:
            logger.error("The receiver's main process is gone; its worker stops.")
            os.kill(os.getpid(), signal.SIGTERM)

    def _seal_leftovers(self) -> None:
        try:
            seal_leftovers(self._root)
        except LandingError as error:
            logger.error("%s", error)

    def _count(self) -> None:
        """Count what is near first: it must be known above all while the object store does not answer."""
        spool = {source: _waiting(self._spool, source) for source in self._sources} if self._spool else {}
        self.state = replace(self.state, free_bytes=free_bytes(self._root), spool=spool)
        landing = {source: _waiting(self._store, source) for source in self._sources}
        self.state = replace(self.state, landing=landing)


def free_bytes(root: Path) -> float:
    """Room on the disk of the landing (or spool)."""
    make_directory(root)
    disk = os.statvfs(root)
    return float(disk.f_bavail * disk.f_frsize)


def _waiting(store: LandingStore, source: str) -> Waiting:
    backlog = store.backlog(source)
    oldest = backlog.oldest_sealed_at
    age = max(0.0, (datetime.now(UTC) - oldest).total_seconds()) if oldest else 0.0
    return Waiting(backlog.files, backlog.bytes, age)
