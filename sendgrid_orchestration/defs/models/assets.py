"""The dbt assets of one source: one `dbt build` per run, whatever was selected of it."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
from dagster_dbt import dbt_assets
from pydantic import Field

from sendgrid_orchestration.defs.models import chart
from sendgrid_orchestration.defs.models.command import build
from sendgrid_orchestration.defs.models.fingerprints import as_environment
from sendgrid_orchestration.defs.models.jobs import op_name
from sendgrid_orchestration.defs.models.project import environment
from sendgrid_orchestration.defs.models.translator import DAY_COLUMN, SourceTranslator
from sendgrid_orchestration.defs.partitions import days_of
from sendgrid_orchestration.defs.reporting import (
    RowsByDay,
    add_rows_of_days,
    report_days,
    report_views,
    views_over,
)
from sendgrid_orchestration.defs.resources import Warehouse
from sendgrid_orchestration.defs.tables import count_rows, rows_by_day
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.engine import open_connection


class Build(dg.Config):
    """What a run builds."""

    rebuild: bool = Field(
        default=True,
        description="Build the chosen days again from all their events, and not only what was loaded since the models "
        "last looked. The same rows come out.",
    )


def model_assets(
    source: Source,
    manifest: Mapping[str, Any],
    fingerprints: Mapping[str, str],
    translator: SourceTranslator,
    artifacts: Path,
) -> dg.AssetsDefinition:
    """All models of the dbt project, in the schemas of one source.

    Args:
        source: whose.
        manifest: the parsed project, shared by all sources.
        fingerprints: of its models and seeds.
        translator: the same project in this source's names.
        artifacts: where dbt keeps this source's artifacts.
    """
    code = as_environment(manifest, fingerprints)

    @dbt_assets(
        manifest=manifest,
        name=op_name(source),
        dagster_dbt_translator=translator,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=f"{source.name}_models",
        exclude="resource_type:unit_test",  # they test the code, not the data: CI runs them
    )
    def models(
        context: dg.AssetExecutionContext, config: Build, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[Any]:
        url = warehouse.prepare(source)
        rebuilt = days_of(context) if config.rebuild else None
        specs = {spec.key: spec for spec in models.specs}  # of all models, whatever this run selected
        # In autocommit: a lock that was kept until the end would keep dbt from replacing the next table.
        with closing(open_connection(url, autocommit=True)) as conn:
            for event in build(
                context, environment(url, source) | code | window(rebuilt), artifacts
            ).stream():
                if not isinstance(event, dg.Output):
                    yield event
                    continue
                key = context.asset_key_for_output(event.output_name)
                table, by_day = _table(specs[key]), _rows_by_day(specs[key], conn)
                context.add_output_metadata(
                    {"dagster/row_count": count_rows(conn, table), **chart.of(conn, table)}, event.output_name
                )
                if code_version := specs[key].code_version:
                    # The default is a hash over the versions above it, and changes with the days of the run.
                    context.set_data_version(key, dg.DataVersion(code_version))
                if by_day:
                    add_rows_of_days(context, key, by_day)
                yield event
                if by_day and not rebuilt:  # it followed the loads: every day is up to date
                    report_days(context, key, by_day)
            moved = {*context.selected_asset_keys, dg.AssetKey([source.name, "raw", "events"])}
            activity = dg.AssetKey([source.name, "activity"])  # which each load reports
            views = [view for view in views_over(models.specs, moved) if view.key != activity]
            report_views(context, views, lambda view: count_rows(conn, _table(view)))

    return models


def window(days: tuple[date, date] | None) -> dict[str, str]:
    """The days to rebuild, as the variables that the models read; without them they follow what was loaded."""
    if days is None:
        return {}
    first, last = days
    return {"SENDGRID_WINDOW_START": f"{first}", "SENDGRID_WINDOW_END": f"{last + timedelta(days=1)}"}


def _table(spec: dg.AssetSpec) -> str:
    return str(spec.metadata["dagster/table_name"])


def _rows_by_day(spec: dg.AssetSpec, conn: psycopg.Connection) -> RowsByDay | None:
    column = spec.metadata.get(DAY_COLUMN)
    return partial(rows_by_day, conn, _table(spec), str(column)) if column else None
