"""One row of every object, column by column: what SendGrid answered, and what a person finds in the collection.

Answers and expectations are written by hand from SendGrid's documentation and from answers of real accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.sync import OBJECTS, sync_object
from sendgrid_orchestration.warehouse.migrations import migrate
from tests.support.databases import database
from tests.support.dbt import DATABASE, dbt
from tests.support.scripted_sendgrid import Answer, scripted_sendgrid

pytestmark = pytest.mark.timeout(900)

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
OURS = {"first_seen_at": NOW, "synced_at": NOW, "deleted_at": None}

LIST, SEGMENT, CONTACT, SEND, AUTOMATION = (
    "5e8f7a1c-0001-4000-8000-000000000001",
    "5e8f7a1c-0002-4000-8000-000000000002",
    "5e8f7a1c-0003-4000-8000-000000000003",
    "5e8f7a1c-0004-4000-8000-000000000004",
    "5e8f7a1c-0005-4000-8000-000000000005",
)
MARKETING = {
    "requests": 11,
    "delivered": 12,
    "bounces": 13,
    "bounce_drops": 14,
    "invalid_emails": 15,
    "opens": 16,
    "unique_opens": 17,
    "clicks": 18,
    "unique_clicks": 19,
    "spam_reports": 20,
    "spam_report_drops": 21,
    "unsubscribes": 22,
}
MAIL = {
    "blocks": 31,
    "bounce_drops": 32,
    "bounces": 33,
    "clicks": 34,
    "deferred": 35,
    "delivered": 36,
    "invalid_emails": 37,
    "opens": 38,
    "processed": 39,
    "requests": 40,
    "spam_report_drops": 41,
    "spam_reports": 42,
    "unique_clicks": 43,
    "unique_opens": 44,
    "unsubscribe_drops": 45,
    "unsubscribes": 46,
}
PROVIDER = {
    "blocks": 51,
    "bounces": 52,
    "clicks": 53,
    "deferred": 54,
    "delivered": 55,
    "drops": 56,
    "opens": 57,
    "processed": 58,
    "requests": 59,
    "spam_reports": 60,
    "unique_clicks": 61,
    "unique_opens": 62,
}
OPENS = {"opens": 63, "unique_opens": 64}
CLICKS = {"clicks": 65, "unique_clicks": 66}
CSV = (
    "EMAIL,FIRST_NAME,LAST_NAME,ADDRESS_LINE_1,ADDRESS_LINE_2,CITY,STATE_PROVINCE_REGION,POSTAL_CODE,COUNTRY,"
    "ALTERNATE_EMAILS,PHONE_NUMBER,WHATSAPP,LINE,FACEBOOK,UNIQUE_NAME,CREATED_AT,UPDATED_AT,CONTACT_ID,"
    "Plan,seats,renewalDate,PHONE_NUMBER_ID,EXTERNAL_ID,ANONYMOUS_ID\r\n"
    'Ann@Example.com,Ann,"O\'Neil, Jr.",1 Main St,Floor 2,Oslo,Viken,0150,Norway,"a@b.example,c@d.example",+4712,wa,ln,fb,'
    f"unique,2024-01-02T03:04:05.678Z,2025-02-03T04:05:06Z,{CONTACT},gold,12.5,2026-07-01T00:00:00Z,+4713,ext,anon\r\n"
)


def paged(*rows: dict[str, Any], key: str = "result") -> dict[str, Any]:
    return {key: list(rows), "_metadata": {"self": "{url}/", "count": len(rows)}}


def once(*rows: Any) -> Answer:
    """A list that is paged by offset: everything on the first page."""
    return lambda query: list(rows) if query.get("offset", "0") == "0" else []


def of_day(*rows: dict[str, Any]) -> Callable[[dict[str, str]], Any]:
    """Statistics by day: the answer for the slice that contains the day."""
    return lambda query: [row for row in rows if query["start_date"] <= row["date"] <= query["end_date"]]


def send_stats(query: dict[str, str]) -> Any:
    if query["aggregated_by"] == "day":
        return {**paged(stats_row(SEND, "2026-05-03"), key="results")}
    return {**paged(stats_row(SEND, "total", ab_variation="variant", ab_phase="test"), key="results")}


def automation_stats(query: dict[str, str]) -> Any:
    if query["aggregated_by"] == "day":
        return {**paged(stats_row(AUTOMATION, "2026-05-03"), key="results")}
    return {**paged(stats_row(AUTOMATION, "total", step_id="step"), key="results")}


def stats_row(one: str, aggregation: str, **parts: str) -> dict[str, Any]:
    return {"id": one, "aggregation": aggregation, **parts, "stats": MARKETING}


def figure(kind: str, name: str, metrics: dict[str, int]) -> dict[str, Any]:
    return {"date": "2026-05-03", "stats": [{"type": kind, "name": name, "metrics": metrics}]}


def places(query: dict[str, str]) -> Any:
    country = query.get("country")
    if country == "CA":
        return []
    told = figure("province", "TX", OPENS | CLICKS) if country else figure("country", "US", OPENS | CLICKS)
    return of_day(told)(query)


def legacy_recipients(query: dict[str, str]) -> Any:
    if query.get("page", "1") != "1":
        return None
    return {
        "recipients": [
            {
                "id": "YW5u",
                "email": "ann@example.com",
                "first_name": "Ann",
                "last_name": "Lee",
                "created_at": 1_600_000_000,
                "updated_at": 1_600_000_100,
                "last_emailed": 1_600_000_200,
                "last_opened": 1_600_000_300,
                "last_clicked": 1_600_000_400,
                "custom_fields": [{"id": 4, "name": "pet", "type": "text", "value": "cat"}],
            }
        ]
    }


NEW: dict[str, Answer] = {
    "GET /v3/marketing/lists": paged(
        {"id": LIST, "name": "Newsletter", "contact_count": 1, "_metadata": {"self": "{url}/"}}
    ),
    "GET /v3/marketing/segments/2.0": {
        "results": [
            {
                "id": SEGMENT,
                "name": "Active",
                "contacts_count": 5,
                "created_at": "2024-03-01T10:00:00Z",
                "updated_at": "2024-04-01T10:00:00Z",
                "sample_updated_at": "2026-05-04T09:00:00Z",
                "next_sample_update": "2026-05-04T13:00:00Z",
                "parent_list_ids": [LIST],
                "query_version": "2",
                "status": {"query_validation": "VALID", "error_message": "none"},
            }
        ]
    },
    "GET /v3/marketing/segments": {"results": []},
    f"GET /v3/marketing/segments/2.0/{SEGMENT}": {
        "id": SEGMENT,
        "query_dsl": "select contact_id from contact_data",
    },
    "GET /v3/marketing/contacts/count": {"contact_count": 1, "billable_count": 1},
    "POST /v3/marketing/contacts/exports": {"id": "export", "_metadata": {"self": "{url}/"}},
    "GET /v3/marketing/contacts/exports/export": {
        "id": "export",
        "status": "ready",
        "urls": ["{url}/file.csv"],
        "contact_count": 1,
    },
    "GET /file.csv": CSV.encode(),
    "GET /v3/marketing/field_definitions": {
        "custom_fields": [
            {"id": "e1_T", "name": "Plan", "field_type": "Text"},
            {"id": "e2_N", "name": "seats", "field_type": "Number"},
            {"id": "e3_D", "name": "renewalDate", "field_type": "Date"},
        ],
        "reserved_fields": [
            {"id": "_rf0_T", "name": "first_name", "field_type": "Text", "read_only": True},
        ],
    },
    "GET /v3/marketing/campaigns": paged(
        {
            "id": AUTOMATION,
            "name": "Welcome",
            "status": "live",
            "channels": ["email"],
            "is_abtest": False,
            "created_at": "2024-05-01T00:00:00Z",
            "updated_at": "2024-05-02T00:00:00Z",
        }
    ),
    "GET /v3/marketing/singlesends": paged(
        {
            "id": SEND,
            "name": "Sale",
            "status": "triggered",
            "is_abtest": True,
            "updated_at": "2026-05-02T00:00:00Z",
            "created_at": "2026-05-01T00:00:00Z",
            "send_at": "2026-05-03T06:00:00Z",
            "categories": ["sale", "may"],
            "abtest": None,
        }
    ),
    f"GET /v3/marketing/singlesends/{SEND}": {
        "id": SEND,
        "name": "Sale",
        "status": "triggered",
        "categories": ["sale", "may"],
        "send_at": "2026-05-03T06:00:00Z",
        "send_to": {"list_ids": [LIST], "segment_ids": [SEGMENT], "all": False},
        "email_config": {"subject": "Half price", "suppression_group_id": 8, "sender_id": 9},
        "warnings": [{"message": "w"}],
        "abtest": {"type": "subject"},
        "created_at": "2026-05-01T00:00:00Z",
        "updated_at": "2026-05-02T00:00:00Z",
    },
    "GET /v3/marketing/stats/singlesends": paged(
        stats_row(SEND, "total", ab_variation="all", ab_phase="all"), key="results"
    ),
    f"GET /v3/marketing/stats/singlesends/{SEND}": send_stats,
    "GET /v3/marketing/stats/automations": paged(
        stats_row(AUTOMATION, "total", step_id="all"), key="results"
    ),
    f"GET /v3/marketing/stats/automations/{AUTOMATION}": automation_stats,
    f"GET /v3/marketing/stats/singlesends/{SEND}/links": paged(
        {
            "url": "https://shop.example/?a=1",
            "url_location": 3,
            "ab_variation": "variant",
            "ab_phase": "test",
            "clicks": 18,
        },
        key="results",
    ),
    f"GET /v3/marketing/stats/automations/{AUTOMATION}/links": paged(
        {"url": "https://shop.example/?b=2", "url_location": 4, "step_id": "step", "clicks": 17},
        key="results",
    ),
    "GET /v3/marketing/senders": {
        "results": [
            {
                "id": 71,
                "nickname": "Shop",
                "from": {"email": "shop@example.com", "name": "The Shop"},
                "reply_to": {"email": "reply@example.com", "name": "Replies"},
                "address": "1 Main St",
                "address_2": "Floor 2",
                "city": "Oslo",
                "state": "Viken",
                "zip": "0150",
                "country": "Norway",
                "verified": {"status": False, "reason": "not yet"},
                "locked": True,
                "created_at": 1_700_000_000,
                "updated_at": 1_700_000_100,
            }
        ]
    },
    "GET /v3/verified_senders": {
        "results": [
            {
                "id": 72,
                "nickname": "Desk",
                "from_email": "desk@example.com",
                "from_name": "The Desk",
                "reply_to": "answer@example.com",
                "reply_to_name": "Answers",
                "address": "2 Main St",
                "address2": "Floor 3",
                "city": "Bergen",
                "state": "Vestland",
                "zip": "5003",
                "country": "Norway",
                "verified": True,
                "locked": False,
            }
        ]
    },
    "GET /v3/asm/groups": [
        {
            "id": 8,
            "name": "Offers",
            "description": "Sales",
            "is_default": True,
            "last_email_sent_at": 1_700_000_250,
            "unsubscribes": 1,
        }
    ],
    "GET /v3/asm/suppressions": once(
        {"email": "left@example.com", "group_id": 8, "group_name": "Offers", "created_at": 1_700_000_200}
    ),
    "GET /v3/suppression/bounces": once(
        {
            "created": 1_700_000_300,
            "email": "bounced@example.com",
            "reason": "550 5.1.1 no such user",
            "status": "5.1.1",
        }
    ),
    "GET /v3/suppression/blocks": once(
        {
            "created": 1_700_000_400,
            "email": "blocked@example.com",
            "reason": "blocked by policy",
            "status": "5.7.1",
        }
    ),
    "GET /v3/suppression/invalid_emails": once(
        {
            "created": 1_700_000_500,
            "email": "invalid@example",
            "reason": "Mail domain mentioned in email address is unknown",
        }
    ),
    "GET /v3/suppression/spam_reports": once(
        {"created": 1_700_000_600, "email": "spam@example.com", "ip": "192.0.2.7"}
    ),
    "GET /v3/suppression/unsubscribes": once({"created": 1_700_000_700, "email": "gone@example.com"}),
    "GET /v3/templates": paged(
        {
            "id": "d-0123",
            "name": "Receipt",
            "generation": "dynamic",
            "updated_at": "2021-12-02 13:02:21",
            "versions": [{"id": "v1", "name": "Untitled Version", "active": 1}],
        }
    ),
    "GET /v3/categories": once({"category": "sale"}),
    "GET /v3/stats": of_day({"date": "2026-05-03", "stats": [{"metrics": MAIL}]}),
    "GET /v3/categories/stats": of_day(figure("category", "sale", MAIL)),
    "GET /v3/mailbox_providers/stats": of_day(figure("mailbox_provider", "Gmail", PROVIDER)),
    "GET /v3/devices/stats": of_day(figure("device", "Webmail", OPENS)),
    "GET /v3/clients/stats": of_day(figure("client", "Apple Mail", OPENS)),
    "GET /v3/browsers/stats": of_day(figure("browser", "Firefox", CLICKS)),
    "GET /v3/geo/stats": places,
    "GET /v3/subusers": once(
        {"id": 91, "username": "shop", "email": "s@example.com", "disabled": True, "region": "global"}
    ),
    "GET /v3/subusers/stats": of_day(figure("subuser", "shop", MAIL)),
}

ROWS: dict[str, dict[str, Any]] = {
    "lists": {"id": LIST, "name": "Newsletter", "recipient_count": 1},
    "segments": {
        "id": SEGMENT,
        "name": "Active",
        "recipient_count": 5,
        "list_id": LIST,
        "parent_list_ids": [LIST],
        "conditions": "select contact_id from contact_data",
        "query_dsl": "select contact_id from contact_data",
        "query_version": "2",
        "status": "VALID",
        "status_message": "none",
        "created_at": datetime(2024, 3, 1, 10, tzinfo=UTC),
        "updated_at": datetime(2024, 4, 1, 10, tzinfo=UTC),
        "sample_updated_at": datetime(2026, 5, 4, 9, tzinfo=UTC),
        "next_sample_update": datetime(2026, 5, 4, 13, tzinfo=UTC),
    },
    "recipients": {
        "id": CONTACT,
        "email": "Ann@Example.com",
        "alternate_emails": "a@b.example,c@d.example",
        "first_name": "Ann",
        "last_name": "O'Neil, Jr.",
        "unique_name": "unique",
        "phone_number": "+4712",
        "phone_number_id": "+4713",
        "external_id": "ext",
        "anonymous_id": "anon",
        "whatsapp": "wa",
        "line": "ln",
        "facebook": "fb",
        "address_line_1": "1 Main St",
        "address_line_2": "Floor 2",
        "city": "Oslo",
        "state_province_region": "Viken",
        "postal_code": "0150",
        "country": "Norway",
        "created_at": datetime(2024, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC),
        "updated_at": datetime(2025, 2, 3, 4, 5, 6, tzinfo=UTC),
        "plan": "gold",
        "seats": Decimal("12.5"),
        "renewaldate": datetime(2026, 7, 1, tzinfo=UTC),
    },
    "field_definitions": {
        "id": "_rf0_T",
        "name": "first_name",
        "field_type": "Text",
        "is_reserved": True,
        "is_read_only": True,
    },
    "list_members": {"list_id": LIST, "contact_id": CONTACT, "valid_from": NOW},
    "segment_members": {"segment_id": SEGMENT, "contact_id": CONTACT, "valid_from": NOW},
    "campaigns": {
        "id": AUTOMATION,
        "name": "Welcome",
        "status": "live",
        "channels": ["email"],
        "is_abtest": False,
        "created_at": datetime(2024, 5, 1, tzinfo=UTC),
        "updated_at": datetime(2024, 5, 2, tzinfo=UTC),
    },
    "single_sends": {
        "id": SEND,
        "name": "Sale",
        "status": "triggered",
        "categories": ["sale", "may"],
        "send_at": datetime(2026, 5, 3, 6, tzinfo=UTC),
        "is_abtest": True,
        "abtest": {"type": "subject"},
        "subject": "Half price",
        "list_ids": [LIST],
        "segment_ids": [SEGMENT],
        "sends_to_all": False,
        "suppression_group_id": 8,
        "sender_id": 9,
        "email_config": {"subject": "Half price", "suppression_group_id": 8, "sender_id": 9},
        "warnings": [{"message": "w"}],
        "created_at": datetime(2026, 5, 1, tzinfo=UTC),
        "updated_at": datetime(2026, 5, 2, tzinfo=UTC),
    },
    "single_send_stats": {
        "single_send_id": SEND,
        "ab_variation": "all",
        "ab_phase": "all",
        "aggregation": "2026-05-03",
        "date": date(2026, 5, 3),
        **MARKETING,
    },
    "automation_stats": {
        "automation_id": AUTOMATION,
        "step_id": "all",
        "aggregation": "2026-05-03",
        "date": date(2026, 5, 3),
        **MARKETING,
    },
    "single_send_links": {
        "single_send_id": SEND,
        "ab_variation": "variant",
        "ab_phase": "test",
        "url_location": 3,
        "url_md5": "7636ea4d178785f1de3864e2f7be459b",
        "url": "https://shop.example/?a=1",
        "clicks": 18,
        "total_clicks": MARKETING["clicks"],
    },
    "automation_links": {
        "automation_id": AUTOMATION,
        "step_id": "step",
        "url_location": 4,
        "url_md5": "887329398d2a27d4b5cb91f8c8439dac",
        "url": "https://shop.example/?b=2",
        "clicks": 17,
        "total_clicks": MARKETING["clicks"],
    },
    "senders": {
        "id": 71,
        "nickname": "Shop",
        "from_email": "shop@example.com",
        "from_name": "The Shop",
        "reply_to_email": "reply@example.com",
        "reply_to_name": "Replies",
        "address": "1 Main St",
        "address_2": "Floor 2",
        "city": "Oslo",
        "state": "Viken",
        "zip": "0150",
        "country": "Norway",
        "is_verified": False,
        "verification_reason": "not yet",
        "is_locked": True,
        "created_at": datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        "updated_at": datetime(2023, 11, 14, 22, 15, tzinfo=UTC),
    },
    "verified_senders": {
        "id": 72,
        "nickname": "Desk",
        "from_email": "desk@example.com",
        "from_name": "The Desk",
        "reply_to_email": "answer@example.com",
        "reply_to_name": "Answers",
        "address": "2 Main St",
        "address_2": "Floor 3",
        "city": "Bergen",
        "state": "Vestland",
        "zip": "5003",
        "country": "Norway",
        "is_verified": True,
        "is_locked": False,
    },
    "unsubscribe_groups": {
        "id": 8,
        "name": "Offers",
        "description": "Sales",
        "is_default": True,
        "unsubscribes": 1,
        "last_email_sent_at": datetime(2023, 11, 14, 22, 17, 30, tzinfo=UTC),
    },
    "unsubscribe_group_members": {
        "group_id": 8,
        "email": "left@example.com",
        "group_name": "Offers",
        "created_at": datetime(2023, 11, 14, 22, 16, 40, tzinfo=UTC),
    },
    "bounces": {
        "email": "bounced@example.com",
        "created_at": datetime(2023, 11, 14, 22, 18, 20, tzinfo=UTC),
        "reason": "550 5.1.1 no such user",
        "status": "5.1.1",
    },
    "blocks": {
        "email": "blocked@example.com",
        "created_at": datetime(2023, 11, 14, 22, 20, tzinfo=UTC),
        "reason": "blocked by policy",
        "status": "5.7.1",
    },
    "invalid_emails": {
        "email": "invalid@example",
        "created_at": datetime(2023, 11, 14, 22, 21, 40, tzinfo=UTC),
        "reason": "Mail domain mentioned in email address is unknown",
    },
    "spam_reports": {
        "email": "spam@example.com",
        "created_at": datetime(2023, 11, 14, 22, 23, 20, tzinfo=UTC),
        "ip": "192.0.2.7",
    },
    "global_unsubscribes": {
        "email": "gone@example.com",
        "created_at": datetime(2023, 11, 14, 22, 25, tzinfo=UTC),
    },
    "templates": {
        "id": "d-0123",
        "name": "Receipt",
        "generation": "dynamic",
        "updated_at": datetime(2021, 12, 2, 13, 2, 21, tzinfo=UTC),
        "versions": [{"id": "v1", "name": "Untitled Version", "active": 1}],
    },
    "categories": {"name": "sale"},
    "daily_stats": {"date": date(2026, 5, 3), **MAIL},
    "category_stats": {"date": date(2026, 5, 3), "category": "sale", **MAIL},
    "mailbox_provider_stats": {"date": date(2026, 5, 3), "mailbox_provider": "Gmail", **PROVIDER},
    "device_stats": {"date": date(2026, 5, 3), "device": "Webmail", **OPENS},
    "client_stats": {"date": date(2026, 5, 3), "client": "Apple Mail", **OPENS},
    "browser_stats": {"date": date(2026, 5, 3), "browser": "Firefox", **CLICKS},
    "geo_stats": {"date": date(2026, 5, 3), "country": "US", "province": "all", **OPENS, **CLICKS},
    "subusers": {
        "id": 91,
        "username": "shop",
        "email": "s@example.com",
        "is_disabled": True,
        "region": "global",
    },
    "subuser_stats": {"date": date(2026, 5, 3), "subuser": "shop", **MAIL},
}

OTHER_ROWS: dict[str, list[dict[str, Any]]] = {
    "geo_stats": [{"date": date(2026, 5, 3), "country": "US", "province": "TX", **OPENS, **CLICKS}],
    "single_send_stats": [
        {
            "single_send_id": SEND,
            "ab_variation": "all",
            "ab_phase": "all",
            "aggregation": "total",
            **MARKETING,
        },
        {
            "single_send_id": SEND,
            "ab_variation": "variant",
            "ab_phase": "test",
            "aggregation": "total",
            **MARKETING,
        },
    ],
    "automation_stats": [
        {"automation_id": AUTOMATION, "step_id": "all", "aggregation": "total", **MARKETING},
        {"automation_id": AUTOMATION, "step_id": "step", "aggregation": "total", **MARKETING},
    ],
    "field_definitions": [
        {"id": "e1_T", "name": "Plan", "field_type": "Text", "is_reserved": False, "is_read_only": False},
        {"id": "e2_N", "name": "seats", "field_type": "Number", "is_reserved": False, "is_read_only": False},
        {
            "id": "e3_D",
            "name": "renewalDate",
            "field_type": "Date",
            "is_reserved": False,
            "is_read_only": False,
        },
    ],
}

LEGACY: dict[str, Answer] = {
    "GET /v3/contactdb/lists": {"lists": [{"id": 1, "name": "Newsletter", "recipient_count": 1}]},
    "GET /v3/contactdb/segments": {
        "segments": [
            {
                "id": 2,
                "name": "Active",
                "list_id": 1,
                "recipient_count": 1,
                "conditions": [{"field": "last_name", "value": "x", "operator": "eq", "and_or": ""}],
            }
        ]
    },
    "GET /v3/contactdb/recipients/count": {"recipient_count": 1},
    "GET /v3/contactdb/recipients": legacy_recipients,
    "GET /v3/contactdb/lists/1/recipients": legacy_recipients,
    "GET /v3/contactdb/segments/2/recipients": legacy_recipients,
    "GET /v3/contactdb/custom_fields": {"custom_fields": [{"id": 4, "name": "pet", "type": "text"}]},
    "GET /v3/contactdb/reserved_fields": {"reserved_fields": [{"name": "first_name", "type": "text"}]},
    "GET /v3/campaigns": lambda query: {
        "result": [
            {
                "id": 5,
                "title": "May",
                "subject": "Half price",
                "list_ids": [1],
                "segment_ids": [2],
                "categories": ["sale"],
                "editor": "code",
                "status": "Sent",
            }
        ]
        if query.get("offset", "0") == "0"
        else []
    },
    "GET /v3/senders": NEW["GET /v3/marketing/senders"],
}


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(1_600_000_000 + seconds, UTC)


LEGACY_ROWS: dict[str, dict[str, Any]] = {
    "lists": {"id": "1", "name": "Newsletter", "recipient_count": 1},
    "segments": {
        "id": "2",
        "name": "Active",
        "recipient_count": 1,
        "list_id": "1",
        "conditions": '[{"field": "last_name", "value": "x", "operator": "eq", "and_or": ""}]',
        "query_version": "legacy",
    },
    "recipients": {
        "id": "YW5u",
        "email": "ann@example.com",
        "first_name": "Ann",
        "last_name": "Lee",
        "created_at": at(0),
        "updated_at": at(100),
        "last_emailed": at(200),
        "last_opened": at(300),
        "last_clicked": at(400),
        "pet": "cat",
    },
    "list_members": {"list_id": "1", "contact_id": "YW5u", "valid_from": NOW},
    "segment_members": {"segment_id": "2", "contact_id": "YW5u", "valid_from": NOW},
    "campaigns": {
        "id": "5",
        "name": "May",
        "status": "Sent",
        "subject": "Half price",
        "list_ids": ["1"],
        "segment_ids": ["2"],
        "categories": ["sale"],
        "editor": "code",
    },
}

Warehouse = dict[str, psycopg.Connection[Any]]


@pytest.fixture(scope="module")
def warehouse(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Both families' answers synced, each into a database of its own; the collections of the first built."""
    connections: Warehouse = {}
    with ExitStack() as stack:
        for family, answers, name in (("new", NEW, DATABASE), ("legacy", LEGACY, "golden_legacy")):
            url = stack.enter_context(database(postgres_url, name))
            source = Source.model_validate({"name": "sendgrid", "marketing": family})
            with psycopg.connect(url) as conn:
                migrate(conn, source)
            with scripted_sendgrid(answers) as sendgrid:
                for one in ROWS if family == "new" else LEGACY_ROWS:
                    result = sync_object(sendgrid.client, url, source, one, now=NOW)
                    assert result.complete, f"{one}: {result.warnings}"
            # A page behind the last one is a 404, as SendGrid's legacy endpoints answer it.
            assert {path.rpartition("/")[2] for path in sendgrid.unanswered} <= {"recipients"}, (
                sendgrid.unanswered
            )
            if family == "new":
                folder: Path = tmp_path_factory.mktemp("golden_objects")
                dbt(
                    url,
                    folder,
                    "build",
                    "--select",
                    "+path:models/objects",
                    "--exclude-resource-type",
                    "test",
                    "unit_test",
                )
            connection = psycopg.connect(url, row_factory=dict_row, options="-c timezone=UTC")
            connections[family] = stack.enter_context(connection)
        yield connections


def found(conn: psycopg.Connection[Any], table: str) -> list[dict[str, Any]]:
    """All rows, without the fingerprint, which is ours."""
    rows = conn.execute(f"select * from {table}".encode()).fetchall()
    conn.rollback()
    return [{name: value for name, value in row.items() if name != "content_hash"} for row in rows]


def spelled_out(row: dict[str, Any], columns: set[str], table: str) -> dict[str, Any]:
    """An expectation with the bookkeeping columns, and null for whatever else the table has."""
    ours = {} if table.endswith("_members") and "group" not in table else OURS
    return {**dict.fromkeys(columns), **ours, **row}


def test_every_object_has_a_golden_row() -> None:
    assert set(ROWS) == set(OBJECTS)


@pytest.mark.parametrize("name", ROWS)
def test_an_answer_fills_the_columns_of_its_collection(warehouse: Warehouse, name: str) -> None:
    rows = found(warehouse["new"], f"sendgrid.{name}")
    expected = [ROWS[name], *OTHER_ROWS.get(name, [])]
    assert sorted(rows, key=repr) == sorted(
        (spelled_out(row, set(rows[0]), name) for row in expected),
        key=lambda row: repr({k: row[k] for k in rows[0]}),
    )
    assert all(set(row) <= set(rows[0]) for row in expected)


@pytest.mark.parametrize("name", ROWS)
def test_a_golden_row_leaves_no_column_empty_without_a_reason(warehouse: Warehouse, name: str) -> None:
    """A column that no golden row fills could be lost without a test that fails."""
    tables = [found(warehouse["new"], f"sendgrid.{name}")]
    if name in LEGACY_ROWS:
        tables.append(found(warehouse["legacy"], f"sendgrid_raw.{name}"))
    filled = {column for rows in tables for row in rows for column, value in row.items() if value is not None}
    empty = {column for rows in tables for column in rows[0]} - filled
    assert empty <= {"deleted_at", "valid_to", "extra", "custom_fields"}


@pytest.mark.parametrize("name", LEGACY_ROWS)
def test_a_legacy_answer_fills_the_same_table(warehouse: Warehouse, name: str) -> None:
    (row,) = found(warehouse["legacy"], f"sendgrid_raw.{name}")
    assert row == spelled_out(LEGACY_ROWS[name], set(row), name)
