"""Events onward: from loads to a vendor that judges them as the real one does, through everything that can go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sendgrid_orchestration.destinations.deliverer import deliver
from sendgrid_orchestration.simulator.segment import SegmentApi
from tests.support.deliveries import IMPATIENT, WRITE_KEY, Events, segment, set_keys, source_with


@pytest.fixture
def events(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Events:
    set_keys(monkeypatch)
    return Events(warehouse_url, tmp_path)


@pytest.fixture
def api() -> Iterator[SegmentApi]:
    with SegmentApi(WRITE_KEY) as api:
        yield api


def test_every_chosen_event_arrives_once(events: Events, api: SegmentApi) -> None:
    source = source_with(segment(api.url))
    events.load_ordinary(3000)
    done = deliver(events.url, source, "segment", policy=IMPATIENT)
    assert done.accepted == done.sent == 3000
    assert len(api.messages) == 3000
    assert set(api.memory.arrivals.values()) == {1}
    assert not api.discarded
    assert events.adds_up()
    again = deliver(events.url, source, "segment", policy=IMPATIENT)
    assert again.calls == 0
    events.load_ordinary(10)
    assert deliver(events.url, source, "segment", policy=IMPATIENT).accepted == 10
