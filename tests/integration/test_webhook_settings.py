"""The account's Event Webhooks: ours is created, changed, signed and tested; no other is touched."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from pydantic import SecretStr
from typer.testing import CliRunner

from sendgrid_orchestration.cli import app
from sendgrid_orchestration.sendgrid import webhooks
from sendgrid_orchestration.sendgrid.errors import MissingScopeError
from sendgrid_orchestration.sendgrid.signature import PublicKey
from sendgrid_orchestration.settings import SecretRef, load_settings
from sendgrid_orchestration.simulator import Simulator
from tests.support.listeners import webhook_listener
from tests.support.mirror import client_of

OURS, THEIRS = "https://mail.example.com/webhook/prod/token", "https://other.example.com/hook"


@pytest.fixture
def sendgrid() -> Iterator[Simulator]:
    with Simulator(contacts=5, history_messages=1) as running:
        yield running


def test_no_webhook_is_an_empty_list(sendgrid: Simulator) -> None:
    """SendGrid answers `[{}]` where there is none."""
    assert webhooks.list_webhooks(client_of(sendgrid)) == webhooks.Webhooks((), 5)


def test_connecting_creates_signs_and_shows_the_key(sendgrid: Simulator) -> None:
    connected = webhooks.connect(client_of(sendgrid), OURS, friendly_name="warehouse")
    made = sendgrid.account.webhooks.all()[0]
    assert (connected.created, connected.webhook.url, connected.others) == (True, OURS, ())
    assert connected.webhook.public_key == made.public_key
    assert PublicKey.parse(connected.webhook.public_key)
    assert connected.webhook.events == set(webhooks.SWITCHES)


def test_connecting_again_changes_ours_and_keeps_its_key(sendgrid: Simulator) -> None:
    client = client_of(sendgrid)
    first = webhooks.connect(client, OURS)
    second = webhooks.connect(client, OURS, ["open", "click"])
    assert (second.created, second.webhook.id) == (False, first.webhook.id)
    assert second.webhook.events == {"open", "click"}
    assert second.webhook.public_key == first.webhook.public_key
    patched = [seen for seen in sendgrid.log.all(method="PATCH") if "signed" not in seen.path]
    assert all(seen.path.endswith(first.webhook.id) for seen in patched)


def test_another_webhook_is_never_overwritten_unasked(sendgrid: Simulator) -> None:
    """S12: the account's other address goes on receiving; it is told, not taken."""
    theirs = sendgrid.account.webhooks.create({"url": THEIRS, "open": True})
    before = dict(theirs.values)
    connected = webhooks.connect(client_of(sendgrid), OURS)
    assert [one.url for one in connected.others] == [THEIRS]
    assert theirs.values == before


def test_a_full_plan_names_who_is_there_and_takes_nothing(sendgrid: Simulator) -> None:
    theirs = sendgrid.account.webhooks.create({"url": THEIRS})
    sendgrid.account.webhooks.max_allowed = 1
    client = client_of(sendgrid)
    with pytest.raises(webhooks.NoRoomForWebhookError, match=rf"{theirs.id} posts to {THEIRS}"):
        webhooks.connect(client, OURS)
    assert theirs.url == THEIRS
    taken = webhooks.connect(client, OURS, take_over=theirs.id)
    assert (taken.created, taken.webhook.id, theirs.url) == (False, theirs.id, OURS)


def test_oauth_is_set_and_its_secret_is_shown_nowhere(sendgrid: Simulator) -> None:
    oauth = webhooks.OAuth("client", SecretStr("hush-hush"), "https://mail.example.com/oauth/token")
    connected = webhooks.connect(client_of(sendgrid), OURS, signed=False, oauth=oauth)
    assert sendgrid.account.webhooks.all()[0].oauth_client_secret == "hush-hush"
    assert "hush-hush" not in repr(oauth) + repr(connected)
    assert connected.webhook.public_key == ""


def test_a_test_post_is_asked_for_by_id(sendgrid: Simulator) -> None:
    with webhook_listener() as heard:
        client = client_of(sendgrid)
        connected = webhooks.connect(client, heard.url.replace("json:", "http:"))
        webhooks.send_test(client, connected.webhook)
        assert len(heard.messages) == 1


def test_a_key_that_may_not_is_told_so(sendgrid: Simulator) -> None:
    key = sendgrid.account.add_key("SG.small.key", ["marketing.read"])
    with pytest.raises(MissingScopeError, match="Event Notification"):
        webhooks.list_webhooks(client_of(sendgrid, api_key=key))


def test_amplitudes_form_is_printed_shown_as_ours_and_rotated(
    sendgrid: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S114: a person copies the URL out of a command; no other output holds its secret."""
    settings = {
        "data_dir": str(tmp_path),
        "sources": [{"name": "prod", "base_url": sendgrid.url}],
        "receiver": {"public_url": "https://mail.example.com"},
    }
    (tmp_path / "sendgrid.yaml").write_text(yaml.safe_dump(settings))
    monkeypatch.setenv("SENDGRID_CONFIG", str(tmp_path / "sendgrid.yaml"))
    monkeypatch.setenv("SENDGRID_API_KEY", sendgrid.api_key)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["webhook", *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    url = call("url", "--amplitude").strip()
    assert call("url", "--amplitude").strip() == url
    assert re.fullmatch(r"https://[0-9a-f]{32}:[\w-]{43}@mail\.example\.com/sendgrid", url)
    sendgrid.account.webhooks.create({"url": url, "open": True})
    sendgrid.account.webhooks.create({"url": "https://key:hush-hush@api.amplitude.com/sendgrid"})
    shown = call("show")
    ours, theirs = (line for line in shown.splitlines() if "/sendgrid" in line)
    assert [cell.strip() for cell in ours.strip("│").split("│")][-1] == "yes"
    assert "https://api.amplitude.com/sendgrid" in theirs
    assert url not in shown
    assert "hush-hush" not in shown
    new = call("rotate", "--amplitude").splitlines()[0]
    assert (new != url, new) == (True, call("url", "--amplitude").strip())
    assert "1 old key(s) and secret(s)" in call("rotate", "--amplitude", "--finish")


def test_connect_shows_how_the_posts_can_go_on_to_who_had_the_slot(
    sendgrid: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it prints works as it stands: settings that load, and the address that SendGrid will no longer know."""
    settings: dict[str, Any] = {
        "data_dir": str(tmp_path),
        "sources": [{"name": "prod", "base_url": sendgrid.url}],
    }
    file = tmp_path / "sendgrid.yaml"
    file.write_text(yaml.safe_dump(settings))
    monkeypatch.setenv("SENDGRID_CONFIG", str(file))
    monkeypatch.setenv("SENDGRID_API_KEY", sendgrid.api_key)
    address = "https://me:it's-secret@old.example.com/hook?x=1"
    theirs = sendgrid.account.webhooks.create({"url": address, "open": True})
    sendgrid.account.webhooks.sign(theirs.id, True)
    key = theirs.public_key
    sendgrid.account.webhooks.max_allowed = 1

    def connect(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["webhook", "connect", "--no-test", *arguments], input="n\n")

    full = connect()
    assert (full.exit_code, "--take-over ID" in full.stderr) == (1, True)
    assert "secret" not in full.output
    offered = connect("--take-over", theirs.id)
    assert (offered.exit_code, theirs.url) == (1, address)
    assert "It has only open until now" in offered.output
    lines = offered.output.splitlines()
    start = lines.index("    forward:")
    printed = yaml.safe_load("\n".join(lines[start : start + 2]))
    (assignment,) = (line.strip() for line in lines if line.strip().startswith("PROD_PREVIOUS_WEBHOOK="))
    assert shlex.split(assignment) == [f"PROD_PREVIOUS_WEBHOOK={address}"]
    settings["sources"][0] |= printed
    file.write_text(yaml.safe_dump(settings))
    (forward,) = load_settings().sources[0].forward
    assert (forward.enabled, forward.url) == (True, SecretRef(env="PROD_PREVIOUS_WEBHOOK"))
    assert "PROD_PREVIOUS_WEBHOOK" in connect("--take-over", theirs.id).output, "the variable is not set"
    monkeypatch.setenv("PROD_PREVIOUS_WEBHOOK", address)
    taken = connect("--take-over", theirs.id, "--yes")
    assert taken.exit_code == 0, taken.output
    assert "PROD_PREVIOUS_WEBHOOK" not in taken.output, "it is set already"
    assert theirs.url != address
    assert theirs.public_key == key, "so the old consumer goes on verifying with it"
    sendgrid.account.webhooks.max_allowed = 5
    sendgrid.account.webhooks.create({"url": address})
    left = connect()
    assert "left as it is" in left.output
    assert "secret" not in left.output


def test_ours_can_be_removed(sendgrid: Simulator) -> None:
    client = client_of(sendgrid)
    webhooks.delete(client, webhooks.connect(client, OURS).webhook.id)
    assert webhooks.list_webhooks(client).webhooks == ()
