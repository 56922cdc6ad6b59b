"""The settings file: what it accepts, and how it tells a person about a mistake."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from sendgrid_orchestration.sendgrid.events import EVENT_TYPES
from sendgrid_orchestration.settings import (
    DeliveryEvent,
    SecretRef,
    SegmentDestination,
    SettingsError,
    Source,
    load_settings,
    to_identifier,
)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SENDGRID_CONFIG", "SENDGRID_DATA_DIR", "WAREHOUSE_URL", "DAGSTER_URL", "LANDING_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "sendgrid.yaml"
    monkeypatch.setenv("SENDGRID_CONFIG", str(path))
    return path


def test_without_a_file_there_is_one_source_with_its_key_in_the_environment() -> None:
    settings = load_settings()

    (source,) = settings.sources
    assert (source.name, source.schema_) == ("sendgrid", "sendgrid")
    assert source.api_key.place == "environment variable SENDGRID_API_KEY"
    assert settings.landing_url.startswith("file:///")


def test_every_mistake_is_told_with_its_key_and_a_remedy(config: Path) -> None:
    config.write_text(
        "sources:\n"
        "  - name: marketing\n"
        "    api_key: SG.this-is-a-secret\n"
        "    regio: eu\n"
        "  - name: sales\n"
        "    region: us\n"
        "    schema: pg_catalog\n"
        "  - name: support\n"
        "    api_key:\n"
        "landing:\n"
        "  seal_seconds: -1\n"
        "  archive_days: 0\n"
    )

    with pytest.raises(SettingsError) as raised:
        load_settings()

    lines = str(raised.value).splitlines()
    assert len(lines) == 7
    for key, remedy in (
        ("sources.0.api_key", "{env: NAME}"),
        ("sources.0.regio", "sendgrid.example.yaml"),
        ("sources.1.region", "'global' or 'eu'"),
        ("sources.1.schema", "Take another name"),
        ("sources.2.api_key", "is empty. Write `{env: NAME}`"),
        ("landing.seal_seconds", "greater than 0"),
        ("landing.archive_days", "greater than or equal to 1"),
    ):
        (line,) = [line for line in lines if key in line]
        assert line.startswith("sendgrid.yaml: ")
        assert remedy in line
    assert "this-is-a-secret" not in str(raised.value)


def test_yaml_that_is_not_yaml_is_told_with_its_line(config: Path) -> None:
    config.write_text("sources:\n  - name: a\n   schema: b\n")

    with pytest.raises(SettingsError, match=r"sendgrid\.yaml, line 3: this is not YAML"):
        load_settings()


def test_a_named_file_that_is_absent_is_an_error(config: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such file"):
        load_settings()


@pytest.mark.parametrize(
    ("other", "shared"),
    [("mail", "mail, mail_marts, mail_raw, mail_segment, mail_staging"), ("mail_raw", "mail_raw")],
)
def test_two_sources_never_share_a_schema(config: Path, other: str, shared: str) -> None:
    """S5: two accounts, two sets of schemas; no row crosses."""
    config.write_text(f"sources: [{{name: a, schema: mail}}, {{name: b, schema: {other}}}]\n")

    with pytest.raises(SettingsError, match=f"two sources have the schema {shared}"):
        load_settings()


def test_an_empty_list_of_sources_is_refused(config: Path) -> None:
    config.write_text("sources: []\n")

    with pytest.raises(SettingsError, match="name at least one source"):
        load_settings()


@pytest.mark.parametrize(
    ("label", "schema"),
    [("Sendgrid_Prod", "sendgrid_prod"), ("SendGrid", "sendgrid"), ("2nd account", "_2nd_account")],
)
def test_a_label_gives_the_schema(label: str, schema: str) -> None:
    """S4, S47: the nickname yields a related schema name, which the user may choose otherwise."""
    source = Source.model_validate({"name": label})

    assert (source.label, source.schema_) == (label, schema)
    assert Source.model_validate({"name": label, "schema": "chosen"}).schema_ == "chosen"


def test_a_pasted_key_is_trimmed_and_the_person_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """S8: trailing spaces in the pasted key must not break the connection."""
    monkeypatch.setenv("SG_KEY", " SG.abc.def  \n")

    with caplog.at_level(logging.WARNING):
        secret = SecretRef(env="SG_KEY").read('API key of source "marketing"')

    assert secret.get_secret_value() == "SG.abc.def"
    assert "spaces or newlines" in caplog.text
    assert "SG.abc.def" not in caplog.text + repr(secret)


def test_the_newline_that_ends_a_secret_file_is_no_mistake(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "key"
    file.write_text("SG.abc.def\n")

    assert SecretRef(file=file).read("API key").get_secret_value() == "SG.abc.def"
    assert caplog.text == ""


@pytest.mark.parametrize("ref", [SecretRef(env="SG_ABSENT"), SecretRef(file=Path("absent-secret"))])
def test_a_missing_secret_names_its_place(ref: SecretRef) -> None:
    """S6: a missing key is refused with a message that names the setting."""
    with pytest.raises(SettingsError, match=f"API key .*{ref.env or ref.file}"):
        ref.read("API key")


def test_the_environment_comes_before_the_file(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(
        "warehouse: {url: 'postgresql://a:file-secret@db/file'}\nlanding: {url: 's3://bucket/landing'}\n"
    )
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://a:env-secret@db/env\n")
    monkeypatch.setenv("SENDGRID_DATA_DIR", str(tmp_path / "data"))

    settings = load_settings()

    assert settings.warehouse.url is not None
    assert settings.warehouse.url.get_secret_value() == "postgresql://a:env-secret@db/env"
    assert settings.data_dir == tmp_path / "data"
    assert settings.landing_url == "s3://bucket/landing"
    assert "secret" not in repr(settings)


def test_a_warehouse_url_that_is_no_postgres_url_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", "mysql://root:hunter2@db/mail")

    with pytest.raises(SettingsError, match="WAREHOUSE_URL: must look like postgresql://") as raised:
        load_settings()
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("region", "base_url", "expected"),
    [
        ("global", None, "https://api.sendgrid.com"),
        ("eu", None, "https://api.eu.sendgrid.com"),
        ("eu", "http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
    ],
)
def test_the_region_chooses_the_host(region: str, base_url: str | None, expected: str) -> None:
    assert Source.model_validate({"name": "a", "region": region, "base_url": base_url}).api_url == expected


def test_to_identifier_always_gives_a_usable_schema_name() -> None:
    assert to_identifier("Ünïcode & Söhne") == "n_code_s_hne"


def test_a_destination_is_off_and_careful_until_told_otherwise() -> None:
    """Promises S67, S92, S94: off, in the US, without `deferred`, copies and test posts."""
    source = Source.model_validate(
        {"name": "a", "destinations": [{"name": "s", "kind": "segment", "write_key": {"env": "KEY"}}]}
    )
    destination = source.destination("s")
    assert isinstance(destination, SegmentDestination)
    assert not destination.enabled
    assert destination.start == "now"
    assert destination.region == "US"
    assert set(get_args(DeliveryEvent)) - destination.events == {"deferred"}
    assert not destination.send_copies
    assert not destination.send_test_posts


def test_events_are_chosen_in_sendgrids_words() -> None:
    """Promise S93: all twelve values of SendGrid's Segment integration are known (`tsg_integrations_v3.yaml`)."""
    filters = [kind.segment_filter for kind in EVENT_TYPES if kind.segment_filter] + ["machine_opened"]
    assert len(filters) == 12
    chosen = SegmentDestination.model_validate(
        {"name": "s", "kind": "segment", "write_key": {"env": "KEY"}, "events": filters}
    )
    assert chosen.events == set(get_args(DeliveryEvent))
    mailed = {kind.webhook for kind in EVENT_TYPES if kind.segment_filter}
    assert chosen.events == mailed | {"machine_opened"}


@pytest.mark.parametrize(
    ("destination", "sentence"),
    [
        (
            {"kind": "segment", "write_key": "abc123"},
            "write_key: a secret may not stand in the settings file",
        ),
        ({"kind": "segment", "write_key": {"env": "KEY"}, "region": "APAC"}, "region"),
        ({"kind": "segment", "write_key": {"env": "KEY"}, "events": []}, "choose at least one event"),
        ({"kind": "segment", "write_key": {"env": "KEY"}, "events": ["opened"]}, "events"),
        ({"kind": "segment"}, "write_key: is missing"),
        ({"kind": "amplitude", "write_key": {"env": "KEY"}}, "write_key: no such setting"),
        ({"kind": "webhook", "secret": {"env": "KEY"}}, "endpoint: is missing"),
        ({"kind": "mixpanel"}, "kind"),
    ],
)
def test_a_mistake_in_a_destination_is_told_in_a_sentence(
    config: Path, destination: dict[str, object], sentence: str
) -> None:
    content = {"sources": [{"name": "a", "destinations": [{"name": "one", **destination}]}]}
    config.write_text(yaml.safe_dump(content))
    with pytest.raises(SettingsError, match=re.escape(sentence)) as raised:
        load_settings()
    assert "abc123" not in str(raised.value)


def test_two_destinations_of_one_source_have_two_names() -> None:
    one = {"name": "s", "kind": "segment", "write_key": {"env": "KEY"}}
    with pytest.raises(ValueError, match="two destinations have the name s"):
        Source.model_validate({"name": "a", "destinations": [one, one]})
