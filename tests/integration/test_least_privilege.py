"""A key may be granted any part of reading: what it is not granted is skipped, said, and stays as it was (promise S7)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from sendgrid_orchestration.sendgrid.errors import InvalidKeyError, SendGridError, WrongFamilyError
from sendgrid_orchestration.simulator.account import FULL_ACCESS
from sendgrid_orchestration.sync import OBJECTS, SyncResult, marketing
from tests.support.mirror import Mirror, client_of, mirror, mirror_of

READING = sorted(scope for scope in FULL_ACCESS if scope.endswith((".read", "_eligible")))
LISTS = "/v3/marketing/lists"

SUBSETS = {
    "everything": READING,
    "marketing": ["marketing.read"],
    "activity and statistics": [s for s in READING if "stats" in s]
    + ["email_activity.read", "messages.read"],
    "suppressions": [s for s in READING if s.startswith(("suppression.", "asm."))],
    "one suppression list": ["suppression.blocks.read"],
    "groups without members": ["asm.groups.read"],
    "members without groups": ["asm.groups.suppressions.read"],
    "the other Marketing Campaigns": ["marketing_campaigns.read"],
    "nothing": [],
    **{f"random {seed}": random.Random(seed).sample(READING, 9) for seed in range(3)},
}


@pytest.fixture(scope="module")
def account(postgres_url: str) -> Iterator[Mirror]:
    """A small account, everything of which was read once with all permissions."""
    with mirror(postgres_url, marketing="auto", contacts=30, history_messages=300) as made:
        made.simulator.limits.set("", 1_000_000, 60)  # more requests in a minute than SendGrid allows
        made.catch_up()
        for name in OBJECTS:
            made.sync(name)
        yield made


@pytest.fixture
def key(account: Mirror) -> str:
    """A key that may read everything, for a test to cut down."""
    account.simulator.faults.clear()
    return account.simulator.account.add_key("SG.reader.key", READING)


def contents(account: Mirror) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every object."""
    return {name: account.rows(f"select t::text from {{raw}}.{name} as t order by 1") for name in OBJECTS}


def synced(account: Mirror, name: str, key: str) -> tuple[SyncResult, set[int]]:
    """What a sync did, and what SendGrid answered."""
    account.simulator.log.clear()
    result = account.sync(name, client_of(account.simulator, api_key=key))
    return result, {seen.status for seen in account.simulator.log.all()}


@pytest.mark.parametrize("granted", SUBSETS.values(), ids=SUBSETS)
def test_a_key_with_any_part_of_reading_reads_that_part(account: Mirror, granted: list[str]) -> None:
    account.simulator.faults.clear()
    key = account.simulator.account.add_key("SG.partial.key", granted)
    before = contents(account)
    skipped = set()
    for name in OBJECTS:
        result, statuses = synced(account, name, key)
        assert result.deleted == 0
        if result.refusal is None:
            assert result.complete or not result.offered, name
            assert 403 not in statuses or name == "unsubscribe_group_members" or OBJECTS[name].marketing
            continue
        skipped.add(name)
        assert 403 in statuses
        if name == "verified_senders":
            assert "Its plan may lack the feature, or the key a finer permission" in result.refusal.sentence
        else:
            assert result.refusal.permission.endswith("Read Access"), name
            assert result.refusal.scope not in {"", *granted}, name
        for word in (result.refusal.permission, result.refusal.scope, "skip_objects"):
            assert word in result.refusal.sentence
        metadata = result.metadata()
        assert (metadata["granted"], metadata["missing_scope"]) == (False, result.refusal.scope)
    after = contents(account)
    assert {name: after[name] for name in skipped} == {name: before[name] for name in skipped}
    assert {name for name, rows in after.items() if len(rows) < len(before[name])} == set()
    made = {(seen.method, seen.path) for seen in account.simulator.log.all() if seen.method != "GET"}
    assert made <= {("POST", "/v3/marketing/contacts/exports")}
    assert bool(skipped) == (set(granted) != set(READING))


def test_every_part_of_reading_is_enough_for_something(account: Mirror) -> None:
    """Which objects each permission opens, by itself."""
    account.simulator.faults.clear()
    opened = {}
    for subset in ("marketing", "suppressions", "activity and statistics", "nothing"):
        key = account.simulator.account.add_key("SG.partial.key", SUBSETS[subset])
        names = ("lists", "recipients", "bounces", "unsubscribe_groups", "daily_stats", "categories")
        opened[subset] = {name for name in names if synced(account, name, key)[0].refusal is None}
    assert opened == {
        "marketing": {"lists", "recipients"},
        "suppressions": {"bounces", "unsubscribe_groups"},
        "activity and statistics": {"daily_stats"},
        "nothing": set(),
    }


@pytest.mark.parametrize("requests", [1, 2, 3])
@pytest.mark.parametrize("name", ["lists", "list_members", "single_sends", "recipients"])
def test_a_permission_that_is_taken_away_half_way_changes_nothing(
    account: Mirror, key: str, name: str, requests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marketing, "_PAGE", 3)
    monkeypatch.setattr(marketing, "_SMALL_PAGE", 3)
    before = account.rows(f"select t::text from {{raw}}.{name} as t order by 1")
    simulated = account.simulator.account
    account.simulator.faults.add(
        "/v3/marketing/", skip=requests, action=lambda: simulated.add_key(key, ["stats.read"])
    )
    result, statuses = synced(account, name, key)
    assert 403 in statuses
    assert (result.deleted, result.complete) == (0, False)
    assert result.refusal is not None
    assert result.refusal.scope == "marketing.read"
    assert account.rows(f"select t::text from {{raw}}.{name} as t order by 1") == before


@pytest.mark.parametrize(
    ("name", "requests"),
    [
        *((name, number) for name in ("lists", "recipients", "list_members") for number in range(3)),
        *(("bounces", number) for number in range(2)),
        *(("unsubscribe_group_members", number) for number in range(2)),
    ],
)
def test_a_key_that_is_revoked_half_way_is_an_error(
    account: Mirror, key: str, name: str, requests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """401 is never taken for a missing permission, however well the key worked a moment ago."""
    monkeypatch.setattr(marketing, "_PAGE", 3)
    keys = account.simulator.account.keys
    account.simulator.faults.add("/v3/", skip=requests, action=lambda: keys.pop(key))
    with pytest.raises(InvalidKeyError, match="refused the key"):
        synced(account, name, key)


def test_a_good_key_that_is_answered_401_is_an_error(account: Mirror, key: str) -> None:
    account.simulator.faults.add("/v3/asm/groups", times=None, status=401)
    with pytest.raises(SendGridError, match=r"although it knows the key and the key has"):
        synced(account, "unsubscribe_groups", key)
    account.simulator.faults.add(LISTS, skip=1, times=None, status=401)
    with pytest.raises(WrongFamilyError):
        synced(account, "lists", key)


def test_what_sendgrid_refuses_though_the_key_has_the_scope_is_skipped_too(account: Mirror, key: str) -> None:
    """A plan may lack the feature, or the scope's name may not be the one that SendGrid means."""
    account.simulator.faults.add("/v3/templates", times=None, status=403)
    account.simulator.faults.add("/v3/marketing/stats/singlesends", times=None, status=403)
    for name, scope in (("templates", "templates.read"), ("single_send_stats", "marketing.read")):
        result, _ = synced(account, name, key)
        assert result.refusal is not None
        assert result.refusal.scope == scope
        assert "although its key has" in result.refusal.sentence


def test_the_other_family_in_the_settings_stays_an_error(
    account: Mirror, key: str, postgres_url: str
) -> None:
    account.simulator.faults.clear()
    wrong = mirror_of(account.simulator, postgres_url, marketing="legacy")
    with pytest.raises(WrongFamilyError, match="marketing: new"):
        wrong.sync("lists", client_of(account.simulator, api_key=key))


def test_an_object_that_is_granted_again_remembers_what_it_had(account: Mirror, key: str) -> None:
    """A sync that was not let in has read nothing, which is not the same as no rows."""
    there = account.sync("blocks").rows_read
    assert there > 0
    account.simulator.account.add_key(key, [])
    assert synced(account, "blocks", key)[0].rows_before == there
    account.simulator.account.add_key(key, READING)
    account.simulator.faults.add("/v3/suppression/blocks", change=lambda _: [])
    result, _ = synced(account, "blocks", key)
    assert (result.rows_before, result.deleted, result.complete) == (there, 0, False)


def test_a_key_of_a_legacy_account_may_be_as_small(postgres_url: str) -> None:
    with mirror(postgres_url, marketing="auto", family="legacy", contacts=10, history_messages=20) as made:
        for granted, scope in (
            (["marketing_campaigns.read"], None),
            (["marketing.read"], "marketing_campaigns.read"),
        ):
            key = made.simulator.account.add_key("SG.partial.key", granted)
            for name in ("lists", "campaigns", "recipients", "single_sends"):
                result, _ = synced(made, name, key)
                assert (result.refusal and result.refusal.scope) == scope
