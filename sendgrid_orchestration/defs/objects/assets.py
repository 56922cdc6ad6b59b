"""One asset for each object of the API that a source has switched on."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import get_args

import dagster as dg
from dagster._utils.schedules import cron_string_iterator

from sendgrid_orchestration.defs.objects.checks import check_results, check_specs
from sendgrid_orchestration.defs.reporting import report_views, views_over
from sendgrid_orchestration.defs.resources import SendGrid, Warehouse
from sendgrid_orchestration.defs.tables import RAW_VERSION, column_schema, count_rows
from sendgrid_orchestration.sendgrid.errors import RateLimitedError, SendGridError, SendGridUnavailableError
from sendgrid_orchestration.settings import ObjectName, Schedules, Settings, Source
from sendgrid_orchestration.sync import sync_object
from sendgrid_orchestration.warehouse.engine import connect
from sendgrid_orchestration.warehouse.object_tables import TABLES

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
    names: tuple[ObjectName, ...] = get_args(ObjectName)
    # An object that missed two syncs is overdue.
    freshness = dg.FreshnessPolicy.time_window(fail_window=2 * longest_interval(settings.schedules))
    return [
        _object_asset(source, name, settings, freshness, models)
        for name in names
        if name not in source.skip_objects
    ]


def _object_asset(
    source: Source,
    name: ObjectName,
    settings: Settings,
    freshness: dg.FreshnessPolicy,
    models: Sequence[dg.AssetSpec],
) -> dg.AssetsDefinition:
    key = dg.AssetKey([source.name, "raw", name])
    table = f"{source.raw_schema}.{name}"
    views = views_over(models, {key})

    @dg.asset(
        key=key,
        group_name=f"{source.name}_objects",
        kinds={"sendgrid", "postgres", "table"},
        owners=list(settings.owners),
        description=TABLES[name].grain,
        metadata={"dagster/table_name": table, "dagster/column_schema": _declared(name)},
        code_version=RAW_VERSION,
        freshness_policy=freshness,
        retry_policy=dg.RetryPolicy(max_retries=1, delay=60, jitter=dg.Jitter.PLUS_MINUS),
        pool=f"{source.name}_api",
        check_specs=check_specs(key),
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
        with connect(url) as conn:
            rows, columns = count_rows(conn, table), column_schema(conn, table)
        yield dg.MaterializeResult(
            metadata={**result.metadata(), "dagster/row_count": rows, "dagster/column_schema": columns},
            check_results=list(
                check_results(
                    key,
                    result,
                    columns,
                    context.instance.get_latest_materialization_event(key),
                    settings.checks.largest_drop_percent,
                )
            ),
        )
        with connect(url) as conn:
            report_views(context, views, lambda view: count_rows(conn, view.metadata["dagster/table_name"]))

    return fetch


def longest_interval(schedules: Schedules) -> timedelta:
    """The longest pause between two syncs, weekends of an office-hours schedule included."""
    start = datetime(2026, 1, 1).timestamp()
    ticks = islice(cron_string_iterator(start, schedules.objects, schedules.timezone), 100)
    return max(later - earlier for earlier, later in pairwise(ticks))


def _declared(name: ObjectName) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(column.name, column.type, column.comment or None)
            for column in TABLES[name].all_columns
        ]
    )
