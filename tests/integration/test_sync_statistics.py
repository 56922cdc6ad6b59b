"""Statistics by day: exact rows for the answers that SendGrid publishes, and days that are read when they should be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from sendgrid_orchestration.sendgrid.errors import BadRequestError, SendGridError
from sendgrid_orchestration.simulator import FULL_ACCESS
from sendgrid_orchestration.sync import statistics
from tests.support.mirror import Mirror, client_of, mirror

MAIL = (
    "blocks", "bounce_drops", "bounces", "clicks", "deferred", "delivered", "invalid_emails", "opens", "processed",
    "requests", "spam_report_drops", "spam_reports", "unique_clicks", "unique_opens", "unsubscribe_drops", "unsubscribes",
)  # fmt: skip
PROVIDER = (
    "blocks", "bounces", "clicks", "deferred", "delivered", "drops", "opens", "processed", "requests", "spam_reports",
    "unique_clicks", "unique_opens",
)  # fmt: skip
CLICKS, OPENS = ("clicks", "unique_clicks"), ("opens", "unique_opens")
GEO = ("clicks", "opens", "unique_clicks", "unique_opens")

PUBLISHED: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "category_stats": ("/v3/categories/stats", "category", "docs", MAIL),
    "mailbox_provider_stats": ("/v3/mailbox_providers/stats", "mailbox_provider", "Gmail", PROVIDER),
    "device_stats": ("/v3/devices/stats", "device", "Webmail", OPENS),
    "client_stats": ("/v3/clients/stats", "client", "Gmail", OPENS),
    "browser_stats": ("/v3/browsers/stats", "browser", "Firefox", CLICKS),
    "subuser_stats": ("/v3/subusers/stats", "subuser", "Matt_subuser", MAIL),
}
"""By object: the endpoint, and the type, name and metrics of its example in stats_v3 or subusers_v3. The examples' figures are
nearly all zero; these count up instead, so that no two columns can be mistaken for each other."""


@pytest.fixture
def account(postgres_url: str) -> Iterator[Mirror]:
    with mirror(postgres_url, contacts=60, history_messages=600) as made:
        made.catch_up()
        yield made


def published(kind: str, name: str, metrics: tuple[str, ...], when: str = "2026-09-10") -> dict[str, Any]:
    return {
        "date": when,
        "stats": [
            {"metrics": {m: n for n, m in enumerate(metrics, start=1)}, "name": name, "type": kind},
            {"metrics": dict.fromkeys(metrics, 0), "name": "Nothing at all", "type": kind},
        ],
    }


def spans(account: Mirror, path: str) -> list[tuple[date, date]]:
    """The first and last day of each request since the log was cleared."""
    asked = [parse_qs(seen.query) for seen in account.simulator.log.all(f"{path}$")]
    return [
        (date.fromisoformat(one["start_date"][0]), date.fromisoformat(one["end_date"][0])) for one in asked
    ]


def total(account: Mirror, table: str, metric: str, where: str = "true") -> Any:
    return account.value(f"select coalesce(sum({metric}), 0)::bigint from {{raw}}.{table} where {where}")


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_answer_becomes_exactly_this_row(account: Mirror, name: str) -> None:
    path, kind, of, metrics = PUBLISHED[name]
    account.simulator.faults.add(path, times=None, status=200, body=[published(kind, of, metrics)])
    assert account.sync(name).complete
    columns = ", ".join(("date::text", kind, *metrics, "extra"))
    wanted = ("2026-09-10", of, *range(1, len(metrics) + 1), None)
    assert account.rows(f"select {columns} from {{raw}}.{name}") == [wanted]


def test_published_places_become_exactly_these_rows(account: Mirror) -> None:
    """The example of stats_v3 is of a province; whole countries are told where no country is asked for."""
    path = "/v3/geo/stats"
    for answer in (
        [published("country", "us", GEO), published("province", "Somewhere", GEO)],
        [published("province", "TX", GEO)],
        [published("province", "ON", GEO)],
    ):
        account.simulator.faults.add(path, status=200, body=answer)
    account.simulator.faults.add(path, times=None, status=200, body=[])
    account.sync("geo_stats")
    assert account.rows(
        "select date::text, country, province, clicks, opens, unique_clicks, unique_opens, extra from {raw}.geo_stats order by 2, 3"
    ) == [
        ("2026-09-10", "CA", "ON", 1, 2, 3, 4, None),
        ("2026-09-10", "US", "TX", 1, 2, 3, 4, None),
        ("2026-09-10", "US", "all", 1, 2, 3, 4, None),
    ]


def test_published_subusers_become_exactly_these_rows(account: Mirror) -> None:
    told = {"disabled": False, "email": "example@example.com", "id": 1234, "username": "example_subuser"}
    pinned = {**told, "id": 1235, "username": "example_subuser2", "region": "eu", "disabled": True}
    account.simulator.faults.add("/v3/subusers", times=None, status=200, body=[told, pinned])
    account.simulator.faults.add("/v3/subusers", times=None, status=200, body=[pinned])
    account.sync("subusers")
    assert account.rows(
        "select id, username, email, is_disabled, region, extra from {raw}.subusers order by id"
    ) == [
        (1234, "example_subuser", "example@example.com", False, None, None),
        (1235, "example_subuser2", "example@example.com", True, "eu", None),
    ]


def test_the_parts_of_each_day_add_up_to_the_day(account: Mirror) -> None:
    """SendGrid counts an event once in each breakdown; what goes missing on the way shows as a difference."""
    for name in ("daily_stats", *PUBLISHED, "geo_stats"):
        account.sync(name)
    for table, metrics, where in (
        ("mailbox_provider_stats", [m for m in PROVIDER if m != "drops"], "true"),
        ("device_stats", OPENS, "true"),
        ("client_stats", OPENS, "true"),
        ("browser_stats", CLICKS, "true"),
        ("geo_stats", GEO, "province = 'all'"),
    ):
        for metric in metrics:
            query = (
                f"select count(*) from {{raw}}.daily_stats as d where d.{metric} is distinct from "
                f"(select coalesce(sum(p.{metric}), 0) from {{raw}}.{table} as p where p.date = d.date and {where})"
            )
            assert account.value(query) == 0, (table, metric)
    drops = sum(
        total(account, "daily_stats", m)
        for m in ("bounce_drops", "spam_report_drops", "unsubscribe_drops", "invalid_emails")
    )
    assert total(account, "mailbox_provider_stats", "drops") == drops > 0
    assert total(account, "daily_stats", "opens") > total(account, "daily_stats", "clicks") > 0


def test_provinces_add_up_to_their_country(account: Mirror) -> None:
    account.sync("geo_stats")
    counted = account.rows(
        "select country, sum(opens) filter (where province = 'all'), sum(opens) filter (where province != 'all') "
        "from {raw}.geo_stats where country in ('US', 'CA') group by 1"
    )
    assert len(counted) == 2
    assert all(whole == parts > 0 for _, whole, parts in counted)
    assert account.value("select count(distinct country) from {raw}.geo_stats") > 5


def test_every_category_is_counted_as_the_account_counts_it(account: Mirror) -> None:
    account.sync("category_stats")
    ledger = account.simulator.account.ledger
    wanted = {
        (str(day), name, counted["delivered"], counted["opens"])
        for name, days in ledger.categories.items()
        for day, counted in days.items()
        if counted.total()
    }
    rows = account.rows("select date::text, category, delivered, opens from {raw}.category_stats")
    assert set(rows) == wanted
    assert len(rows) == len(wanted)
    assert not account.value(f"select count(*) from {{raw}}.category_stats where {' + '.join(MAIL)} = 0")


def test_categories_are_asked_for_in_requests_that_sendgrid_takes(account: Mirror) -> None:
    """Ten at the most, and no address of a hundred kilobytes: a category may have 255 characters in any script."""
    names = [f"{'日本語' * 80}{n}" for n in range(15)] + [f"short {n} & co" for n in range(25)]
    account.simulator.faults.add(
        "/v3/categories$", times=None, change=lambda _: [{"category": name} for name in names]
    )
    account.sync("category_stats")
    asked = [seen.query for seen in account.simulator.log.all("/v3/categories/stats")]
    assert max(len(parse_qs(query)["categories"]) for query in asked) == 10
    assert max(map(len, asked)) < 8000
    assert {name for query in asked for name in parse_qs(query)["categories"]} == set(names)


@pytest.mark.parametrize(
    ("name", "path", "again"),
    [
        ("daily_stats", "/v3/stats", 30),
        ("category_stats", "/v3/categories/stats", 30),
        ("subuser_stats", "/v3/subusers/stats", 30),
        ("mailbox_provider_stats", "/v3/mailbox_providers/stats", 7),
        ("device_stats", "/v3/devices/stats", 7),
        ("client_stats", "/v3/clients/stats", 7),
        ("browser_stats", "/v3/browsers/stats", 7),
        ("geo_stats", "/v3/geo/stats", 7),
    ],
)
def test_history_is_read_once_and_the_latest_days_again(
    account: Mirror, name: str, path: str, again: int
) -> None:
    first = account.sync(name)
    today = account.now.date()
    read = sorted(spans(account, path))
    assert read[0][0] <= today - timedelta(days=393)
    assert read[-1][1] == today
    assert max((last - begin).days for begin, last in read) < 90
    days = {begin + timedelta(days=n) for begin, last in read for n in range((last - begin).days + 1)}
    assert len(days) == (today - read[0][0]).days + 1
    account.simulator.log.clear()
    second = account.sync(name)
    assert min(spans(account, path))[0] == today - timedelta(days=again)
    assert (second.inserted, second.updated, second.deleted, second.whole) == (0, 0, 0, False)
    account.now += timedelta(days=100)
    account.simulator.faults.add(
        path, times=None, status=200, body=[]
    )  # the account's own time did not go on
    account.simulator.log.clear()
    account.sync(name)
    assert min(spans(account, path))[0] == today - timedelta(days=again)
    assert first.inserted == account.value(f"select count(*) from {{raw}}.{name} where deleted_at is null")


def test_an_account_without_figures_is_not_read_from_the_beginning_each_time(account: Mirror) -> None:
    """What was read is remembered as such: no rows are no sign of a first sync."""
    account.simulator.faults.add("/v3/devices/stats", times=None, status=200, body=[])
    account.sync("device_stats")
    account.simulator.log.clear()
    account.sync("device_stats")
    assert len(spans(account, "/v3/devices/stats")) == 1


def test_a_read_that_failed_is_no_read(account: Mirror) -> None:
    account.simulator.faults.add("/v3/stats", skip=3, times=None, status=500)
    with pytest.raises(SendGridError):
        account.sync("daily_stats")
    assert account.value("select count(*) from {raw}.daily_stats") == 0
    account.simulator.faults.clear()
    assert account.sync("daily_stats").inserted == 397


def test_categories_that_were_not_all_listed_are_read_from_the_beginning_again(account: Mirror) -> None:
    """Else the history of one that was missing from the list would never be read."""
    account.simulator.faults.add("/v3/categories$", times=None, change=lambda rows: [*rows, "odd"])
    assert not account.sync("category_stats").complete
    account.simulator.faults.clear()
    account.simulator.log.clear()
    account.sync("category_stats")
    assert min(spans(account, "/v3/categories/stats"))[0] <= account.now.date() - timedelta(days=393)


def test_the_settings_say_how_far_back_statistics_go(account: Mirror) -> None:
    """Also when they say it later; but never further back than SendGrid keeps them."""
    today = account.now.date()
    since = today - timedelta(days=60)
    account.source = account.source.model_copy(update={"stats_since": since})
    for name in ("daily_stats", "category_stats"):
        account.sync_now(name)
    assert account.value("select min(date) from {raw}.daily_stats") == since
    account.source = account.source.model_copy(update={"stats_since": today - timedelta(days=800)})
    for name in ("daily_stats", "category_stats"):
        account.simulator.log.clear()
        account.sync_now(name)
        account.simulator.log.clear()
        account.sync_now(name)
        assert len(spans(account, "/v3/(categories/)?stats")) <= 2
    assert account.value("select min(date) from {raw}.daily_stats") == today - timedelta(days=800)
    assert account.value(
        "select min(read_from) from {raw}.sync_runs where object = 'category_stats'"
    ) == today - timedelta(days=393)


def test_what_sendgrid_corrects_to_zero_is_zero(account: Mirror) -> None:
    account.sync("category_stats")
    day, name = account.rows(
        "select date, category from {raw}.category_stats order by delivered desc limit 1"
    )[0]

    def correct(rows: Any) -> Any:
        for row in rows:
            for figure in row["stats"]:
                if (row["date"], figure["name"]) == (str(day), name):
                    figure["metrics"] = dict.fromkeys(MAIL, 0)
        return rows

    account.simulator.faults.add("/v3/categories/stats", times=None, change=correct)
    assert account.sync("category_stats").updated == 1
    assert total(account, "category_stats", "delivered", f"date = '{day}' and category = '{name}'") == 0


@pytest.mark.parametrize("name", ["mailbox_provider_stats", "device_stats", "browser_stats", "geo_stats"])
def test_what_sendgrid_forgets_stays(account: Mirror, name: str) -> None:
    """It stores these for seven days. What it no longer has it tells as zero, which is no correction."""
    account.sync(name)
    before = account.rows(f"select * from {{raw}}.{name} order by 1, 2, 3")
    account.simulator.account.statistics.kept_days = 3
    result = account.sync(name)
    assert (result.updated, result.deleted) == (0, 0)
    assert account.rows(f"select * from {{raw}}.{name} order by 1, 2, 3") == before


@pytest.mark.parametrize("counts", ["days", "figures"])
@pytest.mark.parametrize(
    ("name", "where"), [("mailbox_provider_stats", "true"), ("geo_stats", "province = 'all'")]
)
def test_no_figure_is_lost_whatever_the_limit_counts(
    account: Mirror, name: str, where: str, counts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        statistics, "MAX_FIGURES", 91
    )  # more than a slice has days, fewer than it has figures
    account.simulator.account.statistics.limit_counts = counts
    result = account.sync(name)
    opens = sum(day["opens"] for day in account.simulator.account.ledger.daily.values())
    assert total(account, name, "opens", where) == opens > 0
    assert result.complete
    assert "came twice" not in " ".join(result.warnings)


def test_a_page_that_comes_again_is_told(account: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "MAX_FIGURES", 2)
    page = [published("device", "Phone", OPENS)]
    account.simulator.faults.add("/v3/devices/stats", times=None, status=200, body=page)
    result = account.sync("device_stats")
    assert (result.complete, result.inserted) == (False, 1)
    assert "is the one before it" in " ".join(result.warnings)


def test_one_name_that_sendgrid_refuses_costs_the_others_nothing(account: Mirror) -> None:
    account.simulator.faults.add(
        "/v3/subusers$",
        times=None,
        change=lambda rows: [{**row, "region": "global"} for row in rows],
    )
    result = account.sync("subuser_stats")
    assert "marketing-eu was left out" in " ".join(result.warnings)
    assert account.rows("select distinct subuser from {raw}.subuser_stats order by 1") == [
        ("northwind-lifecycle",),
        ("northwind-shop",),
    ]
    refused = [seen for seen in account.simulator.log.all("/v3/subusers/stats") if seen.status == 400]
    assert len(refused) == 2, "with the others, and alone; then no more"
    account.simulator.log.clear()
    account.sync("subuser_stats")
    assert len(spans(account, "/v3/subusers/stats")) < 10, "it is no reason to read everything again"


@pytest.mark.parametrize("name", ["category_stats", "device_stats"])
def test_days_that_sendgrid_refuses_cost_the_later_ones_nothing(account: Mirror, name: str) -> None:
    """How an endpoint answers for days that it no longer keeps is not documented."""
    path, _, _, _ = PUBLISHED[name]
    body = {"errors": [{"message": "start_date is too old", "field": "start_date"}]}
    requests = 3 if name == "category_stats" else 2
    account.simulator.faults.add(path, times=requests, status=400, body=body)
    result = account.sync(name)
    assert result.inserted > 0
    assert "start_date is too old" in " ".join(result.warnings)
    account.simulator.faults.add(path, times=None, status=400, body=body)
    with pytest.raises(BadRequestError, match="too old"):
        account.sync(name)


def test_the_days_that_sendgrid_keeps_are_read_where_it_refuses_all_before(account: Mirror) -> None:
    account.simulator.account.statistics.kept_days = 7
    account.simulator.account.statistics.refuses = True
    result = account.sync("device_stats")
    ledger, today = account.simulator.account.ledger, account.now.date()
    kept = sum(counted["opens"] for day, counted in ledger.daily.items() if day >= today - timedelta(days=7))
    assert total(account, "device_stats", "opens") == kept > 0
    assert "start_date is too old" in " ".join(result.warnings)
    assert account.sync("device_stats").complete


def test_answers_of_any_shape_become_rows_or_notes(account: Mirror) -> None:
    whole = published("device", "Tablet", OPENS, "2026-09-11")
    whole["stats"][0]["metrics"]["glances"] = 7
    odd = [
        {"date": "2026-09-10", "stats": None},
        {"date": "2026-09-10", "stats": [None, {"name": "Phone"}, {"name": {"a": 1}, "metrics": {"opens": 3}}]},
        {"date": "2026-09-12", "stats": [{"metrics": {"opens": 1}}, {"name": "TV", "metrics": {"opens": "many"}}]},
        {"date": "soon", "stats": [{"name": "Phone", "metrics": {"opens": 1}}]},
        whole,
        "row",
    ]  # fmt: skip
    account.simulator.faults.add("/v3/devices/stats", times=None, status=200, body=odd)
    result = account.sync("device_stats")
    assert not result.complete
    assert account.rows("select date::text, device, opens, extra from {raw}.device_stats order by 1, 2") == [
        ("2026-09-10", '{"a":1}', 3, None),
        ("2026-09-11", "Tablet", 1, {"stats": {"metrics": {"glances": 7}}}),
        ("2026-09-12", "TV", None, {"stats.metrics.opens": "many"}),
    ]


def test_subusers_keep_their_history_and_their_statistics_when_they_go(account: Mirror) -> None:
    account.sync("subusers")
    assert account.sync("subusers").unchanged == 4
    account.sync("subuser_stats")
    before = total(account, "subuser_stats", "delivered", "subuser = 'northwind-shop'")
    del account.simulator.account.subusers["northwind-shop"]
    assert account.sync("subusers").deleted == 1
    assert account.sync("subuser_stats").deleted == 0
    assert total(account, "subuser_stats", "delivered", "subuser = 'northwind-shop'") == before > 0
    assert account.value("select deleted_at from {raw}.subusers where username = 'northwind-shop'")


def test_subusers_of_every_page_arrive(account: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "SUBUSERS_PAGE", 2)
    assert account.sync("subusers").inserted == 4


def test_subusers_in_the_eu_are_not_asked_for(account: Mirror) -> None:
    """They cannot be read with the parent's key (sendgrid-oai, November 2025)."""
    result = account.sync("subuser_stats")
    assert result.complete
    assert "1 subusers are in the EU" in " ".join(result.warnings)
    asked = {
        name
        for seen in account.simulator.log.all("/v3/subusers/stats")
        for name in parse_qs(seen.query)["subusers"]
    }
    assert asked == {"northwind-shop", "northwind-lifecycle", "northwind-old"}


def test_an_account_without_subusers_has_none_and_no_fault(account: Mirror) -> None:
    account.simulator.account.subusers.clear()
    for name in ("subusers", "subuser_stats"):
        result = account.sync(name)
        assert (result.rows_read, result.complete) == (0, True)
    assert account.simulator.log.count("/v3/subusers/stats") == 0


@pytest.mark.parametrize(
    ("name", "path", "status", "offered"),
    [
        ("subusers", "/v3/subusers", 401, False),
        ("subusers", "/v3/subusers", 403, True),
        ("subuser_stats", "/v3/subusers", 401, False),
        ("subuser_stats", "/v3/subusers", 403, True),
        ("subuser_stats", "/v3/subusers/stats", 401, False),
        ("subuser_stats", "/v3/subusers/stats", 403, True),
    ],
)
def test_an_account_that_cannot_have_subusers_has_no_fault(
    account: Mirror, name: str, path: str, status: int, offered: bool
) -> None:
    """subusers_v3 documents 401 and nothing else; other endpoints answer 403 to plans that lack a feature."""
    account.sync(name)
    body = {"errors": [{"field": None, "message": "authorization required"}]}
    account.simulator.faults.add(f"{path}$", times=None, status=status, body=body)
    result = account.sync(name)
    assert (result.offered, result.was_read, result.deleted) == (offered, False, 0)
    assert account.value(f"select count(*) from {{raw}}.{name} where deleted_at is null") > 0


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("subusers", "subusers.read"),
        ("subuser_stats", "subusers.read"),
        ("subuser_stats", "subusers.stats.read"),
        ("geo_stats", "geo.stats.read"),
        ("browser_stats", "browsers.stats.read"),
    ],
)
def test_a_key_that_may_not_is_told_which_scope_it_lacks(account: Mirror, name: str, scope: str) -> None:
    few = account.simulator.account.add_key("SG.few", FULL_ACCESS - {scope, "stats.read"})
    result = account.sync(name, client_of(account.simulator, api_key=few))
    assert result.refusal is not None
    assert result.refusal.scope == scope


def test_there_are_no_places_in_the_eu(account: Mirror) -> None:
    """SendGrid does not offer them to EU regional subusers; a run of such a source has no fault."""
    account.source = account.source.model_copy(update={"region": "eu"})
    result = account.sync("geo_stats")
    assert (result.offered, result.rows_read) == (False, 0)
    assert account.simulator.log.count("/v3/geo/stats") == 0
    assert account.sync("device_stats").offered
