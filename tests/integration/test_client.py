"""The session policy, against a SendGrid that misbehaves over real HTTP."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sendgrid_orchestration.sendgrid.client import RetryPolicy
from sendgrid_orchestration.sendgrid.errors import (
    BadRequestError,
    InvalidKeyError,
    MissingScopeError,
    NotFoundError,
    RateLimitedError,
    SendGridUnavailableError,
    UnexpectedAnswerError,
    WrongFamilyError,
)
from sendgrid_orchestration.sendgrid.family import detect
from sendgrid_orchestration.simulator import Simulator
from tests.support.mirror import IMPATIENT, client_of

LISTS = "/v3/marketing/lists"


@pytest.fixture
def sendgrid() -> Iterator[Simulator]:
    with Simulator(contacts=20, history_messages=5) as running:
        yield running


@pytest.mark.parametrize("style", ["epoch", "delta"])
@pytest.mark.parametrize("retry_after", [True, False])
def test_a_limit_is_waited_out_as_long_as_sendgrid_asks(
    sendgrid: Simulator, style: str, retry_after: bool
) -> None:
    """`X-RateLimit-Reset` is an epoch in one document and a number of seconds in another; both are understood."""
    sendgrid.faults.too_many_requests(LISTS, wait=3, style=style, retry_after=retry_after)  # type: ignore[arg-type]
    waits: list[float] = []
    # Another subuser for each case: the limit is shared by all clients of an account in this process.
    client = client_of(sendgrid, sleep=waits.append, policy=RetryPolicy(total_wait=60))
    client._limit._clock = lambda: sum(waits)
    assert len(client.get(LISTS)["result"]) > 0
    assert 2 <= sum(waits) <= 4.5


def test_a_limit_without_headers_is_answered_with_growing_pauses(sendgrid: Simulator) -> None:
    sendgrid.faults.too_many_requests(LISTS, times=3, headers=False)
    assert client_of(sendgrid).get(LISTS)["result"]
    assert sendgrid.log.count(LISTS) == 4


def test_a_limit_that_never_ends_is_an_error_and_no_endless_wait(sendgrid: Simulator) -> None:
    sendgrid.faults.too_many_requests(LISTS, times=99, wait=3600, style="delta")
    with pytest.raises(RateLimitedError, match=r'limits source "marketing".*asks to wait 3600 s') as caught:
        client_of(sendgrid).get(LISTS)
    assert caught.value.status == 429


def test_parallel_clients_of_an_account_share_its_limit(sendgrid: Simulator) -> None:
    """Once one was turned away the others wait too, and none of them is turned away."""
    sendgrid.faults.too_many_requests(LISTS, wait=2, style="delta", retry_after=True)
    client_of(sendgrid)  # registers the limit
    first = threading.Thread(target=lambda: client_of(sendgrid).get(LISTS))
    first.start()
    while not sendgrid.log.count(LISTS):
        time.sleep(0.01)
    time.sleep(0.5)  # it was answered, and has to read that
    others = [threading.Thread(target=lambda: client_of(sendgrid).get(LISTS)) for _ in range(3)]
    for thread in others:
        thread.start()
    time.sleep(0.5)
    assert sendgrid.log.count(LISTS) == 1
    for thread in (first, *others):
        thread.join(timeout=10)
    assert [seen.status for seen in sendgrid.log.all(LISTS)] == [429, 200, 200, 200, 200]


def test_server_errors_and_broken_connections_are_tried_again(sendgrid: Simulator) -> None:
    sendgrid.faults.server_error(LISTS, times=2)
    sendgrid.faults.add(LISTS, reset="before")
    sendgrid.faults.add(LISTS, reset="middle")
    assert client_of(sendgrid).get(LISTS)["result"]
    assert sendgrid.log.count(LISTS) == 5


def test_an_outage_ends_in_a_sentence_with_a_remedy(sendgrid: Simulator) -> None:
    sendgrid.faults.server_error(LISTS, times=None, status=502)
    with pytest.raises(
        SendGridUnavailableError, match=r'source "marketing"\) answered 502 at GET .* 6 times'
    ):
        client_of(sendgrid).get(LISTS)


def test_nobody_there_is_an_outage() -> None:
    with Simulator(contacts=1, history_messages=1) as sendgrid:
        client = client_of(sendgrid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            client.api_url = f"http://127.0.0.1:{probe.getsockname()[1]}"  # bound, and not listening
            with pytest.raises(SendGridUnavailableError, match="could not be reached"):
                client.get(LISTS)


def test_a_slow_answer_is_given_up_and_asked_for_again(sendgrid: Simulator) -> None:
    sendgrid.faults.add(LISTS, delay=1)
    policy = RetryPolicy(first_wait=0.01, longest_wait=0.01, read_timeout=0.2)
    assert client_of(sendgrid, policy=policy).get(LISTS)["result"]
    assert sendgrid.log.count(LISTS) >= 1


def test_something_made_twice_is_made_only_when_that_does_no_harm(sendgrid: Simulator) -> None:
    path = "/v3/user/webhooks/event/settings"
    sendgrid.faults.server_error(path, times=1)
    with pytest.raises(SendGridUnavailableError, match="once in a row"):
        client_of(sendgrid).post(path, {"url": "https://example.com/hook"})
    assert sendgrid.log.count(path, method="POST") == 1


def test_an_unknown_key_is_named_as_such(sendgrid: Simulator) -> None:
    """S9: a wrong key ends in "invalid", with the source and what to check; the key itself is not in it."""
    client = client_of(sendgrid, api_key="SG.wrong.wrong")
    with pytest.raises(
        InvalidKeyError, match=r'refused the key of source "marketing".*69-character'
    ) as caught:
        client.get(LISTS)
    assert "SG.wrong" not in str(caught.value) + repr(client)


def test_a_missing_scope_is_told_with_the_permission_to_give(sendgrid: Simulator) -> None:
    key = sendgrid.account.add_key("SG.small.key", ["stats.read"])
    with pytest.raises(MissingScopeError, match=r"Marketing: Read Access \(scope marketing.read\)"):
        client_of(sendgrid, api_key=key).get(LISTS)


@pytest.mark.parametrize("status", [400, 401])
def test_a_missing_scope_is_recognised_when_sendgrid_says_it_otherwise(
    sendgrid: Simulator, status: int
) -> None:
    """Some endpoints answer 400 or 401 "authorization required" to a good key that may not."""
    key = sendgrid.account.add_key("SG.small.key", ["marketing.read"])
    body = {"errors": [{"field": None, "message": "authorization required"}]}
    sendgrid.faults.add("/v3/templates", status=status, body=body)
    with pytest.raises(MissingScopeError, match="Template Engine"):
        client_of(sendgrid, api_key=key).get("/v3/templates", {"page_size": 1})


def test_the_key_is_asked_anew_what_it_may_do_at_each_refusal(sendgrid: Simulator) -> None:
    """A key that was revoked, or cut down, since the last answer is not judged by what it was."""
    key = sendgrid.account.add_key("SG.small.key", ["marketing.read", "stats.read"])
    client = client_of(sendgrid, api_key=key)
    with pytest.raises(MissingScopeError, match="Template Engine"):
        client.get("/v3/templates", {"page_size": 1})
    sendgrid.account.add_key(key, ["stats.read"])
    with pytest.raises(MissingScopeError, match=r"marketing\.read"):
        client.get(LISTS)
    del sendgrid.account.keys[key]
    with pytest.raises(InvalidKeyError):
        client.get("/v3/templates", {"page_size": 1})


def test_the_other_family_is_not_taken_for_a_missing_scope(sendgrid: Simulator) -> None:
    with pytest.raises(WrongFamilyError, match="no legacy Marketing Campaigns"):
        client_of(sendgrid).get("/v3/contactdb/lists")
    assert detect(client_of(sendgrid)) == "new"
    sendgrid.account.family = "legacy"
    with pytest.raises(WrongFamilyError, match="probably on legacy"):
        client_of(sendgrid).get(LISTS)
    assert detect(client_of(sendgrid)) == "legacy"


def test_family_detection_says_which_scope_it_lacks(sendgrid: Simulator) -> None:
    key = sendgrid.account.add_key("SG.small.key", ["stats.read"])
    with pytest.raises(MissingScopeError, match=r"marketing\.read"):
        detect(client_of(sendgrid, api_key=key))


def test_what_is_not_there_and_what_is_refused_are_told_apart(sendgrid: Simulator) -> None:
    client = client_of(sendgrid)
    with pytest.raises(NotFoundError, match="deleted meanwhile"):
        client.get(f"{LISTS}/00000000-0000-0000-0000-000000000000")
    with pytest.raises(BadRequestError, match="page_size must be a number"):
        client.get(LISTS, {"page_size": 5000})
    assert sendgrid.log.count(LISTS) == 2


def test_nothing_at_all_is_no_answer(sendgrid: Simulator) -> None:
    sendgrid.faults.add(LISTS, status=200, body="")
    with pytest.raises(UnexpectedAnswerError, match="with nothing at all"):
        client_of(sendgrid).get(LISTS)


def test_what_is_not_json_is_no_answer(sendgrid: Simulator) -> None:
    sendgrid.faults.add(LISTS, status=200, body="<html>Please sign in</html>")
    with pytest.raises(UnexpectedAnswerError, match=r"not JSON \(text/html"):
        client_of(sendgrid).get(LISTS)


def test_a_redirect_is_not_followed_with_the_key(sendgrid: Simulator) -> None:
    with Simulator(contacts=1, history_messages=1) as stranger:
        sendgrid.faults.add(LISTS, status=302, headers={"Location": f"{stranger.url}{LISTS}"})
        with pytest.raises(UnexpectedAnswerError, match="was not followed"):
            client_of(sendgrid).get(LISTS)
        assert stranger.log.count() == 0


def test_no_log_and_no_error_shows_the_key(
    sendgrid: Simulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nor does an entry in ~/.netrc take the key's place."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login mallory password other\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    caplog.set_level(logging.DEBUG)
    sendgrid.faults.server_error(LISTS, times=1)
    client = client_of(sendgrid, policy=IMPATIENT)
    client.get(LISTS)
    assert sendgrid.api_key not in caplog.text + repr(client) + repr(client._session.auth)


def test_a_subuser_is_named_in_every_request(sendgrid: Simulator) -> None:
    client_of(sendgrid, subuser="marketing-eu").get(LISTS)
    assert sendgrid.log.all(LISTS)[0].headers["on-behalf-of"] == "marketing-eu"
