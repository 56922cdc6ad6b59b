"""When the sensor of the models requests a run, for which days and of what, and why it waits if it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import psycopg
import pytest
from dagster import DagsterRunStatus

from sendgrid_orchestration.defs.models.jobs import job_name, run_config
from sendgrid_orchestration.defs.models.sensors import NEWS, models_sensor
from sendgrid_orchestration.defs.objects.jobs import job_name as objects_job_name
from sendgrid_orchestration.defs.partitions import range_tags
from sendgrid_orchestration.defs.resources import Warehouse
from sendgrid_orchestration.defs.runs import UNFINISHED
from sendgrid_orchestration.settings import Schedules, Source, load_settings
from sendgrid_orchestration.warehouse.engine import connect
from sendgrid_orchestration.warehouse.migrations import migrate
from tests.support.dagster_runs import origin_of
from tests.support.databases import database

TABLES = [dg.AssetKey("fct_email_messages"), dg.AssetKey("mart_email_overview_daily")]


def models(code_version: str = "1") -> dg.AssetsDefinition:
    """What dbt builds: tables, which follow the loads, and a view and a seed, which need not."""
    kinds = {TABLES[0]: "table", TABLES[1]: "table", "activity": "view", "mailbox_providers": "seed"}
    specs = [dg.AssetSpec(key, kinds={"dbt", kind}, code_version=code_version) for key, kind in kinds.items()]

    @dg.multi_asset(specs=specs)
    def built() -> Iterator[dg.MaterializeResult[None]]:
        """Is never run."""
        yield dg.MaterializeResult()

    return built


@dataclass
class Followed:
    """The ledgers of one source, its models, and a Dagster that knows their runs.

    Attributes:
        cursor: the sensor's, as its last tick left it.
    """

    warehouse: Warehouse
    instance: dg.DagsterInstance
    models: dg.AssetsDefinition
    schedules: Schedules
    cursor: str | None = None

    @property
    def source(self) -> Source:
        """The only one."""
        return self.warehouse.settings.sources[0]

    def tick(self) -> dg.RunRequest | str:
        """What the sensor requests, or why it requests nothing."""
        context = dg.build_sensor_context(self.instance, self.cursor, resources={"warehouse": self.warehouse})
        asked = models_sensor(self.source, self.schedules, self.models)(context)
        self.cursor = context.cursor
        if isinstance(asked, dg.SkipReason):
            return str(asked.skip_message)
        assert isinstance(asked, dg.RunRequest)
        return asked

    def request(self) -> dg.RunRequest:
        """What the sensor requests, where it has to."""
        asked = self.tick()
        assert isinstance(asked, dg.RunRequest), asked
        return asked

    def execute(self, statement: str) -> None:
        """Change the ledgers, which are named without their schema."""
        with psycopg.connect(self.warehouse.url()) as conn:
            conn.execute(f"set search_path to {self.source.raw_schema}".encode())
            conn.execute(statement.encode())

    def load(self) -> None:
        """Write that something was loaded."""
        self.execute("insert into loads (kind) values ('load')")

    def sync(self, *, inserted: int = 0, updated: int = 0, deleted: int = 0, error: str = "null") -> None:
        """Write that an object was synced."""
        self.execute(
            "insert into sync_runs (object, started_at, inserted, updated, deleted, error) "
            f"values ('lists', now(), {inserted}, {updated}, {deleted}, {error})"
        )

    def run(
        self, status: DagsterRunStatus, request: dg.RunRequest | None = None, job: str | None = None
    ) -> dg.DagsterRun:
        """Write that there is such a run; of the models, unless another job is named."""

        @dg.op
        def work() -> None:
            """Is never done."""

        @dg.job(name=job or job_name(self.source))
        def working() -> None:
            work()

        tags = {"dagster/run_key": str(request.run_key), **request.tags} if request else None
        return self.instance.create_run_for_job(
            working, status=status, tags=tags, remote_job_origin=origin_of(working.name)
        )

    def catch_up(self) -> None:
        """Have a run of the models take everything."""
        self.run(DagsterRunStatus.SUCCESS, self.request())
        assert self.tick() == "The models are up to date."


@pytest.fixture(scope="module")
def warehouse(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with database(postgres_url, "models_sensor") as url:
        settings = load_settings(
            data_dir=tmp_path_factory.mktemp("data"), warehouse={"url": url}, sources=[{"name": "news"}]
        )
        yield Warehouse(settings)


@pytest.fixture
def followed(warehouse: Warehouse) -> Iterator[Followed]:
    """A source of which nothing was loaded or synced yet."""
    with connect(warehouse.url()) as conn:
        migrate(conn, warehouse.settings.sources[0])
    with dg.DagsterInstance.ephemeral() as instance:
        one = Followed(warehouse, instance, models(), Schedules(models_poll_seconds=5))
        one.execute("truncate loads, sync_runs restart identity cascade")
        yield one


def today() -> date:
    return datetime.now(UTC).date()


def test_nothing_is_built_before_the_first_load_or_sync(followed: Followed) -> None:
    assert followed.tick() == "Nothing was loaded or synced yet."
    followed.sync()
    followed.sync(inserted=1, error="'SendGrid answered 500.'")
    assert followed.tick() == "Nothing was loaded or synced yet.", "neither of the two brought a row"
    followed.execute("drop schema news_raw cascade")
    assert followed.tick() == "Nothing was loaded or synced yet."


@pytest.mark.parametrize("change", ["load", "inserted", "updated", "deleted"])
def test_the_first_news_of_any_kind_builds_everything(followed: Followed, change: str) -> None:
    """Views too, and yesterday, as far as the schedules reach back."""
    if change == "load":
        followed.load()
    else:
        followed.sync(**{change: 1})
    asked = followed.request()
    assert asked.asset_selection is None
    assert asked.run_config == run_config(followed.source, rebuild=False)
    assert asked.tags == {NEWS: "first build", **range_tags(today() - timedelta(days=1), today())}
    followed.schedules = Schedules(models_poll_seconds=5, first_day=today())
    assert followed.request().tags == {NEWS: "first build", **range_tags(today(), today())}


def test_later_news_update_the_tables_alone(followed: Followed) -> None:
    followed.load()
    followed.catch_up()
    followed.load()
    followed.load()
    followed.sync(updated=3)
    asked = followed.request()
    assert asked.asset_selection == TABLES
    assert asked.tags == {NEWS: "2 loads, 1 sync", **range_tags(today(), today())}
    followed.catch_up()


def test_syncs_that_changed_nothing_are_no_news(followed: Followed) -> None:
    followed.load()
    followed.catch_up()
    followed.sync()
    followed.sync(deleted=1, error="'SendGrid answered 500.'")
    assert followed.tick() == "The models are up to date."


def test_one_run_of_the_models_at_a_time(followed: Followed) -> None:
    followed.load()
    asked = followed.request()
    for status in UNFINISHED:
        run = followed.run(status, asked)
        assert followed.tick() == (
            f"Loads up to 1 wait for their models. Run {run.run_id[:8]} is {status.value.lower()} and takes them."
        )


def test_a_run_that_failed_is_tried_again_after_a_pause_under_a_new_key(followed: Followed) -> None:
    """Dagster starts no second run of a key that it has seen."""
    followed.load()
    first = followed.request()
    run = followed.run(DagsterRunStatus.STARTED, first)
    followed.instance.report_run_failed(run)
    assert "wait for their models. The last 1 run(s) failed; the next attempt is at" in str(followed.tick())
    followed.run(DagsterRunStatus.CANCELED)
    again = followed.request()
    assert again.run_key != first.run_key
    assert again.tags[NEWS] == "first build"


def test_the_next_run_rests_as_long_as_the_last_took_but_no_longer_than_a_poll(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed.load()
    followed.catch_up()
    followed.load()
    (record,) = followed.instance.get_run_records()
    ended = datetime.now(UTC) - timedelta(seconds=10)
    record = record._replace(create_timestamp=ended - timedelta(hours=1), end_time=ended.timestamp())
    monkeypatch.setattr(followed.instance, "get_run_records", lambda *_, **__: [record])
    assert followed.request().tags[NEWS] == "1 load"
    followed.schedules = Schedules(models_poll_seconds=60)
    due = f"{ended + timedelta(seconds=60):%H:%M:%S}"
    assert followed.tick() == (
        f"Loads up to 2 wait for their models. The last run took 3600 s; the next is due at {due} UTC."
    )


def test_news_of_a_sync_wait_until_the_sync_is_over_and_loads_do_not(followed: Followed) -> None:
    followed.load()
    syncing = followed.run(DagsterRunStatus.STARTED, job=objects_job_name(followed.source))
    followed.catch_up()
    followed.sync(inserted=1)
    assert followed.tick() == "A sync is under way; one update will take all that it brings."
    followed.instance.report_run_failed(syncing)
    assert followed.request().tags[NEWS] == "1 sync"
    followed.run(DagsterRunStatus.QUEUED, job=objects_job_name(followed.source))
    followed.load()
    assert followed.request().tags[NEWS] == "1 load, 1 sync"


def test_new_code_builds_everything_again(followed: Followed) -> None:
    followed.load()
    followed.run(DagsterRunStatus.STARTED, job=objects_job_name(followed.source))
    followed.catch_up()
    followed.models = models("2")
    asked = followed.request()
    assert (asked.asset_selection, asked.tags[NEWS]) == (None, "new day or new code")
    followed.catch_up()


def test_the_first_run_of_a_day_builds_everything_and_closes_the_day_before(followed: Followed) -> None:
    followed.load()
    asked, yesterday = followed.request(), today() - timedelta(days=1)
    followed.run(
        DagsterRunStatus.SUCCESS,
        asked._replace(run_key=str(asked.run_key).replace(str(today()), str(yesterday))),
    )
    asked = followed.request()
    assert asked.asset_selection is None
    assert asked.tags == {NEWS: "new day or new code", **range_tags(yesterday, today())}


def test_the_cursor_remembers_a_success_that_was_deleted(followed: Followed) -> None:
    followed.load()
    followed.catch_up()
    for run in followed.instance.get_runs():
        followed.instance.delete_run(run.run_id)
    assert followed.tick() == "The models are up to date."
    followed.cursor = None
    assert followed.request().tags[NEWS] == "first build"
