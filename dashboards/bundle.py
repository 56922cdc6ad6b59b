"""What Superset imports: the files under `assets/`, with what depends on the installation and what follows from the rest.

The installation decides the connection to the warehouse and the schemas of the sources. A dataset in `assets/` is named after the
mart that it shows and lists the mart's columns; here it gets the SQL that puts the marts of all sources under one
another, with a column `source` in front that says which is which. A filter on `source` reaches only that source's
table: Postgres drops the other branches while it plans. From the rest follow the numbers and paths that Superset wants
to find in a dashboard's layout beside what says the same by name.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ASSETS = Path(__file__).parent / "assets"
SOURCE_COLUMN = "source"


@dataclass(frozen=True)
class Branch:
    """One source as the dashboards see it: the name that the filter offers, the schema of its marts."""

    label: str
    schema: str


def render(uri: str, branches: Sequence[Branch]) -> dict[str, str]:
    """The import bundle, as file names and contents.

    Args:
        uri: the warehouse as Superset reaches it, with the read-only login and its password.
        branches: the sources to show; at least one.
    """
    bundle = {}
    for name, asset in read_assets():
        if name.startswith("databases/"):
            asset["sqlalchemy_uri"] = uri
        elif name.startswith("datasets/"):
            asset["sql"] = union_of_marts(asset, branches)
        elif name.startswith("dashboards/"):
            complete_layout(asset)
        bundle[name] = yaml.safe_dump(asset, sort_keys=False, allow_unicode=True)
    return bundle


def read_assets() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every file under `assets/`: its name as Superset knows it, and what it says."""
    for file in sorted(ASSETS.rglob("*.yaml")):
        yield file.relative_to(ASSETS).as_posix(), yaml.safe_load(file.read_text(encoding="utf-8"))


def marts() -> set[str]:
    """The marts that the dashboards show."""
    return {asset["table_name"] for name, asset in read_assets() if name.startswith("datasets/")}


def union_of_marts(dataset: dict[str, Any], branches: Sequence[Branch]) -> str:
    """The SQL of a dataset over the same mart of every source.

    A dataset that needs more than the columns of its mart brings a query of its own, in which `{marts}` stands for the
    schema.
    """
    columns = ",\n  ".join(mart_columns(dataset))
    selects = []
    for branch in branches:
        label = branch.label.replace("'", "''")
        if query := dataset.get("sql"):
            table = f"({query.strip().replace('{marts}', branch.schema)}) as mart"
        else:
            table = f"{branch.schema}.{dataset['table_name']}"
        selects.append(f"select\n  '{label}' as {SOURCE_COLUMN},\n  {columns}\nfrom {table}")
    return "\nunion all\n".join(selects)


def mart_columns(dataset: dict[str, Any]) -> list[str]:
    """The columns of a dataset that its mart must have: all that are neither computed in the dataset nor the source."""
    return [
        column["column_name"]
        for column in dataset["columns"]
        if column["column_name"] != SOURCE_COLUMN and not column.get("expression")
    ]


def complete_layout(dashboard: dict[str, Any]) -> None:
    """Add what Superset wants to find in every component: its id, its path from the root, a number for each chart."""
    position = dashboard["position"]
    components = {key: component for key, component in position.items() if isinstance(component, dict)}
    for key, component in components.items():
        component["id"] = key
        component.setdefault("children", [])
        for child in component["children"]:
            components[child]["parents"] = [*component.get("parents", []), key]
    charts = [key for key, component in components.items() if component["type"] == "CHART"]
    numbers = {key: number for number, key in enumerate(charts, start=1)}
    for key, number in numbers.items():
        components[key]["meta"]["chartId"] = number
    for native_filter in dashboard["metadata"]["native_filter_configuration"]:
        scope = native_filter["scope"]
        scope["excluded"] = [numbers[key] for key in scope["excluded"]]


def to_zip(bundle: dict[str, str]) -> bytes:
    """The bundle as Superset's menu "Import dashboards" takes it: everything under one folder."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in bundle.items():
            # The menu refuses a bundle of assets, and takes the same files as one of dashboards.
            text = content.replace("type: assets", "type: Dashboard") if name == "metadata.yaml" else content
            opened.writestr(f"sendgrid_dashboards/{name}", text)
    return archive.getvalue()
