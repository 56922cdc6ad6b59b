"""Events onward: from loads to a vendor that judges them as the real one does, through everything that can go wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sendgrid_orchestration.destinations import ledger
from sendgrid_orchestration.destinations.deliverer import (
    Delivery,
    backfill,
    deliver,
    resend_rejected,
    resend_unknown,
)
from sendgrid_orchestration.destinations.errors import (
    ConfirmationNeededError,
    DeliveryInterruptedError,
    DeliveryStoppedError,
    DestinationError,
)
from sendgrid_orchestration.destinations.segment import LIMITS
from sendgrid_orchestration.load.replay import replay_source
from sendgrid_orchestration.settings import SettingsError, Source
from sendgrid_orchestration.simulator.amplitude import AmplitudeApi
from sendgrid_orchestration.simulator.segment import SegmentApi
from sendgrid_orchestration.warehouse.engine import connect
from tests.support.deliveries import (
    API_KEY,
    IMPATIENT,
    WRITE_KEY,
    Events,
    amplitude,
    segment,
    set_keys,
    source_with,
    webhook,
)
from tests.support.landed import RECEIVED, event

DAY = date(2024, 6, 1)
"""The day of `tests.support.landed.event`."""


@pytest.fixture
def events(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Events:
    set_keys(monkeypatch)
    return Events(warehouse_url, tmp_path)


@pytest.fixture
def api() -> Iterator[SegmentApi]:
    with SegmentApi(WRITE_KEY) as api:
        yield api


def send(events: Events, source: Source, name: str = "segment") -> Delivery:
    return deliver(events.url, source, name, policy=IMPATIENT)


def states(events: Events) -> dict[str, int]:
    """How many events stand in each count, over all batches."""
    names = ("accepted", "rejected", "invalid", "delayed", "unknown", "unsent")
    sums = ", ".join(f"sum({name})::int" for name in names)
    (row,) = events.rows(f"select {sums} from sendgrid_raw.delivery_batches")
    counted = events.rows(
        f"select {', '.join(f'sum({name})::int' for name in names)} from sendgrid_raw.delivery_counts"
    )
    assert counted == [row], "the counts by name are the counts of the batches"
    return {name: count for name, count in zip(names, row, strict=True) if count}


def test_every_chosen_event_arrives_once(events: Events, api: SegmentApi) -> None:
    source = source_with(segment(api.url))
    events.load_ordinary(3000)
    done = send(events, source)
    assert done.accepted == done.sent == 3000
    assert len(api.messages) == 3000
    assert set(api.memory.arrivals.values()) == {1}
    assert not api.discarded
    assert events.adds_up()
    assert send(events, source).calls == 0, "an idle destination makes no call"
    events.load_ordinary(10)
    assert send(events, source).accepted == 10
    assert states(events) == {"accepted": 3010}


def test_several_loads_share_a_batch_and_a_large_backlog_is_read_in_groups(
    events: Events, api: SegmentApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendgrid_orchestration.destinations.reader.GROUP_EVENTS", 25)
    for _ in range(10):
        events.load_ordinary(10)
    done = send(events, source_with(segment(api.url)))
    assert (done.batches, done.accepted) == (1, 100)
    assert events.adds_up()


def test_nothing_is_sent_before_it_is_enabled_and_paused_events_wait(events: Events, api: SegmentApi) -> None:
    """S94: enabling starts from now; a pause loses nothing; what came while it was disabled is not sent."""
    events.load_ordinary(5)
    for setting, sentence in (({"enabled": False}, "is disabled"), ({"paused": True}, "is paused")):
        with pytest.raises(DestinationError, match=sentence):
            send(events, source_with(segment(api.url, **setting)))
    now = source_with(segment(api.url, start="now"))
    assert send(events, now).events == 0
    events.load_ordinary(7)
    with pytest.raises(DestinationError, match="is paused"):
        send(events, source_with(segment(api.url, start="now", paused=True)))
    assert send(events, now).accepted == 7
    with connect(events.url) as conn:
        ledger.disable_others(conn, "sendgrid_raw", [])
    events.load_ordinary(9)
    assert send(events, now).events == 0, "enabled again it starts from now again"
    events.load_ordinary(3)
    assert send(events, now).accepted == 3
    assert len(api.messages) == 10


def test_sending_may_start_with_a_day(events: Events, api: SegmentApi) -> None:
    noon = int(RECEIVED.timestamp())
    for days in (-3, -1, 0):
        events.load(event(n, timestamp=noon + days * 86400 + n, sg_event_id=f"{days}-{n}") for n in range(4))
    events.load([event(1, timestamp=noon - 3 * 86400), event(2, timestamp=noon)])
    done = send(events, source_with(segment(api.url, start="2024-05-31")))
    assert done.accepted == 9
    assert done.skipped == 1, "an older event in a later load"
    assert min(message["timestamp"] for message in api.messages) >= "2024-05-31"


def test_a_poisoned_event_is_listed_and_blocks_nobody(events: Events, api: SegmentApi) -> None:
    events.load_ordinary(600)
    api.is_malformed = lambda message: message["context"]["traits"]["email"] == "user5@example.com"
    done = send(events, source_with(segment(api.url)))
    poisoned = events.value("select count(*) from sendgrid_raw.events where email = 'user5@example.com'")
    assert (done.rejected, done.accepted) == (poisoned, 600 - poisoned)
    assert len(api.messages) == done.accepted
    listed = events.rows(
        "select e.email, x.event, x.state, x.reason from sendgrid_raw.delivery_exceptions as x "
        "inner join sendgrid_raw.events as e using (event_at, event_key)"
    )
    assert len(listed) == poisoned
    assert {(row[0], row[2]) for row in listed} == {("user5@example.com", "rejected")}
    assert all("malformed JSON" in row[3] for row in listed)
    assert states(events) == {"accepted": 600 - poisoned, "rejected": poisoned}

    api.is_malformed = lambda message: False
    repaired = resend_rejected(events.url, source_with(segment(api.url)), "segment", policy=IMPATIENT)
    assert repaired.accepted == poisoned
    assert states(events) == {"accepted": 600}
    assert set(api.memory.arrivals.values()) == {1}


def test_what_a_vendor_would_drop_is_found_before_it_is_sent(events: Events, api: SegmentApi) -> None:
    """Segment answers 200 to it: only we can know."""
    events.load(
        [
            event(1, email=""),
            event(2),
            event(3, category=["x" * 40_000]),
            {key: value for key, value in event(4).items() if key != "email"},
        ]
    )
    done = send(events, source_with(segment(api.url)))
    assert (done.invalid, done.accepted) == (3, 1)
    assert not api.discarded
    reasons = events.rows("select reason, count(*)::int from sendgrid_raw.delivery_exceptions group by 1")
    assert dict(reasons) == {"no_user_anon_id": 2, "message too large": 1}
    assert states(events) == {"accepted": 1, "invalid": 3}
    assert {one.status for one in api.log.all()} == {200}


def test_a_destination_that_is_down_keeps_its_place_and_delays_nobody_else(
    events: Events, api: SegmentApi
) -> None:
    events.load_ordinary(50)
    down = segment("http://127.0.0.1:9", name="down")
    source = source_with(down, segment(api.url))
    for _ in range(2):
        with pytest.raises(DeliveryStoppedError, match="no connection") as raised:
            send(events, source, "down")
        assert raised.value.delivery.unsent == 50
    assert states(events) == {"unsent": 50}
    assert send(events, source).accepted == 50
    up = source_with(segment(api.url, name="down"))
    assert send(events, up, "down").accepted == 50
    assert states(events) == {"accepted": 100}


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"reset": "after"}, {"reset": "before"}])
def test_a_request_is_repeated_with_the_same_ids(
    events: Events, api: SegmentApi, fault: dict[str, object]
) -> None:
    events.load_ordinary(20)
    api.faults.add("/v1/batch", times=2, **fault)
    assert send(events, source_with(segment(api.url))).accepted == 20
    assert len(api.messages) == 20
    assert not api.memory.doubled


def test_a_limit_is_waited_for(events: Events, api: SegmentApi) -> None:
    events.load_ordinary(20)
    api.faults.add("/v1/batch", times=2, status=429, headers={"Retry-After": "0.3"})
    began = time.monotonic()
    assert send(events, source_with(segment(api.url))).accepted == 20
    assert time.monotonic() - began >= 0.6
    assert [one.status for one in api.log.all()] == [429, 429, 200]


def test_an_unclear_delivery_is_repeated_while_ids_are_known(events: Events, api: SegmentApi) -> None:
    events.load_ordinary(20)
    source = source_with(segment(api.url))
    api.faults.add("/v1/batch", times=None, reset="after")
    with pytest.raises(DeliveryStoppedError):
        send(events, source)
    assert states(events) == {"unknown": 20}
    api.faults.clear()
    assert send(events, source).accepted == 20
    assert len(api.messages) == 20
    assert not api.memory.doubled
    assert states(events) == {"accepted": 20}


def test_beyond_that_a_person_is_asked_and_told_how_many_may_double(events: Events, api: SegmentApi) -> None:
    events.load_ordinary(20)
    source = source_with(segment(api.url))
    api.faults.add("/v1/batch", times=None, reset="after")
    with pytest.raises(DeliveryStoppedError):
        send(events, source)
    api.faults.clear()
    old = "update sendgrid_raw.delivery_batches set first_sent_at = now() - interval '25 hours'"
    events.run(old)
    events.load_ordinary(5)
    done = send(events, source)
    assert (done.accepted, done.waits_for_a_person) == (5, 20)
    with pytest.raises(ConfirmationNeededError, match="20 events"):
        resend_unknown(events.url, source, "segment", confirmed=False, policy=IMPATIENT)
    assert states(events) == {"accepted": 5, "unknown": 20}
    # A connection that is refused now does not make known what became of the first attempt.
    api.faults.add("/v1/batch", times=None, status=503)
    with pytest.raises(DeliveryStoppedError):
        resend_unknown(events.url, source, "segment", confirmed=True, policy=IMPATIENT)
    assert states(events) == {"accepted": 5, "unknown": 20}
    api.faults.clear()
    assert resend_unknown(events.url, source, "segment", confirmed=True, policy=IMPATIENT).accepted == 20
    assert states(events) == {"accepted": 25}


def test_a_batch_that_was_sent_in_part_goes_on_where_it_stopped(events: Events, api: SegmentApi) -> None:
    """The first half is accepted, then the destination goes down: the rest becomes a batch of its own."""
    events.load([*(event(n) for n in range(40)), event(40, email="")])
    api.is_malformed = lambda message: message["context"]["traits"]["email"] == "user30@example.com"
    # The whole, and then half of it; then nothing any more.
    api.faults.add("/v1/batch", skip=2, times=None, status=503)
    source = source_with(segment(api.url))
    with pytest.raises(DeliveryStoppedError):
        send(events, source)
    assert states(events) == {"accepted": 20, "unsent": 20, "invalid": 1}
    assert events.adds_up()
    api.faults.clear()
    done = send(events, source)
    assert (done.accepted, done.rejected) == (19, 1)
    assert set(api.memory.arrivals.values()) == {1}
    assert states(events) == {"accepted": 39, "rejected": 1, "invalid": 1}
    assert events.adds_up()


def test_a_killed_run_leaves_what_was_under_way_unknown_and_the_next_one_sends_it(
    events: Events, api: SegmentApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.load_ordinary(100)
    source = source_with(segment(api.url))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ledger.Ledger, "finish", die)
        with pytest.raises(KeyboardInterrupt):
            send(events, source)
    assert states(events) == {"unknown": 100}
    assert send(events, source).accepted == 100
    assert len(api.messages) == 100
    assert events.adds_up()


def test_only_one_run_at_a_time_works_for_a_destination(events: Events, api: SegmentApi) -> None:
    events.load_ordinary(5)
    source = source_with(segment(api.url))
    with connect(events.url) as conn:
        assert ledger.Ledger(conn, "sendgrid_raw", "segment").lock()
        assert send(events, source) == Delivery()
    assert send(events, source).accepted == 5


def test_postgres_that_goes_away_is_told_in_a_sentence(
    events: Events, api: SegmentApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.load_ordinary(5)
    source = source_with(segment(api.url))

    def cut(self: ledger.Ledger, *_: object) -> None:
        self._conn.execute("select pg_terminate_backend(pg_backend_pid())")

    with monkeypatch.context() as patch:
        patch.setattr(ledger.Ledger, "finish", cut)
        with pytest.raises(DeliveryInterruptedError, match="The next run goes on"):
            send(events, source)
    assert send(events, source).accepted == 5
    assert len(api.messages) == 5


def test_a_run_ends_in_time_and_the_next_goes_on(
    events: Events, api: SegmentApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendgrid_orchestration.destinations.segment.LIMITS", replace(LIMITS, messages=10))
    events.load_ordinary(50)
    source = source_with(segment(api.url))
    done = deliver(events.url, source, "segment", policy=IMPATIENT, run_seconds=0)
    assert not done.is_complete
    assert done.lag > 0
    rest = send(events, source)
    assert rest.is_complete
    assert rest.lag == 0
    assert done.accepted + rest.accepted == 50


def test_a_day_that_was_never_sent_is_sent_on_demand_and_only_once(events: Events, api: SegmentApi) -> None:
    """A backfill sends what the stream did not: neither what it sent nor what another backfill sent."""
    noon = int(RECEIVED.timestamp())
    events.load_ordinary(30)
    source = source_with(segment(api.url, start="now"))
    send(events, source)
    events.load([event(1000 + n, timestamp=noon + n) for n in range(5)])
    assert send(events, source).accepted == 5
    done = backfill(events.url, source, "segment", DAY, DAY, policy=IMPATIENT)
    assert (done.accepted, done.skipped) == (30, 5)
    again = backfill(events.url, source, "segment", DAY, DAY + timedelta(days=1), policy=IMPATIENT)
    assert (again.accepted, again.skipped, again.calls) == (0, 35, 0)
    assert set(api.memory.arrivals.values()) == {1}
    everything = backfill(events.url, source, "segment", DAY, DAY, again=True, policy=IMPATIENT)
    assert everything.accepted == 35, "within the time for which ids are known nothing has to be confirmed"
    assert not api.memory.doubled

    events.run("update sendgrid_raw.delivery_batches set first_sent_at = now() - interval '25 hours'")
    with pytest.raises(ConfirmationNeededError, match="35 of the events"):
        backfill(events.url, source, "segment", DAY, DAY, again=True, policy=IMPATIENT)
    confirmed = backfill(
        events.url, source, "segment", DAY, DAY, again=True, confirmed=True, policy=IMPATIENT
    )
    assert confirmed.accepted == 35


def test_a_backfill_that_was_interrupted_is_finished_by_the_next_run(events: Events, api: SegmentApi) -> None:
    events.load_ordinary(30)
    source = source_with(segment(api.url, start="now"))
    send(events, source)
    api.faults.add("/v1/batch", times=None, reset="after")
    with pytest.raises(DeliveryStoppedError):
        backfill(events.url, source, "segment", DAY, DAY, policy=IMPATIENT)
    api.faults.clear()
    assert send(events, source).accepted == 30
    assert states(events) == {"accepted": 30}
    assert len(api.messages) == 30
    assert not api.memory.doubled


def test_newly_chosen_events_can_be_sent_for_old_days(events: Events, api: SegmentApi) -> None:
    events.load_ordinary(40)
    send(events, source_with(segment(api.url, events=["open"])))
    assert len(api.messages) == 10
    more = source_with(segment(api.url, events=["open", "click"]))
    assert send(events, more).events == 0
    assert backfill(events.url, more, "segment", DAY, DAY, policy=IMPATIENT).accepted == 10
    assert sorted({message["event"] for message in api.messages}) == ["Email Link Clicked", "Email Opened"]


def test_restored_events_are_not_sent_a_second_time(events: Events, api: SegmentApi) -> None:
    """A replay into an emptied table gives every event another load; the receiver would not recognise old ones."""
    events.load_ordinary(10)
    events.load([event(100 + n) for n in range(10)], received_at=datetime.now(UTC) - timedelta(days=3))
    source = source_with(segment(api.url))
    assert send(events, source).accepted == 20
    events.run("truncate sendgrid_raw.events")
    replay_source(events.url, events.landing.store, source)
    done = send(events, source)
    assert (done.accepted, done.skipped) == (10, 10), "recent ones are recognised by their ids"
    assert not api.memory.doubled
    assert len(api.messages) == 20
    assert events.value(
        "select skipped_by_reason from sendgrid_raw.delivery_batches order by 1 desc limit 1"
    ) == {"replayed": 10}
    with pytest.raises(ConfirmationNeededError, match="10 of the events"):
        backfill(events.url, source, "segment", DAY, DAY, policy=IMPATIENT)


def test_amplitudes_named_events_are_taken_out_and_throttled_ones_come_later(events: Events) -> None:
    events.load([event(n, email=f"user{n}@example.com") for n in range(60)])
    with AmplitudeApi(API_KEY) as api:
        api.is_invalid = lambda made: (
            "time" if made["user_id"] in {"user7@example.com", "user8@example.com"} else None
        )
        api.silenced_users = {"user20@example.com"}
        source = source_with(amplitude(api.url))
        done = send(events, source, "amplitude")
        assert (done.rejected, done.accepted) == (3, 57)
        assert dict(
            events.rows("select reason, count(*)::int from sendgrid_raw.delivery_exceptions group by 1")
        ) == {
            "invalid time": 2,
            "silenced": 1,
        }
        events.load([event(100 + n, email="busy@example.com") for n in range(40)])
        done = send(events, source, "amplitude")
        assert (done.accepted, done.delayed) == (30, 10)
        events.run("update sendgrid_raw.delivery_exceptions set retry_at = now() where state = 'delayed'")
        time.sleep(1.1)
        assert send(events, source, "amplitude").accepted == 10
        assert len(api.events) == 97
        assert states(events) == {"accepted": 97, "rejected": 3}


def test_ids_that_amplitude_refuses_are_not_sent(events: Events) -> None:
    """S109: short ids are taken; words that stand for nobody are not, and would cost the whole request."""
    events.load(event(n, amp_user_id=word) for n, word in enumerate(["42", "null", "0", "Anonymous", "me"]))
    with AmplitudeApi(API_KEY) as api:
        done = send(events, source_with(amplitude(api.url)), "amplitude")
        assert (done.accepted, done.invalid) == (2, 3)
        assert {made["user_id"] for made in api.events} == {"42", "me"}


def test_a_wrong_key_stops_and_loses_nothing(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    events.load_ordinary(5)
    with AmplitudeApi("another") as api:
        source = source_with(amplitude(api.url))
        with pytest.raises(DeliveryStoppedError, match="Invalid API key") as raised:
            send(events, source, "amplitude")
        assert states(events) == {"unsent": 5}
        assert API_KEY not in events.value("select answer from sendgrid_raw.delivery_batches")
        assert API_KEY not in str(raised.value)
        api.api_keys = {API_KEY}
        assert send(events, source, "amplitude").accepted == 5
    monkeypatch.delenv("TEST_API_KEY")
    with pytest.raises(SettingsError, match="API key of destination"):
        send(events, source, "amplitude")


def test_a_secret_that_cannot_sign_is_refused_before_anything_is_sent(events: Events) -> None:
    with pytest.raises(DestinationError, match="whsec_"), pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_WEBHOOK_SECRET", "whsec_?")
        send(events, source_with(webhook("http://127.0.0.1:9")), "webhook")


def test_hostile_values_arrive_as_they_are(events: Events, api: SegmentApi) -> None:
    hostile = ["'; drop table events; --", "%s {0} {raw}", "\u2028\U0001f4a9", '"\\', "<script>"]
    events.load(
        event(n, category=[text], email=f"a{n}@example.com", singlesend_id="s", singlesend_name=text)
        for n, text in enumerate(hostile)
    )
    assert send(events, source_with(segment(api.url))).accepted == len(hostile)
    assert {message["properties"]["campaign_name"] for message in api.messages} == set(hostile)
