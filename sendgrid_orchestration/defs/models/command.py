"""dbt as Dagster starts it: one process per run, without what the process can do without."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliInvocation, DbtCliResource
from packaging.version import Version, parse

from sendgrid_orchestration.defs.models.project import FLAGS, PROJECT, executable


class Dbt(DbtCliResource):
    """dbt-core of this environment. Two things are left out that dagster-dbt does before each call, 2.5 s together."""

    @cached_property
    def _cli_version(self) -> Version:
        return parse(version("dbt-core"))  # without starting `dbt --version`

    def _initialize_dbt_core_adapter(self, args: Any) -> None:  # type: ignore[override]
        # A connection of its own, for row counts: ours come from the warehouse room.
        return None


def build(
    context: dg.AssetExecutionContext, environment: Mapping[str, str], target: Path
) -> DbtCliInvocation:
    """Start one `dbt build` of what the run selected.

    Args:
        context: tells which models and tests were selected.
        environment: what dbt reads through `env_var`; the window too, because other `--vars` would make it parse the
            whole project again.
        target: the source's own folder for artifacts: two sources may run at the same time.
    """
    dbt = Dbt(project_dir=os.fspath(PROJECT), profiles_dir=os.fspath(PROJECT), dbt_executable=executable())
    target.mkdir(parents=True, exist_ok=True)
    with _environ(environment):
        return dbt.cli([*FLAGS, "build"], context=context, target_path=target)


@contextmanager
def _environ(changes: Mapping[str, str]) -> Iterator[None]:
    """These variables, for as long as it takes to start a process that inherits them."""
    before = {key: os.environ.get(key) for key in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value
