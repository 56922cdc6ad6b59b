"""What Dagster makes of destinations: a run when something waits, none when nothing does, old days on demand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from sendgrid_orchestration.cli.headless import tick_sensor
from sendgrid_orchestration.defs.destinations import assets
from sendgrid_orchestration.defs.destinations.assets import destination_asset
from sendgrid_orchestration.defs.destinations.jobs import destination_job
from sendgrid_orchestration.defs.destinations.sensors import destinations_sensor
from sendgrid_orchestration.defs.forwards import assets as forward_assets
from sendgrid_orchestration.defs.forwards.assets import forward_asset
from sendgrid_orchestration.defs.forwards.jobs import forward_job
from sendgrid_orchestration.defs.forwards.sensors import forwards_sensor
from sendgrid_orchestration.defs.resources import Landing as LandingResource
from sendgrid_orchestration.defs.resources import Warehouse
from sendgrid_orchestration.destinations import forwarder, sender
from sendgrid_orchestration.settings import Settings, load_settings
from sendgrid_orchestration.simulator.old_consumer import OldConsumer
from sendgrid_orchestration.simulator.segment import SegmentApi
from tests.support.deliveries import IMPATIENT, WRITE_KEY, Events, segment, set_keys
from tests.support.landed import event

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
SENSOR = "sendgrid_destinations_follow_loads"
NOW = datetime.now(UTC)


@dataclass
class Deliveries:
    """A source with destinations, and Dagster's memory of what was sent to them."""

    events: Events
    api: SegmentApi
    file: Path
    instance: dg.DagsterInstance

    def configure(self, *destinations: dict[str, Any]) -> None:
        """Write the settings anew."""
        source = {"name": "sendgrid", "destinations": list(destinations)}
        self.file.write_text(
            yaml.safe_dump({"data_dir": str(self.file.parent / "data"), "sources": [source]})
        )

    @property
    def settings(self) -> Settings:
        """As the file has them now."""
        return load_settings()

    @property
    def definitions(self) -> dg.Definitions:
        """Those of the destinations alone: the rest would take seconds to load."""
        (source,) = self.settings.sources
        jobs = [destination_job(source, one) for one in source.destinations]
        return dg.Definitions(
            assets=[destination_asset(source, one, self.settings) for one in source.destinations],
            jobs=jobs,
            sensors=[destinations_sensor(source, self.settings.schedules, jobs)],
            resources={"warehouse": Warehouse(self.settings)},
        )

    def tick(self) -> list[dg.RunRequest]:
        """What the sensor requests now."""
        return tick_sensor(self.definitions, self.instance, SENSOR)

    def run(self, job: str, config: dict[str, Any] | None = None, **tags: str) -> dg.ExecuteInProcessResult:
        """One run, to its end."""
        return self.definitions.resolve_job_def(job).execute_in_process(
            run_config={**QUIET, **(config or {})}, instance=self.instance, tags=tags, raise_on_error=False
        )

    def follow(self) -> dict[str, dg.ExecuteInProcessResult]:
        """Run what the sensor requests, by job."""
        requests = {str(request.job_name): request for request in self.tick()}
        return {
            job: self.run(job, dict(request.run_config), **request.tags) for job, request in requests.items()
        }


@pytest.fixture
def deliveries(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deliveries]:
    set_keys(monkeypatch)
    monkeypatch.setenv("WAREHOUSE_URL", warehouse_url)
    monkeypatch.setenv("SENDGRID_CONFIG", str(tmp_path / "sendgrid.yaml"))
    monkeypatch.setattr(assets, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(sender, "RetryPolicy", lambda: IMPATIENT)
    with SegmentApi(WRITE_KEY) as api, dg.DagsterInstance.ephemeral() as instance:
        yield Deliveries(
            Events(warehouse_url, tmp_path / "landing"), api, tmp_path / "sendgrid.yaml", instance
        )


def metadata(done: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (materialization,) = done.asset_materializations_for_node(
        next(step.step_key for step in done.all_events if step.is_step_success)
    )[-1:]
    return {name: value.value for name, value in materialization.metadata.items()}


def test_a_run_follows_each_load_and_none_when_nothing_waits(deliveries: Deliveries) -> None:
    """S82, S94 and the plotted numbers; an idle destination makes no run and no call."""
    deliveries.configure(segment(deliveries.api.url, start="now"))
    assert deliveries.tick() == [], "nothing was ever loaded"
    deliveries.events.load_ordinary(5)
    assert deliveries.tick() == [], "enabling starts from now"
    deliveries.events.load(event(n, timestamp=int(NOW.timestamp()), sg_event_id=f"new-{n}") for n in range(8))
    (done,) = deliveries.follow().values()
    assert done.success
    told = metadata(done)
    assert (told["sent"], told["accepted"], told["rejected"], told["unknown"]) == (8, 8, 0, 0)
    assert told["events per second"] > 0
    assert told["lag in seconds"] == 0
    assert {check.check_name: check.passed for check in done.get_asset_check_evaluations()} == {
        "every_event_is_accounted_for": True,
        "nothing_rejected": True,
        "nothing_waits_for_a_person": True,
    }
    calls = len(deliveries.api.log.all())
    assert deliveries.tick() == []
    assert len(deliveries.api.log.all()) == calls == 1


def test_a_destination_that_is_down_fails_alone_and_is_asked_again_later(deliveries: Deliveries) -> None:
    deliveries.configure(
        segment("http://127.0.0.1:9", name="down"),
        segment(deliveries.api.url),
        segment("http://127.0.0.1:9", name="idle", paused=True),
    )
    deliveries.events.load_ordinary(5)
    done = deliveries.follow()
    assert {job: run.success for job, run in done.items()} == {
        "sendgrid_to_down": False,
        "sendgrid_to_segment": True,
    }
    assert deliveries.tick() == [], (
        "the one that is down is left alone for a while, and the paused one for good"
    )
    deliveries.configure(segment(deliveries.api.url, name="down"), segment(deliveries.api.url))
    again = deliveries.run(
        "sendgrid_to_down", {"ops": {"sendgrid__destinations__down": {"config": {"backfill": False}}}}
    )
    assert again.success
    assert metadata(again)["accepted"] == 5


def test_checks_tell_of_rejected_events_and_unclear_deliveries(deliveries: Deliveries) -> None:
    deliveries.configure(segment(deliveries.api.url))
    deliveries.events.load([event(1, email=""), event(2)])
    (done,) = deliveries.follow().values()
    failed = {check.check_name for check in done.get_asset_check_evaluations() if not check.passed}
    assert failed == {"nothing_rejected"}
    deliveries.events.run(
        "update sendgrid_raw.delivery_batches set state = 'unknown', first_sent_at = now() - interval '2 days', "
        "accepted = 0, unknown = 1"
    )
    deliveries.events.load_ordinary(1)
    (done,) = deliveries.follow().values()
    failed = {check.check_name for check in done.get_asset_check_evaluations() if not check.passed}
    assert failed == {"nothing_rejected", "nothing_waits_for_a_person"}


def test_old_days_are_sent_from_the_ui_and_a_person_is_told_what_may_double(deliveries: Deliveries) -> None:
    deliveries.configure(segment(deliveries.api.url, start="now"))
    deliveries.events.load_ordinary(20)
    deliveries.events.load([event(100 + n) for n in range(4)])
    deliveries.follow()
    days = {
        "dagster/asset_partition_range_start": "2024-06-01",
        "dagster/asset_partition_range_end": "2024-06-02",
    }
    deliveries.file.write_text(deliveries.file.read_text() + "schedules: {first_day: 2024-05-01}\n")
    done = deliveries.run("sendgrid_to_segment", **days)
    assert metadata(done)["accepted"] == 24
    shown = deliveries.instance.get_materialized_partitions(
        dg.AssetKey(["sendgrid", "destinations", "segment"])
    )
    assert shown == {"2024-06-01", "2024-06-02"}
    deliveries.events.run(
        "update sendgrid_raw.delivery_batches set first_sent_at = now() - interval '2 days'"
    )
    config = {"again": True}
    op = {"ops": {"sendgrid__destinations__segment": {"config": config}}}
    refused = deliveries.run("sendgrid_to_segment", op, **days)
    assert not refused.success
    config["may_double"] = True
    assert metadata(deliveries.run("sendgrid_to_segment", op, **days))["accepted"] == 24


def test_a_run_is_shown_for_few_days_however_old_its_events_are(deliveries: Deliveries) -> None:
    deliveries.configure(segment(deliveries.api.url))
    deliveries.events.load_ordinary(3)
    deliveries.events.load([event(9, timestamp=int((NOW - timedelta(days=1)).timestamp()))])
    (request,) = deliveries.tick()
    first = request.tags["dagster/asset_partition_range_start"]
    assert first == f"{(NOW - timedelta(days=6)).date()}"
    assert request.tags["dagster/asset_partition_range_end"] == f"{(NOW - timedelta(days=1)).date()}"


def test_a_run_forwards_after_each_load_and_a_consumer_that_is_down_fails_alone(
    deliveries: Deliveries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same posts go to two consumers; neither waits for the other, and idle ones make no run."""
    monkeypatch.setenv("LANDING_URL", (tmp_path / "landing").as_uri())
    monkeypatch.setattr(forward_assets, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(forwarder, "RetryPolicy", lambda: IMPATIENT)
    with OldConsumer() as consumer:
        forwards = [
            {"name": "good", "url": consumer.url, "enabled": True, "start": "beginning", "max_tries": 1},
            {"name": "down", "url": "http://127.0.0.1:9", "enabled": True, "start": "beginning"},
            {"name": "later", "url": consumer.url},
        ]
        source = {"name": "sendgrid", "forward": forwards}
        deliveries.file.write_text(yaml.safe_dump({"data_dir": str(tmp_path / "data"), "sources": [source]}))
        settings = deliveries.settings
        (one,) = settings.sources
        jobs = [forward_job(one, forward) for forward in one.forward]
        definitions = dg.Definitions(
            assets=[forward_asset(one, forward, settings) for forward in one.forward],
            jobs=jobs,
            sensors=[forwards_sensor(one, settings.schedules, jobs)],
            resources={"warehouse": Warehouse(settings), "landing": LandingResource(settings)},
        )

        def follow() -> dict[str, dg.ExecuteInProcessResult]:
            requests = tick_sensor(definitions, deliveries.instance, "sendgrid_forwards_follow_loads")
            return {
                str(request.job_name): definitions.resolve_job_def(str(request.job_name)).execute_in_process(
                    run_config=QUIET, instance=deliveries.instance, tags=request.tags, raise_on_error=False
                )
                for request in requests
            }

        assert follow() == {}, "nothing was ever loaded"
        deliveries.events.load_ordinary(3)
        deliveries.events.load_ordinary(3)
        done = follow()
        assert {job: run.success for job, run in done.items()} == {
            "sendgrid_forward_good": True,
            "sendgrid_forward_down": False,
        }
        told = metadata(done["sendgrid_forward_good"])
        assert (told["posts acknowledged"], told["landed files"], told["lag in seconds"]) == (2, 2, 0)
        checks = done["sendgrid_forward_good"].get_asset_check_evaluations()
        assert {check.check_name: check.passed for check in checks} == {
            "nothing_rejected": True,
            "nothing_lost": True,
        }
        assert follow() == {}, "one has everything, the other is left alone for a while"
        consumer.dislikes = lambda _: True
        deliveries.events.load_ordinary(1)
        done = follow()
        failed = [
            check for check in done["sendgrid_forward_good"].get_asset_check_evaluations() if not check.passed
        ]
        assert [check.check_name for check in failed] == ["nothing_rejected"]
        assert len(consumer.taken) == 2
