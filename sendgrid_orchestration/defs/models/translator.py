"""How a dbt node looks in Dagster, for one source: its key, group, owners, partitions, table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject

from sendgrid_orchestration.defs.models.checks import describe
from sendgrid_orchestration.defs.models.project import PARSED_SCHEMA
from sendgrid_orchestration.settings import Source

_PLACES = {"": [], "_marts": ["marts"], "_staging": ["staging"], "_raw": ["raw"]}
"""What stands between source and name in an asset's key, by the suffix of the schema that holds the table."""

_GROUPS = {"": "collections", "_marts": "marts", "_staging": "marts", "_raw": "events"}

DAY_COLUMN = "partition_expr"
"""Dagster's name for the metadata that says which column an asset is partitioned by."""


class SourceTranslator(DagsterDbtTranslator):
    """The shared manifest, read for one source: no two sources share an asset or a table."""

    def __init__(
        self,
        source: Source,
        owners: tuple[str, ...],
        days: dg.PartitionsDefinition,
        fingerprints: Mapping[str, str],
    ) -> None:
        super().__init__()
        self._source = source
        self._owners = owners
        self._days = days
        self._fingerprints = fingerprints

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """The asset of a model, seed or source table."""
        node = self.get_resource_props(manifest, unique_id)
        spec = super().get_asset_spec(manifest, unique_id, project)
        table = f"{self.schema(node)}.{_relation(node)}"
        day = day_column(node)
        return spec.replace_attributes(
            group_name=f"{self._source.name}_{_GROUPS[_suffix(node)]}",
            owners=list(self._owners),
            kinds=_kinds(node),
            description=node.get("description") or f"dbt {node['resource_type']} {node['name']}.",
            partitions_def=self._days if day else None,
            # dbt's own checksum does not know the macros, variables and seeds behind a model.
            code_version=self._fingerprints.get(unique_id),
        ).merge_attributes(
            metadata={"dagster/table_name": table, **({DAY_COLUMN: day} if day else {})},
        )

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """The check of a data test, with a description."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        if spec is None:
            return None
        return spec._replace(description=describe(self.get_resource_props(manifest, unique_id), manifest))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`[source, "marts", name]`, `[source, "staging", name]`, and for what people query `[source, name]`."""
        place = _PLACES[_suffix(dbt_resource_props)]
        return dg.AssetKey([self._source.name, *place, _relation(dbt_resource_props)])

    def schema(self, node: Mapping[str, Any]) -> str:
        """The schema that holds this source's copy of the table."""
        return self._source.schema_ + _suffix(node)


def read_tables(
    translator: SourceTranslator, manifest: Mapping[str, Any], built: Collection[dg.AssetKey]
) -> list[dg.AssetSpec]:
    """The tables that models read and no asset of ours materializes: the ledger, history, objects that are switched off.

    Args:
        translator: of one source.
        manifest: the parsed project.
        built: the assets that this source has.
    """
    specs = (translator.get_asset_spec(manifest, unique_id, None) for unique_id in manifest["sources"])
    return [
        dg.AssetSpec(
            spec.key,
            group_name=spec.group_name,
            kinds=spec.kinds,
            owners=spec.owners,
            description=spec.description,
            metadata={"dagster/table_name": spec.metadata["dagster/table_name"]},
        )
        for spec in specs
        if spec.key not in built
    ]


def day_column(node: Mapping[str, Any]) -> str | None:
    """The day by which a model is built: incremental models with a day in their grain, and facts about messages.

    Not the other incremental models: each day of a partitioned asset costs every run that covers it two entries in
    Dagster's log.

    Returns:
        The column; None if the model is not partitioned.
    """
    if _materialized(node) != "incremental":
        return None
    grain = map(str, node.get("config", {}).get("meta", {}).get("grain", []))
    of_a_fact = (
        "sent_date" if str(node["name"]).startswith("fct_") and "sent_date" in node["columns"] else None
    )
    return next((column for column in grain if column.endswith("_date")), of_a_fact)


def _suffix(node: Mapping[str, Any]) -> str:
    suffix = str(node["schema"]).removeprefix(PARSED_SCHEMA)
    if suffix not in _PLACES:
        raise ValueError(
            f"The dbt node {node['unique_id']} lives in schema {node['schema']}; "
            f"expected {PARSED_SCHEMA} and one of {', '.join(filter(None, _PLACES))}."
        )
    return suffix


def _relation(node: Mapping[str, Any]) -> str:
    return str(node.get("alias") or node.get("identifier") or node["name"])


def _kinds(node: Mapping[str, Any]) -> set[str]:
    if node["resource_type"] == "source":
        return {"postgres", "table"}
    return {"dbt", "postgres", _materialized(node)}


def _materialized(node: Mapping[str, Any]) -> str:
    return str(node.get("config", {}).get("materialized") or node["resource_type"])
