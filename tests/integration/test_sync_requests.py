"""Every request of every object is one that SendGrid documents, and where it is not, the reason is written down."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml

from sendgrid_orchestration.simulator import Seen
from sendgrid_orchestration.sync import OBJECTS
from tests.support.mirror import Mirror, mirror

API: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "sendgrid_api.yaml").read_text(encoding="utf-8")
)
PAGING = {
    "token": {"page_size", "page_token"},
    "offset": {"limit", "offset"},
    "number": {"page", "page_size"},
    "last_seen": {"limit", "lastSeenID"},
    None: set(),
}


@pytest.fixture(scope="module")
def new(postgres_url: str) -> Iterator[Mirror]:
    with mirror(postgres_url, contacts=300, history_messages=8000) as made:
        made.catch_up()
        yield made


@pytest.fixture(scope="module")
def legacy(postgres_url: str) -> Iterator[Mirror]:
    with mirror(postgres_url, marketing="legacy", family="legacy", history_messages=50) as made:
        yield made


def documented(path: str) -> dict[str, Any] | None:
    """What is documented of a path: spelled out, or with an id where `{id}` stands."""
    if path in API:
        return API[path]
    for template, entry in API.items():
        found = re.fullmatch(re.escape(template).replace(r"\{id\}", "([^/]+)"), path)
        if found and found[1] in entry.get("ids", [found[1]]):
            return entry
    return None


def objection(seen: Seen) -> str | None:
    """Why a request is none that SendGrid documents; None where it is one."""
    entry = documented(seen.path)
    if entry is None:
        return "no such path"
    if seen.method not in entry.get("methods", ["GET"]):
        return f"not by {seen.method}"
    asked = parse_qs(seen.query, keep_blank_values=True)
    params = entry.get("params") or {}
    for name, values in asked.items():
        if name not in params:
            return f"no parameter {name}"
        if len(values) > params[name].get("times", 1):
            return f"{name} {len(values)} times"
        for value in values:
            if trouble := _trouble(value, params[name]):
                return f"{name}={value}: {trouble}"
    if pages := PAGING[entry.get("pages")]:
        # Without them SendGrid gives a first page of its own size, and says nothing of the others.
        return None if pages & asked.keys() else f"none of {', '.join(sorted(pages))}"
    return None


def _trouble(value: str, allowed: dict[str, Any]) -> str | None:
    if "most" in allowed and not 1 <= int(value) <= allowed["most"]:
        return f"from 1 to {allowed['most']}"
    if "one_of" in allowed and (others := {*value.split(",")} - {*allowed["one_of"]}):
        return f"{', '.join(sorted(others))} is none of {', '.join(allowed['one_of'])}"
    if "date" in allowed:
        date.fromisoformat(value)
    return None


@pytest.mark.parametrize(
    ("family", "name"), [(family, name) for name, spec in OBJECTS.items() for family in sorted(spec.syncs)]
)
def test_every_request_is_one_that_sendgrid_documents(
    family: str, name: str, request: pytest.FixtureRequest
) -> None:
    account: Mirror = request.getfixturevalue("legacy" if family == "legacy" else "new")
    account.simulator.log.clear()
    assert account.sync(name).rows_read > 0
    asked = [seen for seen in account.simulator.log.all() if seen.port == "api"]
    assert asked
    assert {
        f"{seen.method} {seen.path}?{seen.query}": told for seen in asked if (told := objection(seen))
    } == {}
    assert all(seen.status < 300 for seen in asked if not _is_end_of_pages(seen))


def _is_end_of_pages(seen: Seen) -> bool:
    """The legacy API says so with a 404."""
    return seen.status == 404 and (documented(seen.path) or {}).get("pages") == "number"


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
