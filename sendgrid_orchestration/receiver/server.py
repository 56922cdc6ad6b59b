"""Runs the receiver on granian: the main process holds the workers, each worker takes posts on the shared port."""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import tempfile
from functools import partial
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels

from sendgrid_orchestration.receiver.access import ensure_token
from sendgrid_orchestration.receiver.gate import Gate
from sendgrid_orchestration.settings import Settings

logger = logging.getLogger(__name__)

_CONNECTIONS = 2048
_READ_BUFFER_BYTES = 64 * 1024
_HEADER_MILLISECONDS = 15_000


def serve(settings: Settings, workers: int | None = None) -> None:
    """Take posts until SIGTERM or SIGINT; then finish those in flight, seal and return.

    Args:
        settings: everything.
        workers: how many processes; `receiver.workers` by default.

    Raises:
        SettingsError: a secret is missing. Nothing was started.
    """
    workers = workers or settings.receiver.workers
    for source in settings.sources:
        Gate(source, settings.data_dir)
        if not source.webhook.url_tokens:
            ensure_token(settings.data_dir, source.name)
    host, port = settings.receiver.host, settings.receiver.port or _free_port(settings.receiver.host)
    logger.info("Taking posts on http://%s:%d with %d worker(s).", host, port, workers)
    with tempfile.TemporaryDirectory(prefix="receiver-metrics-") as counters:
        if workers > 1:
            # Where the workers' counters are added up; must be set before a worker imports prometheus_client.
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = counters
        Granian(
            "",
            address=host,
            port=port,
            interface=Interfaces.RSGI,
            workers=workers,
            loop=Loops.uvloop,
            http=HTTPModes.http1,  # what SendGrid and proxies speak
            http1_settings=HTTP1Settings(
                header_read_timeout=_HEADER_MILLISECONDS, max_buffer_size=_READ_BUFFER_BYTES
            ),
            websockets=False,
            backlog=_CONNECTIONS,
            backpressure=_CONNECTIONS,
            log_level=LogLevels.warning,
            log_access=False,  # its lines would show the URL, and with it the token
            respawn_failed_workers=True,
            workers_kill_timeout=max(1, math.ceil(settings.receiver.drain_seconds)),
        ).serve(target_loader=partial(_load, settings), wrap_loader=False)


def _load(settings: Settings) -> Any:
    """Called in each worker, before it listens."""
    # Until granian sets its own, a forked worker has the main process's handlers, which do nothing in it: a worker that
    # was told to end while it started would have to be killed.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from sendgrid_orchestration.receiver.app import Receiver  # noqa: PLC0415 - see PROMETHEUS_MULTIPROC_DIR

    return Receiver(settings)


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
