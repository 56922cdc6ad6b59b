"""What Dagster is told: the whole graph in a text file, so that a change to it is seen in review."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.test_utils import create_run_for_test

from sendgrid_orchestration.definitions import build_definitions
from sendgrid_orchestration.settings import PROJECT_ROOT, SecretRef, Settings, load_settings
from tests.support.dagster_runs import origin_of

SNAPSHOT = Path(__file__).parent / "snapshots" / "definitions.txt"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Of a file of its own: neither a developer's nor that of what other tests keep running may show in the graph."""
    file = tmp_path_factory.mktemp("settings") / "sendgrid.yaml"
    content = {
        "data_dir": str(file.parent / "data"),
        "sources": [
            {
                "name": "marketing",
                "schema": "sendgrid_marketing",
                "destinations": [
                    {"name": "segment", "kind": "segment", "write_key": {"env": "KEY"}, "enabled": True},
                    {"name": "product", "kind": "amplitude", "api_key": {"env": "KEY"}},
                ],
                "forward": [{"name": "previous", "url": {"env": "OLD_URL"}, "enabled": True}],
            },
            {"name": "transactional", "schema": "sendgrid_transactional", "skip_objects": ["recipients"]},
        ],
    }
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENDGRID_CONFIG", str(file))
        yield load_settings()


@pytest.fixture(scope="module")
def defs(settings: Settings) -> dg.Definitions:
    return build_definitions(settings)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def test_the_graph_is_what_was_reviewed(defs: dg.Definitions) -> None:
    found = _picture(defs)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOT.parent.mkdir(exist_ok=True)
        SNAPSHOT.write_text(found, encoding="utf-8")
    assert found == SNAPSHOT.read_text(encoding="utf-8"), "if it is meant: UPDATE_SNAPSHOTS=1 make test"


def test_every_asset_says_who_what_and_where(defs: dg.Definitions) -> None:
    for spec in defs.resolve_all_asset_specs():
        name = spec.key.to_user_string()
        source, group = str(spec.group_name).split("_")
        assert source == spec.key.path[0], name
        assert group in {"events", "objects", "collections", "marts", "destinations"}, name
        assert 1 <= len(spec.kinds) <= 3, name
        assert spec.owners, name
        assert len(spec.description or "") > 20, name
        if spec.key.path[-1] != "webhook":
            assert spec.metadata["dagster/table_name"], name


def test_every_check_says_what_it_checks(defs: dg.Definitions) -> None:
    """In a sentence: the names of dbt's tests are made up by dbt, and cut off."""
    graph = defs.resolve_asset_graph()
    specs = [graph.get_check_spec(key) for key in graph.asset_check_keys]
    assert len(specs) > 200
    assert [
        spec.key.to_user_string() for spec in specs if not re.match(r"\S+ \S.*\.$", spec.description or "")
    ] == []


def test_no_asset_of_one_source_stands_on_another(defs: dg.Definitions) -> None:
    """Promise S5: several instances side by side, no row crosses."""
    for spec in defs.resolve_all_asset_specs():
        assert {dep.asset_key.path[0] for dep in spec.deps} <= {spec.key.path[0]}, spec.key
        schema = str(spec.metadata.get("dagster/table_name", f"sendgrid_{spec.key.path[0]}.")).split(".")[0]
        assert schema.startswith(f"sendgrid_{spec.key.path[0]}"), spec.key


def test_a_source_may_switch_an_object_off(defs: dg.Definitions) -> None:
    fetched = defs.resolve_asset_graph().executable_asset_keys
    assert dg.AssetKey(["marketing", "raw", "recipients"]) in fetched
    assert dg.AssetKey(["transactional", "raw", "recipients"]) not in fetched


def test_objects_are_fetched_every_three_hours_by_default(
    defs: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    """Promise S13."""
    schedule = defs.get_repository_def().get_schedule_def("marketing_objects_schedule")
    assert schedule.cron_schedule == "0 */3 * * *"
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    tick = schedule.evaluate_tick(dg.build_schedule_context(instance=instance))
    assert tick.run_requests is not None
    assert len(tick.run_requests) == 1


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (dg.DagsterEventType.RUN_ENQUEUED, "queued"),
        (dg.DagsterEventType.RUN_STARTING, "starting"),
        (dg.DagsterEventType.RUN_START, "started"),
    ],
)
def test_a_tick_while_a_run_is_under_way_is_skipped_with_the_reason(
    defs: dg.Definitions, instance: dg.DagsterInstance, event: dg.DagsterEventType, status: str
) -> None:
    """Else runs of a large account would queue up without end. A newer run that has ended hides no older one."""
    repository = defs.get_repository_def()
    schedule = repository.get_schedule_def("marketing_objects_schedule")
    job = "marketing_objects"
    elsewhere = create_run_for_test(instance, "transactional_objects")
    instance.report_dagster_event(
        _event(dg.DagsterEventType.RUN_START, "transactional_objects"), elsewhere.run_id
    )
    create_run_for_test(instance, job)  # never submitted
    run = create_run_for_test(instance, job, remote_job_origin=origin_of(job))
    instance.report_dagster_event(_event(event, job), run.run_id)
    instance.report_run_failed(create_run_for_test(instance, job))
    tick = schedule.evaluate_tick(dg.build_schedule_context(instance=instance))
    assert not tick.run_requests
    assert f"Run {run.run_id} of marketing_objects is {status}" in str(tick.skip_message)
    instance.report_run_canceled(run)
    assert schedule.evaluate_tick(dg.build_schedule_context(instance=instance)).run_requests


def test_members_may_have_a_cadence_of_their_own(settings: Settings) -> None:
    schedules = settings.schedules.model_copy(update={"members": "0 1 * * *"})
    built = build_definitions(settings.model_copy(update={"schedules": schedules})).get_repository_def()
    both = {dg.AssetKey(["marketing", "raw", name]) for name in ("list_members", "segment_members")}
    assert built.get_schedule_def("marketing_members_schedule").cron_schedule == "0 1 * * *"
    assert built.get_job("marketing_members").asset_layer.executable_asset_keys == both
    assert both.isdisjoint(built.get_job("marketing_objects").asset_layer.executable_asset_keys)
    # The pool of the other objects is free while members are read.
    (step,) = built.get_job("marketing_members").nodes
    assert isinstance(step.definition, dg.OpDefinition)
    assert step.definition.pool == "marketing_members"


def test_sensors_run_without_being_switched_on(defs: dg.Definitions) -> None:
    for sensor in defs.sensors or ():
        assert isinstance(sensor, dg.SensorDefinition)
        assert sensor.default_status == dg.DefaultSensorStatus.RUNNING, sensor.name


def test_nobody_is_told_where_nobody_is_named(defs: dg.Definitions, settings: Settings) -> None:
    alerts = settings.alerts.model_copy(update={"urls": (SecretRef(env="ALERTS_URL"),)})
    told = build_definitions(settings.model_copy(update={"alerts": alerts}))
    names = {"failed_runs_alert", "failing_checks_alert"}
    assert names.isdisjoint(_names(defs))
    assert names <= _names(told)


def test_the_location_loads_in_a_fresh_interpreter_and_touches_nothing(tmp_path: Path) -> None:
    """No network, no database, no file but the manifest; and quickly, because every run pays for it."""
    code = """
import socket
def refuse(*_):
    raise AssertionError("importing the definitions opened a connection")
socket.socket.connect = refuse
from sendgrid_orchestration.definitions import defs
assert defs.resolve_all_asset_specs()
import os
print(os.times().user + os.times().system)
"""
    environment = {**os.environ, "SENDGRID_DATA_DIR": str(tmp_path / "data")}
    environment.pop("SENDGRID_CONFIG", None)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "data").exists()
    assert float(done.stdout) < 12, (
        f"{done.stdout} s of processor time, {time.monotonic() - began:.1f} s in all"
    )


def _event(kind: dg.DagsterEventType, job: str) -> dg.DagsterEvent:
    return dg.DagsterEvent(kind.value, job)


def _names(defs: dg.Definitions) -> set[str]:
    return {sensor.name for sensor in defs.sensors or ()}


def _picture(defs: dg.Definitions) -> str:
    lines = []
    for spec in sorted(defs.resolve_all_asset_specs(), key=lambda spec: spec.key):
        if spec.key.path[0] == "marketing":
            partitions = "daily" if spec.partitions_def else "-"
            deps = ", ".join(sorted(dep.asset_key.to_user_string() for dep in spec.deps)) or "-"
            lines.append(
                f"{spec.group_name}: {spec.key.to_user_string()} [{', '.join(sorted(spec.kinds))}] {partitions} <- {deps}"
            )
    repository = defs.get_repository_def()
    lines += sorted(
        f"check {key.to_user_string()}"
        for key in repository.asset_checks_defs_by_key
        if key.asset_key.path[0] == "marketing"
    )
    lines += sorted(f"job {job.name}" for job in repository.get_all_jobs() if not job.name.startswith("__"))
    lines += sorted(
        f"schedule {schedule.name} {schedule.cron_schedule}" for schedule in repository.schedule_defs
    )
    lines += sorted(
        f"sensor {sensor.name} every {sensor.minimum_interval_seconds} s" for sensor in repository.sensor_defs
    )
    return "\n".join(lines) + "\n"
