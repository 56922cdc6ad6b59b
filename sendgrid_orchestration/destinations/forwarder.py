"""Sends landed posts on as they came, one after the other, to a consumer that expects SendGrid's own.

A forward may be killed at any point: what was acknowledged is in the ledger after each post, so at most one post is sent twice.
SendGrid repeats posts as well, so a consumer of its webhook has to cope with that already.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NoReturn

import psycopg

from sendgrid_orchestration.destinations.consumer import (
    SENDGRIDS_USER_AGENT,
    open_consumer,
    why_unsendable,
)
from sendgrid_orchestration.destinations.counts import added
from sendgrid_orchestration.destinations.errors import (
    DeliveryInterruptedError,
    DestinationError,
    ForwardStoppedError,
)
from sendgrid_orchestration.destinations.forward_ledger import ForwardLedger, LoadedFile, NotForwarded
from sendgrid_orchestration.destinations.interface import Accepted, Busy, Refused, Stopped
from sendgrid_orchestration.destinations.sender import Caller, Gate, Outcome, RetryPolicy
from sendgrid_orchestration.landing.errors import DamagedFile, LandingError, LandingUnreachable
from sendgrid_orchestration.landing.format import Post
from sendgrid_orchestration.landing.store import LandingStore
from sendgrid_orchestration.settings import Forward, Source
from sendgrid_orchestration.warehouse.engine import connect, open_connection, place
from sendgrid_orchestration.warehouse.migrations import migrate

LOOK_SECONDS = 1.0
"""How often a run that waits looks for newer loads."""

REFUSALS_IN_A_ROW = 5
"""After so many posts that were refused for good, and none that was accepted, the run ends as failed: it is rather the address or the
login that is wrong than each post, and fewer posts are then listed as rejected before somebody sees it."""

PRUNED = "it was deleted from the archive because of its age (landing.archive_days) before it was forwarded"


@dataclass(frozen=True)
class Forwarded:
    """What one call did.

    Attributes:
        posts: that were acknowledged.
        bytes: of their bodies.
        rejected: posts that were refused for good.
        lost: posts that could not be read.
        skipped: posts that were received before the forward begins.
        files: landed files that are dealt with to their end.
        calls: requests.
        is_complete: whether nothing was left.
        lag: age of the oldest post that waits, in seconds.
    """

    posts: int = 0
    bytes: int = 0
    rejected: int = 0
    lost: int = 0
    skipped: int = 0
    files: int = 0
    calls: int = 0
    is_complete: bool = True
    lag: float = 0.0

    def __add__(self, other: Forwarded) -> Forwarded:
        """Both, one after the other."""
        return added(self, other, latest={"is_complete", "lag"})


def forward(
    conn_url: str,
    store: LandingStore,
    source: Source,
    name: str,
    *,
    receiver_url: str,
    policy: RetryPolicy | None = None,
    run_seconds: float = math.inf,
) -> Forwarded:
    """Send on what waits, in order of receipt. Does nothing if another run does it already.

    Args:
        conn_url: the warehouse, whose ledger says which files were loaded.
        store: the landing.
        source: whose posts.
        name: the forward.
        receiver_url: where our own receiver is reached.
        policy: how patient to be.
        run_seconds: begin no post after this time.

    Raises:
        DeliveryInterruptedError: Postgres went away.
        DestinationError: the forward is disabled or paused, or its address cannot be right.
        ForwardStoppedError: the other side is down, limits us for too long, redirects us or refuses post after post.
        LandingUnreachable: the landing does not answer.
        SettingsError: there is no such forward, or its address is missing.
    """
    with _open(
        conn_url, store, source, name, receiver_url=receiver_url, policy=policy, run_seconds=run_seconds
    ) as work:
        return work.forward() if work else Forwarded()


def forward_while_loads_come(
    conn_url: str,
    store: LandingStore,
    source: Source,
    name: str,
    *,
    receiver_url: str,
    patience: float,
    at_most: float,
) -> Forwarded:
    """Send on what waits, look for newer loads, and end when none came for a while: starting a run costs more than waiting.

    Args:
        conn_url: the warehouse.
        store: the landing.
        source: whose posts.
        name: the forward.
        receiver_url: where our own receiver is reached.
        patience: seconds without anything to send after which this ends.
        at_most: seconds after which this ends in any case.

    Raises:
        ForwardStoppedError: as `forward` does, and all else that it raises; what was done before counts.
    """
    began = time.monotonic()

    def once() -> Forwarded:
        left = at_most - (time.monotonic() - began)
        return forward(conn_url, store, source, name, receiver_url=receiver_url, run_seconds=left)

    done = once()
    last = time.monotonic()
    with connect(conn_url) as conn:
        conn.autocommit = True
        ledger = ForwardLedger(conn, source.raw_schema, name)
        while (now := time.monotonic()) - last < patience and now - began < at_most:
            time.sleep(LOOK_SECONDS)
            if ledger.waiting().files:
                try:
                    done += once()
                except ForwardStoppedError as error:
                    raise ForwardStoppedError(str(error), done + error.done) from error
                last = time.monotonic()
    return done


def resend(
    conn_url: str,
    store: LandingStore,
    source: Source,
    name: str,
    *,
    receiver_url: str,
    policy: RetryPolicy | None = None,
) -> Forwarded:
    """Send once more every post that was rejected, or lost and is there again. Raises as `forward` does.

    They come behind posts that were received later.

    Raises:
        DestinationError: another run of this forward is at work, or what `forward` raises it for.
    """
    with _open(conn_url, store, source, name, receiver_url=receiver_url, policy=policy) as work:
        if work is None:
            raise DestinationError(
                f'Forward "{name}" is busy with another run. Try again when that has ended.'
            )
        return work.resend()


@contextmanager
def _open(
    conn_url: str,
    store: LandingStore,
    source: Source,
    name: str,
    *,
    receiver_url: str,
    policy: RetryPolicy | None,
    run_seconds: float = math.inf,
) -> Iterator[_Forwarder | None]:
    settings = source.forward_to(name)
    for is_off, state, setting in (
        (not settings.enabled, "disabled", "enabled: true"),
        (settings.paused, "paused", "paused: false"),
    ):
        if is_off:
            raise DestinationError(
                f'Forward "{name}" of source "{source.name}" is {state}. Set `{setting}` to forward posts.'
            )
    consumer = open_consumer(source, settings, receiver_url)
    conn = open_connection(conn_url)
    try:
        migrate(conn, source)
        conn.autocommit = True
        ledger = ForwardLedger(conn, source.raw_schema, name)
        if not ledger.lock():
            yield None
            return
        ledger.enable(settings)
        gate = Gate(None)
        patient = replace(policy or RetryPolicy(), read_timeout=settings.answer_seconds)
        yield _Forwarder(
            conn,
            ledger,
            store,
            source.name,
            settings,
            gate,
            Caller[Post](consumer, gate, patient, user_agent=SENDGRIDS_USER_AGENT),
            time.monotonic() + run_seconds,
        )
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()
        raise DeliveryInterruptedError(
            f'Forward "{name}" of source "{source.name}" was interrupted: Postgres at {place(conn_url)} says '
            f"{said[0] if said else 'nothing'}. The next run goes on from what the ledger holds."
        ) from error
    finally:
        conn.close()


@dataclass
class _Forwarder:
    """One call: a forward that is held, and what is sent."""

    conn: psycopg.Connection
    ledger: ForwardLedger
    store: LandingStore
    source: str
    settings: Forward
    gate: Gate
    caller: Caller[Post]
    deadline: float
    _done: Forwarded = field(default_factory=Forwarded)
    _outcome: Outcome = field(default_factory=lambda: Outcome([]))
    _refused_in_a_row: int = 0

    def forward(self) -> Forwarded:
        """Send on file after file."""
        for file in self.ledger.waiting_files():
            if not self._file(file):
                return self._result(is_complete=False)
            with self.conn.transaction():
                self.ledger.finish(file)
            self._count(files=1)
        return self._result(is_complete=True)

    def resend(self) -> Forwarded:
        """Send what did not arrive before."""
        for one in self.ledger.exceptions():
            file = self.ledger.file(one.file)
            if file is not None and not self._again(one, file):
                return self._result(is_complete=False)
        return self._result(is_complete=True)

    def _file(self, file: LoadedFile) -> bool:
        """Send on what is left of a file; False if the time is over."""
        progress = self.ledger.progress()
        if progress is None:
            return False  # disabled meanwhile
        done = progress.next_file_posts if progress.next_file == file.name else 0
        try:
            for number, post in self._posts(file, done):
                if time.monotonic() >= self.deadline:
                    return False
                if progress.start_at is not None and post.received_at < progress.start_at:
                    self._note(partial(self.ledger.pass_over, file, number), skipped=1)
                else:
                    self._post(file, number, post)
        except LandingUnreachable:
            raise
        except DamagedFile as error:
            self._lose(file, str(error))
        except LandingError as error:
            self._lose(file, PRUNED if file.deleted_at else str(error))
        return True

    def _posts(self, file: LoadedFile, done: int) -> Iterator[tuple[int, Post]]:
        with closing(self.store.read(file.in_store(self.store, self.source))) as posts:
            yield from ((number, post) for number, post in enumerate(posts, 1) if number > done)

    def _post(self, file: LoadedFile, number: int, post: Post) -> None:
        reason, tries = self._send(post)
        if not reason:
            self._refused_in_a_row = 0
            self._note(lambda: self.ledger.accept(file, number), posts=1, bytes=len(post.body))
            return
        self._note(lambda: self.ledger.reject(file, number, reason, tries, post.received_at), rejected=1)
        self._refused_in_a_row += 1
        if self._refused_in_a_row >= REFUSALS_IN_A_ROW:
            self._stop(
                f"it refused {self._refused_in_a_row} posts one after the other, the last with: {reason} Check its address and login; then "
                f"`forward resend` sends them again"
            )

    def _send(self, post: Post) -> tuple[str, int]:
        """Send one post until it is accepted or refused for good: the reason, empty if it is accepted, and how often it was sent.

        Raises:
            ForwardStoppedError: neither; nothing else should be sent now.
        """
        if reason := why_unsendable(post):
            return reason, 0
        for tries in range(1, self.settings.max_tries + 1):
            verdict = self.caller.ask([post], self._outcome)
            if isinstance(verdict, Accepted):
                return "", tries
            if isinstance(verdict, Busy | Stopped):
                self._stop(verdict.reason)
            assert isinstance(verdict, Refused)
            reason = verdict.reason
            if tries < self.settings.max_tries:
                self.gate.sleep(self.caller.back_off(tries))
        return reason, tries

    def _again(self, one: NotForwarded, file: LoadedFile) -> bool:
        """Send posts that did not arrive; False if the time is over."""
        try:
            for number, post in self._posts(file, one.post - 1):
                if number >= one.post + one.posts:
                    break
                reason, tries = self._send(post)
                if reason:
                    with self.conn.transaction():
                        self.ledger.still_rejected(one, reason, tries)
                    self._count(rejected=1)
                    return True
                self._count(posts=1, bytes=len(post.body))
        except LandingUnreachable:
            raise
        except LandingError:
            self._count(lost=one.posts)
            return True
        with self.conn.transaction():
            self.ledger.arrived_after_all(one)
        return True

    def _lose(self, file: LoadedFile, reason: str) -> None:
        progress = self.ledger.progress()
        done = progress.next_file_posts if progress and progress.next_file == file.name else 0
        if done < file.posts:
            self._note(lambda: self.ledger.lose(file, done + 1, reason), lost=file.posts - done)

    def _note(self, write: Callable[[], None], **counts: int) -> None:
        with self.conn.transaction():
            write()
        self._count(**counts)

    def _stop(self, reason: str) -> NoReturn:
        done = self._result(is_complete=False)
        raise ForwardStoppedError(
            f'Forward "{self.settings.name}" of source "{self.source}" stopped: {reason.rstrip(".")}. {done.posts} post(s) were '
            "acknowledged before; the next run goes on behind them.",
            done,
        )

    def _count(self, **counts: int) -> None:
        self._done = replace(
            self._done, **{name: getattr(self._done, name) + count for name, count in counts.items()}
        )

    def _result(self, *, is_complete: bool) -> Forwarded:
        return replace(
            self._done, calls=self._outcome.calls, is_complete=is_complete, lag=self.ledger.waiting().lag
        )
