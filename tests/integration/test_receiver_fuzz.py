"""Whatever arrives on its port, the receiver answers no 5xx to it, does not die, and keeps none of it."""

from __future__ import annotations

import contextlib
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.receiver import RunningReceiver
from tests.support.signing import SIGNATURE, TIMESTAMP, body_of, events


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningReceiver]:
    """The same process for all of this; it must be alive at the end, and have nothing in its landing."""
    folder = tmp_path_factory.mktemp("receiver")
    running = RunningReceiver(folder, receiver={"max_body_megabytes": 0.1, "body_seconds": 1.0}).start()
    pid = running.workers()
    yield running
    try:
        assert running.get("/healthz")[0] == 200
        assert running.workers() == pid
        assert running.metric("sendgrid_receiver_refused_total", source="marketing", reason="failed") == 0
        assert "Traceback" not in running.log.read_text()
        assert [post.body for post in running.landed()] == []
    finally:
        running.close()


def talk(running: RunningReceiver, *parts: bytes, hang_up: bool = True) -> bytes:
    """Send raw bytes and return what came back; by default with our half closed, as by a sender that gave up."""
    answer = b""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(running.address, timeout=5) as connection,
    ):
        with contextlib.suppress(OSError):
            for part in parts:
                connection.sendall(part)
            if hang_up:
                connection.shutdown(socket.SHUT_WR)
        while data := connection.recv(65536):
            answer += data
    return answer


def statuses(answer: bytes) -> list[int]:
    """The status of every response in what came back."""
    return [int(part[1:4]) for part in answer.split(b"HTTP/1.")[1:] for part in [part[1:]]]


def request(path: str, body: bytes, *headers: str, method: str = "POST") -> bytes:
    head = [
        f"{method} {path} HTTP/1.1",
        "Host: x",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


line = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=60)
token = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
RELAXED = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@RELAXED
@given(st.lists(st.binary(max_size=200), max_size=4))
def test_random_bytes(receiver: RunningReceiver, parts: list[bytes]) -> None:
    assert all(status < 500 for status in statuses(talk(receiver, *parts)))


@RELAXED
@given(
    method=st.sampled_from(["POST", "GET", "PUT", "HEAD", "OPTIONS", "TRACE"]) | token,
    path=st.sampled_from(
        ["secret", "/oauth/token", "/webhook//", "/webhook/%2e%2e/%00", "/metrics", "*", "//"]
    )
    | line.map(lambda text: "/webhook/" + text),
    headers=st.lists(st.tuples(token, line), max_size=5),
    body=st.binary(max_size=300),
)
def test_random_requests(
    receiver: RunningReceiver, method: str, path: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    lines = [f"{name}: {value}" for name, value in headers]
    path = receiver.path() if path == "secret" else path

    assert all(
        status < 500 for status in statuses(talk(receiver, request(path, body, *lines, method=method)))
    )


@RELAXED
@given(
    body=st.binary(max_size=100) | st.sampled_from([b"[", b"[]]", b"{}", b"[NaN]", b"[" * 5000]),
    signature=line,
    timestamp=line,
)
def test_random_signatures_and_random_signed_bodies(
    receiver: RunningReceiver, body: bytes, signature: str, timestamp: str
) -> None:
    forged = [f"{SIGNATURE}: {signature}", f"{TIMESTAMP}: {timestamp}"]
    signed = [f"{name}: {value}" for name, value in receiver.key.headers(body).items()]

    answer = talk(receiver, request(receiver.path(), body, *forged), hang_up=False)
    assert set(statuses(answer)) <= {400, 401}
    if body.strip()[:1] != b"[":
        answer = talk(receiver, request(receiver.path(), body, *signed), hang_up=False)
        assert statuses(answer) == [400]


@RELAXED
@given(
    body=st.binary(max_size=200),
    authorization=line,
    content_type=st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain"])
    | line,
)
def test_random_token_requests(
    receiver: RunningReceiver, body: bytes, authorization: str, content_type: str
) -> None:
    headers = f"Authorization: {authorization}", f"Content-Type: {content_type}"

    answer = talk(receiver, request("/oauth/token", body, *headers), hang_up=False)
    assert set(statuses(answer)) <= {400, 401}
    assert answer


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n\r\n",
        b"POST\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST PATH HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n[]",
        b"POST PATH HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
        b"POST PATH HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n[]",
        b"POST PATH HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n",
        b"POST PATH HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n[]\r\n",
        b"POST PATH HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),
        b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: a\r\n" % number for number in range(2000)) + b"\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_malformed_http(receiver: RunningReceiver, raw: bytes) -> None:
    raw = raw.replace(b"PATH", receiver.path().encode())

    assert all(status < 500 for status in statuses(talk(receiver, raw)))


def test_aborted_upload_leaves_nothing(receiver: RunningReceiver) -> None:
    body = body_of(events(1, 100))
    signed = [f"{name}: {value}" for name, value in receiver.key.headers(body).items()]
    whole = request(receiver.path(), body, *signed)
    cuts = random.Random(7).sample(range(1, len(whole) - 1), 25)

    for cut in cuts:
        assert 204 not in statuses(talk(receiver, whole[:cut]))
    chunked = f"POST {receiver.path()} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n".encode()
    for name, value in receiver.key.headers(body).items():
        chunked += f"{name}: {value}\r\n".encode()
    assert 204 not in statuses(talk(receiver, chunked + b"\r\n2\r\n[]\r\n"))


def test_body_that_trickles_in_is_given_up_and_hinders_nobody(receiver: RunningReceiver) -> None:
    body = b" " * 5000
    signed = [f"{name}: {value}" for name, value in receiver.key.headers(body).items()]
    whole = request(receiver.path(), body, *signed)
    slow = [socket.create_connection(receiver.address, timeout=20) for _ in range(50)]
    for connection in slow:
        connection.sendall(whole[:-4900])
    began = time.monotonic()

    assert receiver.get("/healthz")[0] == 200
    assert receiver.post(b"{}")[0] == 400
    assert time.monotonic() - began < 5
    for connection in slow:
        assert statuses(connection.recv(4096)) == [408]
        connection.close()
    assert receiver.metric("sendgrid_receiver_refused_total", source="marketing", reason="too_slow") >= 50
    assert receiver.metric("sendgrid_receiver_in_flight_bytes") == 0


def test_connections_that_say_nothing_hinder_nobody(receiver: RunningReceiver) -> None:
    silent = [socket.create_connection(receiver.address, timeout=20) for _ in range(300)]

    assert receiver.post(b"{}")[0] == 400
    for connection in silent:
        connection.close()


def test_flood_of_large_bodies_stays_within_its_memory(receiver: RunningReceiver) -> None:
    """Bodies are read only once there is room for them, however many are announced."""
    body = b"{" + b" " * 100_000
    signed = [f"{name}: {value}" for name, value in receiver.key.headers(body).items()]
    whole = request(receiver.path(), body, *signed)
    many = [socket.create_connection(receiver.address, timeout=30) for _ in range(200)]
    for connection in many:
        connection.sendall(whole[:60_000])
    for connection in many:
        connection.sendall(whole[60_000:])
    answers = [statuses(connection.recv(4096)) for connection in many]
    for connection in many:
        connection.close()

    assert {status for answer in answers for status in answer} <= {400, 408}
    peak = max(_peak_megabytes(pid) for pid in receiver.workers())
    assert peak < 200


def _peak_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0.0
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024
