"""The commands around destinations, as a person meets them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from sendgrid_orchestration.cli import app
from sendgrid_orchestration.simulator.amplitude import AmplitudeApi
from sendgrid_orchestration.simulator.segment import SegmentApi
from tests.support.deliveries import API_KEY, WRITE_KEY, Events, amplitude, segment, set_keys
from tests.support.landed import event


@pytest.fixture
def api() -> Iterator[SegmentApi]:
    with SegmentApi(WRITE_KEY) as api:
        yield api


@pytest.fixture
def events(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Events:
    set_keys(monkeypatch)
    monkeypatch.setenv("WAREHOUSE_URL", warehouse_url)
    monkeypatch.setenv("SENDGRID_CONFIG", str(tmp_path / "sendgrid.yaml"))
    monkeypatch.setenv("COLUMNS", "220")
    return Events(warehouse_url, tmp_path / "landing")


def configure(events: Events, *destinations: dict[str, Any]) -> None:
    content = {
        "data_dir": str(events.folder / "data"),
        "sources": [{"name": "sendgrid", "destinations": list(destinations)}],
    }
    (events.folder.parent / "sendgrid.yaml").write_text(yaml.safe_dump(content))


def call(*arguments: str, answers: str = "") -> Result:
    return CliRunner().invoke(app, ["destinations", *arguments], input=answers)


def cells(result: Result, beginning: str) -> list[str]:
    """The cells of the row of a table that begins so."""
    rows = [
        [cell.strip() for cell in line.strip("│┃ ").split("│")]
        for line in result.output.splitlines()
        if "│" in line
    ]
    return next(row for row in rows if row[0] == beginning)


def test_what_was_sent_is_listed_and_what_was_refused_is_sent_again(events: Events, api: SegmentApi) -> None:
    """S82, S93: what became of every event can be seen, and a refused one is repaired."""
    configure(events, segment(api.url), segment(api.url, name="later", enabled=False))
    events.load([*(event(n) for n in range(11)), event(11, email="")])
    api.is_malformed = lambda message: message["context"]["traits"]["email"] == "user3@example.com"
    sent = call("send", "-d", "segment")
    assert "11 event(s) sent, 10 accepted, 1 rejected, 1 invalid" in sent.output
    listed = call("list")
    assert cells(listed, "sendgrid")[1:4] == ["segment", "segment", "enabled"]
    assert cells(listed, "sendgrid")[-4:] == ["10", "2", "0", "0"]
    assert "not begun" in listed.output
    shown = call("rejected", "-d", "segment")
    assert "malformed JSON" in shown.output
    assert "no_user_anon_id" in shown.output
    api.is_malformed = lambda message: False
    assert "1 event(s) sent, 1 accepted" in call("resend", "--rejected", "-d", "segment").output
    compared = call("verify", "-d", "segment", "--no-test-event")
    assert cells(compared, "click")[1:] == ["3", "2", "2", "1", "0", "0"], "one of them is invalid"
    assert len(api.messages) == 11


def test_a_person_agrees_before_anything_may_arrive_twice(events: Events, api: SegmentApi) -> None:
    configure(events, segment(api.url))
    events.load_ordinary(6)
    call("send")
    events.run("update sendgrid_raw.delivery_batches set first_sent_at = now() - interval '2 days'")
    days = ("resend", "--from", "2024-06-01", "--again")
    refused = call(*days, answers="n\n")
    assert refused.exit_code == 1
    assert "6 of the events" in refused.output
    assert "Nothing was sent." in refused.output
    assert "6 event(s) sent" in call(*days, answers="y\n").output
    events.run("update sendgrid_raw.delivery_batches set first_sent_at = now() - interval '2 days'")
    assert "6 event(s) sent" in call(*days, "--yes").output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["resend"], "Say what to send"),
        (["resend", "--unknown", "--rejected"], "Say what to send"),
        (["resend", "--unknown"], "Say which destination"),
        (["resend", "--from", "2024-06-02", "--to", "2024-06-01", "-d", "segment"], "is later than"),
        (["send", "-d", "nowhere"], 'has no destination "nowhere". The settings name: segment, paused.'),
        (["send", "-d", "paused"], "is paused. Set `paused: false`"),
    ],
)
def test_a_mistake_is_answered_with_a_sentence(
    events: Events, api: SegmentApi, arguments: list[str], sentence: str
) -> None:
    configure(events, segment(api.url), segment(api.url, name="paused", paused=True))
    result = call(*arguments)
    assert result.exit_code == 1
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_verify_says_what_an_answer_proves_and_what_it_does_not(events: Events, api: SegmentApi) -> None:
    """S91, S111, S112: Amplitude names a wrong key; Segment does not, and that is said."""
    with AmplitudeApi(API_KEY) as amplitude_api:
        configure(events, segment(api.url), amplitude(amplitude_api.url))
        good = call("verify")
        assert good.exit_code == 0
        assert good.output.count("was accepted") == 2
        assert api.messages[0]["properties"] == {"test": True}
        assert api.messages[0]["messageId"] in good.output
        assert amplitude_api.events[0]["event_properties"] == {"test": True}
        amplitude_api.api_keys.clear()
        bad = call("verify", "-d", "amplitude")
        assert bad.exit_code == 1
        assert "was not accepted. 400" in bad.output
        assert "Invalid API key: ***" in bad.output
    assert API_KEY not in bad.output
    assert events.value("select count(*) from sendgrid_raw.delivery_batches") == 0, (
        "a test event is no delivery"
    )
