from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sendgrid_orchestration import alerts as alerting
from sendgrid_orchestration.alerts import Alert, AlertNotSentError, ping, send
from sendgrid_orchestration.settings import Alerts
from tests.support.listeners import mail_listener, webhook_listener

ALERT = Alert("marketing_events failed", "Postgres at db:5432/warehouse cannot be reached.", "/runs/1")
PASSWORD = "correct-horse-battery"


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerting.time, "sleep", lambda _: None)


def channels(monkeypatch: pytest.MonkeyPatch, *urls: str, **settings: object) -> Alerts:
    for number, url in enumerate(urls):
        monkeypatch.setenv(f"CHANNEL_{number}", url)
    names = [{"env": f"CHANNEL_{number}"} for number in range(len(urls))]
    return Alerts.model_validate({"urls": names, **settings})


def with_login(url: str, scheme: str = "mailto") -> str:
    return url.replace("mailto://", f"{scheme}://ops:{PASSWORD}@", 1)


def test_every_channel_gets_title_text_and_link(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook_listener() as webhook, mail_listener() as mailbox:
        send(channels(monkeypatch, webhook.url, mailbox.url), ALERT)
    (message,) = webhook.messages
    assert message["title"] == "marketing_events failed"
    assert message["message"].startswith("Postgres at db:5432")
    assert "http://127.0.0.1:3000/runs/1" in message["message"]
    (mail,) = mailbox.messages
    assert "Subject: marketing_events failed" in mail
    assert "ops@example.com" in mail
    assert "http://127.0.0.1:3000/runs/1" in mail.replace("=\r\n", "")


def test_a_webhook_that_stumbles_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook_listener(refusals=2) as webhook:
        send(channels(monkeypatch, webhook.url), ALERT)
    assert len(webhook.messages) == 1


def test_one_deaf_channel_keeps_no_other_from_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        webhook_listener(refusals=99) as webhook,
        mail_listener() as mailbox,
        pytest.raises(AlertNotSentError, match=r"did not reach .*CHANNEL_0: it answered 500") as caught,
    ):
        send(channels(monkeypatch, webhook.url, mailbox.url), ALERT)
    assert len(mailbox.messages) == 1
    assert "secret" not in str(caught.value)


def test_no_password_is_sent_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        mail_listener() as mailbox,
        pytest.raises(AlertNotSentError, match="would send its password without TLS") as caught,
    ):
        send(channels(monkeypatch, with_login(mailbox.url)), ALERT)
    assert mailbox.lines == [], "nothing is even connected to"
    assert PASSWORD not in str(caught.value)


def test_a_server_without_starttls_never_sees_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_listener() as mailbox, pytest.raises(AlertNotSentError, match="STARTTLS"):
        send(channels(monkeypatch, with_login(mailbox.url, "mailtos")), ALERT)
    assert not [line for line in mailbox.lines if line.startswith(("AUTH", "MAIL"))]
    assert mailbox.messages == []


def test_a_server_with_an_unknown_certificate_never_sees_the_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with mail_listener(self_signed(tmp_path)) as mailbox:
        url = with_login(mailbox.url, "mailtos") + "&mode=ssl"
        with pytest.raises(AlertNotSentError, match="certificate could not be verified") as caught:
            send(channels(monkeypatch, url), ALERT)
        with pytest.raises(AlertNotSentError, match="switches certificate verification off"):
            send(channels(monkeypatch, url + "&verify=no"), ALERT)
    assert mailbox.lines == []
    assert PASSWORD not in str(caught.value) + caplog.text


def test_a_login_without_tls_needs_the_settings_to_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_listener() as mailbox:
        send(channels(monkeypatch, with_login(mailbox.url), allow_plaintext_login=True), ALERT)
    assert [line for line in mailbox.lines if line.startswith("AUTH")]
    assert len(mailbox.messages) == 1


def test_a_url_that_nobody_understands_is_named_by_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AlertNotSentError, match="CHANNEL_0 holds no URL that Apprise understands") as caught:
        send(channels(monkeypatch, "pigeon://loft/secret"), ALERT)
    assert "secret" not in str(caught.value)


def test_settings_of_the_version_before_say_what_to_write_instead() -> None:
    with pytest.raises(ValueError, match=r"email_to, smtp_url: since version 0\.2 .*alerts\.urls"):
        Alerts.model_validate({"email_to": ["ops@example.com"], "smtp_url": {"env": "SMTP"}})


def test_the_heartbeat_url_stays_out_of_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEAT", "http://127.0.0.1:9/secret")
    with pytest.raises(
        AlertNotSentError, match="environment variable BEAT failed: ConnectionError"
    ) as caught:
        ping(Alerts.model_validate({"heartbeat_url": {"env": "BEAT"}}))
    assert "secret" not in str(caught.value)


def self_signed(folder: Path) -> ssl.SSLContext:
    """A certificate for this machine that no authority has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
