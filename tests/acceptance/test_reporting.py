"""What Dagster shows beside the assets of a run: days of the past, and views."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from sendgrid_orchestration.defs.partitions import daily, range_tags
from sendgrid_orchestration.defs.reporting import add_rows_of_days, report_days, report_views, views_over

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
TODAY = datetime.now(UTC).date()
FIRST = TODAY - timedelta(days=399)
FACT = dg.AssetKey(["news", "marts", "fct_email_messages"])
LISTS = dg.AssetKey(["news", "raw", "lists"])
VIEW = dg.AssetSpec(["news", "lists"], deps=[LISTS], kinds={"view"}, code_version="2")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def _rows(first: date, last: date) -> dict[date, int]:
    return {day: 7 for day in (FIRST, TODAY) if first <= day <= last}


def _build(instance: dg.DagsterInstance, first_day: date = FIRST) -> dg.ExecuteInProcessResult:
    """A model that follows the loads, in a run for today."""

    @dg.multi_asset(
        specs=[dg.AssetSpec(FACT, partitions_def=daily(first_day), code_version="1")],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def fact(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        add_rows_of_days(context, FACT, _rows)
        yield dg.MaterializeResult(asset_key=FACT)
        report_days(context, FACT, _rows)

    return dg.materialize([fact], instance=instance, tags=range_tags(TODAY, TODAY), run_config=QUIET)


def _materializations(instance: dg.DagsterInstance) -> list[dg.AssetMaterialization]:
    records = instance.fetch_materializations(FACT, limit=1000).records
    return [record.asset_materialization for record in records if record.asset_materialization]


def test_the_first_build_shows_every_day_and_the_next_only_its_own(instance: dg.DagsterInstance) -> None:
    """400 days cost 400 entries, which is the least: Dagster knows a day by an entry of its own."""
    first = _build(instance)
    assert len(instance.get_materialized_partitions(FACT)) == 400
    assert len(_materializations(instance)) == 400
    assert len(instance.all_logs(first.run_id)) < 30, "the run's page stays short"
    _build(instance)
    assert len(_materializations(instance)) == 401


def test_days_that_were_never_shown_are_shown_by_the_next_run(instance: dg.DagsterInstance) -> None:
    _build(instance, FIRST + timedelta(days=10))
    assert len(instance.get_materialized_partitions(FACT)) == 390
    _build(instance)
    assert len(instance.get_materialized_partitions(FACT)) == 400


def test_each_day_says_its_rows_and_which_run_built_it(instance: dg.DagsterInstance) -> None:
    run = _build(instance).run_id
    days = {one.partition: one for one in _materializations(instance)}
    rows = {day: one.metadata["dagster/partition_row_count"].value for day, one in days.items()}
    assert {day: number for day, number in rows.items() if number} == {f"{FIRST}": 7, f"{TODAY}": 7}
    assert days[f"{FIRST}"].metadata["built by"].value == run
    assert days[f"{FIRST}"].tags == days[f"{TODAY}"].tags, "its data versions are those of the run"


def test_days_stay_shown_when_their_run_is_deleted(instance: dg.DagsterInstance) -> None:
    run = _build(instance).run_id
    instance.delete_run(run)
    assert len(instance.get_materialized_partitions(FACT)) == 399


def test_views_are_found_through_other_views_and_nothing_else_is() -> None:
    def spec(name: str, *deps: str, kind: str = "view") -> dg.AssetSpec:
        return dg.AssetSpec(name, deps=list(deps), kinds={kind})

    specs = [
        spec("of_clicks", "activity"),
        spec("activity", "events"),
        spec("lists", "raw_lists"),
        spec("recipients", "raw_recipients", "engagement"),
        spec("engagement", "activity", kind="table"),
    ]

    def over(*changed: str) -> set[str]:
        keys = {dg.AssetKey(name) for name in changed}
        return {view.key.to_user_string() for view in views_over(specs, keys)}

    assert over("events") == {"activity", "of_clicks"}
    assert over("raw_lists") == {"lists"}
    assert over("engagement") == over("raw_recipients") == {"recipients"}
    assert over("events", "activity") == {"of_clicks"}


def test_a_view_shows_what_the_latest_sync_brought_and_stays_current(instance: dg.DagsterInstance) -> None:
    """Also if it was created before the first sync: the run that changes its table reports it."""
    counts = iter([3, 8])

    @dg.asset(key=LISTS, code_version="1")
    def fetch(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        yield dg.MaterializeResult()
        report_views(context, [VIEW], lambda _: next(counts))

    @dg.multi_asset(specs=[VIEW])
    def create() -> Iterator[dg.MaterializeResult[None]]:
        yield dg.MaterializeResult(asset_key=VIEW.key, metadata={"dagster/row_count": 0})

    @dg.asset(deps=[VIEW.key], code_version="1")
    def mart() -> None:
        """Reads the view."""

    def run(asset: dg.AssetsDefinition) -> None:
        dg.materialize([fetch, create, mart], selection=[asset], instance=instance, run_config=QUIET)

    def stale() -> list[str]:
        graph = dg.Definitions(assets=[fetch, create, mart]).resolve_asset_graph()
        resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
        keys = graph.get_all_asset_keys()
        return [key.to_user_string() for key in keys if resolver.get_status(key) != StaleStatus.FRESH]

    run(create)
    run(fetch)
    run(mart)
    assert stale() == []
    run(fetch)
    assert stale() == []
    records = instance.fetch_materializations(VIEW.key, limit=10).records
    rows = [
        one.asset_materialization.metadata["dagster/row_count"].value
        for one in records
        if one.asset_materialization
    ]
    assert rows == [8, 3, 0]


def test_a_view_that_is_not_created_yet_is_not_shown(instance: dg.DagsterInstance) -> None:
    @dg.asset(key=LISTS)
    def fetch(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        yield dg.MaterializeResult()
        report_views(context, [VIEW], lambda _: 8)

    assert dg.materialize([fetch], instance=instance, run_config=QUIET).success
    assert instance.get_latest_materialization_event(VIEW.key) is None
