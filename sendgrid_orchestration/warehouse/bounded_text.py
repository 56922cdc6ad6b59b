"""Makes any text fit into an index.

An index entry of Postgres takes 2,704 bytes, and one long id must not fail a sync. A longer text is cut and ends in a hash of
the whole, so that different texts stay different. dbt's macro `bounded` cuts by the same rule, so that both can be joined.
"""

from __future__ import annotations

from hashlib import md5

LONGEST_BYTES = 1_000
"""Twice as much fits into an entry of an index of two texts."""


def bounded(text: str, longest: int = LONGEST_BYTES) -> str:
    """The text, or its beginning and a hash of it.

    Args:
        text: any text.
        longest: bytes of UTF-8 that it may have.
    """
    if len(text) <= longest // 4:  # no character has more than four bytes
        return text
    data = text.encode()
    if len(data) <= longest:
        return text
    return f"{text[: longest // 5]}...{md5(data, usedforsecurity=False).hexdigest()}"
