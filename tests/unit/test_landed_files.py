"""The format of landed files: every byte comes back, and nothing else passes for a post."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendgrid_orchestration.landing import names
from sendgrid_orchestration.landing.errors import DamagedFile
from sendgrid_orchestration.landing.format import MAGIC, Post, decode, encode, whole_posts

NOW = datetime(2026, 11, 20, 12, 30, 15, 123456, tzinfo=UTC)

posts = st.builds(
    Post,
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)),
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=20),
        st.text(st.characters(codec="utf-8"), max_size=50),
        max_size=4,
    ),
    st.binary(max_size=300),
)


def written(items: list[Post]) -> bytes:
    return MAGIC + b"".join(part for item in items for part in encode(item))


def read(data: bytes) -> list[Post]:
    return [post for _, post in decode(io.BytesIO(data), "file")]


@given(st.lists(posts, max_size=8))
def test_posts_come_back_byte_for_byte(items: list[Post]) -> None:
    assert read(written(items)) == items


@given(st.lists(posts, min_size=1, max_size=4), st.data())
def test_torn_file_gives_its_whole_posts_and_the_place_of_the_damage(
    items: list[Post], data: st.DataObject
) -> None:
    whole = written(items)
    cut = data.draw(st.integers(0, len(whole) - 1))
    ends = [len(written(items[:count])) for count in range(len(items) + 1)]
    complete = sum(end <= cut for end in ends[1:])

    assert whole_posts(io.BytesIO(whole[:cut]), "file") == (complete, ends[complete] if complete else 0)
    if cut not in ends:
        with pytest.raises(DamagedFile) as caught:
            read(whole[:cut])
        assert caught.value.offset == (ends[complete] if cut >= len(MAGIC) else 0)


@given(st.lists(posts, min_size=1, max_size=3), st.data())
def test_every_changed_byte_is_noticed(items: list[Post], data: st.DataObject) -> None:
    whole = bytearray(written(items))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))

    with pytest.raises(DamagedFile):
        read(bytes(whole))


def test_zeros_at_the_end_are_no_post() -> None:
    """What a file system may leave at the end of a file after a power loss."""
    item = Post(NOW, {}, b"[]")

    assert whole_posts(io.BytesIO(written([item]) + bytes(4096)), "file") == (1, len(written([item])))


def test_stream_that_hands_out_little_at_a_time_is_read_to_the_end() -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 3))

    items = [Post(NOW, {"a": "b"}, b"[1,2,3]"), Post(NOW, {}, b"[]")]

    assert [post for _, post in decode(Trickle(written(items)), "file")] == items


def test_file_of_another_version_is_named_as_such() -> None:
    with pytest.raises(DamagedFile, match="version 2"):
        read(MAGIC[:-1] + b"\x02")


def test_damage_names_file_and_offset() -> None:
    data = written([Post(NOW, {}, b"[]")]) + b"garbage that is no header of a post at all"

    with pytest.raises(DamagedFile, match=r"landing/x\.posts is damaged at byte \d+: a length is impossible"):
        list(decode(io.BytesIO(data), "landing/x.posts"))


def test_names_sort_by_time_and_say_the_day_of_receipt() -> None:
    give = names.name_giver()
    earlier, later = give(NOW), give(NOW + timedelta(microseconds=1))

    assert earlier < later
    assert names.opened_at(earlier) == NOW
    assert (
        names.day_of_receipt(give(datetime(2026, 11, 21, 0, 30, tzinfo=timezone(timedelta(hours=2)))), NOW)
        == NOW.date()
    )


def test_no_name_comes_twice_even_when_the_clock_steps_back() -> None:
    writers = [names.name_giver() for _ in range(3)]
    moments = [NOW, NOW - timedelta(hours=1), NOW, NOW]

    assert len({give(moment) for give in writers for moment in moments}) == len(writers) * len(moments)


@pytest.mark.parametrize("name", ["", "notes", "20261120T123015123456Z", "../../etc/passwd"])
def test_foreign_name_has_no_time(name: str) -> None:
    assert names.opened_at(name) is None
    assert names.day_of_receipt(name, NOW) == NOW.date()
