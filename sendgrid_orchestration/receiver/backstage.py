"""What a worker process runs behind its event loop: intake, chores, uploads. Started together, drained in order."""

from __future__ import annotations

import asyncio

from sendgrid_orchestration.landing.store import is_local, local_folder, open_store
from sendgrid_orchestration.landing.uploader import Uploader
from sendgrid_orchestration.landing.writer import Limits
from sendgrid_orchestration.receiver.intake import Intake
from sendgrid_orchestration.receiver.keeper import Keeper, free_bytes
from sendgrid_orchestration.receiver.metrics import Metrics
from sendgrid_orchestration.receiver.peer_monitor import PeerMonitor
from sendgrid_orchestration.settings import Settings

_MEGABYTE = 1024 * 1024


class Backstage:
    """The threads of one worker process."""

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
        """Clean up after dead receivers and start.

        Args:
            settings: where the landing is, and its limits.
            loop: the event loop that answers requests.
        """
        landing = settings.landing
        local = is_local(settings.landing_url)
        root = local_folder(settings.landing_url) if local else settings.data_dir / "spool"
        store = open_store(settings.landing_url)
        self._root = root
        self._drain_seconds = settings.receiver.drain_seconds
        self._largest_post = int(settings.receiver.max_body_megabytes * _MEGABYTE)
        self._limits = Limits(
            landing.seal_seconds,
            int(landing.seal_megabytes * _MEGABYTE),
            landing.min_free_megabytes * _MEGABYTE,
        )
        sources = [source.name for source in settings.sources]
        self._keeper = Keeper(root, sources, store, None if local else open_store(root.as_uri()))
        self.metrics = Metrics(lambda: self._keeper.state)
        self.intake = Intake(root, self._limits, self.metrics, loop)
        self._monitor = PeerMonitor(
            settings, store, self.metrics.totals, lambda: self._keeper.state, self.why_not_ready
        )
        self._uploader = (
            None if local else Uploader(root, store, self._count_upload, self.metrics.upload_failures.inc)
        )

    def why_not_ready(self) -> str:
        """Why a balancer should send posts elsewhere; empty where it should not."""
        try:
            free = free_bytes(self._root)
        except OSError as error:
            return f"the landing cannot be written to ({error.strerror})"
        return "the disk is nearly full" if free < self._limits.min_free_bytes + self._largest_post else ""

    def close(self) -> None:
        """Finish what was accepted, seal every file, make a last attempt to upload."""
        self.intake.close()
        self._monitor.close()
        self._keeper.close()
        if self._uploader:
            self._uploader.close(self._drain_seconds)

    def _count_upload(self, size: int) -> None:
        self.metrics.uploads.inc()
        self.metrics.uploaded_bytes.inc(size)
