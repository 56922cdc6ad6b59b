"""Posts of 8 MB, the most that the receiver accepts, that ask as much memory and time of the loader as we know how."""

from __future__ import annotations

from collections.abc import Callable

SIZE = 8_000_000
_AT = 1_717_200_000


def _list(item: bytes) -> bytes:
    return b"[" + b",".join([item] * (SIZE // (len(item) + 1))) + b"]"


def _numbered(item: Callable[[int], bytes]) -> bytes:
    items, size = [], 0
    while size < SIZE:
        items.append(item(len(items)))
        size += len(items[-1]) + 1
    return b"[" + b",".join(items[:-1]) + b"]"


def _event(number: int, *more: bytes) -> bytes:
    keys = b",".join((b'"event":"open"', b'"timestamp":%d' % (_AT + number % 1000), *more))
    return b"{" + keys + b"}"


def _filled(item: bytes, size: int) -> bytes:
    return b"[" + b",".join([item] * (size // (len(item) + 1))) + b"]"


def posts() -> dict[str, bytes]:
    """The bodies by name."""
    deep = b"[" * 200 + b"]" * 200
    large = 1_000_000
    return {
        "scalars": _list(b"1"),
        "empty objects": _list(b"{}"),
        "smallest events": _numbered(_event),
        "smallest events with a float": _numbered(lambda n: _event(n, b'"a":%d.5' % n)),
        "smallest events with a NUL": _numbered(lambda n: _event(n, b'"a":"\\u0000"')),
        "names that are data": _numbered(lambda n: _event(n, b'"order %d":1' % n)),
        "arrays 1,000 deep": _list(b"[" * 1_000 + b"]" * 1_000),
        "one item 4,000,000 deep": b"[" * (SIZE // 2) + b"]" * (SIZE // 2),
        "events of 1 MB of empty arrays": _numbered(lambda n: _event(n, b'"a":' + _filled(b"[]", large))),
        "events of 1 MB of nested arrays": _numbered(lambda n: _event(n, b'"a":' + _filled(deep, large))),
        "events of 1 MB of numbers": _numbered(lambda n: _event(n, b'"a":' + _filled(b"1e400", large))),
        "events of 1 MB of digits": _numbered(lambda n: _event(n, b'"a":' + _filled(b"1" * 4_000, large))),
        "one number": b"[" + b"1" * SIZE + b"]",
        "one text": '["😀'.encode() + b"x" * SIZE + b'"]',
        "one object": b"[" + _event(0, b'"a":' + _filled(b'{"a":1}', SIZE)) + b"]",
        "no JSON": "😀".encode() + b"x" * SIZE,
    }
