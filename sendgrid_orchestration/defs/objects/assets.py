"""One asset for each object of the API that a source has switched on; members of lists and of segments are fetched together."""

from collections.abc import Iterator, Sequence
from typing import get_args

import dagster as dg

from sendgrid_orchestration.defs.objects.cadence import MEMBERS, longest_interval, members_budget
from sendgrid_orchestration.defs.objects.checks import check_results, check_specs
from sendgrid_orchestration.defs.reporting import report_views, views_over
from sendgrid_orchestration.defs.resources import SendGrid, Warehouse
from sendgrid_orchestration.defs.tables import RAW_VERSION, column_schema, count_rows
from sendgrid_orchestration.sendgrid.errors import RateLimitedError, SendGridError, SendGridUnavailableError
from sendgrid_orchestration.settings import ObjectName, Settings, Source
from sendgrid_orchestration.sync import SyncResult, sync_members, sync_object
from sendgrid_orchestration.warehouse.engine import connect
from sendgrid_orchestration.warehouse.object_tables import TABLES

_RETRIES = dg.RetryPolicy(max_retries=1, delay=60, jitter=dg.Jitter.PLUS_MINUS)

WORTH_ANOTHER_TRY = (RateLimitedError, SendGridUnavailableError)
"""Everything else that SendGrid says it would say again."""


def object_assets(
    source: Source, settings: Settings, models: Sequence[dg.AssetSpec] = ()
) -> list[dg.AssetsDefinition]:
    """The objects of one source, but for those that it skips.

    Args:
        source: the source.
        settings: schedules, limits of the checks, owners.
        models: what dbt builds for this source; a sync also reports the views over its table.
    """
    return [
        _object_asset(source, name, settings, models)
        for name in _names()
        if name not in source.skip_objects and name not in MEMBERS
    ]


def members_assets(
    source: Source, settings: Settings, models: Sequence[dg.AssetSpec] = ()
) -> list[dg.AssetsDefinition]:
    """Who is in which list and segment: one definition of two assets, because they share the time; none if both are skipped.

    Args:
        source: the source.
        settings: schedules, limits of the checks, owners.
        models: as above.
    """
    names = [name for name in _names() if name in MEMBERS and name not in source.skip_objects]
    return [_members_asset(source, names, settings, models)] if names else []


def _object_asset(
    source: Source, name: ObjectName, settings: Settings, models: Sequence[dg.AssetSpec]
) -> dg.AssetsDefinition:
    spec = _spec(source, name, settings)
    views = views_over(models, {spec.key})

    @dg.multi_asset(
        name="__".join(spec.key.path),
        specs=[spec],
        retry_policy=_RETRIES,
        pool=f"{source.name}_api",
        check_specs=check_specs(spec.key),
    )
    def fetch(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        sendgrid: dg.ResourceParam[SendGrid],
    ) -> Iterator[dg.MaterializeResult[None]]:
        url = warehouse.prepare(source)
        try:
            result = sync_object(sendgrid.client(source), url, source, name, progress=context.log.info)
        except SendGridError as error:
            raise dg.Failure(str(error), allow_retries=isinstance(error, WORTH_ANOTHER_TRY)) from error
        yield _materialized(context, url, spec, result, settings)
        with connect(url) as conn:
            report_views(context, views, lambda view: count_rows(conn, view.metadata["dagster/table_name"]))

    return fetch


def _members_asset(
    source: Source, names: Sequence[ObjectName], settings: Settings, models: Sequence[dg.AssetSpec]
) -> dg.AssetsDefinition:
    specs: dict[str, dg.AssetSpec] = {name: _spec(source, name, settings) for name in names}
    budget = members_budget(settings.schedules)

    @dg.multi_asset(
        name=f"{source.name}__raw__members",
        # Each may fail for itself.
        specs=[spec.replace_attributes(skippable=True) for spec in specs.values()],
        can_subset=True,
        retry_policy=_RETRIES,
        pool=f"{source.name}_members",
        check_specs=[check for spec in specs.values() for check in check_specs(spec.key, of_members=True)],
    )
    def fetch(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        sendgrid: dg.ResourceParam[SendGrid],
    ) -> Iterator[dg.MaterializeResult[None]]:
        url = warehouse.prepare(source)
        chosen = [name for name, spec in specs.items() if spec.key in context.selected_asset_keys]
        try:
            outcomes = sync_members(
                sendgrid.client(source),
                url,
                source,
                chosen,
                budget_s=budget.total_seconds(),
                progress=context.log.info,
            )
        except SendGridError as error:
            raise dg.Failure(str(error), allow_retries=isinstance(error, WORTH_ANOTHER_TRY)) from error
        for name, outcome in outcomes.items():
            if isinstance(outcome, SyncResult):
                yield _materialized(context, url, specs[name], outcome, settings)
        done = {specs[name].key for name, outcome in outcomes.items() if isinstance(outcome, SyncResult)}
        with connect(url) as conn:
            report_views(
                context,
                views_over(models, done),
                lambda view: count_rows(conn, view.metadata["dagster/table_name"]),
            )
        failures = [outcome for outcome in outcomes.values() if isinstance(outcome, SendGridError)]
        if failures:
            # Another try would read again what was read.
            again = not done and all(isinstance(error, WORTH_ANOTHER_TRY) for error in failures)
            raise dg.Failure("\n".join(map(str, failures)), allow_retries=again) from failures[0]

    return fetch


def _spec(source: Source, name: ObjectName, settings: Settings) -> dg.AssetSpec:
    return dg.AssetSpec(
        [source.name, "raw", name],
        group_name=f"{source.name}_objects",
        kinds={"sendgrid", "postgres", "table"},
        owners=list(settings.owners),
        description=TABLES[name].grain,
        metadata={
            "dagster/table_name": f"{source.raw_schema}.{name}",
            "dagster/column_schema": _declared(name),
        },
        code_version=RAW_VERSION,
        # An object that missed two syncs is overdue.
        freshness_policy=dg.FreshnessPolicy.time_window(
            fail_window=2 * longest_interval(settings.schedules, name)
        ),
    )


def _materialized(
    context: dg.AssetExecutionContext, url: str, spec: dg.AssetSpec, result: SyncResult, settings: Settings
) -> dg.MaterializeResult[None]:
    """What Dagster shows of a sync: its figures, its checks, the table's rows and columns."""
    table = spec.metadata["dagster/table_name"]
    with connect(url) as conn:
        rows, columns = count_rows(conn, table), column_schema(conn, table)
    checks = check_results(
        spec.key,
        result,
        columns,
        context.instance.get_latest_materialization_event(spec.key),
        settings.checks.largest_drop_percent,
    )
    return dg.MaterializeResult(
        asset_key=spec.key,
        metadata={**result.metadata(), "dagster/row_count": rows, "dagster/column_schema": columns},
        check_results=[check for check in checks if _key_of(check) in context.selected_asset_check_keys],
    )


def _key_of(check: dg.AssetCheckResult) -> dg.AssetCheckKey:
    assert check.asset_key is not None
    assert check.check_name is not None
    return dg.AssetCheckKey(check.asset_key, check.check_name)


def _names() -> tuple[ObjectName, ...]:
    return get_args(ObjectName)


def _declared(name: ObjectName) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(column.name, column.type, column.comment or None)
            for column in TABLES[name].all_columns
        ]
    )
