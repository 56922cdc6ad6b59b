"""Reads events in the order in which they are sent, in portions of bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from sendgrid_orchestration.destinations import mapping
from sendgrid_orchestration.destinations.interface import Destination, Event, Position
from sendgrid_orchestration.settings import Destination as DestinationSettings

GROUP_EVENTS = 50_000
"""What one query reads: as many loads as hold about so many events. Postgres sorts them, in some 50 MB."""
FETCH = 1_000


class Mark(NamedTuple):
    """How far something has come: up to an event of a load, or to the end of the load.

    Attributes:
        load_id: loads before this one are behind it.
        event_at: of the last event that is behind it; None if the whole load is.
        event_key: likewise.
    """

    load_id: int
    event_at: datetime | None = None
    event_key: str | None = None


class Found(NamedTuple):
    """An event that a backfill found.

    Attributes:
        event: the event.
        sent_at: when a batch that holds it was first sent; None if it is in no batch.
        is_replayed: whether it came with a replay, long after it was received: it may have been sent before that.
    """

    event: Event
    sent_at: datetime | None
    is_replayed: bool


class Range(NamedTuple):
    """Events behind one mark, up to another and including it."""

    after: Mark
    last: Mark


@dataclass(frozen=True)
class Selection:
    """Which events a destination gets; everything else is skipped, and counted by reason.

    Attributes:
        settings: what was chosen.
        resend_window: events of a replay that were received longer before it are skipped: they may have been sent before the
            replay, and the receiver would not recognise them.
        start_at: events that happened before this are skipped.
    """

    settings: DestinationSettings
    resend_window: timedelta
    start_at: datetime | None = None

    def reason(self) -> sql.Composed:
        """SQL for why an event is skipped; null if it is not."""
        return sql.SQL("coalesce({}, {})").format(self.reason_by_choice(), self.reason_by_time())

    def reason_by_choice(self) -> sql.Composed:
        """The part of `reason` that says what was not chosen."""
        settings = self.settings
        cases = [
            (
                sql.SQL("({} = any({})) is not true").format(_CHOICE, sql.Literal(sorted(settings.events))),
                "not chosen",
            )
        ]
        if not settings.send_copies:
            cases.append((sql.SQL("event.is_copy").format(), "copy"))
        if not settings.send_test_posts:
            cases.append((sql.SQL(mapping.IS_TEST_POST).format(), "test post"))
        if settings.marketing_only:
            cases.append((sql.SQL("{} is not true").format(sql.SQL(mapping.IS_MARKETING)), "not marketing"))
        return _case(cases)

    def reason_by_time(self) -> sql.Composed:
        """The part of `reason` that says what comes too late."""
        if self.start_at is None:
            return self.replayed()
        before = sql.SQL("event.event_at < {}").format(sql.Literal(self.start_at))
        return sql.SQL("coalesce({}, {})").format(_case([(before, "before the start")]), self.replayed())

    def replayed(self) -> sql.Composed:
        """SQL that says so if an event came with a replay, long after it was received."""
        late = sql.SQL("load.kind = 'replay' and event.received_at < load.committed_at - {}::interval")
        return _case([(late.format(sql.Literal(self.resend_window)), "replayed")])


class Reader:
    """Reads the events of one source for one destination.

    Args:
        conn: a connection of the reader's own: it holds a cursor open while others commit.
        raw_schema: where the events are.
        destination: whose columns are read.
        selection: which events it gets.
    """

    def __init__(
        self, conn: psycopg.Connection, raw_schema: str, destination: Destination, selection: Selection
    ) -> None:
        self._conn = conn
        self._raw = raw_schema
        self._columns = destination.columns
        self._selection = selection

    def stream(self, after: Mark) -> Iterator[Event | Mark]:
        """Every event behind a mark, load by load, up to the last load that is there when this begins.

        Yields:
            Events, and a mark where all events before it were yielded.
        """
        for last, days in self._groups(after):
            yield from self._events(Range(after, Mark(last)), days)
            after = Mark(last)
            yield after

    def again(self, events: Range) -> Iterator[Event]:
        """The events of a range of the stream."""
        yield from self._events(events, self._days(events))

    def of_days(
        self,
        first: date,
        last: date,
        up_to: int,
        name: str,
        *,
        between: Range | None = None,
        but_for: int | None = None,
    ) -> Iterator[Found]:
        """The events that happened on some UTC days, in the order of their time and key.

        Args:
            first: the first day.
            last: the last day.
            up_to: the last load to read.
            name: the destination, whose batches are asked whether they hold the event.
            between: only those behind one place of this order and up to another.
            but_for: a batch that is not asked.
        """
        conditions = [
            sql.SQL("event.load_id <= {}").format(sql.Literal(up_to)),
            _between_days((first, last)),
        ]
        if between is not None:
            conditions += [
                sql.SQL("(event.event_at, event.event_key) > ({}, {})").format(*_place(between.after)),
                sql.SQL("(event.event_at, event.event_key) <= ({}, {})").format(*_place(between.last)),
            ]
        rows = self._query(
            conditions,
            sql.SQL("event.event_at, event.event_key"),
            # What the stream left out for its time is asked for now.
            reason=self._selection.reason_by_choice(),
            more=(self._streamed_at(name), sql.SQL("{} is not null").format(self._selection.replayed())),
        )
        ranges = _Backfilled(self._backfills(name, first, last, but_for))
        for event, (streamed_at, is_replayed) in rows:
            sent_at = [at for at in (streamed_at, ranges.sent_at(event)) if at is not None]
            yield Found(event, max(sent_at, default=None), is_replayed)

    def by_key(self, positions: Sequence[Position]) -> list[Event]:
        """These events, as far as they are still there."""
        wanted = sql.SQL(
            "(event.event_at, event.event_key) in (select * from unnest({}::timestamptz[], {}::uuid[]))"
        ).format(
            sql.Literal([position.event_at for position in positions]),
            sql.Literal([position.event_key for position in positions]),
        )
        return [
            event for event, _ in self._query([wanted], _ORDER, reason=self._selection.reason_by_choice())
        ]

    def _streamed_at(self, name: str) -> sql.Composed:
        """SQL for when the batch of the stream that holds an event was first sent; null if none does.

        Batches of the stream do not overlap: only the one that ends next behind the event can hold it.
        """
        return sql.SQL("""(
            select batch.first_sent_at
            from (
                select *
                from {batches} as candidate
                where
                    candidate.destination = {name}
                    and candidate.kind = 'stream'
                    and (candidate.last_load_id, {last_event_at}, {last_event_key}) >= ({order})
                order by candidate.last_load_id, {last_event_at}, {last_event_key}
                limit 1
            ) as batch
            where
                batch.state <> 'unsent'
                and batch.events_by_name ? {choice}
                and {by_time} is null
                and ({order}) > (
                    batch.after_load_id,
                    coalesce(batch.after_event_at, 'infinity'),
                    coalesce(batch.after_event_key, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                )
        )""").format(
            batches=sql.Identifier(self._raw, "delivery_batches"),
            name=sql.Literal(name),
            last_event_at=sql.SQL("coalesce(candidate.last_event_at, 'infinity')"),
            last_event_key=sql.SQL(
                "coalesce(candidate.last_event_key, 'ffffffff-ffff-ffff-ffff-ffffffffffff')"
            ),
            choice=_CHOICE,
            by_time=self._selection.reason_by_time(),
            order=_ORDER,
        )

    def _backfills(self, name: str, first: date, last: date, but_for: int | None) -> list[tuple[Any, ...]]:
        """The batches of backfills that hold events of these days, in the order in which their ranges begin."""
        query = sql.SQL("""
            select
                after_event_at, after_event_key::text, last_event_at, last_event_key::text, last_load_id,
                events_by_name, first_sent_at
            from {}
            where
                destination = %s and kind = 'backfill' and state <> 'unsent'
                and last_event_at >= %s and after_event_at < %s and batch_id is distinct from %s
            order by after_event_at, after_event_key
        """).format(sql.Identifier(self._raw, "delivery_batches"))
        rows = self._conn.execute(query, [name, first, last + timedelta(days=1), but_for]).fetchall()
        self._conn.commit()
        return rows

    def _groups(self, after: Mark) -> Iterator[tuple[int, tuple[date, date] | None]]:
        """Loads one behind the other that hold about `GROUP_EVENTS` together: the last of them, and the days of their events."""
        query = sql.SQL("""
            select load_id, inserted, first_event_date, last_event_date
            from {}
            where load_id >= %s and committed_at is not null
            order by load_id
        """).format(sql.Identifier(self._raw, "loads"))
        loads = self._conn.execute(query, [after.load_id + (after.event_at is None)]).fetchall()
        self._conn.commit()
        while loads:
            count = end = 0
            while end < len(loads) and (end == 0 or count + loads[end][1] <= GROUP_EVENTS):
                count += loads[end][1]
                end += 1
            group, loads = loads[:end], loads[end:]
            days = [(first, last) for _, _, first, last in group if first is not None]
            yield (
                group[-1][0],
                (min(first for first, _ in days), max(last for _, last in days)) if days else None,
            )

    def _days(self, events: Range) -> tuple[date, date] | None:
        query = sql.SQL(
            "select min(first_event_date), max(last_event_date) from {} where load_id between %s and %s"
        ).format(sql.Identifier(self._raw, "loads"))
        row = self._conn.execute(query, [events.after.load_id, events.last.load_id]).fetchone()
        assert row is not None
        return (row[0], row[1]) if row[0] is not None else None

    def _events(self, events: Range, days: tuple[date, date] | None) -> Iterator[Event]:
        if days is None:
            return
        conditions = [
            sql.SQL("event.load_id between {} and {}").format(
                sql.Literal(events.after.load_id), sql.Literal(events.last.load_id)
            ),
            # Leaves out whole partitions, which the number of the load alone does not.
            _between_days(days),
        ]
        if events.after.event_at is None:
            conditions.append(sql.SQL("event.load_id > {}").format(sql.Literal(events.after.load_id)))
        else:
            conditions.append(
                sql.SQL("({}) > ({}, {}, {})").format(
                    _ORDER, sql.Literal(events.after.load_id), *_place(events.after)
                )
            )
        if events.last.event_at is not None:
            conditions.append(
                sql.SQL("({}) <= ({}, {}, {})").format(
                    _ORDER, sql.Literal(events.last.load_id), *_place(events.last)
                )
            )
        for event, _ in self._query(conditions, _ORDER):
            yield event

    def _query(
        self,
        conditions: Sequence[sql.Composable],
        order: sql.Composable,
        reason: sql.Composable | None = None,
        more: Sequence[sql.Composable] = (),
    ) -> Iterator[tuple[Event, tuple[Any, ...]]]:
        query = sql.SQL("""
            select {columns}
            from {relations}
            left join {loads} as load on load.load_id = event.load_id
            where {conditions}
            order by {order}
        """).format(
            columns=sql.SQL(", ").join(
                [
                    sql.SQL("event.load_id, event.event_at, event.event_key::text"),
                    _CHOICE,
                    reason or self._selection.reason(),
                    *map(sql.SQL, self._columns),
                    *more,
                ]
            ),
            relations=sql.SQL(mapping.RELATIONS).format(raw=sql.Identifier(self._raw)),
            loads=sql.Identifier(self._raw, "loads"),
            conditions=sql.SQL(" and ").join(conditions),
            order=order,
        )
        with self._conn.transaction(), self._conn.cursor(name="events", binary=True) as cursor:
            self._conn.execute("set local work_mem = '64MB'")
            cursor.execute(query)
            end = 5 + len(self._columns)
            # By hand: the cursor's own iterator takes a third of the time of reading.
            while rows := cursor.fetchmany(FETCH):
                for row in rows:
                    yield Event(Position(*row[:3]), row[3], row[4], row[5:end]), row[end:]


class _Backfilled:
    """Tells when an event was sent by a backfill, for events in the order of time and key.

    Ranges of backfills may overlap; those that the events have passed are dropped.
    """

    def __init__(self, batches: list[tuple[Any, ...]]) -> None:
        self._coming = deque(batches)
        self._current: list[tuple[Any, ...]] = []

    def sent_at(self, event: Event) -> datetime | None:
        """When the event was first sent; None if no backfill did. Never called for an earlier event than before."""
        place = event.position[1:]
        while self._coming and self._coming[0][:2] < place:
            self._current.append(self._coming.popleft())
        self._current = [batch for batch in self._current if batch[2:4] >= place]
        return max(
            (
                first_sent_at
                for *_, last_load_id, names, first_sent_at in self._current
                if event.choice in names and event.position.load_id <= last_load_id
            ),
            default=None,
        )


_CHOICE = sql.SQL(mapping.CHOICE)
_ORDER = sql.SQL("event.load_id, event.event_at, event.event_key")


def _case(cases: list[tuple[sql.Composed, str]]) -> sql.Composed:
    """A case expression of conditions and texts."""
    whens = [sql.SQL("when {} then {}").format(condition, sql.Literal(text)) for condition, text in cases]
    return sql.SQL("case {} end").format(sql.SQL(" ").join(whens))


def _between_days(days: tuple[date, date]) -> sql.Composed:
    first, last = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days)
    return sql.SQL("event.event_at >= {} and event.event_at < {}").format(
        sql.Literal(first), sql.Literal(last + timedelta(days=1))
    )


def _place(mark: Mark) -> tuple[sql.Composable, sql.Composable]:
    return sql.Literal(mark.event_at), sql.SQL("{}::uuid").format(sql.Literal(mark.event_key))
