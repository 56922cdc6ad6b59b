"""Events whose keys a version before made get the keys of this one, and nothing is lost or doubled by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from sendgrid_orchestration.load import quarantine, rekeying, rows
from sendgrid_orchestration.load.errors import KeyVersionError
from sendgrid_orchestration.load.loader import load_waiting
from sendgrid_orchestration.load.replay import replay_source
from sendgrid_orchestration.load.transaction import load_files
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.engine import connect
from sendgrid_orchestration.warehouse.events import existing_partitions
from sendgrid_orchestration.warehouse.migrations import migrate
from tests.support import event_items
from tests.support.databases import database
from tests.support.event_keys import forget_version, keys_of_version
from tests.support.landed import RECEIVED, Landing, body, event

SOURCE = Source.model_validate({"name": "sendgrid"})
RAW = "sendgrid_raw"
NEXT_MONTH = {"timestamp": int((RECEIVED + timedelta(days=40)).timestamp())}
NO_ID = event(7, sg_event_id="")


def table(url: str) -> list[Any]:
    """The events, without the number of the load that brought them."""
    with connect(url) as conn:
        query = f"select to_jsonb(e) - 'load_id' from {RAW}.events as e order by event_at, event_key"
        return conn.execute(query.encode()).fetchall()


def recorded(url: str) -> list[tuple[Any, ...]]:
    with connect(url) as conn:
        query = f"select version, finished_at is not null, rekeyed, merged, unverified from {RAW}.event_key_versions"
        return conn.execute(query.encode()).fetchall()


def check_ledger(url: str) -> None:
    """What loads say they have brought is what is there."""
    with connect(url) as conn:
        query = f"""
            select load.load_id, load.inserted, load.copies, count(event.load_id), count(*) filter (where is_copy)
            from {RAW}.loads as load
            left join {RAW}.events as event using (load_id)
            group by load.load_id
            having load.inserted <> count(event.load_id) or load.copies <> count(*) filter (where is_copy)
        """
        assert conn.execute(query.encode()).fetchall() == []


@pytest.fixture
def landing(tmp_path: Any) -> Landing:
    """Posts of two months with everything that keys are made from, and odd values under the names of identifying keys."""
    landing = Landing(tmp_path / "landing")
    odd = [
        event(100, email=5),
        event(101, type=[1, {"a": "ü"}], ip=7),
        event(102, email=5, custom_args={"url": "nested", "ip": "10.0.0.1"}),
        event(103, **{"smtp-id": None}, unique_args={"status": "5.1.1"}),
        event(104, sg_message_id="m" * 2_001),
        event(105, status=5.5, reason=None, response=True),
    ]
    plain = [
        event(1),
        event(2, url="https://x.example/ü😀", useragent="Ünï", reason="r", status="5.1.1", type="bounce"),
        event(
            3, attempt="3", asm_group_id=7, url_offset={"index": 1, "type": "html"}, response="250", ip="::1"
        ),
        event(4, timestamp=1_717_200_000_123, event="Processed"),
        event(5, email="", sg_message_id=""),
    ]
    landing.land(
        body([*plain, NO_ID, NO_ID, NO_ID, "no event"]), body([event(1), event(2, sg_event_id="again")])
    )
    landing.land(body(odd))
    landing.land(body(event(number, **NEXT_MONTH, sg_event_id=f"id-{number}") for number in range(200, 240)))
    return landing


@pytest.fixture
def fresh(postgres_url: str, landing: Landing) -> Callable[[], list[Any]]:
    """What the table is when this program alone loads the landing."""

    def load() -> list[Any]:
        with database(postgres_url, "fresh_keys") as url:
            replay_source(url, landing.store, SOURCE)
            return table(url)

    return load


def test_version_before_made_the_keys_that_it_made() -> None:
    """Keys as they stood in its test."""
    click = {
        "email": "a@example.com",
        "event": "click",
        "timestamp": 1_717_200_000,
        "sg_message_id": "m.1",
        "sg_event_id": "id-1",
        "url": "https://example.com",
        "url_offset": {"index": 1, "type": "html"},
        "useragent": "Mozilla/5.0",
        "ip": "10.0.0.1",
        "category": ["news"],
        "customer": "c1",
    }
    everything = {
        **click,
        "smtp-id": "<ü@y>",
        "response": "250 OK",
        "reason": "none",
        "attempt": "3",
        "type": "bounce",
        "status": "5.1.1",
        "asm_group_id": 10,
    }
    without_id = {"event": "open", "timestamp": 1_717_200_000_123}
    with keys_of_version(1):
        made = keys_of(click, everything, without_id, without_id)
    assert [key.encode("latin-1").hex() for key in made] == [
        "61dc9abc58ba87b148de524c6ef6c8bd",
        "769bc984d392a498ae7c437516059150",
        "aef3d55c3698b3d2648c2f4df713afba",
        "aef3d55c3698b3d27a5afdf91ef0e700",
    ]


def test_events_of_the_version_before_get_new_keys(
    warehouse_url: str, landing: Landing, fresh: Callable[[], list[Any]]
) -> None:
    with keys_of_version(1):
        before = load_waiting(warehouse_url, landing.store, SOURCE)
    forget_version(warehouse_url)
    landing.land(body([event(1), event(900)]))
    after = load_waiting(warehouse_url, landing.store, SOURCE)
    assert (after.inserted, after.duplicate) == (1, 1)
    assert recorded(warehouse_url) == [(2, True, before.inserted, 0, 0)]
    assert table(warehouse_url) == fresh()
    replayed = replay_source(warehouse_url, landing.store, SOURCE)
    assert (replayed.inserted, replayed.events_read) == (0, before.events_read + 2)
    check_ledger(warehouse_url)


def test_events_that_two_versions_loaded_are_merged(
    warehouse_url: str, landing: Landing, fresh: Callable[[], list[Any]]
) -> None:
    """A replay over data of the version before had doubled it; what the newer one alone has loaded stays."""
    with keys_of_version(1):
        before = load_waiting(warehouse_url, landing.store, SOURCE)
    landing.land(
        body([event(1, sg_event_id="a retry"), event(900)]), received_at=RECEIVED + timedelta(days=1)
    )
    load_waiting(warehouse_url, landing.store, SOURCE)
    doubled = replay_source(warehouse_url, landing.store, SOURCE)
    assert doubled.inserted == before.inserted
    forget_version(warehouse_url)

    assert replay_source(warehouse_url, landing.store, SOURCE).inserted == 0
    assert recorded(warehouse_url) == [(2, True, before.inserted, before.inserted, 0)]
    assert table(warehouse_url) == fresh()
    check_ledger(warehouse_url)


def test_rekeying_goes_on_where_it_stopped(
    warehouse_url: str, landing: Landing, fresh: Callable[[], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with keys_of_version(1):
        load_waiting(warehouse_url, landing.store, SOURCE)
    forget_version(warehouse_url)
    landing.land(body([event(900)]))

    rekey = rekeying._Month.rekey

    def stopped(month: Any) -> Any:
        if f"{month._month}" == "2024-07-01":
            raise psycopg.OperationalError("the server went away")
        return rekey(month)

    with monkeypatch.context() as patch, connect(warehouse_url) as conn:
        patch.setattr(rekeying._Month, "rekey", stopped)
        with pytest.raises(psycopg.OperationalError):
            rekeying.ensure_current(conn, RAW)
    [(version, is_finished, rekeyed, _, _)] = recorded(warehouse_url)
    assert (version, is_finished) == (2, False)
    assert rekeyed > 0

    # A program that had looked before has not begun its transaction.
    with connect(warehouse_url) as conn, pytest.raises(KeyVersionError, match="Start the load again"):
        load_files(conn, RAW, landing.store, landing.store.waiting("sendgrid"), kind="load", run_id=None)
    assert load_waiting(warehouse_url, landing.store, SOURCE).inserted == 1
    assert [row[:2] for row in recorded(warehouse_url)] == [(2, True)]
    assert table(warehouse_url) == fresh()


def test_program_that_is_too_old_for_the_keys_loads_nothing(warehouse_url: str, landing: Landing) -> None:
    with connect(warehouse_url) as conn:
        migrate(conn, SOURCE)
        conn.execute(f"insert into {RAW}.event_key_versions values (99, now(), now())".encode())
    with pytest.raises(KeyVersionError, match=r"version 99.*upgrade this one"):
        load_waiting(warehouse_url, landing.store, SOURCE)
    with pytest.raises(KeyVersionError, match="version 99"):
        replay_source(warehouse_url, landing.store, SOURCE)
    with pytest.raises(KeyVersionError, match="version 99"):
        quarantine.retry(warehouse_url, SOURCE)
    assert table(warehouse_url) == []


def test_keys_of_this_version_are_left_alone(warehouse_url: str, landing: Landing) -> None:
    """As version 0.1.0 leaves a table: no record, and keys as they are made now. Looking costs a sample."""
    load_waiting(warehouse_url, landing.store, SOURCE)
    before = table(warehouse_url)
    with connect(warehouse_url) as conn:
        versions = [rekeying._version_of(row) for row in stored(conn)]
        assert versions == [rows.KEY_VERSION] * len(before)
    forget_version(warehouse_url)
    landing.land_events([1])
    load_waiting(warehouse_url, landing.store, SOURCE)
    assert table(warehouse_url) == before
    assert recorded(warehouse_url) == [(2, True, 0, 0, 0)]


def test_key_that_no_version_makes_stays(warehouse_url: str, landing: Landing) -> None:
    with keys_of_version(1):
        load_waiting(warehouse_url, landing.store, SOURCE)
    forget_version(warehouse_url)
    with connect(warehouse_url) as conn:
        conn.execute(
            f"update {RAW}.events set email = 'edited by hand' where sg_event_id = 'event-3'".encode()
        )
        key = conn.execute(
            f"select event_key from {RAW}.events where sg_event_id = 'event-3'".encode()
        ).fetchall()
    landing.land_events([900])
    load_waiting(warehouse_url, landing.store, SOURCE)
    [(_, _, _, merged, unverified)] = recorded(warehouse_url)
    assert (merged, unverified) == (0, 1)
    with connect(warehouse_url) as conn:
        query = f"select event_key from {RAW}.events where sg_event_id = 'event-3'"
        assert conn.execute(query.encode()).fetchall() == key


@pytest.fixture(scope="module")
def any_events(postgres_url: str) -> Iterator[psycopg.Connection]:
    with database(postgres_url, "any_events") as url, connect(url) as conn:
        migrate(conn, SOURCE)
        conn.commit()
        yield conn


@settings(max_examples=40, deadline=None)
@given(st.lists(event_items.events, min_size=1, max_size=12))
def test_no_event_gets_a_key_that_is_not_its_own(
    any_events: psycopg.Connection, tmp_path_factory: pytest.TempPathFactory, items: list[dict[str, Any]]
) -> None:
    """Whatever is in it. Where the table holds a value in another form than the post had, the old key stays."""
    with keys_of_version(1):
        old = keys_of(*items)
    wanted = dict(zip(old, keys_of(*items), strict=True))
    landing = Landing(tmp_path_factory.mktemp("landing"))
    landing.land(body(items))
    conn = any_events
    with conn.transaction(force_rollback=True):
        rekeying.ensure_current(conn, RAW)
        with keys_of_version(1):
            load_files(
                conn, RAW, landing.store, landing.store.waiting("sendgrid"), kind="replay", run_id=None
            )
        for row in stored(conn):
            key = row["event_key"].bytes.decode("latin-1")
            assert rekeying._version_of(row) in (1, None)
            new = rekeying._new_key(row, 1)
            assert new is None or new.bytes.decode("latin-1") == wanted[key]


def stored(conn: psycopg.Connection) -> list[dict[str, Any]]:
    """What of the events in the table their keys are made from."""
    found = []
    for month in existing_partitions(conn, RAW):
        found += conn.cursor(row_factory=dict_row).execute(rekeying._events(RAW, month)).fetchall()
    return found


def keys_of(*items: Any) -> list[str]:
    """The keys of items of a post."""
    from tests.unit.test_event_rows import keys

    return keys(*items)
