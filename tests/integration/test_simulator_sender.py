"""Posts reach a receiver over HTTP: signed, repeated until acknowledged, counted."""

import base64
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from sendgrid_orchestration.simulator import Account, Simulator, Trouble, WebhookSender, wire


class Receiver:
    """Takes posts and answers as it is told.

    Attributes:
        answer: from how many posts came before, the status.
    """

    def __init__(self) -> None:
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[int], int] = lambda _: 204
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                with outer._lock:
                    status = outer.answer(len(outer.posts))
                    outer.posts.append((dict(self.headers), raw))
                body = b'{"access_token": "let-me-in"}' if self.path == "/token" else b""
                self.send_response(200 if body else status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def items(self) -> list[Any]:
        return [item for _, raw in self.posts for item in json.loads(raw)]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    return list(Account(contacts=100, history_messages=600).history)


def verify(public_key_text: str, headers: dict[str, str], raw: bytes) -> None:
    public_key = load_der_public_key(base64.b64decode(public_key_text))
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    signature = base64.b64decode(headers[wire.SIGNATURE_HEADER])
    public_key.verify(signature, headers[wire.TIMESTAMP_HEADER].encode() + raw, ec.ECDSA(hashes.SHA256()))


def wait_for(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_posts_are_signed_with_the_key_that_the_settings_show(
    receiver: Receiver, events: list[dict[str, Any]]
) -> None:
    with Simulator(contacts=10, history_messages=10) as simulator:
        headers = {"Authorization": f"Bearer {simulator.api_key}"}
        base = f"{simulator.url}/v3/user/webhooks/event"
        made = requests.post(
            f"{base}/settings", json={"url": receiver.url}, headers=headers, timeout=20
        ).json()
        signed = f"{base}/settings/signed/{made['id']}"
        key = requests.patch(signed, json={"enabled": True}, headers=headers, timeout=20).json()["public_key"]
        webhook = simulator.account.webhooks.get(made["id"])
        sent = WebhookSender(webhook.url, webhook.private_key).send(events[:200], batch=40)
        test = {"id": made["id"], "url": receiver.url}
        assert requests.post(f"{base}/test", json=test, headers=headers, timeout=20).status_code == 204
    assert (sent.posted, sent.events_sent, sent.failed) == (5, 200, 0)
    assert len(receiver.posts) == 6
    for seen, raw in receiver.posts:
        verify(key, seen, raw)
        assert seen["User-Agent"] == "SendGrid Event API"
        assert seen["Content-Type"] == "application/json;charset=utf-8"
        assert "Content-Encoding" not in seen
    test_batch = json.loads(receiver.posts[-1][1])
    assert len({item["event"] for item in test_batch}) == 11
    assert {item["email"] for item in test_batch} == {"example@test.com"}


def test_what_is_not_acknowledged_is_posted_again(receiver: Receiver, events: list[dict[str, Any]]) -> None:
    receiver.answer = lambda before: (500, 404, 302)[before % 3] if before < 6 else 200
    sent = WebhookSender(receiver.url, first_wait=0.02).send(events[:100], batch=25)
    assert (sent.posted, sent.retries, sent.failed) == (4, 6, 0)
    assert sent.unique_events == 100
    assert {status: n for status, n in sent.statuses.items() if status != 200} == {500: 2, 404: 2, 302: 2}


def test_a_post_is_given_up_at_its_deadline(events: list[dict[str, Any]]) -> None:
    nobody = WebhookSender("http://127.0.0.1:9/webhook", first_wait=0.05, deadline=0.3)
    sent = nobody.send(events[:10], batch=5)
    assert (sent.posted, sent.failed, sent.events_sent) == (0, 2, 0)
    assert sent.retries > 0
    assert sent.seconds < 2


def test_the_summary_agrees_with_what_arrived(receiver: Receiver, events: list[dict[str, Any]]) -> None:
    trouble = Trouble(0.1, 0.02, 0.02, 0.02, 0.3, odd_items=10)
    sent = WebhookSender(receiver.url).send(events, batch=10, trouble=trouble)
    assert len(receiver.posts) == sent.posted
    assert len(receiver.items()) == sent.events_sent
    assert sent.events_sent == sent.unique_events + sent.renamed + sent.duplicates + sent.odd_items
    assert sent.unique_events == len(events)
    assert min(sent.renamed, sent.duplicates, sent.odd_items) > 0


def test_a_rate_is_kept(receiver: Receiver, events: list[dict[str, Any]]) -> None:
    sent = WebhookSender(receiver.url).send(events[:60], batch=1, rate=100)
    assert 0.5 < sent.seconds < 1.5


def test_a_token_is_fetched_where_the_receiver_wants_one(
    receiver: Receiver, events: list[dict[str, Any]]
) -> None:
    token_url = receiver.url.replace("/webhook", "/token")
    WebhookSender(receiver.url, oauth=("me", "secret", token_url)).send(events[:5])
    assert b"grant_type=client_credentials" in receiver.posts[0][1]
    assert receiver.posts[1][0]["Authorization"] == "Bearer let-me-in"


def test_it_runs_as_a_process_of_its_own(receiver: Receiver) -> None:
    command = [sys.executable, "-m", "sendgrid_orchestration.simulator", "--port", "0", "--contacts", "50"]
    command += ["--messages", "200", "--live", "50", "--post-to", receiver.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        headers = {"Authorization": f"Bearer {told['api_key']}"}
        url = f"{told['url']}/v3/marketing/contacts/count"
        for _ in range(100):
            try:
                answer = requests.get(url, headers=headers, timeout=5)
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        assert answer.json()["contact_count"] == 50
        history = json.loads(process.stdout.readline())
        assert history["part"] == "history"
        assert history["failed"] == 0
        wait_for(lambda: len(receiver.posts) > history["posted"])

        own = {"url": receiver.url + "?own", "spam_report": True, "bounce": True, "dropped": True}
        base = f"{told['url']}/v3/user/webhooks/event/settings"
        made = requests.post(base, json=own, headers=headers, timeout=5).json()
        signed = f"{base}/signed/{made['id']}"
        requests.patch(signed, json={"enabled": True}, headers=headers, timeout=5)
        wait_for(lambda: any(wire.SIGNATURE_HEADER in seen for seen, _ in receiver.posts))
        batches = [json.loads(raw) for seen, raw in receiver.posts if wire.SIGNATURE_HEADER in seen]
        assert {item["event"] for batch in batches for item in batch} <= {
            "spamreport", "bounce", "dropped",
        }  # fmt: skip
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)
