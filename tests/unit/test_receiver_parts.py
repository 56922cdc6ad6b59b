"""The receiver's small parts: what counts as an array, who gets room, and what it must never import."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendgrid_orchestration.receiver.bodies import count_items
from sendgrid_orchestration.receiver.room import Room

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.lists(values, max_size=6), st.booleans())
def test_every_array_is_counted(items: list[Any], ascii_only: bool) -> None:
    text = json.dumps(items, ensure_ascii=ascii_only)

    assert count_items(text.encode("utf-8", "replace") + b"\r\n") == len(items)


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b"[]", 0),
        (b" [1, 2] ", 2),
        (b'[{"a":1},{}]\r\n', 2),
        (rb'[{"a":"\ud800"},{}]', 0),
        (b"[1e400]", 1),
        (b'[{"a":1,"a":2}]', 1),
        (b"", None),
        (b"{}", None),
        (b'"[]"', None),
        (b"null", None),
        (b"[1", None),
        (b"\x1f\x8b\x08\x00", None),
        (b"[", None),
        (b"]", None),
        (b"[" * 100_000, None),
        (b"a=b&c=d", None),
        # What is odd between the brackets is the loader's: it keeps the good items, which a refusal would lose.
        (b'["\xff",{}]', 2),
        (b'["\xed\xa0\x80"]', 1),
        (b"\xef\xbb\xbf[]", 0),
        (b"[1,]", 0),
        (b"[1]]", 0),
        (b"[NaN]", 0),
        (b"[01]", 0),
        (b"[{}," + b"[" * 100_000 + b"]" * 100_000 + b"]\r\n", 0),
        (b'[{"a":' * 50_000 + b"1" + b"}]" * 50_000, 0),
    ],
)
def test_nothing_else_is_an_array(body: bytes, count: int | None) -> None:
    assert count_items(body) == count


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda inner: b" [" + inner + b"]\n"))
def test_random_bytes_are_judged_by_their_brackets(body: bytes) -> None:
    try:
        parsed = json.loads(body.decode(), parse_constant=lambda name: 1 / 0)
    except (ValueError, ZeroDivisionError):
        parsed = None
    text = body.strip(b" \t\r\n")
    found = count_items(body)

    if isinstance(parsed, list):
        assert found in (len(parsed), 0)  # 0 with half a surrogate pair, which fast parsers refuse
    elif not (len(text) > 1 and text.startswith(b"[") and text.endswith(b"]")):
        assert found is None
    else:
        assert found is not None


def test_counting_takes_little_memory_whatever_the_body() -> None:
    """Anybody may post: the signature is checked later."""
    tracemalloc.start()
    for item in (b"1,", b"[],", b'"\\ud800",', b"{},"):
        count_items(b"[" + item * (8 * 2**20 // len(item)) + b"1]")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 90 * 2**20


def test_room_is_shared_in_the_order_of_arrival() -> None:
    async def scene() -> list[str]:
        room, let_in = Room(100, 5.0), list[str]()

        async def visit(name: str, size: int, seconds: float) -> None:
            assert await room.enter(size)
            let_in.append(name)
            await asyncio.sleep(seconds)
            room.leave(size)

        visits = [
            asyncio.create_task(visit(*who)) for who in (("a", 60, 0.05), ("b", 60, 0.01), ("c", 10, 0.01))
        ]
        await asyncio.gather(*visits)
        assert room.used == 0
        return let_in

    assert asyncio.run(scene()) == ["a", "b", "c"]  # c would fit beside a, but must not overtake b for ever


def test_who_finds_no_room_in_time_is_turned_away_and_holds_up_nobody() -> None:
    async def scene() -> None:
        room = Room(100, 0.05)
        assert await room.enter(100)
        began = time.monotonic()
        refused, small = await asyncio.gather(room.enter(50), room.enter(1))
        assert (refused, small) == (False, False)
        assert time.monotonic() - began < 1
        room.leave(100)
        assert room.used == 0
        assert room.enter_at_once(100)

    asyncio.run(scene())


def test_larger_than_all_room_gets_in_alone() -> None:
    async def scene() -> None:
        room = Room(10, 0.05)
        assert await room.enter(1000)
        assert not await room.enter(1)
        room.leave(1000)
        assert await room.enter(1)

    asyncio.run(scene())


def test_receiver_knows_no_database_and_no_dagster() -> None:
    """It must be up when everything else is down (decision 4)."""
    code = """
import sys
import sendgrid_orchestration.receiver.server, sendgrid_orchestration.receiver.app
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    assert "granian" in loaded
    assert not set(loaded) & {
        "psycopg",
        "psycopg2",
        "sqlalchemy",
        "dagster",
        "dbt",
        "pandas",
        "requests",
        "botocore",
    }
