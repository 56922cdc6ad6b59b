"""How posts lie in a landed file: a magic number, then one frame after the other.

A frame is a fixed header (lengths, time of receipt, checksum), the kept HTTP headers as JSON, and the body exactly as
it came. The checksum covers everything else in the frame, lengths and time included, so that neither a torn write nor
the zeros that a crashed file system leaves at a file's end pass for a post.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

import orjson

from sendgrid_orchestration.landing.errors import DamagedFile

MAGIC = b"SGPOSTS\x01"
"""First bytes of every landed file; the last of them is the version of the format."""

MAX_BODY_BYTES = 256 * 1024 * 1024
"""No setting allows a larger post, so a larger length is damage and not worth an attempt to read it."""

MAX_HEADERS_BYTES = 64 * 1024

_LENGTHS_AND_TIME = struct.Struct("<IIq")
_CHECKSUM = struct.Struct("<I")
_HEADER_BYTES = _LENGTHS_AND_TIME.size + _CHECKSUM.size
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Post:
    """One webhook request as it was received."""

    received_at: datetime
    """UTC."""
    headers: dict[str, str]
    """Lower-case names; only those that a later check of the post needs (signature, timestamp, content type)."""
    body: bytes


def encode(post: Post) -> tuple[bytes, bytes]:
    """The frame of a post as two buffers, so that the body need not be copied: header with HTTP headers, and body."""
    headers = orjson.dumps(post.headers)
    microseconds = (post.received_at - _EPOCH) // _MICROSECOND
    front = _LENGTHS_AND_TIME.pack(len(headers), len(post.body), microseconds)
    checksum = zlib.crc32(post.body, zlib.crc32(headers, zlib.crc32(front)))
    return front + _CHECKSUM.pack(checksum) + headers, post.body


def decode(stream: BinaryIO, name: str) -> Iterator[tuple[int, Post]]:
    """The posts of a landed file in the order in which they were written, each with the offset just behind it.

    Args:
        stream: the file's (uncompressed) bytes from the beginning.
        name: what to call the file in an error.

    Raises:
        DamagedFile: at the first byte that does not belong to a whole post.
    """
    magic = _read_exactly(stream, len(MAGIC))
    if magic != MAGIC:
        raise DamagedFile(name, 0, _wrong_magic(magic))
    offset = len(MAGIC)
    while header := _read_exactly(stream, _HEADER_BYTES):
        if len(header) < _HEADER_BYTES:
            raise DamagedFile(name, offset, "it ends within the header of a post")
        front, checksum = header[: _LENGTHS_AND_TIME.size], _CHECKSUM.unpack(header[-_CHECKSUM.size :])[0]
        headers_length, body_length, microseconds = _LENGTHS_AND_TIME.unpack(front)
        if headers_length > MAX_HEADERS_BYTES or body_length > MAX_BODY_BYTES:
            raise DamagedFile(name, offset, "a length is impossible")
        headers = _read_exactly(stream, headers_length)
        body = _read_exactly(stream, body_length)
        if len(headers) < headers_length or len(body) < body_length:
            raise DamagedFile(name, offset, "it ends within a post")
        if zlib.crc32(body, zlib.crc32(headers, zlib.crc32(front))) != checksum:
            raise DamagedFile(name, offset, "the checksum of a post is wrong")
        offset += _HEADER_BYTES + headers_length + body_length
        received_at = _EPOCH + timedelta(microseconds=microseconds)
        yield offset, Post(received_at, orjson.loads(headers), body)


def whole_posts(stream: BinaryIO, name: str) -> tuple[int, int]:
    """How far a file that its writer left behind is whole: the number of posts and the offset behind the last.

    The offset is 0 where not even the magic number is whole.
    """
    posts = end = 0
    try:
        for end, _ in decode(stream, name):  # noqa: B007 - the last offset is the answer
            posts += 1
    except DamagedFile:
        pass
    return posts, end


def _wrong_magic(magic: bytes) -> str:
    if magic[:-1] == MAGIC[:-1]:
        return f"its format is version {magic[-1]}, and this program reads version {MAGIC[-1]}"
    return "it does not begin like a landed file"


def _read_exactly(stream: BinaryIO, length: int) -> bytes:
    """So many bytes, or what is left: object stores and decompressors hand out less than was asked for."""
    data = stream.read(length)
    if len(data) == length or not data:
        return data
    parts = [data]
    missing = length - len(data)
    while missing and (data := stream.read(missing)):
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)
