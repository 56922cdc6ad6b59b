"""The format of landed files: every byte comes back, and nothing else passes for a post."""

from __future__ import annotations

import contextlib
import io
import json
import struct
import zlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from sendgrid_orchestration.landing import names
from sendgrid_orchestration.landing.errors import DamagedFile
from sendgrid_orchestration.landing.format import (
    MAGIC,
    MAGIC_WITHOUT_TRAILER,
    MAX_HEADERS_BYTES,
    TRAILER_BYTES,
    Post,
    PostReader,
    encode,
    whole_file,
)

NOW = datetime(2026, 11, 20, 12, 30, 15, 123456, tzinfo=UTC)

NAME = "20261120T123015123456Z-0123456789abcdef-00000001"

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
    return b"".join(whole_file(NAME, items))


def written_by_version_1(items: list[Post]) -> bytes:
    return MAGIC_WITHOUT_TRAILER + b"".join(part for item in items for part in encode(item))


def read(data: bytes, name: str | None = NAME) -> list[Post]:
    return list(PostReader(io.BytesIO(data), "landing/file.posts", name))


@given(st.lists(posts, max_size=8))
def test_posts_come_back_byte_for_byte(items: list[Post]) -> None:
    assert read(written(items)) == items


@given(st.lists(posts, max_size=8))
def test_files_of_the_first_version_are_still_read(items: list[Post]) -> None:
    assert read(written_by_version_1(items)) == items


@given(st.lists(posts, min_size=1, max_size=4), st.data())
def test_file_that_was_cut_anywhere_is_damaged_and_gives_its_whole_posts(
    items: list[Post], data: st.DataObject
) -> None:
    """Between two posts, too: that is what the trailer is for."""
    whole = written(items)
    ends = [len(written(items[:count])) - TRAILER_BYTES for count in range(len(items) + 1)]
    cut = data.draw(st.integers(0, len(whole) - 1) | st.sampled_from(ends))
    complete = sum(end <= cut for end in ends[1:])
    found = PostReader(io.BytesIO(whole[:cut]), "file")

    with pytest.raises(DamagedFile) as caught:
        for number, post in enumerate(found):
            assert post == items[number]
    assert caught.value.offset == found.end == (ends[complete] if cut >= ends[0] else 0)
    assert (found.content.posts if found.content else 0) == complete
    assert not found.has_trailer


@given(st.lists(posts, min_size=1, max_size=4), st.data())
def test_torn_file_of_the_first_version_is_damaged_unless_cut_between_posts(
    items: list[Post], data: st.DataObject
) -> None:
    whole = written_by_version_1(items)
    cut = data.draw(st.integers(len(MAGIC), len(whole) - 1))
    ends = [len(written_by_version_1(items[:count])) for count in range(len(items) + 1)]

    found = PostReader(io.BytesIO(whole[:cut]), "file").read_on()
    assert found.end == max(end for end in ends if end <= cut)
    if cut not in ends:
        with pytest.raises(DamagedFile):
            read(whole[:cut])


@given(st.lists(posts, min_size=1, max_size=3), st.data())
def test_every_changed_byte_is_noticed(items: list[Post], data: st.DataObject) -> None:
    whole = bytearray(written(items))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))

    with pytest.raises(DamagedFile):
        read(bytes(whole))


@given(st.lists(posts, min_size=2, max_size=4, unique_by=lambda post: post.body), st.data())
def test_posts_that_were_removed_doubled_or_reordered_are_noticed(
    items: list[Post], data: st.DataObject
) -> None:
    """Each frame of these files is whole by itself."""
    others = data.draw(st.lists(st.sampled_from(items), max_size=6).filter(lambda chosen: chosen != items))
    trailer = written(items)[-TRAILER_BYTES:]

    with pytest.raises(DamagedFile, match="trailer"):
        read(written(others)[:-TRAILER_BYTES] + trailer)


def test_file_under_the_name_of_another_is_noticed() -> None:
    data = written([Post(NOW, {}, b"[]")])

    with pytest.raises(DamagedFile, match=f"its content is that of {NAME}"):
        read(data, NAME.replace("01", "02"))
    assert len(read(data, None)) == 1


def test_bytes_behind_the_trailer_are_damage() -> None:
    """Two files that somebody put into one."""
    data = written([Post(NOW, {}, b"[]")])

    with pytest.raises(DamagedFile, match="bytes follow its trailer"):
        read(data + data)


@given(st.binary(max_size=80), st.integers(-(2**63), 2**63 - 1), st.binary(max_size=20))
def test_whatever_frames_hold_nothing_else_is_raised(headers: bytes, microseconds: int, body: bytes) -> None:
    """Frames with a right checksum around nonsense, as no version of this program writes them."""
    front = struct.pack("<IIq", len(headers), len(body), microseconds)
    checksum = zlib.crc32(front + headers + body)
    frame = front + struct.pack("<I", checksum) + headers + body

    with contextlib.suppress(DamagedFile):
        read(MAGIC_WITHOUT_TRAILER + frame)


@given(st.dictionaries(st.text(max_size=40), st.text(max_size=40), max_size=3), st.integers(0, 30_000))
def test_what_is_encoded_can_be_read_and_what_could_not_be_is_refused(
    headers: dict[str, str], quotes: int
) -> None:
    """Half surrogate pairs, and headers that grow sixfold when they are escaped."""
    post = Post(NOW, {**headers, "content-type": chr(1) * quotes}, b"[]")
    try:
        parts = encode(post)
    except ValueError:
        size = len(json.dumps(post.headers, ensure_ascii=False, separators=(",", ":")))
        assert size > MAX_HEADERS_BYTES or any(
            "\ud800" <= c <= "\udfff" for c in "".join(map("".join, headers.items()))
        )
    else:
        assert read(MAGIC_WITHOUT_TRAILER + b"".join(parts)) == [post]


def test_body_that_could_not_be_read_back_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendgrid_orchestration.landing.format.MAX_BODY_BYTES", 10)

    encode(Post(NOW, {}, bytes(10)))
    with pytest.raises(ValueError, match="too large to be kept"):
        encode(Post(NOW, {}, bytes(11)))


def test_zeros_at_the_end_are_no_post() -> None:
    """What a file system may leave at the end of a file after a power loss."""
    item = Post(NOW, {}, b"[]")
    data = written([item])[:-TRAILER_BYTES]

    assert PostReader(io.BytesIO(data + bytes(4096)), "file").read_on().end == len(data)


def test_stream_that_hands_out_little_at_a_time_is_read_to_the_end() -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 3))

    items = [Post(NOW, {"a": "b"}, b"[1,2,3]"), Post(NOW, {}, b"[]")]

    assert list(PostReader(Trickle(written(items)), "file", NAME)) == items


def test_checksum_is_of_everything_before_the_trailer_as_others_compute_it() -> None:
    """`head -c -36 FILE | xxhsum -H128` says the same."""
    data = written([Post(NOW, {"a": "b"}, b"[1]"), Post(NOW, {}, b"[2]")])
    found = PostReader(io.BytesIO(data), "file").read_on()

    assert found.has_trailer
    assert found.checksum == xxhash.xxh3_128_hexdigest(data[:-TRAILER_BYTES])
    assert found.content and found.content.posts == 2


def test_file_of_another_version_is_named_as_such() -> None:
    with pytest.raises(DamagedFile, match="version 3"):
        read(MAGIC[:-1] + b"\x03")


def test_damage_names_file_offset_and_remedy() -> None:
    data = MAGIC_WITHOUT_TRAILER + b"garbage that is no header of a post at all"

    with pytest.raises(
        DamagedFile, match=r"landing/file\.posts is damaged at byte 8: a length .* Restore it"
    ):
        read(data)


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


@pytest.mark.parametrize(
    "name",
    [
        "",
        "notes",
        "20261120T123015123456Z",
        "20261332T123015123456Z-0123456789abcdef-00000001",
        "../../etc/passwd",
    ],
)
def test_foreign_name_has_no_time(name: str) -> None:
    assert names.opened_at(name) is None
    assert names.day_of_receipt(name, NOW) == NOW.date()
