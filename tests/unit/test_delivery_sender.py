"""How messages are sent until each has an outcome: retries, limits, and the search for the one that is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from pydantic import SecretStr

from sendgrid_orchestration.destinations.amplitude import Amplitude
from sendgrid_orchestration.destinations.errors import DestinationError
from sendgrid_orchestration.destinations.interface import (
    Accepted,
    Answer,
    Busy,
    Delay,
    Limits,
    Message,
    Named,
    Position,
    Refused,
    Request,
    Stopped,
    TooLarge,
    Verdict,
    read_status,
    told_to_wait,
)
from sendgrid_orchestration.destinations.segment import Segment
from sendgrid_orchestration.destinations.sender import Gate, Outcome, RetryPolicy, Sender, State
from sendgrid_orchestration.settings import AmplitudeDestination, SegmentDestination

NOW = datetime(2024, 6, 1, tzinfo=UTC)
POLICY = RetryPolicy(attempts=3, first_wait=0.001, longest_wait=0.002, limited_wait=0.5)


def messages(count: int) -> list[Message]:
    return [Message(Position(1, NOW, str(n)), "open", str(n).encode(), f"user-{n}") for n in range(count)]


class Scripted:
    """A destination whose answers a test decides; it counts what it took."""

    name, target, columns, secrets = "scripted", "t", (), ()

    def __init__(self, decide: Callable[[list[int]], Verdict], limits: Limits | None = None) -> None:
        self.decide = decide
        self.limits = limits or Limits(1000, 10**9, 10**9)
        self.asked: list[list[int]] = []
        self.taken: list[int] = []

    def encode(self, event: Any, message_id: str) -> Message:
        raise NotImplementedError  # the sender gets messages that are written already

    def test_event(self, message_id: str, now: datetime) -> Message:
        raise NotImplementedError  # the sender gets messages that are written already

    def request(self, messages: Sequence[Message], sent_at: datetime) -> Request:
        return Request("", b",".join(message.body for message in messages), {})

    def read(self, answer: Answer, messages: Sequence[Message]) -> Verdict:
        numbers = [int(message.body) for message in messages]
        self.asked.append(numbers)
        verdict = self.decide(numbers)
        if isinstance(verdict, Accepted):
            self.taken += numbers
        return verdict


def send(destination: Scripted, count: int, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    monkeypatch.setattr(Sender, "_post", lambda *_: Answer(200, {}, b""))
    return Sender(destination, Gate(None), POLICY).send(messages(count))


def refusing(*bad: int) -> Callable[[list[int]], Verdict]:
    return lambda numbers: Refused("400 bad") if set(bad) & set(numbers) else Accepted()


@pytest.mark.parametrize("place", [0, 1, 1249, 1250, 2498, 2499])
def test_one_poisoned_message_in_2500_is_found_with_13_requests(
    place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = Scripted(refusing(place))
    outcome = send(destination, 2500, monkeypatch)
    assert outcome.rejected == {place: "400 bad"}
    assert sorted(destination.taken) == [n for n in range(2500) if n != place]
    to_find = [asked for asked in destination.asked if place in asked or max(asked) < place]
    assert len(to_find) <= 13
    assert outcome.calls <= 14, "one more for what waited behind it"
    assert not outcome.stopped


@pytest.mark.parametrize("bad", [range(0, 100, 7), range(40), range(60, 100), [3, 4, 96], range(5)])
def test_every_poisoned_message_is_listed_and_blocks_no_other(
    bad: Sequence[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = Scripted(refusing(*bad))
    outcome = send(destination, 100, monkeypatch)
    assert set(outcome.rejected) == set(bad)
    assert sorted(set(destination.taken)) == sorted(set(range(100)) - set(bad))
    assert not outcome.stopped


def test_a_destination_that_refuses_everything_rejects_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong setting must not turn a whole day into rejected events."""
    outcome = send(Scripted(lambda _: Refused("400 no")), 1000, monkeypatch)
    assert outcome.refuses_all
    assert not outcome.rejected
    assert set(outcome.states) == {State.UNSENT}
    assert outcome.calls < 80


def test_what_was_accepted_before_vouches_for_the_destination(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sender, "_post", lambda *_: Answer(200, {}, b""))
    sender = Sender(
        Scripted(lambda numbers: Accepted() if numbers == [0] else Refused("bad")), Gate(None), POLICY
    )
    assert sender.send(messages(1)).states == [State.ACCEPTED]
    outcome = sender.send(messages(20)[1:])
    assert len(outcome.rejected) == 19
    assert not outcome.stopped


@pytest.mark.parametrize("is_limit", [True, False])
def test_who_asks_for_an_hour_holds_no_run_up(is_limit: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    destination = Scripted(lambda _: Busy("later", wait=3600, is_limit=is_limit))
    outcome = send(destination, 1, monkeypatch)
    assert (outcome.stopped, outcome.calls) == ("later", 1)


def test_a_request_that_is_too_large_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    destination = Scripted(
        lambda numbers: TooLarge("413") if len(numbers) > 30 or 7 in numbers else Accepted()
    )
    outcome = send(destination, 100, monkeypatch)
    assert outcome.rejected == {7: "413"}
    assert sorted(destination.taken) == [n for n in range(100) if n != 7]


def test_messages_go_out_within_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of a backfill may be larger than what the stream's endpoint takes."""
    destination = Scripted(lambda _: Accepted(), Limits(100, 20, 4))
    assert set(send(destination, 50, monkeypatch).states) == {State.ACCEPTED}
    assert sorted(destination.taken) == list(range(50))
    assert all(len(asked) <= 4 and sum(len(str(n)) + 1 for n in asked) <= 20 for asked in destination.asked)


def test_named_messages_are_taken_out_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def decide(numbers: list[int]) -> Verdict:
        if 3 in numbers:
            return Named({numbers.index(3): "invalid time"}, {numbers.index(5): Delay(30, "throttled")})
        return Accepted()

    outcome = send(Scripted(decide), 10, monkeypatch)
    assert outcome.rejected == {3: "invalid time"}
    assert outcome.delayed == {5: Delay(30, "throttled")}
    assert [n for n, state in enumerate(outcome.states) if state is State.ACCEPTED] == [
        0,
        1,
        2,
        4,
        6,
        7,
        8,
        9,
    ]


@pytest.mark.parametrize(
    ("verdicts", "state"),
    [
        ([Busy("503")], State.UNSENT),
        ([Busy("500", may_be_taken=True)], State.UNKNOWN),
        # Once it may have been taken, no later refusal of a connection takes that back.
        ([Busy("timeout", may_be_taken=True), Busy("no connection")], State.UNKNOWN),
        ([Stopped("401")], State.UNSENT),
    ],
)
def test_the_outcome_of_a_request_that_fails(
    verdicts: list[Verdict], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = list(verdicts)
    outcome = send(Scripted(lambda _: left.pop(0) if len(left) > 1 else left[0]), 3, monkeypatch)
    assert set(outcome.states) == {state}
    assert outcome.stopped


def test_a_limit_is_waited_for_and_costs_no_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    left = [Busy("429", wait=0.001, is_limit=True)] * 4
    destination = Scripted(lambda _: left.pop() if left else Accepted())
    assert set(send(destination, 3, monkeypatch).states) == {State.ACCEPTED}
    patience = Scripted(lambda _: Busy("429", wait=0.2, is_limit=True))
    outcome = send(patience, 3, monkeypatch)
    assert set(outcome.states) == {State.UNSENT}
    assert outcome.stopped == "429"


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (requests.ConnectTimeout(), State.UNSENT),
        (requests.ConnectionError("NewConnectionError(refused)"), State.UNSENT),
        (requests.ConnectionError("Remote end closed connection"), State.UNKNOWN),
        (requests.ReadTimeout(), State.UNKNOWN),
        (requests.exceptions.ChunkedEncodingError(), State.UNKNOWN),
    ],
)
def test_what_a_broken_connection_says(
    error: Exception, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Answer:
        raise error

    monkeypatch.setattr(Sender, "_post", fail)
    outcome = Sender(Scripted(lambda _: Accepted()), Gate(None), POLICY).send(messages(2))
    assert set(outcome.states) == {state}


def test_the_rate_is_kept_by_all_threads_together() -> None:
    now, waited = 0.0, []

    class Stopping(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout)
            return False

    gate = Gate(100, clock=lambda: now, stopping=Stopping())
    for _ in range(3):
        gate.pass_through(50)
    assert waited == [0.5, 1.0]


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Accepted),
        (204, Accepted),
        (301, Stopped),
        (400, Refused),
        (401, Stopped),
        (403, Stopped),
        (404, Stopped),
        (408, Busy),
        (413, TooLarge),
        (422, Refused),
        (429, Busy),
        (500, Busy),
        (503, Busy),
    ],
)
def test_what_a_status_means(status: int, verdict: type[Verdict]) -> None:
    assert isinstance(read_status(Answer(status, {}, b"")), verdict)


def test_only_an_answer_that_says_so_leaves_no_doubt() -> None:
    doubtful = {
        status: getattr(read_status(Answer(status, {}, b"")), "may_be_taken", None)
        for status in (408, 429, 500, 502, 503, 504)
    }
    assert doubtful == {408: True, 429: False, 500: True, 502: True, 503: False, 504: True}


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("-3", 0.0),
        ("Sat, 01 Jun 2024 00:00:30 GMT", 30.0),
        ("soon", None),
        ("", None),
    ],
)
def test_how_long_an_answer_asks_to_wait(header: str, seconds: float | None) -> None:
    assert told_to_wait({"Retry-After": header}, NOW) == seconds


AMPLITUDE = AmplitudeDestination.model_validate({"name": "a", "kind": "amplitude", "api_key": {"env": "KEY"}})


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b'{"code":200}', Accepted()),
        (400, b'{"code":400,"error":"Invalid API key: x"}', Stopped),
        (400, b'{"code":400,"error":"Request missing required field","missing_field":"api_key"}', Stopped),
        (
            400,
            b'{"events_with_invalid_fields":{"time":[1]},"events_with_missing_fields":{"event_type":[2,99,true]}}',
            Named({1: "invalid time", 2: "missing event_type"}),
        ),
        (
            400,
            b'{"events_with_invalid_id_lengths":{"user_id":[0]}}',
            Named({0: "invalid length of user_id"}),
        ),
        (400, b'{"silenced_events":[0,2],"silenced_devices":["x"]}', Named({0: "silenced", 2: "silenced"})),
        (400, b'{"code":400,"error":"?"}', Refused),
        (400, b"<html>", Refused),
        (400, b"[1]", Refused),
        (403, b"{}", Stopped),
        (413, b"{}", TooLarge),
        (429, b'{"throttled_events":[1]}', Named({}, {1: Delay(30.0, "throttled")})),
        (
            429,
            b'{"exceeded_daily_quota_users":{"user-2":9}}',
            Named({}, {2: Delay(86400.0, "exceeded daily quota")}),
        ),
        (429, b'{"code":429,"throttled_users":{}}', Busy),
        (500, b"", Busy),
    ],
)
def test_how_amplitudes_answers_are_read(status: int, body: bytes, expected: object) -> None:
    destination = Amplitude(AMPLITUDE, SecretStr("key"))
    verdict = destination.read(Answer(status, {}, body), messages(3))
    if isinstance(expected, type):
        assert isinstance(verdict, expected)
    else:
        assert verdict == expected


def test_region_and_key_go_where_they_belong() -> None:
    """S89, S90, S92, S107, S115: the region chooses the host; a key that cannot be one is refused before it is sent."""
    base = {"name": "s", "kind": "segment", "write_key": {"env": "KEY"}}
    for region, host in (("US", "https://api.segment.io"), ("eu", "https://events.eu1.segmentapis.com")):
        destination = Segment(
            SegmentDestination.model_validate({**base, "region": region}), SecretStr("abc123")
        )
        request = destination.request(messages(1), NOW)
        assert request.url == f"{host}/v1/batch"
        assert request.headers["Authorization"] == "Basic YWJjMTIzOg=="
        assert "abc123" not in repr(request)
    for region, host in (("US", "api2.amplitude.com"), ("EU", "api.eu.amplitude.com")):
        settings = AMPLITUDE.model_copy(update={"region": region})
        for bulk, path in ((False, "/2/httpapi"), (True, "/batch")):
            made = Amplitude(settings, SecretStr("key"), bulk=bulk).request(messages(1), NOW)
            assert made.url == f"https://{host}{path}"
    with pytest.raises(DestinationError, match="has 3 characters; Segment's have 6 to 51"):
        Segment(SegmentDestination.model_validate(base), SecretStr("abc"))
