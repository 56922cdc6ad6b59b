"""Finds where the items of a JSON array begin and end, without building any of them.

A post may nest to any depth and hold millions of items. A parser builds objects for all of it, 40 bytes for each byte of text at
worst, and most call themselves for each level. This scanner keeps a position and a number of levels. It looks at quotes,
brackets and commas alone: whether an item is valid JSON is for a parser to say, item by item.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_PLAIN = rb'[^\[\]{}"]*+'
_LEVEL = rb"[\[{]" + _PLAIN + rb"(?:%s" + _PLAIN + rb")*+[\]}]"
_ONE_LEVEL = _LEVEL % _STRING
_TWO_LEVELS = _LEVEL % (rb"(?:" + _STRING + rb"|" + _ONE_LEVEL + rb")")
"""An event as SendGrid sends it, in one match: an object that holds at most arrays and objects of scalars."""

_SPACE = rb"[ \t\r\n]*+"
_BEGIN = re.compile(rb"(?:\xef\xbb\xbf)?" + _SPACE + rb"\[")
_EMPTY = re.compile(_SPACE + rb"\]")
_ITEM = re.compile(
    _SPACE + rb"(" + _TWO_LEVELS + rb"|" + _STRING + rb'|[^\[\]{}", \t\r\n]++)' + _SPACE + rb"([,\]])",
    re.DOTALL,
)
_OPENING = re.compile(_SPACE + rb"([\[{])")
_PIECE = re.compile(_TWO_LEVELS + rb"|" + _STRING + rb'|[\[\]{}"]', re.DOTALL)
_AFTER = re.compile(_SPACE + rb"([,\]])")
_END = re.compile(_SPACE + rb"\Z")


class NotAnArrayError(ValueError):
    """The text is not a JSON array; the message says where that shows.

    Attributes:
        at: where the items end that could be told apart.
    """

    def __init__(self, problem: str, at: int) -> None:
        super().__init__(problem)
        self.at = at


def item_spans(text: bytes) -> Iterator[tuple[int, int]]:
    """Begin and end of each item of the array, in order.

    Args:
        text: a JSON array in UTF-8; a byte order mark before it is allowed.

    Raises:
        NotAnArrayError: quotes, brackets and commas do not form an array. Items before that place were yielded.
    """
    begin = _BEGIN.match(text)
    if begin is None:
        raise NotAnArrayError("it does not begin with a bracket", 0)
    at = begin.end()
    if empty := _EMPTY.match(text, at):
        at = empty.end()
    else:
        ends = False
        while not ends:
            item = _ITEM.match(text, at)
            if item is not None:
                yield item.span(1)
                ends, at = item[2] == b"]", item.end()
                continue
            opening = _OPENING.match(text, at)
            if opening is None:
                raise NotAnArrayError(f"there is no item at byte {at}", at)
            end = _end_of_nested(text, opening.end())
            after = _AFTER.match(text, end) if end else None
            if after is None:
                raise NotAnArrayError(f"the item at byte {opening.start(1)} does not end as one", at)
            yield opening.start(1), end
            ends, at = after[1] == b"]", after.end()
    if _END.match(text, at) is None:
        raise NotAnArrayError(f"something follows its end at byte {at}", at)


def levels(text: bytes) -> int:
    """How deep arrays and objects are nested in a JSON text; at most one too many."""
    depth = deepest = 0
    for piece in _PIECE.finditer(text):
        begin, end = piece.span()
        if text[begin] in b"[{":
            deepest = max(deepest, depth + (1 if end - begin == 1 else 2))
            depth += end - begin == 1
        elif text[begin] in b"]}":
            depth -= 1
    return deepest


def _end_of_nested(text: bytes, at: int) -> int:
    """Where the array or object ends whose first bracket is just before `at`; 0 if it has no end."""
    depth = 1
    for piece in _PIECE.finditer(text, at):
        begin, end = piece.span()
        if end - begin > 1:
            continue
        if text[begin] in b"[{":
            depth += 1
        elif text[begin] in b"]}":
            depth -= 1
            if depth == 0:
                return end
        else:
            return 0  # a string without an end
    return 0
