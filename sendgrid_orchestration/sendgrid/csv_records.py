"""The records of an exported CSV file, as bytes, in batches: quick enough that a million take seconds, in constant memory.

A record is not parsed here. It is found (a line break inside quotation marks ends none), and that is enough to compare it with
what is known and to hand it on to Postgres, which parses CSV several times faster than Python.
"""

from __future__ import annotations

import csv
import queue
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sendgrid_orchestration.sendgrid.errors import ExportFailedError

_GZIP_MAGIC = b"\x1f\x8b"
_BLOCK = 1 << 18
_BLOCKS_AHEAD = 8


class CsvFile:
    """One file of an export, gzip or not.

    Attributes:
        header: the column names as they are written; empty for a file without a byte in it.
        ends_properly: the last record had a line end. Known once all records were taken.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._batches = _batches(path)
        self.ends_properly = True
        first = next(self._batches, ([], True))
        lines, self.ends_properly = first
        self.header: list[str] = _header(lines[0]) if lines else []
        self._rest = lines[1:]

    def batches(self) -> Iterator[list[bytes]]:
        """The records after the header, without their line ends.

        Raises:
            ExportFailedError: the file ends in the middle of a record, or its compression is damaged.
        """
        if self._rest:
            yield self._rest
        for lines, ended in self._batches:
            self.ends_properly = ended
            if lines:
                yield lines


def _header(line: bytes) -> list[str]:
    text = line.decode("utf-8-sig", errors="replace")
    return next(csv.reader([text], strict=False), [])


def _batches(path: Path) -> Iterator[tuple[list[bytes], bool]]:
    """Batches of whole records, each with whether the last of them was ended by a line break."""
    carry = b""
    pending: list[bytes] = []  # lines of a record whose quotation mark is still open
    for block in _read_ahead(path):
        lines = (carry + block).split(b"\n")
        carry = lines.pop()
        records = _join_open(lines, pending)
        if records:
            yield records, True
    if pending or carry.count(b'"') % 2:
        raise ExportFailedError("a file ends in the middle of a row")
    if carry.strip():
        yield [carry.removesuffix(b"\r")], False


def _join_open(lines: list[bytes], pending: list[bytes]) -> list[bytes]:
    """Put lines back together that a line break inside a value took apart; leaves the unfinished in `pending`."""
    if not pending and True not in [line.count(b'"') % 2 == 1 for line in lines]:
        return _trimmed(lines)
    records = []
    for line in lines:
        if pending or line.count(b'"') & 1:
            pending.append(line)
            if sum(part.count(b'"') for part in pending) & 1:
                continue
            records.append(b"\n".join(pending))
            pending.clear()
        else:
            records.append(line)
    return _trimmed(records)


def _trimmed(records: list[bytes]) -> list[bytes]:
    """Without carriage returns at the end, and without empty lines."""
    if any(record.endswith(b"\r") for record in records[:1]):
        records = [record.removesuffix(b"\r") for record in records]
    return [record for record in records if record] if b"" in records else records


def _read_ahead(path: Path) -> Iterator[bytes]:
    """Blocks of the file, decompressed by a thread of its own: zlib works while Python does."""
    blocks: queue.Queue[bytes | BaseException | None] = queue.Queue(_BLOCKS_AHEAD)
    stop = threading.Event()

    def put(item: bytes | BaseException | None) -> None:
        while not stop.is_set():
            with suppress(queue.Full):
                blocks.put(item, timeout=0.5)
                return

    def read() -> None:
        try:
            for block in _plain(path):
                put(block)
                if stop.is_set():
                    return
            put(None)
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=read, name="export-reader", daemon=True)
    thread.start()
    try:
        while (item := blocks.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join(timeout=10)


def _plain(path: Path) -> Iterator[bytes]:
    """The text of the file. Whether it is gzip is asked of its first bytes: neither its name nor its headers are reliable."""
    with path.open("rb") as file:
        blocks = iter(lambda: file.read(_BLOCK), b"")
        yield from _gunzipped(blocks)


def _gunzipped(blocks: Iterator[bytes]) -> Iterator[bytes]:
    first = next(blocks, b"")
    while 0 < len(first) < len(_GZIP_MAGIC) and (more := next(blocks, b"")):
        first += more
    if not first.startswith(_GZIP_MAGIC):
        if first:
            yield first
        yield from blocks
        return
    # Compressed by the exporter and once more by the transport: seen at object stores, so look again inside.
    yield from _gunzipped(_members(first, blocks))


def _members(first: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    inflate = zlib.decompressobj(wbits=31)
    try:
        for block in _chain(first, blocks):
            data = block
            while data:
                if inflate.eof:
                    if not data.startswith(_GZIP_MAGIC):
                        return  # padding behind the last member
                    inflate = zlib.decompressobj(wbits=31)
                text = inflate.decompress(data, _BLOCK * 4)
                if text:
                    yield text
                data = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
    except zlib.error as error:
        raise ExportFailedError(f"a file's compression is damaged ({error})") from error
    if not inflate.eof:
        raise ExportFailedError("a compressed file ends too early")


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
