"""Lists and segments: the latest state, what it was before, and deletes only where they are sure."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sendgrid_orchestration.sendgrid.errors import SendGridUnavailableError, UnexpectedAnswerError
from sendgrid_orchestration.simulator import Simulator
from sendgrid_orchestration.sync import SyncRunningError, marketing
from sendgrid_orchestration.warehouse.engine import connect
from tests.support.mirror import Mirror, client_of, mirror

LISTS = "/v3/marketing/lists"
SEGMENTS = "/v3/marketing/segments/2.0"


@pytest.fixture
def account(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setattr(marketing, "_PAGE", 3)  # the account's eight lists then take three pages
    with mirror(postgres_url) as made:
        yield made


def alive(account: Mirror) -> set[str]:
    return {name for (name,) in account.rows("select name from {raw}.lists where deleted_at is null")}


def listed(account: Mirror) -> set[str]:
    return {one.name for one in account.simulator.account.membership.lists.values()}


def test_every_list_of_every_page_arrives(account: Mirror) -> None:
    """S14, S15, S41: all objects, with their properties, in the source's own schema."""
    result = account.sync("lists")
    assert (result.inserted, result.complete) == (8, True)
    assert alive(account) == listed(account)
    counts = dict(account.rows("select id, recipient_count from {raw}.lists"))
    for one in account.client.get(LISTS)["result"]:
        assert counts[one["id"]] == one["contact_count"]


def test_recipient_count_follows_the_account(account: Mirror) -> None:
    """S17, to the letter: 100 before, 200 in SendGrid, 200 after the next sync; S16: no row more."""
    one = account.simulator.account.add_list("Spring", 0)
    account.simulator.account.book.put({"email": "first@example.com"}, account.simulator.account.now())
    membership = account.simulator.account.membership
    count = "select recipient_count from {raw}.lists where id = %s"
    for wanted in (10, 20):
        membership.set_count(one.id, wanted)
        account.sync("lists")
        assert account.value(count, one.id) == wanted
    assert account.value("select count(*) from {raw}.lists") == 9


def test_a_third_sync_of_the_same_account_writes_nothing(account: Mirror) -> None:
    """S23: every sync reads again; rows that did not change are not rewritten, as Postgres itself counts."""
    account.sync("lists")
    before = account.rows("select id, xmin::text, synced_at from {raw}.lists order by id")
    results = [account.sync("lists") for _ in range(2)]
    assert [(r.inserted, r.updated, r.unchanged, r.deleted) for r in results] == [(0, 0, 8, 0)] * 2
    assert account.rows("select id, xmin::text, synced_at from {raw}.lists order by id") == before


def test_a_list_that_was_renamed_keeps_its_past(account: Mirror) -> None:
    account.sync("lists")
    first = account.now
    one = next(iter(account.simulator.account.membership.lists.values()))
    old_name = one.name
    account.simulator.account.rename_list(one.id, "Renamed")
    assert account.sync("lists").updated == 1
    second = account.now
    versions = account.rows(
        "select record ->> 'name', valid_from, valid_to from {raw}.object_versions "
        "where object = 'lists' and id = %s order by valid_from",
        one.id,
    )
    assert versions == [(old_name, first, second), ("Renamed", second, None)]
    assert account.value("select first_seen_at from {raw}.lists where id = %s", one.id) == first


def test_a_deleted_list_is_marked_and_may_come_back(account: Mirror) -> None:
    membership = account.simulator.account.membership
    account.sync("lists")
    one = next(iter(membership.lists.values()))
    account.simulator.account.delete_list(one.id)
    assert account.sync("lists").deleted == 1
    gone_at = account.now
    assert account.value("select deleted_at from {raw}.lists where id = %s", one.id) == gone_at
    membership.lists[one.id] = one
    assert account.sync("lists").updated == 1
    assert account.value("select deleted_at from {raw}.lists where id = %s", one.id) is None
    assert (
        account.value(
            "select valid_to from {raw}.object_versions where object = 'lists' and id = %s order by valid_from",
            one.id,
        )
        == gone_at
    )


def test_a_list_deleted_between_two_pages_costs_no_other_list(account: Mirror) -> None:
    """Pages shift when a row before them goes; the read notices and begins again."""
    account.sync("lists")
    victim = next(iter(account.simulator.account.membership.lists))
    account.simulator.faults.between_pages(LISTS, lambda: account.simulator.account.delete_list(victim))
    result = account.sync("lists")
    assert alive(account) == listed(account) | {
        name
        for (name,) in account.rows(
            "select name from {raw}.lists where id = %s and deleted_at is null", victim
        )
    }
    assert "Read again from the start" in " ".join(result.warnings)
    account.sync("lists")
    assert alive(account) == listed(account)


def test_a_list_renamed_between_two_pages_arrives_with_one_of_its_names(account: Mirror) -> None:
    victim = list(account.simulator.account.membership.lists)[-1]
    account.simulator.faults.between_pages(
        LISTS, lambda: account.simulator.account.rename_list(victim, "New name")
    )
    result = account.sync("lists")
    assert (result.inserted, result.complete) == (8, True)
    assert account.value("select name from {raw}.lists where id = %s", victim) == "New name"


def test_a_page_that_repeats_deletes_nothing(account: Mirror) -> None:
    account.sync("lists")
    for _ in range(3):
        account.simulator.faults.repeated_page(LISTS)
    result = account.sync("lists")
    assert (result.complete, result.deleted) == (False, 0)
    assert "a page came a second time, 3 times" in " ".join(result.warnings)
    assert alive(account) == listed(account)


def test_a_page_that_repeats_once_is_read_again(account: Mirror) -> None:
    account.simulator.faults.repeated_page(LISTS)
    result = account.sync("lists")
    assert (result.inserted, result.complete) == (8, True)


def test_fewer_rows_than_sendgrid_counts_delete_nothing(account: Mirror) -> None:
    """A page that lacks a row is read again; if it still does, the row is not taken as deleted."""
    account.sync("lists")
    for times, complete in ((3, True), (None, False)):
        account.simulator.faults.add(
            LISTS, times=times, change=lambda body: {**body, "result": body["result"][:-1]}
        )
        result = account.sync("lists")
        assert (result.deleted, result.complete) == (0, complete)
    assert "5 rows came, and SendGrid counts 8" in str(result.warnings)
    assert alive(account) == listed(account)


def test_a_row_without_its_key_deletes_nothing(account: Mirror) -> None:
    account.sync("lists")
    account.simulator.faults.add(
        LISTS,
        change=lambda body: {**body, "result": [{**body["result"][0], "id": None}, *body["result"][1:]]},
    )
    result = account.sync("lists")
    assert (result.deleted, result.complete) == (0, False)
    assert "1 rows came without id and were left out." in result.warnings
    assert alive(account) == listed(account)


def test_a_null_where_rows_should_be_deletes_nothing(account: Mirror) -> None:
    account.sync("lists")
    account.simulator.faults.null_array(LISTS, times=None)
    result = account.sync("lists")
    assert (result.complete, result.deleted) == (False, 0)
    assert "null where rows should be" in " ".join(result.warnings)
    assert len(alive(account)) == 8


def test_a_link_to_another_host_never_gets_the_key(account: Mirror) -> None:
    account.sync("lists")
    with Simulator(contacts=1, history_messages=1) as stranger:
        account.simulator.faults.foreign_next(LISTS, stranger.url.removeprefix("http://"))
        with pytest.raises(UnexpectedAnswerError, match="It was not followed"):
            account.sync("lists")
        assert stranger.log.count() == 0
    assert len(alive(account)) == 8
    assert "UnexpectedAnswerError" in account.value(
        "select error from {raw}.sync_runs order by sync_id desc limit 1"
    )


def test_a_failed_sync_leaves_everything_as_it_was(account: Mirror) -> None:
    account.sync("lists")
    before = account.rows("select * from {raw}.lists order by id")
    account.simulator.account.rename_list(next(iter(account.simulator.account.membership.lists)), "Renamed")
    account.simulator.faults.add(LISTS, skip=1, times=None, status=500)
    with pytest.raises(SendGridUnavailableError):
        account.sync("lists")
    assert account.rows("select * from {raw}.lists order by id") == before


def test_an_object_that_fails_keeps_no_other_from_being_synced(account: Mirror) -> None:
    account.simulator.faults.server_error(LISTS, times=None)
    with pytest.raises(SendGridUnavailableError):
        account.sync("lists")
    assert account.sync("unsubscribe_groups").inserted > 0


def test_reading_scopes_are_enough_and_nothing_is_ever_written(account: Mirror) -> None:
    """S7: read permissions complete a sync; the only thing that is made is an export."""
    key = account.simulator.account.add_key("SG.reader.key", ["marketing.read", "stats.read"])
    client = client_of(account.simulator, api_key=key)
    for name in ("lists", "segments", "recipients", "list_members", "daily_stats"):
        account.sync(name, client)
    made = {(seen.method, seen.path) for seen in account.simulator.log.all() if seen.method != "GET"}
    assert made == {("POST", "/v3/marketing/contacts/exports")}


def test_one_object_is_synced_by_one_run_at_a_time(account: Mirror) -> None:
    with connect(account.url) as conn:
        lock = f"sync {account.source.raw_schema}.lists"
        conn.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [lock])
        with pytest.raises(SyncRunningError, match="being synced by another run"):
            account.sync("lists")
    assert account.sync("lists").inserted == 8


def test_a_lock_that_postgres_is_about_to_give_back_is_no_other_run(account: Mirror) -> None:
    """The next sync begins within milliseconds of the end of a connection, and Postgres may still be closing it."""
    with connect(account.url) as closing, ThreadPoolExecutor() as aside:
        lock = f"sync {account.source.raw_schema}.lists"
        closing.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [lock])
        begun = aside.submit(account.sync, "lists")
        time.sleep(0.5)
        closing.close()
        assert begun.result().inserted == 8


def test_segments_arrive_with_their_query(account: Mirror) -> None:
    """S42: id, list, conditions and count; the query costs a request only where it may have changed."""
    account.sync("segments")
    rows = account.rows(
        "select name, recipient_count, conditions, query_version, list_id, parent_list_ids from {raw}.segments "
        "where query_version = '2'"
    )
    shown = account.client.get(SEGMENTS)["results"]
    assert {row[0]: row[1] for row in rows} == {one["name"]: one["contacts_count"] for one in shown}
    assert all(row[2] for row in rows)
    assert account.rows("select name, conditions from {raw}.segments where query_version = '1'")[0][1]
    assert all(row[4] == (row[5] or [None])[0] for row in rows if not row[5] or len(row[5]) == 1)
    details = account.simulator.log.count(f"{SEGMENTS}/")
    assert details == len(rows)
    account.simulator.log.clear()
    assert account.sync("segments").unchanged == len(rows) + 1
    assert account.simulator.log.count(f"{SEGMENTS}/") == 0


def test_a_segment_deleted_while_segments_are_read_is_only_a_note(account: Mirror) -> None:
    victim = account.client.get(SEGMENTS)["results"][-1]["id"]
    account.simulator.faults.add(
        f"{SEGMENTS}/", action=lambda: account.simulator.account.delete_segment(victim)
    )
    result = account.sync("segments")
    assert (result.inserted, result.complete) == (5, True)
    assert "was deleted while the segments were read" in " ".join(result.warnings)


def test_fields_that_only_the_detail_has_stay_and_make_no_history(account: Mirror) -> None:
    """The detail says how often a segment was refreshed by hand, the list does not."""
    versions = "select count(*) from {raw}.object_history where object = 'segments'"
    rows = "select id, xmin::text, extra from {raw}.segments where query_version = '2' order by id"
    account.sync("segments")
    first = account.rows(rows)
    assert {"refreshes_used", "max_refreshes", "last_refreshed_at"} <= first[0][2].keys()
    for _ in range(2):
        assert account.sync("segments").updated == 0
    assert account.rows(rows) == first
    one = next(s for s in account.simulator.account.membership.segments.values() if s.version == "2")
    one.reported_count = 77
    assert account.sync("segments").updated == 1
    assert account.value("select extra from {raw}.segments where id = %s", one.id) == first[0][2]
    one.updated_at += 3600  # the detail is read again
    assert account.sync("segments").updated == 1
    assert account.value(versions) == 2


@pytest.mark.parametrize("seed", range(3))
def test_fields_that_come_and_go_between_two_lists_make_no_history(account: Mirror, seed: int) -> None:
    dice = random.Random(seed)
    optional = (
        "status",
        "query_version",
        "parent_list_ids",
        "sample_updated_at",
        "next_sample_update",
        "name",
    )
    account.sync("segments")
    before = account.rows("select * from {raw}.segments order by id")

    def change(body: dict[str, Any]) -> dict[str, Any]:
        some = [
            {k: v for k, v in one.items() if k not in optional or dice.random() < 0.5}
            for one in body["results"]
        ]
        return {**body, "results": some}

    account.simulator.faults.add(SEGMENTS + "$", times=None, change=change)
    for _ in range(3):
        result = account.sync("segments")
        assert (result.updated, result.deleted) == (0, 0)
    assert account.rows("select * from {raw}.segments order by id") == before


def test_a_bare_segment_is_understood(account: Mirror) -> None:
    """The specification shows a bare object where the API has an array under `results`."""
    account.simulator.faults.add(SEGMENTS, change=lambda body: body["results"][0])
    assert account.sync("segments").inserted >= 1


def test_two_sources_share_no_row(account: Mirror, postgres_url: str) -> None:
    """S5: two accounts, two keys, two schemas."""
    with mirror(postgres_url, seed=2, contacts=10) as other:
        other.simulator.account.add_list("Only there")
        account.sync("lists")
        other.sync("lists")
        assert "Only there" not in alive(account)
        assert alive(other) == listed(other)


def test_the_ledger_tells_of_every_sync(account: Mirror) -> None:
    account.sync("lists")
    account.simulator.faults.server_error(LISTS, times=None)
    with pytest.raises(SendGridUnavailableError):
        account.sync("lists")
    ran, failed = account.rows(
        "select complete, rows_read, inserted, family, error, finished_at is not null from {raw}.sync_runs order by sync_id"
    )
    assert ran == (True, 8, 8, "new", None, True)
    assert failed[4].startswith("SendGridUnavailableError: SendGrid (source")
    assert failed[5]
