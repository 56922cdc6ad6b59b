"""The parser takes everything that SendGrid was ever seen to send, and loses nothing of it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from sendgrid_orchestration.sendgrid import event_parser
from sendgrid_orchestration.sendgrid.event_parser import (
    PORTION_BYTES,
    Event,
    NotAPostError,
    OddItem,
    item_text,
    items_of,
    parse_item,
    parse_post,
)
from sendgrid_orchestration.sendgrid.events import EVENT_TYPES, FIELDS, FIELDS_BY_KEY, KNOWN_FIELDS
from tests.support import event_items

AT = 1_717_200_000


def an_event(**keys: Any) -> dict[str, Any]:
    return {"event": "delivered", "timestamp": AT, "email": "a@example.com", **keys}


def parsed(**keys: Any) -> Event:
    event = parse_item(an_event(**keys))
    assert isinstance(event, Event)
    return event


def custom_args(event: Event) -> Any:
    return json.loads(event.custom_args) if event.custom_args else {}


@pytest.mark.parametrize(
    ("key", "value", "columns"),
    [
        ("category", "news", {"categories": ("news",)}),
        ("category", ["news", "weekly"], {"categories": ("news", "weekly")}),
        ("category", [], {}),
        ("attempt", "5", {"attempt": 5}),
        ("attempt", 5, {"attempt": 5}),
        ("tls", 1, {"tls": 1}),
        ("tls", "0", {"tls": 0}),
        ("asm_group_id", 10, {"asm_group_id": 10}),
        ("asm_group_id", "10", {"asm_group_id": 10}),
        ("sg_machine_open", True, {"sg_machine_open": True}),
        ("sg_machine_open", False, {"sg_machine_open": False}),
        ("send_at", 0, {}),
        ("send_at", "0", {}),
        ("send_at", 1639468221, {"send_at": 1_639_468_221_000_000}),
        ("send_at", "1639468221", {"send_at": 1_639_468_221_000_000}),
        ("send_at", "1591726752372", {"send_at": 1_591_726_752_372_000}),
        ("pool", {"name": "new", "id": 210}, {"pool_name": "new", "pool_id": "210"}),
        ("pool", {"name": "new", "id": "210"}, {"pool_name": "new", "pool_id": "210"}),
        ("pool", {"name": "new"}, {"pool_name": "new"}),
        ("url_offset", {"index": 2, "type": "html"}, {"url_offset_index": 2, "url_offset_type": "html"}),
        (
            "newsletter",
            {
                "newsletter_user_list_id": "10557865",
                "newsletter_id": "1943530",
                "newsletter_send_id": 2308608,
            },
            {
                "newsletter_user_list_id": "10557865",
                "newsletter_id": "1943530",
                "newsletter_send_id": "2308608",
            },
        ),
        ("marketing_campaign_id", 12345, {"marketing_campaign_id": "12345"}),
        ("sg_user_id", "99", {"sg_user_id": "99"}),
        ("smtp-id", "<a@b>", {"smtp_id": "<a@b>"}),
        ("smtp-id", "", {"smtp_id": ""}),
        ("from", "me@example.com", {"from_address": "me@example.com"}),
        ("date", "2024-06-01", {"unsubscribe_date": "2024-06-01"}),
        ("cert_err", "1", {"cert_err": "1"}),
        ("email", None, {"email": None}),
        ("reason", "550 Ünknown 用户\t\\N", {"reason": "550 Ünknown 用户\t\\N"}),
    ],
)
def test_documented_and_observed_forms_of_a_value_fill_its_columns(
    key: str, value: Any, columns: dict[str, Any]
) -> None:
    event = parsed(**{key: value})
    told = {name: value for name, value in event.values.items() if value is not None}
    expected = {"email": "a@example.com", **columns}
    assert told == {name: value for name, value in expected.items() if value is not None}
    assert custom_args(event) == {}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("status", 5),
        ("type", {"of": "customer"}),
        ("type", ["a"]),
        ("category", [1, 2]),
        ("category", {"a": 1}),
        ("attempt", "often"),
        ("attempt", 2**31),
        ("attempt", 12345678901234567890123),
        ("attempt", 1.5),
        ("tls", "TLSv1.3"),
        ("asm_group_id", 2**63),
        ("sg_machine_open", "maybe"),
        ("send_at", "tomorrow"),
        ("send_at", 12),
        ("url_offset", {"index": 1, "type": "html", "colour": "red"}),
        ("url_offset", "1"),
        ("pool", "transactional"),
        ("email", {"address": "a@example.com"}),
        ("sg_message_id", "m" * 3000),
        ("sg_user_id", {}),
    ],
)
def test_value_that_does_not_fit_its_column_is_kept_verbatim_among_the_custom_args(
    key: str, value: Any
) -> None:
    """A custom arg may carry any name that SendGrid does not send with this event (peers #25)."""
    event = parsed(**{key: value})
    assert custom_args(event) == {key: value}
    assert not {column.name for column in FIELDS_BY_KEY[key].columns} & {
        name for name, told in event.values.items() if told is not None
    }


@pytest.mark.parametrize(
    ("timestamp", "microseconds"),
    [
        (AT, AT * 1_000_000),
        (str(AT), AT * 1_000_000),
        (AT * 1000 + 372, AT * 1_000_000 + 372_000),
        (str(AT * 1000), AT * 1_000_000),
        (float(AT), AT * 1_000_000),
        (AT + 0.25, AT * 1_000_000 + 250_000),
        (f" {AT} ", AT * 1_000_000),
        (946_684_800, 946_684_800_000_000),
        (4_102_444_799, 4_102_444_799_000_000),
    ],
)
def test_timestamp_is_read_in_every_form(timestamp: Any, microseconds: int) -> None:
    assert parsed(timestamp=timestamp).at == microseconds


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (5, "not_an_object"),
        ("open", "not_an_object"),
        (None, "not_an_object"),
        ([["event", "timestamp"]], "not_an_object"),
        ({}, "no_event"),
        ({"event": None, "timestamp": AT}, "no_event"),
        ({"event": "", "timestamp": AT}, "no_event"),
        ({"event": "  ", "timestamp": AT}, "bad_event"),
        ({"event": 7, "timestamp": AT}, "bad_event"),
        ({"event": "e" * 101, "timestamp": AT}, "bad_event"),
        ({"event": "open"}, "no_timestamp"),
        ({"event": "open", "timestamp": None}, "no_timestamp"),
        ({"event": "open", "timestamp": ""}, "no_timestamp"),
        ({"event": "open", "timestamp": "noon"}, "bad_timestamp"),
        ({"event": "open", "timestamp": True}, "bad_timestamp"),
        ({"event": "open", "timestamp": [AT]}, "bad_timestamp"),
        ({"event": "open", "timestamp": 0}, "bad_timestamp"),
        ({"event": "open", "timestamp": -AT}, "bad_timestamp"),
        ({"event": "open", "timestamp": 946_684_799}, "bad_timestamp"),
        ({"event": "open", "timestamp": 4_102_444_800}, "bad_timestamp"),
        ({"event": "open", "timestamp": 10**40}, "bad_timestamp"),
        ({"event": "open", "timestamp": 1e308}, "bad_timestamp"),
    ],
)
def test_item_that_is_no_event_is_odd_for_a_reason(item: Any, reason: str) -> None:
    odd = parse_item(item)
    assert isinstance(odd, OddItem)
    assert odd.reason == reason
    assert odd.detail.endswith(".")


@pytest.mark.parametrize("name", ["Processed", " processed ", "PROCESSED", "processed"])
def test_event_names_are_lower_case(name: str) -> None:
    """SendGrid's own documents have an example with a capital letter and a timestamp in quotes."""
    assert parsed(event=name, timestamp=str(AT)).name == "processed"


def test_unknown_event_type_is_an_event() -> None:
    assert parsed(event="cancel_drop").name == "cancel_drop"


def test_account_status_change_needs_neither_address_nor_message() -> None:
    event = parse_item(
        {
            "event": "account_status_change",
            "sg_event_id": "MjEzNTg5OTcyOC10ZXJtaW5hdGUtMTcwNzg1MTUzMQ",
            "timestamp": 1709142428,
            "type": "compliance_suspend",
        }
    )
    assert isinstance(event, Event)
    assert event.values == {
        "sg_event_id": "MjEzNTg5OTcyOC10ZXJtaW5hdGUtMTcwNzg1MTUzMQ",
        "type": "compliance_suspend",
    }


def test_custom_args_are_taken_beside_the_known_keys_and_from_nested_objects() -> None:
    """Flat and nested are both in use."""
    event = parsed(customer="c1", unique_args={"order": 7}, custom_args={"plan": None, "customer": "c1"})
    assert custom_args(event) == {"customer": "c1", "order": 7, "plan": None}


def test_custom_args_of_one_name_are_all_kept() -> None:
    """The flat one is what SendGrid itself put there; a nested one that differs stays nested."""
    event = parsed(
        a="flat", unique_args={"a": "unique", "b": 1}, custom_args={"a": "custom", "b": 2, "c": {"d": 1}}
    )
    assert custom_args(event) == {
        "a": "flat",
        "b": 2,
        "c": {"d": 1},
        "custom_args": {"a": "custom"},
        "unique_args": {"a": "unique", "b": 1},
    }


def test_custom_arg_that_is_called_like_their_object_is_kept() -> None:
    event = parsed(custom_args={"unique_args": 1}, unique_args={"custom_args": {"a": 2}, "a": 3})
    assert custom_args(event) == {
        "a": 3,
        "custom_args": {"unique_args": 1},
        "unique_args": {"custom_args": {"a": 2}},
    }


def test_nested_custom_args_that_are_no_object_are_kept_as_they_are() -> None:
    assert custom_args(parsed(custom_args="a=1", unique_args=None)) == {
        "custom_args": "a=1",
        "unique_args": None,
    }


@pytest.mark.parametrize(
    "number",
    [
        "12345678901234567890123",
        "-99999999999999999999",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "1" * 4_000,
        "0.5",
        "1.10",
        "1E5",
        "1e22",
        "-0.0",
        "12345678901234567890.123456789",
        "0.1000000000000000055511151231257827",
        "1e-400",
    ],
)
def test_numbers_keep_every_digit(number: str) -> None:
    assert kept_number(number) == number


@pytest.mark.parametrize(
    "number", ["1" * 4_001, "1" * 100_000, "0." + "1" * 4_000, "1e400", "-1e99999", "1e-401"]
)
def test_numbers_that_others_cannot_read_are_kept_as_text(number: str) -> None:
    assert kept_number(number) == f'"{number}"'


def kept_number(number: str) -> str:
    """How a number is written among the custom args, on its own and within others."""
    body = f'[{{"event":"open","timestamp":{AT},"amount":{number},"deep":[{{"amount":{number}}}]}}]'
    (event,) = parse_post(body.encode())
    assert isinstance(event, Event)
    kept = event.custom_args.decode().removeprefix('{"amount":')
    kept, _, deep = kept.partition(',"deep":')
    assert deep == f'[{{"amount":{kept}}}]}}'
    return kept


def test_what_postgres_cannot_store_is_replaced_and_nothing_else() -> None:
    body = f'[{{"event":"open","timestamp":{AT},"useragent":"a\\u0000b\\ud800c","x\\u0000":"\\udc00","smile":"\\ud83d\\ude00"}}]'
    (event,) = parse_post(body.encode())
    assert isinstance(event, Event)
    assert event.values["useragent"] == "a\ufffdb\ufffdc"
    assert custom_args(event) == {"x\ufffd": "\ufffd", "smile": "😀"}


GOOD = b'{"event":"open","timestamp":1717200000,"email":"a@example.com","n":1.50}'


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (b"5", "not_an_object"),
        (b"{}", "no_event"),
        (b'{"event":"open","timestamp":1717200000,"a":tru}', "not_json"),
        (b'{"event":"open","timestamp":1717200000,"a":01}', "not_json"),
        (b'{"event":"open" "timestamp":1717200000}', "not_json"),
        (b'{"event":"open","timestamp":1717200000,"a":"\x00"}', "not_json"),
        (b'{"event":"open","timestamp":1717200000,"a":' + b"[" * 300 + b"]" * 300 + b"}", "too_deep"),
        (b'{"event":"open","timestamp":' + b"[" * 300 + b"]" * 300 + b"}", "too_deep"),
        (b'{"event":"open","timestamp":1717200000,"a":' + b"[" * 2_000 + b"]" * 2_000 + b"}", "too_deep"),
        (b"[" * 100_000 + b"]" * 100_000, "too_deep"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "too_deep"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value[:60].decode()}",
)
@pytest.mark.parametrize(
    "neighbour",
    [GOOD, GOOD.replace(b"1.50", b'"\\u0000\\ud800"'), GOOD.replace(b"1.50", b"[" * 250 + b"]" * 250)],
)
def test_odd_item_leaves_its_neighbours_alone(item: bytes, reason: str, neighbour: bytes) -> None:
    """Peers #9: others lose the whole post."""
    body = b"[%b , %b,\r\n%b]" % (neighbour, item, neighbour)
    before, odd, after = parse_post(body)
    assert isinstance(before, Event)
    assert before == after
    assert isinstance(odd, OddItem)
    assert odd.reason == reason
    assert item_text(body, 1) == item.decode().replace("\x00", "\ufffd")


@pytest.mark.parametrize(
    "error", [RecursionError("deep"), MemoryError(), OverflowError("too large"), KeyError("\ud800")]
)
def test_whatever_an_item_raises_concerns_it_alone(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    original = event_parser.parse_item

    def stumbles(item: Any) -> Event | OddItem:
        if item["email"] == "poison":
            raise error
        return original(item)

    monkeypatch.setattr(event_parser, "parse_item", stumbles)
    body = json.dumps([an_event(), an_event(email="poison"), an_event()]).encode()
    first, odd, last = parse_post(body)
    assert isinstance(first, Event)
    assert isinstance(last, Event)
    assert isinstance(odd, OddItem)
    assert odd.reason == "unforeseen"
    assert type(error).__name__ in odd.detail
    odd.detail.encode()


def test_last_of_equal_keys_counts() -> None:
    (event,) = parse_post(b'[{"event":"open","timestamp":1717200000,"a":1,"a":2,"email":"x","email":"y"}]')
    assert isinstance(event, Event)
    assert (event.values["email"], event.custom_args) == ("y", b'{"a":2}')


@pytest.mark.parametrize(
    ("end", "rest"),
    [
        (b",", b'{"event":"open'),
        (b",", b"]"),
        (b",", b'"'),
        (b",", b'{"a":"unended, "b":1}]'),
        (b",", GOOD + b" " + GOOD + b"]"),
        (b",", b'{"a":[}, %b]' % GOOD),
        (b",", b"]] "),
        (b",", b"[" * 100_000),
        (b"]", b"]"),
        (b"]", b" " + GOOD),
    ],
    ids=lambda value: value[:20].decode(),
)
@pytest.mark.parametrize("many", [1, 20_000])
def test_items_before_the_place_where_a_post_makes_no_sense_are_items(
    end: bytes, rest: bytes, many: int
) -> None:
    """The receiver takes what stands in brackets; a broken end must not cost its neighbours."""
    body = b"[" + b",".join([GOOD] * many) + end + rest
    *before, last = parse_post(body)
    assert len(before) == many
    assert {type(item) for item in before} == {Event}
    assert isinstance(last, OddItem)
    assert last.reason == "not_json"
    assert item_text(body, many) == rest.decode()


def test_large_post_comes_in_portions() -> None:
    """Everything in it is read as in a small one; a portion's size is bounded, and so is an item's."""
    huge = b'{"event":"open","timestamp":1717200000,"a":"%b"}' % (b"x" * PORTION_BYTES)
    strange = GOOD.replace(b"1.50", b'"\\ud800"')
    body = b"\xef\xbb\xbf \n[%b,%b,%b,\r\n%b ]\n" % (
        b",".join([GOOD] * 20_000),
        huge,
        strange,
        b" , ".join([b"1234567890" * 4] * 30_000),
    )
    portions = list(items_of(body))
    assert all(portion.size <= PORTION_BYTES + 2 or len(portion.values) == 1 for portion in portions)
    assert [portion.first for portion in portions][:2] == [0, len(portions[0].values)]
    assert sum(len(portion.values) for portion in portions) == 50_002
    items = list(parse_post(body))
    assert len(items) == 50_002
    assert set(map(str, items[:20_000])) == {str(next(parse_post(b"[%b]" % GOOD)))}
    assert isinstance(items[20_000], OddItem)
    assert items[20_000].reason == "too_large"
    assert isinstance(items[20_001], Event)
    assert {item.reason for item in items[20_002:] if isinstance(item, OddItem)} == {"not_an_object"}
    assert item_text(body, 20_000) == huge.decode()
    assert item_text(body, 20_001) == strange.decode()
    assert item_text(body, 50_001) == "1234567890" * 4
    with pytest.raises(IndexError):
        item_text(body, 50_002)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"hello", "not_json"),
        (b'[{"event":"open"', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"event":"open"}', "not_a_list"),
        (b"null", "not_a_list"),
        (b'"[]"', "not_a_list"),
        (b"\xff\xfe", "not_json"),
        (b"[,1]", "not_json"),
        (b'["a', "not_json"),
        (b'[{"a":"b]', "not_json"),
        (b"[" * 2_000_000, "not_json"),
        (b"x" * 2_000_000, "not_json"),
        (b'{"a":' + b'"a":1,' * 200_000 + b'"a":1}', "not_json"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value[:20].decode('latin-1')!r} {len(value)}",
)
def test_body_that_is_no_list_is_named(body: bytes, reason: str) -> None:
    with pytest.raises(NotAPostError) as caught:
        parse_post(body)
    assert caught.value.reason == reason


def test_body_as_sendgrid_writes_it_is_read() -> None:
    """Items are separated by comma, carriage return and newline; the body ends with both; brackets are escaped."""
    body = (
        b'[{"email":"a@example.com","event":"dropped","smtp-id":"\\u003cx@y\\u003e","timestamp":1600112492},\r\n'
        b'{"email":"b@example.com","event":"open","timestamp":1600112493}]\r\n'
    )
    first, second = parse_post(body)
    assert isinstance(first, Event)
    assert isinstance(second, Event)
    assert first.values["smtp_id"] == "<x@y>"
    assert second.values["email"] == "b@example.com"


@settings(max_examples=300)
@given(event_items.anything)
def test_parser_never_fails(value: Any) -> None:
    assert isinstance(parse_item(value), Event | OddItem)


@settings(max_examples=300)
@given(event_items.events)
def test_nothing_of_an_event_is_lost(item: dict[str, Any]) -> None:
    """Every key ends in its columns or, unchanged, among the custom args; only nulls of known keys and of nothing are left out."""
    event = parse_item(item)
    assert isinstance(event, Event)
    kept = custom_args(event)
    for key, value in item.items():
        if key in ("custom_args", "unique_args") and isinstance(value, dict):
            stays = kept.get(key, {})
            assert all(name in stays if name not in kept else True for name in value)
            assert all(stays.get(name, kept.get(name)) == one for name, one in value.items())
        elif key in kept:
            assert kept[key] == value
        elif key in FIELDS_BY_KEY:
            columns = {column.name for column in FIELDS_BY_KEY[key].columns}
            assert value is None or columns & event.values.keys()
        else:
            assert key in ("event", "timestamp")


def test_every_documented_type_has_one_name_in_each_system() -> None:
    """S119: Amplitude's prefix with one space; S67: deferred has no Track name unless one asks for more."""
    for names in (
        [kind.webhook for kind in EVENT_TYPES],
        [kind.table for kind in EVENT_TYPES],
        [kind.setting for kind in EVENT_TYPES],
        [kind.segment for kind in EVENT_TYPES if kind.segment],
    ):
        assert len(names) == len(set(names))
    assert {kind.webhook for kind in EVENT_TYPES if kind.segment is None} == {
        "deferred",
        "account_status_change",
    }
    assert (
        next(kind for kind in EVENT_TYPES if kind.webhook == "spamreport").amplitude
        == "[Sendgrid] spamreport"
    )


def test_every_known_key_has_columns_of_its_own() -> None:
    columns = [column.name for field in FIELDS for column in field.columns]
    assert len(columns) == len(set(columns))
    assert {field.key for field in FIELDS} | {"event", "timestamp"} == KNOWN_FIELDS
