"""Sends what waits for a destination: reads events, writes batches into the ledger, sends several at once, writes outcomes.

One deliverer at a time works for a destination. It may be killed at any point: a batch whose outcome was not written is
unknown, and sent again, with the same ids, while the receiver still recognises them.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import psycopg

from sendgrid_orchestration.destinations.batches import Batch, batches, encode
from sendgrid_orchestration.destinations.catalog import open_destination, resend_window
from sendgrid_orchestration.destinations.counts import added
from sendgrid_orchestration.destinations.errors import (
    ConfirmationNeededError,
    DeliveryInterruptedError,
    DeliveryStoppedError,
    DestinationError,
)
from sendgrid_orchestration.destinations.interface import Destination, Event, Message
from sendgrid_orchestration.destinations.ledger import (
    Exceptional,
    ExceptionState,
    Ledger,
    OpenBatch,
    Progress,
)
from sendgrid_orchestration.destinations.reader import Mark, Range, Reader, Selection
from sendgrid_orchestration.destinations.sender import Gate, Outcome, RetryPolicy, Sender, State
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.engine import connect, open_connection, place
from sendgrid_orchestration.warehouse.migrations import migrate

RUN_SECONDS = 600.0
"""One call begins no batch after this time; the next one goes on."""
PERSONS_WAIT = timedelta(minutes=10)
"""So long waits who asks for something, while another run sends."""
LOOK_SECONDS = 1.0
"""How often a run that waits looks for newer loads."""
ALONE = 500
"""So many single events are sent at once."""
_FIRST_KEY = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Delivery:
    """What one call did.

    Attributes:
        batches: that were sent.
        events: that were read for the first time.
        skipped: of them, because they were not chosen.
        invalid: not sent, because the destination would drop them.
        sent: messages that were sent, each counted once.
        accepted: of them.
        rejected: of them, refused one by one.
        delayed: of them, taken only later.
        unknown: of them, without an answer.
        unsent: messages that were to be sent and certainly were not.
        calls: requests.
        waits_for_a_person: events in batches that are unknown for longer than the receiver knows their ids.
        is_complete: whether nothing was left to read.
        lag: the age of the oldest load that is not handed over, in seconds.
    """

    batches: int = 0
    events: int = 0
    skipped: int = 0
    invalid: int = 0
    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    delayed: int = 0
    unknown: int = 0
    unsent: int = 0
    calls: int = 0
    waits_for_a_person: int = 0
    is_complete: bool = True
    lag: float = 0.0

    def __add__(self, other: Delivery) -> Delivery:
        """Both, one after the other."""
        return added(self, other, latest={"waits_for_a_person", "is_complete", "lag"})


def deliver(
    conn_url: str,
    source: Source,
    name: str,
    *,
    run_id: str | None = None,
    policy: RetryPolicy | None = None,
    run_seconds: float = RUN_SECONDS,
) -> Delivery:
    """Send a destination everything that waits for it: what was left open, what was loaded since.

    Args:
        conn_url: the warehouse.
        source: whose events.
        name: the destination.
        run_id: who asks, for the ledger.
        policy: how patient to be.
        run_seconds: begin no batch after this time.

    Raises:
        DeliveryInterruptedError: Postgres went away.
        DeliveryStoppedError: the destination is down, limits us for too long, or refuses us.
        DestinationError: the destination is disabled or paused, or its key cannot be right.
        SettingsError: there is no such destination, or its key is missing.
    """
    with _open(
        conn_url, source, name, run_id=run_id, policy=policy, run_seconds=run_seconds, is_asked_for=False
    ) as work:
        return work.deliver() if work else Delivery()


def deliver_while_loads_come(
    conn_url: str,
    source: Source,
    name: str,
    *,
    run_id: str | None = None,
    patience: float,
    at_most: float,
) -> Delivery:
    """Send what waits, look for newer loads, and end when none came for a while: starting a run costs more than waiting.

    Args:
        conn_url: the warehouse.
        source: whose events.
        name: the destination.
        run_id: who asks, for the ledger.
        patience: seconds without anything to send after which this ends.
        at_most: seconds after which this ends in any case.

    Raises:
        DeliveryStoppedError: as `deliver` does, and all else that it raises; what was done before counts.
    """
    began = time.monotonic()
    done = deliver(conn_url, source, name, run_id=run_id, run_seconds=at_most)
    last = time.monotonic()
    window = resend_window(source.destination(name))
    with connect(conn_url) as conn:
        conn.autocommit = True
        ledger = Ledger(conn, source.raw_schema, name)
        while (now := time.monotonic()) - last < patience and now - began < at_most:
            time.sleep(LOOK_SECONDS)
            if ledger.due(window).anything:
                left = at_most - (time.monotonic() - began)
                try:
                    done += deliver(conn_url, source, name, run_id=run_id, run_seconds=left)
                except DeliveryStoppedError as error:
                    raise DeliveryStoppedError(str(error), done + error.delivery) from error
                last = time.monotonic()
    return done


def backfill(
    conn_url: str,
    source: Source,
    name: str,
    first: date,
    last: date,
    *,
    again: bool = False,
    confirmed: bool = False,
    run_id: str | None = None,
    policy: RetryPolicy | None = None,
) -> Delivery:
    """Send a destination the events that happened on some UTC days and that it was never sent.

    Args:
        conn_url: the warehouse.
        source: whose events.
        name: the destination.
        first: the first day.
        last: the last day.
        again: send also what it was sent before.
        confirmed: send even what the receiver may have, and would not recognise.
        run_id: who asks, for the ledger.
        policy: how patient to be.

    Raises:
        ConfirmationNeededError: some events could arrive twice, and that was not confirmed.
        DeliveryInterruptedError: as `deliver` does, and all else that it raises.
    """
    with _open(conn_url, source, name, run_id=run_id, policy=policy, bulk=True) as work:
        return work.backfill(first, last, again=again, confirmed=confirmed) if work else Delivery()


def resend_unknown(
    conn_url: str,
    source: Source,
    name: str,
    *,
    confirmed: bool,
    run_id: str | None = None,
    policy: RetryPolicy | None = None,
) -> Delivery:
    """Send again every batch of unknown outcome, even those whose ids the receiver may have forgotten.

    Raises:
        ConfirmationNeededError: some events could arrive twice, and that was not confirmed.
        DeliveryInterruptedError: as `deliver` does, and all else that it raises.
    """
    with _open(conn_url, source, name, run_id=run_id, policy=policy) as work:
        return work.resend_unknown(confirmed=confirmed) if work else Delivery()


def resend_rejected(
    conn_url: str,
    source: Source,
    name: str,
    *,
    run_id: str | None = None,
    policy: RetryPolicy | None = None,
) -> Delivery:
    """Send again every event that was refused, or set aside as invalid. Raises as `deliver` does."""
    with _open(conn_url, source, name, run_id=run_id, policy=policy) as work:
        return work.resend_alone(["rejected", "invalid"]) if work else Delivery()


@contextmanager
def _open(
    conn_url: str,
    source: Source,
    name: str,
    *,
    run_id: str | None,
    policy: RetryPolicy | None,
    run_seconds: float = math.inf,
    bulk: bool = False,
    is_asked_for: bool = True,
) -> Iterator[_Deliverer | None]:
    """A deliverer that holds its destination. If another one does, it is waited for where a person asks, and else None."""
    settings = source.destination(name)
    if not settings.enabled:
        raise DestinationError(
            f'Destination "{name}" of source "{source.name}" is disabled. Set `enabled: true` to send to it.'
        )
    if settings.paused:
        raise DestinationError(
            f'Destination "{name}" of source "{source.name}" is paused. Set `paused: false` to send to it.'
        )
    destination = open_destination(source, settings, bulk=bulk)
    conn = open_connection(conn_url)
    reading = open_connection(conn_url)
    try:
        migrate(conn, source)
        ledger = Ledger(conn, source.raw_schema, name)
        if not ledger.lock(wait=PERSONS_WAIT if is_asked_for else None):
            if is_asked_for:
                raise DestinationError(
                    f'Destination "{name}" is busy with another run. Try again when that has ended.'
                )
            yield None
            return
        progress = ledger.enable(settings)
        conn.commit()
        selection = Selection(settings, resend_window(settings), progress.start_at)
        gate = Gate(settings.max_events_per_second)
        yield _Deliverer(
            conn,
            ledger,
            Reader(reading, source.raw_schema, destination, selection),
            destination,
            Sender(destination, gate, policy),
            gate,
            selection.resend_window,
            run_id,
            time.monotonic() + run_seconds,
        )
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()
        raise DeliveryInterruptedError(
            f'Sending to destination "{name}" of source "{source.name}" was interrupted: Postgres at {place(conn_url)} '
            f"says {said[0] if said else 'nothing'}. The next run goes on from what the ledger holds."
        ) from error
    finally:
        reading.close()
        conn.close()


@dataclass
class _Deliverer:
    """One call: a destination that is held, and what is sent to it."""

    conn: psycopg.Connection
    ledger: Ledger
    reader: Reader
    destination: Destination
    sender: Sender
    gate: Gate
    window: timedelta
    run_id: str | None
    deadline: float
    _done: Delivery = field(default_factory=Delivery)
    _is_complete: bool = True
    _stopped: str = ""
    _refused: set[int] = field(default_factory=set)

    def deliver(self) -> Delivery:
        """Send what was left open and may be sent, then what was loaded since."""
        self._give_up_sending()
        self._send(self._again(batch for batch in self.ledger.open_batches() if self._may_be_sent(batch)))
        self._send_alone(self.ledger.due_alone(self.window))
        mark = self._progress().mark
        self._send(batches(self.reader.stream(mark), self.destination, mark))
        if self._refused and self.sender.has_accepted and not self._stopped:
            # It takes other messages: those of a batch that it refused to the last are refused one by one now.
            refused, self._refused = self._refused, set()
            self._send(
                self._again(batch for batch in self.ledger.open_batches() if batch.batch_id in refused)
            )
        return self._result()

    def backfill(self, first: date, last: date, *, again: bool, confirmed: bool) -> Delivery:
        """Send what happened on some days."""
        up_to = self._progress().mark.load_id
        if not confirmed and (doubles := self._doubles(first, last, up_to, again=again)):
            raise ConfirmationNeededError(
                f"{doubles} of the events of {first} to {last} may have been sent longer ago than {self.destination.name} "
                "recognises ids, and would arrive twice. Confirm that to send them."
            )
        begin = Mark(0, datetime(first.year, first.month, first.day, tzinfo=UTC), _FIRST_KEY)
        found = self._of_days(first, last, up_to, again=again)
        packed = batches(found, self.destination, begin, kind="backfill", is_again=again)
        self._send(_in_order_of_time(packed, up_to))
        return self._result()

    def resend_unknown(self, *, confirmed: bool) -> Delivery:
        """Send batches of unknown outcome again, however old."""
        self._give_up_sending()
        unknown = [batch for batch in self.ledger.open_batches() if batch.state == "unknown"]
        old = sum(batch.eligible for batch in unknown if not self._may_be_sent(batch))
        if old and not confirmed:
            raise ConfirmationNeededError(
                f"{old} events were sent without an answer longer ago than {self.destination.name} recognises ids, and may "
                "arrive twice. Confirm that to send them."
            )
        self._send(self._again(iter(unknown)))
        self._send_alone(self.ledger.exceptions(["unknown"]))
        return self._result()

    def resend_alone(self, states: Sequence[ExceptionState]) -> Delivery:
        """Send single events again."""
        self._send_alone(self.ledger.exceptions(states, limit=None))
        return self._result()

    def _send(self, packed: Iterator[Batch]) -> None:
        """Send batches, several at once; each is in the ledger before it leaves."""
        flying: dict[Future[Outcome], Batch] = {}
        in_flight = self.destination.limits.in_flight
        with closing(_closable(packed)) as coming, ThreadPoolExecutor(in_flight, "deliver") as pool:
            try:
                for batch in coming:
                    if self._stopped or time.monotonic() >= self.deadline:
                        self._is_complete = False
                        break
                    self._begin(batch)
                    self.conn.commit()
                    if batch.batch_id is None:
                        continue
                    flying[pool.submit(self.sender.send, batch.messages)] = batch
                    self._land(flying, until=in_flight - 1)
                self._land(flying, until=0)
            except BaseException:
                self.gate.stop()
                self._land(flying, until=0)
                raise

    def _begin(self, batch: Batch) -> None:
        """Write a batch into the ledger; one without anything to send gets no number."""
        if batch.batch_id is not None:
            self.ledger.begin_again(batch, self.run_id)
            return
        self._count(
            events=batch.eligible + batch.skipped.total(),
            skipped=batch.skipped.total(),
            invalid=len(batch.invalid),
        )
        if batch.eligible:
            self.ledger.begin(batch, self.run_id)
        elif batch.kind == "stream":
            self.ledger.pass_over(batch)

    def _land(self, flying: dict[Future[Outcome], Batch], until: int) -> None:
        """Write the outcomes of what has arrived; wait until only so many batches are under way."""
        while flying:
            finished, _ = wait(
                flying, timeout=None if len(flying) > until else 0, return_when=FIRST_COMPLETED
            )
            if not finished:
                return
            for future in finished:
                batch, outcome = flying.pop(future), future.result()
                self.ledger.finish(batch, outcome)
                self._note(outcome, batch)
            self.conn.commit()

    def _note(self, outcome: Outcome, batch: Batch | None = None) -> None:
        set_apart = outcome.rejected.keys() | outcome.delayed.keys()
        states = Counter(state for place, state in enumerate(outcome.states) if place not in set_apart)
        self._count(
            batches=batch is not None,
            sent=len(outcome.states) - states[State.UNSENT],
            accepted=states[State.ACCEPTED],
            unknown=states[State.UNKNOWN],
            unsent=states[State.UNSENT],
            rejected=len(outcome.rejected),
            delayed=len(outcome.delayed),
            calls=outcome.calls,
        )
        if outcome.refuses_all and batch is not None and batch.batch_id is not None:
            # One such batch may be bad as a whole; of two it is the destination that refuses.
            self._refused.add(batch.batch_id)
            if len(self._refused) == 1:
                return
        self._stopped = outcome.stopped or self._stopped

    def _again(self, left: Iterator[OpenBatch]) -> Iterator[Batch]:
        """Batches of the ledger, with what their ranges hold now."""
        for one in left:
            apart = self.ledger.exceptions_of(one.batch_id)
            batch = Batch(
                one.kind,
                one.events,
                is_again=one.is_again,
                batch_id=one.batch_id,
                was_unknown=one.state == "unknown",
            )
            for event in self._events_of(one):
                if event.skip is None and event.position[1:] not in apart:
                    batch.add(event, encode(event, self.destination))
            yield batch

    def _events_of(self, one: OpenBatch) -> Iterator[Event]:
        if one.kind == "stream":
            return self.reader.again(one.events)
        after, last = one.events
        assert after.event_at is not None
        assert last.event_at is not None
        return self._of_days(
            after.event_at.date(), last.event_at.date(), last.load_id, again=one.is_again, of=one
        )

    def _of_days(
        self, first: date, last: date, up_to: int, *, again: bool, of: OpenBatch | None = None
    ) -> Iterator[Event]:
        found = self.reader.of_days(
            first,
            last,
            up_to,
            self.destination.name,
            between=of.events if of else None,
            but_for=of.batch_id if of else None,
        )
        for event, sent_at, _ in found:
            yield event if again or sent_at is None else event._replace(skip=event.skip or "sent before")

    def _doubles(self, first: date, last: date, up_to: int, *, again: bool) -> int:
        """How many events a backfill would send that the receiver may have, and would not recognise."""
        forgotten = datetime.now(UTC) - self.window
        return sum(
            1
            for event, sent_at, is_replayed in self.reader.of_days(first, last, up_to, self.destination.name)
            if event.skip is None
            and ((again and sent_at is not None and sent_at < forgotten) or (is_replayed and sent_at is None))
        )

    def _send_alone(self, events: Sequence[Exceptional]) -> None:
        """Send single events, each of which has an outcome of its own."""
        for begin in range(0, len(events), ALONE):
            if self._stopped:
                return
            some = events[begin : begin + ALONE]
            found = {
                event.position[1:]: event for event in self.reader.by_key([one.position for one in some])
            }
            sent: list[tuple[Exceptional, Message]] = []
            for one in some:
                event = found.get(one.position[1:])
                if event is None or event.skip is not None:
                    self.ledger.set_aside(
                        one, event.skip if event and event.skip else "no longer in the warehouse"
                    )
                elif isinstance(message := encode(event, self.destination), Message):
                    sent.append((one, message))
                else:
                    self.ledger.set_aside(one, message.reason)
            self.ledger.begin_alone([one for one, _ in sent])
            self.conn.commit()
            outcome = self.sender.send([message for _, message in sent])
            self.ledger.finish_alone([one for one, _ in sent], outcome)
            self.conn.commit()
            self._note(outcome)

    def _give_up_sending(self) -> None:
        self.ledger.give_up_sending()
        self.conn.commit()

    def _may_be_sent(self, batch: OpenBatch) -> bool:
        """Whether sending a batch once more can double nothing."""
        return batch.state == "unsent" or batch.first_sent_at > datetime.now(UTC) - self.window

    def _progress(self) -> Progress:
        progress = self.ledger.progress()
        assert progress is not None, "a destination is enabled before anything is sent"
        return progress

    def _count(self, **counts: int) -> None:
        self._done = replace(
            self._done, **{name: getattr(self._done, name) + count for name, count in counts.items()}
        )

    def _result(self) -> Delivery:
        waiting = sum(
            batch.unknown
            for batch in self.ledger.open_batches()
            if batch.state == "unknown" and not self._may_be_sent(batch)
        )
        done = replace(
            self._done,
            waits_for_a_person=waiting,
            is_complete=self._is_complete and not self._stopped,
            lag=self.ledger.lag(),
        )
        self.conn.commit()
        if not self._stopped and self._refused:
            self._stopped = "It refuses every message of a batch, and took no other."
        if self._stopped:
            raise DeliveryStoppedError(
                f'Sending to destination "{self.destination.name}" stopped: {self._stopped} {done.accepted} event(s) were '
                f"accepted before; the next run sends the rest.",
                done,
            )
        return done


def _in_order_of_time(packed: Iterator[Batch], up_to: int) -> Iterator[Batch]:
    """Give batches of a backfill the bounds of its order, which is that of time, in all loads up to one."""
    for batch in packed:
        after, last = batch.events
        batch.events = Range(after._replace(load_id=0), last._replace(load_id=up_to))
        yield batch


def _closable(packed: Iterator[Batch]) -> Generator[Batch, None, None]:
    """A generator, which ends the query of what it iterates over when it is closed."""
    yield from packed
