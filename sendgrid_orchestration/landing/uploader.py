"""Moves sealed files from the spool on local disk to a landing on an object store.

A post is durable in the spool before it is acknowledged, so an outage of the object store fills the spool and does
nothing worse. A file leaves the spool only after the object store has shown that it holds all of it; sending it again
after a crash replaces it by itself.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from sendgrid_orchestration.landing.errors import LandingError
from sendgrid_orchestration.landing.names import SUFFIX
from sendgrid_orchestration.landing.segment import make_directory
from sendgrid_orchestration.landing.store import LandingStore

logger = logging.getLogger(__name__)

_IDLE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 60.0


class Uploader:
    """A thread that empties the spool. Of several processes that share a spool one uploads, the others stand by."""

    def __init__(
        self,
        spool: Path,
        store: LandingStore,
        on_upload: Callable[[int], None] = lambda size: None,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        """Start the thread.

        Args:
            spool: the folder that the writers write to.
            store: where the files go.
            on_upload: told the size of every file that arrived.
            on_failure: told of every attempt that failed.
        """
        self._spool = spool
        self._store = store
        self._on_upload = on_upload
        self._on_failure = on_failure
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="landing-uploader", daemon=True)
        self._thread.start()

    def close(self, timeout: float) -> None:
        """Make a last attempt to empty the spool and end; what stays is uploaded after the next start."""
        self._stop.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        pause = 0.0
        last_round = False
        while not last_round:
            last_round = self._stop.wait(pause)
            try:
                self._upload_waiting()
                pause = _IDLE_SECONDS
            except Exception as error:  # every file system and its network stack has exceptions of its own
                self._on_failure()
                pause = min(_LONGEST_PAUSE_SECONDS, max(1.0, pause * 2))
                logger.warning(
                    "Landed files cannot be uploaded: %s They are safe in %s; next attempt in %.0f s.",
                    error,
                    self._spool,
                    pause,
                )

    def _upload_waiting(self) -> None:
        waiting = sorted(self._spool.glob(f"*/sealed/*{SUFFIX}"), key=lambda path: path.name)
        if not waiting:
            return
        make_directory(self._spool)
        fd = os.open(self._spool / ".uploading", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for path in waiting:
                self._upload(path)
        except BlockingIOError:
            return  # another process is at it
        finally:
            os.close(fd)

    def _upload(self, path: Path) -> None:
        try:
            size = path.stat().st_size
            self._store.receive(path.parent.parent.name, path)
        except FileNotFoundError as error:
            if path.exists():
                raise LandingError(str(error)) from error
            return  # the process that uploaded before us was faster
        path.unlink()
        self._on_upload(size)
