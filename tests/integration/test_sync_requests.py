"""Every request of every object is one that SendGrid documents, and where it is not, the reason is written down."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml

from sendgrid_orchestration.simulator import Seen
from sendgrid_orchestration.sync import OBJECTS
from tests.support import sendgrid_openapi
from tests.support.mirror import Mirror

BEYOND: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "sendgrid_api.yaml").read_text(encoding="utf-8")
)
PAGING = (
    {"page_token", "page_size"},
    {"offset", "limit"},
    {"page", "page_size"},
    {"lastSeenID", "limit"},
)
"""The parameters by which pages are asked for; the first of a pair shows that a path has pages."""


def beyond(operation: sendgrid_openapi.Operation | None, path: str) -> dict[str, Any]:
    """What is known of a path although it is not published."""
    return BEYOND.get(operation.path if operation else path, {})


def parameters(seen: Seen) -> dict[str, dict[str, Any]] | None:
    """What may be asked of a path, by name, with the published schema and our own bounds; None where there is no such path."""
    operation = sendgrid_openapi.operation_of(seen.method, seen.path)
    known = beyond(operation, seen.path)
    if operation is None and not known:
        return None
    published: dict[str, Any] = {
        name: {"schema": schema} for name, schema in (operation.query if operation else {}).items()
    }
    for name, bounds in known.get("params", {}).items():
        published[name] = {**published.get(name, {}), **bounds}
    return published


def objection(seen: Seen) -> str | None:
    """Why a request is none that SendGrid documents; None where it is one."""
    params = parameters(seen)
    if params is None:
        return "no such path"
    asked = parse_qs(seen.query, keep_blank_values=True)
    for name, values in asked.items():
        if name not in params:
            return f"no parameter {name}"
        if len(values) > params[name].get("times", 1):
            return f"{name} {len(values)} times"
        for value in values:
            if trouble := _trouble(name, value, params[name]):
                return f"{name}={value}: {trouble}"
    if (pages := paging(seen, params)) and not pages & asked.keys():
        # Without them SendGrid gives a first page of its own size, and says nothing of the others.
        return f"none of {', '.join(sorted(pages))}"
    return None


def paging(seen: Seen, params: dict[str, Any]) -> set[str]:
    """The parameters by which a path's pages are asked for; none where it has no pages."""
    if beyond(sendgrid_openapi.operation_of(seen.method, seen.path), seen.path).get("pages") == "none":
        return set()
    return next((pair for pair in PAGING if pair <= params.keys()), set())


def _trouble(name: str, value: str, allowed: dict[str, Any]) -> str | None:
    schema = allowed.get("schema", {})
    most = allowed.get("most", schema.get("maximum"))
    if most is not None and not 1 <= int(value) <= most:
        return f"from 1 to {most}"
    words = schema.get("enum") or schema.get("items", {}).get("enum")
    if schema.get("type") == "boolean":
        words = ["true", "false"]
    if words and (others := {*value.split(",")} - {*words}):
        return f"{', '.join(sorted(others))} is none of {', '.join(words)}"
    if name in ("start_date", "end_date"):
        date.fromisoformat(value)
    return None


@pytest.mark.parametrize(
    ("account", "name"),
    [(family, name) for name, spec in OBJECTS.items() for family in sorted(spec.syncs)],
    indirect=["account"],
)
def test_every_request_is_one_that_sendgrid_documents(account: Mirror, name: str) -> None:
    assert account.sync(name).rows_read > 0
    asked = [seen for seen in account.simulator.log.all() if seen.port == "api"]
    assert asked
    assert {
        f"{seen.method} {seen.path}?{seen.query}": told for seen in asked if (told := objection(seen))
    } == {}
    assert all(seen.status < 300 for seen in asked if not _is_end_of_pages(seen))


def _is_end_of_pages(seen: Seen) -> bool:
    """The legacy API says so with a 404."""
    return seen.status == 404 and "page" in paging(seen, parameters(seen) or {})


@pytest.mark.parametrize(
    ("path", "query", "says"),
    [
        ("/v3/marketing/nothing", "", "no such path"),
        ("/v3/suppression/nothing", "limit=1", "no such path"),
        ("/v3/marketing/lists", "page_size=1001", "from 1 to 1000"),
        ("/v3/marketing/lists", "", "none of page_size, page_token"),
        ("/v3/marketing/lists", "page_size=10&limit=10", "no parameter limit"),
        ("/v3/stats", "start_date=2026-01-01&start_date=2026-01-02", "start_date 2 times"),
        ("/v3/categories/stats", "&".join(["categories=a"] * 11), "categories 11 times"),
        ("/v3/templates", "page_size=200&generations=legacy,newest", "newest is none of"),
    ],
)
def test_what_is_not_documented_is_objected_to(path: str, query: str, says: str) -> None:
    assert says in str(objection(Seen("api", "GET", path, query, {}, 200, 0.0)))
