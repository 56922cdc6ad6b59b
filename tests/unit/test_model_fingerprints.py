"""A model's fingerprint changes with everything that its rows follow from, and with nothing else."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from sendgrid_orchestration.defs.models.fingerprints import fingerprints

FACT, MART, SEED, OTHER = "model.p.fact", "model.p.mart", "seed.p.words", "model.p.other"


def model(code: str, *above: str, **config: Any) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "raw_code": code,
        "config": {"materialized": "incremental", **config},
        "columns": {"n": {"name": "n", "data_type": "bigint", "description": ""}},
        "depends_on": {"nodes": list(above)},
    }


@pytest.fixture
def manifest() -> dict[str, Any]:
    """A mart over a fact over a seed, and a model by itself; macros of the project and of dbt."""
    macros = {
        "outer": "{% macro outer() %} {{ inner() }} {% endmacro %}",
        "inner": "{% macro inner() %} {{ var('days') }} {% endmacro %}",
        "unused": '{% macro unused() %} {{ var("never") }} {% endmacro %}',
        "get_incremental_add_sql": "{% macro get_incremental_add_sql() %} insert {% endmacro %}",
    }
    return {
        "metadata": {"project_name": "p"},
        "macros": {
            **{
                f"macro.p.{name}": {"name": name, "package_name": "p", "macro_sql": text}
                for name, text in macros.items()
            },
            "macro.dbt.inner": {"name": "ref", "package_name": "dbt", "macro_sql": "dbt's own"},
        },
        "nodes": {
            FACT: model("select {{ outer() }} from {{ ref('words') }}", SEED, "source.p.raw.events"),
            MART: model("select * from {{ ref('fact') }}", FACT, incremental_strategy="add"),
            OTHER: model("select 1"),
            SEED: {
                "resource_type": "seed",
                "raw_code": "",
                "checksum": {"checksum": "abc"},
                "config": {"materialized": "seed"},
                "columns": {},
                "depends_on": {"nodes": []},
            },
            "test.p.t": {"resource_type": "test"},
        },
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "dbt_project.yml").write_text("vars: {days: 3, never: 1}\n")
    return tmp_path


def changed(before: dict[str, Any], after: dict[str, Any], project: Path) -> set[str]:
    """Whose fingerprints differ."""
    one, other = fingerprints(before, project), fingerprints(after, project)
    assert one.keys() == other.keys() == {FACT, MART, OTHER, SEED}
    return {name for name in one if one[name] != other[name]}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("nodes", FACT, "raw_code"), {FACT, MART}),
        (("nodes", MART, "raw_code"), {MART}),
        (("nodes", MART, "config", "materialized"), {MART}),
        (("nodes", MART, "columns", "n", "data_type"), {MART}),
        (("nodes", SEED, "checksum", "checksum"), {SEED, FACT, MART}),
        (("macros", "macro.p.outer", "macro_sql"), {FACT, MART}),
        (("macros", "macro.p.inner", "macro_sql"), {FACT, MART}),
        (("macros", "macro.p.get_incremental_add_sql", "macro_sql"), {MART}),
        (("macros", "macro.p.unused", "macro_sql"), set()),
        (("macros", "macro.dbt.inner", "macro_sql"), set()),
        (("nodes", MART, "columns", "n", "description"), set()),
    ],
    ids=lambda value: "-".join(value[1:]) if isinstance(value, tuple) else "",
)
def test_fingerprints_follow_code_and_what_is_behind_it(
    manifest: dict[str, Any], project: Path, path: tuple[str, ...], expected: set[str]
) -> None:
    after = copy.deepcopy(manifest)
    part = after
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] += " changed"
    assert changed(manifest, after, project) == expected


def test_fingerprints_follow_the_variables_that_are_read(manifest: dict[str, Any], project: Path) -> None:
    before = fingerprints(manifest, project)
    (project / "dbt_project.yml").write_text("vars: {days: 3, never: 2}\n")
    assert fingerprints(manifest, project) == before
    (project / "dbt_project.yml").write_text("vars: {days: 4, never: 2}\n")
    after = fingerprints(manifest, project)
    assert {name for name in before if before[name] != after[name]} == {FACT, MART}
