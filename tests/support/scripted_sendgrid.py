"""A SendGrid that answers what a test has written down, word for word: nothing of ours decides how an answer looks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr

from sendgrid_orchestration.sendgrid.client import SendGridClient
from tests.support.mirror import IMPATIENT

Answer = Any | Callable[[dict[str, str]], Any]
"""JSON, bytes that go out as they are, or a function of the query that returns either."""


@dataclass
class ScriptedSendGrid:
    """The answers by method and path, and what was asked that has none."""

    url: str
    answers: Mapping[str, Answer]
    unanswered: list[str] = field(default_factory=list)

    @property
    def client(self) -> SendGridClient:
        """A client of it."""
        return SendGridClient(self.url, SecretStr("SG.scripted.key"), source="scripted", policy=IMPATIENT)


@contextmanager
def scripted_sendgrid(answers: Mapping[str, Answer]) -> Iterator[ScriptedSendGrid]:
    """Serve the answers.

    Args:
        answers: by `METHOD /path`; `{url}` in a text stands for the server's own address. What has no answer is a 404.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    scripted = ScriptedSendGrid(f"http://127.0.0.1:{server.server_address[1]}", answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = urlsplit(self.path)
            name = f"{self.command} {asked.path}"
            status, answer = 200, answers.get(name)
            if callable(answer):
                answer = answer(dict(parse_qsl(asked.query)))
            if answer is None:
                scripted.unanswered.append(name)
                status, answer = 404, {"errors": [{"field": None, "message": "not found"}]}
            body = (
                answer
                if isinstance(answer, bytes)
                else json.dumps(answer).replace("{url}", scripted.url).encode()
            )
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield scripted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
