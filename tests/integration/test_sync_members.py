"""Who is in which list and segment, and who was at any past time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from sendgrid_orchestration.sendgrid.errors import InvalidKeyError, SendGridError
from sendgrid_orchestration.sync import members
from tests.support.mirror import Mirror, client_of, mirror

EXPORTS = "/v3/marketing/contacts/exports"
FILES = "/email-contact-exports/"


@pytest.fixture
def account(postgres_url: str) -> Iterator[Mirror]:
    with mirror(postgres_url) as made:
        yield made


def in_sendgrid(account: Mirror) -> set[tuple[str, str]]:
    membership, book = account.simulator.account.membership, account.simulator.account.book
    return {
        (one, book.contact_id(int(number)))
        for one in membership.lists
        for number in membership.list_numbers(one)
    }


def in_lists_at(account: Mirror, moment: datetime) -> set[tuple[str, str]]:
    """The one join that the documentation promises."""
    return set(
        account.rows(
            "select m.list_id, r.id from {raw}.list_members as m "
            "inner join {raw}.recipients as r on r.id = m.contact_id "
            "where m.valid_from <= %s and (m.valid_to is null or m.valid_to > %s)",
            moment,
            moment,
        )
    )


def test_who_was_in_which_list_at_any_time_is_one_join(account: Mirror) -> None:
    """Peers, feature 4: joins, leaves and swaps are all seen; a count that stays the same hides none."""
    book, membership = account.simulator.account.book, account.simulator.account.membership
    account.sync("recipients")
    assert account.sync("list_members").inserted == len(in_sendgrid(account))
    before, then = in_sendgrid(account), account.now
    one = max(membership.lists, key=lambda each: len(membership.list_numbers(each)))
    leaver = int(membership.list_numbers(one)[0])
    outsider = next(int(n) for n in book.numbers() if n not in set(membership.list_numbers(one).tolist()))
    membership.remove_members(one, [leaver])
    membership.add_members(one, [outsider])
    result = account.sync("list_members")
    assert (result.inserted, result.deleted) == (1, 1)
    assert in_lists_at(account, account.now) == in_sendgrid(account) != before
    assert in_lists_at(account, then) == in_lists_at(account, account.now - timedelta(seconds=1)) == before


def test_a_member_who_comes_back_has_two_stretches(account: Mirror) -> None:
    membership = account.simulator.account.membership
    one = next(each for each in membership.lists if len(membership.list_numbers(each)))
    number = int(membership.list_numbers(one)[0])
    account.sync("list_members")
    membership.remove_members(one, [number])
    account.sync("list_members")
    membership.add_members(one, [number])
    account.sync("list_members")
    contact = account.simulator.account.book.contact_id(number)
    stretches = account.rows(
        "select valid_to is null from {raw}.list_members where list_id = %s and contact_id = %s order by valid_from",
        one,
        contact,
    )
    assert stretches == [(False,), (True,)]


def test_a_list_that_is_deleted_has_no_members_any_more(account: Mirror) -> None:
    account.sync("list_members")
    membership = account.simulator.account.membership
    one = max(membership.lists, key=lambda each: len(membership.list_numbers(each)))
    there = len(membership.list_numbers(one))
    account.simulator.account.delete_list(one)
    assert account.sync("list_members").deleted == there
    still = "select count(*) from {raw}.list_members where list_id = %s and valid_to is null"
    assert account.value(still, one) == 0


def test_members_of_segments_arrive(account: Mirror) -> None:
    membership = account.simulator.account.membership
    result = account.sync("segment_members")
    assert result.rows_read == sum(len(membership.segment_numbers(one)) for one in membership.segments)
    assert account.sync("segment_members").inserted == 0


def test_a_list_whose_export_fails_keeps_its_members_and_the_others_are_read(account: Mirror) -> None:
    account.sync("list_members")
    open_rows = "select count(*) from {raw}.list_members where valid_to is null"
    before = account.value(open_rows)
    account.simulator.faults.add(EXPORTS, method="POST", times=1, status=400)
    result = account.sync("list_members")
    assert (result.complete, result.deleted) == (False, 0)
    assert "stay as they were" in " ".join(result.warnings)
    assert account.value(open_rows) == before


def test_no_member_leaves_because_of_a_short_file(account: Mirror) -> None:
    account.sync("list_members")
    account.simulator.faults.add(
        f"{EXPORTS}/",
        times=None,
        change=lambda body: {k: v for k, v in body.items() if k != "contact_count"},
    )
    account.simulator.faults.add(FILES, times=None, status=200, body="")
    result = account.sync("list_members")
    assert (result.complete, result.deleted) == (False, 0)
    assert "No members came" in " ".join(result.warnings)


def test_a_sync_that_runs_out_of_time_goes_on_next_time(
    account: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(members, "TIME_FOR_ALL", -1)
        result = account.sync("list_members")
        assert (result.rows_read, result.complete) == (0, False)
        assert "the next sync begins with them" in " ".join(result.warnings)
    account.simulator.account.exports.habits.failure = None
    assert account.sync("list_members").complete


def test_the_lists_that_were_not_read_the_longest_come_first(account: Mirror) -> None:
    account.sync("list_members")
    late = account.simulator.account.add_list("Newest", 3)
    seen: list[str] = []
    create = account.simulator.account.exports.create

    def watch(list_ids: list[str], *rest: object) -> object:
        seen.extend(list_ids)
        return create(list_ids, *rest)  # type: ignore[arg-type]

    account.simulator.account.exports.create = watch  # type: ignore[method-assign,assignment]
    account.sync("list_members")
    assert late.id in seen[:2]


def test_a_key_that_is_refused_ends_it_at_once(account: Mirror) -> None:
    with pytest.raises(InvalidKeyError):
        account.sync("list_members", client_of(account.simulator, api_key="SG.wrong.key"))


def test_where_every_list_fails_the_sync_fails(account: Mirror) -> None:
    account.simulator.faults.add(EXPORTS, method="POST", times=None, status=400)
    with pytest.raises(SendGridError):
        account.sync("list_members")
