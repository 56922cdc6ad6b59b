"""The dbt project as text: it parses anywhere, keeps its own rules, and its documentation says what its blocks say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.dbt import PROJECT, command
from tests.support.dbt_docs import MACROS_PAGE, PAGE, render, render_macros


def test_project_parses_and_keeps_its_rules_without_a_database(tmp_path: Path) -> None:
    """Contracts, grains, names, documentation, exposures on tables: dbt-bouncer on what `dbt parse` wrote."""
    bare = {key: value for key, value in os.environ.items() if not key.startswith(("DBT_", "SENDGRID_"))}
    parsed = subprocess.run(
        command(
            "--quiet", "--warn-error", "parse", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
            "--target-path", str(tmp_path), "--log-path", str(tmp_path),
        ),
        env=bare, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert parsed.returncode == 0, parsed.stdout
    rules = (PROJECT / "dbt-bouncer.yml").read_text(encoding="utf-8")
    config = tmp_path / "dbt-bouncer.yml"
    config.write_text(rules.replace("dbt_artifacts_dir: target", f"dbt_artifacts_dir: {tmp_path}"))
    checked = subprocess.run(
        [str(Path(sys.executable).with_name("dbt-bouncer")), "run", "--config-file", str(config)],
        env=bare, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout[-3000:]


def test_metrics_page_says_what_the_doc_blocks_say() -> None:
    """`docs/metrics.md` cannot go stale: `python -m tests.support.dbt_docs` writes it."""
    assert PAGE.read_text(encoding="utf-8") == render()


def test_every_macro_has_the_description_that_stands_above_it() -> None:
    """`dbt docs` says what a macro is for, in the words of its source."""
    assert MACROS_PAGE.read_text(encoding="utf-8") == render_macros()
