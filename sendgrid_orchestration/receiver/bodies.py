"""Tells a JSON array from anything else, without building what is in it.

The question is only whether SendGrid could have sent this at all. Whatever stands between the brackets is the loader's: it
sets odd items aside one by one. To refuse a post for one of them would lose all others, because SendGrid gives up after a day.
"""

from __future__ import annotations

import msgspec

_items = msgspec.json.Decoder(list[msgspec.Raw])

_LARGE_BYTES = 1024 * 1024
_MAX_COMMAS = 1_000_000
"""Each item takes 70 bytes while it is counted; a large body that may have more items than this is not counted."""

_WHITE_SPACE = b" \t\r\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def count_items(body: bytes) -> int | None:
    """How many items the body's array has; 0 where they cannot be counted, None where the body is not an array.

    Items cannot be counted if one is nested more deeply than a parser can follow, or if it is not JSON.
    """
    if len(body) <= _LARGE_BYTES or body.count(b",") <= _MAX_COMMAS:
        try:
            return len(_items.decode(body))
        except (msgspec.MsgspecError, RecursionError):
            pass
    text = body.removeprefix(_BYTE_ORDER_MARK).strip(_WHITE_SPACE)
    return 0 if len(text) > 1 and text.startswith(b"[") and text.endswith(b"]") else None
