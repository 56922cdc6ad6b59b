"""Who is in which list and segment, and who was at any past time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from sendgrid_orchestration.sendgrid import exports
from sendgrid_orchestration.sendgrid.errors import InvalidKeyError, SendGridError
from sendgrid_orchestration.sync import (
    SyncResult,
    SyncRunningError,
    member_turns,
    members,
    sync_members,
)
from sendgrid_orchestration.warehouse.engine import connect
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


def test_a_list_that_an_incomplete_listing_lacks_keeps_its_members(account: Mirror) -> None:
    account.sync("recipients")
    account.sync("list_members")
    account.simulator.faults.add(
        "/v3/marketing/lists", times=None, change=lambda body: {**body, "result": body["result"][:-1]}
    )
    result = account.sync("list_members")
    assert (result.deleted, result.complete) == (0, False)
    assert in_lists_at(account, account.now) == in_sendgrid(account)


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
        patch.setattr(members, "BUDGET_S", -1)
        result = account.sync("list_members")
        assert (result.rows_read, result.complete, result.whole) == (0, False, False)
        assert "the next sync begins with them" in " ".join(result.warnings)
        lists = account.simulator.account.membership.lists.values()
        assert {(one.name, one.since) for one in result.overdue} == {(one.name, None) for one in lists}
    result = account.sync("list_members")
    assert (result.complete, result.overdue) == (True, ())


def test_lists_and_segments_take_turns_by_age(account: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """With time for four, each comes once before any comes a second time, lists and segments alike."""
    asked = exports_of(account)
    everything = {*account.simulator.account.membership.lists, *account.simulator.account.membership.segments}
    while len(asked) < 2 * len(everything):
        with_time_for(4, monkeypatch)
        together(account)
    first, second = asked[: len(everything)], asked[len(everything) : 2 * len(everything)]
    assert set(first) == everything
    assert second == first


def test_what_was_not_reached_is_named_with_the_time_of_its_last_read(
    account: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_at = together(account, at=account.now + timedelta(hours=3)) and account.now
    asked = exports_of(account)
    with_time_for(3, monkeypatch)
    outcomes = together(account)
    membership = account.simulator.account.membership
    overdue = {
        one.id: (one.name, one.since)
        for outcome in outcomes.values()
        if isinstance(outcome, SyncResult)
        for one in outcome.overdue
    }
    named = {**membership.lists, **membership.segments}
    assert overdue == {one: (named[one].name, read_at) for one in named if one not in asked}
    lists = outcomes["list_members"]
    assert isinstance(lists, SyncResult)
    assert lists.facts["groups_not_reached"] == len(lists.overdue) == len(membership.lists) - 3
    assert lists.metadata()["groups_read"] == 3


def test_a_list_that_always_fails_keeps_no_other_waiting(
    account: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes to the end of the line like every other."""
    membership = account.simulator.account.membership
    victim = next(iter(membership.lists))
    asked = exports_of(account, failing=victim)
    for _ in range(2 * len(membership.lists)):
        with_time_for(1, monkeypatch)
        together(account, "list_members")
    turns = list(dict.fromkeys(asked[:-1]))
    assert set(turns) == set(membership.lists)
    assert asked.count(victim) == 2 * exports.EXPORTS_TRIED
    errors = dict(account.rows("select group_id, error from {raw}.member_turns where error is not null"))
    assert errors.keys() == {victim}
    assert "internal error" in errors[victim]


def test_what_fails_for_segments_keeps_no_list_from_being_read(account: Mirror) -> None:
    account.simulator.faults.add("/v3/marketing/segments/2.0", times=None, status=400)
    outcomes = together(account)
    lists, segments = outcomes["list_members"], outcomes["segment_members"]
    assert isinstance(lists, SyncResult)
    assert isinstance(segments, SendGridError)
    assert lists.inserted == len(in_sendgrid(account))
    error = "select error from {raw}.sync_runs where object = %s"
    assert account.value(error, "list_members") is None
    assert "BadRequestError" in account.value(error, "segment_members")


def test_a_key_without_exports_is_granted_neither(account: Mirror) -> None:
    account.simulator.faults.add(EXPORTS, times=None, status=403)
    for outcome in together(account).values():
        assert isinstance(outcome, SyncResult)
        assert outcome.refusal is not None
    assert account.simulator.log.count(EXPORTS, method="POST") <= 2 * members.MAX_CONCURRENT_EXPORTS


def test_a_second_sync_beside_it_is_told_and_leaves_no_open_line(account: Mirror) -> None:
    lock = f"sync {account.source.raw_schema}.segment_members"
    with connect(account.url) as conn:
        conn.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [lock])
        with pytest.raises(SyncRunningError):
            together(account)
    assert account.value("select count(*) from {raw}.sync_runs where finished_at is null") == 0


def test_how_long_all_take_is_told_by_their_last_turns(
    account: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(account.url) as conn:
        assert member_turns.estimates(conn, account.source.raw_schema) == {}
    account.sync("lists")
    with_time_for(2, monkeypatch)
    together(account, "list_members")
    with connect(account.url) as conn:
        conn.execute(f"update {account.source.raw_schema}.member_turns set seconds = 30".encode())
        found = member_turns.estimates(conn, account.source.raw_schema)
        conn.rollback()
    lists = len(account.simulator.account.membership.lists)
    assert found == {"list_members": member_turns.Estimate(lists, lists * 30.0)}


def together(
    account: Mirror, *names: str, at: datetime | None = None
) -> dict[str, SyncResult | SendGridError]:
    """Lists and segments in one sync, three hours after the last."""
    account.now = at or account.now + timedelta(hours=3)
    return sync_members(
        account.client,
        account.url,
        account.source,
        names or ("list_members", "segment_members"),
        now=account.now,
        progress=account.said.append,
    )


def with_time_for(turns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a sync have time for so many lists and segments, one after the other."""
    left = iter([1.0] * turns)
    monkeypatch.setattr(members, "MAX_CONCURRENT_EXPORTS", 1)
    monkeypatch.setattr(members, "_time_left", lambda _: next(left, 0.0))


def exports_of(account: Mirror, *, failing: str = "") -> list[str]:
    """The lists and segments whose exports are asked for from now on, in order; one may fail."""
    asked: list[str] = []
    create = account.simulator.account.exports.create

    def watch(list_ids: list[str], segment_ids: list[str], *rest: Any) -> Any:
        asked.extend([*list_ids, *segment_ids])
        made = create(list_ids, segment_ids, *rest)
        made.habits.failure = "internal error" if failing in list_ids else None
        return made

    account.simulator.account.exports.create = watch  # type: ignore[method-assign]
    return asked


def test_a_key_that_is_refused_ends_it_at_once(account: Mirror) -> None:
    with pytest.raises(InvalidKeyError):
        account.sync("list_members", client_of(account.simulator, api_key="SG.wrong.key"))


def test_where_every_list_fails_the_sync_fails(account: Mirror) -> None:
    account.simulator.faults.add(EXPORTS, method="POST", times=None, status=400)
    with pytest.raises(SendGridError):
        account.sync("list_members")
