"""What the simulated receivers of events have in common: a server of their own, planned and random faults, a memory of ids.

A receiver judges a request as its vendor documents it. It never learns anything about who sends.
"""

from __future__ import annotations

import gzip
import random
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import orjson
import uvicorn
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from sendgrid_orchestration.simulator.api.answers import answer
from sendgrid_orchestration.simulator.api.gate import suffer
from sendgrid_orchestration.simulator.faults import Fault, FaultPlan, RequestLog, Seen
from sendgrid_orchestration.simulator.server import ResettableProtocol, listening


@dataclass
class RandomTrouble:
    """Shares of requests that something happens to, drawn by a seed.

    Attributes:
        limited: are answered 429, with a `Retry-After` of so many seconds as `retry_after` says.
        failing: are answered 500, and not taken.
        unanswered: are taken, and the connection breaks before the answer.
    """

    limited: float = 0.0
    failing: float = 0.0
    unanswered: float = 0.0
    retry_after: float = 1.0
    seed: int = 1
    _dice: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)

    def draw(self) -> Fault | None:
        """What happens to the next request."""
        point = self._dice.random()
        for share, fault in (
            (self.limited, Fault("", status=429, headers={"Retry-After": f"{self.retry_after:g}"})),
            (self.failing, Fault("", status=500, body="<html>upstream error</html>")),
            (self.unanswered, Fault("", reset="after")),
        ):
            if point < share:
                return fault
            point -= share
        return None


@dataclass
class Memory:
    """What a vendor took, and which ids it has seen lately.

    Attributes:
        window: for how many seconds an id is recognised.
        taken: each thing once, in order of arrival.
        arrivals: how often each id arrived, recognised or not.
        doubled: ids that arrived again when they were no longer recognised.
    """

    window: float
    clock: Callable[[], float] = time.time
    taken: list[dict[str, Any]] = field(default_factory=list)
    arrivals: Counter[Hashable] = field(default_factory=Counter)
    doubled: set[Hashable] = field(default_factory=set)
    _seen_at: dict[Hashable, float] = field(default_factory=dict)

    def take(self, key: Hashable, thing: dict[str, Any]) -> None:
        """Take something in, unless its id was seen lately."""
        now = self.clock()
        seen_at = self._seen_at.get(key)
        self.arrivals[key] += 1
        if seen_at is not None and now - seen_at < self.window:
            return
        if seen_at is not None:
            self.doubled.add(key)
        self._seen_at[key] = now
        self.taken.append(thing)


class Collector(ABC):
    """A receiver that listens on a port of this machine, on a thread of its own.

    Attributes:
        faults: what shall go wrong, request by request.
        trouble: what goes wrong by chance.
        log: what was asked.
        bodies: the JSON of each request that was judged, if `keep_bodies` is set.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, keep_bodies: bool = False) -> None:
        self.faults, self.log, self.trouble = FaultPlan(), RequestLog(), RandomTrouble()
        self.keep_bodies = keep_bodies
        self.bodies: list[Any] = []
        self._host, self._port = host, port
        self._socket = listening(host, port)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Its address, without a path: what a destination's `endpoint` is set to."""
        return f"http://{self._host}:{self._socket.getsockname()[1]}"

    @abstractmethod
    def judge(self, path: str, headers: Headers, body: bytes) -> Response:
        """Answer one request as the vendor does."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request."""
        if scope["type"] != "http":
            return
        told = 0

        async def watch(message: Message) -> None:
            nonlocal told
            if message["type"] == "http.response.start":
                told = message["status"]
                self._write_down(scope, told)
            await send(message)

        fault = self.faults.take(scope["method"], scope["path"]) or self.trouble.draw()
        if fault is None:
            await self._answer(scope, receive, watch)
        else:
            await suffer(fault, self._answer, scope, receive, watch)
        if not told:
            self._write_down(scope, 0)

    def start(self) -> Self:
        """Listen."""
        config = uvicorn.Config(
            self,
            http=ResettableProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="collector", daemon=True
        )
        self._thread.start()
        return self

    def serve_forever(self) -> None:
        """Listen in this thread, until a signal ends it."""
        self.start()
        assert self._thread is not None
        self._thread.join()

    def stop(self) -> None:
        """Stop listening and let go of the port."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=10)
        self._socket.close()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        headers = Headers(scope=scope)
        response = (
            self.judge(scope["path"], headers, body)
            if scope["method"] == "POST"
            else answer({"error": "method not allowed"}, 405)
        )
        await response(scope, receive, send)

    def _write_down(self, scope: Scope, status: int) -> None:
        headers = {
            name: "***" if name == "authorization" else value for name, value in Headers(scope=scope).items()
        }
        query = scope["query_string"].decode("latin-1")
        self.log.add(Seen("api", scope["method"], scope["path"], query, headers, status, time.time()))


def decoded(headers: Headers, body: bytes) -> bytes:
    """A body as it was before it was compressed.

    Raises:
        ValueError: it is not what its header says.
    """
    if headers.get("content-encoding") != "gzip":
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError) as error:
        raise ValueError("not gzip") from error


def json_object(body: bytes) -> dict[str, Any]:
    """A body's JSON object.

    Raises:
        ValueError: it is none.
    """
    value = orjson.loads(body)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value
