"""Dagster without its daemon: ticks sensors and schedules in this process, and executes the runs that they ask for.

The same definitions, the same instance, the same runs in its history; only nobody has to wait for a loop.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster._core.storage.tags import RUN_KEY_TAG

from sendgrid_orchestration.cli.mistakes import CommandError
from sendgrid_orchestration.defs.runs import reasons
from sendgrid_orchestration.settings import PROJECT_ROOT

_ONLY_ERRORS = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}


@contextmanager
def open_instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """The instance that `dagster.yaml` describes, with its home in this folder."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(PROJECT_ROOT / "dagster.yaml", home)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def tick_sensor(
    defs: dg.Definitions, instance: dg.DagsterInstance, name: str, cursor: str | None = None
) -> list[dg.RunRequest]:
    """What a sensor requests now; nothing, where it skips."""
    repository = defs.get_repository_def()
    context = dg.build_sensor_context(
        instance, cursor, repository_def=repository, sensor_name=name, resources=dict(defs.resources or {})
    )
    return list(repository.get_sensor_def(name).evaluate_tick(context).run_requests or [])


def tick_schedule(defs: dg.Definitions, instance: dg.DagsterInstance, name: str) -> list[dg.RunRequest]:
    """What a schedule requests when its time has come."""
    context = dg.build_schedule_context(instance=instance)
    return list(defs.get_repository_def().get_schedule_def(name).evaluate_tick(context).run_requests or [])


def execute(
    defs: dg.Definitions, instance: dg.DagsterInstance, job: str, request: dg.RunRequest
) -> dg.ExecuteInProcessResult:
    """The run that was requested, to its end.

    Raises:
        CommandError: the run failed.
    """
    result = defs.resolve_job_def(job).execute_in_process(
        run_config={**_ONLY_ERRORS, **request.run_config},
        instance=instance,
        tags={**request.tags, **({RUN_KEY_TAG: request.run_key} if request.run_key else {})},
        raise_on_error=False,
    )
    if not result.success:
        raise CommandError(f"The run of {job} failed. " + " ".join(reasons(result.all_events)))
    return result
