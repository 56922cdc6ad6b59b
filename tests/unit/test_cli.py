"""The commands as a person meets them: documented, and never answering a mistake with a traceback."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from sendgrid_orchestration.cli import app
from sendgrid_orchestration.cli.tables import print_table
from sendgrid_orchestration.load import ledger, loader, replay
from sendgrid_orchestration.receiver import access
from sendgrid_orchestration.sendgrid import webhooks
from sendgrid_orchestration.settings import PROJECT_ROOT

OPERATOR_MODULES = (access, ledger, loader, replay, webhooks)
"""What commands call: these functions must not be named where a person looks for a command."""

PAGE = (PROJECT_ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def _commands(group: object, *prefix: str) -> Iterator[tuple[str, object]]:
    for name, command in getattr(group, "commands", {}).items():
        if hasattr(command, "commands"):
            yield from _commands(command, *prefix, name)
        else:
            yield " ".join((*prefix, name)), command


COMMANDS = dict(_commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    headings = " ".join(re.findall(r"^### (.+)$", PAGE, flags=re.MULTILINE))
    assert f"`{name}`" in headings, f"docs/cli.md has no heading for `{name}`"


def test_no_command_is_documented_that_does_not_exist() -> None:
    named = {
        name
        for line in re.findall(r"^### (.+)$", PAGE, flags=re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", line)
    }
    assert named <= set(COMMANDS)


@pytest.mark.parametrize(
    "path", [*sorted(PROJECT_ROOT.glob("docs/*.md")), PROJECT_ROOT / "README.md"], ids=lambda p: p.name
)
def test_documentation_names_commands_and_options_that_exist_and_no_functions(path: Path) -> None:
    """Whoever operates the product types commands; a page that names a function of ours cannot be followed."""
    groups = {name.split(" ")[0] for name in COMMANDS}
    code = re.findall(r"`([^`\n]+)`", path.read_text(encoding="utf-8"))
    for text in code:
        words = text.removeprefix(".venv/bin/").removeprefix("sendgrid-orchestration ").split()
        if len(words) < 2 or words[0] not in groups:
            continue
        name = next((n for n in (" ".join(words[:2]), words[0]) if n in COMMANDS), None)
        if name is None:
            assert words[1].startswith("-") or words[1] in {"…", "/"}, f"{path.name} names `{text}`"
            continue
        options = {option for param in getattr(COMMANDS[name], "params", []) for option in param.opts}
        unknown = {word for word in words if word.startswith("--")} - options - {"--help"}
        assert not unknown, f"{path.name}: `{text}` has no {', '.join(unknown)}"
    functions = {name for module in OPERATOR_MODULES for name in vars(module) if "_" in name.strip("_")}
    assert functions.isdisjoint(code), f"{path.name} names {', '.join(functions & set(code))}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_says_what_it_does(name: str) -> None:
    command = COMMANDS[name]
    assert len(str(getattr(command, "help", ""))) > 20
    for option in getattr(command, "params", []):
        assert option.help, f"{name} {option.name}"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["load", "--source", "nobody"], 'There is no source "nobody"'),
        (["replay", "--from", "2026-02-02", "--to", "2026-02-01"], "is later than"),
        (["replay", "--folder", ".", "--from", "2026-02-02"], "A folder is replayed as a whole"),
    ],
)
def test_a_mistake_is_answered_with_a_sentence(
    arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SENDGRID_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.output


def test_a_warehouse_that_is_away_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SENDGRID_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://loader:hunter2@127.0.0.1:1/nowhere")
    result = CliRunner().invoke(app, ["load"])
    assert result.exit_code == 1
    assert (
        "Postgres at 127.0.0.1:1/nowhere cannot be reached: Connection refused. Check that" in result.stderr
    )
    assert "hunter2" not in result.output


def test_a_mistake_in_the_settings_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sendgrid.yaml").write_text("sources:\n  - name: a\n    regoin: eu\n", encoding="utf-8")
    monkeypatch.setenv("SENDGRID_CONFIG", str(tmp_path / "sendgrid.yaml"))
    result = CliRunner().invoke(app, ["config", "check"])
    assert result.exit_code == 1
    assert result.stderr.strip() == (
        "sendgrid.yaml: sources.0.regoin: no such setting. Check its spelling against sendgrid.example.yaml."
    )


def test_a_table_shows_long_words_to_their_end_and_brackets_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    place, posted = "/run/secrets/" + "very-long-name-of-a-key" * 2, '["[/bold]", "[red]"]'
    print_table(("of", "posted"), [(place, posted)])
    rows = [
        line.strip("│ ").split("│") for line in capsys.readouterr().out.splitlines() if line.startswith("│")
    ]
    assert "".join(row[0].strip() for row in rows) == place
    assert "".join(row[1].strip() for row in rows if len(row) > 1).replace(" ", "") == posted.replace(" ", "")


def test_the_private_postgres_is_not_touched_where_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://loader@db.example.com:5432/warehouse")
    result = CliRunner().invoke(app, ["postgres", "stop"])
    assert result.exit_code == 1
    assert "db.example.com:5432/warehouse" in result.stderr
