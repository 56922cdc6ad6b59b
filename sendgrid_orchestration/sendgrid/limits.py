"""The account's rate limit, shared by every client in this process that speaks for the same account.

SendGrid counts requests per account and endpoint, not per connection. Assets that run side by side would each run into the
limit and each wait on their own; here the first that meets it makes the others wait too.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

CONCURRENT = 4
"""Requests in flight at once for one account."""

LONGEST_PAUSE = 300.0
"""A limit that says it resets later than this is not believed: a clock is wrong somewhere."""

_EPOCH = 1e9
"""`X-RateLimit-Reset` is an epoch in SendGrid's general documents and a number of seconds in one of its specifications; no
delta is this large and no epoch this small."""


class AccountLimit:
    """Who may ask now, and which endpoints must rest."""

    def __init__(self, concurrent: int = CONCURRENT, clock: Callable[[], float] = time.monotonic) -> None:
        self._slots = threading.BoundedSemaphore(concurrent)
        self._lock = threading.Lock()
        self._clock = clock
        self._rests_until: dict[str, float] = {}

    def wait_needed(self, path: str) -> float:
        """Seconds until this endpoint may be asked again."""
        with self._lock:
            return max(0.0, self._rests_until.get(endpoint(path), 0.0) - self._clock())

    @contextmanager
    def slot(self) -> Iterator[None]:
        """One of the places for a request in flight."""
        with self._slots:
            yield

    def rest(self, path: str, seconds: float) -> None:
        """Let nobody ask this endpoint for so long."""
        until = self._clock() + min(seconds, LONGEST_PAUSE)
        with self._lock:
            name = endpoint(path)
            self._rests_until[name] = max(until, self._rests_until.get(name, 0.0))


_limits: dict[str, AccountLimit] = {}
_registry_lock = threading.Lock()


def limit_of(api_url: str, api_key: str, subuser: str | None) -> AccountLimit:
    """The limit of the account that this key speaks for; the same object for every client of it."""
    # A digest: a key must not lie about in a dictionary that a debugger or a memory profiler prints.
    account = hashlib.sha256(f"{api_url}\n{api_key}\n{subuser or ''}".encode()).hexdigest()
    with _registry_lock:
        return _limits.setdefault(account, AccountLimit())


def endpoint(path: str) -> str:
    """The path without what identifies one thing: `/v3/marketing/lists/ab-12` counts with `/v3/marketing/lists`."""
    return "/".join(part for part in path.split("/") if re.fullmatch(r"v3|2\.0|[a-z_]+", part))


def told_to_wait(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that the answer asks us to wait: `Retry-After` first, else `X-RateLimit-Reset`; None where neither is readable.

    Args:
        headers: of the answer; any case.
        now: unix seconds, for tests.
    """
    now = time.time() if now is None else now
    if retry_after := headers.get("Retry-After"):
        try:
            return max(0.0, float(retry_after))
        except ValueError:
            try:
                return max(0.0, parsedate_to_datetime(retry_after).timestamp() - now)
            except ValueError:
                pass
    try:
        reset = float(headers.get("X-RateLimit-Reset", ""))
    except ValueError:
        return None
    return max(0.0, reset - now if reset >= _EPOCH else reset)


def exhausted(headers: Mapping[str, str]) -> bool:
    """Whether this answer spent the last request of its period."""
    return headers.get("X-RateLimit-Remaining", "").strip() == "0"
