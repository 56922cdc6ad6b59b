"""The items of an array are found whatever is in them, as a parser that builds them would find them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sendgrid_orchestration.sendgrid.json_items import NotAnArrayError, item_spans, levels
from tests.support import event_items

texts = st.text(max_size=20) | st.text('[]{},:"\\ \n', max_size=20)
values: st.SearchStrategy[Any] = st.recursive(
    event_items.anything | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
RELAXED = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def found(text: bytes) -> list[bytes]:
    return [text[begin:end] for begin, end in item_spans(text)]


@RELAXED
@given(st.lists(values, max_size=6), st.sampled_from([None, 1]), st.booleans())
def test_items_are_found_however_they_are_written(
    items: list[Any], indent: int | None, ensure_ascii: bool
) -> None:
    text = json.dumps(items, indent=indent, ensure_ascii=ensure_ascii).encode("utf-8", "surrogatepass")
    assert [json.loads(one.decode("utf-8", "surrogatepass")) for one in found(text)] == items


@RELAXED
@given(st.text('[]{},:"\\ 1a', max_size=12).map(str.encode))
@example(b"[]")
@example(b" [ ] ")
@example(b'[""]')
@example(b"[[[[]]],1]")
@example(b'["\\\\",1]')
def test_whatever_is_an_array_is_taken_apart(text: bytes) -> None:
    """What is refused is no JSON array. What is not refused may hold items that are no JSON."""
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    try:
        items = found(text)
    except NotAnArrayError:
        assert not isinstance(parsed, list)
    else:
        if isinstance(parsed, list):
            assert [json.loads(one) for one in items] == parsed
        else:
            assert parsed is None
            with pytest.raises(ValueError, match=r".*"):
                [json.loads(one) for one in items]


def test_depth_and_number_do_not_matter() -> None:
    deep = b"[" * 200_000 + b"]" * 200_000
    assert found(b"[1,%b , 2]" % deep) == [b"1", deep, b"2"]
    assert len(found(b"[" + b"{}," * 300_000 + b'"]"]')) == 300_001


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"1", 0),
        (b"[[[1]]]", 3),
        (b'[{"a":[[[[1]]]]},[]]', 6),
        (b'"[[[[[["', 0),
        (b"[" * 900 + b"]" * 900, 900),
    ],
)
def test_levels(text: bytes, expected: int) -> None:
    assert expected <= levels(text) <= expected + 1
