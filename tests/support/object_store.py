"""An S3 server in a process of its own (moto), behind a door that a test can shut: an outage that loses no object."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from tests.support.receiver import free_port

BUCKET = "landing"


class ObjectStore:
    """moto's server on this machine. It keeps objects in memory, so an outage shuts its door and does not end it."""

    def __init__(self, folder: Path) -> None:
        """Start it and make the bucket."""
        port = free_port()
        self._address = ("127.0.0.1", port)
        self._door = _Door(self._address)
        self.url = f"s3://{BUCKET}/posts"
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._door.port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "1",
        }
        with (folder / "moto.log").open("wb") as log:
            self._process = subprocess.Popen(
                [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                self._request("GET", "/moto-api/data.json")
                break
            except OSError:
                assert time.monotonic() < deadline and self._process.poll() is None, "moto did not start."
                time.sleep(0.1)
        self._request("PUT", f"/{BUCKET}")

    def shut(self) -> None:
        """An outage: connections break, and new ones break at once."""
        self._door.shut()

    def open(self) -> None:
        """The outage is over."""
        self._door.is_open = True

    def close(self) -> None:
        """End it."""
        self._door.close()
        self._process.kill()
        self._process.wait()

    def _request(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(f"http://127.0.0.1:{self._address[1]}{path}", method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            return bytes(response.read())


class _Door(threading.Thread):
    """Passes bytes between a port of its own and the server behind it."""

    def __init__(self, behind: tuple[str, int]) -> None:
        super().__init__(daemon=True)
        self._behind = behind
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.is_open = True
        self._passing: set[socket.socket] = set()
        self.start()

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                visitor, _ = self._listener.accept()
                if not self.is_open:
                    visitor.close()
                    continue
                server = socket.create_connection(self._behind)
                for source, target in ((visitor, server), (server, visitor)):
                    self._passing.add(source)
                    threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def shut(self) -> None:
        self.is_open = False
        for connection in list(self._passing):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.shut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError), source, target:
            while data := source.recv(65536):
                target.sendall(data)
        self._passing.discard(source)
