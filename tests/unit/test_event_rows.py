"""Keys tell events apart as the promise goes, for ever, and the quick way writes what the plain way writes."""

import gc
import json
import struct
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sendgrid_orchestration.load import rows, shaping
from sendgrid_orchestration.load.quick import SHAPERS
from sendgrid_orchestration.load.shaping import Batch, Odd, Tally, batches
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
    return shaped_body(json.dumps(items, ensure_ascii=ensure_ascii).encode())


def shaped_body(body: bytes, tally: Tally | None = None) -> Batch:
    """A post as one batch; it has to fit into one."""
    made = list(batches([("a file", tally or Tally(), [APost(body)])], 7))
    assert len(made) <= 1
    return made[0] if made else Batch()


def odd_items(batch: Batch) -> list[Odd]:
    return [odd for _, items in batch.quarantined for odd in items]


def keys(*items: Any) -> list[str]:
    return [row[rows.KEY] for row in shaped(*items).rows]


def content(key: str) -> str:
    return key[:8]


def test_key_never_changes() -> None:
    """These keys are in tables. Where one changes, it takes a new version, and `rekeying` brings old events to it."""
    assert rows.KEY_VERSION == 2
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


@pytest.mark.parametrize(
    ("number", "key"),
    [
        ("5.10", "5c6d3dbaecdcd053c3218e93f3fd6be4"),
        ("1e-400", "8ce2f6401b4e2e0bf3b6bbfb4d89d121"),
        ("12345678901234567890", "b29c0c97507c476d481c53636c918196"),
        ("123456789012345678901234567890", "7ef98fad188e1fe02504b1fd84423b72"),
        ("12345678901234567890.123456789", "5f3c8cc44f321fc6d9b63a7112defd87"),
        ("1e400", "6a8e2a16675c8c633b51ac97b77a1559"),
        ("1" * 5_000, "1541325014ba7cfa55df70800dd10b13"),
        ("0." + "1" * 5_000, "279b2cfce5b1c10bd877e0a8d4a36d8b"),
        ('[1.50,{"a":1e22,"b":12345678901234567890123}]', "14bf3331480024777b5463f48b9971a7"),
        ("-9223372036854775809", "042dc2d69c2e8ee3ec801b06f82c0e9e"),
        ('"\\ud800"', "977bfa9d61adfc739442ad2e997fb55d"),
        ("1e-500", "8ce2f6401b4e2e0bf3b6bbfb4d89d121"),
    ],
    ids=lambda value: value[:30],
)
def test_key_of_a_value_that_does_not_fit_never_changes(number: str, key: str) -> None:
    """A custom arg under the name of an identifying key is in the event key, its numbers as doubles."""
    body = f'[{{"event":"bounce","timestamp":1717200000,"sg_event_id":"id","status":{number}}}]'
    (row,) = shaped_body(body.encode()).rows
    assert row[rows.KEY].encode("latin-1").hex() == key


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


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(event_items.items, max_size=4), st.booleans())
def test_quick_way_writes_what_the_plain_way_writes(items: list[Any], ensure_ascii: bool) -> None:
    batch = shaped(*items, *items, ensure_ascii=ensure_ascii)
    plain = rows.PostRows(1_717_200_060_000_000, 7)
    parsed = list(parse_post(json.dumps([*items, *items], ensure_ascii=ensure_ascii).encode()))
    assert batch.rows == [plain.row(event) for event in parsed if isinstance(event, Event)]
    odd = [item for item in parsed if isinstance(item, OddItem)]
    assert [item.why for item in odd_items(batch)] == odd


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
    with pytest.raises(TypeError):
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
    gc.disable()  # as in a load
    tracemalloc.start()
    try:
        for number in range(2_500):
            item = {**CLICK, f"order-{number}'\"\\{{}}": "x"}
            assert len(shaped(item).rows) == 1
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert len(SHAPERS) <= 1_000
    assert kept < 8_000_000


LONG = "x" * 100_000


@pytest.mark.parametrize(
    "item",
    [
        lambda number: {"category": f"{LONG}{number}"},
        lambda number: {"category": [f"{LONG}{number}"]},
        lambda number: {"pool": {"name": f"{LONG}{number}"}},
        lambda number: {"send_at": f"{1_717_200_000 + number}{' ' * 100_000}"},
        lambda number: {"timestamp": f"{1_717_200_000 + number}{' ' * 100_000}"},
        lambda number: {f"{LONG}{number}": 1},
        lambda number: {f"key {number} {key}": 1 for key in range(1_000)},
        lambda number: {"useragent": f"{LONG}{number}", "cert_err": 5},
    ],
    ids=["category", "categories", "part", "send_at", "timestamp", "name", "names", "text on the plain way"],
)
def test_long_values_are_not_remembered(item: Callable[[int], dict[str, Any]]) -> None:
    """Memory is bounded by bytes: what is remembered of 40 such events is not their 4 MB."""
    shaped(CLICK | item(0))
    tracemalloc.start()
    for number in range(1, 41):
        assert len(shaped(CLICK | item(number)).rows) == 1
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 2_500_000


def test_odd_items_are_kept_verbatim_with_their_place() -> None:
    body = b'[ {"event":"open","timestamp":1717200000} ,\r\n{"a" : 1.10, "b":"\\u003c"},5 ]\r\n'
    tally = Tally()
    batch = shaped_body(body, tally)
    assert [(item.text, item.item_index) for item in odd_items(batch)] == [
        ('{"a" : 1.10, "b":"\\u003c"}', 1),
        ("5", 2),
    ]
    assert (tally.events_read, tally.quarantined, len(batch.rows)) == (3, 2, 1)


def test_body_that_is_no_list_is_one_item_of_the_quarantine() -> None:
    tally = Tally()
    (item,) = odd_items(shaped_body(b"not \x00 json \xff", tally))
    assert (item.why.reason, item.text, item.item_index) == ("not_json", "not \ufffd json \ufffd", -1)
    assert (tally.events_read, tally.quarantined) == (1, 1)


ODD_AND_GOOD = b"[%b]" % b",".join(
    b"7" if number % 3 else json.dumps(CLICK).encode() for number in range(10_000)
)


def test_a_post_may_end_in_another_batch_than_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with the post."""
    monkeypatch.setattr(shaping, "PORTION_ITEMS", 100)
    monkeypatch.setattr(shaping, "BATCH_ROWS", 250)
    monkeypatch.setattr(shaping, "MOST_ODD_ITEMS", 10**6)
    tally = Tally()
    made = list(batches([("a file", tally, [APost(ODD_AND_GOOD), APost(b"[]"), APost(ODD_AND_GOOD)])], 7))
    assert max(len(batch.rows) + len(odd_items(batch)) for batch in made) <= 350
    assert (tally.posts, tally.events_read, tally.quarantined) == (3, 20_000, 13_332)
    places = []
    for batch in made:
        assert all(batch.tally_of(row) is tally for row in range(len(batch.rows)))
        rows_at = [batch.place_of(row) for row in range(len(batch.rows))]
        places += [(place.post_index, place.item_index) for place in rows_at]
        places += [(first.post_index, odd.item_index) for first, items in batch.quarantined for odd in items]
    assert sorted(places) == [(post, item) for post in (0, 2) for item in range(10_000)]
    is_row = {(post, item) for post in (0, 2) for item in range(0, 10_000, 3)}
    assert {place for place in places[:50] if place in is_row}


def test_equal_items_without_id_are_told_apart_across_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shaping, "PORTION_ITEMS", 3)
    monkeypatch.setattr(shaping, "BATCH_ROWS", 3)
    nameless = {"event": "unsubscribe", "timestamp": 1_717_200_000, "email": "a@example.com"}
    made = [
        key
        for batch in batches([("f", Tally(), [APost(json.dumps([nameless] * 8).encode())])], 7)
        for key in batch.keys
    ]
    assert len(set(made)) == 8
    monkeypatch.undo()
    assert made == keys(*[nameless] * 8)


def test_odd_items_beyond_a_thousand_are_kept_in_runs() -> None:
    """Four million scalars are no four million rows."""
    good = json.dumps(CLICK)
    body = ("[" + ", ".join(["7"] * 5_000 + [good] + ["{}"] * 3 + [good, "8"]) + "]").encode()
    tally = Tally()
    odd = [one for batch in batches([("a file", tally, [APost(body)])], 7) for one in odd_items(batch)]
    assert (tally.events_read, tally.quarantined) == (5_006, 5_004)
    assert sum(one.items for one in odd) == 5_004
    assert [(one.item_index, one.items, one.text) for one in odd[4_000:]] == [
        (4_000, 1_000, ", ".join(["7"] * 1_000)),
        (5_001, 3, "{}, {}, {}"),
        (5_005, 1, "8"),
    ]
    assert odd[4_000].why.reason == "not_an_object"
    assert "1000 items" in odd[4_000].why.detail


@pytest.mark.parametrize(
    "error", [RecursionError("deep"), MemoryError(), struct.error("too large"), KeyError("\ud800")]
)
@pytest.mark.parametrize("way", ["quick", "plain"])
def test_whatever_shaping_raises_concerns_one_item(
    error: Exception, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = rows.PostRows.finish

    def stumbles(self: rows.PostRows, *parts: Any) -> str:
        row = original(self, *parts)
        if "poison" in row:
            raise error
        return row

    monkeypatch.setattr(rows.PostRows, "finish", stumbles)
    more = {} if way == "quick" else {"email": 5}
    batch = shaped({**CLICK, **more}, {**CLICK, **more, "url": "poison"}, {**CLICK, **more, "ip": "::1"})
    (odd,) = odd_items(batch)
    assert len(batch.rows) == 2
    assert (odd.item_index, odd.why.reason) == (1, "unforeseen")
    assert type(error).__name__ in odd.why.detail
    assert json.loads(odd.text)["url"] == "poison"
