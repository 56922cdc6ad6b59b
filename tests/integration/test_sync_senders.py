"""Whom mail may come from: exact rows for the answers that SendGrid publishes, and for those that real accounts give."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from sendgrid_orchestration.sync import senders as reader
from tests.support.mirror import Mirror, mirror

MARKETING = "/v3/marketing/senders"
VERIFIED = "/v3/verified_senders"

PUBLISHED_SENDER: dict[str, Any] = {
    "id": 1,
    "nickname": "Example Orders",
    "from": {"email": "orders@example.com", "name": "Example Orders"},
    "reply_to": {"email": "support@example.com", "name": "Example Support"},
    "address": "1234 Fake St.",
    "address_2": "",
    "city": "San Francisco",
    "state": "CA",
    "zip": "94105",
    "country": "United States",
    "verified": True,
    "updated_at": 1449872165,
    "created_at": 1449872165,
    "locked": False,
}
"""The example of mc_senders_v3, word for word."""

PUBLISHED_IDENTITY: dict[str, Any] = {
    "id": 1234,
    "nickname": "Example Orders",
    "from_email": "orders@example.com",
    "from_name": "Example Orders",
    "reply_to": "orders@example.com",
    "reply_to_name": "Example Orders",
    "address": "1234 Fake St.",
    "address2": "PO Box 1234",
    "state": "CA",
    "city": "San Francisco",
    "country": "USA",
    "zip": "94105",
    "verified": True,
    "locked": False,
}
"""The example of verified_senders_v3, word for word."""

MOMENT = datetime(2015, 12, 11, 22, 16, 5, tzinfo=UTC)


@pytest.fixture
def account(postgres_url: str) -> Iterator[Mirror]:
    with mirror(postgres_url) as made:
        yield made


def test_a_published_sender_becomes_exactly_this_row(account: Mirror) -> None:
    account.simulator.faults.add(MARKETING, status=200, body={"results": [PUBLISHED_SENDER]})
    assert account.sync("senders").complete
    assert account.rows(
        "select id, nickname, from_email, from_name, reply_to_email, reply_to_name, address, address_2, city, state, zip, "
        "country, is_verified, verification_reason, is_locked, created_at, updated_at, extra from {raw}.senders"
    ) == [
        (
            1, "Example Orders", "orders@example.com", "Example Orders", "support@example.com", "Example Support",
            "1234 Fake St.", "", "San Francisco", "CA", "94105", "United States", True, None, False, MOMENT, MOMENT, None,
        )
    ]  # fmt: skip


def test_a_published_sender_identity_becomes_exactly_this_row(account: Mirror) -> None:
    account.simulator.faults.add(VERIFIED, status=200, body={"results": [PUBLISHED_IDENTITY]})
    account.simulator.faults.add(VERIFIED, status=200, body={"results": []})
    assert account.sync("verified_senders").complete
    assert account.rows(
        "select id, nickname, from_email, from_name, reply_to_email, reply_to_name, address, address_2, city, state, zip, "
        "country, is_verified, is_locked, extra from {raw}.verified_senders"
    ) == [
        (
            1234, "Example Orders", "orders@example.com", "Example Orders", "orders@example.com", "Example Orders",
            "1234 Fake St.", "PO Box 1234", "San Francisco", "CA", "94105", "USA", True, False, None,
        )
    ]  # fmt: skip


@pytest.mark.parametrize("wrapped", [lambda rows: rows, lambda rows: {"result": rows}])
def test_senders_are_read_as_accounts_give_them(account: Mirror, wrapped: Any) -> None:
    """A bare array, and `verified` with its reason: what clients in use parse (sendgrid/docs#2563)."""
    told = {**PUBLISHED_SENDER, "verified": {"status": False, "reason": "not verified yet"}, "new": [1]}
    account.simulator.faults.add(MARKETING, status=200, body=wrapped([told]))
    account.sync("senders")
    assert account.rows("select id, is_verified, verification_reason, extra from {raw}.senders") == [
        (1, False, "not verified yet", {"new": [1]})
    ]


def test_what_cannot_be_read_harms_neither_its_neighbours_nor_what_is_stored(account: Mirror) -> None:
    account.sync("senders")
    odd = [{"id": 7}, {"nickname": "without id"}, {**PUBLISHED_SENDER, "from": None, "created_at": "x"}, 3]
    account.simulator.faults.add(MARKETING, status=200, body={"results": odd})
    result = account.sync("senders")
    assert (result.inserted, result.deleted, result.complete) == (2, 0, False)
    assert account.rows("select id, from_email, extra from {raw}.senders where id < 10 order by id") == [
        (1, None, {"created_at": "x"}),
        (7, None, None),
    ]


def test_senders_keep_their_history_and_are_told_when_they_go(account: Mirror) -> None:
    account.sync("senders")
    assert account.sync("senders").unchanged == 3
    gone, *_ = account.simulator.account.senders
    del account.simulator.account.senders[gone]
    account.simulator.faults.add(
        MARKETING,
        change=lambda body: {"results": [{**one, "nickname": "Renamed"} for one in body["results"]]},
    )
    result = account.sync("senders")
    assert (result.updated, result.deleted) == (2, 1)
    versions = account.rows(
        "select record ->> 'nickname' from {raw}.object_versions where object = 'senders' and id = '4243' order by valid_from"
    )
    assert versions == [("Offers",), ("Renamed",)]


def test_single_sends_name_a_sender_that_is_there(account: Mirror) -> None:
    account.sync("senders")
    account.sync("single_sends")
    assert account.rows(
        "select distinct s.from_email from {raw}.single_sends as o inner join {raw}.senders as s on s.id = o.sender_id"
    ) == [("news@mail.northwind.example",)]


def test_every_sender_identity_of_every_page_arrives(
    account: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "VERIFIED_PAGE", 2)
    result = account.sync("verified_senders")
    assert (result.inserted, result.complete) == (3, True)
    asked = [seen.query for seen in account.simulator.log.all(VERIFIED)]
    assert asked == ["limit=2", "limit=2&lastSeenID=90002", "limit=2&lastSeenID=90007"]
    del account.simulator.account.senders[4243]
    assert account.sync("verified_senders").deleted == 1


def test_pages_that_do_not_go_on_delete_nobody(account: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether an account pages by lastSeenID is known only from its answers."""
    account.sync("verified_senders")
    account.simulator.faults.add(
        VERIFIED, times=None, status=200, body={"results": [PUBLISHED_IDENTITY, {"id": 90_001}]}
    )
    monkeypatch.setattr(reader, "VERIFIED_PAGE", 2)
    result = account.sync("verified_senders")
    assert (result.deleted, result.complete) == (0, False)
    assert "a second time" in " ".join(result.warnings)
    monkeypatch.setattr(reader, "VERIFIED_PAGE", 1)  # it gives everything, whatever it is asked for
    result = account.sync("verified_senders")
    assert (result.deleted, result.complete) == (2, True)


@pytest.mark.parametrize(("name", "path"), [("senders", MARKETING), ("verified_senders", VERIFIED)])
def test_null_where_senders_should_be_deletes_nobody(account: Mirror, name: str, path: str) -> None:
    account.sync(name)
    account.simulator.faults.null_array(path, "results")
    result = account.sync(name)
    assert (result.rows_read, result.deleted, result.complete) == (0, 0, False)


def test_senders_of_a_legacy_account_fill_the_same_table(postgres_url: str) -> None:
    with mirror(postgres_url, marketing="legacy", family="legacy") as account:
        assert account.sync("senders").inserted == 3
        assert account.simulator.log.count("/v3/senders") == 1
        assert account.value("select count(*) from {raw}.senders where not is_verified") == 1
