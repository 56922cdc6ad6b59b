"""What a message says: the names and properties of Segment's and Amplitude's own SendGrid sources, one event at a time.

The expectations are written out here from the vendors' documents, not derived from our mapping.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from standardwebhooks import Webhook

from sendgrid_orchestration.destinations import mapping
from sendgrid_orchestration.destinations.deliverer import deliver
from sendgrid_orchestration.destinations.segment_views import create_views
from sendgrid_orchestration.settings import PROJECT_ROOT, DeliveryEvent
from sendgrid_orchestration.simulator.amplitude import AmplitudeApi
from sendgrid_orchestration.simulator.segment import SegmentApi
from sendgrid_orchestration.warehouse.engine import connect
from tests.support.deliveries import (
    API_KEY,
    IMPATIENT,
    WEBHOOK_SECRET,
    WRITE_KEY,
    Events,
    amplitude,
    segment,
    set_keys,
    source_with,
    webhook,
)
from tests.support.listeners import webhook_listener

AT = 1_717_243_200  # 2024-06-01T12:00:00Z

NAMES = {
    "processed": "Email Processed",
    "delivered": "Email Delivered",
    "open": "Email Opened",
    "machine_opened": "Email Machine Opened",
    "click": "Email Link Clicked",
    "dropped": "Email Dropped",
    "bounce": "Email Bounced",
    "unsubscribe": "Unsubscribed",
    "group_unsubscribe": "Unsubscribed From Group",
    "group_resubscribe": "Resubscribed To Group",
    "spamreport": "Email Marked as Spam",
}
"""Document: the eleven events (S56 to S66)."""

TABLES = {
    "Email Processed": "email_processed",
    "Email Delivered": "email_delivered",
    "Email Opened": "email_opened",
    "Email Machine Opened": "email_machine_opened",
    "Email Link Clicked": "email_link_clicked",
    "Email Dropped": "email_dropped",
    "Email Bounced": "email_bounced",
    "Unsubscribed": "unsubscribed",
    "Unsubscribed From Group": "unsubscribed_from_group",
    "Resubscribed To Group": "resubscribed_to_group",
    "Email Marked as Spam": "email_marked_as_spam",
}

MAILS: dict[str, dict[str, Any]] = {
    "single send": {
        "mc_stats": "singlesend",
        "singlesend_id": "ss-1",
        "singlesend_name": "June news",
        "template_id": "d-1",
        "phase_id": "send",
        "category": ["news", "june"],
        "asm_group_id": 42,
    },
    "test phase": {
        "mc_stats": "singlesend",
        "singlesend_id": "ss-2",
        "singlesend_name": "Test",
        "sg_template_id": "d-2",
        "phase_id": "test",
    },
    "automation": {
        "mc_stats": "automation",
        "mc_auto_id": "auto-1",
        "mc_auto_name": "Welcome",
        "mc_auto_step_id": "step-3",
        "template_id": "d-3",
        "category": "welcome",
    },
    "transactional": {"category": [], "template_id": "", "ip": "", "useragent": ""},
}

PROPERTIES: dict[str, dict[str, Any]] = {
    "single send": {
        "email_type": "Singlesend",
        "campaign_id": "ss-1",
        "campaign_name": "June news",
        "template_id": "d-1",
        "categories": ["news", "june"],
        "unsubscribe_group_id": 42,
    },
    "test phase": {
        "email_type": "Singlesend",
        "campaign_id": "ss-2",
        "campaign_name": "Test",
        "template_id": "d-2",
        "test_phase": True,
    },
    "automation": {
        "email_type": "Automation",
        "automation_id": "auto-1",
        "automation_name": "Welcome",
        "automation_step_id": "step-3",
        "template_id": "d-3",
        "categories": ["welcome"],
    },
    "transactional": {},
}
"""Document: which properties mail of each kind has (S69 to S77, S80)."""


def item(number: int, choice: str, mail: str, **keys: Any) -> dict[str, Any]:
    """An event as SendGrid posts it: the IP of an open is the reader's, of a delivery the sending server's."""
    kind = "open" if choice == "machine_opened" else choice
    made = {
        "event": kind,
        "email": "Example@Test.example",
        "timestamp": AT + number,
        "sg_event_id": f"id-{number}",
        "sg_message_id": f"message-{number}",
        "ip": "203.0.113.9",
        "useragent": "Mozilla/5.0",
        "url": "https://example.com/a?b=c",
        **MAILS[mail],
        **keys,
    }
    if choice == "machine_opened":
        made["sg_machine_open"] = True
    return made


@pytest.fixture
def events(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Events:
    set_keys(monkeypatch)
    return Events(warehouse_url, tmp_path)


@pytest.fixture
def api() -> Iterator[SegmentApi]:
    with SegmentApi(WRITE_KEY) as api:
        yield api


def test_every_event_becomes_the_documented_track_call(events: Events, api: SegmentApi) -> None:
    """S50, S53, S54, S56 to S80: every type of event, in every kind of mail, with all that applies and nothing else."""
    cases = [(choice, mail) for choice in NAMES for mail in MAILS]
    events.load(item(number, *case) for number, case in enumerate(cases))
    deliver(events.url, source_with(segment(api.url)), "segment", policy=IMPATIENT)
    assert len(api.messages) == len(cases) == 44
    by_time = sorted(api.messages, key=lambda message: message["timestamp"])
    for number, ((choice, mail), message) in enumerate(zip(cases, by_time, strict=True)):
        expected = {"event": "open" if choice == "machine_opened" else choice, **PROPERTIES[mail]}
        traits = {"email": "Example@Test.example"}
        if choice == "click":
            expected["link_url"] = "https://example.com/a?b=c"
        if choice in {"open", "machine_opened", "click"} and mail != "transactional":
            traits |= {"ip": "203.0.113.9", "user_agent": "Mozilla/5.0"}
        moment = datetime.fromtimestamp(AT + number, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert message.pop("messageId")
        assert message["context"].pop("library")["name"] == "sendgrid-orchestration"
        assert message == {
            "type": "track",
            "event": NAMES[choice],
            "anonymousId": hashlib.sha256(b"example@test.example").hexdigest(),
            "timestamp": moment,
            "context": {"traits": traits},
            "properties": expected,
        }, (choice, mail)


@pytest.mark.parametrize(
    ("email", "anonymous_id"),
    [
        ("example@test.com", "273f6ec2fc79031c824daff15d9415db2e8f2dd2a934b6b8b13540b5f94062b0"),
        ("user@company.com", "549c55aa4ba0976e45e55f643ed04296b6e444e4dc94a7ae473471e11ad2a860"),
        (" User@Company.com", "549c55aa4ba0976e45e55f643ed04296b6e444e4dc94a7ae473471e11ad2a860"),
        ("homer@simpsons.com", "622a73ca8094a0187902e00a699c230c060cdb1ca15690187a8cf11cba262672"),
    ],
)
def test_anonymous_id_is_the_hash_of_the_address(warehouse_url: str, email: str, anonymous_id: str) -> None:
    """S53, by vectors that were computed elsewhere; one person has one id however the address is written (S87)."""
    with connect(warehouse_url) as conn:
        query = f"select {mapping.ANONYMOUS_ID} from (select %s as email) as event"
        assert conn.execute(query.encode(), [email]).fetchone() == (anonymous_id,)


def test_the_vocabulary_is_segments() -> None:
    """S67: eleven names, `deferred` under a twelfth for those who ask; S55: each with the table Segment makes of it."""
    assert {track.choice: track.name for track in mapping.TRACK_NAMES if not track.opt_in} == NAMES
    assert {track.name: track.table for track in mapping.TRACK_NAMES if not track.opt_in} == TABLES
    assert [track.name for track in mapping.TRACK_NAMES if track.opt_in] == ["Email Deferred"]
    assert set(mapping.TRACK_NAME_BY_CHOICE) == set(get_args(DeliveryEvent))
    assert set(mapping.AMPLITUDE_NAME_BY_CHOICE) >= set(get_args(DeliveryEvent))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2FA Enabled", "2fa_enabled"),
        ("samPLE text", "sam_ple_text"),
        ("CStringRef", "cstring_ref"),
        ("THE5r", "the5r"),
        ("f_pX9", "f_p_x9"),
        ("___$$Base64Encode", "base64_encode"),
        ("sample___text", "sample_text"),
        ("[Sendgrid] open", "sendgrid_open"),
        ("smtp-id", "smtp_id"),
    ],
)
def test_tables_are_named_as_segment_names_them(name: str, expected: str) -> None:
    """The vectors of segmentio/go-snakecase's own tests."""
    assert mapping.snake_case(name) == expected


def test_a_test_post_is_what_the_models_call_one() -> None:
    macro = (PROJECT_ROOT / "dbt_project" / "macros" / "event_columns.sql").read_text(encoding="utf-8")
    for constant in re.findall(r"'[^']+'", mapping.IS_TEST_POST):
        assert constant in macro


def test_deferred_copies_and_test_posts_are_sent_only_if_asked_for(events: Events, api: SegmentApi) -> None:
    """S67, S93: what was not chosen never leaves, and is counted by its reason."""
    items = [
        item(1, "deferred", "transactional"),
        item(2, "open", "single send"),
        item(2, "open", "single send", sg_event_id="another id"),
        item(3, "click", "automation"),
        item(4, "processed", "transactional", email="example@test.com"),
        item(5, "account_status_change", "transactional"),
    ]
    events.load(items)
    careful = source_with(segment(api.url, events=["open", "drop", "processed"]))
    done = deliver(events.url, careful, "segment", policy=IMPATIENT)
    assert [message["event"] for message in api.messages] == ["Email Opened"]
    assert (done.events, done.skipped, done.accepted) == (6, 5, 1)
    reasons = events.value("select skipped_by_reason from sendgrid_raw.delivery_batches")
    assert reasons == {"not chosen": 3, "copy": 1, "test post": 1}
    assert events.adds_up()

    everything = source_with(
        segment(
            api.url,
            name="everything",
            events=["open", "deferred", "processed", "click"],
            send_copies=True,
            send_test_posts=True,
        )
    )
    assert deliver(events.url, everything, "everything", policy=IMPATIENT).accepted == 5
    assert "Email Deferred" in {message["event"] for message in api.messages}


def test_marketing_only_leaves_out_transactional_mail(events: Events, api: SegmentApi) -> None:
    events.load(item(number, "delivered", mail) for number, mail in enumerate(MAILS))
    deliver(events.url, source_with(segment(api.url, marketing_only=True)), "segment", policy=IMPATIENT)
    assert len(api.messages) == 3


def test_the_subject_is_that_of_the_single_send(events: Events, api: SegmentApi) -> None:
    """S71: when available, and omitted when unknown or when a test has several."""
    events.load_ordinary(1)
    for number, is_abtest in ((1, "false"), (2, "true")):
        events.run(
            "insert into sendgrid_raw.single_sends (id, subject, is_abtest, content_hash, first_seen_at, synced_at) "
            f"values ('ss-{number}', 'Hello', {is_abtest}, 1, now(), now())"
        )
    events.load([item(1, "delivered", "single send"), item(2, "delivered", "test phase")])
    deliver(events.url, source_with(segment(api.url, start="2024-06-01")), "segment", policy=IMPATIENT)
    subjects = {
        message["properties"]["campaign_id"]: message["properties"].get("email_subject")
        for message in api.messages
        if "campaign_id" in message["properties"]
    }
    assert subjects == {"ss-1": "Hello", "ss-2": None}


def test_an_event_becomes_the_documented_amplitude_event(events: Events) -> None:
    """S106 to S110, S119, S120: prefix, library, milliseconds, and a user id chosen event by event."""
    events.load(
        [
            item(0, "click", "single send", amp_user_id="42", plan="pro"),
            item(1, "machine_opened", "automation"),
            item(2, "delivered", "transactional"),
        ]
    )
    with AmplitudeApi(API_KEY) as api:
        deliver(events.url, source_with(amplitude(api.url)), "amplitude", policy=IMPATIENT)
        assert {seen.path for seen in api.log.all()} == {"/2/httpapi"}
    click, opened, delivered = sorted(api.events, key=lambda event: event["time"])
    assert [event["event_type"] for event in (click, opened, delivered)] == [
        "[Sendgrid] click",
        "[Sendgrid] open",
        "[Sendgrid] delivered",
    ]
    assert {event["library"] for event in api.events} == {"sendgrid"}
    assert [event["user_id"] for event in (click, opened, delivered)] == ["42", *["Example@Test.example"] * 2]
    assert click["time"] == AT * 1000
    assert (click["ip"], click["user_agent"]) == ("203.0.113.9", "Mozilla/5.0")
    assert "ip" not in opened
    assert "ip" not in delivered
    assert click["event_properties"] == {
        "email": "Example@Test.example",
        "plan": "pro",
        "template_id": "d-1",
        "asm_group_id": 42,
        "url": "https://example.com/a?b=c",
        "category": ["news", "june"],
        "singlesend_name": "June news",
        "singlesend_id": "ss-1",
        "mc_stats": "singlesend",
        "phase_id": "send",
        "sg_message_id": "message-0",
        "sg_event_id": "id-0",
    }
    assert opened["event_properties"]["sg_machine_open"] is True
    assert len({event["insert_id"] for event in api.events}) == 3


def test_ids_are_the_targets_own_and_short(events: Events, api: SegmentApi) -> None:
    """Segment ignores an id that any of its sources has seen: one event has another id for each target."""
    api.write_keys.add("another-write-key")
    events.load([item(0, "open", "automation")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANOTHER_KEY", "another-write-key")
        another = segment(api.url, name="another") | {"write_key": {"env": "ANOTHER_KEY"}}
        source = source_with(segment(api.url), another)
        for name in ("segment", "another"):
            deliver(events.url, source, name, policy=IMPATIENT)
    ids = [message["messageId"] for message in api.messages]
    assert len(set(ids)) == 2
    assert all(len(one) < 100 for one in ids)
    assert not any(WRITE_KEY in one for one in ids)


def test_a_webhook_is_signed_and_says_what_sendgrid_said(events: Events) -> None:
    """The signature is checked by the library that receivers use."""
    events.load(
        [item(0, "click", "single send", plan="pro"), item(1, "bounce", "transactional", reason="no")]
    )
    with webhook_listener() as heard:
        source = source_with(webhook(heard.url.replace("json://", "http://"), events_per_post=1))
        deliver(events.url, source, "webhook", policy=IMPATIENT)
    posts = list(zip(heard.messages, heard.headers, heard.bodies, strict=True))
    assert len({headers["webhook-id"] for _, headers, _ in posts}) == 2
    for _, headers, body in posts:
        assert Webhook(WEBHOOK_SECRET).verify(body, dict(headers))["type"] == "sendgrid.events"
    (click,) = [post["data"][0] for post, *_ in posts if post["data"][0]["data"]["event"] == "click"]
    assert click["data"]["url"] == "https://example.com/a?b=c"
    assert click["data"]["custom_args"] == {"plan": "pro"}
    assert "reason" not in click["data"]


def test_segments_sdk_and_we_are_judged_alike(events: Events) -> None:
    """What Segment's own library sends is taken, too, and has the same shape: our endpoint is not made for our messages."""
    from segment import analytics  # type: ignore[import-untyped]

    with SegmentApi(WRITE_KEY, keep_bodies=True) as api:
        client = analytics.Client(WRITE_KEY, host=api.url, sync_mode=True, gzip=True)
        client.track(
            anonymous_id="a" * 64,
            event="Email Opened",
            properties={"event": "open"},
            context={"traits": {"email": "a@example.com"}},
            timestamp=datetime(2024, 6, 1, tzinfo=UTC),
            message_id="theirs",
        )
        events.load([item(0, "open", "transactional")])
        deliver(events.url, source_with(segment(api.url)), "segment", policy=IMPATIENT)
        theirs, ours = api.bodies
    assert len(api.messages) == 2
    assert not api.discarded
    assert set(ours) <= set(theirs)
    assert set(ours["batch"][0]) <= set(theirs["batch"][0])
    assert {type(value) for value in ours["batch"][0].values()} <= {
        type(value) for value in theirs["batch"][0].values()
    }


def test_amplitudes_sdk_and_we_are_judged_alike(events: Events) -> None:
    """The same for Amplitude's library."""
    from amplitude import Amplitude, BaseEvent, Config  # type: ignore[import-untyped]

    with AmplitudeApi(API_KEY, keep_bodies=True) as api:
        client = Amplitude(API_KEY, Config(server_url=f"{api.url}/2/httpapi", flush_interval_millis=10))
        client.track(
            BaseEvent("[Sendgrid] open", user_id="a@example.com", time=AT * 1000, insert_id="theirs")
        )
        for future in client.flush():
            future.result()
        client.shutdown()
        events.load([item(0, "open", "transactional")])
        deliver(events.url, source_with(amplitude(api.url)), "amplitude", policy=IMPATIENT)
        theirs, ours = api.bodies
    assert len(api.events) == 2
    assert set(ours) <= {*theirs, "options"}
    assert set(ours["events"][0]) <= {*theirs["events"][0], "event_properties"}


def test_views_have_the_rows_that_segments_warehouse_would_have(events: Events, api: SegmentApi) -> None:
    """S52, S54, S55: each message, flattened as Segment flattens it, is the row of its table; `tracks` has all."""
    events.load(
        item(number, choice, mail)
        for number, (choice, mail) in enumerate(
            (choice, mail) for choice in [*NAMES, "deferred"] for mail in MAILS
        )
    )
    source = source_with(segment(api.url))
    deliver(events.url, source, "segment", policy=IMPATIENT)
    with connect(events.url) as conn:
        create_views(conn, source)
        conn.commit()
        assert not create_views(conn, source), "what is up to date is left alone"
        tables = {
            name
            for (name,) in conn.execute(
                "select table_name from information_schema.tables where table_schema = 'sendgrid_segment'"
            )
        }
        assert tables == {"tracks", *TABLES.values()}
        for name, table in TABLES.items():
            cursor = conn.execute(f"select * from sendgrid_segment.{table} order by timestamp".encode())
            columns = [column.name for column in cursor.description or ()]
            rows = [dict(zip(columns, row, strict=True)) for row in cursor]
            sent = sorted(
                (message for message in api.messages if message["event"] == name),
                key=lambda m: m["timestamp"],
            )
            assert len(rows) == len(sent) == len(MAILS)
            for row, message in zip(rows, sent, strict=True):
                assert row["event"] == table
                assert row["event_text"] == name
                assert row["received_at"] is not None
                flat = {key: value for key, value in row.items() if key in _flattened(message)}
                assert flat == _flattened(message)
                unset = set(columns) - set(_flattened(message)) - _OF_THE_WAREHOUSE
                assert all(row[column] is None for column in unset)
        total = conn.execute("select count(*), count(distinct id) from sendgrid_segment.tracks").fetchone()
        assert total == (len(api.messages),) * 2


_OF_THE_WAREHOUSE = {
    *("id", "event", "event_text", "received_at", "sent_at", "uuid_ts", "original_timestamp"),
    *("context_library_name", "context_library_version"),
}


def _flattened(message: dict[str, Any]) -> dict[str, Any]:
    """A message as Segment's warehouses store it: names joined by underscores, arrays as text, reserved names with a prefix."""
    flat: dict[str, Any] = {
        "anonymous_id": message["anonymousId"],
        "timestamp": datetime.fromisoformat(message["timestamp"].replace("Z", "+00:00")),
    }
    flat |= {f"context_traits_{name}": value for name, value in message["context"]["traits"].items()}
    for name, value in message["properties"].items():
        flat["_event" if name == "event" else name] = (
            "[" + ",".join(f'"{part}"' for part in value) + "]" if isinstance(value, list) else value
        )
    return flat


def test_bodies_are_compressed_and_dated_by_the_attempt(events: Events) -> None:
    with SegmentApi(WRITE_KEY, keep_bodies=True) as api:
        api.faults.add("/v1/batch", status=500)
        events.load([item(0, "open", "automation")])
        before = datetime.now(UTC)
        deliver(events.url, source_with(segment(api.url)), "segment", policy=IMPATIENT)
        seen = api.log.all("/v1/batch")
    assert [one.status for one in seen] == [500, 200]
    assert {one.headers["content-encoding"] for one in seen} == {"gzip"}
    assert datetime.fromisoformat(api.bodies[0]["sentAt"].replace("Z", "+00:00")) >= before.replace(
        microsecond=0
    )
