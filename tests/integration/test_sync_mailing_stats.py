"""How many requests the days of mailings cost: as many as there is something to read, whatever their age."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from sendgrid_orchestration.simulator.ledger import MailingKey
from sendgrid_orchestration.simulator.mailings import SingleSend
from sendgrid_orchestration.sync.shape import moment
from tests.support.mirror import Mirror, mirror, mirror_of

SENDS = "/v3/marketing/stats/singlesends"
AUTOMATIONS = "/v3/marketing/stats/automations"


@pytest.fixture(scope="module")
def shared(postgres_url: str) -> Iterator[Mirror]:
    """An account whose mail goes back for almost a year."""
    with mirror(postgres_url, contacts=200, history_days=350, history_messages=4000) as made:
        yield made


@pytest.fixture
def account(shared: Mirror, postgres_url: str) -> Mirror:
    """Another mirror of it."""
    shared.simulator.faults.clear()
    shared.simulator.log.clear()
    made = mirror_of(shared.simulator, postgres_url)
    made.catch_up()
    return made


def day_requests(account: Mirror, path: str = SENDS) -> Counter[str]:
    """How often the days of each mailing were asked for, since the log was cleared; clears it."""
    asked = [seen for seen in account.simulator.log.all(f"{path}/") if "aggregated_by=day" in seen.query]
    account.simulator.log.clear()
    return Counter(seen.path.rsplit("/", 1)[1] for seen in asked)


def days_and_totals(account: Mirror, metric: str = "opens") -> dict[str, tuple[int, int]]:
    """A metric of each single send, summed over its days and in total."""
    return {
        one: (by_day or 0, total or 0)
        for one, by_day, total in account.rows(
            f"select single_send_id, sum({metric}) filter (where date is not null)::bigint, "
            f"sum({metric}) filter (where date is null and ab_variation = 'all')::bigint "
            "from {raw}.single_send_stats group by 1"
        )
    }


def oldest(account: Mirror) -> SingleSend:
    return min(
        (one for one in account.simulator.account.mailings.single_sends if one.mailings), key=lambda o: o.when
    )


def happens(account: Mirror, send: SingleSend, when: date, **counts: int) -> None:
    """Something of an old mailing, as SendGrid counts it."""
    mailing = send.mailings[0]
    key = MailingKey(send.id, mailing.template.version_id, mailing.phase)
    account.simulator.account.ledger.marketing[key].setdefault(when, Counter()).update(counts)


def test_the_first_sync_asks_for_each_mailing_once(account: Mirror) -> None:
    """From the day that it was sent on, up to the day that explains its total: eight requests each would be thirteen months."""
    account.sync("single_send_stats")
    asked = day_requests(account)
    listed = account.client.get("/v3/marketing/singlesends")["result"]
    sent = {one["id"]: moment(one["send_at"]).date() for one in listed if one.get("send_at")}
    last = dict(
        account.rows(
            "select single_send_id, max(date) from {raw}.single_send_stats where date is not null group by 1"
        )
    )
    assert len(last) >= 12
    # Fifty days a request, and the day before it was sent.
    assert asked == {one: ((day - sent[one]).days + 1) // 50 + 1 for one, day in last.items()}
    for metric in ("requests", "delivered", "opens", "clicks", "bounces"):
        assert all(days == total for days, total in days_and_totals(account, metric).values()), metric
    assert sum(total for _, total in days_and_totals(account).values()) > 0


def test_a_second_sync_asks_for_no_days(account: Mirror) -> None:
    account.sync("single_send_stats")
    account.simulator.log.clear()
    assert account.sync("single_send_stats").updated == 0
    assert day_requests(account) == {}


def test_an_old_total_that_moves_costs_one_request(account: Mirror) -> None:
    account.sync("single_send_stats")
    account.simulator.log.clear()
    send = oldest(account)
    happens(account, send, account.now.date(), opens=3, unique_opens=2)
    account.sync("single_send_stats")
    assert day_requests(account) == {send.id: 1}
    assert (
        account.value(
            "select opens from {raw}.single_send_stats where single_send_id = %s and date = %s",
            send.id,
            account.now.date(),
        )
        == 3
    )
    assert days_and_totals(account)[send.id][0] == days_and_totals(account)[send.id][1]


@pytest.mark.parametrize("metric", ["spam_reports", "bounce_drops", "unsubscribes", "unique_clicks"])
def test_every_metric_that_moves_is_noticed(account: Mirror, metric: str) -> None:
    account.sync("single_send_stats")
    account.simulator.log.clear()
    send = oldest(account)
    happens(account, send, account.now.date(), **{metric: 1})
    account.sync("single_send_stats")
    assert day_requests(account)[send.id] >= 1
    assert account.value(
        f"select {metric} from {{raw}}.single_send_stats where single_send_id = %s and date = %s",
        send.id, account.now.date(),
    ) >= 1  # fmt: skip


def test_what_moved_long_ago_is_looked_for_until_it_is_found(account: Mirror) -> None:
    """A correction of old days: from today backwards, to a month before the last known day."""
    account.sync("single_send_stats")
    send = oldest(account)
    last = account.value("select max(date) from {raw}.single_send_stats where single_send_id = %s", send.id)
    happens(account, send, last - timedelta(days=1), bounces=5)
    account.simulator.log.clear()
    account.sync("single_send_stats")
    back = (account.now.date() - (last - timedelta(days=1))).days
    assert day_requests(account) == {send.id: back // 50 + 1}
    assert days_and_totals(account, "bounces")[send.id][0] == days_and_totals(account, "bounces")[send.id][1]


def test_days_that_sendgrid_has_forgotten_are_not_asked_for_again(account: Mirror) -> None:
    """The total stays, its days are zero: one look at its first weeks, one at the latest; then what is missing is known."""
    send = oldest(account)

    def forgotten(body: dict[str, Any]) -> dict[str, Any]:
        zeros = [{**row, "stats": dict.fromkeys(row["stats"], 0)} for row in body["results"]]
        return {**body, "results": zeros}

    account.simulator.faults.add(f"{SENDS}/{send.id}", times=None, change=forgotten)
    account.sync("single_send_stats")
    assert day_requests(account)[send.id] == 2
    account.sync("single_send_stats")
    assert day_requests(account) == {}
    account.simulator.faults.clear()
    happens(account, send, account.now.date(), clicks=1)
    account.sync("single_send_stats")
    assert day_requests(account).keys() == {send.id}


def test_days_that_come_later_than_the_total_are_read_when_they_come(account: Mirror) -> None:
    """The statistics of a mailing may be a 404 until SendGrid has produced them."""
    sends = account.simulator.account.mailings.single_sends
    newest = max((one for one in sends if one.mailings and one.when < 1), key=lambda one: one.when)
    account.simulator.faults.add(f"{SENDS}/{newest.id}$", times=None, status=404)
    result = account.sync("single_send_stats")
    assert newest.id in " ".join(result.warnings)
    assert days_and_totals(account)[newest.id][0] == 0
    account.simulator.faults.clear()
    account.simulator.log.clear()
    account.sync("single_send_stats")
    assert day_requests(account) == {newest.id: 1}
    by_day, total = days_and_totals(account)[newest.id]
    assert by_day == total > 0


def test_automations_are_read_from_the_day_that_they_were_made(account: Mirror) -> None:
    account.sync("automation_stats")
    asked = day_requests(account, AUTOMATIONS)
    made = moment(account.client.get("/v3/marketing/campaigns")["result"][-1]["created_at"]).date()
    days = (account.now.date() - made).days + 1
    assert set(asked) == set(account.simulator.account.mailings.automations)
    assert all(count <= days // 50 + 1 for count in asked.values())
    account.sync("automation_stats")
    assert day_requests(account, AUTOMATIONS) == {}


def test_automations_are_read_without_the_undocumented_list(account: Mirror) -> None:
    account.simulator.faults.add("/v3/marketing/campaigns", times=None, status=404)
    result = account.sync("automation_stats")
    assert (result.complete, result.inserted > 10) == (True, True)
    totals = account.rows(
        "select automation_id, sum(delivered) filter (where date is not null and step_id = 'all') = "
        "sum(delivered) filter (where date is null and step_id = 'all') from {raw}.automation_stats group by 1"
    )
    assert totals
    assert all(agrees for _, agrees in totals)
