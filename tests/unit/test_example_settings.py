"""`sendgrid.example.yaml` is where people learn what can be set: it must load, and leave nothing out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from sendgrid_orchestration.settings import PROJECT_ROOT, Settings, load_settings

EXAMPLE = PROJECT_ROOT / "sendgrid.example.yaml"


def test_the_example_loads_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDGRID_CONFIG", str(EXAMPLE))
    settings = load_settings()
    assert [source.name for source in settings.sources] == ["marketing", "transactional"]


def test_the_example_loads_with_every_comment_taken_at_its_word(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    everything = re.sub(r"^( *)# (\w+: \S)", r"\1\2", text, flags=re.MULTILINE)
    path = tmp_path / "sendgrid.yaml"
    path.write_text(everything.replace("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE...", "key"), encoding="utf-8")
    monkeypatch.setenv("SENDGRID_CONFIG", str(path))
    settings = load_settings()
    assert settings.landing_url == "s3://bucket/sendgrid"
    assert settings.alerts.heartbeat_url is not None
    assert settings.sources[0].webhook.oauth is not None


def test_the_example_names_every_setting() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    missing = [name for name in sorted(set(_settings(Settings))) if not re.search(rf"\b{name}:", text)]
    assert not missing, f"sendgrid.example.yaml does not show {', '.join(missing)}"


def _settings(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name
        for part in _models(field.annotation):
            yield from _settings(part)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation.__name__ != "SecretRef":
            yield annotation
        return
    for argument in getattr(annotation, "__args__", ()):
        yield from _models(argument)
