"""Clicks by link: exact rows for the answers that SendGrid documents, and requests only for what was clicked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.mirror import Mirror, mirror

SENDS = "/v3/marketing/stats/singlesends"
AUTOMATIONS = "/v3/marketing/stats/automations"
ONE = "f1b2c3d4-0000-4000-8000-000000000001"


@pytest.fixture
def account(postgres_url: str) -> Iterator[Mirror]:
    with mirror(postgres_url, contacts=200, history_messages=2500) as made:
        yield made


def script(account: Mirror, clicks: int, links: list[Any] | None, status: int = 200) -> None:
    """One single send with so many clicks in its statistics, and these links."""
    stats = {"id": ONE, "ab_variation": "all", "ab_phase": "all", "stats": {"clicks": clicks}}
    faults = account.simulator.faults
    faults.clear()
    faults.add(f"{SENDS}$", times=None, status=200, body={"results": [stats], "_metadata": {"count": 1}})
    answer = {"results": links, "total_clicks": clicks, "_metadata": {"count": len(links or ())}}
    faults.add(f"{SENDS}/{ONE}/links", times=None, status=status, body=answer)


def link(url: str, clicks: int, **more: Any) -> dict[str, Any]:
    return {"url": url, "ab_variation": "all", "ab_phase": "all", "clicks": clicks, **more}


def requested(account: Mirror) -> int:
    return account.simulator.log.count(f"({SENDS}|{AUTOMATIONS})/.*/links")


def test_documented_links_become_exactly_these_rows(account: Mirror) -> None:
    """mc_stats_v3 requires url, variation, phase and clicks, and lets the location be missing."""
    url = "https://shop.example/?a=1&b={{first_name}}"
    script(account, 9, [link(url, 5, url_location=0, seen=1), link(url, 3, url_location=2), link(url, 1)])
    assert account.sync("single_send_links").complete
    assert account.rows(
        "select single_send_id, ab_variation, ab_phase, url_location, url, url_md5 = md5(url), clicks, total_clicks, extra "
        "from {raw}.single_send_links order by url_location"
    ) == [
        (ONE, "all", "all", -1, url, True, 1, 9, None),
        (ONE, "all", "all", 0, url, True, 5, 9, {"seen": 1}),
        (ONE, "all", "all", 2, url, True, 3, 9, None),
    ]


def test_links_add_up_to_the_clicks_of_their_mailing(account: Mirror) -> None:
    for name, mailing, stats, whole in (
        ("single_send", "single_send_id", "single_send_stats", "ab_variation = 'all' and ab_phase = 'all'"),
        ("automation", "automation_id", "automation_stats", "step_id = 'all'"),
    ):
        account.sync(f"{name}_links")
        account.sync(stats)
        by_link = account.rows(
            f"select {mailing}, sum(clicks)::bigint, max(total_clicks) from {{raw}}.{name}_links group by 1 order by 1"
        )
        by_mailing = account.rows(
            f"select {mailing}, clicks, clicks from {{raw}}.{stats} "
            f"where aggregation = 'total' and {whole} and clicks > 0 order by 1"
        )
        assert by_link == by_mailing
        assert len(by_link) > 1


def test_links_of_a_test_and_of_an_automation_come_by_part(account: Mirror) -> None:
    account.sync("single_send_links")
    account.sync("automation_links")
    tested = [one.id for one in account.simulator.account.mailings.single_sends if one.abtest]
    grouped = [seen.path for seen in account.simulator.log.all(f"{SENDS}/") if "group_by" in seen.query]
    assert grouped == [f"{SENDS}/{one}/links" for one in tested]
    assert account.rows(
        "select distinct single_send_id from {raw}.single_send_links where ab_variation != 'all' and ab_phase != 'all'"
    ) == [(one,) for one in tested]
    assert (
        account.value("select count(distinct step_id) from {raw}.automation_links where step_id != 'all'")
        == 5
    )
    assert not account.value("select count(*) from {raw}.automation_links where step_id = 'all'")


@pytest.mark.parametrize("name", ["single_send_links", "automation_links"])
def test_only_what_was_clicked_since_is_read_again(account: Mirror, name: str) -> None:
    first = account.sync(name)
    clicked = requested(account)
    account.simulator.log.clear()
    again = account.sync(name)
    assert (again.unchanged, again.inserted, again.updated, again.deleted) == (first.inserted, 0, 0, 0)
    assert requested(account) == 0
    ledger = account.simulator.account.ledger
    key = next(
        key for key in ledger.links if ledger.links[key] and (key.phase == "send") == ("single" in name)
    )
    (place, _), *_ = ledger.links[key].items()
    ledger.links[key][place] += 1
    next(iter(ledger.marketing[key].values()))["clicks"] += 1
    moved = account.sync(name)
    assert requested(account) == 1 < clicked
    assert moved.updated >= 1
    assert (moved.inserted, moved.deleted) == (0, 0)


def test_links_of_every_page_arrive(account: Mirror) -> None:
    key = next(
        key
        for key, clicks in account.simulator.account.ledger.links.items()
        if clicks and key.phase == "send"
    )
    for n in range(120):
        account.simulator.account.ledger.links[key][f"https://shop.example/{n}", n] += 1
    account.sync("single_send_links")
    query = "select count(*) from {raw}.single_send_links where url like 'https://shop.example/%%' and single_send_id = %s"
    assert account.value(query, key.mailing) == 120


@pytest.mark.parametrize(
    "url", ["https://shop.example/" + "token=%F0%9F" * 20_000, "https://shop.example/\x00\ud83d?ü=☂", ""]
)
def test_no_url_is_too_long_or_too_odd(account: Mirror, url: str) -> None:
    """A login token in a link is longer than an index takes (3 KB), and its neighbours must not suffer."""
    told = url.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    script(account, 2, [link(told, 1), link("https://shop.example/", 1)])
    result = account.sync("single_send_links")
    assert (result.inserted, result.complete) == (2, True)
    assert account.value("select bool_and(url_md5 = md5(url)) from {raw}.single_send_links")
    assert account.sync("single_send_links").unchanged == 2


def test_odd_links_are_left_out_and_told(account: Mirror) -> None:
    odd = [{"clicks": 1}, {"url": 7, "clicks": 1}, link("https://a.example", 1, url_location="top"), None]
    script(account, 3, [*odd, link("https://b.example", 1, url_location=1)])
    result = account.sync("single_send_links")
    assert not result.complete
    assert account.rows("select url from {raw}.single_send_links") == [("https://b.example",)]


@pytest.mark.parametrize(("links", "status"), [([], 404), ([], 200), (None, 200)])
def test_links_that_are_not_told_at_the_moment_stay(
    account: Mirror, links: list[Any] | None, status: int
) -> None:
    """Statistics of a mailing may answer 404 until SendGrid has produced them."""
    script(account, 5, [link("https://a.example", 5, url_location=1)])
    account.sync("single_send_links")
    script(account, 6, links, status)
    result = account.sync("single_send_links")
    assert (result.deleted, result.updated) == (0, 0)
    script(account, 6, [link("https://a.example", 6, url_location=1)])
    assert account.sync("single_send_links").updated == 1, "it is asked for again until it is told"


def test_a_link_that_is_gone_from_a_whole_read_is_marked(account: Mirror) -> None:
    script(
        account,
        5,
        [link("https://a.example", 4, url_location=1), link("https://b.example", 1, url_location=2)],
    )
    account.sync("single_send_links")
    script(account, 6, [link("https://a.example", 6, url_location=1)])
    assert account.sync("single_send_links").deleted == 1
    account.simulator.faults.clear()
    everything = account.sync("single_send_links")
    assert everything.deleted == 1, "the single send is no longer listed"


def test_legacy_campaigns_have_no_links(postgres_url: str) -> None:
    with mirror(postgres_url, marketing="legacy", family="legacy") as account:
        assert not account.sync("single_send_links").offered
