"""Keys tell events apart as the promise goes, for ever, and the quick way writes what the plain way writes."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sendgrid_orchestration.load import rows
from sendgrid_orchestration.load.quick import NOT_FOR_ME, SHAPERS
from sendgrid_orchestration.load.shaping import Batch, Tally
from sendgrid_orchestration.sendgrid.event_parser import Event, OddItem, parse_post
from sendgrid_orchestration.sendgrid.events import Occurs
from tests.support import event_items

CLICK = {
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


@dataclass(frozen=True)
class APost:
    body: bytes
    received_at: datetime = datetime(2024, 6, 1, 0, 1, tzinfo=UTC)


def shaped(*items: Any, ensure_ascii: bool = True) -> Batch:
    batch = Batch()
    batch.add(APost(json.dumps(items, ensure_ascii=ensure_ascii).encode()), 7, Tally(), "a file", 0)
    return batch


def keys(*items: Any) -> list[str]:
    return [row[rows.KEY] for row in shaped(*items).rows]


def content(key: str) -> str:
    return key[:8]


def test_key_never_changes() -> None:
    """These keys are in tables. Where one changes, old events that are delivered again come in a second time."""
    everything = {
        **CLICK,
        "smtp-id": "<ü@y>",
        "response": "250 OK",
        "reason": "none",
        "attempt": "3",
        "type": "bounce",
        "status": "5.1.1",
        "asm_group_id": 10,
    }
    without_id = {"event": "open", "timestamp": 1_717_200_000_123}
    assert [key.encode("latin-1").hex() for key in keys(CLICK, everything, without_id, without_id)] == [
        "26d4ba797ca5f016cc0bb63cf57320fb",
        "dc3085e8e5550b1152906f76f42dcd91",
        "1bce4aaefcee09fa2023b9c166154f07",
        "1bce4aaefcee09fac6c3acded4f09cf2",
    ]


def test_redelivery_has_the_same_key() -> None:
    """However the post is written: other posts around it, other order of keys, other escapes, other forms of a number."""
    again = dict(reversed(CLICK.items()))
    again["timestamp"] = str(CLICK["timestamp"])
    assert keys(CLICK) == keys({"event": "open", "timestamp": 1_717_200_001}, again)[1:]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("event", "open"),
        ("email", "b@example.com"),
        ("timestamp", 1_717_200_001),
        ("sg_message_id", "m.2"),
        ("smtp-id", "<x@y>"),
        ("url", "https://example.org"),
        ("url_offset", {"index": 2, "type": "html"}),
        ("url_offset", {"index": 1, "type": "text"}),
        ("url_offset", "neither"),
        ("reason", "r"),
        ("response", "r"),
        ("attempt", 1),
        ("type", "t"),
        ("type", 5),
        ("status", "5.1.1"),
        ("ip", "10.0.0.2"),
        ("useragent", "curl"),
        ("asm_group_id", 5),
    ],
)
def test_reused_id_with_other_content_is_another_event(key: str, value: Any) -> None:
    """Placeholder ids exist (the test post has them); they must not fold different events into one."""
    (one,), (other,) = keys(CLICK), keys({**CLICK, key: value})
    assert content(one) != content(other)
    assert one[8:] != other[8:]


def test_same_content_under_another_id_is_recognised() -> None:
    """Peers #3: SendGrid's own retries sometimes carry a new id."""
    (one,), (other,) = keys(CLICK), keys({**CLICK, "sg_event_id": "id-2"})
    assert content(one) == content(other)
    assert one != other


@pytest.mark.parametrize("missing", [{}, {"sg_event_id": None}, {"sg_event_id": ""}])
def test_missing_ids_never_fold_rows(missing: dict[str, Any]) -> None:
    """Peers #4: the unsubscribe family has been seen without ids. A redelivered post repeats the keys."""
    nameless = {"event": "unsubscribe", "timestamp": 1_717_200_000, "email": "a@example.com", **missing}
    first, second, third = keys(nameless, nameless, nameless)
    assert len({first, second, third}) == 3
    assert content(first) == content(second) == content(third)
    assert keys(nameless, nameless, nameless) == [first, second, third]


def test_what_does_not_tell_events_apart_is_not_in_the_key() -> None:
    assert keys(CLICK) == keys(
        {**CLICK, "category": "other", "customer": "c2", "tls": 1, "singlesend_name": "x"}
    )


@settings(max_examples=400)
@given(st.lists(event_items.items, max_size=4), st.booleans())
def test_quick_way_writes_what_the_plain_way_writes(items: list[Any], ensure_ascii: bool) -> None:
    batch = shaped(*items, *items, ensure_ascii=ensure_ascii)
    plain = rows.PostRows(1_717_200_060_000_000, 7)
    parsed = list(parse_post(json.dumps([*items, *items], ensure_ascii=ensure_ascii).encode()))
    assert batch.rows == [plain.row(event) for event in parsed if isinstance(event, Event)]
    odd = [item.reason for item in parsed if isinstance(item, OddItem)]
    assert [item.reason for item in batch.quarantined] == odd


def test_documented_events_go_the_quick_way() -> None:
    """The speed of a load stands on it."""
    finish = rows.PostRows(0, 7).finish
    for item in (
        CLICK,
        {**CLICK, "category": "news", "useragent": "Ünï"},
        {
            "event": "processed",
            "timestamp": 1_717_200_000,
            "email": "a@example.com",
            "send_at": 0,
            "smtp-id": "",
        },
        {"event": "deferred", "timestamp": 1_717_200_000, "attempt": "5", "tls": 0, "response": "450"},
        {"event": "open", "timestamp": 1_717_200_000, "sg_machine_open": False, "asm_group_id": 10},
        {"event": "new_kind", "timestamp": 1_717_200_000, "pool": {"name": "p", "id": 210}},
        {"event": "open", "timestamp": 1_717_200_000, "marketing_campaign_id": 12345, "newsletter": {}},
    ):
        SHAPERS[tuple(item)](item, finish)
    with pytest.raises(NOT_FOR_ME):
        odd = {**CLICK, "email": 5}
        SHAPERS[tuple(odd)](odd, finish)


@pytest.mark.parametrize(
    ("more", "rarest"),
    [
        ({}, Occurs.IN_ANY_MAIL),
        ({"singlesend_id": "s", "phase_id": "send"}, Occurs.IN_CAMPAIGNS),
        ({"singlesend_id": "s", "pool": {"name": "p", "id": 210}}, Occurs.SELDOM),
        ({"cert_err": 5}, Occurs.IN_ANY_MAIL),  # no text, and so in the custom args
    ],
)
def test_a_row_has_the_columns_of_its_kind_of_mail(more: dict[str, Any], rarest: Occurs) -> None:
    (row,) = shaped({**CLICK, **more}).rows
    assert int.from_bytes(row[:2].encode("latin-1")) == len(rows.COLUMNS[rarest])
    assert list(rows.encoded([row])) == [rarest]


def test_rows_are_sent_with_their_like_and_by_time() -> None:
    items = [
        {**CLICK, "timestamp": CLICK["timestamp"] - number, **more}
        for number, more in enumerate(
            ({}, {"pool": {"name": "p"}}, {}, {"singlesend_id": "s"}, {"date": "d"})
        )
    ]
    made = shaped(*items).rows
    assert rows.encoded(made) == {
        Occurs.IN_ANY_MAIL: [(made[2] + made[0]).encode("latin-1")],
        Occurs.IN_CAMPAIGNS: [made[3].encode("latin-1")],
        Occurs.SELDOM: [(made[4] + made[1]).encode("latin-1")],
    }


def test_names_of_custom_args_that_are_data_do_not_pile_up() -> None:
    for number in range(2_500):
        item = {**CLICK, f"order-{number}'\"\\{{}}": "x"}
        assert len(shaped(item).rows) == 1
    assert len(SHAPERS) <= 1_000


def test_odd_items_are_kept_verbatim_with_their_place() -> None:
    body = b'[ {"event":"open","timestamp":1717200000} ,\r\n{"a" : 1.10, "b":"\\u003c"},5 ]\r\n'
    batch = Batch()
    tally = Tally()
    batch.add(APost(body), 7, tally, "a file", 3)
    assert [(item.item, item.post_index, item.item_index) for item in batch.quarantined] == [
        ('{"a" : 1.10, "b":"\\u003c"}', 3, 1),
        ("5", 3, 2),
    ]
    assert (tally.events_read, tally.quarantined, len(batch.rows)) == (3, 2, 1)


def test_body_that_is_no_list_is_one_item_of_the_quarantine() -> None:
    batch = Batch()
    tally = Tally()
    batch.add(APost(b"not \x00 json \xff"), 7, tally, "a file", 0)
    (item,) = batch.quarantined
    assert (item.reason, item.item, item.item_index) == ("not_json", "not \ufffd json \ufffd", -1)
    assert (tally.events_read, tally.quarantined) == (1, 1)
