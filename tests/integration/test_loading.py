"""What was landed is in the events table once, typed, and accounted for."""

from __future__ import annotations

import errno
import os
import threading
import time
from concurrent.futures import Future
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import dagster as dg
import psycopg
import pytest
from psycopg.rows import dict_row

from sendgrid_orchestration.defs.events.sensors import landed_files_sensor
from sendgrid_orchestration.defs.resources import Landing as LandingResource
from sendgrid_orchestration.defs.resources import Warehouse
from sendgrid_orchestration.landing.errors import DamagedFile
from sendgrid_orchestration.landing.format import TRAILER_BYTES, Post, PostReader
from sendgrid_orchestration.landing.store import LandedFile, LandingStore
from sendgrid_orchestration.landing.writer import Limits, Prepared, Writer, settle_futures
from sendgrid_orchestration.load import ledger
from sendgrid_orchestration.load.loader import LoadResult, Progress, load_waiting
from sendgrid_orchestration.settings import Schedules, Source, load_settings
from sendgrid_orchestration.warehouse.engine import connect
from tests.support.landed import RECEIVED, Landing, body, event

SOURCE = Source.model_validate({"name": "sendgrid"})


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


def rows(
    url: str, query: str = "select * from sendgrid_raw.events order by event_at, event_key"
) -> list[Any]:
    with psycopg.connect(url, row_factory=dict_row, options="-c timezone=UTC") as conn:
        return conn.execute(query.encode()).fetchall()


def load(url: str, landing: Landing, **options: Any) -> LoadResult:
    result = load_waiting(url, landing.store, SOURCE, **options)
    assert result.events_read == result.inserted + result.duplicate + result.quarantined
    return result


def test_every_kind_of_value_arrives_in_its_column(warehouse_url: str, landing: Landing) -> None:
    received = datetime(2024, 6, 2, 8, 30, 0, 250_000, tzinfo=UTC)
    landing.land(
        body(
            [
                {
                    "email": "ü@example.com",
                    "event": "click",
                    "timestamp": 1_717_286_399,
                    "sg_event_id": "id",
                    "sg_message_id": "m.1",
                    "smtp-id": "<a\\b@c>",
                    "category": ['say "hi"', "a,b", ""],
                    "asm_group_id": 2**62,
                    "attempt": "3",
                    "tls": 1,
                    "sg_machine_open": True,
                    "send_at": "1717286000",
                    "url": "https://example.com/?a=\t\n\\N",
                    "url_offset": {"index": 4, "type": "html"},
                    "pool": {"name": "p", "id": 210},
                    "from": "me@example.com",
                    "date": "2024-06-01",
                    "status": 550,
                    "customer": {"id": 5, "tags": ["x", None, "😀"]},
                }
            ]
        ),
        received_at=received,
    )
    load(warehouse_url, landing)
    (row,) = rows(warehouse_url)
    key = row.pop("event_key")
    assert len(key.bytes) == 16
    assert {name: value for name, value in row.items() if value is not None} == {
        "event_at": datetime(2024, 6, 1, 23, 59, 59, tzinfo=UTC),
        "event_date": date(2024, 6, 1),
        "received_at": received,
        "load_id": 1,
        "is_copy": False,
        "event": "click",
        "email": "ü@example.com",
        "sg_event_id": "id",
        "sg_message_id": "m.1",
        "smtp_id": "<a\\b@c>",
        "categories": ['say "hi"', "a,b", ""],
        "asm_group_id": 2**62,
        "attempt": 3,
        "tls": 1,
        "sg_machine_open": True,
        "send_at": datetime(2024, 6, 1, 23, 53, 20, tzinfo=UTC),
        "url": "https://example.com/?a=\t\n\\N",
        "url_offset_index": 4,
        "url_offset_type": "html",
        "pool_name": "p",
        "pool_id": "210",
        "from_address": "me@example.com",
        "unsubscribe_date": "2024-06-01",
        "custom_args": {"status": 550, "customer": {"id": 5, "tags": ["x", None, "😀"]}},
    }


def test_mail_of_every_kind_in_one_post_arrives_in_its_columns(warehouse_url: str, landing: Landing) -> None:
    """Rows are sent with the columns of their kind of mail; see `Occurs`."""
    kinds: list[dict[str, Any]] = [
        {},
        {"singlesend_id": "s", "singlesend_name": "News", "template_id": "t", "send_at": 1_717_286_000},
        {"mc_auto_id": "a", "mc_stats": "automation"},
        {"marketing_campaign_id": 7, "newsletter": {"newsletter_id": "8"}, "tls": 1},
        {"singlesend_id": "s2", "pool": {"name": "p", "id": 210}, "customer_id": "c"},
    ]
    landing.land(body(event(number, **more) for number, more in enumerate(kinds)))
    load(warehouse_url, landing)
    columns = ("singlesend_id", "mc_auto_id", "marketing_campaign_id", "newsletter_id", "pool_name", "tls")
    arrived = rows(warehouse_url)
    assert [tuple(row[name] for name in columns) for row in arrived] == [
        (None, None, None, None, None, None),
        ("s", None, None, None, None, None),
        (None, "a", None, None, None, None),
        (None, None, "7", "8", None, 1),
        ("s2", None, None, None, "p", None),
    ]
    assert [row["custom_args"]["customer_id"] for row in arrived] == ["0", "1", "2", "3", "c"]


def test_redelivery_in_any_post_and_month_changes_nothing(warehouse_url: str, landing: Landing) -> None:
    """Peers #2: one event was seen 46 times in 29 hours."""
    old = event(1, timestamp=int((RECEIVED - timedelta(days=40)).timestamp()))
    landing.land(body([old, event(2), event(2)]), body([event(3), event(2)]))
    first = load(warehouse_url, landing)
    before = rows(warehouse_url)
    landing.land(body([event(3), old, event(4)]))
    second = load(warehouse_url, landing)
    assert (first.inserted, first.duplicate, second.inserted, second.duplicate) == (3, 2, 1, 2)
    after = rows(warehouse_url)
    assert [row for row in after if row["load_id"] == 1] == before
    assert len(after) == 4


def test_same_event_under_another_id_is_kept_and_flagged(warehouse_url: str, landing: Landing) -> None:
    """Peers #3: both verdicts are kept, and the marts leave copies out."""
    landing.land(body([event(1), event(1, sg_event_id="again"), event(2)]))
    landing.land(body([event(2, sg_event_id="later"), event(1, sg_event_id="again")]))
    result = load(warehouse_url, landing)
    assert (result.inserted, result.duplicate, result.copies) == (4, 1, 2)
    flags = {row["sg_event_id"]: row["is_copy"] for row in rows(warehouse_url)}
    assert flags == {"event-1": False, "again": True, "event-2": False, "later": True}


def test_placeholder_and_missing_ids_fold_nothing(warehouse_url: str, landing: Landing) -> None:
    same_id = [event(number, sg_event_id="placeholder") for number in range(5)]
    no_id = [event(9, sg_event_id="") for _ in range(3)]
    posted = body([*same_id, *no_id])
    landing.land(posted)
    landing.land(posted)
    result = load(warehouse_url, landing)
    assert (result.inserted, result.duplicate) == (8, 8)


def test_odd_items_go_into_quarantine_and_their_neighbours_into_the_table(
    warehouse_url: str, landing: Landing
) -> None:
    landing.land(body([event(1), "odd", event(2), {"event": "open"}]), b"not json")
    result = load(warehouse_url, landing)
    assert (result.events_read, result.inserted, result.quarantined) == (5, 2, 3)
    kept = rows(
        warehouse_url,
        "select reason, item, post_index, item_index, load_id from sendgrid_raw.quarantine order by post_index, item_index",
    )
    assert [tuple(row.values()) for row in kept] == [
        ("not_an_object", '"odd"', 0, 1, 1),
        ("no_timestamp", '{"event": "open"}', 0, 3, 1),
        ("not_json", "not json", 1, -1, 1),
    ]


def test_ledger_has_a_line_for_each_file_and_each_load(warehouse_url: str, landing: Landing) -> None:
    for begin in range(0, 50, 10):
        landing.land_events(range(begin, begin + 15))
    result = load(warehouse_url, landing, run_id="a run")
    files = rows(warehouse_url, "select * from sendgrid_raw.landed_files order by file_name")
    assert [(file["events_read"], file["inserted"], file["duplicate"]) for file in files] == [
        (15, 15, 0),
        (15, 10, 5),
        (15, 10, 5),
        (15, 10, 5),
        (15, 10, 5),
    ]
    (loaded,) = rows(warehouse_url, "select * from sendgrid_raw.loads")
    assert (loaded["kind"], loaded["run_id"], loaded["files"], loaded["posts"]) == ("load", "a run", 5, 5)
    assert (loaded["events_read"], loaded["inserted"], loaded["duplicate"]) == (75, 55, 20)
    assert loaded["started_at"] < loaded["committed_at"]
    assert result.load_ids == (loaded["load_id"],)
    assert result.days == (RECEIVED.date(),)
    assert result.event_dates == (RECEIVED.date(),)


def test_loaded_files_move_to_the_archive_of_their_day(warehouse_url: str, landing: Landing) -> None:
    path = landing.land_events(range(3))
    load(warehouse_url, landing)
    assert not path.exists()
    (file,) = rows(warehouse_url, "select archive_path from sendgrid_raw.landed_files")
    archived = Path(file["archive_path"])
    assert archived.exists()
    assert archived.parent.name == "2024-06-01"


def test_file_that_was_loaded_but_not_archived_is_only_archived(warehouse_url: str, landing: Landing) -> None:
    """What a kill between commit and archive leaves behind."""
    path = landing.land_events(range(3))
    content = path.read_bytes()
    load(warehouse_url, landing)
    path.write_bytes(content)
    result = load(warehouse_url, landing)
    assert (result.files, result.events_read) == (0, 0)
    assert not path.exists()
    assert len(rows(warehouse_url)) == 3


def test_file_that_was_archived_but_not_noted_is_noted_by_the_next_run(
    warehouse_url: str, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a kill leaves behind between the move to the archive and the commit of its path."""
    path = landing.land_events(range(3))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ledger, "record_archived", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        load(warehouse_url, landing)
    assert not path.exists()
    query = "select archive_path from sendgrid_raw.landed_files"
    assert rows(warehouse_url, query) == [{"archive_path": None}]
    assert load(warehouse_url, landing).files == 0
    (file,) = rows(warehouse_url, query)
    assert Path(file["archive_path"]).exists()
    assert len(rows(warehouse_url)) == 3


def test_damaged_file_is_named_and_holds_up_nobody(
    warehouse_url: str, landing: Landing, caplog: pytest.LogCaptureFixture
) -> None:
    landing.land_events(range(5))
    broken = landing.land_events(range(5, 10))
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-3])
    landing.land_events(range(10, 15))
    result = load(warehouse_url, landing)
    assert (result.files, result.inserted) == (2, 10)
    (sentence,) = result.damaged
    assert broken.name in sentence
    assert broken.name in caplog.text
    assert broken.exists()
    with connect(warehouse_url) as conn:
        (damaged,) = ledger.damaged(conn, "sendgrid_raw")
        assert damaged.file_name == broken.name.removesuffix(".posts")
        assert ledger.waiting(conn, landing.store, SOURCE) == []
    assert load(warehouse_url, landing).files == 0

    again = load(warehouse_url, landing)
    assert (again.files, again.damaged) == (0, ())
    assert [file.problem for file in again.still_damaged] == [sentence]

    broken.write_bytes(whole)
    repaired = load(warehouse_url, landing)
    assert (repaired.files, repaired.inserted, repaired.damaged, repaired.still_damaged) == (1, 5, (), ())
    with connect(warehouse_url) as conn:
        assert ledger.damaged(conn, "sendgrid_raw") == []


def test_damaged_file_that_is_replaced_by_one_of_the_same_size_and_time_is_loaded(
    warehouse_url: str, landing: Landing
) -> None:
    path = landing.land_events(range(5))
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    assert len(load(warehouse_url, landing).damaged) == 1
    path.write_bytes(whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
    assert len(load(warehouse_url, landing).damaged) == 1, "another damage is told anew"

    path.write_bytes(whole)
    os.utime(path, ns=times)
    result = load(warehouse_url, landing)
    assert (result.inserted, result.still_damaged) == (5, ())


def test_file_that_lost_whole_posts_at_its_end_is_damaged(warehouse_url: str, landing: Landing) -> None:
    bodies = [body([event(number)]) for number in range(3)]
    path = landing.land(*bodies)
    two = len(landing.land(*bodies[:2]).read_bytes()) - TRAILER_BYTES
    path.write_bytes(path.read_bytes()[:two])
    result = load(warehouse_url, landing)

    assert result.inserted == 2, "the other file"
    (sentence,) = result.damaged
    assert path.name in sentence
    assert "ends without its trailer" in sentence


def test_damaged_file_that_somebody_took_away_is_forgotten(warehouse_url: str, landing: Landing) -> None:
    path = landing.land_events(range(5))
    path.write_bytes(b"nothing of ours")
    assert len(load(warehouse_url, landing).still_damaged) == 1
    path.unlink()

    assert load(warehouse_url, landing).still_damaged == ()
    assert rows(warehouse_url, "select * from sendgrid_raw.damaged_files") == []


def test_file_that_can_be_read_at_the_second_attempt_is_not_damaged(
    warehouse_url: str, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network disk that stumbled once."""
    landing.land_events(range(5))
    real, left = LandingStore.read, [1]

    def read(self: LandingStore, file: LandedFile) -> PostReader:
        if left[0]:
            left[0] -= 1
            raise DamagedFile(file.path, 0, "it cannot be read (Stale file handle)")
        return real(self, file)

    monkeypatch.setattr(LandingStore, "read", read)
    result = load(warehouse_url, landing)
    assert (result.inserted, result.damaged, result.still_damaged) == (0, (), ())
    assert load(warehouse_url, landing).inserted == 5


def test_damaged_file_on_a_disk_that_was_repaired_is_tried_when_somebody_asks(
    warehouse_url: str, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody wrote the file, so its version is the same."""
    path = landing.land_events(range(5))
    with monkeypatch.context() as broken:
        broken.setattr(
            "sendgrid_orchestration.landing.store.io.FileIO",
            Mock(side_effect=OSError(errno.EIO, os.strerror(errno.EIO))),
        )
        assert path.name in load(warehouse_url, landing).damaged[0]

    assert load(warehouse_url, landing).inserted == 0
    assert load(warehouse_url, landing, retry_damaged=True).inserted == 5


def test_backlog_drains_in_bounded_runs_oldest_first(warehouse_url: str, landing: Landing) -> None:
    paths = [landing.land_events([number]) for number in range(25)]
    seen: list[Progress] = []
    first = load(warehouse_url, landing, max_files=10, progress=seen.append)
    assert (first.files, first.remaining_files) == (10, 15)
    assert [path.exists() for path in paths] == [False] * 10 + [True] * 15
    assert (seen[-1].files, seen[-1].total_files, seen[-1].events_read) == (10, 10, 10)
    assert seen[-1].bytes == seen[-1].total_bytes
    second = load(warehouse_url, landing, max_bytes=1)
    assert (second.files, second.remaining_files) == (1, 14)
    assert load(warehouse_url, landing).remaining_files == 0
    assert len(rows(warehouse_url)) == 25


def test_transactions_are_bounded(
    warehouse_url: str, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendgrid_orchestration.load.run.TRANSACTION_FILES", 2)
    for number in range(5):
        landing.land_events([number])
    assert load(warehouse_url, landing).load_ids == (1, 2, 3)


def test_overlapping_runs_load_each_file_once(warehouse_url: str, landing: Landing) -> None:
    for begin in range(0, 2_000, 50):
        landing.land_events(range(begin, begin + 50))
    results: list[LoadResult] = []
    threads = [
        threading.Thread(target=lambda: results.append(load(warehouse_url, landing, max_files=20)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.append(load(warehouse_url, landing))
    assert sum(result.inserted for result in results) == 2_000
    assert sum(result.files for result in results) == 40
    assert sum(result.duplicate for result in results) == 0
    assert len(rows(warehouse_url)) == 2_000


def test_sources_do_not_wait_for_each_other_and_share_no_row(warehouse_url: str, tmp_path: Path) -> None:
    """S5: two accounts, two schemas; a load of one goes on while another's is under way."""
    other = Source.model_validate({"name": "other", "schema": "other_schema"})
    landings = {name: Landing(tmp_path, name) for name in ("sendgrid", "other")}
    for landing in landings.values():
        landing.land_events(range(10))
    load(warehouse_url, landings["sendgrid"])
    with connect(warehouse_url) as conn:
        ledger.lock(conn, "sendgrid_raw")
        assert load_waiting(warehouse_url, landings["other"].store, other).inserted == 10
    assert len(rows(warehouse_url, "select * from other_schema_raw.events")) == 10
    assert len(rows(warehouse_url)) == 10


def test_large_file_shares_no_batch_boundary_with_a_post(
    warehouse_url: str, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Duplicates across batches of one file are found like any others."""
    monkeypatch.setattr("sendgrid_orchestration.load.shaping.BATCH_ROWS", 100)
    landing.land(*(body(event(n % 300) for n in range(begin, begin + 70)) for begin in range(0, 700, 70)))
    result = load(warehouse_url, landing)
    assert (result.inserted, result.duplicate) == (300, 400)


def test_stragglers_of_a_busy_time_are_looked_up_one_by_one(warehouse_url: str, landing: Landing) -> None:
    """A few events at moments when thousands of others happened: the other way to find what is known."""
    second = int(RECEIVED.timestamp())
    busy = [event(number, timestamp=second + number % 2) for number in range(12_000)]
    landing.land(body(busy))
    load(warehouse_url, landing)
    landing.land(body([busy[5], busy[6], {**busy[7], "sg_event_id": "new"}, event(99_999, timestamp=second)]))
    result = load(warehouse_url, landing)
    assert (result.inserted, result.duplicate, result.copies) == (2, 2, 1)


def test_custom_args_become_typed_columns_over_all_history(warehouse_url: str, landing: Landing) -> None:
    landing.land(
        body(
            [event(1, customer_id="7", paid="yes"), event(2, customer_id="seven"), event(3, customer_id=None)]
        )
    )
    load(warehouse_url, landing)
    typed = Source.model_validate(
        {"name": "sendgrid", "custom_args": {"customer_id": "integer", "paid": "boolean"}}
    )
    landing.land(body([event(4, customer_id="8")]))
    load_waiting(warehouse_url, landing.store, typed)
    told = rows(warehouse_url, "select arg_customer_id, arg_paid from sendgrid_raw.events order by event_at")
    assert [tuple(row.values()) for row in told] == [(7, True), (None, None), (None, None), (8, None)]


def test_before_the_first_load_everything_waits(warehouse_url: str, landing: Landing) -> None:
    landing.land_events([1])
    with connect(warehouse_url) as conn:
        assert len(ledger.waiting(conn, landing.store, SOURCE)) == 1
        assert ledger.max_load_id(conn, "sendgrid_raw") == 0
        assert ledger.touched_days(conn, "sendgrid_raw", 0) == []
    load(warehouse_url, landing)
    with connect(warehouse_url) as conn:
        assert ledger.max_load_id(conn, "sendgrid_raw") == 1
        assert ledger.touched_days(conn, "sendgrid_raw", 0) == [RECEIVED.date()]
        assert ledger.touched_days(conn, "sendgrid_raw", 1) == []


def test_posts_in_a_file_that_is_being_written_wait_and_are_loaded(
    warehouse_url: str, landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sensor asks for a load when the first post is `seal_seconds` old; the load has the receiver seal the file."""
    monkeypatch.setenv("SENDGRID_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("WAREHOUSE_URL", warehouse_url)
    monkeypatch.setenv("LANDING_URL", landing.root.as_uri())
    settings = load_settings()
    sensor = landed_files_sensor(SOURCE, Schedules(), seal_seconds=0.5)
    instance = dg.DagsterInstance.ephemeral()

    def tick() -> dg.RunRequest | dg.SkipReason:
        resources = {"warehouse": Warehouse(settings), "landing": LandingResource(settings)}
        found = sensor(dg.build_sensor_context(instance, resources=resources))
        assert isinstance(found, dg.RunRequest | dg.SkipReason)
        return found

    writer: Writer[Future[None]] = Writer(
        landing.root, SOURCE.name, Limits(300, min_free_bytes=1), settle_futures
    )
    try:
        for number in range(2):
            acknowledged: Future[None] = Future()
            now = datetime.now(UTC)
            writer.submit(Prepared.of(Post(now, {}, body([event(number)])), acknowledged))
            acknowledged.result(10)
            if number:
                time.sleep(0.5)
                request = tick()
                assert isinstance(request, dg.RunRequest)
                assert request.tags["sendgrid/files"] == "1"
                assert request.tags["dagster/asset_partition_range_end"] == f"{now:%Y-%m-%d}"
            assert load(warehouse_url, landing).inserted == 1
            assert isinstance(tick(), dg.SkipReason)
    finally:
        writer.close()
