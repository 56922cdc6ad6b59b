"""Where a forward leads: what its settings may say, what it must not lead to, what is sent and what an answer means."""

from __future__ import annotations

import base64
import socket
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from sendgrid_orchestration.destinations.consumer import Consumer, open_consumer, why_unsendable
from sendgrid_orchestration.destinations.errors import DestinationError
from sendgrid_orchestration.destinations.interface import Accepted, Answer, Busy, Refused, Stopped
from sendgrid_orchestration.landing.format import Post
from sendgrid_orchestration.settings import SettingsError, Source

NOW = datetime(2026, 1, 31, tzinfo=UTC)
RECEIVER = "https://mail.example.com/base"


def source(url: Any, **more: Any) -> Source:
    return Source.model_validate({"name": "prod", "forward": [{"name": "previous", "url": url, **more}]})


def opened(url: Any) -> Consumer:
    return open_consumer(source(url), source(url).forward_to("previous"), RECEIVER)


def test_nothing_is_forwarded_by_default() -> None:
    forward = source("https://192.0.2.1/hook").forward[0]
    assert (forward.enabled, forward.start) == (False, "now")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("https://me:secret@192.0.2.1/hook", "user and password may not stand in the settings file"),
        ("ftp://192.0.2.1/hook", "URL scheme should be 'http' or 'https'"),
        ({"env": "A", "file": "b"}, "name one place"),
        ({}, "name one place"),
    ],
)
def test_address_in_the_settings_holds_no_secret(url: Any, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence) as refused:
        source(url)
    assert "me:secret" not in f"{refused.value.errors(include_input=False)}"


def test_two_forwards_have_two_names() -> None:
    one = {"name": "previous", "url": "https://192.0.2.1"}
    with pytest.raises(ValidationError, match="two forwards have the name previous"):
        Source.model_validate({"name": "prod", "forward": [one, one]})
    with pytest.raises(SettingsError, match=r'has no forward "x"\. The settings name: previous'):
        source("https://192.0.2.1").forward_to("x")


def test_post_is_sent_as_it_came_with_the_login_of_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLD", "https://me%40x:p%3Aw@192.0.2.1:8443/hook?a=%2F#part")
    headers = {"content-type": "application/json", "x-twilio-email-event-webhook-signature": "abc"}
    body = b'[{"a":"\xff"}]\r\n'
    consumer = opened({"env": "OLD"})
    request = consumer.request([Post(NOW, headers, body)], NOW)
    assert (request.url, request.body) == ("https://192.0.2.1:8443/hook?a=%2F", body)
    assert request.headers == {
        "Content-Type": "application/json",
        "X-Twilio-Email-Event-Webhook-Signature": "abc",
        "Authorization": "Basic " + base64.b64encode(b"me@x:p:w").decode(),
    }
    assert not any(secret in f"{consumer!r}{request!r}" for secret in ("p:w", "p%3A", "a=%2F"))


@pytest.mark.parametrize(
    "address",
    [
        "https://mail.example.com/webhook/prod/token",
        "https://mail.example.com:443/sendgrid",
        "https://MAIL.example.com/other",
    ],
)
def test_our_own_receiver_is_no_consumer(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("OLD", address)
    with pytest.raises(DestinationError, match="our own receiver") as refused:
        opened({"env": "OLD"})
    assert address not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://2852039166/latest",
    ],
)
def test_metadata_services_are_no_consumers(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("OLD", address)
    with pytest.raises(DestinationError, match="only services of this machine or its cloud"):
        opened({"env": "OLD"})


def test_name_that_leads_to_a_metadata_service_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(DestinationError, match=r"leads to 169\.254\.169\.254"):
        opened("http://hooks.example.com/")


@pytest.mark.parametrize(
    "address",
    [
        "nonsense",
        "https://",
        "ftp://192.0.2.1",
        "https://192.0.2.1:99999/",
        "https://192.0.2.1/a b",
        "https://bücher/",
    ],
)
def test_address_that_is_none_is_told_without_it(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("OLD", address)
    with pytest.raises(DestinationError, match="is no http") as refused:
        opened({"env": "OLD"})
    assert "192.0.2.1" not in str(refused.value)


def test_missing_address_names_its_place() -> None:
    with pytest.raises(
        SettingsError, match=r'address of forward "previous" of source "prod" is missing.*NOT_SET'
    ):
        opened({"env": "NOT_SET"})


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, Accepted) for status in (200, 201, 202, 204)),
        *((status, Stopped) for status in (301, 302, 307, 308)),
        *((status, Refused) for status in (400, 401, 403, 404, 409, 410, 413, 422)),
        *((status, Busy) for status in (408, 429, 500, 502, 503, 504)),
    ],
)
def test_answer_means_what_it_means_to_sendgrid_but_for_what_it_says_of_a_post(
    status: int, expected: type
) -> None:
    verdict = opened("https://192.0.2.1").read(Answer(status, {"Retry-After": "7"}, b"said"), [])
    assert isinstance(verdict, expected)
    if isinstance(verdict, Busy):
        assert (verdict.wait, verdict.is_limit) == (7, status == 429)


@pytest.mark.parametrize("value", ["", " a", "a ", "a\nb", "a\r\nX: y", "é", "\x00", "a\x7f"])
def test_header_that_is_none_is_not_sent(value: str) -> None:
    assert (
        why_unsendable(Post(NOW, {"content-type": value}, b"[]")) == "its header content-type cannot be sent"
    )
    assert why_unsendable(Post(NOW, {"content-type": "application/json; charset=utf-8"}, b"[]")) == ""
