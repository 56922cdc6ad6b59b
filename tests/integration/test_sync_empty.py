"""What is empty: SendGrid writes it as an array without elements or as null, counted or not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sendgrid_orchestration.sync import OBJECTS
from tests.support.mirror import Mirror

COUNTED = {"lists", "single_sends", "campaigns", "templates"}
"""Their answers count the whole."""

PAGED = sorted(
    (family, name)
    for name, spec in OBJECTS.items()
    for family in spec.syncs
    if spec.whole and name not in {"recipients", "field_definitions"} and not name.endswith("_members")
)
"""Objects that are nothing but their list."""


def emptied(body: Any) -> Any:
    """The answer of an account that has nothing of the kind."""
    if not isinstance(body, dict):
        return None
    metadata = {key: value for key, value in body.get("_metadata", {}).items() if key not in ("next", "prev")}
    if "count" in metadata:
        metadata["count"] = 0
    return {key: None if isinstance(value, list) else value for key, value in body.items()} | (
        {"_metadata": metadata} if "_metadata" in body else {}
    )


@pytest.mark.parametrize(
    ("account", "name"),
    PAGED,
    indirect=["account"],
)
def test_null_empties_the_table(account: Mirror, name: str) -> None:
    """At once where SendGrid counts 0; where it does not count, when it says so a second time."""
    there = account.sync(name).rows_read
    assert there > 0
    account.simulator.faults.add("/v3/", times=None, change=emptied)
    account.simulator.log.clear()
    result = account.sync(name)
    requests = account.simulator.log.count()
    assert requests <= (2 if name in {"segments", "unsubscribe_group_members"} else 1), "one look is enough"
    if name in COUNTED and (account.source.marketing == "new" or name == "templates"):
        assert (result.deleted, result.complete) == (there, True)
        return
    assert (result.deleted, result.complete) == (0, False)
    again = account.sync(name)
    assert (again.deleted, again.complete) == (there, True)


@pytest.mark.parametrize("account", ["new"], indirect=True)
@pytest.mark.parametrize("name", ["list_members", "segment_members"])
def test_a_single_empty_answer_empties_no_segment(account: Mirror, name: str) -> None:
    """The list of segments is not counted; lists are."""
    there = account.sync(name).rows_read
    account.simulator.faults.add("/v3/", times=None, change=emptied)
    result = account.sync(name)
    assert result.deleted == (there if name == "list_members" else 0)
    assert account.sync(name).deleted == there - result.deleted


@pytest.mark.parametrize("account", ["new"], indirect=True)
@pytest.mark.parametrize("spoiled", [1, 2, 3, math.inf])
def test_null_beside_a_count_or_on_a_later_page_may_hide_rows(account: Mirror, spoiled: float) -> None:
    account.sync("lists")
    account.simulator.faults.add(
        "/v3/marketing/lists",
        times=None if spoiled == math.inf else int(spoiled),
        change=lambda body: {**body, "result": None},
    )
    result = account.sync("lists")
    assert (result.deleted, result.complete) == (0, spoiled < 3)


@pytest.mark.parametrize("account", ["new"], indirect=True)
@pytest.mark.parametrize("without", ["absent", "null", "empty"])
def test_the_last_custom_field_may_go(account: Mirror, without: str) -> None:
    """The answer then lacks the key, or has a null there; reserved fields there always are."""
    custom = len(account.simulator.account.fields.custom)
    account.sync("field_definitions")

    def change(body: dict[str, Any]) -> dict[str, Any]:
        rest = {key: value for key, value in body.items() if key != "custom_fields"}
        return rest if without == "absent" else rest | {"custom_fields": None if without == "null" else []}

    account.simulator.faults.add("/v3/marketing/field_definitions", change=change)
    result = account.sync("field_definitions")
    assert (result.deleted, result.complete) == (custom, True)


@pytest.mark.parametrize("account", ["new"], indirect=True)
def test_an_answer_without_reserved_fields_is_no_whole_answer(account: Mirror) -> None:
    account.sync("field_definitions")
    account.simulator.faults.add(
        "/v3/marketing/field_definitions", change=lambda body: {**body, "reserved_fields": None}
    )
    result = account.sync("field_definitions")
    assert (result.deleted, result.complete) == (0, False)


@pytest.mark.parametrize("account", ["new"], indirect=True)
def test_an_account_without_single_sends_is_written_as_seen_live(account: Mirror) -> None:
    account.sync("single_sends")
    mailings = account.simulator.account.mailings
    kept, mailings.single_sends = mailings.single_sends, []
    try:
        answer = account.client.get("/v3/marketing/singlesends", {"page_size": 1})
        assert (answer["result"], answer["_metadata"]["count"]) == (None, 0)
        assert account.sync("single_sends").deleted == len(kept)
    finally:
        mailings.single_sends = kept


@pytest.mark.parametrize("account", ["new"], indirect=True)
def test_the_simulator_writes_null_wherever_nothing_is(account: Mirror) -> None:
    account.simulator.faults.null_when_empty("/v3/suppression/")
    ends = {"limit": 1, "offset": 0, "end_time": 1}
    assert account.client.get("/v3/suppression/bounces", ends) is None
