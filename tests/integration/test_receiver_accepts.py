"""Whatever the receiver answers 2xx can be read from the landing, byte for byte, however hostile its body and headers.

Raw sockets, so that nothing between the test and the receiver tidies up what is sent.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sendgrid_orchestration.landing.recovery import seal_leftovers
from sendgrid_orchestration.landing.store import local_folder
from tests.support.receiver import RunningReceiver

LIMIT = 300_000
"""Bytes that a body may have here."""


class Long(bytes):
    """Bytes that are shown shortened: Hypothesis refuses to print megabytes."""

    def __repr__(self) -> str:
        return f"Long({self[:80]!r} … {len(self)} bytes)"


@dataclass
class Sent:
    """What was answered 2xx, and what was refused."""

    accepted: list[bytes] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningReceiver]:
    """One that takes unsigned posts, so that their headers may be anything; nothing is sealed while it lives."""
    running = RunningReceiver(
        tmp_path_factory.mktemp("receiver"),
        webhook={"require_signature": False},
        receiver={"max_body_megabytes": LIMIT / 2**20},
        landing={"seal_seconds": 300, "seal_megabytes": 1024},
    ).start()
    yield running
    running.close()


@pytest.fixture(scope="module")
def sent(receiver: RunningReceiver) -> Iterator[Sent]:
    """Everything that the tests post; at the end the receiver is killed, and all that it accepted must be there."""
    sent = Sent()
    workers = receiver.workers()
    yield sent
    assert receiver.workers() == workers, "it died on the way"
    assert receiver.metric("sendgrid_receiver_refused_total", source="marketing", reason="failed") == 0
    assert receiver.metric("sendgrid_receiver_posts_total", source="marketing") == len(sent.accepted)
    receiver.kill()
    seal_leftovers(
        local_folder(receiver.settings.landing_url)
    )  # none if it took long enough to be sealed by time
    assert Counter(post.body for post in receiver.landed()) == Counter(sent.accepted)
    assert "Traceback" not in receiver.log.read_text()
    assert sent.statuses.keys() <= {204, 400, 413}


def post(running: RunningReceiver, sent: Sent, body: bytes, head: bytes, *, chunks: int = 0) -> int:
    """Post a body on a connection of its own; returns the status.

    Args:
        running: the receiver.
        sent: where the outcome is counted.
        body: as it is.
        head: further header lines.
        chunks: how many bytes each chunk has; 0 for a content length instead.
    """
    length = b"Transfer-Encoding: chunked\r\n" if chunks else b"Content-Length: %d\r\n" % len(body)
    request = b"POST %s HTTP/1.1\r\nHost: x\r\n%s%s\r\n" % (running.path().encode(), head, length)
    wire = body
    if chunks:
        parts = [body[start : start + chunks] for start in range(0, len(body), chunks)]
        wire = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    with socket.create_connection(running.address, timeout=30) as connection:
        connection.sendall(request + wire)
        answer = connection.recv(65536)
    status = int(answer.split(b" ", 2)[1])
    sent.statuses[status] += 1
    assert status in (204, 400, 413), answer
    if status == 204:
        sent.accepted.append(body)
    return status


def value(size: int) -> st.SearchStrategy[bytes]:
    """A header's value: every byte but the line's end, every byte that is allowed, and what grows when written as JSON."""
    raw = st.binary(max_size=size)
    allowed = raw.map(lambda value: value.translate(None, bytes(CONTROLS)))
    return (
        raw.map(lambda value: value.translate(None, b"\r\n"))
        | allowed
        | st.builds(
            lambda char, count: char * count,
            st.sampled_from([b'"', b"\\", b"\t", b"a", b"\xff"]),
            st.integers(0, size),
        )
    )


CONTROLS = {*range(32), 127} - {9}
"""Bytes that no header may have (RFC 9110, section 5.5)."""

NAMES = [
    b"Content-Type",
    b"X-Twilio-Email-Event-Webhook-Signature",
    b"X-Twilio-Email-Event-Webhook-Timestamp",
    b"X",
]
heads = st.lists(st.tuples(st.sampled_from(NAMES), value(14_000)), max_size=4).map(
    lambda lines: b"".join(b"%s: %s\r\n" % line for line in lines)
)

numbers = (
    st.integers().map(str)
    | st.integers(1, 5000).map("1".__mul__)
    | st.sampled_from(
        ["-0", "1e400", "1E-400", "12345678901234567890.123456789", "NaN", "Infinity", "01", "1.", "-"]
    )
)
texts = st.text(max_size=30).map(json.dumps) | st.sampled_from(
    [r'"\ud800"', r'"\u0000"', '"\x01"', '"\u2028"', r'"\uDBFF\uDFFF"', '"', "\ufeff"]
)
scalars = numbers | texts | st.sampled_from(["null", "true", "false", ""])


def _nested(opening: str, closing: str, depth: int, inner: str) -> str:
    return opening * depth + inner + closing * depth


nested = st.builds(
    lambda brackets, depth, inner: _nested(*brackets, depth, inner),
    st.sampled_from([("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")]),
    st.integers(0, 20_000) | st.sampled_from([254, 255, 500, 970, 1000, 1024]),
    scalars,
)
members = st.tuples(st.sampled_from(['"a"', '"event"', '"timestamp"', '"a"', r'"\ud800"']), scalars | nested)
objects = st.lists(members, max_size=4).map(lambda pairs: "{" + ",".join(f"{k}:{v}" for k, v in pairs) + "}")
items = st.lists(objects | nested | scalars, max_size=6)
bodies = (
    items.map(lambda them: ("[" + ",".join(them) + "]").encode("utf-8", "surrogatepass"))
    | st.binary(max_size=200)
    | st.binary(max_size=200).map(lambda inner: b"[" + inner + b"]")
    | st.builds(
        lambda item, count: b"[" + item * count + b"1]",
        st.sampled_from([b"1,", b"[],", b"{},"]),
        st.integers(0, 90_000),
    )
)

HOSTILE = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


@HOSTILE
@given(
    body=bodies.map(Long),
    head=heads.map(Long),
    chunks=st.sampled_from([0, 0, 1000, 65_536]),
    compress=st.booleans(),
)
@example(b"[]", Long(b"Content-Type: " + b'"' * 60_000 + b"\r\n"), 0, False)
@example(Long(b"[" * 100_000 + b"]" * 100_000), b"", 0, False)
@example(Long(b'[{"event":"open"},' + b'[{"a":' * 25_000 + b"1" + b"}]" * 25_000 + b"]"), b"", 1000, False)
def test_whatever_is_posted_is_refused_or_kept(
    receiver: RunningReceiver, sent: Sent, body: bytes, head: bytes, chunks: int, compress: bool
) -> None:
    if compress:
        body, head = gzip.compress(body), head + b"Content-Encoding: gzip\r\n"
    status = post(receiver, sent, body, head, chunks=chunks)

    text = body.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n")
    is_array = len(text) > 1 and text.startswith(b"[") and text.endswith(b"]")
    has_controls = bool(CONTROLS & set(head.replace(b"\r\n", b"")))
    assert status == (400 if has_controls else 413 if len(body) > LIMIT else 204 if is_array else 400)


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT, LIMIT + 1])
@pytest.mark.parametrize("chunks", [0, 40_000])
def test_limit_is_exact(receiver: RunningReceiver, sent: Sent, size: int, chunks: int) -> None:
    body = b"[" + b" " * (size - 2) + b"]"

    assert post(receiver, sent, body, b"", chunks=chunks) == (204 if size <= LIMIT else 413)


def test_kept_headers_are_bounded(receiver: RunningReceiver, sent: Sent) -> None:
    """What is kept of them is at the front; the rest would be of no use to anybody."""
    assert post(receiver, sent, b"[11]", b"Content-Type: " + b'"' * 50_000 + b"\r\n") == 204
    (path,) = (path for path in receiver.files() if path.parent.name == "open")

    assert path.stat().st_size < sum(map(len, sent.accepted)) + len(sent.accepted) * 3 * 2 * 1_100 + 1_000


def talk(running: RunningReceiver, *parts: bytes, hang_up: bool = False) -> bytes:
    """Send raw bytes, all of them, and only then read what comes back."""
    with socket.create_connection(running.address, timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
        if hang_up:
            connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").read()


CHUNKED = b"Host: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (CHUNKED, b"4\r\n[12]\r\n"),
        (CHUNKED, b"4\r\n[12]\r\n0\r\n"),
        (CHUNKED, b"4\r\n[12]\r\n5\r\n"),
        (CHUNKED, b"4\r\n[12]\r\nzz\r\n\r\n"),
        (CHUNKED, b"4\r\n[12]xx0\r\n\r\n"),
        (b"Host: x\r\nContent-Length: 9\r\nConnection: close\r\n", b"[12]"),
    ],
)
def test_body_that_does_not_end_is_refused(
    receiver: RunningReceiver, sent: Sent, head: bytes, body: bytes
) -> None:
    """What arrived is an array, and nobody can tell what is missing."""
    request = b"POST %s HTTP/1.1\r\n%s\r\n%s" % (receiver.path().encode(), head, body)

    assert talk(receiver, request, hang_up=True).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 4\r\n",
        b"Host: x\r\nHost: x\r\nContent-Length: 4\r\n",
        b"Host: x\r\nHost: y\r\nContent-Length: 4\r\n",
        b"Host: \xff\r\nContent-Length: 4\r\n",
    ],
)
def test_request_without_one_host_is_refused(receiver: RunningReceiver, sent: Sent, head: bytes) -> None:
    request = b"POST %s HTTP/1.1\r\n%sConnection: close\r\n\r\n" % (receiver.path().encode(), head)
    refused = receiver.metric("sendgrid_receiver_refused_total", source="", reason="malformed_request")

    assert talk(receiver, request + b"[13]").startswith(b"HTTP/1.1 400")
    assert (
        receiver.metric("sendgrid_receiver_refused_total", source="", reason="malformed_request")
        == refused + 1
    )


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"POST %s HTTP/1.0\r\nContent-Length: 4\r\n\r\n", b"[14]"),  # hosts came with HTTP/1.1
        # A line may end with a single LF (RFC 9112, section 2.2), and chunks come before a length (section 6.1).
        (b"POST %s HTTP/1.1\nHost: x\nContent-Length: 4\nConnection: close\n\n", b"[14]"),
        (
            b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
            b"4\r\n[14]\r\n0\r\n\r\n",
        ),
    ],
)
def test_what_http_allows_a_server_to_take_is_taken(
    receiver: RunningReceiver, sent: Sent, head: bytes, body: bytes
) -> None:
    answer = talk(receiver, head % receiver.path().encode() + body)

    assert b" 204 " in answer.splitlines()[0]
    sent.accepted.append(b"[14]")


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("path", "status"),
    [("", b"413"), ("/nobody", b"404"), ("/oauth", b"413")],
    ids=["webhook", "404", "token"],
)
def test_answer_reaches_a_sender_that_reads_only_after_all_was_sent(
    receiver: RunningReceiver, sent: Sent, path: str, status: bytes, chunked: bool
) -> None:
    """Forty megabytes: far more than sockets hold, so a server that closed early would break the pipe."""
    target = {"": receiver.path(), "/nobody": receiver.path() + "x", "/oauth": "/oauth/token"}[path]
    size = 40 * 2**20
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % size
    head = b"POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n" % (target.encode(), length)
    body = b"[" + bytes(size - 1)
    wire = b"%x\r\n%s\r\n0\r\n\r\n" % (size, body) if chunked else body
    answer = talk(receiver, head, wire)

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.endswith(b"}"), "the connection is closed behind the answer"


def test_sender_that_waits_to_be_asked_is_refused_at_once(receiver: RunningReceiver, sent: Sent) -> None:
    head = "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\nExpect: 100-continue\r\n\r\n"
    began = time.monotonic()
    answer = talk(receiver, (head % receiver.path()).encode())

    assert answer.startswith(b"HTTP/1.1 413")
    assert time.monotonic() - began < 5


def test_endless_sender_is_left_after_a_while(receiver: RunningReceiver, sent: Sent) -> None:
    """It has its answer; reading on is a courtesy with an end."""
    head = f"POST {receiver.path()} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunk = b"100000\r\n" + bytes(2**20) + b"\r\n"
    taken = 0
    with (
        contextlib.suppress(ConnectionError),
        socket.create_connection(receiver.address, timeout=30) as connection,
    ):
        connection.sendall(head)
        while taken < 500:
            connection.sendall(chunk)
            taken += 1

    assert 60 < taken < 100
    assert receiver.metric("sendgrid_receiver_in_flight_bytes") == 0
