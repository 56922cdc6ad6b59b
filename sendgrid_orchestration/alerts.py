"""Sends alerts to the channels that the settings name: Slack, Teams, mail and everything else that Apprise knows.

Apprise speaks to the services and verifies their certificates. This module adds what an operator relies on: no password
is sent without TLS, a channel that fails keeps no other from being used, and no error shows a channel's URL.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from sendgrid_orchestration.settings import Alerts, SecretRef, SettingsError

logger = logging.getLogger(__name__)

ATTEMPTS = 3
TIMEOUT_S = 10


class AlertNotSentError(Exception):
    """At least one channel did not accept the alert; the message names the channel and the reason."""


@dataclass(frozen=True)
class Alert:
    """A title, a text, and the path of the page in Dagster that shows more."""

    title: str
    text: str
    page: str = ""

    def link(self, alerts: Alerts) -> str:
        """The URL of that page."""
        return str(alerts.dagster_ui).rstrip("/") + self.page


def is_configured(alerts: Alerts) -> bool:
    """Whether the settings name a channel."""
    return bool(alerts.urls)


def send(alerts: Alerts, alert: Alert) -> None:
    """Send an alert to every channel, each with several attempts.

    Raises:
        AlertNotSentError: a channel did not accept the alert, after all channels were tried.
    """
    problems = [
        f"The alert did not reach {channel.place}: {problem}."
        for channel in alerts.urls
        if (problem := _send_to(channel, alerts, alert))
    ]
    if problems:
        raise AlertNotSentError(" ".join(problems) + " Check `alerts.urls` in the settings file.")


def ping(alerts: Alerts) -> None:
    """Call `alerts.heartbeat_url`, the dead man's switch of an outside service, if the settings name one.

    Raises:
        AlertNotSentError: the service did not answer with a success.
    """
    if alerts.heartbeat_url is None:
        return
    url = alerts.heartbeat_url.read("heartbeat URL for alerts").get_secret_value()
    try:
        requests.get(url, timeout=TIMEOUT_S).raise_for_status()
    except requests.RequestException as error:
        reason = f"it answered {error.response.status_code}" if error.response else type(error).__name__
        raise AlertNotSentError(
            f"The heartbeat URL in {alerts.heartbeat_url.place} failed: {reason}."
        ) from None


def check_channel(channel: SecretRef, *, allow_plaintext_login: bool) -> Any:
    """Build Apprise's object for a channel.

    Args:
        channel: where its URL is kept.
        allow_plaintext_login: whether a user and password may go over a connection without TLS.

    Raises:
        SettingsError: the URL is missing, unknown to Apprise, does not verify certificates, or would send a password
            without TLS.
    """
    import apprise  # noqa: PLC0415 # 20 MB that only a process which sends alerts needs

    url = channel.read("URL of an alert channel").get_secret_value()
    with _quiet():
        service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if service is None:
        raise SettingsError(
            f"alerts.urls: {channel.place} holds no URL that Apprise understands. "
            "Examples: slack://…, msteams://…, mailtos://user:password@host?to=you@example.com, jsons://host/path."
        )
    if not service.verify_certificate:
        raise SettingsError(
            f"alerts.urls: the URL in {channel.place} switches certificate verification off. Remove `verify=no`."
        )
    if service.password and not service.secure and not allow_plaintext_login:
        raise SettingsError(
            f"alerts.urls: the URL in {channel.place} would send its password without TLS. "
            f"Use the encrypted scheme ({_encrypted(url)}), or set `alerts.allow_plaintext_login: true`."
        )
    return service


def _send_to(channel: SecretRef, alerts: Alerts, alert: Alert) -> str | None:
    """The reason why a channel did not accept the alert; None if it did."""
    try:
        service = check_channel(channel, allow_plaintext_login=alerts.allow_plaintext_login)
    except SettingsError as error:
        return str(error).rstrip(".")
    service.socket_connect_timeout = service.socket_read_timeout = TIMEOUT_S
    body = f"{alert.text}\n\n{alert.link(alerts)}"
    problem = None
    for attempt in range(ATTEMPTS):
        with _quiet() as said:
            if service.notify(title=alert.title, body=body, body_format="text"):
                return None
        problem = _reason(said)
        logger.warning("Alert attempt %d of %d failed: %s", attempt + 1, ATTEMPTS, problem)
        time.sleep(attempt)
    return problem


def _reason(said: list[str]) -> str:
    """What went wrong, without Apprise's own words: they may quote a URL, which is a secret for many services."""
    for line in said:
        if found := re.search(r"error[=:]\s*(\d{3})\b", line):
            return f"it answered {found[1]}"
        if "certificate" in line.lower():
            return "its certificate could not be verified"
        if "starttls" in line.lower():
            return "it does not offer TLS (STARTTLS)"
    return "it could not be reached or refused the message"


def _encrypted(url: str) -> str:
    scheme = url.split("://", 1)[0]
    return f"{scheme}s://" if not scheme.endswith("s") else f"{scheme}://"


@contextmanager
def _quiet() -> Iterator[list[str]]:
    """Keep Apprise's log lines out of the log and collect them."""
    lines: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    log = logging.getLogger("apprise")
    handler, propagate, level = Collector(), log.propagate, log.level
    log.addHandler(handler)
    log.propagate = False
    log.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        log.removeHandler(handler)
        log.propagate = propagate
        log.setLevel(level)
