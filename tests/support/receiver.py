"""A receiver in a process of its own, as an operator runs it, and what it landed."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from sendgrid_orchestration.landing.format import Post
from sendgrid_orchestration.landing.store import open_store
from sendgrid_orchestration.receiver.access import store_public_key, webhook_url
from sendgrid_orchestration.settings import Settings
from tests.support.signing import SigningKey

START_SECONDS = 60.0


class RunningReceiver:
    """`python -m sendgrid_orchestration.receiver` with settings of its own, on a free port of this machine."""

    def __init__(
        self,
        folder: Path,
        *,
        webhook: Mapping[str, Any] | None = None,
        receiver: Mapping[str, Any] | None = None,
        landing: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        sources: tuple[str, ...] = ("marketing",),
        settings: Mapping[str, Any] | None = None,
        command: tuple[str, ...] = (sys.executable, "-m", "sendgrid_orchestration.receiver"),
    ) -> None:
        """Write the settings; `start` runs it.

        Args:
            folder: for settings, data and log.
            webhook: each source's `webhook` settings.
            receiver: `receiver` settings beside host and port.
            landing: `landing` settings.
            environment: variables of the process.
            sources: nicknames.
            settings: further parts of the settings.
            command: what to run.
        """
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "data_dir": str(folder / "data"),
            "sources": [{"name": name, "webhook": dict(webhook or {})} for name in sources],
            "receiver": {"port": free_port(), **(receiver or {})},
            "landing": {"seal_seconds": 0.5, "min_free_megabytes": 1, **(landing or {})},
            **(settings or {}),
        }
        self.settings = Settings.model_validate(content)
        self.config = folder / "sendgrid.yaml"
        self.config.write_text(yaml.safe_dump(content))
        self.log = folder / "receiver.log"
        self.key = SigningKey()
        for name in sources:
            store_public_key(self.settings.data_dir, name, self.key.public)
        self._command = command
        self._environment = {**os.environ, "SENDGRID_CONFIG": str(self.config), **(environment or {})}
        self._environment.pop("SENDGRID_DATA_DIR", None)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> RunningReceiver:
        """Run it, and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if self.get("/healthz")[0] == 200:
                    return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"The receiver did not start:\n{self.log.read_text()}")

    def stop(self) -> int:
        """Ask it to end, as a supervisor does, and wait. Returns its exit code."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        """Kill all of it at once, as a power loss would; every part of it dies in mid-sentence."""
        assert self.process
        all_of_it = [*self.verifiers(), *self.workers(), self.process.pid]
        for pid in all_of_it:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        # Whoever is not gone yet still holds the locks of its files.
        deadline = time.monotonic() + START_SECONDS
        while any(_has_files(pid) for pid in all_of_it):
            assert time.monotonic() < deadline, "it does not die"
            time.sleep(0.01)

    def close(self) -> None:
        """End it if it still runs."""
        if self.process and self.process.poll() is None:
            self.kill()

    def workers(self) -> list[int]:
        """The processes that take posts."""
        assert self.process
        return _children(self.process.pid)

    def verifiers(self) -> list[int]:
        """The processes that check signatures, one for each worker."""
        return [verifier for worker in self.workers() for verifier in _children(worker)]

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.settings.receiver.host, self.settings.receiver.port

    def path(self, source: str = "marketing") -> str:
        """The secret path of a source's webhook."""
        return urlsplit(webhook_url(self.settings, source)).path

    def connect(self, timeout: float = 30.0) -> http.client.HTTPConnection:
        """A connection of the caller's own."""
        return http.client.HTTPConnection(*self.address, timeout=timeout)

    def post(
        self, body: bytes, headers: Mapping[str, str] | None = None, path: str | None = None
    ) -> tuple[int, bytes]:
        """Post a body, signed unless headers are given. Returns status and answer."""
        return self.request(
            "POST", path or self.path(), body, self.key.headers(body) if headers is None else headers
        )

    def get(self, path: str) -> tuple[int, bytes]:
        """Get a page."""
        return self.request("GET", path)

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """One request on a connection of its own."""
        connection = self.connect()
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def metric(self, name: str, **labels: str) -> float:
        """The value of one series; 0 where it does not exist yet."""
        wanted = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
        series = f"{name}{{{wanted}}} " if wanted else f"{name} "
        for line in self.get("/metrics")[1].decode().splitlines():
            if line.startswith(series):
                return float(line.removeprefix(series))
        return 0.0

    def landed(self, source: str = "marketing") -> list[Post]:
        """Every post in the landing's sealed files, oldest first."""
        store = open_store(self.settings.landing_url)
        return [post for file in store.waiting(source) for post in store.read(file)]

    def files(self) -> list[Path]:
        """Every file of posts under the data directory, in whatever state."""
        return sorted(self.settings.data_dir.rglob("*.posts*"))


def _children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task").glob("*/children")
    with contextlib.suppress(OSError):
        return [int(child) for path in children for child in path.read_text().split()]
    return []


def _has_files(pid: int) -> bool:
    """Whether a process still has anything open. Killed, it has until the last of its threads is gone, not only the first."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" or len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False


def free_port() -> int:
    """A port on which nobody listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
