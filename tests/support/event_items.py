"""Hypothesis strategies for items of a post: ordinary ones, odd ones, and everything in between."""

from typing import Any

from hypothesis import strategies as st

from sendgrid_orchestration.sendgrid.events import EVENT_TYPES, FIELDS

texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=20)

anything: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
"""Any value of JSON."""

_times = st.integers(1_700_000_000, 1_700_000_005)
_fitting: dict[str, st.SearchStrategy[Any]] = {
    "category": st.lists(texts, max_size=3) | texts,
    "url_offset": st.fixed_dictionaries({"index": st.integers(0, 9), "type": st.just("html")}),
    "pool": st.fixed_dictionaries({}, optional={"id": st.integers(0, 9) | texts, "name": texts}),
    "newsletter": st.fixed_dictionaries({"newsletter_id": texts}),
    "attempt": st.integers(0, 9) | st.integers(0, 9).map(str),
    "tls": st.sampled_from([0, 1, "0", "1", True, 1.0]),
    "asm_group_id": st.integers(0, 99),
    "sg_machine_open": st.booleans() | st.sampled_from([0, 1]),
    "send_at": _times | _times.map(str) | st.sampled_from([0, "0", ""]),
    "sg_event_id": st.sampled_from(["", "id-1", "id-2"]),
    "sg_message_id": texts | st.just("m" * 2001) | st.just("ü" * 1500),
}
_values = {field.key: _fitting.get(field.key, texts) | anything for field in FIELDS}

events: st.SearchStrategy[dict[str, Any]] = st.tuples(
    st.fixed_dictionaries(
        {
            "event": st.sampled_from([kind.webhook for kind in EVENT_TYPES])
            | st.sampled_from(["Processed", "new_kind"]),
            "timestamp": _times
            | _times.map(str)
            | _times.map(lambda second: second * 1000 + 7)
            | _times.map(float),
        },
        optional=_values,
    ),
    st.dictionaries(texts, anything, max_size=3),
    st.fixed_dictionaries({}, optional={"custom_args": anything, "unique_args": anything}),
).map(lambda parts: {**parts[1], **parts[2], **parts[0]})
"""Items that are events, with anything under the optional keys."""

items = events | anything
"""What a post may hold."""
