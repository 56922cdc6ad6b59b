"""How posts lie in a landed file: a header, then one frame for each post, then a trailer.

Version 2, little-endian::

    header    magic (8 bytes, the last is the version) · length of the file's name (1 byte) · the file's name
    frame     length of the HTTP headers (4) · length of the body (4) · time of receipt in microseconds (8) ·
              CRC-32 (4) · HTTP headers as JSON · body exactly as it came
    trailer   marker (8) · number of posts (8) · XXH3-128 of every byte before the trailer (16) · CRC-32 (4)

A frame's checksum covers everything else in the frame, lengths and time included, so that neither a torn write nor the
zeros that a crashed file system leaves at a file's end pass for a post. The trailer shows what frames cannot: a file that
was cut exactly between two posts. The name in the header shows a file that lies under the name of another.

Version 1 has neither name nor trailer (its header is the magic alone). It is still read, and no longer written.

Limits hold when a post is encoded, so whatever was written can be read.
"""

from __future__ import annotations

import struct
import zlib
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, Self

import orjson
import xxhash

from sendgrid_orchestration.landing.errors import DamagedFile

MAGIC = b"SGPOSTS\x02"
"""First bytes of every landed file; the last of them is the version of the format."""

MAGIC_WITHOUT_TRAILER = b"SGPOSTS\x01"
"""First bytes of files of version 1."""

MAX_BODY_BYTES = 256 * 1024 * 1024
"""No setting allows a larger post, so a larger length is damage and not worth an attempt to read it."""

MAX_HEADERS_BYTES = 64 * 1024

_LENGTHS_AND_TIME = struct.Struct("<IIq")
_CHECKSUM = struct.Struct("<I")
_HEADER_BYTES = _LENGTHS_AND_TIME.size + _CHECKSUM.size
_MARKER = b"\xff\xff\xff\xffEND\n"  # no frame begins like this: it would have 4 GB of headers
_TRAILER = struct.Struct("<8sQ16s")
TRAILER_BYTES = _TRAILER.size + _CHECKSUM.size
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
    """The frame of a post as two buffers, so that the body need not be copied: header with HTTP headers, and body.

    Raises:
        ValueError: the post is larger than what can be read back, or a header is no valid Unicode.
    """
    try:
        headers = orjson.dumps(post.headers)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"The headers of a post cannot be kept: {error}.") from error
    if len(headers) > MAX_HEADERS_BYTES or len(post.body) > MAX_BODY_BYTES:
        raise ValueError(
            f"A post with {len(headers)} bytes of headers and {len(post.body)} of body is too large to be kept: "
            f"the limits are {MAX_HEADERS_BYTES} and {MAX_BODY_BYTES}."
        )
    microseconds = (post.received_at - _EPOCH) // _MICROSECOND
    front = _LENGTHS_AND_TIME.pack(len(headers), len(post.body), microseconds)
    checksum = zlib.crc32(post.body, zlib.crc32(headers, zlib.crc32(front)))
    return front + _CHECKSUM.pack(checksum) + headers, post.body


def header(name: str) -> bytes:
    """The first bytes of a file with this name (without suffix)."""
    encoded = name.encode()
    return MAGIC + bytes([len(encoded)]) + encoded


class Content:
    """What a file holds so far: the number of posts and the checksum of its bytes, both of which the trailer states."""

    def __init__(self, beginning: bytes) -> None:
        """Begin with the file's header."""
        self.posts = 0
        self._hash = xxhash.xxh3_128(beginning)

    def add(self, buffers: Iterable[bytes], posts: int) -> None:
        """Account for the frames of so many posts."""
        for buffer in buffers:
            self._hash.update(buffer)
        self.posts += posts

    def copy(self) -> Self:
        """The same, to go on from."""
        other = self.__class__(b"")
        other.posts, other._hash = self.posts, self._hash.copy()
        return other

    @property
    def checksum(self) -> str:
        """XXH3-128 in hexadecimal digits."""
        return self._hash.hexdigest()

    def trailer(self) -> bytes:
        """The trailer of a file that ends here."""
        front = _TRAILER.pack(_MARKER, self.posts, self._hash.digest())
        return front + _CHECKSUM.pack(zlib.crc32(front))


def whole_file(name: str, posts: Sequence[Post]) -> list[bytes]:
    """Every byte of a file with these posts: for tests, imports and benchmarks that write no post by post."""
    frames = [buffer for post in posts for buffer in encode(post)]
    content = Content(header(name))
    content.add(frames, len(posts))
    return [header(name), *frames, content.trailer()]


class PostReader:
    """Iterates over the posts of a landed file in the order in which they were written, in constant memory.

    Iterating raises `DamagedFile` at the first byte that does not belong to a whole post, or at the end where the trailer
    does not fit what came before.

    Attributes:
        end: the offset just behind the last whole post, in uncompressed bytes; 0 where not even the header is whole.
        content: what was read so far; None before the header was read.
        has_trailer: whether the trailer was read and fits.
    """

    def __init__(self, stream: BinaryIO, path: str, name: str | None = None) -> None:
        """Read nothing yet.

        Args:
            stream: the file's (uncompressed) bytes from the beginning; closed at the end of the iteration.
            path: what to call the file in an error.
            name: the name that its header must state (without suffix); None to accept any.
        """
        self._stream = stream
        self._path = path
        self._name = name
        self._posts = self._read()
        self.end = 0
        self.content: Content | None = None
        self.has_trailer = False

    def __iter__(self) -> Iterator[Post]:
        return self

    def __next__(self) -> Post:
        return next(self._posts)

    def close(self) -> None:
        """Close the stream."""
        self._posts.close()
        self._stream.close()

    @property
    def checksum(self) -> str | None:
        """Of what was read so far, header included; None before the header was read."""
        return self.content.checksum if self.content else None

    def read_on(self) -> Self:
        """Read what is left as far as it is whole, and forget the posts."""
        with suppress(DamagedFile):
            deque(self, maxlen=0)
        return self

    def _read(self) -> Generator[Post, None, None]:
        try:
            content, has_trailer = self._read_header()
            while start := _read_exactly(self._stream, _HEADER_BYTES):
                if has_trailer and start.startswith(_MARKER):
                    self._check_trailer(start, content)
                    return
                headers, post = self._read_frame(start)
                content.add((start, headers, post.body), 1)
                self.end += len(start) + len(headers) + len(post.body)
                yield post
            if has_trailer:
                raise self._damage("it ends without its trailer, so posts at its end may be missing")
        finally:
            self._stream.close()

    def _read_header(self) -> tuple[Content, bool]:
        magic = _read_exactly(self._stream, len(MAGIC))
        if magic == MAGIC_WITHOUT_TRAILER:
            name, beginning = None, magic
        elif magic == MAGIC:
            length = _read_exactly(self._stream, 1)
            encoded = _read_exactly(self._stream, length[0]) if length else b""
            if not length or len(encoded) < length[0]:
                raise self._damage("it ends within its header")
            name, beginning = encoded.decode(errors="replace"), magic + length + encoded
        else:
            raise self._damage(_wrong_magic(magic))
        if name is not None and self._name is not None and name != self._name:
            raise self._damage(f"its content is that of {name}; give each file its own name back")
        self.content, self.end = Content(beginning), len(beginning)
        return self.content, name is not None

    def _read_frame(self, start: bytes) -> tuple[bytes, Post]:
        if len(start) < _HEADER_BYTES:
            raise self._damage("it ends within the header of a post")
        front, checksum = start[: _LENGTHS_AND_TIME.size], _CHECKSUM.unpack(start[-_CHECKSUM.size :])[0]
        headers_length, body_length, microseconds = _LENGTHS_AND_TIME.unpack(front)
        if headers_length > MAX_HEADERS_BYTES or body_length > MAX_BODY_BYTES:
            raise self._damage("a length is impossible")
        headers = _read_exactly(self._stream, headers_length)
        body = _read_exactly(self._stream, body_length)
        if len(headers) < headers_length or len(body) < body_length:
            raise self._damage("it ends within a post")
        if zlib.crc32(body, zlib.crc32(headers, zlib.crc32(front))) != checksum:
            raise self._damage("the checksum of a post is wrong")
        try:
            return headers, Post(_EPOCH + timedelta(microseconds=microseconds), orjson.loads(headers), body)
        except (OverflowError, orjson.JSONDecodeError) as error:
            raise self._damage(f"time or headers of a post make no sense ({error})") from error

    def _check_trailer(self, start: bytes, content: Content) -> None:
        trailer = start + _read_exactly(self._stream, TRAILER_BYTES - len(start))
        if len(trailer) < TRAILER_BYTES:
            raise self._damage("it ends within its trailer")
        if trailer != content.trailer():
            raise self._damage("its trailer states another number of posts or another checksum")
        if _read_exactly(self._stream, 1):
            raise self._damage("bytes follow its trailer")
        self.has_trailer = True

    def _damage(self, what: str) -> DamagedFile:
        return DamagedFile(self._path, self.end, what)


def _wrong_magic(magic: bytes) -> str:
    if len(magic) == len(MAGIC) and magic[:-1] == MAGIC[:-1]:
        return f"its format is version {magic[-1]}, and this program reads versions up to {MAGIC[-1]}"
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
