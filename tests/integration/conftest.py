"""Accounts of either family of Marketing Campaigns, for tests that go through every object of both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.mirror import Mirror, mirror


@pytest.fixture(scope="module")
def new_account(postgres_url: str) -> Iterator[Mirror]:
    """One that has something of every kind, and whose history is over."""
    with mirror(postgres_url, contacts=300, history_messages=8000) as made:
        made.catch_up()
        yield made


@pytest.fixture(scope="module")
def legacy_account(postgres_url: str) -> Iterator[Mirror]:
    """One of the legacy family."""
    with mirror(postgres_url, marketing="legacy", family="legacy", history_messages=50) as made:
        yield made


@pytest.fixture
def account(request: pytest.FixtureRequest) -> Mirror:
    """The account of the family by which the test is parametrized, indirectly; a module's tests share it.

    It plays no fault and has an empty log at first.
    """
    made: Mirror = request.getfixturevalue("legacy_account" if request.param == "legacy" else "new_account")
    made.simulator.faults.clear()
    made.simulator.log.clear()
    return made
