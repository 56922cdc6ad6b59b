"""A redelivered event that says something else is still one event; what it says differently is kept and counted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sendgrid_orchestration.landing.store import open_store
from sendgrid_orchestration.load import shaping
from sendgrid_orchestration.load.loader import LoadResult, load_waiting
from sendgrid_orchestration.load.replay import replay_folder, replay_source
from sendgrid_orchestration.settings import Source
from tests.support.landed import RECEIVED, Landing, body, event

SOURCE = Source.model_validate({"name": "sendgrid"})
RAW = "sendgrid_raw"


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


def load(url: str, landing: Landing) -> LoadResult:
    return load_waiting(url, landing.store, SOURCE)


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as conn:
        return conn.execute(query.encode()).fetchall()


def differences(url: str) -> list[Any]:
    return [row for (row,) in rows(url, f"select differs from {RAW}.event_variants order by received_at")]


def told(**columns: tuple[Any, Any]) -> dict[str, dict[str, Any]]:
    return {name: {"stored": stored, "redelivered": again} for name, (stored, again) in columns.items()}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"category": ["other", "news"]}, told(categories=(["news"], ["other", "news"]))),
        ({"category": []}, told(categories=(["news"], None))),
        ({"sg_machine_open": True}, told(sg_machine_open=(None, True))),
        ({"singlesend_id": "s", "tls": 1}, told(singlesend_id=(None, "s"), tls=(None, 1))),
        ({"send_at": 1_717_286_399}, told(send_at=(None, "2024-06-01T23:59:59+00:00"))),
        ({"pool": {"name": "p", "id": 1}}, told(pool_name=(None, "p"), pool_id=(None, "1"))),
        (
            {"customer_id": "2", "n": [1.5]},
            told(custom_args=({"customer_id": "1"}, {"customer_id": "2", "n": [1.5]})),
        ),
    ],
    ids="-".join,
)
def test_what_a_redelivery_says_differently_is_kept(
    warehouse_url: str, landing: Landing, more: dict[str, Any], expected: Any
) -> None:
    landing.land(body([event(1), event(2)]))
    load(warehouse_url, landing)
    before = rows(warehouse_url, f"select * from {RAW}.events")
    landing.land(body([event(3), event(1, **more), event(2)]))
    result = load(warehouse_url, landing)
    assert (result.inserted, result.duplicate, result.variants) == (1, 2, 1)
    assert differences(warehouse_url) == [expected]
    assert rows(warehouse_url, f"select * from {RAW}.events where load_id = 1") == before
    ((same_event, load_id, received_at),) = rows(
        warehouse_url,
        f"select e.sg_event_id, v.load_id, v.received_at from {RAW}.event_variants v join {RAW}.events e using (event_at, event_key)",
    )
    assert (same_event, load_id, received_at) == ("event-1", 2, RECEIVED + timedelta(seconds=1))
    for table in ("loads", "landed_files"):
        counts = rows(warehouse_url, f"select duplicate, variants from {RAW}.{table} order by load_id")
        assert counts == [(0, 0), (2, 1)]


def test_same_content_in_another_form_is_no_variant(warehouse_url: str, landing: Landing) -> None:
    """Another order of keys, other escapes, forms of a number that mean the same."""
    one = event(1, a={"x": 1, "y": [2.50]}, smile="😀", tls=1, pool={"id": "7"}, send_at=1_717_286_399)
    again = dict(reversed(event(1).items())) | {
        "smile": "😀",
        "a": {"y": [2.5], "x": 1},
        "tls": "1",
        "pool": {"id": 7},
        "send_at": "1717286399000",
    }
    landing.land(body([one]))
    landing.land(body([again, one]))
    result = load(warehouse_url, landing)
    assert (result.duplicate, result.variants, differences(warehouse_url)) == (2, 0, [])


@pytest.mark.parametrize("batch_rows", [1, 2, 8_000])
def test_variants_within_a_post_a_file_and_a_load_are_found(
    warehouse_url: str, landing: Landing, batch_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the batches end; the first one that arrived is the event, and equal variants are one."""
    monkeypatch.setattr(shaping, "BATCH_ROWS", batch_rows)
    monkeypatch.setattr(shaping, "PORTION_ITEMS", 1)
    first = [event(1), event(1, category="a"), event(1, category="a"), event(1, category="b"), event(1)]
    landing.land(body(first), body([event(1, category="c"), event(1, category="a")]))
    landing.land(body([event(1, category="b"), event(1, category="d"), event(1), event(2)]))
    result = load(warehouse_url, landing)
    assert (result.inserted, result.duplicate, result.variants) == (2, 9, 4)
    kept = [row["categories"]["redelivered"] for row in differences(warehouse_url)]
    assert sorted(kept) == [["a"], ["b"], ["c"], ["d"]]
    assert rows(warehouse_url, f"select categories from {RAW}.events where sg_event_id = 'event-1'") == [
        (["news"],)
    ]
    assert rows(warehouse_url, f"select duplicate, variants from {RAW}.landed_files order by file_name") == [
        (6, 3),
        (3, 1),
    ]


def test_replays_find_no_variants_but_those_that_are_known(
    warehouse_url: str, landing: Landing, tmp_path: Path
) -> None:
    landing.land(body([event(1), event(2), event(2, category="twice"), event(3)]))
    landing.land(body([event(1, category="late"), event(2), event(4)]))
    assert load(warehouse_url, landing).variants == 2
    kept = differences(warehouse_url)
    again = replay_source(warehouse_url, landing.store, SOURCE)
    assert (again.duplicate, again.variants) == (7, 0)
    rows_before = rows(warehouse_url, f"select count(*) from {RAW}.events")

    with psycopg.connect(warehouse_url) as conn:
        conn.execute(f"truncate {RAW}.events".encode())
    into_empty = replay_source(warehouse_url, landing.store, SOURCE)
    assert (into_empty.inserted, into_empty.variants) == (4, 0)
    assert rows(warehouse_url, f"select count(*) from {RAW}.events") == rows_before

    with psycopg.connect(warehouse_url) as conn:
        conn.execute(f"drop schema {RAW} cascade".encode())
    assert replay_source(warehouse_url, landing.store, SOURCE).variants == 2
    assert differences(warehouse_url) == kept

    # What another receiver took of the same events says the same.
    other = Landing(tmp_path / "other")
    other.land(body([event(1), event(2), event(3), event(4)]), received_at=RECEIVED + timedelta(hours=1))
    folder = open_store((other.root / "sendgrid" / "sealed").as_uri())
    assert replay_folder(warehouse_url, folder, SOURCE).variants == 0


def test_many_redelivered_events_are_compared_without_many_tables(
    warehouse_url: str, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shaping, "BATCH_ROWS", 500)
    landing.land_events(range(3_000))
    load(warehouse_url, landing)
    changed = range(0, 3_000, 100)
    landing.land(body(event(n, **({"tls": 1} if n in changed else {})) for n in range(3_000)))
    result = load(warehouse_url, landing)
    assert (result.inserted, result.duplicate, result.variants) == (0, 3_000, len(changed))
