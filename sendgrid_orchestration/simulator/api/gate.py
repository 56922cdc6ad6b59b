"""What every request passes before an endpoint sees it: faults, key and scopes, rate limits; and the log afterwards."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from typing import Any, Literal

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sendgrid_orchestration.simulator.account import Account
from sendgrid_orchestration.simulator.api import access
from sendgrid_orchestration.simulator.api.answers import Refusal, answer
from sendgrid_orchestration.simulator.faults import (
    TOO_MANY,
    Fault,
    FaultPlan,
    RateLimits,
    RequestLog,
    Seen,
)

_MASKED = ("authorization", "cookie")


class Gate:
    """Stands in front of the API and of the download server, which listen on two ports and share the faults."""

    def __init__(
        self,
        api: ASGIApp,
        files: ASGIApp,
        *,
        account: Account,
        faults: FaultPlan,
        limits: RateLimits,
        log: RequestLog,
    ) -> None:
        self._api, self._files = api, files
        self._account, self._faults, self._limits, self._log = account, faults, limits, log
        self.files_port = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request."""
        if scope["type"] != "http":
            return
        port: Literal["api", "files"] = "files" if scope["server"][1] == self.files_port else "api"
        written = False

        def write_down(status: int) -> None:
            nonlocal written
            if not written:
                written = True
                self._log.add(_seen(scope, port, status))

        async def watch(message: Message) -> None:
            # Written down before the answer leaves, so that whoever has the answer finds it in the log.
            if message["type"] == "http.response.start":
                write_down(message["status"])
            await send(message)

        try:
            fault = self._faults.take(scope["method"], scope["path"])
            if fault is not None:
                await self._suffer(fault, port, scope, receive, watch)
            elif port == "files":
                await self._files(scope, receive, watch)
            else:
                await self._through(scope, receive, watch)
        finally:
            write_down(0)

    async def _through(self, scope: Scope, receive: Receive, send: Send) -> None:
        allowed, told = self._limits.spend(scope["path"])
        told_raw = [(name.lower().encode(), value.encode()) for name, value in told.items()]

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *told_raw]}
            await send(message)

        try:
            access.check(self._account, scope["method"], scope["path"], Headers(scope=scope))
        except Refusal as refusal:
            await refusal.response()(scope, receive, with_headers)
            return
        if not allowed:
            await answer(TOO_MANY, 429)(scope, receive, with_headers)
            return
        await self._api(scope, receive, with_headers)

    async def _suffer(self, fault: Fault, port: str, scope: Scope, receive: Receive, send: Send) -> None:
        await suffer(fault, self._files if port == "files" else self._through, scope, receive, send)


async def suffer(fault: Fault, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Let a request meet a fault on its way to an application."""
    if fault.delay:
        await asyncio.sleep(fault.delay)
    if fault.action:
        fault.action()
    if fault.reset == "before":
        await _cut(scope, receive)
        return
    if fault.status is not None:
        await Request(scope, receive).body()
        await _planned(fault)(scope, receive, send)
        return
    if fault.reset == "after":
        await app(scope, receive, _nowhere)
        await _cut(scope, receive)
        return
    if fault.reset == "middle":
        send = _cutting(scope, receive, send)
    elif fault.change:
        send = _changing(fault, send)
    await app(scope, receive, send)


async def _nowhere(_: Message) -> None:
    """Where an answer goes that nobody gets."""


def _seen(scope: Scope, port: Literal["api", "files"], status: int) -> Seen:
    headers = {name: "***" if name in _MASKED else value for name, value in Headers(scope=scope).items()}
    query = scope["query_string"].decode("latin-1")
    return Seen(port, scope["method"], scope["path"], query, headers, status, time.time())


def _planned(fault: Fault) -> Response:
    assert fault.status is not None
    if isinstance(fault.body, str):
        return HTMLResponse(fault.body, fault.status, fault.headers)
    made = answer(
        fault.body if fault.body is not None else {"errors": [{"message": "planned fault", "field": None}]}
    )
    made.status_code = fault.status
    made.headers.update(fault.headers)
    return made


async def _cut(scope: Scope, receive: Receive) -> None:
    """Reset the connection: with lingering off and data unread, the peer sees ECONNRESET and not an end of file."""
    transport: Any = scope["extensions"]["transport"]
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def _cutting(scope: Scope, receive: Receive, send: Send) -> Send:
    async def cut_after_first(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            return
        body = message.get("body", b"")
        await send({**message, "body": body[: len(body) // 2], "more_body": True})
        await asyncio.sleep(0.05)
        await _cut(scope, receive)

    return cut_after_first


def _changing(fault: Fault, send: Send) -> Send:
    assert fault.change is not None
    change = fault.change
    begun: Message = {}
    parts: list[bytes] = []

    async def change_body(message: Message) -> None:
        nonlocal begun
        if message["type"] == "http.response.start":
            begun = message
            return
        parts.append(message.get("body", b""))
        if message.get("more_body"):
            return
        body = orjson.dumps(change(orjson.loads(b"".join(parts))))
        kept = [(name, value) for name, value in begun["headers"] if name != b"content-length"]
        kept.append((b"content-length", str(len(body)).encode()))
        await send({**begun, "headers": kept})
        await send({"type": "http.response.body", "body": body})

    return change_body
