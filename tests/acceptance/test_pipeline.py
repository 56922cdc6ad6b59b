"""The runs that sensors ask for, executed in this process: what they bring, what their checks say, who is told."""

from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from sendgrid_orchestration.cli import headless
from sendgrid_orchestration.cli.stage import Cast, Stage, set_up
from sendgrid_orchestration.definitions import build_definitions
from sendgrid_orchestration.defs.alerts.sensors import failed_runs_sensor
from sendgrid_orchestration.defs.partitions import range_tags
from sendgrid_orchestration.defs.runs import reasons
from sendgrid_orchestration.landing.names import SUFFIX, name_giver
from sendgrid_orchestration.landing.store import local_folder
from sendgrid_orchestration.settings import Alerts
from sendgrid_orchestration.simulator import SMOOTH, SendSummary
from sendgrid_orchestration.warehouse.engine import resolve_urls
from tests.support.listeners import webhook_listener

pytestmark = [
    pytest.mark.timeout(900),
    # dagster-dbt asks its own context in the old way.
    pytest.mark.filterwarnings("ignore:AssetExecutionContext.op is deprecated:DeprecationWarning"),
]

TODAY = datetime.now(UTC).date()
OVERVIEW = dg.AssetKey(["news", "marts", "mart_email_overview_daily"])
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Pipeline:
    """A stage, and Dagster in this process."""

    stage: Stage
    defs: dg.Definitions
    instance: dg.DagsterInstance
    sent: SendSummary

    def tick(self, sensor: str) -> list[dg.RunRequest]:
        """What the sensor asks for."""
        return headless.tick_sensor(self.defs, self.instance, f"news_{sensor}")

    def value(self, query: str) -> int:
        """A number from the warehouse."""
        with psycopg.connect(resolve_urls(self.stage.settings).warehouse.get_secret_value()) as conn:
            row = conn.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    cast = Cast("news", "sendgrid_news", seed=21, contacts=80, days=4, messages=150)
    with set_up(tmp_path_factory.mktemp("pipeline"), [cast]) as stage:
        defs = build_definitions(stage.settings)
        with headless.open_instance(stage.folder / "dagster") as instance:
            assert headless.tick_sensor(defs, instance, "news_landed_files") == []
            sent = stage.send_history(stage.settings.sources[0], SMOOTH)
            stage.children.stop("receiver")
            yield Pipeline(stage, defs, instance, sent)


def test_one_run_takes_all_that_waits(pipeline: Pipeline) -> None:
    (request,) = pipeline.tick("landed_files")
    assert request.run_config["ops"]["news__raw__events"]["config"] == {"reload": False}
    result = headless.execute(pipeline.defs, pipeline.instance, "news_events", request)
    assert pipeline.value("select count(*) from sendgrid_news_raw.events") == pipeline.sent.unique_events
    assert pipeline.tick("landed_files") == []
    (materialization, *_) = result.asset_materializations_for_node("news__raw__events")
    assert materialization.metadata["events inserted"].value == pipeline.sent.unique_events
    assert materialization.metadata["dagster/row_count"].value == pipeline.sent.unique_events
    assert {check.check_name: check.passed for check in result.get_asset_check_evaluations()} == {
        "ledger_adds_up": True,
        "little_in_quarantine": True,
        "no_damaged_files": True,
        "no_files_set_aside": True,
    }


def test_models_are_built_once_and_then_follow(pipeline: Pipeline, tmp_path: Path) -> None:
    (request,) = pipeline.tick("models_follow_loads")
    assert request.asset_selection is None, "the first run builds everything, views too"
    _models(pipeline, request, tmp_path)
    assert pipeline.value("select count(*) from sendgrid_news.activity") == pipeline.sent.unique_events
    assert pipeline.value("select sum(messages) from sendgrid_news_marts.mart_email_overview_daily") > 0
    known = (
        "select count(*) filter (where built_from is null), count(*) from sendgrid_news_staging.model_state"
    )
    with psycopg.connect(resolve_urls(pipeline.stage.settings).warehouse.get_secret_value()) as conn:
        unknown, models = conn.execute(known.encode()).fetchone() or (0, 0)
    assert models > 20
    assert unknown == 0, "dbt was told the fingerprints of the models"
    assert pipeline.tick("models_follow_loads") == []


def test_a_dbt_test_that_fails_is_a_failed_check(pipeline: Pipeline, tmp_path: Path) -> None:
    with psycopg.connect(resolve_urls(pipeline.stage.settings).warehouse.get_secret_value()) as conn:
        conn.execute("update sendgrid_news_marts.mart_email_overview_daily set messages = messages + 1")
    result = _models(pipeline, None, tmp_path, asset_selection=[OVERVIEW])
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert failed, reasons(result.all_events)
    assert {check.asset_key for check in failed} == {OVERVIEW}
    assert not result.success


def test_people_are_told_of_the_failure_once(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    run = pipeline.instance.get_runs(limit=1)[0]
    event = next(
        record.dagster_event
        for record in pipeline.instance.all_logs(run.run_id)
        if record.dagster_event and record.dagster_event.event_type == dg.DagsterEventType.RUN_FAILURE
    )
    with webhook_listener() as webhook:
        monkeypatch.setenv("HOOK", webhook.url)
        sensor = failed_runs_sensor(Alerts.model_validate({"urls": [{"env": "HOOK"}]}))
        context = dg.build_run_status_sensor_context(sensor.name, event, pipeline.instance, run)
        sensor(context.for_run_failure())
    (message,) = webhook.messages
    assert message["title"] == "news_models failed"
    assert f"/runs/{run.run_id}" in message["message"]


def test_files_that_cannot_be_loaded_fail_checks_until_somebody_has_taken_them_away(
    pipeline: Pipeline,
) -> None:
    name = name_giver()(datetime.now(UTC))
    broken = local_folder(pipeline.stage.settings.landing_url) / "news" / "sealed" / f"{name}{SUFFIX}"
    broken.write_bytes(b"not a post")
    (request,) = pipeline.tick("landed_files")
    aside = broken.with_name(f"{name_giver()(datetime.now(UTC))}{SUFFIX}")
    aside.write_bytes(b"")
    with psycopg.connect(resolve_urls(pipeline.stage.settings).warehouse.get_secret_value()) as conn:
        conn.execute(
            "insert into sendgrid_news_raw.failed_files (file_name, bytes, reason, place, tries, set_aside_at) "
            "values (%s, 0, 'ValueError: nobody foresaw this', 'rows.py:1', 2, now())",
            [aside.name.removesuffix(SUFFIX)],
        )

    def checks() -> dict[str, dg.AssetCheckEvaluation]:
        result = headless.execute(pipeline.defs, pipeline.instance, "news_events", request)
        assert result.success
        return {one.check_name: one for one in result.get_asset_check_evaluations()}

    found = checks()
    assert not found["no_damaged_files"].passed
    assert "it does not begin like a landed file" in str(found["no_damaged_files"].metadata[name].value)
    assert not found["no_files_set_aside"].passed
    assert aside.name.removesuffix(SUFFIX) in (found["no_files_set_aside"].description or "")
    assert pipeline.tick("landed_files") == [], "they are not tried again and again"
    broken.unlink()
    aside.unlink()
    assert all(check.passed for check in checks().values())


def _models(
    pipeline: Pipeline,
    request: dg.RunRequest | None,
    folder: Path,
    asset_selection: list[dg.AssetKey] | None = None,
) -> dg.ExecuteInProcessResult:
    config = request.run_config if request else {"ops": {"news__models": {"config": {"rebuild": False}}}}
    with (folder / "dbt.log").open("w", encoding="utf-8") as log, redirect_stdout(log):
        return pipeline.defs.resolve_job_def("news_models").execute_in_process(
            run_config={**QUIET, **config},
            instance=pipeline.instance,
            tags=dict(request.tags) if request else range_tags(TODAY, TODAY),
            asset_selection=asset_selection,
            raise_on_error=request is not None,
        )
