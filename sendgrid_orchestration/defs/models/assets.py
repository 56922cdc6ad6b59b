"""The dbt assets of one source: one `dbt build` per run, whatever was selected of it."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets
from pydantic import Field

from sendgrid_orchestration.defs.models import chart
from sendgrid_orchestration.defs.models.command import build
from sendgrid_orchestration.defs.models.jobs import op_name
from sendgrid_orchestration.defs.models.project import environment
from sendgrid_orchestration.defs.models.translator import SourceTranslator
from sendgrid_orchestration.defs.partitions import days_of
from sendgrid_orchestration.defs.resources import Warehouse
from sendgrid_orchestration.defs.tables import count_rows
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
    source: Source, manifest: Mapping[str, Any], translator: SourceTranslator, artifacts: Path
) -> dg.AssetsDefinition:
    """All models of the dbt project, in the schemas of one source.

    Args:
        source: whose.
        manifest: the parsed project, shared by all sources.
        translator: the same project in this source's names.
        artifacts: where dbt keeps this source's artifacts.
    """

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
        # In autocommit: a lock that was kept until the end would keep dbt from replacing the next table.
        with closing(open_connection(url, autocommit=True)) as conn:
            invocation = build(context, environment(url, source) | window(context, config), artifacts)
            for event in invocation.stream():
                if isinstance(event, dg.Output):
                    key = context.asset_key_for_output(event.output_name)
                    table = context.assets_def.metadata_by_key[key]["dagster/table_name"]
                    context.add_output_metadata(
                        {"dagster/row_count": count_rows(conn, table), **chart.of(conn, table)},
                        event.output_name,
                    )
                yield event

    return models


def window(context: dg.AssetExecutionContext, config: Build) -> dict[str, str]:
    """The days to rebuild, as the variables that the models read; without them they follow what was loaded."""
    days = days_of(context) if config.rebuild else None
    if days is None:
        return {}
    first, last = days
    return {"SENDGRID_WINDOW_START": f"{first}", "SENDGRID_WINDOW_END": f"{last + timedelta(days=1)}"}
