"""One row of every collection, column by column: what was posted or answered, and what a person finds when querying.

The expectations are written by hand from SendGrid's documentation, not taken from our own declarations: a column that is
dropped, emptied, swapped with another or given another type fails here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from sendgrid_orchestration.load.loader import load_waiting
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.migrations import migrate
from tests.support.databases import database
from tests.support.dbt import DATABASE, dbt
from tests.support.landed import Landing, body

pytestmark = pytest.mark.timeout(900)

SOURCE = Source.model_validate(
    {
        "name": "sendgrid",
        "custom_args": {
            "customer": "text",
            "order": "integer",
            "total": "numeric",
            "vip": "boolean",
            "ordered_at": "timestamp",
        },
    }
)

RECEIVED = datetime(2026, 5, 4, 10, 0, 30, tzinfo=UTC)

TABLES = {
    "processed": "processed",
    "delivered": "delivered",
    "deferred": "deferred",
    "dropped": "dropped",
    "bounce": "bounce",
    "open": "_open",
    "click": "click",
    "spamreport": "spam_report",
    "unsubscribe": "unsubscribe",
    "group_unsubscribe": "group_unsubscribe",
    "group_resubscribe": "group_resubscribe",
    "account_status_change": "account_status_change",
    "cancel_drop": "other_event",
}

SPECIFIC = {
    "processed": "send_at pool_id pool_name newsletter_id newsletter_user_list_id newsletter_send_id",
    "delivered": "ip response tls cert_err",
    "deferred": "ip attempt response reason domain from_address tls cert_err",
    "dropped": "reason drop_family status message pool_id pool_name",
    "bounce": "ip type status reason bounce_classification bounce_class tls cert_err",
    "open": "ip useragent sg_content_type sg_machine_open is_machine_open",
    "click": "ip useragent url link_url url_offset_index url_offset_type sg_content_type",
    "spamreport": "ip useragent",
    "unsubscribe": "ip useragent unsubscribe_date reseller_id",
    "group_unsubscribe": "ip useragent url link_url",
    "group_resubscribe": "ip useragent url link_url",
    "account_status_change": "type",
}
"""The columns that only this type's table has, beside those of every event."""

COMMON = [
    "event_key",
    "message_key",
    "recipient_key",
    "sg_event_id",
    "sg_message_id",
    "smtp_id",
    "event",
    "event_at",
    "event_date",
    "received_at",
    "load_id",
    "is_copy",
    "is_test_post",
    "is_counted",
    "email",
    "recipient_domain",
    "mailbox_provider",
    "stream",
    "campaign_type",
    "campaign_key",
    "campaign_name",
    "template_key",
    "ab_variation",
    "phase_id",
    "categories",
    "asm_group_id",
    "singlesend_id",
    "singlesend_name",
    "mc_auto_id",
    "mc_auto_name",
    "mc_auto_step_id",
    "marketing_campaign_id",
    "marketing_campaign_name",
    "sg_template_id",
    "sg_template_name",
    "template_id",
    "template_version_id",
    "custom_args",
    "arg_customer",
    "arg_order",
    "arg_total",
    "arg_vip",
    "arg_ordered_at",
]


def full_post(event: str, number: int) -> dict[str, Any]:
    """An event with every key that SendGrid documents or is known to send, each with a value of its own."""
    return {
        "event": event,
        "timestamp": 1_777_888_800 + number,
        "email": f"{event}@Gmail.com",
        "sg_event_id": f"{event} event id",
        "sg_message_id": f"{event}.message.id",
        "smtp-id": f"<{event}@smtp>",
        "ip": f"192.0.2.{number}",
        "useragent": f"{event} agent",
        "url": f"https://example.com/{event}?utm=1#top",
        "url_offset": {"index": 3 + number, "type": f"{event} html"},
        "response": f"250 {event} response",
        "reason": f"Bounced Address: {event}",
        "status": "5.1.1",
        "type": "bounce" if event == "bounce" else f"{event} type",
        "bounce_classification": "Invalid Address",
        "asm_group_id": 100 + number,
        "attempt": str(200 + number),
        "tls": 1,
        "cert_err": f"{event} certificate",
        "sg_machine_open": True,
        "sg_content_type": f"{event} content type",
        "category": [f"{event} first", "second"],
        "singlesend_id": f"{event} single send",
        "singlesend_name": f"{event} single send name",
        "mc_stats": "singlesend",
        "phase_id": f"{event} phase",
        "sg_template_id": f"{event} sg template",
        "sg_template_name": f"{event} sg template name",
        "template": f"{event} template",
        "template_id": f"{event} template id",
        "template_version_id": f"{event} template version",
        "template_hash": f"{event} template hash",
        "mc_auto_id": f"{event} automation",
        "mc_auto_name": f"{event} automation name",
        "mc_auto_step_id": f"{event} step",
        "mc_auto_msg_id": f"{event} automation message",
        "mc_auto_unique_id": f"{event} automation unique",
        "mc_pod_id": f"{event} pod",
        "send_at": 1_777_880_000 + number,
        "domain": f"{event}.example.net",
        "from": f"{event}@example.org",
        "message": f"{event} message",
        "post_type": f"{event} post type",
        "marketing_campaign_id": 300 + number,
        "marketing_campaign_name": f"{event} campaign",
        "marketing_campaign_version": "A",
        "marketing_campaign_split_id": 400 + number,
        "date": f"{event} date",
        "reseller_id": f"{event} reseller",
        "sg_user_id": 500 + number,
        "pool": {"name": f"{event} pool", "id": 600 + number},
        "newsletter": {
            "newsletter_id": 700 + number,
            "newsletter_user_list_id": f"{event} user list",
            "newsletter_send_id": 800 + number,
        },
        "customer": f"{event} customer",
        "order": number,
        "total": "12.50",
        "vip": "yes",
        "ordered_at": "2026-05-01T08:00:00+02:00",
        "note": {"of": [event, 1]},
    }


def full_row(event: str, number: int) -> dict[str, Any]:
    """What `activity` shows for it: every column but the keys that are hashes."""
    return {
        "recipient_key": f"{event}@gmail.com",
        "sg_event_id": f"{event} event id",
        "sg_message_id": f"{event}.message.id",
        "smtp_id": f"<{event}@smtp>",
        "event": event,
        "event_at": datetime(2026, 5, 4, 10, 0, number, tzinfo=UTC),
        "event_date": date(2026, 5, 4),
        "received_at": RECEIVED,
        "load_id": 1,
        "is_copy": False,
        "is_test_post": False,
        "is_counted": True,
        "email": f"{event}@Gmail.com",
        "recipient_domain": "gmail.com",
        "mailbox_provider": "Gmail",
        "has_feedback_loop": False,
        "stream": "marketing",
        "campaign_type": "single_send",
        "campaign_key": f"single_send:{event} single send",
        "campaign_name": f"{event} single send name",
        "template_key": f"{event} template id",
        "ab_variation": "A",
        "phase_id": f"{event} phase",
        "categories": [f"{event} first", "second"],
        "asm_group_id": 100 + number,
        "singlesend_id": f"{event} single send",
        "singlesend_name": f"{event} single send name",
        "mc_auto_id": f"{event} automation",
        "mc_auto_name": f"{event} automation name",
        "mc_auto_step_id": f"{event} step",
        "mc_auto_msg_id": f"{event} automation message",
        "mc_auto_unique_id": f"{event} automation unique",
        "mc_pod_id": f"{event} pod",
        "mc_stats": "singlesend",
        "marketing_campaign_id": str(300 + number),
        "marketing_campaign_name": f"{event} campaign",
        "marketing_campaign_version": "A",
        "marketing_campaign_split_id": str(400 + number),
        "newsletter_id": str(700 + number),
        "newsletter_user_list_id": f"{event} user list",
        "newsletter_send_id": str(800 + number),
        "sg_template_id": f"{event} sg template",
        "sg_template_name": f"{event} sg template name",
        "template": f"{event} template",
        "template_id": f"{event} template id",
        "template_version_id": f"{event} template version",
        "template_hash": f"{event} template hash",
        "send_at": datetime(2026, 5, 4, 7, 33, 20 + number, tzinfo=UTC),
        "pool_id": str(600 + number),
        "pool_name": f"{event} pool",
        "from_address": f"{event}@example.org",
        "sg_user_id": str(500 + number),
        "post_type": f"{event} post type",
        "reseller_id": f"{event} reseller",
        "ip": f"192.0.2.{number}",
        "response": f"250 {event} response",
        "attempt": 200 + number,
        "reason": f"Bounced Address: {event}",
        "status": "5.1.1",
        "type": "bounce" if event == "bounce" else f"{event} type",
        "bounce_classification": "Invalid Address",
        "bounce_class": "hard" if event == "bounce" else None,
        "drop_family": "bounced" if event == "dropped" else None,
        "tls": 1,
        "cert_err": f"{event} certificate",
        "domain": f"{event}.example.net",
        "message": f"{event} message",
        "useragent": f"{event} agent",
        "url": f"https://example.com/{event}?utm=1#top",
        "link_url": f"https://example.com/{event}",
        "url_offset_index": 3 + number,
        "url_offset_type": f"{event} html",
        "sg_content_type": f"{event} content type",
        "sg_machine_open": True,
        "is_machine_open": event == "open",
        "unsubscribe_date": f"{event} date",
        "custom_args": {
            "customer": f"{event} customer",
            "order": number,
            "total": "12.50",
            "vip": "yes",
            "ordered_at": "2026-05-01T08:00:00+02:00",
            "note": {"of": [event, 1]},
        },
        "arg_customer": f"{event} customer",
        "arg_order": number,
        "arg_total": Decimal("12.50"),
        "arg_vip": True,
        "arg_ordered_at": datetime(2026, 5, 1, 6, tzinfo=UTC),
    }


BARE = {
    "recipient_key": "bare@example.com",
    "event_at": datetime(2026, 5, 5, 10, tzinfo=UTC),
    "event_date": date(2026, 5, 5),
    "received_at": RECEIVED,
    "load_id": 1,
    "is_copy": False,
    "is_test_post": False,
    "is_counted": True,
    "email": "bare@example.com",
    "recipient_domain": "example.com",
    "mailbox_provider": "Other",
    "has_feedback_loop": False,
    "stream": "transactional",
    "campaign_type": "none",
    "campaign_key": "none",
    "is_machine_open": False,
}
"""All that an event without optional keys shows; every other column is null."""

DERIVED_FROM_NOTHING = {"bounce": {"bounce_class": "soft"}, "dropped": {"drop_family": "other"}}


@pytest.fixture(scope="module")
def warehouse(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[psycopg.Connection[Any]]:
    """Posts of every type, full and bare, loaded, with the collections built."""
    folder = tmp_path_factory.mktemp("golden")
    with database(postgres_url, DATABASE) as url:
        with psycopg.connect(url) as conn:
            migrate(conn, SOURCE)
        with psycopg.connect(url, row_factory=dict_row, options="-c timezone=UTC") as conn:
            landing = Landing(folder / "landing")
            full = [full_post(event, number) for number, event in enumerate(TABLES)]
            bare = [
                {"event": event, "timestamp": 1_777_975_200, "email": "bare@example.com"} for event in TABLES
            ]
            landing.land(body([*full, *bare]), received_at=RECEIVED)
            result = load_waiting(url, landing.store, SOURCE)
            assert (result.inserted, result.quarantined) == (2 * len(TABLES), 0)
            dbt(
                url,
                folder / "dbt",
                "build",
                "--select",
                "resource_type:seed",
                "path:models/events",
                "--exclude-resource-type",
                "test",
                "unit_test",
            )
            yield conn


def the_row(conn: psycopg.Connection[Any], table: str, event: str, email: str) -> dict[str, Any]:
    """The only row of an event in a table."""
    query = f"select * from sendgrid.{table} where event = %s and email = %s"
    (row,) = conn.execute(query.encode(), [event, email]).fetchall()
    return dict(row)


@pytest.mark.parametrize(("number", "event"), list(enumerate(TABLES)))
def test_a_full_event_fills_every_column_of_activity(
    warehouse: psycopg.Connection[Any], number: int, event: str
) -> None:
    row = the_row(warehouse, "activity", event, f"{event}@Gmail.com")
    keys = row.pop("event_key"), row.pop("message_key")
    assert None not in keys
    assert row == full_row(event, number)


@pytest.mark.parametrize(("number", "event"), list(enumerate(TABLES)))
def test_an_event_table_shows_the_columns_of_its_type(
    warehouse: psycopg.Connection[Any], number: int, event: str
) -> None:
    row = the_row(warehouse, TABLES[event], event, f"{event}@Gmail.com")
    activity = the_row(warehouse, "activity", event, f"{event}@Gmail.com")
    names = [*COMMON, *SPECIFIC[event].split()] if event in SPECIFIC else list(activity)
    assert sorted(row) == sorted(names)
    assert row == {name: activity[name] for name in names}


@pytest.mark.parametrize("event", TABLES)
def test_what_an_event_does_not_say_is_null(warehouse: psycopg.Connection[Any], event: str) -> None:
    row = the_row(warehouse, "activity", event, "bare@example.com")
    del row["event_key"]
    shown = {name: value for name, value in row.items() if value is not None}
    assert shown == {"event": event, **BARE, **DERIVED_FROM_NOTHING.get(event, {})}
