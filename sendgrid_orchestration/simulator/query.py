"""The conditions that requests carry as text: SGQL of a contact search, and the filters of Email Logs.

Sources: SendGrid's Segmentation Query Language reference, and the description of `query` in the OpenAPI file of /v3/logs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Record = Mapping[str, Any]
Value = Callable[[Record], Any]
Test = Callable[[Record], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
        |(?P<number>-?\d+(?:\.\d+)?)
        |(?P<name>[A-Za-z_][A-Za-z0-9_.]*|`[^`]+`)
        |(?P<sign><=|>=|!=|<>|[=<>(),])
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_DEEPEST = 50
"""How deep conditions may be nested here; SendGrid names no limit."""


class QueryError(Exception):
    """The text is no query that SendGrid understands; says why."""


@dataclass(frozen=True)
class Token:
    """One word of a query: a quoted text, a number, a name or a sign."""

    kind: str
    text: str
    at: int

    @property
    def keyword(self) -> str:
        """The word in upper case, if it may be one of the language's own; empty for values."""
        return self.text.upper() if self.kind in ("name", "sign") else ""


def tokens(query: str) -> list[Token]:
    """Split a query into its words.

    Raises:
        QueryError: something in it is no word, or a quotation mark is not closed.
    """
    found, position, end = [], 0, len(query.rstrip())
    while position < end:
        match = _TOKEN.match(query, position)
        if match is None:
            raise QueryError(f"invalid query: unexpected text at position {position}")
        kind = str(match.lastgroup)
        text = match[kind]
        if kind == "text":
            text = _ESCAPED.sub(r"\1", text[1:-1])
        elif text.startswith("`"):
            text = text[1:-1]
        found.append(Token(kind, text, match.start(kind)))
        position = match.end()
    return found


class _Reader:
    """Reads tokens one after the other."""

    def __init__(self, query: str) -> None:
        self._tokens, self._next = tokens(query), 0

    @property
    def token(self) -> Token:
        """The token to come; an empty sign at the end."""
        return self._tokens[self._next] if self._next < len(self._tokens) else Token("end", "", -1)

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        return self._next == len(self._tokens)

    def take(self) -> Token:
        """The next token, which is then behind us."""
        token = self.token
        if self.ended:
            raise QueryError("invalid query: it ends too early")
        self._next += 1
        return token

    def accept(self, *keywords: str) -> str:
        """Take the next token if it is one of these, and return it in upper case; else return nothing."""
        keyword = self.token.keyword
        if keyword not in keywords:
            return ""
        self._next += 1
        return keyword

    def expect(self, keyword: str) -> None:
        """Take this token.

        Raises:
            QueryError: another one comes.
        """
        if not self.accept(keyword):
            raise self.unexpected()

    def unexpected(self) -> QueryError:
        """Says that the token to come has no place here."""
        return QueryError(f"invalid query: unexpected {self.token.text[:40]!r}")


def contact_test(query: str, fields: Mapping[str, str]) -> Test:
    """Compile an SGQL condition.

    Args:
        query: such as `email LIKE '%@gmail.com' AND CONTAINS(list_ids, '…')`.
        fields: what a contact may be asked for, in lower case, and the key under which its record has it.

    Returns:
        A function that tells whether a contact's record meets the condition.

    Raises:
        QueryError: it is no SGQL, or asks for an unknown field.
    """
    return _Condition(_Reader(query), fields).whole()


class _Condition:
    """A recursive-descent parser; each method reads one kind of expression and returns a function of a record."""

    def __init__(self, reader: _Reader, fields: Mapping[str, str]) -> None:
        self._reader, self._fields, self._depth = reader, fields, 0

    def whole(self) -> Test:
        test = self._either()
        if not self._reader.ended:
            raise self._reader.unexpected()
        return test

    def _either(self) -> Test:
        tests = [self._both()]
        while self._reader.accept("OR"):
            tests.append(self._both())
        return lambda record: any(test(record) for test in tests)

    def _both(self) -> Test:
        tests = [self._single()]
        while self._reader.accept("AND"):
            tests.append(self._single())
        return lambda record: all(test(record) for test in tests)

    def _single(self) -> Test:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise QueryError("invalid query: nested too deeply")
        try:
            if self._reader.accept("NOT"):
                test = self._single()
                return lambda record: not test(record)
            if self._reader.accept("("):
                test = self._either()
                self._reader.expect(")")
                return test
            if self._reader.accept("CONTAINS"):
                return self._contains()
            return self._comparison()
        finally:
            self._depth -= 1

    def _contains(self) -> Test:
        self._reader.expect("(")
        held = self._value()
        self._reader.expect(",")
        wanted = self._value()
        self._reader.expect(")")
        return lambda record: wanted(record) in (held(record) or ())

    def _comparison(self) -> Test:
        left = self._value()
        if sign := self._reader.accept("=", "!=", "<>", "<", ">", "<=", ">="):
            right = self._value()
            return lambda record: _compared(left(record), sign, right(record))
        if self._reader.accept("IS"):
            negated = bool(self._reader.accept("NOT"))
            self._reader.expect("NULL")
            return lambda record: (left(record) in (None, "", [])) != negated
        negated = bool(self._reader.accept("NOT"))
        word = self._reader.accept("LIKE", "IN", "BETWEEN")
        if word == "LIKE":
            test = self._like(left)
        elif word == "IN":
            test = self._in(left)
        elif word == "BETWEEN":
            test = self._between(left)
        else:
            raise self._reader.unexpected()
        return lambda record: test(record) != negated

    def _like(self, left: Value) -> Test:
        token = self._reader.take()
        if token.kind != "text":
            raise QueryError("invalid query: LIKE wants a text")
        # One % stands for anything, two for the sign itself. No regular expression: many wildcards would take it for ever.
        parts = [part.replace("\0", "%") for part in token.text.replace("%%", "\0").split("%")]
        return lambda record: _is_like(left(record), parts)

    def _in(self, left: Value) -> Test:
        self._reader.expect("(")
        values = [self._value()]
        while self._reader.accept(","):
            values.append(self._value())
        self._reader.expect(")")
        return lambda record: any(_compared(left(record), "=", value(record)) for value in values)

    def _between(self, left: Value) -> Test:
        low = self._value()
        self._reader.expect("AND")
        high = self._value()
        return lambda record: (
            _compared(left(record), ">=", low(record)) and _compared(left(record), "<=", high(record))
        )

    def _value(self) -> Value:
        token = self._reader.take()
        if token.kind == "text":
            return lambda _: token.text
        if token.kind == "number":
            number = float(token.text)
            return lambda _: number
        if token.kind != "name":
            raise QueryError(f"invalid query: unexpected {token.text[:40]!r}")
        if token.keyword in ("TRUE", "FALSE"):
            return lambda _: token.keyword == "TRUE"
        if self._reader.accept("("):
            return self._call(token)
        key = self._fields.get(token.text.lower())
        if key is None:
            raise QueryError(f"invalid query: unknown field {token.text[:40]!r}")
        return lambda record: record.get(key)

    def _call(self, name: Token) -> Value:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise QueryError("invalid query: nested too deeply")
        arguments = [self._value()]
        while self._reader.accept(","):
            arguments.append(self._value())
        self._reader.expect(")")
        self._depth -= 1
        first = arguments[0]
        if name.keyword == "LOWER" and len(arguments) == 1:
            return lambda record: str(first(record) or "").lower()
        if name.keyword == "LENGTH" and len(arguments) == 1:
            return lambda record: len(str(first(record) or ""))
        if name.keyword == "CONCAT" and len(arguments) == 2:
            return lambda record: "".join(str(argument(record) or "") for argument in arguments)
        raise QueryError(f"invalid query: unknown function {name.text[:40]!r}")


def _is_like(text: Any, parts: list[str]) -> bool:
    """Whether a text consists of these parts, in order, with anything between them."""
    first, last = parts[0], parts[-1]
    if not isinstance(text, str) or not text.startswith(first):
        return False
    if len(parts) == 1:
        return text == first
    at, end = len(first), len(text) - len(last)
    for part in parts[1:-1]:
        at = text.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return at <= end and text.endswith(last)


def _compared(left: Any, sign: str, right: Any) -> bool:
    if sign in ("!=", "<>"):
        return not _compared(left, "=", right)
    if isinstance(left, list):
        return sign == "=" and right in left
    if isinstance(left, (int, float)) != isinstance(right, (int, float)) or left is None or right is None:
        return False
    return bool(left == right) if sign == "=" else _ORDER[sign](left, right)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}

_LOG_FIELDS: dict[str, tuple[str, ...]] = {
    "sg_message_id": ("=",),
    "subject": ("=",),
    "to_email": ("=",),
    "status": ("IN",),
    "reason": ("=",),
    "categories": ("IN",),
    "sg_message_id_created_at": (">", "<", ">=", "<="),
}
"""What Email Logs can be asked for, and by which operators."""


def log_test(query: str) -> Test:
    """Compile a filter of Email Logs: conditions joined by AND, without nesting, everything case-sensitive.

    Args:
        query: such as `status IN ('bounced') AND sg_message_id_created_at > TIMESTAMP "2026-01-01T00:00:00Z"`.

    Returns:
        A function that tells whether a message's record meets all conditions. The record has the names of the fields as
        its keys, `categories` as a collection, and `sg_message_id_created_at` in unix seconds.

    Raises:
        QueryError: an unknown field, an operator that the field does not have, or no such filter at all.
    """
    reader, tests = _Reader(query), list[Test]()
    while not reader.ended:
        if tests and _word(reader) != "AND":
            raise QueryError("invalid query: conditions are joined by AND")
        tests.append(_log_condition(reader))
    return lambda record: all(test(record) for test in tests)


def _log_condition(reader: _Reader) -> Test:
    field, operator = _word(reader), _word(reader)
    if operator not in _LOG_FIELDS.get(field, ()):
        raise QueryError(f"invalid query: {field[:40]!r} cannot be asked for with {operator[:40]!r}")
    if field == "sg_message_id_created_at":
        if _word(reader) != "TIMESTAMP":
            raise QueryError("invalid query: a moment is written as TIMESTAMP and a quoted date and time")
        moment, order = _moment(_text(reader)), _ORDER[operator]
        return lambda record: order(record[field], moment)
    if operator == "=":
        wanted = _text(reader)
        return lambda record: bool(record[field] == wanted)
    reader.expect("(")
    values = {_text(reader)}
    while reader.accept(","):
        values.add(_text(reader))
    reader.expect(")")
    if field == "categories":
        return lambda record: not values.isdisjoint(record[field])
    return lambda record: record[field] in values


def _word(reader: _Reader) -> str:
    token = reader.take()
    return token.text if token.kind in ("name", "sign") else ""


def _text(reader: _Reader) -> str:
    token = reader.take()
    if token.kind != "text":
        raise QueryError(f"invalid query: expected a quoted value instead of {token.text[:40]!r}")
    return token.text


def _moment(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise QueryError(f"invalid query: {text[:40]!r} is not a date and time") from error
