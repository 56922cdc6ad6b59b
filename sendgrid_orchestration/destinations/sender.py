"""Sends messages over HTTP until each has an outcome: one session policy, one retry policy, one way to find what is refused.

It knows neither Postgres nor which destination it serves.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from http.cookiejar import DefaultCookiePolicy
from typing import Generic, Protocol, TypeVar

import requests
from pydantic import SecretStr
from requests.auth import AuthBase

from sendgrid_orchestration.destinations.interface import (
    Accepted,
    Answer,
    Busy,
    Delay,
    Destination,
    Limits,
    Message,
    Named,
    Refused,
    Request,
    Stopped,
    TooLarge,
    Verdict,
)

USER_AGENT = "sendgrid-orchestration"

REFUSALS_IN_A_ROW = 5
"""After so many refused messages, and none that was accepted, it is checked whether the destination takes anything at all."""

SAMPLES = 10
"""So many of the messages that wait are tried for that, if none was accepted before."""


@dataclass(frozen=True)
class RetryPolicy:
    """How patient a sender is.

    Attributes:
        attempts: how often a request is sent before its outcome stands; limits are not counted.
        first_wait: seconds before the second attempt; doubles each time.
        longest_wait: a pause is never longer, unless the destination asks for it.
        limited_wait: how long a request may wait for a limit, in seconds, all pauses together; who asks for a longer pause is left
            to the next run.
        connect_timeout: seconds to reach the destination.
        read_timeout: seconds without an answer.
    """

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 20.0
    limited_wait: float = 300.0
    connect_timeout: float = 10.0
    read_timeout: float = 30.0


class State(Enum):
    """What became of a message."""

    UNSENT = "unsent"
    """The destination has certainly not taken it."""
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"


@dataclass
class Outcome:
    """What became of some messages.

    Attributes:
        states: of each message, in order.
        rejected: the reason of each that was refused, by its place; its state is `UNSENT`.
        delayed: each that is taken only later, by its place; its state is `UNSENT`.
        calls: the requests that were made.
        answer: the last answer, for people.
        stopped: why nothing else should be sent now; empty if nothing stands in the way.
        refuses_all: whether that is because every message was refused that was tried.
    """

    states: list[State]
    rejected: dict[int, str] = field(default_factory=dict)
    delayed: dict[int, Delay] = field(default_factory=dict)
    calls: int = 0
    answer: str = ""
    stopped: str = ""
    refuses_all: bool = False


class Gate:
    """Keeps a destination's senders together at its pace: the vendor's rate, and the pauses that it asks for."""

    def __init__(
        self,
        events_per_second: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        stopping: threading.Event | None = None,
    ) -> None:
        self._rate = events_per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = 0.0
        self._rests_until = 0.0
        self._stopping = stopping or threading.Event()

    def pass_through(self, messages: int) -> None:
        """Wait until so many messages may be sent."""
        with self._lock:
            now = self._clock()
            at = max(now, self._free_at)
            if self._rate:
                self._free_at = at + messages / self._rate
            wait = max(at, self._rests_until) - now
        self.sleep(wait)

    def rest(self, seconds: float) -> None:
        """Let nothing through for so long."""
        with self._lock:
            self._rests_until = max(self._rests_until, self._clock() + seconds)

    def sleep(self, seconds: float) -> None:
        """Wait, unless this is called off."""
        if seconds > 0:
            self._stopping.wait(seconds)

    def stop(self) -> None:
        """Call off every wait; nothing is sent any more."""
        self._stopping.set()

    @property
    def is_stopped(self) -> bool:
        """Whether sending was called off."""
        return self._stopping.is_set()


T = TypeVar("T")
_T_contra = TypeVar("_T_contra", contravariant=True)


class Endpoint(Protocol[_T_contra]):
    """Where requests go: how they are written, and what an answer means."""

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        """What no answer that is kept or shown may hold."""

    def request(self, items: Sequence[_T_contra], sent_at: datetime, /) -> Request:
        """Put items into one request. Called anew for each attempt."""

    def read(self, answer: Answer, items: Sequence[_T_contra], /) -> Verdict:
        """Say what an answer means for the items of its request."""


class Caller(Generic[T]):
    """Makes requests of one endpoint, and repeats those that failed for a while; may be used by several threads at once.

    Args:
        endpoint: where to.
        gate: the endpoint's pace, shared by its threads.
        policy: how patient to be.
        now: tells the time, for `sentAt`.
        user_agent: what we are called.
    """

    def __init__(
        self,
        endpoint: Endpoint[T],
        gate: Gate,
        policy: RetryPolicy | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        user_agent: str = USER_AGENT,
    ) -> None:
        self._endpoint = endpoint
        self._gate = gate
        self._policy = policy or RetryPolicy()
        self._now = now
        self._user_agent = user_agent
        self._local = threading.local()

    def ask(self, messages: Sequence[T], outcome: Outcome) -> Verdict:
        """Make one request, as often as the policy allows. `Busy` means that it allows no more."""
        attempt, limited, may_be_taken = 0, 0.0, False
        while True:
            self._gate.pass_through(len(messages))
            if self._gate.is_stopped:
                return Busy("the run was stopped", may_be_taken=may_be_taken)
            outcome.calls += 1
            verdict = self._try(messages)
            if not isinstance(verdict, Busy):
                outcome.answer = getattr(verdict, "reason", "") or outcome.answer
                return verdict
            outcome.answer = verdict.reason
            may_be_taken |= verdict.may_be_taken
            if verdict.is_limit:
                pause = verdict.wait if verdict.wait is not None else self.back_off(int(limited) + 1)
                # A little more than asked, each a different little: waiting senders do not return all at once.
                pause += random.uniform(0.01, 0.1)  # noqa: S311
                limited += pause
                self._gate.rest(pause)
                spent = limited > self._policy.limited_wait
            else:
                attempt += 1
                pause = max(self.back_off(attempt), verdict.wait or 0.0)
                spent = attempt >= self._policy.attempts or pause > self._policy.limited_wait
                if not spent:
                    self._gate.sleep(pause)
            if spent:
                return Busy(verdict.reason, may_be_taken=may_be_taken, is_limit=verdict.is_limit)

    def back_off(self, attempt: int) -> float:
        """Seconds before the next attempt: twice as long after each, and each a different little less."""
        longest = min(self._policy.longest_wait, self._policy.first_wait * 2.0 ** min(attempt - 1, 30))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311

    def _try(self, messages: Sequence[T]) -> Verdict:
        request = self._endpoint.request(messages, self._now())
        try:
            answer = self._post(request)
        except requests.ConnectTimeout:
            return Busy("no connection in time")
        except requests.ConnectionError as error:
            if "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error):
                return Busy("no connection")
            return Busy("the connection broke before an answer", may_be_taken=True)
        except requests.Timeout:
            return Busy("no answer in time", may_be_taken=True)
        except requests.RequestException as error:
            return Busy(f"no readable answer ({type(error).__name__})", may_be_taken=True)
        return self._endpoint.read(answer, messages)

    def _post(self, request: Request) -> Answer:
        response = self._session().post(
            request.url,
            data=request.body,
            headers=dict(request.headers),
            timeout=(self._policy.connect_timeout, self._policy.read_timeout),
            # Whoever the request is passed on to would get the key.
            allow_redirects=False,
        )
        body = response.content
        for secret in self._endpoint.secrets:
            body = body.replace(secret.get_secret_value().encode(), b"***")
        return Answer(response.status_code, response.headers, body)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            # Or requests would let an entry in ~/.netrc replace our header.
            session.auth = _HeadersAsTheyAre()
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            session.headers["User-Agent"] = self._user_agent
        return session


class Sender(Caller[Message]):
    """Sends messages to one destination; may be used by several threads at once.

    Args:
        destination: where to.
        gate: the destination's pace, shared by its threads.
        policy: how patient to be.
        now: tells the time, for `sentAt`.
    """

    def __init__(
        self,
        destination: Destination,
        gate: Gate,
        policy: RetryPolicy | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(destination, gate, policy, now)
        self.limits = destination.limits
        self._accepted: Message | None = None

    @property
    def has_accepted(self) -> bool:
        """Whether the destination took any message yet."""
        return self._accepted is not None

    def send(self, messages: Sequence[Message]) -> Outcome:
        """Send messages, until each is accepted, refused, or known to wait."""
        return _Delivery(messages, self).run()

    def ask(self, messages: Sequence[Message], outcome: Outcome) -> Verdict:
        """Make one request, as often as the policy allows. `Busy` means that it allows no more."""
        verdict = super().ask(messages, outcome)
        if isinstance(verdict, Accepted):
            self._accepted = messages[-1]
        return verdict

    def takes_what_it_took(self, outcome: Outcome) -> bool | None:
        """Whether a message that was accepted before is accepted again; it has its id, and is ignored. None if there is none."""
        if self._accepted is None:
            return None
        return isinstance(self.ask([self._accepted], outcome), Accepted)


class _HeadersAsTheyAre(AuthBase):
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _Delivery:
    """One call of `send`: parts of the messages that wait, and what became of the others."""

    def __init__(self, messages: Sequence[Message], sender: Sender) -> None:
        self._messages = messages
        self._sender = sender
        self._outcome = Outcome([State.UNSENT] * len(messages))
        self._waiting = deque(_within(messages, sender.limits))
        self._refused_in_a_row: list[int] = []

    def run(self) -> Outcome:
        """Send part after part."""
        while self._waiting and not self._outcome.stopped:
            part = self._waiting.popleft()
            self._settle(part, self._ask(part))
        return self._outcome

    def _ask(self, part: list[int]) -> Verdict:
        return self._sender.ask([self._messages[place] for place in part], self._outcome)

    def _settle(self, part: list[int], verdict: Verdict) -> None:
        """Write down what became of a part, or put what is left of it in line again."""
        match verdict:
            case Accepted():
                self._refused_in_a_row.clear()
                self._mark(part, State.ACCEPTED)
            case Named():
                for place, reason in verdict.rejected.items():
                    self._outcome.rejected[part[place]] = reason
                for place, delay in verdict.delayed.items():
                    self._outcome.delayed[part[place]] = delay
                named = verdict.rejected.keys() | verdict.delayed.keys()
                self._put_first([one for place, one in enumerate(part) if place not in named])
            case TooLarge() if len(part) > 1:
                self._put_first(part[len(part) // 2 :])
                self._put_first(part[: len(part) // 2])
            case TooLarge(reason) | Refused(reason) if len(part) == 1:
                self._reject(part[0], reason)
            case Refused(reason):
                self._find_refused(part, reason)
            case Busy():
                if verdict.may_be_taken:
                    self._mark(part, State.UNKNOWN)
                self._outcome.stopped = verdict.reason
            case Stopped(reason):
                self._outcome.stopped = reason

    def _find_refused(self, part: list[int], reason: str) -> None:
        """Find the first message that is refused, sending the good ones before it on the way.

        One request for each halving: if the first half is accepted the fault is in the second, which need not be sent to know
        it; if it is refused, what lies behind it waits. All that waited goes out as one part at the end. So one bad message
        among 2,500 is found with 1 + 12 requests.
        """
        behind: list[int] = []
        while len(part) > 1:
            first, second = part[: len(part) // 2], part[len(part) // 2 :]
            verdict = self._ask(first)
            if isinstance(verdict, Accepted):
                self._settle(first, verdict)
                part = second
            elif isinstance(verdict, Refused):
                reason = verdict.reason
                part, behind = first, second + behind
            else:
                self._put_first(second + behind)
                self._settle(first, verdict)
                return
        self._put_first(behind)
        self._reject(part[0], reason)

    def _reject(self, place: int, reason: str) -> None:
        self._outcome.rejected[place] = reason
        self._refused_in_a_row.append(place)
        if len(self._refused_in_a_row) < REFUSALS_IN_A_ROW or not self._waiting:
            return
        if self._takes_anything():
            self._refused_in_a_row.clear()
            return
        # These messages are not to blame: something else is wrong, and they wait until it is repaired.
        for one in self._refused_in_a_row:
            del self._outcome.rejected[one]
        if not self._outcome.stopped:
            self._outcome.refuses_all = True
            self._outcome.stopped = f"It refuses every message: {reason}"

    def _takes_anything(self) -> bool:
        takes = self._sender.takes_what_it_took(self._outcome)
        if takes is not None:
            return takes
        places = [place for part in self._waiting for place in part]
        for place in places[:: -(-len(places) // SAMPLES)]:
            verdict = self._ask([place])
            if isinstance(verdict, Accepted):
                self._settle([place], verdict)
                self._waiting = deque([[one for one in part if one != place] for part in self._waiting])
                self._waiting = deque(filter(None, self._waiting))
                return True
            if not isinstance(verdict, Refused):
                self._settle([place], verdict)
                return False
        return False

    def _put_first(self, part: list[int]) -> None:
        if part:
            self._waiting.appendleft(part)

    def _mark(self, part: list[int], state: State) -> None:
        for place in part:
            self._outcome.states[place] = state


def _within(messages: Sequence[Message], limits: Limits) -> Iterator[list[int]]:
    """The places of messages in parts that the destination takes at once."""
    part: list[int] = []
    size = 0
    for place, message in enumerate(messages):
        needed = len(message.body) + 1
        if part and (len(part) == limits.messages or size + needed > limits.request_bytes):
            yield part
            part, size = [], 0
        part.append(place)
        size += needed
    if part:
        yield part
