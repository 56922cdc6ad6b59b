"""Each way in which data stops flowing is found within ten minutes, whichever process is down."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from sendgrid_orchestration import alerts
from sendgrid_orchestration.definitions import build_definitions
from sendgrid_orchestration.defs.health.checks import SHOWN_AT
from sendgrid_orchestration.defs.health.sensors import REPEAT_AFTER_S, changed
from sendgrid_orchestration.health import CHECKS, Finding, source_findings
from sendgrid_orchestration.landing import heartbeats
from sendgrid_orchestration.landing.store import open_store
from sendgrid_orchestration.load.loader import load_waiting
from sendgrid_orchestration.load.verification import verify_archive
from sendgrid_orchestration.receiver.access import ensure_token
from sendgrid_orchestration.receiver.metrics import LandingState, Totals, Waiting
from sendgrid_orchestration.receiver.peer_monitor import PeerMonitor
from sendgrid_orchestration.settings import Checks, Settings, Source, load_settings
from sendgrid_orchestration.warehouse.migrations import migrate
from tests.support.landed import Landing, body, event
from tests.support.listeners import webhook_listener
from tests.support.receiver import RunningReceiver

SOURCE = Source.model_validate({"name": "sendgrid"})
NOW = datetime.now(UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


@pytest.fixture
def conn(warehouse_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(warehouse_url) as conn:
        migrate(conn, SOURCE)
        conn.commit()
        yield conn


def find(
    conn: psycopg.Connection,
    landing: Landing,
    now: datetime = NOW,
    *,
    is_connected: bool = True,
    **checks: Any,
) -> dict[str, Finding]:
    found = source_findings(
        conn,
        landing.store,
        SOURCE,
        Checks.model_validate(checks),
        is_connected=is_connected,
        now=now,
    )
    assert [finding.check for finding in found] == list(CHECKS), "one outcome for each check"
    assert all(finding.healthy or finding.remedy for finding in found), "what is wrong has a remedy"
    return {finding.check: finding for finding in found}


def load_posts(conn: psycopg.Connection, landing: Landing, *received: datetime) -> None:
    for number, moment in enumerate(received):
        landing.land(body([event(number)]), received_at=moment)
    load_waiting(conn.info.dsn + f" password={conn.info.password}", landing.store, SOURCE)
    conn.commit()


def test_an_installation_without_a_webhook_is_healthy(conn: psycopg.Connection, landing: Landing) -> None:
    assert all(finding.healthy for finding in find(conn, landing, is_connected=False).values())


def test_a_receiver_that_never_started_is_missed(conn: psycopg.Connection, landing: Landing) -> None:
    assert find(conn, landing)["receiver_is_up"].sentence == "No receiver is running."


def test_a_receiver_that_fell_silent_is_missed_beside_one_that_lives(
    conn: psycopg.Connection, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    for host, ago in (("alive", MINUTE), ("dead", 4 * MINUTE)):
        monkeypatch.setattr(heartbeats.socket, "gethostname", lambda host=host: host)
        heartbeats.beat(landing.store, "receiver", {}, NOW - ago)
    finding = find(conn, landing)["receiver_is_up"]
    assert not finding.healthy
    assert "1 of 2 receiver(s) fell silent: dead (4 minutes)" in finding.sentence
    assert find(conn, landing, NOW - 2 * MINUTE)["receiver_is_up"].healthy


def test_a_host_that_was_replaced_is_forgotten_but_never_the_last(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    for host, ago in (("old", timedelta(days=3)), ("older", timedelta(days=4))):
        monkeypatch.setattr(heartbeats.socket, "gethostname", lambda host=host: host)
        heartbeats.beat(landing.store, "receiver", {}, NOW - ago)
    for _ in range(2):
        assert [found.host for found in heartbeats.heartbeats(landing.store, "receiver", NOW)] == ["old"]


def test_a_heartbeat_that_is_no_heartbeat_is_ignored(landing: Landing) -> None:
    heartbeats.beat(landing.store, "receiver", {})
    for name, content in (("receiver-x.json", b"{"), ("receiver-y.json", b"[]"), ("other.json", b"")):
        landing.store.put(f".heartbeats/{name}", content)
    assert len(heartbeats.heartbeats(landing.store, "receiver")) == 1
    assert heartbeats.heartbeats(landing.store, "dagster") == []


def test_refused_posts_are_reported_and_strangers_are_not(conn: psycopg.Connection, landing: Landing) -> None:
    refused = {"sendgrid": {"wrong_signature": 7}, "": {"unknown_url": 900}}
    heartbeats.beat(landing.store, "receiver", {"posts": {"sendgrid": 2}, "refused": refused}, NOW)
    finding = find(conn, landing)["posts_are_accepted"]
    assert (finding.healthy, "7 wrong_signature" in finding.sentence) == (False, True)
    heartbeats.beat(landing.store, "receiver", {"refused": {"sendgrid": {"method": 3}}}, NOW)
    assert find(conn, landing)["posts_are_accepted"].healthy


def test_a_receiver_whose_disk_is_full_is_reported(conn: psycopg.Connection, landing: Landing) -> None:
    heartbeats.beat(landing.store, "receiver", {"not_ready": "the disk is nearly full"}, NOW)
    assert "the disk is nearly full" in find(conn, landing)["receiver_is_up"].sentence


@pytest.mark.parametrize(("silence", "healthy"), [(9, True), (29, True), (31, False)])
def test_silence_is_measured_against_the_usual_pauses(
    conn: psycopg.Connection, landing: Landing, silence: int, healthy: bool
) -> None:
    load_posts(conn, landing, NOW - 60 * MINUTE, NOW - 45 * MINUTE, NOW - 40 * MINUTE)
    now = NOW - 40 * MINUTE + silence * MINUTE
    assert find(conn, landing, now)["events_arrive"].healthy is healthy
    assert find(conn, landing, now, longest_silence_hours=10)["events_arrive"].healthy
    assert not find(conn, landing, now, longest_silence_hours=0.1)["events_arrive"].healthy


def test_a_file_that_waits_too_long_is_reported(conn: psycopg.Connection, landing: Landing) -> None:
    path = landing.land(body([event(1)]))
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    assert find(conn, landing, NOW + 9 * MINUTE)["files_are_loaded"].healthy
    late = find(conn, landing, NOW + 11 * MINUTE)["files_are_loaded"]
    assert (late.healthy, "1 landed file(s) wait" in late.sentence) == (False, True)


def test_marts_that_fall_behind_are_reported(conn: psycopg.Connection, landing: Landing) -> None:
    load_posts(conn, landing, NOW)
    now = datetime.now(UTC)
    assert find(conn, landing, now + 5 * MINUTE)["models_follow_loads"].healthy
    late = find(conn, landing, now + 15 * MINUTE)["models_follow_loads"]
    assert (late.healthy, "Load 1" in late.sentence) == (False, True)
    conn.execute(
        "create table sendgrid_staging.model_state as select 'fct_email_messages' as model, 1 as load_id"
    )
    assert find(conn, landing, now + 15 * MINUTE)["models_follow_loads"].healthy


def test_an_archive_that_lost_a_file_is_reported(conn: psycopg.Connection, landing: Landing) -> None:
    load_posts(conn, landing, NOW)
    assert find(conn, landing)["archive_is_intact"].healthy
    (file,) = landing.root.rglob("*.zst")
    file.write_bytes(b"another file")
    verify_archive(conn, landing.store, SOURCE)
    finding = find(conn, landing)["archive_is_intact"]
    assert (finding.healthy, "1 archived file(s)" in finding.sentence) == (False, True)


@pytest.fixture
def settings(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("SENDGRID_CONFIG", str(tmp_path / "none.yaml"))
    (tmp_path / "none.yaml").write_text("{}")
    return load_settings(
        data_dir=tmp_path,
        warehouse={"url": warehouse_url},
        sources=[{"name": "sendgrid"}],
    )


def test_the_sensor_records_changes_only_and_reports_dagster_alive(settings: Settings) -> None:
    ensure_token(settings.data_dir, "sendgrid")
    defs = build_definitions(settings)
    sensor = defs.resolve_sensor_def("health")
    with dg.DagsterInstance.ephemeral() as instance:

        def tick(cursor: str | None) -> tuple[list[Any], str]:
            context = dg.build_sensor_context(
                instance, cursor=cursor, definitions=defs, resources=dict(defs.resources or {})
            )
            result = sensor(context)
            assert isinstance(result, dg.SensorResult)
            return list(result.asset_events), str(context.cursor)

        first, cursor = tick(None)
        assert {(event.check_name, event.passed) for event in first} == {
            (name, name != "receiver_is_up") for name in CHECKS
        }
        assert {tuple(event.asset_key.path[1:]) for event in first} == set(SHOWN_AT.values())
        assert tick(cursor)[0] == []
        heartbeats.beat(open_store(settings.landing_url), "receiver", {})
        assert [(event.check_name, event.passed) for event in tick(cursor)[0]] == [("receiver_is_up", True)]
    (beat,) = heartbeats.heartbeats(open_store(settings.landing_url), "dagster")
    assert beat.details == {"failing": 0}


def test_a_warehouse_that_is_away_fails_every_check(settings: Settings) -> None:
    away = settings.model_copy(
        update={
            "warehouse": settings.warehouse.model_validate({"url": "postgresql://u:secret@127.0.0.1:9/db"})
        }
    )
    defs = build_definitions(away)
    context = dg.build_sensor_context(definitions=defs, resources=dict(defs.resources or {}))
    result = defs.resolve_sensor_def("health")(context)
    assert isinstance(result, dg.SensorResult)
    assert {event.passed for event in result.asset_events} == {False}
    assert "secret" not in str(result.asset_events)


def test_an_outcome_that_stays_is_recorded_again_after_hours() -> None:
    outcome = dg.AssetCheckEvaluation(asset_key=dg.AssetKey("a"), check_name="c", passed=False, metadata={})
    news, cursor = changed([outcome], None, 1000.0)
    assert news == [outcome]
    assert changed([outcome], cursor, 1001.0 + REPEAT_AFTER_S)[0] == [outcome]
    assert changed([outcome], cursor, 999.0 + REPEAT_AFTER_S)[0] == []
    better = dg.AssetCheckEvaluation(asset_key=dg.AssetKey("a"), check_name="c", passed=True, metadata={})
    assert changed([better], cursor, 1001.0)[0] == [better]


def test_a_killed_receiver_leaves_its_heartbeat_and_a_stopped_one_does_not(tmp_path: Path) -> None:
    receiver = RunningReceiver(tmp_path).start()
    try:
        store = open_store(receiver.settings.landing_url)
        receiver.post(b'[{"event": "open"}]')
        receiver.post(b'[{"event": "open"}]', headers={})
        (beat,) = wait_for(lambda: heartbeats.heartbeats(store, "receiver"))
        assert beat.age(datetime.now(UTC)) < MINUTE
        assert receiver.stop() == 0
        assert heartbeats.heartbeats(store, "receiver") == []
        receiver.start()
        wait_for(lambda: heartbeats.heartbeats(store, "receiver"))
        receiver.kill()
        assert len(heartbeats.heartbeats(store, "receiver")) == 1
    finally:
        receiver.close()


def test_a_silent_dagster_is_reported_by_the_receiver_once(tmp_path: Path) -> None:
    store = open_store((tmp_path / "data" / "landing").as_uri())
    heartbeats.beat(store, "dagster", {}, datetime.now(UTC) - 11 * MINUTE)
    with webhook_listener() as webhook:
        receiver = RunningReceiver(
            tmp_path,
            settings={"alerts": {"urls": [{"env": "TEST_ALERTS_URL"}]}},
            environment={"TEST_ALERTS_URL": webhook.url},
            receiver={"workers": 2},
        ).start()
        try:
            wait_for(lambda: webhook.messages)
        finally:
            receiver.close()
    (message,) = webhook.messages
    assert " has been silent for 1" in message["message"]


def test_posts_that_wait_for_the_loader_are_reported_and_counted_in_the_window(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(settings.landing_url)
    totals = Totals({"sendgrid": 5}, {("sendgrid", "wrong_signature"): 2})
    waiting = LandingState(landing={"sendgrid": Waiting(3, 99, 700.0)})
    sent: list[str] = []
    monkeypatch.setattr(alerts, "is_configured", lambda _: True)
    monkeypatch.setattr(alerts, "send", lambda _, alert: sent.append(alert.text))
    monitor = PeerMonitor(settings, store, lambda: totals, lambda: waiting, lambda: "", interval_s=0.01)
    wait_for(lambda: sent)
    time.sleep(0.1)
    (beat,) = heartbeats.heartbeats(store, "receiver")
    monitor.close()
    assert beat.details["posts"] == {"sendgrid": 5}
    assert beat.details["refused"] == {"sendgrid": {"wrong_signature": 2}}
    (text,) = sent
    assert "3 landed file(s) of source sendgrid wait for the loader, the oldest for 12 minutes" in text


def wait_for(found: Any, seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return result
