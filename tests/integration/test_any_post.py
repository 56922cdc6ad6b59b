"""Whatever is posted: each item ends as a row or in quarantine, its neighbours are rows, no file is in the way of another.

Through the writer that the receiver uses and the loader, into Postgres.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from sendgrid_orchestration.landing.format import Post
from sendgrid_orchestration.landing.store import open_store
from sendgrid_orchestration.landing.writer import append_all
from sendgrid_orchestration.load import shaping
from sendgrid_orchestration.load.loader import load_waiting
from sendgrid_orchestration.settings import Source
from tests.support import event_items

SOURCE = Source.model_validate({"name": "sendgrid"})
RAW = "sendgrid_raw"
RECEIVED = datetime(2024, 6, 1, 12, 0, tzinfo=UTC)
GOOD = b"a good event"
"""Stands for an ordinary event of its own."""

numbers = itertools.count(1)


def nested(opening: str, closing: str, depth: int, inner: str) -> str:
    return opening * depth + inner + closing * depth


digits = st.integers(1, 9).flatmap(
    lambda d: st.sampled_from([1, 18, 19, 20, 25, 400, 4_000, 4_001, 140_000]).map(lambda n: f"{d}" * n)
)
json_numbers = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "-"]),
        digits,
        st.sampled_from(["", ".0", ".10", ".123456789012345678901234567890", "." + "3" * 20_000]),
        st.sampled_from(
            ["", "e5", "E-7", "e400", "e-400", "e401", "e131072", "e-16384", "e999999999999", "e-99999"]
        ),
    ),
)
escapes = st.sampled_from(
    [
        "\\u0000",
        "\\ud800",
        "\\udc00\\ud800",
        "\\ud83d\\ude00",
        "\\\\u0000",
        "\\\\\\ud800",
        "\\u00e9",
        '\\"',
        "é",
        "😀",
        "\\/",
    ]
)
json_texts = st.lists(
    escapes | st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=5), max_size=5
).map(lambda parts: f'"{"".join(parts)}"')
depths = st.sampled_from([1, 2, 5, 200, 252, 255, 300, 500, 990, 1_100, 20_000, 100_000])
json_nested = st.builds(
    lambda brackets, depth, inner: nested(*brackets, depth, inner),
    st.sampled_from([("[", "]"), ('{"a":', "}"), ('{"":[', "]}"), ("[[1],", ",{}]")]),
    depths,
    json_numbers | json_texts,
)
json_values = (
    json_numbers
    | json_texts
    | json_nested
    | event_items.anything.map(json.dumps)
    | st.sampled_from(
        [
            "tru",
            "NaN",
            "-Infinity",
            "01",
            "1.",
            '"\\x"',
            '"\x01"',
            "[1,]",
            "{}",
            "null",
            '"' + "x" * 1_100_000 + '"',
        ]
    )
)
keys = st.sampled_from(
    [
        "a",
        "",
        "é",
        "\\u0000",
        "\\udfff",
        "event",
        "timestamp",
        "status",
        "email",
        "sg_message_id",
        "category",
        "pool",
        "send_at",
        "attempt",
        "sg_machine_open",
        "url_offset",
        "custom_args",
        "unique_args",
    ]
)
hostile_events = st.lists(st.tuples(keys, json_values), max_size=4).map(
    lambda more: (
        '{"event":"open","timestamp":1717200000' + "".join(f',"{key}":{value}' for key, value in more) + "}"
    )
)
hostile_items = hostile_events | json_values | event_items.items.map(json.dumps)
items = st.just(GOOD) | hostile_items.map(str.encode)
not_posts = st.sampled_from(
    [b"", b"null", b"{}", b"[", b"[1", b'["', b"[}", b"\xff\xfe[]", b"[" * 100_000, b"\x00"]
)


@dataclass(frozen=True)
class Body:
    """A post, whose items are known."""

    items: tuple[bytes, ...]
    separator: bytes
    rest: bytes
    """What stands instead of the last bracket: the post makes no sense from there on, and that is one more item."""

    def written(self, made: list[str]) -> bytes:
        """With an ordinary event for each place that wants one; their ids are added to those made."""
        parts = []
        for item in self.items:
            if item is not GOOD:
                parts.append(item)
                continue
            made.append(f"good-{next(numbers)}")
            parts.append(json.dumps(good(made[-1])).encode())
        return b"[" + self.separator.join(parts) + self.rest

    @property
    def number(self) -> int:
        """How many items the loader has to find."""
        return len(self.items) + (self.rest.strip() != b"]")


def good(name: str) -> dict[str, Any]:
    return {
        "event": "click",
        "timestamp": 1_717_200_001,
        "sg_event_id": name,
        "email": f"{name}@example.com",
        "order": name,
    }


bodies = st.builds(
    Body,
    st.lists(items, max_size=8).map(tuple),
    st.sampled_from([b",", b",\r\n", b" , "]),
    st.sampled_from([b"]", b"]", b"]", b"]\r\n", b"]]", b',{"a":"', b",]", b",1 2]"]),
)
files = st.lists(st.lists(bodies | not_posts, min_size=1, max_size=3), min_size=1, max_size=3)


@pytest.mark.timeout(900)
@settings(
    max_examples=60,
    deadline=None,
    phases=[phase for phase in Phase if phase is not Phase.explain],
    suppress_health_check=list(HealthCheck),
)
@given(files=files, portion_items=st.sampled_from([1, 3, 4_000]))
@example(files=[[Body((GOOD, b"[" * 100_000 + b"]" * 100_000, GOOD), b",", b"]")]], portion_items=4_000)
@example(
    files=[[b"[" * 100_000, Body((GOOD,), b",", b"]")], [Body((GOOD,) * 3, b",", b"]]")]], portion_items=4_000
)
def test_every_item_ends_as_a_row_or_in_quarantine(
    warehouse_url: str, tmp_path: Path, files: list[list[Body | bytes]], portion_items: int
) -> None:
    root = tmp_path / f"landing-{next(numbers)}"
    made: list[str] = []
    expected = 0
    for file in files:
        posts = []
        for number, post in enumerate(file):
            body = post if isinstance(post, bytes) else post.written(made)
            posts.append(Post(RECEIVED + timedelta(seconds=next(numbers), milliseconds=number), {}, body))
            expected += 1 if isinstance(post, bytes) else post.number
        append_all(root, SOURCE.name, posts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shaping, "PORTION_ITEMS", portion_items)
        patch.setattr(shaping, "BATCH_ROWS", 5)
        result = load_waiting(warehouse_url, open_store(root.as_uri()), SOURCE)

    assert (result.files, result.failed, result.damaged) == (len(files), {}, ())
    assert result.events_read == expected
    assert result.inserted + result.duplicate + result.quarantined == expected
    with psycopg.connect(warehouse_url) as conn:
        arrived = conn.execute(
            f"select sg_event_id, event, email, custom_args from {RAW}.events where sg_event_id = any(%s)".encode(),
            [made],
        ).fetchall()
        assert sorted(arrived) == sorted(
            (name, "click", f"{name}@example.com", {"order": name}) for name in made
        )
        where = [list(result.load_ids)]
        counted = conn.execute(
            f"select count(*), coalesce(sum(items), 0) from {RAW}.quarantine where load_id = any(%s)".encode(),
            where,
        ).fetchone()
        assert counted == (result.quarantined, result.quarantined)
        inserted = conn.execute(
            f"select count(*) from {RAW}.events where load_id = any(%s)".encode(), where
        ).fetchone()
        assert inserted == (result.inserted,)
        # What is stored can be read, by us and by others.
        for text in conn.execute(
            f"select to_jsonb(e)::text from {RAW}.events e where load_id = any(%s)".encode(), where
        ):
            json.loads(text[0])
