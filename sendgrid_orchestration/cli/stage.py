"""The stage that demo and smoke play on: simulated accounts, a settings file of their own, Postgres, the receiver.

Everything lies in one folder, and nothing of it touches the data of a real installation.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from sendgrid_orchestration.cli.processes import Children, answers, free_port
from sendgrid_orchestration.receiver.access import store_public_key, webhook_url
from sendgrid_orchestration.sendgrid import webhooks
from sendgrid_orchestration.sendgrid.client import SendGridClient
from sendgrid_orchestration.settings import Settings, Source, load_settings
from sendgrid_orchestration.simulator import DEMO_KEY, Account, SendSummary, Simulator, Trouble, WebhookSender
from sendgrid_orchestration.warehouse import embedded


@dataclass(frozen=True)
class Cast:
    """One simulated account, and the source that reads it."""

    name: str
    schema: str
    seed: int
    contacts: int
    days: int
    messages: int


@dataclass(frozen=True)
class Stage:
    """What stands ready."""

    folder: Path
    settings: Settings
    simulators: Mapping[str, Simulator]
    children: Children

    def send_history(self, source: Source, trouble: Trouble | None = None) -> SendSummary:
        """Post everything that happened to this account's mail, with as much trouble as SendGrid makes by default."""
        account = self.simulators[source.name].account
        return self.sender(source).send(
            account.history, batch=100, trouble=trouble or Trouble(), seed=account.seed
        )

    def send_live(self, source: Source, messages_per_second: float, stop: threading.Event) -> SendSummary:
        """Post what happens from now on, until told to stop."""
        account = self.simulators[source.name].account
        live = account.history.live(account.clock, messages_per_second=messages_per_second, stop=stop)
        return self.sender(source).send(live, batch=1, stop=stop)

    def sender(self, source: Source) -> WebhookSender:
        """What posts this account's events, signed."""
        webhook = self.simulators[source.name].account.webhooks.all()[0]
        return WebhookSender(webhook.url, webhook.private_key, deadline=600)


@contextmanager
def set_up(folder: Path, casts: Sequence[Cast], **settings: Any) -> Iterator[Stage]:
    """Raise everything but Dagster; clear it all away again at the end, whatever happened.

    Args:
        folder: emptied first.
        casts: which accounts are simulated.
        settings: parts of the settings file that differ from the defaults.
    """
    _clear(folder)
    with ExitStack() as stack:
        simulators = {one.name: stack.enter_context(_simulated(one)) for one in casts}
        written = _write_settings(folder, casts, simulators, settings)
        stack.enter_context(_environment(SENDGRID_CONFIG=str(written)))
        loaded = load_settings()
        stack.callback(embedded.stop, loaded.data_dir)
        embedded.ensure_running(loaded.data_dir)
        children = stack.enter_context(Children(folder / "logs"))
        stage = Stage(folder, loaded, simulators, children)
        _open_receiver(stage)
        yield stage


def _simulated(cast: Cast) -> Simulator:
    account = Account(
        seed=cast.seed, contacts=cast.contacts, history_days=cast.days, history_messages=cast.messages
    )
    return Simulator(account)


def _write_settings(
    folder: Path, casts: Sequence[Cast], simulators: Mapping[str, Simulator], settings: Mapping[str, Any]
) -> Path:
    """The settings file that a person would have written, and the keys that it refers to."""
    key = folder / "simulated.key"
    key.write_text(DEMO_KEY, encoding="utf-8")
    key.chmod(0o600)
    first_day = datetime.now(UTC).date() - timedelta(days=max(one.days for one in casts) + 2)
    sources = [
        {
            "name": one.name,
            "schema": one.schema,
            "api_key": {"file": str(key)},
            "base_url": simulators[one.name].url,
        }
        for one in casts
    ]
    content = {"data_dir": str(folder), "sources": sources, **settings}
    content["schedules"] = {"first_day": first_day, **content.get("schedules", {})}
    content["receiver"] = {"port": free_port(8080), **content.get("receiver", {})}
    path = folder / "sendgrid.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def _open_receiver(stage: Stage) -> None:
    """Start the receiver and point each account's webhook at it, signed."""
    for source in stage.settings.sources:
        url = webhook_url(stage.settings, source.name)
        ours = webhooks.connect(SendGridClient.for_source(source), url).webhook
        store_public_key(stage.settings.data_dir, source.name, ours.public_key, ours.id)
    receiver = stage.settings.receiver
    stage.children.start("receiver", [sys.executable, "-m", "sendgrid_orchestration.receiver"])
    ready = f"http://{receiver.host}:{receiver.port}/readyz"
    stage.children.wait_until("The receiver's start", lambda: answers(ready), 30)


def _clear(folder: Path) -> None:
    """Away with what an earlier stage left, its Postgres first."""
    if folder.exists():
        embedded.stop(folder)
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """These variables for us and our children, and none of those that would lead to a real installation."""
    before = dict(os.environ)
    for name in ("WAREHOUSE_URL", "DAGSTER_URL", "LANDING_URL", "SENDGRID_DATA_DIR", "DAGSTER_HOME"):
        os.environ.pop(name, None)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
