"""Tells people that something failed: to a webhook that understands Slack's JSON, by mail, or both.

Knows what to say it to and nothing of what happened. A channel that does not answer keeps no other from being used.
"""

from __future__ import annotations

import logging
import smtplib
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import requests

from sendgrid_orchestration.settings import Alerts

logger = logging.getLogger(__name__)

ATTEMPTS = 3
TIMEOUT_SECONDS = 10


class AlertNotSentError(Exception):
    """At least one channel did not take the alert; the message says which and why."""


@dataclass(frozen=True)
class Alert:
    """What to tell: a line, the rest, and the page of Dagster's to look at."""

    title: str
    text: str
    page: str = ""

    def link(self, alerts: Alerts) -> str:
        """Where that page is."""
        return str(alerts.dagster_ui).rstrip("/") + self.page


def is_configured(alerts: Alerts) -> bool:
    """Whether there is anybody to tell."""
    return alerts.webhook_url is not None or bool(alerts.email_to)


def send(alerts: Alerts, alert: Alert) -> None:
    """Tell everybody that the settings name, trying each channel several times.

    Raises:
        AlertNotSentError: after all channels were tried, if one of them did not take it.
    """
    problems = []
    for name, channel in (("webhook", _to_webhook), ("mail", _to_mail)):
        if problem := _persistently(channel, alerts, alert):
            problems.append(f"The alert did not reach the {name}: {problem}.")
    if problems:
        raise AlertNotSentError(" ".join(problems) + " Check `alerts` in the settings file.")


def _persistently(channel: Callable[[Alerts, Alert], None], alerts: Alerts, alert: Alert) -> str | None:
    problem: str | None = None
    for attempt in range(ATTEMPTS):
        try:
            channel(alerts, alert)
            return None
        except (OSError, smtplib.SMTPException) as error:  # requests' exceptions are OSErrors
            # The address is a secret for many webhooks: say what kind of error it was and not where.
            status = getattr(getattr(error, "response", None), "status_code", None)
            problem = f"it answered {status}" if status else type(error).__name__
            logger.warning("Alert attempt %d of %d failed: %s", attempt + 1, ATTEMPTS, problem)
            time.sleep(attempt)
    return problem


def _to_webhook(alerts: Alerts, alert: Alert) -> None:
    if alerts.webhook_url is None:
        return
    url = alerts.webhook_url.read("webhook for alerts").get_secret_value()
    body = {"text": f"*{alert.title}*\n{alert.text}\n<{alert.link(alerts)}|Look at it in Dagster>"}
    requests.post(url, json=body, timeout=TIMEOUT_SECONDS).raise_for_status()


def _to_mail(alerts: Alerts, alert: Alert) -> None:
    if not alerts.email_to:
        return
    assert alerts.smtp_url is not None, "the settings refuse email_to without it"
    message = EmailMessage()
    message["Subject"] = alert.title
    message["From"] = alerts.email_from
    message["To"] = ", ".join(alerts.email_to)
    message.set_content(f"{alert.text}\n\n{alert.link(alerts)}\n")
    server = urlsplit(alerts.smtp_url.read("SMTP server for alerts").get_secret_value())
    encrypted = server.scheme == "smtps"
    connect = smtplib.SMTP_SSL if encrypted else smtplib.SMTP
    default_port = 465 if encrypted else 25
    with connect(
        server.hostname or "localhost", server.port or default_port, timeout=TIMEOUT_SECONDS
    ) as smtp:
        if not encrypted and smtp.has_extn("starttls"):
            smtp.starttls()
        if server.username:
            smtp.login(unquote(server.username), unquote(server.password or ""))
        smtp.send_message(message)
