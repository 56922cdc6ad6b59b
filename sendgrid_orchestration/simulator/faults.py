"""What goes wrong on purpose, and what was asked: the fault plan, the rate limits and the request log.

A fault waits for requests whose method and path match. It may answer in the API's place (a status, headers, a body), come
before the answer (a delay, an action such as renaming a list), change the answer (a null where an array should be) or cut the
connection. Faults are used up in the order in which they were added.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

ResetStyle = Literal["epoch", "delta"]


@dataclass
class Fault:
    """One thing that goes wrong.

    Attributes:
        path: a regular expression that the path must match from its beginning.
        method: `GET`, `POST` …; any where None.
        times: how many requests it spoils; forever where None.
        skip: how many matching requests it lets pass first.
        status: answers with this status instead of the API.
        body: the body of that answer; a string is sent as HTML, anything else as JSON.
        delay: seconds before anything is answered.
        reset: breaks the connection: `before` answering, in the `middle` of the body, or in place of an answer, `after` the
            request was handled.
        action: called before the request is answered.
        change: gets the answer's JSON and returns what is sent in its place.
    """

    path: str
    method: str | None = None
    times: int | None = 1
    skip: int = 0
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    delay: float = 0.0
    reset: Literal["before", "middle", "after"] | None = None
    action: Callable[[], object] | None = None
    change: Callable[[Any], Any] | None = None

    def claims(self, method: str, path: str) -> bool:
        """Whether this request is one of its own; counts it where it is."""
        if self.times == 0 or (self.method and self.method != method) or not re.match(self.path, path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class FaultPlan:
    """The faults to come."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, path: str, **details: Any) -> Fault:
        """Plan a fault; see `Fault` for the details."""
        fault = Fault(path, **details)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets."""
        with self._lock:
            return next((fault for fault in self._faults if fault.claims(method, path)), None)

    def too_many_requests(
        self,
        path: str,
        *,
        times: int = 1,
        wait: float = 1,
        style: ResetStyle = "epoch",
        retry_after: bool = False,
        headers: bool = True,
    ) -> Fault:
        """429, telling when to come back: as an epoch or as seconds, with or without Retry-After, or not at all."""
        told = rate_headers(600, 0, wait, style) if headers else {}
        if retry_after:
            told["Retry-After"] = str(round(wait))
        return self.add(path, times=times, status=429, headers=told, body=TOO_MANY)

    def server_error(
        self,
        path: str,
        *,
        times: int = 1,
        status: int = 503,
        body: Any = "<html><body>upstream error</body></html>",
    ) -> Fault:
        """A 5xx, by default with a body that is not JSON, as a proxy in front of the API gives it."""
        return self.add(path, times=times, status=status, body=body)

    def null_array(self, path: str, key: str = "result", *, times: int | None = 1, skip: int = 0) -> Fault:
        """A null where the array should be."""
        return self.add(path, times=times, skip=skip, change=lambda body: {**body, key: None})

    def null_when_empty(self, path: str) -> Fault:
        """From now on a null wherever an array without elements would be: as a whole, or under a key."""

        def change(body: Any) -> Any:
            if isinstance(body, dict):
                return {key: None if value == [] else value for key, value in body.items()}
            return None if body == [] else body

        return self.add(path, times=None, change=change)

    def foreign_next(self, path: str, host: str = "evil.example", *, times: int | None = 1) -> Fault:
        """The next page is said to be at another host: who follows that link gives the key away."""

        def change(body: Any) -> Any:
            metadata = dict(body["_metadata"])
            next_url = metadata.get("next") or metadata["self"]
            metadata["next"] = urlunsplit(urlsplit(next_url)._replace(netloc=host))
            return {**body, "_metadata": metadata}

        return self.add(path, times=times, change=change)

    def repeated_page(self, path: str, key: str = "result") -> tuple[Fault, Fault]:
        """The second page has the rows of the first again."""
        first: list[Any] = []

        def remember(body: Any) -> Any:
            first.append(body[key])
            return body

        return (
            self.add(path, change=remember),
            self.add(path, change=lambda body: {**body, key: first[0]}),
        )

    def expired_link(self, *, times: int = 1) -> Fault:
        """The link to an export's file has expired when it is used."""
        body = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
        return self.add("/email-contact-exports/", times=times, status=403, body=body)

    def between_pages(self, path: str, action: Callable[[], object]) -> Fault:
        """Something happens to the account after the first page was read."""
        return self.add(path, skip=1, action=action)


TOO_MANY = {"errors": [{"field": None, "message": "too many requests"}]}


def rate_headers(limit: int, remaining: int, seconds: float, style: ResetStyle) -> dict[str, str]:
    """SendGrid's three headers; the reset is a moment in most documents, and a number of seconds in one."""
    reset = time.time() + seconds if style == "epoch" else seconds
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(int(reset + 0.999)),
    }


@dataclass
class RateLimit:
    """So many requests in so many seconds, counted from the first."""

    path: str
    requests: int
    seconds: float
    style: ResetStyle = "epoch"
    enforced: bool = True
    _began: float = 0.0
    _used: int = 0

    def spend(self) -> tuple[bool, dict[str, str]]:
        """Count a request.

        Returns:
            Whether it may pass, and the headers of its answer.
        """
        now = time.monotonic()
        if now - self._began >= self.seconds:
            self._began, self._used = now, 0
        self._used += 1
        left = max(self.requests - self._used, 0)
        wait = max(self.seconds - (now - self._began), 0.0)
        return not self.enforced or self._used <= self.requests, rate_headers(
            self.requests, left, wait, self.style
        )


class RateLimits:
    """The account's limits. Where none was set, answers tell of 600 a minute, and nobody is turned away."""

    def __init__(self) -> None:
        self._limits: list[RateLimit] = []
        self._default = RateLimit("", 600, 60, enforced=False)

    def set(self, path: str, requests: int, seconds: float, style: ResetStyle = "epoch") -> RateLimit:
        """Turn requests away once so many came within so many seconds."""
        limit = RateLimit(path, requests, seconds, style)
        self._limits.insert(0, limit)
        return limit

    def spend(self, path: str) -> tuple[bool, dict[str, str]]:
        """Count a request against the limit of its path."""
        for limit in self._limits:
            if re.match(limit.path, path):
                return limit.spend()
        return self._default.spend()


@dataclass(frozen=True)
class Seen:
    """One request as it came; credentials are masked.

    Attributes:
        port: `api` or `files`: which of the two servers it reached.
        status: what it was answered; 0 where the connection was cut.
    """

    port: Literal["api", "files"]
    method: str
    path: str
    query: str
    headers: dict[str, str]
    status: int
    at: float


class RequestLog:
    """Everything that was asked, in order."""

    def __init__(self) -> None:
        self._seen: list[Seen] = []
        self._lock = threading.Lock()

    def add(self, seen: Seen) -> None:
        """Write one down."""
        with self._lock:
            self._seen.append(seen)

    def all(
        self, path: str = "", *, method: str | None = None, port: Literal["api", "files"] | None = None
    ) -> list[Seen]:
        """The requests whose path matches from its beginning."""
        with self._lock:
            return [
                seen
                for seen in self._seen
                if re.match(path, seen.path) and method in (None, seen.method) and port in (None, seen.port)
            ]

    def count(self, path: str = "", *, method: str | None = None) -> int:
        """How many there were."""
        return len(self.all(path, method=method))

    def clear(self) -> None:
        """Forget them."""
        with self._lock:
            self._seen.clear()
