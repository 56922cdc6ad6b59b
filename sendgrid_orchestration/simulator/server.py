"""The simulator as something to start and stop: in this process on a thread, or as a process of its own."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sendgrid_orchestration.simulator.account import DEMO_KEY, Account
from sendgrid_orchestration.simulator.api import app
from sendgrid_orchestration.simulator.faults import FaultPlan, RateLimits, RequestLog


class Simulator:
    """A simulated SendGrid that listens on two ports of this machine: the API, and the downloads.

    Attributes:
        account: everything the API tells; change it as you like while it runs.
        faults: what shall go wrong.
        limits: rate limits; none is enforced at first.
        log: what was asked.
        api_key: a key that may do everything.
    """

    def __init__(
        self,
        account: Account | None = None,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        **account_options: Any,
    ) -> None:
        self.account = account if account is not None else Account(**account_options)
        self.faults, self.limits, self.log = FaultPlan(), RateLimits(), RequestLog()
        self.api_key = DEMO_KEY
        self._host, self._port = host, port
        self._sockets: list[socket.socket] = []
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the API is: what a source's `base_url` is set to."""
        return self._address(0)

    @property
    def files_url(self) -> str:
        """Where pre-signed links lead."""
        return self._address(1)

    def start(self) -> Self:
        """Listen, on a thread of its own.

        Raises:
            OSError: the port is taken.
        """
        server = self._prepare()
        self._thread = threading.Thread(
            target=server.run, kwargs={"sockets": self._sockets}, name="sendgrid-simulator", daemon=True
        )
        self._thread.start()
        return self

    def serve_forever(self) -> None:
        """Listen in this thread, until a signal ends it."""
        self._prepare().run(sockets=self._sockets)

    def prepare(self) -> None:
        """Bind the ports, so that `url` is known before anything listens."""
        if not self._sockets:
            self._sockets = [listening(self._host, self._port), listening(self._host, 0)]

    def stop(self) -> None:
        """Stop listening and let go of the ports."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=10)
        for one in self._sockets:
            one.close()
        self._sockets, self._server, self._thread = [], None, None

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _prepare(self) -> uvicorn.Server:
        self.prepare()
        gate = app.build(self.account, self.faults, self.limits, self.log)
        gate.files_port = self._sockets[1].getsockname()[1]
        self.account.links.base_url = self.files_url
        config = uvicorn.Config(
            gate,
            http=ResettableProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        return self._server

    def _address(self, which: int) -> str:
        if not self._sockets:
            raise RuntimeError("The simulator has no address before it is started. Call start() first.")
        return f"http://{self._host}:{self._sockets[which].getsockname()[1]}"


class ResettableProtocol(HttpToolsProtocol):
    """Lets the application reach its connection, so that a fault can reset it."""

    def on_message_begin(self) -> None:
        """Put the connection into the request's scope."""
        super().on_message_begin()
        extensions: dict[str, Any] = {"transport": self.transport}
        self.scope["extensions"] = extensions


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, port))
    made.listen(512)
    return made
