"""Answers in SendGrid's shapes: errors, pages, and reading what a request asks for."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sendgrid_orchestration.simulator.account import Account

T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]


class Refusal(Exception):
    """Ends a request with an error in SendGrid's shape."""

    def __init__(self, status: int, message: str, field: str | None = None, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.errors = [{"message": message, "field": field, **more}]

    def response(self) -> Response:
        """The answer."""
        return answer({"errors": self.errors}, self.status)


def answer(body: Any, status: int = 200) -> Response:
    """A JSON answer; without a body where that is None."""
    if body is None:
        return Response(status_code=status)
    return Response(orjson.dumps(body), status, media_type="application/json")


def account_of(request: Request) -> Account:
    """The simulated account behind the API."""
    account: Account = request.app.state.account
    return account


async def body_of(request: Request) -> dict[str, Any]:
    """The request's JSON object; an empty body counts as an empty object.

    Raises:
        Refusal: it is not JSON, or not an object.
    """
    raw = await request.body()
    try:
        body = orjson.loads(raw) if raw.strip() else {}
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "invalid json in request body") from error
    if not isinstance(body, dict):
        raise Refusal(400, "request body is invalid")
    return body


def text_of(body: dict[str, Any], name: str, least: int = 0, most: int = 1 << 20) -> str | None:
    """A text among the properties of a request's body; None where it is left out.

    Raises:
        Refusal: it is no text, or too short or too long.
    """
    value = body.get(name)
    if name not in body:
        return None
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise Refusal(400, f"{name} must be a string of {least} to {most} characters", name)
    return value


def texts_of(body: dict[str, Any], name: str, least: int = 0, most: int = 1 << 20) -> list[str]:
    """A list of texts among the properties of a request's body; empty where it is left out or null, if it may be.

    Raises:
        Refusal: it is no such list, or too short or too long.
    """
    values = body.get(name) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Refusal(400, f"{name} must be an array of strings", name)
    if not least <= len(values) <= most:
        raise Refusal(400, f"{name} must have between {least} and {most} elements", name)
    return values


def number_of(body: dict[str, Any], name: str, default: int, low: int, high: int) -> int:
    """A whole number among the properties of a request's body.

    Raises:
        Refusal: it is no number, or out of bounds.
    """
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Refusal(400, f"{name} must be a number between {low} and {high}", name)
    return value


def choice_of(body: dict[str, Any], name: str, choices: tuple[str, ...], default: str) -> str:
    """One of some words among the properties of a request's body.

    Raises:
        Refusal: it is another.
    """
    value = body.get(name, default)
    if value not in choices:
        raise Refusal(400, f"{name} must be one of {', '.join(choices)}", name)
    return str(value)


def flag_of(body: dict[str, Any], name: str) -> bool:
    """A true or false among the properties of a request's body; false where it is left out.

    Raises:
        Refusal: it is neither.
    """
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise Refusal(400, f"{name} must be a boolean", name)
    return value


def number_in(request: Request, name: str, default: int, low: int, high: int) -> int:
    """A whole number among the query parameters.

    Raises:
        Refusal: it is no number, or out of bounds.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,18}", text) or not low <= int(text) <= high:
        raise Refusal(400, f"{name} must be a number between {low} and {high}", name)
    return int(text)


def day_in(request: Request, name: str) -> date | None:
    """A day among the query parameters.

    Raises:
        Refusal: it is no day.
    """
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as error:
        raise Refusal(400, f"{name} must be a date (YYYY-MM-DD)", name) from error


def page(
    request: Request,
    items: Sequence[T],
    show: Callable[[T], Any],
    *,
    key: str = "result",
    default_size: int = 100,
    max_size: int = 1000,
    null_when_empty: bool = False,
) -> Response:
    """One page in the Marketing API's manner: `next` and `prev` are full addresses, and left out at the ends.

    Args:
        request: tells page and size.
        items: all of them.
        show: the document of one.
        key: what the documents stand under.
        default_size: of a page, where the request tells none.
        max_size: of a page.
        null_when_empty: the collection without items is a null with a count of 0, as single sends were seen to be.
    """
    size = number_in(request, "page_size", default_size, 1, max_size)
    start = _offset(request.query_params.get("page_token"))
    metadata: dict[str, Any] = {"self": _page_url(request, size, start or None), "count": len(items)}
    if start > 0:
        metadata["prev"] = _page_url(request, size, max(start - size, 0))
    if start + size < len(items):
        metadata["next"] = _page_url(request, size, start + size)
    shown = [show(item) for item in items[start : start + size]]
    return answer({key: None if null_when_empty and not items else shown, "_metadata": metadata})


def offset_page(request: Request, items: Sequence[T], default: int, most: int) -> Sequence[T]:
    """What `limit` and `offset` select."""
    limit = number_in(request, "limit", default, 1, most)
    offset = number_in(request, "offset", 0, 0, 1 << 40)
    return items[offset : offset + limit]


def base_url(request: Request) -> str:
    """The address under which the caller reached us, without the path."""
    return str(request.base_url).rstrip("/")


def _page_url(request: Request, size: int, start: int | None) -> str:
    kept = [(k, v) for k, v in request.query_params.multi_items() if k not in ("page_size", "page_token")]
    kept.append(("page_size", str(size)))
    if start is not None:
        kept.append(("page_token", base64.urlsafe_b64encode(f"row:{start}".encode()).decode()))
    return f"{base_url(request)}{request.url.path}?{urlencode(kept)}"


def _offset(token: str | None) -> int:
    if not token:
        return 0
    try:
        found = re.fullmatch(r"row:([0-9]{1,18})", base64.urlsafe_b64decode(token).decode())
    except (binascii.Error, ValueError):
        found = None
    if found is None:
        raise Refusal(400, "invalid page token", "page_token")
    return int(found[1])
