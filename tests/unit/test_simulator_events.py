"""The simulated history: believable, repeatable, and in agreement with what the simulated API tells."""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest

from sendgrid_orchestration.simulator import Account, odd_events
from sendgrid_orchestration.simulator.mailboxes import TROUBLED
from sendgrid_orchestration.simulator.mailings import BEST_AMONG_HUMANS, BEST_ON_RAW_OPENS
from sendgrid_orchestration.simulator.reading import SCANNER_NETWORKS

EVENT_TYPES = {
    "processed", "dropped", "delivered", "deferred", "bounce", "open", "click", "spamreport", "unsubscribe",
    "group_unsubscribe", "group_resubscribe", "account_status_change",
}  # fmt: skip
STARTED = 1_790_000_000


@pytest.fixture(scope="module")
def account() -> Account:
    return Account(seed=1, contacts=1500, history_messages=12_000, history_days=45, started=STARTED)


@pytest.fixture(scope="module")
def history(account: Account) -> list[dict[str, Any]]:
    return list(account.history)


def test_the_same_seed_gives_the_same_history() -> None:
    first, second, other = (
        list(Account(seed=seed, contacts=200, history_messages=500, started=STARTED).history)
        for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


def test_every_event_type_happens(history: list[dict[str, Any]]) -> None:
    assert {event["event"] for event in history} == EVENT_TYPES


def test_history_comes_in_order_and_ends_at_the_present(history: list[dict[str, Any]]) -> None:
    times = [event["timestamp"] for event in history]
    assert times == sorted(times)
    assert times[0] >= STARTED - 45 * 86_400
    assert times[-1] <= STARTED


def test_events_are_about_contacts_that_exist(account: Account, history: list[dict[str, Any]]) -> None:
    for email in {event["email"] for event in history if event.get("email")}:
        assert account.book.with_email(email) is not None


def test_event_ids_are_never_used_twice(history: list[dict[str, Any]]) -> None:
    ids = Counter(event["sg_event_id"] for event in history if "sg_event_id" in event)
    assert ids.most_common(1)[0][1] == 1


def test_fields_have_the_types_that_sendgrid_gives_them(history: list[dict[str, Any]]) -> None:
    for event in history:
        if event["event"] == "deferred":
            assert event["attempt"].isdigit()
        if event["event"] == "processed":
            assert event["pool"]["id"].isdigit()
            assert event["send_at"] == 0 or event["send_at"].isdigit()
        if event["event"] in ("open", "click"):
            assert "smtp-id" not in event
    categories = {type(event["category"]) for event in history if "category" in event}
    assert categories == {str, list}
    delayed = [event for event in history if event["event"] == "bounce" and "sg_message_id" not in event]
    assert delayed
    assert all("smtp-id" in event for event in delayed)
    assert any("sg_event_id" not in event for event in history)
    assert any("status" not in event for event in history if event["event"] == "bounce")
    left = [event for event in history if event["event"] == "unsubscribe"]
    assert left
    for event in left:
        day = datetime.fromtimestamp(event["timestamp"], UTC).date().isoformat()
        assert (event["date"], event["reseller_id"]) == (day, "1")
        assert event["ip"] and event["useragent"]
    dropped = [e for e in history if e["event"] == "dropped" and e["reason"] != "Invalid"]
    assert all(event["message"] and event["pool"]["id"].isdigit() for event in dropped)
    assert all("mc_auto_unique_id" in event for event in history if event.get("mc_stats") == "automation")


def test_who_bounced_complained_or_left_is_not_mailed_again(history: list[dict[str, Any]]) -> None:
    gone: set[str] = set()
    for event in history:
        if event["event"] == "processed":
            assert event["email"] not in gone
        if event["event"] in ("spamreport", "unsubscribe") or event.get("type") == "bounce":
            gone.add(event["email"])


def test_one_campaign_is_best_among_humans_and_another_on_raw_opens(history: list[dict[str, Any]]) -> None:
    seen: dict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for event in history:
        message = event.get("sg_message_id", "")
        figures = seen[event.get("singlesend_name", "")]
        figures[event["event"]].add(message)
        if event.get("ip", "").startswith(SCANNER_NETWORKS):
            continue
        if event["event"] == "open" and not event["sg_machine_open"]:
            figures["human"].add(message)
        if event["event"] == "click":
            figures["human"].add(message)
            figures["human click"].add(message)
    seen.pop("")

    def best(figure: str) -> str:
        return max(seen, key=lambda name: len(seen[name][figure]) / len(seen[name]["delivered"]))

    assert best("open") == BEST_ON_RAW_OPENS
    assert best("human") == best("human click") == BEST_AMONG_HUMANS


def test_one_domain_is_in_trouble_and_says_why(history: list[dict[str, Any]]) -> None:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for event in history:
        if event.get("email"):
            counts[event["email"].rpartition("@")[2]][event["event"]] += 1
    large = {domain: count for domain, count in counts.items() if count["processed"] > 200}

    def bounces(domain: str) -> float:
        return large[domain]["bounce"] / large[domain]["processed"]

    def complaints(domain: str) -> float:
        return large[domain]["spamreport"] / large[domain]["delivered"]

    assert max(large, key=bounces) == max(large, key=complaints) == TROUBLED
    assert complaints(TROUBLED) > 0.003
    reasons = [
        event["reason"]
        for event in history
        if event["event"] == "bounce" and event["email"].endswith(TROUBLED) and event["type"] == "blocked"
    ]
    assert any("Spamhaus" in reason for reason in reasons)


def test_no_complaint_comes_from_a_provider_without_feedback_loop(history: list[dict[str, Any]]) -> None:
    complainers = {event["email"].rpartition("@")[2] for event in history if event["event"] == "spamreport"}
    assert complainers
    assert "gmail.com" not in complainers


def test_some_recipients_never_react_although_machines_do(history: list[dict[str, Any]]) -> None:
    delivered: Counter[str] = Counter()
    people: set[str] = set()
    machines: set[str] = set()
    for event in history:
        if event["event"] == "delivered":
            delivered[event["email"]] += 1
        if event["event"] == "open":
            (machines if event["sg_machine_open"] else people).add(event["email"])
        if event["event"] == "click":
            people.add(event["email"])
    silent = {email for email, count in delivered.items() if count >= 6} - people
    assert len(silent) > 20
    assert silent & machines


def test_scanners_come_when_they_come_in_life_and_try_every_link(history: list[dict[str, Any]]) -> None:
    """Published: half of their clicks within 43 s after sending, one in two hundred within 10 s, nearly all within 5 min."""
    sent = {e["sg_message_id"]: e["timestamp"] for e in history if e["event"] == "processed"}
    sweeps: dict[str, list[dict[str, Any]]] = defaultdict(list)
    opened = Counter[str]()
    for event in history:
        if event.get("ip", "").startswith(SCANNER_NETWORKS):
            if event["event"] == "click":
                sweeps[event["sg_message_id"]].append(event)
            opened[event["sg_message_id"]] += event["event"] == "open"
    delays = []
    for message, clicks in sweeps.items():
        times = [click["timestamp"] for click in clicks]
        assert max(times) - min(times) <= 2
        assert len({click["url"] for click in clicks}) in (2, 4)
        delays.append(min(times) - sent[message])
    assert len(delays) > 200
    prompt = [delay for delay in delays if delay < 300]
    assert len(prompt) > 0.9 * len(delays)  # the others had to come back later
    assert 35 <= sorted(prompt)[len(prompt) // 2] <= 55
    assert sum(delay < 10 for delay in prompt) < 0.03 * len(prompt)
    assert 0.4 < sum(map(bool, opened.values())) / len(sweeps) < 0.8
    networks = {clicks[0]["ip"].startswith("104.47."): clicks[0]["useragent"] for clicks in sweeps.values()}
    assert "Chrome/130" in networks[True]  # like anybody's
    assert "Chrome/130" not in networks[False]


def test_suppressions_follow_from_events(account: Account, history: list[dict[str, Any]]) -> None:
    def addresses(test: Any) -> set[str]:
        return {event["email"] for event in history if event.get("email") and test(event)}

    lists = account.ledger.suppressions
    assert set(lists["bounces"]) == addresses(lambda e: e["event"] == "bounce" and e["type"] == "bounce")
    assert set(lists["blocks"]) == addresses(lambda e: e["event"] == "bounce" and e["type"] != "bounce")
    assert set(lists["spam_reports"]) == addresses(lambda e: e["event"] == "spamreport")
    assert set(lists["unsubscribes"]) == addresses(lambda e: e["event"] == "unsubscribe")
    assert set(lists["invalid_emails"]) == addresses(lambda e: e.get("reason") == "Invalid")
    assert all(lists.values())


def test_statistics_follow_from_events(account: Account, history: list[dict[str, Any]]) -> None:
    kinds = Counter(event["event"] for event in history)
    totals: Counter[str] = Counter()
    for metrics in account.ledger.daily.values():
        totals.update(metrics)
    assert totals["processed"] == kinds["processed"]
    assert totals["requests"] == kinds["processed"] + kinds["dropped"]
    assert totals["delivered"] == kinds["delivered"]
    assert totals["bounces"] + totals["blocks"] == kinds["bounce"]
    assert totals["opens"] == kinds["open"]
    assert totals["unique_clicks"] == len({e["sg_message_id"] for e in history if e["event"] == "click"})


def test_live_events_continue_where_history_ends() -> None:
    now = float(STARTED)

    def clock() -> float:
        nonlocal now
        now += 60
        return now

    account = Account(contacts=100, history_messages=300, started=STARTED, clock=clock)

    def told() -> int:
        return sum(day["requests"] for day in account.ledger.daily.values())

    before = told()
    live = account.history.live(clock, messages_per_second=0.5, every=0)
    events = [next(live) for _ in range(200)]
    assert events[0]["timestamp"] >= STARTED
    assert [e["timestamp"] for e in events] == sorted(e["timestamp"] for e in events)
    assert told() == before + sum(e["event"] in ("processed", "dropped") for e in events)


def test_a_legacy_account_marks_its_campaigns_as_legacy() -> None:
    history = list(Account(contacts=300, history_messages=2000, family="legacy", started=STARTED).history)
    campaigns = [event for event in history if "marketing_campaign_id" in event]
    assert {"A", "B"} <= {event.get("marketing_campaign_version") for event in campaigns}
    assert not any("singlesend_id" in event for event in history)
    letters = [event for event in history if "newsletter" in event]
    assert all(isinstance(value, str) for event in letters for value in event["newsletter"].values())
    assert letters and not any("marketing_campaign_id" in event for event in letters)
    for event in (*campaigns, *letters):
        assert (event["post_type"], event["sg_user_id"]) == ("event", 2135897280)


def test_odd_events_have_a_type_and_a_time() -> None:
    for event in odd_events(STARTED):
        assert event["event"]
        assert event["timestamp"]
