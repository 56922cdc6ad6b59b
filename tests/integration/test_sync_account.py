"""Suppressions, unsubscribe groups, templates, categories, single sends and statistics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sendgrid_orchestration.sync import OBJECTS
from sendgrid_orchestration.sync import account as reader
from tests.support.mirror import Mirror, mirror

SUPPRESSIONS = {
    "bounces": "bounces",
    "blocks": "blocks",
    "invalid_emails": "invalid_emails",
    "spam_reports": "spam_reports",
    "global_unsubscribes": "unsubscribes",
}


@pytest.fixture
def account(postgres_url: str) -> Iterator[Mirror]:
    with mirror(postgres_url, contacts=300, history_messages=2000) as made:
        made.catch_up()
        yield made


def listed(account: Mirror, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = account.client.get(path, {"limit": 500})
    return found


@pytest.mark.parametrize("name", [*SUPPRESSIONS, "unsubscribe_group_members"])
def test_every_suppressed_address_of_every_page_arrives(
    account: Mirror, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Peers #12: without a limit SendGrid cuts these lists short without a word."""
    monkeypatch.setattr(reader, "SUPPRESSIONS_PAGE", 3)
    path = f"/v3/suppression/{SUPPRESSIONS[name]}" if name in SUPPRESSIONS else "/v3/asm/suppressions"
    wanted = {one["email"] for one in listed(account, path)}
    result = account.sync(name)
    assert result.complete
    assert {row[0] for row in account.rows(f"select email from {{raw}}.{name}")} == wanted
    assert account.sync(name).unchanged == result.rows_read


def test_who_leaves_a_suppression_list_is_marked(account: Mirror) -> None:
    """An incremental read by `created` would never see it."""
    account.sync("bounces")
    gone = listed(account, "/v3/suppression/bounces")[-1]["email"]
    account.simulator.faults.add(
        "/v3/suppression/bounces", times=None, change=lambda rows: [r for r in rows if r["email"] != gone]
    )
    assert account.sync("bounces").deleted == 1
    assert account.value("select deleted_at from {raw}.bounces where email = %s", gone) == account.now


def test_a_list_that_moves_under_the_read_deletes_nobody(account: Mirror) -> None:
    """A row that goes while pages are read shifts the others; the pages then do not fit together."""
    path = "/v3/suppression/blocks"
    rows = [
        {"email": f"{n}@example.com", "created": 1_750_000_000, "reason": "", "status": "5.0.0"}
        for n in range(30)
    ]
    pages = iter([rows, rows[-1:]])
    account.simulator.faults.add(path, times=2, change=lambda _: next(pages))
    assert account.sync("blocks").inserted == 30
    # Each request sees the list one row shorter.
    moving = iter([rows[:10], rows[10:20], rows[:10], rows[11:21], rows[:10], rows[12:22]])
    account.simulator.faults.add(path, times=None, change=lambda _: next(moving))
    result = account.sync("blocks")
    assert (result.complete, result.deleted) == (False, 0)
    assert "pages did not fit together" in " ".join(result.warnings)


def test_an_empty_answer_is_believed_the_second_time(account: Mirror) -> None:
    """Nothing counts these lists, so an empty answer where there were rows may be a fault of the moment."""
    there = account.sync("blocks").rows_read
    account.simulator.faults.add("/v3/suppression/blocks", times=None, change=lambda _: [])
    first = account.sync("blocks")
    assert (first.deleted, first.complete) == (0, False)
    assert account.sync("blocks").deleted == there


def test_rows_that_come_while_it_reads_are_left_to_the_next_sync(account: Mirror) -> None:
    account.sync("bounces")
    asked = account.simulator.log.all("/v3/suppression/bounces")[0].query
    assert f"end_time={int(account.now.timestamp())}" in asked


def test_unsubscribe_groups_arrive_with_their_counts(account: Mirror) -> None:
    account.sync("unsubscribe_groups")
    shown = account.client.get("/v3/asm/groups")
    assert account.rows("select id, name, unsubscribes from {raw}.unsubscribe_groups order by id") == sorted(
        (one["id"], one["name"], one["unsubscribes"]) for one in shown
    )


def test_templates_of_both_generations_arrive(account: Mirror) -> None:
    """Without `generations` SendGrid shows legacy ones only; its specification ends a key in a space."""
    account.simulator.faults.add(
        "/v3/templates",
        change=lambda body: {
            **body,
            "result": [
                {f"{k} " if k == "updated_at" else k: v for k, v in one.items()} for one in body["result"]
            ],
        },
    )
    account.sync("templates")
    assert account.rows("select distinct generation from {raw}.templates order by 1") == [
        ("dynamic",),
        ("legacy",),
    ]
    assert account.value("select count(*) from {raw}.templates where updated_at is null") == 0


def test_categories_arrive(account: Mirror) -> None:
    assert account.sync("categories").rows_read == account.value("select count(*) from {raw}.categories") > 0


def test_single_sends_arrive_with_their_details_which_cost_a_request_only_once(account: Mirror) -> None:
    first = account.sync("single_sends")
    assert first.inserted > 5
    rows = account.rows(
        "select email_config is not null, subject from {raw}.single_sends where status = 'triggered'"
    )
    assert all(detailed and subject for detailed, subject in rows)
    account.simulator.log.clear()
    second = account.sync("single_sends")
    assert (second.unchanged, second.deleted) == (first.inserted, 0)
    assert account.simulator.log.count("/v3/marketing/singlesends/") == 0


def test_statistics_of_mailings_arrive_in_total_and_by_day(account: Mirror) -> None:
    account.sync("single_send_stats")
    totals = dict(
        account.rows(
            "select single_send_id, delivered from {raw}.single_send_stats "
            "where aggregation = 'total' and ab_variation = 'all'"
        )
    )
    days = dict(
        account.rows(
            "select single_send_id, sum(delivered)::bigint from {raw}.single_send_stats "
            "where date is not null group by 1"
        )
    )
    assert {one: count for one, count in totals.items() if count} == {k: v for k, v in days.items() if v}
    account.simulator.log.clear()
    again = account.sync("single_send_stats")
    assert (again.inserted, again.updated, again.deleted, again.whole) == (0, 0, 0, False)
    assert account.simulator.log.count("/v3/marketing/stats/singlesends/") == 0
    assert account.sync("automation_stats").inserted > 0


def test_variations_of_an_ab_test_arrive_apart_and_only_tests_are_asked_for_them(account: Mirror) -> None:
    account.sync("single_send_stats")
    tested = [one.id for one in account.simulator.account.mailings.single_sends if one.abtest]
    grouped = [seen.path for seen in account.simulator.log.all() if "group_by" in seen.query]
    assert grouped == [f"/v3/marketing/stats/singlesends/{one}" for one in tested]
    counted = account.rows(
        "select single_send_id, count(*), count(distinct (ab_variation, ab_phase)), sum(delivered)::bigint "
        "from {raw}.single_send_stats where ab_variation != 'all' group by 1"
    )
    together = dict(
        account.rows(
            "select single_send_id, delivered from {raw}.single_send_stats "
            "where aggregation = 'total' and ab_variation = 'all' and ab_phase = 'all'"
        )
    )
    # Two variations in the test, and the winner once more for everybody else.
    assert counted == [(one, 3, 3, together[one]) for one in tested]
    again = account.sync("single_send_stats")
    assert (again.inserted, again.updated, again.deleted) == (0, 0, 0)


def test_steps_of_an_automation_arrive_apart(account: Mirror) -> None:
    account.sync("automation_stats")
    query = (
        "select automation_id, sum(delivered)::bigint from {raw}.automation_stats "
        "where aggregation = 'total' and step_id {} 'all' group by 1 order by 1"
    )
    steps = account.rows(query.replace("{}", "!="))
    assert steps == account.rows(query.replace("{}", "="))
    assert account.value("select count(*) from {raw}.automation_stats where step_id != 'all'") > len(steps)


def test_daily_statistics_arrive_and_only_the_last_month_is_read_again(account: Mirror) -> None:
    first = account.sync("daily_stats")
    assert first.rows_read == 397
    delivered = account.value("select sum(delivered) from {raw}.daily_stats")
    assert delivered > 0
    second = account.sync("daily_stats")
    assert (second.rows_read, second.inserted, second.deleted) == (31, 0, 0)
    assert account.value("select count(*) from {raw}.daily_stats where deleted_at is not null") == 0


def test_an_account_without_the_undocumented_list_of_campaigns_is_no_fault(account: Mirror) -> None:
    account.simulator.faults.add("/v3/marketing/campaigns", times=None, status=404)
    result = account.sync("campaigns")
    assert (result.rows_read, result.deleted) == (0, 0)
    assert "undocumented" in " ".join(result.warnings)


def test_every_stream_of_the_best_pullers_is_covered() -> None:
    """Airbyte's fifteen documented streams, by our names; the senders of Fivetran, the breakdowns of CData; and members."""
    airbyte = {
        "blocks": "blocks",
        "bounces": "bounces",
        "campaigns": "campaigns",
        "contacts": "recipients",
        "global_suppressions": "global_unsubscribes",
        "invalid_emails": "invalid_emails",
        "lists": "lists",
        "segments": "segments",
        "singlesends": "single_sends",
        "singlesend_stats": "single_send_stats",
        "spam_reports": "spam_reports",
        "stats_automations": "automation_stats",
        "suppression_groups": "unsubscribe_groups",
        "suppression_group_members": "unsubscribe_group_members",
        "templates": "templates",
    }
    fivetran = {"SENDER": "senders"}
    cdata = {
        "AutomationStats": "automation_stats",
        "Categories": "categories",
        "CategoryStats": "category_stats",
        "GlobalStats": "daily_stats",
        "NMCSenders": "senders",
        "SingleSendClickTrackingStats": "single_send_links",
        "StatsByBrowser": "browser_stats",
        "StatsByClient": "client_stats",
        "StatsByDevice": "device_stats",
        "StatsByLocation": "geo_stats",
        "StatsByMailboxProvider": "mailbox_provider_stats",
        "Subusers": "subusers",
        "SubuserStats": "subuser_stats",
    }
    theirs = {*airbyte.values(), *fivetran.values(), *cdata.values()}
    assert {*theirs, "list_members", "segment_members"} <= set(OBJECTS)
