"""What was sent and what became of it. A batch is written here before it is sent, its outcome afterwards.

The counts of a batch follow from its events and its exceptions: what is no exception is accepted, unknown or unsent as the
batch's state says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar, Literal

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from sendgrid_orchestration.destinations.batches import Batch, Invalid
from sendgrid_orchestration.destinations.interface import Message, Position
from sendgrid_orchestration.destinations.reader import Mark, Range
from sendgrid_orchestration.destinations.sender import Outcome, State
from sendgrid_orchestration.destinations.statements import Statements, table_exists
from sendgrid_orchestration.settings import Destination as DestinationSettings

UNANSWERED = "the run ended before an answer"

ExceptionState = Literal["invalid", "rejected", "delayed", "unknown"]


@dataclass(frozen=True)
class Progress:
    """How far a destination has come.

    Attributes:
        mark: up to where events are in batches.
        start_at: events that happened before are not sent.
        enabled_at: since when it is enabled.
    """

    mark: Mark
    start_at: datetime | None
    enabled_at: datetime


@dataclass(frozen=True)
class OpenBatch:
    """A batch that is not settled.

    Attributes:
        batch_id: its number.
        kind: which order its range is of.
        state: what is known of it.
        events: its range.
        is_again: of a backfill that sends what was sent before, too.
        eligible: how many events it holds.
        unknown: how many of them may have been taken.
        first_sent_at: from when on the receiver may know its ids.
    """

    batch_id: int
    kind: Literal["stream", "backfill"]
    state: str
    events: Range
    is_again: bool
    eligible: int
    unknown: int
    first_sent_at: datetime


@dataclass(frozen=True)
class Counts:
    """Sums over batches."""

    batches: int = 0
    events: int = 0
    skipped: int = 0
    eligible: int = 0
    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    invalid: int = 0
    delayed: int = 0
    unknown: int = 0
    unsent: int = 0


COUNTED = tuple(Counts.__dataclass_fields__)[1:]


@dataclass(frozen=True)
class Due:
    """What waits to be sent to a destination.

    Attributes:
        last_load: the newest load.
        is_behind: whether some load is not handed over.
        days: the first and the last day on which the events of those loads happened; None if they brought none.
        batches: how many batches may be sent again.
        events: how many single events may be.
    """

    last_load: int
    is_behind: bool
    days: tuple[date, date] | None
    batches: int
    events: int

    @property
    def anything(self) -> bool:
        """Whether a run has anything to do."""
        return self.is_behind or self.batches > 0 or self.events > 0


@dataclass(frozen=True)
class Exceptional:
    """An event that was not accepted."""

    position: Position
    batch_id: int
    event: str
    state: str
    reason: str
    found_at: datetime


class Ledger(Statements):
    """The tables of one source's deliveries to one destination. The caller commits.

    Args:
        conn: the deliverer's connection.
        raw_schema: where the tables are.
        name: the destination.
    """

    tables: ClassVar[Mapping[str, str]] = {
        "destinations": "delivery_destinations",
        "batches": "delivery_batches",
        "exceptions": "delivery_exceptions",
        "loads": "loads",
    }

    def __init__(self, conn: psycopg.Connection, raw_schema: str, name: str) -> None:
        super().__init__(conn, raw_schema)
        self._name = name

    def progress(self) -> Progress | None:
        """How far it has come; None before it was ever enabled."""
        row = self._one(
            "select load_id, event_at, event_key::text, start_at, enabled_at from {destinations} "
            "where destination = %s and disabled_at is null",
            self._name,
        )
        return Progress(Mark(*row[:3]), row[3], row[4]) if row else None

    def enable(self, settings: DestinationSettings) -> Progress:
        """Begin with a destination where it is not begun yet, at the place that its settings say."""
        if (progress := self.progress()) is not None:
            return progress
        was_enabled = self._one("select 1 from {destinations} where destination = %s", self._name) is not None
        start_at = None
        if was_enabled or settings.start == "now":
            first = self._value(
                "select coalesce(max(load_id), 0) from {loads} where committed_at is not null"
            )
        elif settings.start == "beginning":
            first = 0
        else:
            day = settings.start
            assert isinstance(day, date)
            start_at = datetime(day.year, day.month, day.day, tzinfo=UTC)
            first = self._value(
                "select coalesce(min(load_id) - 1, (select coalesce(max(load_id), 0) from {loads})) "
                "from {loads} where last_event_date >= %s",
                day,
            )
        self._run(
            """
            insert into {destinations} (destination, kind, start_at, first_load_id, load_id)
            values (%s, %s, %s, %s, %s)
            on conflict (destination) do update
            set
                kind = excluded.kind, start_at = excluded.start_at, first_load_id = excluded.first_load_id,
                load_id = excluded.load_id, event_at = null, event_key = null, enabled_at = clock_timestamp(), disabled_at = null
            """,
            self._name,
            settings.kind,
            start_at,
            first,
            first,
        )
        progress = self.progress()
        assert progress is not None
        return progress

    def lock(self, *, wait: timedelta | None = None) -> bool:
        """Take the destination for this connection, until it closes; False if another holds it, and goes on holding it."""
        key = f"deliver {self._raw} {self._name}"
        if self._value("select pg_try_advisory_lock(hashtextextended(%s, 0))", key):
            return True
        if wait is None:
            return False
        try:
            with self._conn.transaction():
                self._run("select set_config('lock_timeout', %s, true)", f"{wait.total_seconds():.0f}s")
                self._run("select pg_advisory_lock(hashtextextended(%s, 0))", key)
        except psycopg.errors.LockNotAvailable:
            return False
        return True

    def begin(self, batch: Batch, run_id: str | None) -> None:
        """Write a batch that is about to be sent; one of the stream takes the destination's mark along."""
        after, last = batch.events
        row = self._one(
            """
            insert into {batches} (
                destination, kind, state, after_load_id, after_event_at, after_event_key, last_load_id, last_event_at,
                last_event_key, is_again, events, skipped, eligible, unknown, events_by_name, skipped_by_reason, run_id
            )
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            returning batch_id
            """,
            self._name,
            batch.kind,
            "sending",
            *after,
            *last,
            batch.is_again,
            batch.eligible + batch.skipped.total(),
            batch.skipped.total(),
            batch.eligible,
            batch.eligible,
            Jsonb(batch.by_name),
            Jsonb(batch.skipped),
            run_id,
        )
        assert row is not None
        batch.batch_id = row[0]
        self._set_aside(batch.batch_id, batch.invalid)
        self._recount([batch.batch_id])
        if batch.kind == "stream":
            self._move_to(last)

    def begin_again(self, batch: Batch, run_id: str | None) -> None:
        """Write that a batch is about to be sent once more, with what its range holds now."""
        assert batch.batch_id is not None
        kept: dict[str, int] = dict(
            self._conn.execute(
                self._query("select event, count(*) from {exceptions} where batch_id = %s group by event"),
                [batch.batch_id],
            ).fetchall()
        )
        batch.by_name = by_name = batch.by_name + Counter(kept)
        self._set_aside(batch.batch_id, batch.invalid)
        self._run(
            """
            update {batches}
            set
                state = 'sending', sent_at = clock_timestamp(), finished_at = null, run_id = %s,
                first_sent_at = case when state = 'unsent' then clock_timestamp() else first_sent_at end,
                events = skipped + %s, eligible = %s, events_by_name = %s,
                invalid = 0, accepted = 0, rejected = 0, delayed = 0, unsent = 0, unknown = %s
            where batch_id = %s
            """,
            run_id,
            by_name.total(),
            by_name.total(),
            Jsonb(by_name),
            by_name.total(),
            batch.batch_id,
        )
        self._recount([batch.batch_id])

    def pass_over(self, batch: Batch) -> None:
        """Write a batch of the stream of which nothing is sent: where it can, the batch before it grows by it."""
        after, last = batch.events
        self._move_to(last)
        row = self._one(
            """
            update {batches} as batch
            set
                last_load_id = %s, last_event_at = %s, last_event_key = %s,
                events = events + %s, skipped = skipped + %s,
                skipped_by_reason = skipped_by_reason || (
                    select coalesce(jsonb_object_agg(reason, count::int + coalesce((skipped_by_reason ->> reason)::int, 0)), '{{}}')
                    from jsonb_each_text(%s) as more (reason, count)
                )
            where
                batch_id = (
                    select max(batch_id) from {batches} where destination = %s and kind = 'stream'
                )
                and (last_load_id, last_event_at, last_event_key) is not distinct from (%s, %s::timestamptz, %s::uuid)
            returning batch_id
            """,
            *last,
            batch.skipped.total(),
            batch.skipped.total(),
            Jsonb(batch.skipped),
            self._name,
            *after,
        )
        if row is None and batch.skipped:
            self.begin(batch, None)
            self._run(
                "update {batches} set state = 'settled', finished_at = sent_at where batch_id = %s",
                batch.batch_id,
            )

    def finish(self, batch: Batch, outcome: Outcome) -> None:
        """Write what became of a batch. If only its beginning is done, the rest becomes a batch of its own."""
        assert batch.batch_id is not None
        now = datetime.now(UTC)
        for place, reason in outcome.rejected.items():
            self._put(batch.batch_id, *_named(batch.messages[place]), "rejected", reason=reason)
        for place, delay in outcome.delayed.items():
            retry_at = now + timedelta(seconds=delay.seconds)
            self._put(
                batch.batch_id,
                *_named(batch.messages[place]),
                "delayed",
                reason=delay.reason,
                retry_at=retry_at,
            )
        done = _done(outcome)
        rest = outcome.states[done:]
        # What may have been taken at an earlier attempt is not unsent for having been refused a connection at this one.
        left = "unknown" if State.UNKNOWN in rest or batch.was_unknown else "unsent"
        numbers = [batch.batch_id]
        if 0 < done < len(batch.messages):
            numbers.append(self._split(batch, done))
        states = ["settled", left] if len(numbers) == 2 else ["settled" if not rest else left]
        for number, state in zip(numbers, states, strict=True):
            self._run(
                """
                update {batches}
                set state = %s, calls = calls + %s, answer = nullif(%s, ''), finished_at = clock_timestamp()
                where batch_id = %s
                """,
                state,
                outcome.calls if number == batch.batch_id else 0,
                outcome.answer[:500],
                number,
            )
        self._recount(numbers)

    def give_up_sending(self) -> None:
        """What was under way when its run ended is unknown. Called only while the destination is locked."""
        self._run(
            "update {batches} set state = 'unknown', answer = %s where destination = %s and state = 'sending'",
            UNANSWERED,
            self._name,
        )

    def open_batches(self) -> list[OpenBatch]:
        """The batches that are not settled, oldest first."""
        rows = self._conn.execute(
            self._query(
                """
                select
                    batch_id, kind, state, after_load_id, after_event_at, after_event_key::text, last_load_id,
                    last_event_at, last_event_key::text, is_again, eligible, unknown, first_sent_at
                from {batches}
                where destination = %s and state <> 'settled'
                order by batch_id
                """
            ),
            [self._name],
        )
        return [
            OpenBatch(row[0], row[1], row[2], Range(Mark(*row[3:6]), Mark(*row[6:9])), *row[9:])
            for row in rows
        ]

    def exceptions_of(self, batch_id: int) -> set[tuple[datetime, str]]:
        """Time and key of the events of a batch that have an outcome of their own."""
        rows = self._conn.execute(
            self._query("select event_at, event_key::text from {exceptions} where batch_id = %s"), [batch_id]
        )
        return {(at, key) for at, key in rows}

    def exceptions(self, states: Sequence[ExceptionState], *, limit: int | None = 1000) -> list[Exceptional]:
        """Events that were not accepted, newest first."""
        return self._exceptions("exception.state = any(%s)", [list(states)], limit)

    def due_alone(self, resend_window: timedelta, *, limit: int = 1000) -> list[Exceptional]:
        """Events that may be sent by themselves now: their limit is over, or their outcome unknown and their id still known."""
        return self._exceptions(
            """
            exception.retry_at <= clock_timestamp()
            and (
                exception.state = 'delayed'
                or (exception.state = 'unknown' and batch.first_sent_at > clock_timestamp() - %s)
            )
            """,
            [resend_window],
            limit,
        )

    def _exceptions(self, condition: str, values: list[object], limit: int | None) -> list[Exceptional]:
        rows = self._conn.execute(
            self._query(
                f"""
                select
                    exception.load_id, exception.event_at, exception.event_key::text, exception.batch_id, exception.event,
                    exception.state, exception.reason, exception.found_at
                from {{exceptions}} as exception
                inner join {{batches}} as batch using (batch_id)
                where exception.destination = %s and {condition}
                order by exception.found_at desc, exception.batch_id desc, exception.event_at, exception.event_key
                limit %s
                """
            ),
            [self._name, *values, limit],
        )
        return [Exceptional(Position(*row[:3]), *row[3:]) for row in rows]

    def set_aside(self, event: Exceptional, reason: str) -> None:
        """Write that a single event cannot be sent."""
        self._put(event.batch_id, event.position, event.event, "invalid", reason=reason)
        self._recount([event.batch_id])

    def begin_alone(self, events: Sequence[Exceptional]) -> None:
        """Write that these events are about to be sent by themselves."""
        now = datetime.now(UTC)
        for event in events:
            self._put(event.batch_id, event.position, event.event, "unknown", reason=UNANSWERED, retry_at=now)
        self._recount(sorted({event.batch_id for event in events}))

    def finish_alone(self, events: Sequence[Exceptional], outcome: Outcome) -> None:
        """Write what became of events that were sent by themselves; what is accepted is no exception any more."""
        now = datetime.now(UTC)
        for place, event in enumerate(events):
            key = (event.batch_id, event.position, event.event)
            if reason := outcome.rejected.get(place):
                self._put(*key, "rejected", reason=reason)
            elif delay := outcome.delayed.get(place):
                retry_at = now + timedelta(seconds=delay.seconds)
                self._put(*key, "delayed", reason=delay.reason, retry_at=retry_at)
            elif outcome.states[place] is State.ACCEPTED:
                self._run(
                    "delete from {exceptions} where batch_id = %s and event_at = %s and event_key = %s",
                    event.batch_id,
                    event.position.event_at,
                    event.position.event_key,
                )
            elif outcome.states[place] is State.UNKNOWN or event.state == "unknown":
                self._put(*key, "unknown", reason=outcome.answer, retry_at=now)
            else:
                self._put(*key, "delayed", reason=outcome.answer, retry_at=now)
        self._recount(sorted({event.batch_id for event in events}))

    def lag(self) -> float:
        """The age of the oldest load that is not handed over, in seconds; 0 if there is none."""
        return float(
            self._value(
                """
                select coalesce(extract(epoch from clock_timestamp() - min(load.committed_at)), 0)
                from {destinations} as destination
                inner join {loads} as load
                    on load.load_id >= destination.load_id + (destination.event_at is null)::int
                where destination.destination = %s
                """,
                self._name,
            )
        )

    def handed_over(self) -> tuple[int, int]:
        """Events in batches of the stream since the destination was last enabled, and events of those loads."""
        row = self._one(
            """
            select
                (
                    select coalesce(sum(batch.events), 0)::bigint
                    from {batches} as batch
                    where
                        batch.destination = destination.destination
                        and batch.kind = 'stream'
                        and batch.after_load_id >= destination.first_load_id
                ),
                (
                    select coalesce(sum(load.inserted), 0)::bigint
                    from {loads} as load
                    where load.load_id > destination.first_load_id and load.load_id <= destination.load_id
                )
            from {destinations} as destination
            where destination.destination = %s and destination.event_at is null
            """,
            self._name,
        )
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def listed(self, states: Sequence[ExceptionState], since: timedelta) -> dict[str, int]:
        """How many events were set apart lately, by reason."""
        rows = self._conn.execute(
            self._query(
                """
                select reason, count(*) from {exceptions}
                where destination = %s and state = any(%s) and found_at > clock_timestamp() - %s
                group by reason order by count(*) desc limit 20
                """
            ),
            [self._name, list(states), since],
        )
        return {reason: int(count) for reason, count in rows}

    def due(self, resend_window: timedelta) -> Due:
        """What waits to be sent."""
        row = self._one(
            """
            select
                (select max(load_id) from {loads} where committed_at is not null),
                (
                    select count(*) from {batches}
                    where
                        destination = %s
                        and (
                            state in ('unsent', 'sending')
                            or (state = 'unknown' and first_sent_at > clock_timestamp() - %s)
                        )
                )
            """,
            self._name,
            resend_window,
        )
        assert row is not None
        mark = self._one(
            "select load_id, event_at is null from {destinations} where destination = %s and disabled_at is null",
            self._name,
        )
        behind = None
        if mark is not None and row[0] is not None and mark[0] + mark[1] <= row[0]:
            behind = self._one(
                "select min(first_event_date), max(last_event_date) from {loads} where load_id >= %s",
                mark[0] + mark[1],
            )
        return Due(
            last_load=row[0] or 0,
            is_behind=behind is not None,
            days=(behind[0], behind[1]) if behind is not None and behind[0] is not None else None,
            batches=row[1],
            events=len(self.due_alone(resend_window)),
        )

    def counts(self, *conditions: sql.Composable) -> Counts:
        """Sums over the batches of this destination."""
        sums = sql.SQL(", ").join(
            sql.SQL("coalesce(sum({}), 0)::bigint").format(sql.Identifier(name)) for name in COUNTED
        )
        where = sql.SQL(" and ").join(
            [sql.SQL("destination = {}").format(sql.Literal(self._name)), *conditions]
        )
        query = sql.SQL("select count(*), {} from {} where {}").format(
            sums, sql.Identifier(self._raw, "delivery_batches"), where
        )
        row = self._conn.execute(query).fetchone()
        assert row is not None
        return Counts(*row)

    def _set_aside(self, number: int, events: Iterable[Invalid]) -> None:
        for event in events:
            self._put(number, event.position, event.choice, "invalid", reason=event.reason)

    def _put(
        self,
        number: int,
        position: Position,
        event: str,
        state: ExceptionState,
        *,
        reason: str,
        retry_at: datetime | None = None,
    ) -> None:
        self._run(
            """
            insert into {exceptions} (destination, event_at, event_key, load_id, batch_id, event, state, reason, retry_at)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            on conflict (batch_id, event_at, event_key) do update
            set
                state = excluded.state, reason = excluded.reason, retry_at = excluded.retry_at,
                found_at = clock_timestamp()
            """,
            self._name,
            position.event_at,
            position.event_key,
            position.load_id,
            number,
            event,
            state,
            reason[:500],
            retry_at,
        )

    def _split(self, batch: Batch, done: int) -> int:
        """Make a batch of what lies behind the first messages of another."""
        begin = batch.messages[done - 1].position
        row = self._one(
            """
            insert into {batches} (
                destination, kind, state, after_load_id, after_event_at, after_event_key, last_load_id, last_event_at,
                last_event_key, is_again, events, skipped, eligible, events_by_name, skipped_by_reason, run_id,
                first_sent_at, sent_at
            )
            select
                destination, kind, state, %s, %s, %s, last_load_id, last_event_at, last_event_key, is_again, 0, 0, 0, '{{}}',
                '{{}}', run_id, first_sent_at, sent_at
            from {batches}
            where batch_id = %s
            returning batch_id
            """,
            begin.load_id if batch.kind == "stream" else 0,
            *begin[1:],
            batch.batch_id,
        )
        assert row is not None
        behind = "(load_id, event_at, event_key) > (%s, %s, %s)"
        if batch.kind == "backfill":
            behind = "(event_at, event_key) > (%s, %s)"
        moved = self._conn.execute(
            self._query(
                f"update {{exceptions}} set batch_id = %s where batch_id = %s and {behind} "
                "returning event_at, event_key::text, event"
            ),
            [row[0], batch.batch_id, *(begin if batch.kind == "stream" else begin[1:])],
        ).fetchall()
        written = {message.position[1:] for message in batch.messages}
        rest = Counter(message.choice for message in batch.messages[done:])
        rest.update(event for at, key, event in moved if (at, key) not in written)
        self._run(
            """
            update {batches}
            set
                last_load_id = case when kind = 'stream' then %s else last_load_id end, last_event_at = %s,
                last_event_key = %s, events = events - %s, eligible = eligible - %s, events_by_name = %s,
                invalid = 0, accepted = 0, rejected = 0, delayed = 0, unsent = 0, unknown = eligible - %s
            where batch_id = %s
            """,
            *begin,
            rest.total(),
            rest.total(),
            Jsonb(batch.by_name - rest),
            rest.total(),
            batch.batch_id,
        )
        self._run(
            "update {batches} set events = %s, eligible = %s, unknown = %s, events_by_name = %s where batch_id = %s",
            rest.total(),
            rest.total(),
            rest.total(),
            Jsonb(rest),
            row[0],
        )
        return int(row[0])

    def _recount(self, numbers: Sequence[int]) -> None:
        self._run(
            """
            update {batches} as batch
            set
                invalid = found.invalid, rejected = found.rejected, delayed = found.delayed,
                accepted = case when state = 'settled' then eligible - found.events else 0 end,
                unsent = case when state = 'unsent' then eligible - found.events else 0 end,
                unknown = found.unknown + case when state in ('sending', 'unknown') then eligible - found.events else 0 end
            from (
                select
                    number as batch_id,
                    count(exception.state) as events,
                    count(*) filter (where exception.state = 'invalid') as invalid,
                    count(*) filter (where exception.state = 'rejected') as rejected,
                    count(*) filter (where exception.state = 'delayed') as delayed,
                    count(*) filter (where exception.state = 'unknown') as unknown
                from unnest(%s::bigint[]) as number
                left join {exceptions} as exception on exception.batch_id = number
                group by number
            ) as found
            where batch.batch_id = found.batch_id
            """,
            list(numbers),
        )

    def _move_to(self, mark: Mark) -> None:
        self._run(
            "update {destinations} set load_id = %s, event_at = %s, event_key = %s where destination = %s",
            *mark,
            self._name,
        )


def disable_others(conn: psycopg.Connection, raw_schema: str, enabled: Sequence[str]) -> None:
    """Write that every other destination is disabled now: what is loaded from now on is not theirs."""
    query = sql.SQL(
        "update {} set disabled_at = clock_timestamp() where disabled_at is null and not (destination = any(%s))"
    )
    conn.execute(query.format(sql.Identifier(raw_schema, "delivery_destinations")), [list(enabled)])


def _named(message: Message) -> tuple[Position, str]:
    return message.position, message.choice


def _done(outcome: Outcome) -> int:
    """How many messages from the first on have an outcome that stands."""
    for place, state in enumerate(outcome.states):
        if state is not State.ACCEPTED and place not in outcome.rejected and place not in outcome.delayed:
            return place
    return len(outcome.states)


def is_migrated(conn: psycopg.Connection, raw_schema: str) -> bool:
    """Whether the tables are there."""
    return table_exists(conn, raw_schema, "delivery_batches")
