"""The receiver over real sockets: what it accepts, what it refuses, and that 2xx means on disk (S18)."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sendgrid_orchestration.landing.format import PostReader
from sendgrid_orchestration.receiver import access
from tests.support.receiver import RunningReceiver
from tests.support.signing import SIGNATURE, TIMESTAMP, SigningKey, body_of, events


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningReceiver]:
    """A receiver with defaults: signed posts only."""
    running = RunningReceiver(tmp_path_factory.mktemp("receiver"), receiver={"max_body_megabytes": 1}).start()
    yield running
    running.close()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[list[RunningReceiver]]:
    """Receivers that a test starts for itself; ended behind it."""
    made: list[RunningReceiver] = []
    yield made
    for running in made:
        running.close()


def lying_about(running: RunningReceiver) -> list[bytes]:
    """The bodies in all files, sealed or still open; looked at again where a file moved meanwhile."""
    while True:
        paths = running.files()
        found = []
        with contextlib.suppress(FileNotFoundError):
            for path in paths:
                found += [post.body for post in PostReader(path.open("rb"), str(path))]
        if running.files() == paths:
            return sorted(found)


def wait_for(condition: object, seconds: float = 20.0) -> None:
    """Until it is true."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.05)


def test_signed_post_is_kept_byte_for_byte_with_its_headers(receiver: RunningReceiver) -> None:
    body = body_of(events(100, 3))
    headers = receiver.key.headers(body)

    assert receiver.post(body, headers) == (204, b"")
    assert body in lying_about(receiver)  # before it is sealed: acknowledged is on disk
    wait_for(lambda: any(post.body == body for post in receiver.landed()))
    post = next(post for post in receiver.landed() if post.body == body)
    assert post.headers == {
        SIGNATURE.lower(): headers[SIGNATURE],
        TIMESTAMP.lower(): headers[TIMESTAMP],
        "content-type": "application/json;charset=utf-8",
    }
    assert abs(post.received_at.timestamp() - time.time()) < 60


def test_array_with_odd_items_is_kept(receiver: RunningReceiver) -> None:
    """Whatever is wrong between the brackets is set aside by the loader, which keeps what is right."""
    for body in (
        b"[]",
        b'[1,null,"x",{"event":"brand_new"},[]]',
        rb'[{"event":"open","arg":"\ud800"}]',
        b'[{"event":"bounce","reason":"\xff"}]',
        b'[{"event":"open"},NaN]',
        b'[{"event":"open"},' + b"[" * 2000 + b"]" * 2000 + b"]",
    ):
        assert receiver.post(body)[0] == 204
        assert body in lying_about(receiver)


@pytest.mark.parametrize(
    "body", [b"", b"not json", b'{"event":"open"}', b"[{", b"{}]", gzip.compress(b"[]", mtime=0)]
)
def test_what_is_no_array_is_400_and_leaves_nothing(receiver: RunningReceiver, body: bytes) -> None:
    before = lying_about(receiver)

    assert receiver.post(body)[0] == 400
    assert lying_about(receiver) == before


def test_wrong_or_missing_signature_is_401_and_leaves_nothing(receiver: RunningReceiver) -> None:
    body = body_of(events(200, 2))
    good = receiver.key.headers(body)
    before = lying_about(receiver)

    for headers in (
        {},
        {SIGNATURE: good[SIGNATURE]},
        {TIMESTAMP: good[TIMESTAMP]},
        {**good, TIMESTAMP: "1"},
        {**good, SIGNATURE: "AAAA"},
        {**good, SIGNATURE: "A" * 5000},
        SigningKey().headers(body),
    ):
        assert receiver.post(body, headers)[0] == 401
    assert receiver.post(body + b" ", good)[0] == 401
    assert lying_about(receiver) == before


def test_amplitudes_url_works_after_a_change_of_host(receiver: RunningReceiver) -> None:
    """S114: the right pair lands like any other post, signed or not; every other pair is 401 and leaves nothing."""
    body = body_of(events(250, 3))
    before = lying_about(receiver)
    login = access.ensure_login(receiver.settings.data_dir, "marketing")

    def post(key: str, secret: str, headers: dict[str, str] | None = None) -> int:
        return receiver.post(body, {**(headers or {}), **_basic(key, secret)}, "/sendgrid")[0]

    secret = login.secret.get_secret_value()
    signed = receiver.key.headers(body)
    wait_for(lambda: receiver.request("POST", "/sendgrid", b"x", _basic(login.key, secret))[0] == 400)
    for wrong in ((login.key, "wrong"), ("wrong", secret), ("marketing", secret), ("", "")):
        assert post(*wrong) == 401
        assert post(*wrong, signed) == 401
    assert receiver.post(body, signed, "/sendgrid")[0] == 401
    assert receiver.post(body, {**signed, "Authorization": "Bearer x"}, "/sendgrid")[0] == 401
    assert post(login.key, secret, SigningKey().headers(body)) == 401, "a signature that is there is verified"
    assert post(login.key, secret, {SIGNATURE: signed[SIGNATURE]}) == 401
    assert receiver.request("GET", "/sendgrid")[0] == 405
    assert receiver.post(body, signed, "/sendgrid/")[0] == 404
    assert lying_about(receiver) == before

    unsigned = {"Content-Type": "application/json"}
    assert post(login.key, secret, unsigned) == 204
    assert post(login.key, secret, signed) == 204
    assert lying_about(receiver).count(body) == 2
    wait_for(lambda: [post.body for post in receiver.landed()].count(body) == 2)
    one, other = (post for post in receiver.landed() if post.body == body)
    assert one.headers == {"content-type": "application/json"}, "the secret does not land"
    assert other.headers[SIGNATURE.lower()] == signed[SIGNATURE]
    assert secret not in receiver.log.read_text()


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_unknown_source_and_wrong_token_look_the_same(receiver: RunningReceiver) -> None:
    body = body_of(events(300, 1))
    headers = receiver.key.headers(body)
    token = receiver.path().rpartition("/")[2]
    paths = [
        "/webhook/marketing/wrong",
        f"/webhook/other/{token}",
        f"/webhook/marketing/{token}/",
        "/webhook/marketing",
        "/webhook/",
    ]

    assert len({receiver.post(body, headers, path) for path in paths}) == 1
    assert receiver.post(body, headers, paths[0])[0] == 404
    assert {receiver.request("GET", path)[0] for path in [receiver.path(), *paths]} == {405}


def test_body_over_the_limit_is_413_without_being_read(receiver: RunningReceiver) -> None:
    connection = receiver.connect()
    connection.putrequest("POST", receiver.path())
    connection.putheader("Content-Length", str(300 * 2**20))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()

    endless = (b"[" + b" " * 65536 for _ in range(10_000))
    connection = receiver.connect()
    with contextlib.suppress(
        ConnectionError
    ):  # it stops listening while we still talk; the answer is there all the same
        connection.request(
            "POST", receiver.path(), body=endless, headers=receiver.key.headers(b""), encode_chunked=True
        )
    assert connection.getresponse().status == 413
    connection.close()


def test_largest_body_that_sendgrid_sends_is_kept(receiver: RunningReceiver) -> None:
    body = body_of(events(0, 1900))
    assert len(body) > 768 * 1000

    assert receiver.post(body)[0] == 204
    assert body in lying_about(receiver)


def test_chunked_body_is_kept_whole(receiver: RunningReceiver) -> None:
    body = body_of(events(400, 20))
    parts = (body[start : start + 37] for start in range(0, len(body), 37))
    connection = receiver.connect()
    connection.request(
        "POST", receiver.path(), body=parts, headers=receiver.key.headers(body), encode_chunked=True
    )

    assert connection.getresponse().status == 204
    connection.close()
    assert body in lying_about(receiver)


def test_sender_that_asks_before_it_sends_is_told_to_go_on(receiver: RunningReceiver) -> None:
    body = body_of(events(500, 2))
    head = "".join(f"{name}: {value}\r\n" for name, value in receiver.key.headers(body).items())
    connection = receiver.connect()
    connection.connect()
    connection.sock.sendall(
        f"POST {receiver.path()} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n{head}\r\n".encode()
    )
    assert connection.sock.recv(1000).startswith(b"HTTP/1.1 100")
    connection.sock.sendall(body)
    assert connection.sock.recv(1000).startswith(b"HTTP/1.1 204")
    connection.close()
    assert body in lying_about(receiver)


def test_posts_on_many_connections_all_land_once_with_few_fsyncs(receiver: RunningReceiver) -> None:
    bodies = [body_of(events(10_000 + number, 1)) for number in range(600)]
    synced = receiver.metric("sendgrid_receiver_fsync_seconds_count")

    def send(part: list[bytes]) -> set[int]:
        connection = receiver.connect()
        statuses = set()
        for body in part:
            connection.request("POST", receiver.path(), body, receiver.key.headers(body))
            response = connection.getresponse()
            response.read()
            statuses.add(response.status)
        connection.close()
        return statuses

    with ThreadPoolExecutor(20) as pool:
        statuses = set().union(*pool.map(send, [bodies[start::20] for start in range(20)]))

    assert statuses == {204}
    landed = lying_about(receiver)
    assert [landed.count(body) for body in bodies] == [1] * len(bodies)
    assert receiver.metric("sendgrid_receiver_fsync_seconds_count") - synced < len(bodies)


def test_metrics_count_what_came_and_what_was_refused(receiver: RunningReceiver) -> None:
    def counted() -> tuple[float, ...]:
        return (
            receiver.metric("sendgrid_receiver_posts_total", source="marketing"),
            receiver.metric("sendgrid_receiver_events_total", source="marketing"),
            receiver.metric("sendgrid_receiver_bytes_total", source="marketing"),
            receiver.metric("sendgrid_receiver_refused_total", source="marketing", reason="wrong_signature"),
            receiver.metric("sendgrid_receiver_refused_total", source="", reason="unknown_url"),
        )

    before = counted()
    body = body_of(events(600, 7))
    receiver.post(body)
    receiver.post(body + b" ", receiver.key.headers(body))
    receiver.post(body, path="/webhook/nobody/nothing")

    after = counted()
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 7, len(body), 1, 1]
    wait_for(lambda: receiver.metric("sendgrid_landing_waiting_files", source="marketing") >= 1)
    assert receiver.metric("sendgrid_landing_waiting_bytes", source="marketing") > 0
    assert receiver.metric("sendgrid_landing_free_bytes") > 0
    wait_for(lambda: receiver.metric("sendgrid_landing_oldest_waiting_seconds", source="marketing") > 0)


def test_health_and_readiness(receiver: RunningReceiver) -> None:
    assert receiver.get("/healthz")[0] == 200
    assert receiver.get("/readyz")[0] == 200
    assert receiver.request("POST", "/readyz")[0] == 405
    assert receiver.get("/")[0] == 404
    assert receiver.get("/favicon.ico")[0] == 404


def test_rotated_token_and_key_work_while_it_runs(receiver: RunningReceiver) -> None:
    old_path, new_key = receiver.path(), SigningKey()
    body = body_of(events(700, 1))
    access.rotate_token(receiver.settings.data_dir, "marketing")
    access.store_public_key(receiver.settings.data_dir, "marketing", new_key.public)

    assert receiver.path() != old_path
    wait_for(lambda: receiver.post(body, new_key.headers(body))[0] == 204)
    assert receiver.post(body, path=old_path)[0] == 204
    assert access.retire_tokens(receiver.settings.data_dir, "marketing") == 1
    wait_for(lambda: receiver.post(body, path=old_path)[0] == 404)
    assert receiver.post(body)[0] == 204


def test_log_shows_no_token_password_or_key(make: list[RunningReceiver], tmp_path: Path) -> None:
    make.append(
        RunningReceiver(
            tmp_path,
            webhook={
                "basic_auth": {"username": "sendgrid", "password": {"env": "WEBHOOK_PASSWORD"}},
                "oauth": {"client_id": "client", "client_secret": {"env": "WEBHOOK_SECRET"}},
            },
            environment={
                "WEBHOOK_PASSWORD": "hush-password",
                "WEBHOOK_SECRET": "hush-secret",
                "PYTHONDEVMODE": "1",
            },
        ).start()
    )
    running = make[0]
    token = running.path().rpartition("/")[2]
    login = base64.b64encode(b"sendgrid:hush-password").decode()
    form = b"grant_type=client_credentials&client_id=client&client_secret="
    for status, answer in (
        running.post(b"[]"),
        running.post(b"[]", {"Authorization": f"Basic {login}"}),
        running.post(b"[]", path=f"{running.path()}x"),
        running.request("POST", "/oauth/token", form + b"wrong"),
        running.request("POST", "/oauth/token", b"nonsense"),
    ):
        assert status in (400, 401, 404)
        assert b"hush" not in answer
    status, answer = running.request("POST", "/oauth/token", form + b"hush-secret")
    assert status == 200
    running.stop()

    log = running.log.read_text()
    assert "wrong_basic_auth" in log
    for secret in (token, "hush", login, running.key.public, json.loads(answer)["access_token"]):
        assert secret not in log


def test_signature_basic_auth_and_oauth_each_guard_the_way_in(
    make: list[RunningReceiver], tmp_path: Path
) -> None:
    make.append(
        RunningReceiver(
            tmp_path,
            webhook={"oauth": {"client_id": "client", "client_secret": {"env": "WEBHOOK_SECRET"}}},
            environment={"WEBHOOK_SECRET": "secret"},
        ).start()
    )
    running = make[0]
    body = body_of(events(1, 1))
    signed = running.key.headers(body)
    status, answer = running.request(
        "POST",
        "/oauth/token",
        "grant_type=client_credentials&client_id=client&client_secret=secret",
        {"Content-Type": "application/x-www-form-urlencoded"},
    )
    token = json.loads(answer)

    assert (status, token["token_type"], token["expires_in"]) == (200, "Bearer", 3600)
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    assert running.post(body, {**signed, **bearer})[0] == 204
    assert running.post(body, signed)[0] == 401
    assert running.post(body, bearer)[0] == 401
    assert running.post(body, {**signed, "Authorization": "Bearer x"})[0] == 401
    refused = running.request(
        "POST", "/oauth/token", "grant_type=password&client_id=client&client_secret=secret"
    )
    assert (refused[0], json.loads(refused[1])) == (400, {"error": "unsupported_grant_type"})


def test_no_public_key_yet_refuses_and_names_the_remedy(make: list[RunningReceiver], tmp_path: Path) -> None:
    """SendGrid posts again for 24 hours; a post that nobody can verify must not be believed meanwhile."""
    running = RunningReceiver(tmp_path)
    make.append(running)
    access.access_path(running.settings.data_dir, "marketing").unlink()
    running.start()
    body = body_of(events(1, 1))

    assert running.post(body)[0] == 401
    assert running.metric("sendgrid_receiver_refused_total", source="marketing", reason="no_public_key") == 1
    assert "Run `webhook connect`" in running.log.read_text()
    access.store_public_key(running.settings.data_dir, "marketing", running.key.public)
    wait_for(lambda: running.post(body)[0] == 204)


def test_without_room_posts_are_put_off_and_nothing_is_kept(
    make: list[RunningReceiver], tmp_path: Path
) -> None:
    running = RunningReceiver(tmp_path, landing={"min_free_megabytes": 10**9}).start()
    make.append(running)
    body = body_of(events(1, 1))
    connection = running.connect()
    connection.request("POST", running.path(), body, running.key.headers(body))
    response = connection.getresponse()

    assert (response.status, response.headers["Retry-After"]) == (503, "30")
    connection.close()
    assert running.get("/readyz")[0] == 503
    assert running.get("/healthz")[0] == 200
    assert lying_about(running) == []
    assert "make room before that" in running.log.read_text()


def test_told_to_end_it_answers_what_it_took_seals_and_exits_with_0(
    make: list[RunningReceiver], tmp_path: Path
) -> None:
    running = RunningReceiver(tmp_path, landing={"seal_seconds": 300}).start()
    make.append(running)
    acknowledged: list[bytes] = []
    stop = threading.Event()

    def send(first: int) -> None:
        number = first
        while not stop.is_set():
            number += 1
            body = body_of(events(number, 1))
            try:
                if running.post(body)[0] == 204:
                    acknowledged.append(body)
            except OSError:
                return

    senders = [threading.Thread(target=send, args=(number * 100_000,)) for number in range(8)]
    for sender in senders:
        sender.start()
    wait_for(lambda: len(acknowledged) > 50)
    code = running.stop()
    stop.set()
    for sender in senders:
        sender.join()

    assert code == 0
    landed = [post.body for post in running.landed()]
    assert sorted(set(acknowledged) - set(landed)) == []
    assert len(landed) == len(set(landed))
    assert all(path.parent.name == "sealed" for path in running.files())


def test_slow_upload_in_flight_is_waited_for(make: list[RunningReceiver], tmp_path: Path) -> None:
    running = RunningReceiver(tmp_path).start()
    make.append(running)
    body = body_of(events(1, 1))
    connection = running.connect()
    connection.putrequest("POST", running.path())
    for name, value in running.key.headers(body).items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders()
    connection.send(body[:10])
    assert running.process
    time.sleep(0.3)
    running.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    connection.send(body[10:])

    assert connection.getresponse().status == 204
    connection.close()
    assert running.process.wait(30) == 0
    assert [post.body for post in running.landed()] == [body]


def test_several_workers_share_port_landing_and_counters(make: list[RunningReceiver], tmp_path: Path) -> None:
    running = RunningReceiver(tmp_path, receiver={"workers": 2}).start()
    make.append(running)
    bodies = [body_of(events(number, 1)) for number in range(60)]
    with ThreadPoolExecutor(4) as pool:
        assert {status for status, _ in pool.map(running.post, bodies)} == {204}

    assert len(running.workers()) == 2
    assert running.metric("sendgrid_receiver_posts_total", source="marketing") == len(bodies)
    os.kill(running.workers()[0], signal.SIGKILL)
    wait_for(
        lambda: len(running.landed()) == len(bodies)
    )  # what the dead one left open is sealed by the living
    wait_for(lambda: len(running.workers()) == 2)
    assert running.stop() == 0
    assert sorted(post.body for post in running.landed()) == sorted(bodies)


def test_worker_does_not_outlive_its_main_process(make: list[RunningReceiver], tmp_path: Path) -> None:
    running = RunningReceiver(tmp_path).start()
    make.append(running)
    (worker,) = running.workers()
    assert running.process
    running.process.kill()
    running.process.wait()

    wait_for(lambda: not Path(f"/proc/{worker}").exists())


def test_two_sources_land_apart(make: list[RunningReceiver], tmp_path: Path) -> None:
    running = RunningReceiver(tmp_path, sources=("marketing", "billing")).start()
    make.append(running)
    for number, source in enumerate(("marketing", "billing")):
        body = body_of(events(number, 1))
        assert running.post(body, path=running.path(source))[0] == 204
    running.stop()

    assert [post.body for post in running.landed("billing")] == [body_of(events(1, 1))]
    assert [post.body for post in running.landed("marketing")] == [body_of(events(0, 1))]
