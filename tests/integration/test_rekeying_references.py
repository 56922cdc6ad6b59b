"""What refers to events by their keys comes along when the keys change: variants, the ledger's counts, deliveries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sendgrid_orchestration.destinations.catalog import open_destination
from sendgrid_orchestration.destinations.deliverer import Delivery, backfill, deliver, resend_unknown
from sendgrid_orchestration.destinations.errors import DeliveryStoppedError
from sendgrid_orchestration.destinations.interface import message_id
from sendgrid_orchestration.destinations.segment import LIMITS
from sendgrid_orchestration.load.loader import load_waiting
from sendgrid_orchestration.load.replay import replay_source
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.simulator.segment import SegmentApi
from sendgrid_orchestration.warehouse.engine import connect
from tests.support.databases import database
from tests.support.deliveries import IMPATIENT, WRITE_KEY, Events, segment, set_keys, source_with
from tests.support.event_keys import forget_version, keys_of_version
from tests.support.landed import RECEIVED, Landing, body, event

SOURCE = Source.model_validate({"name": "sendgrid"})
RAW = "sendgrid_raw"
IN_A_SECOND = 21
"""Events that share a second: batches of a hundred end among them, so that new keys change which are behind the end."""
COUNTS = ("events_read", "inserted", "duplicate", "quarantined", "copies", "variants")


def ledger(url: str) -> dict[str, list[Any]]:
    """What the tables say, without numbers of loads: variants, counts of each file, counts of all loads."""
    queries = {
        "variants": f"select to_jsonb(v) - 'load_id' from {RAW}.event_variants as v order by variant_key",
        "files": f"select {', '.join(COUNTS)} from {RAW}.landed_files order by file_name",
        "loads": f"select {', '.join(f'sum({name})::int' for name in COUNTS)} from {RAW}.loads where kind = 'load'",
    }
    with connect(url) as conn:
        return {name: conn.execute(query.encode()).fetchall() for name, query in queries.items()}


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


def land(landing: Landing, *bodies: bytes, after: timedelta) -> None:
    """Seal a file, for the loads of this test and for a new installation."""
    file = landing.land(*bodies, received_at=RECEIVED + after)
    copy = of_a_new_installation(landing).root / file.relative_to(landing.root)
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(file.read_bytes())


def load(url: str, landing: Landing, *items: dict[str, Any], after: int) -> None:
    """Load a post that was received so many hours later."""
    land(landing, body(items), after=timedelta(hours=after))
    load_waiting(url, landing.store, SOURCE)


def of_a_new_installation(landing: Landing) -> Landing:
    return Landing(landing.root.with_name("new"))


def ledger_of_a_new_installation(postgres_url: str, landing: Landing) -> dict[str, list[Any]]:
    """After it has loaded the same files, one after the other."""
    with database(postgres_url, "new_installation") as url:
        load_waiting(url, of_a_new_installation(landing).store, SOURCE)
        return ledger(url)


def test_variants_follow_their_events(warehouse_url: str, postgres_url: str, landing: Landing) -> None:
    with keys_of_version(1):
        load(warehouse_url, landing, *(event(number) for number in range(5)), after=0)
        load(warehouse_url, landing, event(1, category=["other"]), event(2, tls=1), after=1)
        load(warehouse_url, landing, event(1, category=["third"]), event(1, category=["other"]), after=2)
    forget_version(warehouse_url)
    load(warehouse_url, landing, event(900), event(2, tls=1), after=3)
    now = ledger(warehouse_url)
    assert now == ledger_of_a_new_installation(postgres_url, landing)
    assert len(now["variants"]) == 3
    assert replay_source(warehouse_url, landing.store, SOURCE).inserted == 0
    assert ledger(warehouse_url)["variants"] == now["variants"]


def test_variants_of_events_that_were_there_twice_are_compared_with_the_one_that_stays(
    warehouse_url: str, postgres_url: str, landing: Landing
) -> None:
    """The later one becomes a variant if it says something else; what was no variant of the first is none any more."""
    with keys_of_version(1):
        load(warehouse_url, landing, *(event(number) for number in range(5)), after=0)
        load(warehouse_url, landing, event(1, category=["other"]), after=1)
    # A version that makes other keys and does not know it: both events are new to it.
    load(warehouse_url, landing, event(1, category=["third"]), event(2), event(3, tls=1), after=2)
    load(
        warehouse_url,
        landing,
        event(1),
        event(1, category=["other"]),
        event(3, tls=2),
        event(2, tls=3),
        after=3,
    )
    assert len(ledger(warehouse_url)["variants"]) == 5
    forget_version(warehouse_url)
    load(warehouse_url, landing, event(900), after=4)
    now = ledger(warehouse_url)
    assert now == ledger_of_a_new_installation(postgres_url, landing)
    assert len(now["variants"]) == 5
    replay_source(warehouse_url, landing.store, SOURCE)
    assert ledger(warehouse_url)["variants"] == now["variants"]


def test_files_say_what_they_have_brought(warehouse_url: str, postgres_url: str, landing: Landing) -> None:
    """When events that were there twice are merged, and copies that were none become some; several files in a load."""
    with keys_of_version(1):
        load(warehouse_url, landing, *(event(number) for number in range(20)), after=0)
    for file in range(3):
        again = [event(5 * file + number) for number in range(4)]
        copies = [event(file, sg_event_id=f"copy-{file}-{number}") for number in range(file + 1)]
        land(
            landing,
            body([*again, *copies, event(100 + file)]),
            body([event(15 + file)]),
            after=timedelta(hours=1, minutes=file),
        )
    load_waiting(warehouse_url, landing.store, SOURCE)
    forget_version(warehouse_url)
    load(warehouse_url, landing, event(900), after=2)
    assert ledger(warehouse_url) == ledger_of_a_new_installation(postgres_url, landing)


@pytest.fixture
def api() -> Iterator[SegmentApi]:
    with SegmentApi(WRITE_KEY) as api:
        yield api


class Deliveries:
    """Events with keys of the version before, many of them in each second, sent to Segment in batches of a hundred."""

    def __init__(self, url: str, folder: Path, api: SegmentApi) -> None:
        self.events = Events(url, folder)
        self.source = source_with(segment(api.url))
        self.api = api
        self._event_of_message: dict[str, str] = {}
        self._seen = 0
        with keys_of_version(1):
            self.events.load(
                event(number, timestamp=int(RECEIVED.timestamp()) + number // IN_A_SECOND)
                for number in range(450)
            )
        self._learn_ids()

    def send(self) -> Delivery:
        """Deliver what waits."""
        return deliver(self.events.url, self.source, "segment", policy=IMPATIENT)

    def rekey(self) -> None:
        """Let this version load something."""
        forget_version(self.events.url)
        self.events.load([event(900)])
        assert self.events.rows(f"select rekeyed, unverified from {RAW}.event_key_versions") == [(450, 0)]
        self._learn_ids()

    def set_state(self, batch: int, state: str) -> set[str]:
        """Say of a batch that was sent that it was not, or that nobody knows; returns SendGrid's ids of its events."""
        is_unsent = "eligible" if state == "unsent" else "0"
        self.events.run(f"""
            update {RAW}.delivery_batches
            set state = '{state}', accepted = 0, unsent = {is_unsent}, unknown = eligible - {is_unsent}
            where batch_id = {batch}
        """)
        rows = self.events.rows(f"""
            select event.sg_event_id
            from {RAW}.delivery_batches as batch
            inner join {RAW}.events as event
                on
                    (event.event_at, event.event_key)
                    > (coalesce(batch.after_event_at, '-infinity'), coalesce(batch.after_event_key, gen_random_uuid()))
                    and (event.event_at, event.event_key) <= (
                        coalesce(batch.last_event_at, 'infinity'), coalesce(batch.last_event_key, gen_random_uuid())
                    )
            where batch.batch_id = {batch}
        """)
        return {number for (number,) in rows}

    def arrived(self) -> Counter[str]:
        """SendGrid's ids of what has arrived since the last call, under whatever id."""
        new = self.api.messages[self._seen :]
        self._seen += len(new)
        return Counter(self._event_of_message[message["messageId"]] for message in new)

    def _learn_ids(self) -> None:
        target = open_destination(self.source, self.source.destinations[0]).target
        for key, number in self.events.rows(f"select event_key::text, sg_event_id from {RAW}.events"):
            self._event_of_message[message_id(target, key)] = number


@pytest.fixture
def deliveries(
    warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: SegmentApi
) -> Deliveries:
    set_keys(monkeypatch)
    monkeypatch.setattr("sendgrid_orchestration.destinations.segment.LIMITS", replace(LIMITS, messages=100))
    return Deliveries(warehouse_url, tmp_path, api)


ALL = {f"event-{number}" for number in range(450)}


def test_delivery_that_stopped_within_a_load_goes_on(deliveries: Deliveries) -> None:
    """Everything arrives; of the second where a batch begins or ends, some events may arrive twice."""
    deliveries.api.faults.add("/v1/batch", skip=2, times=None, status=503)
    with pytest.raises(DeliveryStoppedError):
        deliveries.send()
    before = deliveries.arrived()
    assert 0 < len(before) < 450
    deliveries.api.faults.clear()
    deliveries.rekey()
    assert deliveries.send().is_complete
    after = deliveries.arrived()
    assert set(before | after) == ALL | {"event-900"}
    assert sum((before + after).values()) <= 451 + 2 * IN_A_SECOND


def test_killed_delivery_goes_on_within_the_load(
    deliveries: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sendgrid_orchestration.destinations.ledger.Ledger.finish", die)
        with pytest.raises(KeyboardInterrupt):
            deliveries.send()
    place = f"select event_at is not null from {RAW}.delivery_destinations"
    assert deliveries.events.value(place), "the place is within the load"
    before = deliveries.arrived()
    deliveries.rekey()
    deliveries.send()
    # Batches that were under way in threads when it died may have arrived or not: a person decides.
    resend_unknown(deliveries.events.url, deliveries.source, "segment", confirmed=True, policy=IMPATIENT)
    assert set(before | deliveries.arrived()) == ALL | {"event-900"}


def test_batches_that_were_not_sent_are_sent(deliveries: Deliveries) -> None:
    """With all of their events, whatever the order among those of one second is now."""
    deliveries.send()
    assert set(deliveries.arrived()) == ALL
    unsent = deliveries.set_state(2, "unsent")
    deliveries.rekey()
    assert deliveries.send().is_complete
    arrived = set(deliveries.arrived())
    assert len(unsent) == 100
    assert arrived >= unsent
    assert len(arrived - unsent - {"event-900"}) <= 2 * IN_A_SECOND


def test_batches_that_may_have_arrived_wait_for_a_person(deliveries: Deliveries) -> None:
    """The receiver knows their events under other ids, and would take them twice."""
    deliveries.send()
    deliveries.arrived()
    unclear = deliveries.set_state(3, "unknown")
    deliveries.rekey()
    done = deliveries.send()
    assert set(deliveries.arrived()) == {"event-900"}
    assert done.waits_for_a_person == len(unclear) == 100
    resend_unknown(deliveries.events.url, deliveries.source, "segment", confirmed=True, policy=IMPATIENT)
    arrived = set(deliveries.arrived())
    assert arrived >= unclear
    assert len(arrived - unclear) <= 2 * IN_A_SECOND


def test_batches_of_a_backfill_are_sent(deliveries: Deliveries) -> None:
    deliveries.send()
    day = RECEIVED.date()
    backfill(deliveries.events.url, deliveries.source, "segment", day, day, again=True, policy=IMPATIENT)
    deliveries.arrived()
    batch = deliveries.events.value(
        f"select min(batch_id) + 1 from {RAW}.delivery_batches where kind = 'backfill'"
    )
    unsent = deliveries.set_state(batch, "unsent")
    deliveries.rekey()
    deliveries.send()
    arrived = set(deliveries.arrived())
    assert len(unsent) == 100
    assert arrived >= unsent
    assert len(arrived - unsent - {"event-900"}) <= 2 * IN_A_SECOND


def test_single_events_that_wait_are_found(deliveries: Deliveries) -> None:
    """One that was delayed is sent; one that may have arrived is not, as its id is another one now."""
    deliveries.send()
    deliveries.arrived()
    for number, state in ((10, "delayed"), (20, "unknown")):
        deliveries.events.run(f"""
            insert into {RAW}.delivery_exceptions (
                destination, event_at, event_key, load_id, batch_id, event, state, reason, retry_at
            )
            select 'segment', event_at, event_key, load_id, 1, 'open', '{state}', 'a limit', now()
            from {RAW}.events
            where sg_event_id = 'event-{number}'
        """)
    deliveries.rekey()
    deliveries.send()
    assert deliveries.arrived() == {"event-10": 1, "event-900": 1}
    query = f"""
        select exception.state, event.sg_event_id
        from {RAW}.delivery_exceptions as exception
        inner join {RAW}.events as event using (event_at, event_key)
    """
    assert deliveries.events.rows(query) == [("unknown", "event-20")]
