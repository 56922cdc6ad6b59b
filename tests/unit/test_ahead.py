"""A producer works ahead, no further than it may, and takes nobody down with it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from sendgrid_orchestration.load import shaping
from sendgrid_orchestration.load.ahead import ahead
from sendgrid_orchestration.load.shaping import Tally, batches
from tests.support.landed import RECEIVED, body, event
from tests.unit.test_event_rows import APost


def test_items_arrive_in_order() -> None:
    with ahead(iter(range(100)), depth=2) as items:
        assert list(items) == list(range(100))


def test_error_of_the_producer_reaches_the_consumer_behind_the_items_before_it() -> None:
    def produce() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    received = []
    with pytest.raises(OSError, match="the disk is gone"), ahead(produce(), depth=2) as items:
        for item in items:
            received.append(item)
    assert received == [1]


def test_consumer_that_leaves_early_stops_the_producer() -> None:
    produced = []

    def produce() -> Iterator[int]:
        for number in range(1_000):
            produced.append(number)
            yield number

    with pytest.raises(ValueError, match="enough"), ahead(produce(), depth=1) as items:
        next(items)
        raise ValueError("enough")
    assert len(produced) <= 4
    assert "ahead" not in {thread.name for thread in threading.enumerate()}


def test_producer_waits_when_it_is_far_enough_ahead() -> None:
    produced = []

    def produce() -> Iterator[int]:
        for number in range(10):
            produced.append(number)
            yield number

    with ahead(produce(), depth=2) as items:
        next(items)
        time.sleep(0.3)
        assert len(produced) <= 4


def test_batches_do_not_grow_with_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Constant memory: a batch ends with the post that fills it, by rows or by bytes."""
    posts = [APost(body(event(10 * post + n) for n in range(10)), RECEIVED) for post in range(100)]
    monkeypatch.setattr(shaping, "BATCH_ROWS", 25)
    sizes = [len(batch.rows) for batch in batches([("a", Tally(), posts)], 1)]
    assert sum(sizes) == 1_000
    assert max(sizes) == 30
    monkeypatch.setattr(shaping, "BATCH_BYTES", 1)
    assert {len(batch.rows) for batch in batches([("a", Tally(), posts)], 1)} == {10}
