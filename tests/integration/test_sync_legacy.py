"""Legacy Marketing Campaigns: the same tables, with the facts that only it has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sendgrid_orchestration.sync import legacy_recipients
from tests.support.mirror import Mirror, mirror


@pytest.fixture
def account(postgres_url: str) -> Iterator[Mirror]:
    with mirror(postgres_url, marketing="auto", family="legacy", history_messages=300) as made:
        yield made


def test_lists_and_segments_arrive_in_the_same_tables(account: Mirror) -> None:
    """S41, S42: the family is detected; ids are numbers there and text here."""
    assert account.sync("lists").family == "legacy"
    shown = account.client.get("/v3/contactdb/lists")["lists"]
    assert set(account.rows("select id, name, recipient_count from {raw}.lists")) == {
        (str(one["id"]), one["name"], one["recipient_count"]) for one in shown
    }
    account.sync("segments")
    assert account.value("select count(*) from {raw}.segments where starts_with(conditions, '[')") > 0


def test_recipients_have_what_only_the_legacy_api_tells(account: Mirror) -> None:
    """S43: last_emailed, last_opened, last_clicked."""
    result = account.sync("recipients")
    assert (result.inserted, result.complete) == (40, True)
    assert account.value("select count(last_emailed) from {raw}.recipients") > 0
    assert account.value("select count(plan) + count(lifetime_value) from {raw}.recipients") > 0
    again = account.sync("recipients")
    assert (again.unchanged, again.inserted, again.updated, again.deleted) == (40, 0, 0, 0)


def test_empty_pages_are_not_the_end_and_a_404_is(account: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legacy_recipients, "_PAGE", 10)
    path = "/v3/contactdb/recipients$"
    account.simulator.faults.add(path, skip=1, change=lambda body: {**body, "recipients": []})
    result = account.sync("recipients")
    assert [seen.status for seen in account.simulator.log.all(path)] == [200, 200, 200, 200, 404]
    assert (result.rows_read, result.complete) == (30, False)
    assert account.sync("recipients").inserted == 10


def test_deleted_recipients_are_marked(account: Mirror) -> None:
    account.sync("recipients")
    account.simulator.account.delete_contacts(4)
    assert account.sync("recipients").deleted == 4


def test_members_arrive_page_by_page(account: Mirror) -> None:
    membership = account.simulator.account.membership
    result = account.sync("list_members")
    assert result.rows_read == sum(len(membership.list_numbers(one)) for one in membership.lists)
    assert account.sync("list_members").inserted == 0
    assert account.sync("segment_members").complete


def test_what_the_family_does_not_have_is_no_fault(account: Mirror) -> None:
    result = account.sync("single_sends")
    assert (result.offered, result.rows_read) == (False, 0)
    assert account.sync("campaigns").inserted > 0
    assert account.sync("field_definitions").inserted > 0
