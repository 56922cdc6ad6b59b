"""`webhook …` and `doctor` against a simulated account, a real receiver and a real Postgres."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from sendgrid_orchestration.cli import app
from sendgrid_orchestration.cli.stage import Cast, Stage, set_up
from sendgrid_orchestration.landing.store import open_store
from sendgrid_orchestration.load.loader import load_waiting
from sendgrid_orchestration.sendgrid.webhooks import SWITCHES
from sendgrid_orchestration.simulator import WebhookSender
from sendgrid_orchestration.simulator.webhooks import Webhook
from sendgrid_orchestration.warehouse.engine import resolve_urls

pytestmark = pytest.mark.usefixtures("stage")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    cast = Cast("news", "sendgrid_news", seed=5, contacts=80, days=3, messages=60)
    with set_up(tmp_path_factory.mktemp("webhook"), [cast], landing={"seal_seconds": 0.3}) as stage:
        yield stage


@pytest.fixture
def loading(stage: Stage) -> Iterator[None]:
    """What Dagster's sensor does."""
    over = threading.Event()
    url, store = (
        resolve_urls(stage.settings).warehouse.get_secret_value(),
        open_store(stage.settings.landing_url),
    )

    def load() -> None:
        while not over.wait(0.3):
            load_waiting(url, store, stage.settings.sources[0])

    thread = threading.Thread(target=load)
    thread.start()
    yield
    over.set()
    thread.join()


def _run(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, ["webhook", *arguments], input=answer)


def _ours(stage: Stage) -> Webhook:
    return stage.simulators["news"].account.webhooks.all()[0]


def _accepted(url: str, webhook: Webhook) -> int:
    sender = WebhookSender(url, webhook.private_key)
    connection = sender.connect()
    try:
        return sender.post_once(connection, b"[]", None)
    finally:
        connection.close()


@pytest.mark.usefixtures("loading")
def test_connect_is_done_when_the_test_event_has_arrived(stage: Stage) -> None:
    """Promises S9, S10, S11: created, signed, and seen to work; again, and nothing is made twice."""
    for _ in range(2):
        result = _run("connect")
        assert result.exit_code == 0, result.output + result.stderr
        assert "It works." in result.output
    webhooks = stage.simulators["news"].account.webhooks.all()
    assert len(webhooks) == 1
    assert webhooks[0].private_key is not None
    assert all(webhooks[0].wants(event) for event in ("processed", "open", "bounce"))


def test_another_webhook_is_never_taken_over_unasked(stage: Stage) -> None:
    """Promise S12."""
    account = stage.simulators["news"].account
    other = account.webhooks.create(
        {"url": "https://elsewhere.example/hook", **dict.fromkeys(SWITCHES, True)}
    )
    result = _run("connect", "--no-test")
    assert result.exit_code == 0
    assert f"left as it is: {other.id} posts to https://elsewhere.example/hook" in result.output
    asked = _run("connect", "--no-test", "--take-over", other.id, answer="n\n")
    assert asked.exit_code == 1
    assert "posts to https://elsewhere.example/hook, and would no longer do so" in asked.output
    assert "Nothing was changed." in asked.stderr
    assert other.url == "https://elsewhere.example/hook"
    account.webhooks.delete(other.id)


def test_a_test_event_that_does_not_arrive_says_where_to_look() -> None:
    result = _run("test", "--wait", "2")
    assert result.exit_code == 1
    assert "No event arrived within 2 s. Check that the receiver runs" in result.stderr


def test_the_address_is_changed_without_a_lost_event(stage: Stage) -> None:
    old = _ours(stage).url
    assert _run("rotate").exit_code == 0
    new = _ours(stage).url
    assert new != old
    assert _accepted(new, _ours(stage)) == _accepted(old, _ours(stage)) == 204
    assert _run("rotate", "--finish").exit_code == 0
    for _ in range(60):
        if _accepted(old, _ours(stage)) != 204:
            break
        threading.Event().wait(0.1)
    assert _accepted(old, _ours(stage)) in {401, 403, 404}
    assert _accepted(new, _ours(stage)) == 204


def test_doctor_says_that_dagster_does_not_run_and_all_else_is_well() -> None:
    result = CliRunner().invoke(app, ["doctor"], env={"COLUMNS": "250"})
    assert result.exit_code == 1
    failures = [line for line in result.output.splitlines() if line.startswith("│ fail")]
    assert failures
    assert all("daemon" in line for line in failures), result.output
