"""Posts events to a receiver as SendGrid does: signed, at a rate if one is asked for, and again until it is told 2xx."""

from __future__ import annotations

import heapq
import http.client
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import orjson
from cryptography.hazmat.primitives.asymmetric import ec

from sendgrid_orchestration.simulator import wire
from sendgrid_orchestration.simulator.posts import SMOOTH, Event, Post, Trouble, compose

Key = ec.EllipticCurvePrivateKey | None


@dataclass
class SendSummary:
    """What a receiver acknowledged, and what a complete warehouse must therefore hold.

    Rows there: `unique_events + renamed`; of the items it read, `duplicates` were there already and `odd_items` are
    in quarantine: `events_sent == unique_events + renamed + duplicates + odd_items`.
    """

    posted: int = 0
    events_sent: int = 0
    unique_events: int = 0
    duplicates: int = 0
    renamed: int = 0
    odd_items: int = 0
    retries: int = 0
    failed: int = 0
    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)

    def count(self, post: Post) -> None:
        """This post was acknowledged."""
        self.posted += 1
        self.events_sent += post.items
        self.unique_events += post.first_seen
        self.duplicates += post.duplicates
        self.renamed += post.renamed
        self.odd_items += post.odd


class WebhookSender:
    """Posts to one receiver.

    Args:
        target_url: the webhook's address.
        private_key: signs; None posts unsigned. A function is asked anew for every attempt.
        concurrency: how many connections at once.
        deadline: seconds after which a post that was never acknowledged is given up; SendGrid takes a day.
        first_wait: seconds before the second attempt; doubled each time, up to `longest_wait`.
        oauth: client id, client secret and token address, where the receiver wants a token.
    """

    def __init__(
        self,
        target_url: str,
        private_key: Key | Callable[[], Key] = None,
        *,
        concurrency: int = 4,
        deadline: float = 60.0,
        first_wait: float = 0.2,
        longest_wait: float = 30.0,
        timeout: float = 10.0,
        oauth: tuple[str, str, str] | None = None,
    ) -> None:
        self._url = urlsplit(target_url)
        self._path = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
        self._key = private_key if callable(private_key) else lambda: private_key
        self._concurrency = concurrency
        self._deadline, self._first_wait, self._longest_wait = deadline, first_wait, longest_wait
        self._timeout = timeout
        self._oauth = oauth

    def send(
        self,
        events: Iterable[Event],
        *,
        rate: float | None = None,
        batch: int = 100,
        seed: int = 1,
        trouble: Trouble = SMOOTH,
        stop: threading.Event | None = None,
    ) -> SendSummary:
        """Pack events into posts and post them; see `compose` and `send_posts`."""
        return self.send_posts(compose(events, batch=batch, seed=seed, trouble=trouble), rate=rate, stop=stop)

    def send_posts(
        self, posts: Iterable[Post], *, rate: float | None = None, stop: threading.Event | None = None
    ) -> SendSummary:
        """Post, each until it is acknowledged or its deadline is over.

        Args:
            posts: what to post.
            rate: posts a second; as fast as the receiver answers where None.
            stop: ends the sending early when set; posts under way are finished.
        """
        return _Delivery(self, posts, rate, stop or threading.Event()).run()

    def connect(self) -> http.client.HTTPConnection:
        """A connection to the receiver."""
        secure = self._url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        return kind(self._url.hostname or "", self._url.port, timeout=self._timeout)

    def token(self) -> str | None:
        """A bearer token from the receiver's token address, where it wants one."""
        if self._oauth is None:
            return None
        client_id, client_secret, token_url = self._oauth
        target = urlsplit(token_url)
        connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=self._timeout)
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            connection.request("POST", target.path, urlencode(form), headers)
            answer = connection.getresponse()
            return str(orjson.loads(answer.read())["access_token"])
        finally:
            connection.close()

    def post_once(self, connection: http.client.HTTPConnection, raw: bytes, token: str | None) -> int:
        """One attempt, freshly signed.

        Returns:
            The status; 0 where no answer came.
        """
        headers = wire.signed_headers(self._key(), int(time.time()), raw)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        try:
            connection.request("POST", self._path, raw, headers)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return 0
        return response.status

    def wait_after(self, attempt: int) -> float:
        """Seconds until the next attempt."""
        return float(min(self._first_wait * 2.0 ** (attempt - 1), self._longest_wait))

    @property
    def deadline(self) -> float:
        """Seconds that a post has."""
        return self._deadline

    @property
    def concurrency(self) -> int:
        """How many connections."""
        return self._concurrency


class _Delivery:
    """One call of `send_posts`: a feeder in the caller's thread, a worker for each connection."""

    def __init__(
        self, sender: WebhookSender, posts: Iterable[Post], rate: float | None, stop: threading.Event
    ) -> None:
        self._sender, self._posts, self._rate, self._stop = sender, posts, rate, stop
        self._token = sender.token()
        self._due: queue.Queue[tuple[Post, int, float] | None] = queue.Queue(maxsize=sender.concurrency * 2)
        self._later: list[tuple[float, int, Post, int, float]] = []
        self._lock = threading.Lock()
        self._open = 0
        self._summary = SendSummary()

    def run(self) -> SendSummary:
        began = time.monotonic()
        workers = [threading.Thread(target=self._work, daemon=True) for _ in range(self._sender.concurrency)]
        for worker in workers:
            worker.start()
        for number, post in enumerate(self._posts):
            if self._rate is not None:
                self._pause_until(began + number / self._rate)
            if self._stop.is_set():
                break
            self._offer_retries()
            self._offer(post, 1, time.monotonic())
        while self._unfinished():
            self._offer_retries()
            time.sleep(0.005)
        for _ in workers:
            self._due.put(None)
        for worker in workers:
            worker.join()
        self._summary.seconds = time.monotonic() - began
        return self._summary

    def _offer(self, post: Post, attempt: int, first: float) -> None:
        with self._lock:
            self._open += 1
        self._due.put((post, attempt, first))

    def _offer_retries(self) -> None:
        now = time.monotonic()
        while True:
            with self._lock:
                if not self._later or self._later[0][0] > now:
                    return
                _, _, post, attempt, first = heapq.heappop(self._later)
            self._offer(post, attempt, first)

    def _pause_until(self, moment: float) -> None:
        while (left := moment - time.monotonic()) > 0 and not self._stop.is_set():
            self._offer_retries()
            self._stop.wait(min(left, 0.05))

    def _unfinished(self) -> bool:
        with self._lock:
            if self._stop.is_set():
                self._summary.failed += len(self._later)
                self._later.clear()
            return self._open > 0 or bool(self._later)

    def _work(self) -> None:
        connection = self._sender.connect()
        while (given := self._due.get()) is not None:
            post, attempt, first = given
            status = self._sender.post_once(connection, post.body, self._token)
            with self._lock:
                self._settle(post, attempt, first, status)
        connection.close()

    def _settle(self, post: Post, attempt: int, first: float, status: int) -> None:
        summary = self._summary
        self._open -= 1
        summary.statuses[status] = summary.statuses.get(status, 0) + 1
        if 200 <= status < 300:
            summary.count(post)
            return
        again = time.monotonic() + self._sender.wait_after(attempt)
        if again - first > self._sender.deadline or self._stop.is_set():
            summary.failed += 1
            return
        summary.retries += 1
        heapq.heappush(self._later, (again, summary.retries, post, attempt + 1, first))
