"""What is kept can be loaded again: an emptied table is whole again, a full one does not change."""

from __future__ import annotations

import json
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sendgrid_orchestration.landing.store import open_store
from sendgrid_orchestration.load import quarantine
from sendgrid_orchestration.load.loader import load_waiting
from sendgrid_orchestration.load.replay import replay_days, replay_folder, replay_source
from sendgrid_orchestration.sendgrid import event_parser
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.engine import connect
from tests.support.landed import RECEIVED, Landing, body, event

SOURCE = Source.model_validate({"name": "sendgrid"})
RAW = "sendgrid_raw"
SECOND_DAY = RECEIVED + timedelta(days=1)


def table(url: str, but: str = "load_id") -> list[tuple[Any, ...]]:
    """The events, without the number of the load that brought them."""
    with psycopg.connect(url) as conn:
        query = f"select to_jsonb(e) - '{but}' from {RAW}.events e order by event_at, event_key"
        return conn.execute(query.encode()).fetchall()


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url) as conn:
        conn.execute(statement.encode())


@pytest.fixture
def landing(tmp_path: Path, warehouse_url: str) -> Landing:
    """Two days of posts with everything that occurs in them, loaded and archived."""
    landing = Landing(tmp_path / "landing")
    no_id = [event(7, sg_event_id="")] * 2
    landing.land(body([event(1), event(2), "odd", *no_id]), body([event(1), event(2, sg_event_id="again")]))
    landing.land_events(range(10, 30), received_at=RECEIVED + timedelta(minutes=5))
    landing.land(body([event(50), event(2), {"event": "open"}]), received_at=SECOND_DAY)
    load_waiting(warehouse_url, landing.store, SOURCE)
    return landing


def test_replay_into_a_full_table_changes_nothing(warehouse_url: str, landing: Landing) -> None:
    before = table(warehouse_url, but="nothing")
    result = replay_source(warehouse_url, landing.store, SOURCE)
    assert (result.files, result.inserted, result.duplicate, result.quarantined) == (3, 0, 28, 2)
    assert table(warehouse_url, but="nothing") == before
    with connect(warehouse_url) as conn:
        assert quarantine.count_by_reason(conn, RAW) == {"no_timestamp": 1, "not_an_object": 1}


def test_replay_into_an_emptied_table_restores_every_row(warehouse_url: str, landing: Landing) -> None:
    before = table(warehouse_url)
    execute(warehouse_url, f"truncate {RAW}.events")
    result = replay_source(warehouse_url, landing.store, SOURCE)
    assert (result.inserted, result.duplicate, result.copies) == (26, 2, 2)
    assert table(warehouse_url) == before


def test_replay_of_a_day_restores_what_was_received_on_it(warehouse_url: str, landing: Landing) -> None:
    before = table(warehouse_url)
    execute(warehouse_url, f"delete from {RAW}.events where received_at >= '{SECOND_DAY:%Y-%m-%d}'")
    first_day = replay_days(warehouse_url, landing.store, SOURCE, RECEIVED.date(), RECEIVED.date())
    assert first_day.inserted == 0
    second_day = replay_days(warehouse_url, landing.store, SOURCE, SECOND_DAY.date(), date(2024, 6, 30))
    assert (second_day.files, second_day.inserted, second_day.duplicate) == (1, 1, 1)
    assert second_day.days == (SECOND_DAY.date(),)
    assert table(warehouse_url) == before


def test_replay_restores_a_warehouse_that_was_lost(warehouse_url: str, landing: Landing) -> None:
    before = table(warehouse_url)
    execute(warehouse_url, f"drop schema {RAW} cascade")
    result = replay_source(warehouse_url, landing.store, SOURCE)
    assert (result.files, result.quarantined) == (3, 2)
    assert table(warehouse_url) == before


def test_folder_of_landed_files_can_be_replayed_into_another_source(
    warehouse_url: str, landing: Landing, tmp_path: Path
) -> None:
    folder = tmp_path / "my backup"
    folder.mkdir()
    for path in (landing.root / "sendgrid" / "archive").rglob("*.zst"):
        shutil.copy(path, folder)
    other = Source.model_validate({"name": "other"})
    progress: list[Any] = []
    result = replay_folder(
        warehouse_url, open_store(folder.as_uri()), other, progress=progress.append, run_id="by hand"
    )
    assert (result.files, result.inserted) == (3, 26)
    assert progress[-1].files == 3
    assert len(list(folder.iterdir())) == 3


def test_replay_is_in_the_ledger_and_leaves_the_first_lines_alone(
    warehouse_url: str, landing: Landing
) -> None:
    replay_source(warehouse_url, landing.store, SOURCE)
    with connect(warehouse_url) as conn:
        loads = conn.execute(f"select kind, events_read, inserted from {RAW}.loads order by load_id".encode())
        assert loads.fetchall() == [("load", 30, 26), ("replay", 30, 0)]
        files = conn.execute(f"select sum(inserted), max(load_id) from {RAW}.landed_files".encode())
        assert files.fetchone() == (26, 1)


def test_retry_of_the_quarantine_changes_nothing_while_the_rules_stay(
    warehouse_url: str, landing: Landing
) -> None:
    result = quarantine.retry(warehouse_url, SOURCE)
    assert (result.tried, result.released, result.load_ids) == (2, 0, ())
    with connect(warehouse_url) as conn:
        assert len(quarantine.list_items(conn, RAW)) == 2
        (item,) = quarantine.list_items(conn, RAW, reason="not_an_object")
        assert (item.item, item.item_index, item.received_at) == ('"odd"', 2, RECEIVED)


def test_retry_of_the_quarantine_makes_the_tables_that_it_needs(warehouse_url: str) -> None:
    """After an upgrade nobody has migrated yet, it may be the first command that runs."""
    assert quarantine.retry(warehouse_url, SOURCE).tried == 0


def test_newer_rules_release_what_now_fits(
    warehouse_url: str, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_time = {"event": "open", "email": "late@example.com", "at": "2024"}
    landing.land(body([no_time, no_time, 5]), b'{"event":"open"}', received_at=RECEIVED)
    load_waiting(warehouse_url, landing.store, SOURCE)

    def newer_rules(value: Any) -> int:
        return int(RECEIVED.timestamp()) * 1_000_000

    monkeypatch.setattr(event_parser, "_event_time", newer_rules)
    result = quarantine.retry(warehouse_url, SOURCE, run_id="by hand")
    assert (result.tried, result.released, result.inserted) == (6, 3, 3)
    with connect(warehouse_url) as conn:
        assert quarantine.count_by_reason(conn, RAW) == {"not_an_object": 2, "not_a_list": 1}
        released = quarantine.list_items(conn, RAW, released=True)
        assert [item.reason for item in released] == ["no_timestamp"] * 3
        load = conn.execute(
            f"select kind, events_read, inserted, quarantined, run_id from {RAW}.loads order by load_id desc".encode()
        ).fetchone()
        assert load == ("quarantine_retry", 3, 3, 0, "by hand")
        events = conn.execute(
            f"select received_at, custom_args from {RAW}.events where email = 'late@example.com'".encode()
        ).fetchall()
        assert events == [(RECEIVED, {"at": "2024"}), (RECEIVED, {"at": "2024"})]
    assert quarantine.retry(warehouse_url, SOURCE).released == 0
    # A replay under the same rules finds them by the keys that the retry gave them.
    before = table(warehouse_url)
    assert replay_source(warehouse_url, landing.store, SOURCE).inserted == 0
    assert table(warehouse_url) == before


def test_post_that_was_odd_as_a_whole_is_released_item_by_item(
    warehouse_url: str, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = event(77)
    landing.land(
        json.dumps({"events": [one, 5]}).encode(),
        received_at=datetime.fromisoformat("2024-06-03T00:00+00:00"),
    )
    load_waiting(warehouse_url, landing.store, SOURCE)
    original = event_parser.event_json.load

    def unwraps(text: bytes) -> Any:
        value = original(text)
        return value["events"] if isinstance(value, dict) and "events" in value else value

    monkeypatch.setattr("sendgrid_orchestration.sendgrid.event_json.load", unwraps)
    result = quarantine.retry(warehouse_url, SOURCE, reason="not_a_list")
    assert (result.tried, result.released, result.inserted) == (1, 1, 1)
    with connect(warehouse_url) as conn:
        assert quarantine.count_by_reason(conn, RAW) == {"not_an_object": 2, "no_timestamp": 1}
