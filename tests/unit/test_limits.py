"""What SendGrid's answers say about its limits."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from sendgrid_orchestration.sendgrid.limits import (
    LONGEST_PAUSE,
    AccountLimit,
    endpoint,
    limit_of,
    told_to_wait,
)

NOW = 1_770_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": formatdate(NOW + 9, usegmt=True)}, 9.0),
        ({"X-RateLimit-Reset": str(int(NOW) + 5)}, 5.0),
        ({"X-RateLimit-Reset": "5"}, 5.0),
        ({"X-RateLimit-Reset": str(int(NOW) - 5)}, 0.0),
        ({"Retry-After": "2", "X-RateLimit-Reset": "60"}, 2.0),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "60"}, 60.0),
        ({"X-RateLimit-Reset": "soon"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_read_from_whatever_is_there(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert told_to_wait(headers, NOW) == seconds


def test_one_endpoint_rests_and_the_others_do_not() -> None:
    clock = [0.0]
    limit = AccountLimit(clock=lambda: clock[0])
    limit.rest("/v3/marketing/lists/1f2e3d4c-0000", 10)
    assert limit.wait_needed("/v3/marketing/lists") == 10
    assert limit.wait_needed("/v3/marketing/contacts/exports") == 0
    clock[0] = 11
    assert limit.wait_needed("/v3/marketing/lists") == 0


def test_a_reset_in_the_far_future_is_not_believed() -> None:
    limit = AccountLimit(clock=lambda: 0.0)
    limit.rest("/v3/scopes", 1e9)
    assert limit.wait_needed("/v3/scopes") == LONGEST_PAUSE


def test_clients_of_one_account_share_a_limit_and_others_do_not() -> None:
    mine = limit_of("https://api.sendgrid.com", "SG.one", None)
    assert limit_of("https://api.sendgrid.com", "SG.one", None) is mine
    assert limit_of("https://api.sendgrid.com", "SG.two", None) is not mine
    assert limit_of("https://api.sendgrid.com", "SG.one", "subuser") is not mine


def test_an_endpoint_is_a_path_without_what_names_one_thing() -> None:
    assert endpoint("/v3/marketing/segments/2.0/9f-1?x=1") == "v3/marketing/segments/2.0"
    assert endpoint("/v3/suppression/bounces") == "v3/suppression/bounces"
