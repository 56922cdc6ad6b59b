"""Two listeners for what the project sends to people: a webhook and a mail server, real sockets both."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Heard:
    """What arrived at a listener."""

    url: str = ""
    messages: list[Any] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    """Every command that a mail server was given."""
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    refusals: int = 0
    """How many requests are refused before one is taken."""


@contextmanager
def webhook_listener(refusals: int = 0) -> Iterator[Heard]:
    """Takes JSON as Apprise's `json://` sends it."""
    heard = Heard(refusals=refusals)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if heard.refusals:
                heard.refusals -= 1
                self.send_response(500)
            else:
                heard.messages.append(json.loads(body))
                heard.headers.append(dict(self.headers))
                heard.bodies.append(body)
                self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    heard.url = f"json://127.0.0.1:{server.server_address[1]}/services/T0/B0/secret"
    with _serving(server):
        yield heard


@contextmanager
def mail_listener(certificate: ssl.SSLContext | None = None) -> Iterator[Heard]:
    """Speaks as much SMTP as it takes to be handed a mail, without STARTTLS.

    Args:
        certificate: speak TLS from the first byte, with this certificate.
    """
    heard = Heard()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 listening")
            while line := self.rfile.readline().decode().strip():
                heard.lines.append(line)
                verb = line.split(" ")[0].upper()
                if verb == "DATA":
                    self._say("354 go on")
                    heard.messages.append(self._message())
                if verb == "EHLO":
                    self._say("250-here\r\n250 AUTH PLAIN LOGIN")
                elif verb == "AUTH":
                    self._say("235 welcome")
                else:
                    self._say("221 bye" if verb == "QUIT" else "250 fine")
                if verb == "QUIT":
                    return

        def _message(self) -> str:
            lines = iter(self.rfile.readline, b".\r\n")
            return b"".join(lines).decode()

        def _say(self, line: str) -> None:
            self.wfile.write(line.encode() + b"\r\n")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def get_request(self) -> tuple[socket.socket, Any]:
            connection, address = super().get_request()
            if certificate:
                connection = certificate.wrap_socket(connection, server_side=True)
            return connection, address

    server = Server(("127.0.0.1", 0), Handler)
    heard.url = f"mailto://127.0.0.1:{server.server_address[1]}?from=dagster@example.com&to=ops@example.com"
    with _serving(server):
        yield heard


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
