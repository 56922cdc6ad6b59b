"""The receiver's HTTP side, as a granian RSGI application: routes, limits, answers.

RSGI, granian's own interface, and not ASGI: a body arrives as one object and an answer is one call. An application that
only reads the body took 61 µs of processor time for a request of one event over RSGI, 81 over ASGI on granian and as much on
uvicorn.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from contextlib import suppress
from typing import Any, Protocol

import orjson
from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]

from sendgrid_orchestration.receiver import oauth
from sendgrid_orchestration.receiver.access import AMPLITUDE_PATH
from sendgrid_orchestration.receiver.backstage import Backstage
from sendgrid_orchestration.receiver.gate import Gate, Gates, Headers
from sendgrid_orchestration.receiver.metrics import CONTENT_TYPE
from sendgrid_orchestration.receiver.reading import BodyReader
from sendgrid_orchestration.receiver.refusal import Refusal, RefusalLog
from sendgrid_orchestration.receiver.room import Room
from sendgrid_orchestration.settings import Settings

logger = logging.getLogger(__name__)

_MEGABYTE = 1024 * 1024
_IN_FLIGHT_BYTES = 48 * _MEGABYTE
_PATIENCE_SECONDS = 8.0  # SendGrid is said to give up after ten; who waits longer waits in vain
_TOKEN_REQUEST_BYTES = 16 * 1024

_NO_HEADERS: list[tuple[str, str]] = []
_JSON = ("content-type", "application/json")
_CLOSE = ("connection", "close")
_EXTRA_HEADERS = {
    401: [("www-authenticate", 'Basic realm="webhook", Bearer')],
    405: [("allow", "POST")],
    408: [_CLOSE],  # the rest of the body may still come, so nothing else can follow on this connection
    503: [("retry-after", "30")],
}
_WORDS = {
    400: "bad request",
    401: "unauthorized",
    404: "not found",
    405: "method not allowed",
    408: "request timeout",
    413: "body too large",
    503: "try again later",
}


_BEFORE_BODY = frozenset(
    {
        Refusal.MALFORMED,
        Refusal.UNKNOWN_URL,
        Refusal.METHOD,
        Refusal.TOO_LARGE,
        Refusal.BASIC_AUTH,
        Refusal.LOGIN,
        Refusal.OAUTH,
        Refusal.NO_PUBLIC_KEY,
        Refusal.NO_SIGNATURE,
        Refusal.BUSY,
    }
)
"""Refusals for which the body is not read, or not to its end."""


class Scope(Protocol):
    """What granian says about a request."""

    http_version: str
    method: str
    path: str
    headers: Headers


class Receiver:
    """Answers requests. One object per worker process."""

    def __init__(self, settings: Settings) -> None:
        """Read the secrets of every source.

        Raises:
            SettingsError: one is missing.
        """
        self._settings = settings
        self._gates = Gates([Gate(source, settings.data_dir) for source in settings.sources])
        self._max_body = int(settings.receiver.max_body_megabytes * _MEGABYTE)
        self._room = Room(max(_IN_FLIGHT_BYTES, self._max_body), _PATIENCE_SECONDS)
        self._refusals = RefusalLog()
        self._backstage: Backstage | None = None
        self._bodies: BodyReader | None = None

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called in the worker before it takes requests."""
        self._backstage = Backstage(self._settings, loop)
        self._bodies = BodyReader(loop, self._settings.receiver.body_seconds)
        self._backstage.metrics.in_flight.set_function(lambda: self._room.used)
        # Posts leave no cycles behind, so most of the collector's rounds look at the same modules again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 50, 50)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called when the last request was answered."""
        assert self._backstage
        self._backstage.close()

    async def __rsgi__(self, scope: Scope, proto: Any) -> None:
        """Answer one request."""
        path, headers = scope.path, scope.headers  # granian copies all headers whenever they are asked for
        if _has_wrong_host(scope.http_version, headers):
            await self._refuse(headers, proto, "", Refusal.MALFORMED)
        elif path.startswith("/webhook/") or path == AMPLITUDE_PATH:
            await self._webhook(scope.method, path, headers, proto)
        elif path == "/oauth/token":
            await self._token(scope.method, headers, proto)
        elif path in ("/healthz", "/readyz", "/metrics"):
            await self._look(scope.method, path, headers, proto)
        else:
            await self._refuse(headers, proto, "", Refusal.UNKNOWN_URL)

    async def _webhook(self, method: str, path: str, headers: Headers, proto: Any) -> None:
        gate: Gate | None = None
        has_login = path == AMPLITUDE_PATH
        try:
            if method != "POST":
                refusal: Refusal | None = Refusal.METHOD
            elif (gate := self._gates.find_by_login(headers) if has_login else self._gate(path)) is None:
                refusal = Refusal.LOGIN if has_login else Refusal.UNKNOWN_URL
            else:
                refusal = await self._receive(gate, headers, proto, has_login=has_login)
        except Exception:  # a fault of ours must not look like SendGrid's
            logger.exception("A post could not be handled.")
            refusal = Refusal.FAILED
        if refusal is None:
            proto.response_empty(204, _NO_HEADERS)
        else:
            await self._refuse(headers, proto, gate.source if gate else "", refusal)

    async def _receive(self, gate: Gate, headers: Headers, proto: Any, *, has_login: bool) -> Refusal | None:
        assert self._backstage and self._bodies
        length = _content_length(headers)
        if length is not None and length > self._max_body:
            return Refusal.TOO_LARGE
        if not has_login and (refusal := gate.refuses(headers)):
            return refusal
        verify = gate.verifies(headers) if has_login else gate.requires_signature
        reserved = self._max_body if length is None else length
        if not (self._room.enter_at_once(reserved) or await self._room.enter(reserved)):
            return Refusal.BUSY
        try:
            body = await self._bodies.read(proto, length, self._max_body)
            if isinstance(body, Refusal):
                return body
            return await self._backstage.intake.take(gate, headers, body, verify=verify)
        finally:
            self._room.leave(reserved)

    def _gate(self, path: str) -> Gate | None:
        _, _, source, *token = path.split("/")
        return self._gates.find(source, token[0] if len(token) == 1 else "")

    async def _token(self, method: str, headers: Headers, proto: Any) -> None:
        """The OAuth token endpoint (RFC 6749, section 4.4)."""
        if method != "POST":
            await self._refuse(headers, proto, "", Refusal.METHOD)
            return
        assert self._bodies
        body = await self._bodies.read(proto, None, _TOKEN_REQUEST_BYTES)
        if isinstance(body, Refusal):
            await self._refuse(headers, proto, "", body)
            return
        authorization = headers.get("authorization")
        asked = oauth.credentials(authorization, headers.get("content-type") or "", body)
        if asked is None:
            await self._refuse(headers, proto, "", Refusal.OAUTH_REQUEST, error="invalid_request")
        elif asked.grant_type != "client_credentials":
            await self._refuse(headers, proto, "", Refusal.OAUTH_REQUEST, error="unsupported_grant_type")
        elif (token := self._gates.issue(asked.client_id, asked.client_secret)) is None:
            await self._refuse(headers, proto, "", Refusal.OAUTH_CLIENT, error="invalid_client")
        else:
            answer = {"access_token": token, "token_type": "Bearer", "expires_in": oauth.LIFETIME_SECONDS}
            proto.response_bytes(200, [_JSON, ("cache-control", "no-store")], orjson.dumps(answer))

    async def _look(self, method: str, path: str, headers: Headers, proto: Any) -> None:
        """Health, readiness and metrics: for the operator's eyes, so keep them behind the proxy."""
        assert self._backstage
        if method not in ("GET", "HEAD"):
            await self._refuse(headers, proto, "", Refusal.METHOD)
        elif path == "/metrics":
            proto.response_bytes(200, [("content-type", CONTENT_TYPE)], self._backstage.metrics.exposition())
        elif path == "/readyz" and (why := self._backstage.why_not_ready()):
            proto.response_bytes(503, [_JSON], orjson.dumps({"ready": False, "why": why}))
        else:
            proto.response_bytes(200, [_JSON], b'{"ok":true}')

    async def _refuse(
        self, headers: Headers, proto: Any, source: str, refusal: Refusal, error: str = ""
    ) -> None:
        assert self._backstage and self._bodies
        self._backstage.metrics.refused.labels(source, refusal.reason).inc()
        self._refusals.add(source, refusal)
        status = refusal.status
        answer = orjson.dumps({"error": error or _WORDS[status]})
        with_answer = [_JSON, *_EXTRA_HEADERS.get(status, ())]
        if refusal not in _BEFORE_BODY or not _is_sending(headers):
            proto.response_bytes(status, with_answer, answer)
            return
        length = ("content-length", str(len(answer)))
        with suppress(ProtocolClosed, ProtocolError):  # nobody reads it any more
            await proto.response_stream(status, [*with_answer, _CLOSE, length]).send_bytes(answer)
            await self._bodies.discard(proto)


def _has_wrong_host(http_version: str, headers: Headers) -> bool:
    """Whether a host is missing or there are several, which a server must refuse (RFC 9112, section 3.2)."""
    return http_version == "1.1" and len(headers.get_all("host")) != 1


def _is_sending(headers: Headers) -> bool:
    """Whether a body follows the head of the request; who expects to be asked for it does not send it after a refusal."""
    if headers.get("expect") is not None:
        return False
    return headers.get("content-length", "0") != "0" or headers.get("transfer-encoding") is not None


def _content_length(headers: Headers) -> int | None:
    """How long the body is; None where only its end will tell."""
    length = headers.get("content-length")
    if length is None or not length.isdecimal() or headers.get("transfer-encoding"):
        return None
    return int(length)
