"""`doctor` finds each mistake that a person can make, and says what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from sendgrid_orchestration.cli import app
from sendgrid_orchestration.cli import doctor as command
from sendgrid_orchestration.cli.membership_time import memberships
from sendgrid_orchestration.doctor import Check, doubles, forwards, run_checks
from sendgrid_orchestration.landing import heartbeats
from sendgrid_orchestration.landing.store import open_store
from sendgrid_orchestration.load import ledger
from sendgrid_orchestration.receiver import access
from sendgrid_orchestration.sendgrid import webhooks
from sendgrid_orchestration.settings import Settings, load_settings
from sendgrid_orchestration.simulator import FULL_ACCESS, Simulator
from sendgrid_orchestration.sync import OBJECTS
from sendgrid_orchestration.warehouse.migrations import migrate
from tests.support.landed import Landing
from tests.support.mirror import client_of, mirror_of
from tests.support.signing import SigningKey
from tests.support.simulated_api import segment_integration


@pytest.fixture
def sendgrid() -> Iterator[Simulator]:
    with Simulator(contacts=5, history_messages=1) as running:
        yield running


@pytest.fixture
def configured(
    sendgrid: Simulator, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    for name in ("WAREHOUSE_URL", "DAGSTER_URL", "LANDING_URL", "SENDGRID_DATA_DIR", "SENDGRID_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SENDGRID_API_KEY", sendgrid.api_key)

    def settings(**source: Any) -> Settings:
        return load_settings(
            data_dir=tmp_path,
            warehouse={"url": postgres_url, "dagster_url": postgres_url},
            sources=[{"name": "prod", "base_url": sendgrid.url, **source}],
        )

    return settings


def found(checks: list[Check], name: str, subject: str = "prod") -> Check:
    return next(check for check in checks if check.name == name and check.subject == subject)


def connect(settings: Settings, sendgrid: Simulator) -> None:
    connected = webhooks.connect(client_of(sendgrid), access.webhook_url(settings, "prod"))
    access.store_public_key(settings.data_dir, "prod", connected.webhook.public_key)


def test_a_good_set_up_has_no_failure(configured: Any, sendgrid: Simulator) -> None:
    """A Full Access key works, and is told to be more than is needed (S98, S99)."""
    settings = configured()
    connect(settings, sendgrid)
    heartbeats.beat(open_store(settings.landing_url), "receiver", {})
    checks = run_checks(settings)
    assert [check for check in checks if check.status == "fail"] == []
    assert found(checks, "scopes").status == "warn"
    assert "Full Access" in found(checks, "scopes").finding
    assert {check.status for check in checks if check.name == "object"} == {"ok"}
    assert found(checks, "signature").status == "ok"


def test_a_key_that_is_unknown_or_missing_is_found(configured: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """S6, S9."""
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.wrong.key")
    wrong = found(run_checks(configured()), "key")
    assert (wrong.status, "refused the key" in wrong.finding) == ("fail", True)
    monkeypatch.delenv("SENDGRID_API_KEY")
    missing = found(run_checks(configured()), "key")
    assert (missing.status, "SENDGRID_API_KEY" in missing.finding) == ("fail", True)


def test_spaces_around_the_key_do_no_harm(
    configured: Any, sendgrid: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S8."""
    monkeypatch.setenv("SENDGRID_API_KEY", f"  {sendgrid.api_key} \n")
    assert found(run_checks(configured()), "key").status == "ok"


def test_a_missing_scope_is_found_where_it_is_missed(
    configured: Any, sendgrid: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps nothing else from arriving, so it is no failure (S7)."""
    monkeypatch.setenv("SENDGRID_API_KEY", sendgrid.account.add_key("SG.small.key", ["marketing.read"]))
    checks = run_checks(configured())
    assert found(checks, "scopes").status == "ok"
    assert found(checks, "object", "prod.lists").status == "ok"
    bounces = found(checks, "object", "prod.bounces")
    assert (bounces.status, "suppression.bounces.read" in bounces.finding) == ("warn", True)
    assert "Suppressions: Read Access" in bounces.remedy
    assert "skip_objects" in bounces.remedy


def test_every_scope_that_an_object_needs_is_looked_for(
    configured: Any, sendgrid: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statistics of categories and subusers need one scope to list them and another to count them."""
    few = FULL_ACCESS - {"categories.stats.read", "subusers.stats.read", "stats.read"}
    monkeypatch.setenv("SENDGRID_API_KEY", sendgrid.account.add_key("SG.few", few))
    checks = run_checks(configured(region="eu"))
    for name, scope in (
        ("category_stats", "categories.stats.read"),
        ("subuser_stats", "subusers.stats.read"),
    ):
        check = found(checks, "object", f"prod.{name}")
        assert (check.status, scope in check.finding) == ("warn", True)
    assert found(checks, "object", "prod.subusers").status == "ok"
    assert "does not have it" in found(checks, "object", "prod.geo_stats").finding


@pytest.mark.parametrize(
    "granted", [["marketing.read"], ["stats.read"], ["marketing_campaigns.read", "suppression.read"], []]
)
def test_doctor_and_sync_agree_on_what_is_granted(
    configured: Any,
    sendgrid: Simulator,
    granted: list[str],
    monkeypatch: pytest.MonkeyPatch,
    postgres_url: str,
) -> None:
    key = sendgrid.account.add_key("SG.small.key", granted)
    monkeypatch.setenv("SENDGRID_API_KEY", key)
    checks = run_checks(configured())
    assert not [
        check for check in checks if check.name in {"key", "object", "family"} and check.status == "fail"
    ]
    one = mirror_of(sendgrid, postgres_url, marketing="auto")
    for name in OBJECTS:
        check = found(checks, "object", f"prod.{name}")
        result = one.sync(name, client_of(sendgrid, api_key=key))
        assert (check.status, name) == ("ok" if result.refusal is None else "warn", name)
        assert result.refusal is None or result.refusal.scope in check.remedy


def test_an_account_that_cannot_have_subusers_is_not_at_fault(configured: Any, sendgrid: Simulator) -> None:
    """It answers 401 to a key that it knows (subusers_v3)."""
    body = {"errors": [{"field": None, "message": "authorization required"}]}
    sendgrid.faults.add("/v3/subusers", times=None, status=401, body=body)
    checks = run_checks(configured())
    for name in ("subusers", "subuser_stats"):
        check = found(checks, "object", f"prod.{name}")
        assert (check.status, check.finding) == ("ok", "This account cannot have subusers.")


def test_the_family_is_told(configured: Any, sendgrid: Simulator) -> None:
    sendgrid.account.family = "legacy"
    checks = run_checks(configured())
    assert "legacy, as detected" in found(checks, "family").finding
    assert "does not have it" in found(checks, "object", "prod.single_sends").finding
    wrong = run_checks(configured(marketing="new"))
    assert "marketing: legacy" in found(wrong, "object", "prod.lists").finding


def test_marketing_in_the_eu_is_questioned(configured: Any) -> None:
    assert found(run_checks(configured(region="eu")), "region").status == "warn"


def test_a_webhook_that_is_not_there_is_off_or_unsigned_is_found(
    configured: Any, sendgrid: Simulator
) -> None:
    settings = configured()
    assert found(run_checks(settings), "webhook").finding == "No webhook URL was made yet."
    access.ensure_token(settings.data_dir, "prod")
    assert "none posts to this receiver" in found(run_checks(settings), "webhook").finding
    connect(settings, sendgrid)
    webhook = sendgrid.account.webhooks.all()[0]
    webhook.values |= {"enabled": False, "open": False}
    findings = [check.finding for check in run_checks(settings) if check.name == "webhook"]
    assert findings == ["It is switched off.", "It does not post open."]
    sendgrid.account.webhooks.sign(webhook.id, False)
    assert found(run_checks(settings), "signature").status == "fail"
    sendgrid.account.webhooks.sign(webhook.id, True)
    assert "does not know" in found(run_checks(settings), "signature").finding


def test_a_webhook_at_amplitudes_form_of_the_url_is_ours(configured: Any, sendgrid: Simulator) -> None:
    """S114: it needs no signature, and one that nobody can check is told."""
    settings = configured()
    made = sendgrid.account.webhooks.create({"url": access.amplitude_url(settings, "prod"), "open": True})
    checks = run_checks(settings)
    assert found(checks, "webhook").finding.startswith("It does not post bounce")
    assert (found(checks, "signature").status, access.read_access(settings.data_dir, "prod").url_tokens) == (
        "warn",
        (),
    )
    sendgrid.account.webhooks.sign(made.id, True)
    unchecked = found(run_checks(settings), "signature")
    assert (unchecked.status, "nobody checks it" in unchecked.finding) == ("warn", True)
    access.store_public_key(settings.data_dir, "prod", SigningKey().public)
    refused = found(run_checks(settings), "signature")
    assert (refused.status, "posts are refused" in refused.finding) == ("fail", True)


def test_what_sendgrid_itself_sends_to_a_destination_of_ours_is_told(
    configured: Any, sendgrid: Simulator
) -> None:
    """Its Segment integration and an Amplitude URL in a webhook double every event (S49, S114); disjoint events do not."""
    segment = {
        "name": "segment",
        "kind": "segment",
        "write_key": {"env": "KEY"},
        "events": ["dropped", "open"],
    }
    amplitude = {"name": "amplitude", "kind": "amplitude", "api_key": {"env": "KEY"}}

    def told(enabled: bool = True) -> dict[str, tuple[str, str]]:
        settings = configured(destinations=[{**one, "enabled": enabled} for one in (segment, amplitude)])
        source = settings.source("prod")
        return {
            check.subject.removeprefix("prod."): (check.status, check.finding)
            for check in doubles(source, client_of(sendgrid))
        }

    assert {name: status for name, (status, _) in told().items()} == {"segment": "ok", "amplitude": "ok"}
    webhook = sendgrid.account.webhooks.create(
        {"url": "https://key:hush-hush@api.eu.amplitude.com/sendgrid", "click": True, "spam_report": True}
    )
    sendgrid.account.webhooks.create({"url": "https://amplitude.com.example/hook", "open": True})
    sendgrid.account.integrations.append(segment_integration(events=["delivered"]))
    found = told()
    assert found["segment"][0] == "ok", "it sends other events"
    assert found["amplitude"][0] == "warn"
    assert f"webhook {webhook.id} to api.eu.amplitude.com): click, spamreport" in found["amplitude"][1]
    sendgrid.account.integrations.append(segment_integration(events=["drop", "open", "delivered"]))
    webhook.values["enabled"] = False
    found = told()
    assert (found["segment"][0], found["amplitude"][0]) == ("warn", "ok")
    assert ": dropped, open may be there twice" in found["segment"][1]
    assert not any(secret in f"{found}" for secret in ("hush-hush", "integration-write-key"))
    assert told(enabled=False) == {}


def test_a_forward_that_cannot_work_or_doubles_a_destination_is_found(
    configured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    amplitude = {"name": "amplitude", "kind": "amplitude", "api_key": {"env": "KEY"}, "enabled": True}
    names = ("good", "vendor", "missing", "ours", "off")
    urls = (
        "https://192.0.2.1/hook",
        "https://api.amplitude.com/sendgrid",
        {"env": "NOT_SET"},
        {"env": "OURS"},
        "https://a.b",
    )
    monkeypatch.setenv("OURS", "http://127.0.0.1:8080/webhook/prod/hush-hush")
    forward = [
        {"name": name, "url": url, "enabled": name != "off"} for name, url in zip(names, urls, strict=True)
    ]
    settings = configured(forward=forward, destinations=[amplitude])
    checks = {check.subject: check for check in forwards(settings, settings.source("prod"))}
    assert {subject.removeprefix("prod."): check.status for subject, check in checks.items()} == {
        "good": "ok",
        "vendor": "warn",
        "missing": "fail",
        "ours": "fail",
        "off": "ok",
    }
    assert (checks["prod.vendor"].name, "api.amplitude.com" in checks["prod.vendor"].finding) == (
        "doubles",
        True,
    )
    assert "NOT_SET" in checks["prod.missing"].finding
    assert "hush-hush" not in f"{checks}"


def test_a_key_that_may_not_see_integrations_says_so_once_it_matters(
    configured: Any, sendgrid: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", sendgrid.account.add_key("SG.small.key", ["stats.read"]))
    segment = {"name": "segment", "kind": "segment", "write_key": {"env": "KEY"}, "enabled": True}
    (check,) = doubles(
        configured(destinations=[segment]).source("prod"), client_of(sendgrid, api_key="SG.small.key")
    )
    assert (check.status, "cannot be read" in check.finding, "marketing.read" in check.finding) == (
        "warn",
        True,
        True,
    )
    assert "Settings > Integrations" in check.remedy


def test_a_warehouse_and_a_landing_that_cannot_be_used_are_found(configured: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = configured()
    broken = settings.model_copy(
        update={
            "landing": settings.landing.model_copy(update={"url": (tmp_path / "file" / "landing").as_uri()}),
            "warehouse": type(settings.warehouse).model_validate(
                {"url": "postgresql://x:y@127.0.0.1:1/none"}
            ),
        }
    )
    checks = run_checks(broken)
    assert next(check for check in checks if check.name == "landing").status == "fail"
    warehouse = next(check for check in checks if check.name == "warehouse")
    assert warehouse.status == "fail"
    assert "x:y" not in warehouse.finding


def test_files_set_aside_are_named_one_by_one_until_somebody_takes_them_away(
    configured: Any, warehouse_url: str, tmp_path: Path
) -> None:
    """Looking forgets nothing: the run that loads does that."""
    settings = configured()
    settings = settings.model_copy(
        update={"warehouse": settings.warehouse.model_copy(update={"url": SecretStr(warehouse_url)})}
    )
    (source,) = settings.sources
    landing = Landing(Path(settings.landing_url.removeprefix("file://")), source.name)
    good, tried, aside = (landing.land_events([number]) for number in range(3))
    with psycopg.connect(warehouse_url) as conn:
        migrate(conn, source)

        def lines() -> list[Check]:
            conn.commit()
            return [check for check in run_checks(settings) if check.name == "set aside"]

        assert lines() == [Check("set aside", "prod", "ok", "Every landed file could be loaded.")]
        for path, times in ((tried, 1), (aside, 2)):
            file = next(file for file in landing.store.waiting("prod") if file.path.endswith(path.name))
            for _ in range(times):
                ledger.record_failed(conn, source.raw_schema, file, "ValueError: no such month", "rows.py:12")
        once, twice = lines()
        assert (once.subject, once.status, twice.subject, twice.status) == ("prod", "fail", "prod", "fail")
        why = "ValueError: no such month (rows.py:12)."
        assert once.finding == f"{tried.stem} could not be loaded and is tried once more: {why}"
        assert twice.finding.startswith(f"{aside.stem} is set aside after 2 tries: {why}")
        assert "load --retry-set-aside" in twice.remedy
        tried.unlink()
        assert [check.finding for check in lines()] == [twice.finding]
        aside.unlink()
        assert [check.status for check in lines()] == ["ok"]
        assert len(ledger.failed(conn, source.raw_schema)) == 2
    assert good.exists()


def test_probes_that_are_handed_in_are_asked(configured: Any) -> None:
    mine = Check("daemon", "SENSOR", "fail", "No heartbeat for 5 minutes.", "Start the daemon.")
    assert mine in run_checks(configured(), [lambda: [mine]])


@pytest.mark.parametrize(("worst", "code"), [("ok", 0), ("warn", 0), ("fail", 1)])
def test_the_exit_code_says_whether_data_will_arrive(
    worst: Any, code: int, configured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = [
        Check("key", "prod", "ok", "It is good."),
        Check("region", "prod", worst, "It is so.", "Do this."),
    ]
    monkeypatch.setattr(command, "load_settings", configured)
    monkeypatch.setattr(command, "run_checks", lambda *_: checks)
    result = CliRunner().invoke(app, ["doctor"], env={"COLUMNS": "200"})
    assert result.exit_code == code
    assert "It is so." in result.output
    assert "Do this." in result.output


def test_daemons_are_told_by_their_last_sign(configured: Any, warehouse_url: str) -> None:
    settings = configured()
    settings = settings.model_copy(
        update={"warehouse": settings.warehouse.model_copy(update={"dagster_url": SecretStr(warehouse_url)})}
    )
    assert {check.status for check in command.daemons(settings)} == {"fail"}
    with psycopg.connect(warehouse_url) as conn:
        conn.execute("create table daemon_heartbeats (daemon_type text, timestamp timestamp)")
        conn.execute(
            "insert into daemon_heartbeats select unnest(%s::text[]), now() at time zone 'UTC'",
            [list(command.NEEDED)],
        )
        conn.execute(
            "update daemon_heartbeats set timestamp = timestamp - interval '1 hour' where daemon_type = 'SENSOR'"
        )
    told = {check.subject: (check.status, check.finding) for check in command.daemons(settings)}
    assert told.pop("sensor") == ("fail", "Silent for 60 minutes.")
    assert {status for status, _ in told.values()} == {"ok"}


def test_memberships_are_estimated_from_their_last_turns(
    configured: Any, sendgrid: Simulator, warehouse_url: str
) -> None:
    settings = configured()
    settings = settings.model_copy(
        update={"warehouse": settings.warehouse.model_copy(update={"url": SecretStr(warehouse_url)})}
    )
    assert list(memberships(settings)) == []
    source = settings.sources[0]
    with psycopg.connect(warehouse_url) as conn:
        migrate(conn, source)
        conn.execute(
            "insert into prod_raw.member_turns (object, group_id, began_at, seconds) "
            "select 'list_members', n::text, now(), 60 from generate_series(1, 500) as n"
        )
    (check,) = memberships(settings)
    assert (check.name, check.subject, check.status) == ("members", "prod", "warn")
    assert "500 lists take about 4.2 hours" in check.finding
    assert 'schedules.members: "0 */12 * * *"' in check.remedy
    skipping = source.model_copy(update={"skip_objects": frozenset({"list_members"})})
    assert list(memberships(settings.model_copy(update={"sources": (skipping,)}))) == []
