"""Whatever happens to a delivery: no good event is missing, every repetition carries its first id, every bad one is named.

CI sends some thousand events through a few kills; `SOAK=1` sends a million through ten.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sendgrid_orchestration.destinations.deliverer import deliver
from sendgrid_orchestration.destinations.errors import DeliveryStoppedError
from sendgrid_orchestration.simulator.amplitude import AmplitudeApi
from sendgrid_orchestration.simulator.collector import Collector, RandomTrouble
from sendgrid_orchestration.simulator.segment import SegmentApi
from tests.support.deliveries import (
    API_KEY,
    IMPATIENT,
    WRITE_KEY,
    Events,
    amplitude,
    segment,
    set_keys,
    source_with,
)
from tests.support.landed import event

pytestmark = pytest.mark.fault

SOAK = bool(os.environ.get("SOAK"))
EVENTS = 1_000_000 if SOAK else 4_000
KILLS = 10 if SOAK else 4
POISON_EVERY = 1000 if SOAK else 500

SENDER = """
import sys, orjson
from sendgrid_orchestration.destinations import sender
from sendgrid_orchestration.destinations.deliverer import deliver
from sendgrid_orchestration.settings import Source
from tests.support.deliveries import IMPATIENT
print("ready", flush=True)
deliver(sys.argv[1], Source.model_validate(orjson.loads(sys.argv[2])), sys.argv[3], policy=IMPATIENT)
"""


def poisoned(number: int) -> bool:
    return number % POISON_EVERY == 7


def load(events: Events) -> set[str]:
    """Load events, each with its number as its only category; returns the numbers of the good ones."""
    for begin in range(0, EVENTS, 20_000):
        numbers = range(begin, min(begin + 20_000, EVENTS))
        events.load(event(n, email=f"user{n}@example.com", category=[str(n)]) for n in numbers)
    return {str(n) for n in range(EVENTS) if not poisoned(n)}


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", ["segment", "amplitude"])
def test_nothing_good_is_lost_through_trouble_and_kills(
    kind: str, warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_keys(monkeypatch)
    events = Events(warehouse_url, tmp_path)
    good = load(events)
    dice = random.Random(5)
    api: Collector
    if kind == "segment":
        api = judge = SegmentApi(WRITE_KEY)
        judge.is_malformed = lambda message: poisoned(int(message["properties"]["categories"][0]))
        key, made = "messageId", lambda: [m["properties"]["categories"][0] for m in judge.messages]
        destination = segment(api.url)
    else:
        api = other = AmplitudeApi(API_KEY)
        other.is_invalid = lambda e: "time" if poisoned(int(e["event_properties"]["category"][0])) else None
        key, made = "insert_id", lambda: [e["event_properties"]["category"][0] for e in other.events]
        destination = amplitude(api.url)
    api.trouble = RandomTrouble(limited=0.05, failing=0.01, unanswered=0.05, retry_after=0.05)
    source = source_with(destination)
    with api:
        for _ in range(KILLS):
            child = subprocess.Popen(
                [sys.executable, "-c", SENDER, events.url, source.model_dump_json(by_alias=True), kind],
                stdout=subprocess.PIPE,
                text=True,
            )
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            time.sleep(dice.uniform(0.2, 60.0 if SOAK else 1.2))
            child.send_signal(signal.SIGKILL)
            child.wait()
            child.stdout.close()
        deadline = time.monotonic() + (3600 if SOAK else 120)
        while time.monotonic() < deadline:
            try:
                if deliver(events.url, source, kind, policy=IMPATIENT).is_complete:
                    break
            except DeliveryStoppedError:
                continue
    memory = (judge if kind == "segment" else other).memory
    taken = made()
    assert len(taken) == len(set(taken)), "taken twice"
    assert set(taken) == good, "a good event is missing, or a bad one was taken"
    assert len({thing[key] for thing in memory.taken}) == len(good), "a repetition carries its first id"
    named = events.rows(
        "select (e.categories)[1], x.state from sendgrid_raw.delivery_exceptions as x "
        "inner join sendgrid_raw.events as e using (event_at, event_key)"
    )
    assert sorted(named) == sorted((str(n), "rejected") for n in range(EVENTS) if poisoned(n))
    (counts,) = events.rows(
        "select sum(accepted)::int, sum(rejected)::int, sum(unknown)::int, sum(unsent)::int, "
        "count(*) filter (where state <> 'settled')::int from sendgrid_raw.delivery_batches"
    )
    assert counts == (len(good), EVENTS - len(good), 0, 0, 0)
    assert events.adds_up()
