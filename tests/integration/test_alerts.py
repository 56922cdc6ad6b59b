from __future__ import annotations

import pytest

from sendgrid_orchestration import alerts as alerting
from sendgrid_orchestration.alerts import Alert, AlertNotSentError, send
from sendgrid_orchestration.settings import Alerts
from tests.support.listeners import mail_listener, webhook_listener

ALERT = Alert("marketing_events failed", "Postgres at db:5432/warehouse cannot be reached.", "/runs/1")


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerting.time, "sleep", lambda _: None)


def test_webhook_and_mail_are_both_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook_listener() as webhook, mail_listener() as mailbox:
        monkeypatch.setenv("HOOK", webhook.url)
        monkeypatch.setenv("SMTP", mailbox.url)
        settings = Alerts.model_validate(
            {"webhook_url": {"env": "HOOK"}, "smtp_url": {"env": "SMTP"}, "email_to": ["ops@example.com"]}
        )
        send(settings, ALERT)
    (message,) = webhook.messages
    assert message["text"].startswith("*marketing_events failed*\nPostgres at db:5432")
    assert "http://127.0.0.1:3000/runs/1" in message["text"]
    (mail,) = mailbox.messages
    assert "Subject: marketing_events failed" in mail
    assert "To: ops@example.com" in mail
    assert "http://127.0.0.1:3000/runs/1" in mail


def test_a_webhook_that_stumbles_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook_listener(refusals=2) as webhook:
        monkeypatch.setenv("HOOK", webhook.url)
        send(Alerts.model_validate({"webhook_url": {"env": "HOOK"}}), ALERT)
    assert len(webhook.messages) == 1


def test_one_deaf_channel_keeps_no_other_from_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook_listener(refusals=99) as webhook, mail_listener() as mailbox:
        monkeypatch.setenv("HOOK", webhook.url)
        monkeypatch.setenv("SMTP", mailbox.url)
        settings = Alerts.model_validate(
            {"webhook_url": {"env": "HOOK"}, "smtp_url": {"env": "SMTP"}, "email_to": ["ops@example.com"]}
        )
        with pytest.raises(AlertNotSentError, match=r"did not reach the webhook: it answered 500") as caught:
            send(settings, ALERT)
    assert len(mailbox.messages) == 1
    assert "secret" not in str(caught.value)
