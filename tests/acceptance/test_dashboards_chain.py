"""From every chart down to a tested column of a mart, without starting anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import bundle
from dashboards.yaml_style import to_text
from sendgrid_orchestration.settings import PROJECT_ROOT

Asset = dict[str, Any]

ASSETS = dict(bundle.read_assets())
DATASETS = {asset["uuid"]: asset for name, asset in ASSETS.items() if name.startswith("datasets/")}
CHARTS = {name: asset for name, asset in ASSETS.items() if name.startswith("charts/")}
DASHBOARDS = {name: asset for name, asset in ASSETS.items() if name.startswith("dashboards/")}
SQL_WORDS = {"and", "as", "case", "else", "end", "false", "filter", "in", "is", "not", "null", "or", "then", "true", "when", "where", "distinct", "date", "numeric", "within", "group", "order", "by", "desc", "array"}  # fmt: skip

# Where a chart names what it shows; everything else in its params is about looks.
METRICS = (
    "metric",
    "metrics",
    "metrics_b",
    "secondary_metric",
    "percent_metrics",
    "timeseries_limit_metric",
    "size",
)
COLUMNS = (
    "x_axis",
    "groupby",
    "groupby_b",
    "all_columns",
    "columns",
    "groupbyRows",
    "groupbyColumns",
    "entity",
    "series",
)


def test_every_chart_shows_only_what_its_dataset_defines() -> None:
    """A number on screen has a name: no chart computes one of its own."""
    wrong = []
    for name, chart in CHARTS.items():
        dataset = DATASETS[chart["dataset_uuid"]]
        columns, metrics = names(dataset, "column"), names(dataset, "metric")
        wrong += [f"{name}: {metric}" for metric in listed(chart, METRICS) if metric not in metrics]
        wrong += [f"{name}: {column}" for column in listed(chart, COLUMNS) if column not in columns]
        for condition in chart["params"].get("adhoc_filters", []):
            assert condition["expressionType"] == "SIMPLE", f"{name} filters by SQL of its own"
            wrong += [f"{name}: {condition['subject']}"] if condition["subject"] not in columns else []
        for formatted in [
            *chart["params"].get("column_config", {}),
            *(rule["column"] for rule in chart["params"].get("conditional_formatting", [])),
        ]:
            wrong += [f"{name}: {formatted}"] if formatted not in columns | metrics else []
    assert wrong == []


def test_every_dataset_column_exists_in_its_mart() -> None:
    """The chain's last link: the columns that the marts' contracts promise."""
    marts = mart_columns()
    missing = [
        f"{dataset['table_name']}.{column}"
        for dataset in DATASETS.values()
        for column in bundle.mart_columns(dataset)
        if not any(column in marts.get(table, set()) for table in tables(dataset))
    ]
    assert missing == []


def test_every_formula_uses_only_columns_of_its_dataset() -> None:
    """Metrics and computed columns stand on the mart's columns."""
    missing = [
        f"{dataset['table_name']}: {word} in {expression}"
        for dataset in DATASETS.values()
        for expression in expressions(dataset)
        for word in words(expression)
        if word not in names(dataset, "column")
    ]
    assert missing == []


def test_rates_are_those_of_the_models() -> None:
    """A rate on screen is made of the same two counters as the mart's column of that name."""
    macro = (PROJECT_ROOT / "dbt_project" / "macros" / "rates.sql").read_text(encoding="utf-8")
    rates = {
        name: f"1.0 * sum({numerator}) / nullif(sum({denominator}), 0)"
        for numerator, denominator, name in re.findall(
            r"""rate\(["'](\w+)["'],\s*["'](\w+)["']\)\s*}}\s*as\s+(\w+)""", macro
        )
    }
    assert "unique_open_rate_human" in rates
    shown = {
        (metric["metric_name"], metric["expression"])
        for dataset in DATASETS.values()
        for metric in dataset["metrics"]
        if metric["metric_name"] in rates
    }
    assert shown <= set(rates.items())


def test_colours_change_at_the_limits_of_the_models() -> None:
    """Yellow and red on screen are warn and breach in the marts, in the checks and in the alerts."""
    project = yaml.safe_load((PROJECT_ROOT / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8"))
    limits = project["vars"]
    rules = [
        (rule["column"].removesuffix("_7d"), rule["targetValue"], rule["colorScheme"])
        for chart in CHARTS.values()
        for rule in chart["params"].get("conditional_formatting", [])
    ]
    colours = {"#FCC700": "warn", "#E04355": "breach"}
    assert rules
    assert [rule for rule in rules if limits[f"{rule[0]}_{colours[rule[2]]}"] != rule[1]] == []


@pytest.mark.parametrize("name", DASHBOARDS)
def test_dashboard_is_whole(name: str) -> None:
    """Everything in the layout exists and is reached from its root; every filter reaches a column of a dataset."""
    dashboard = DASHBOARDS[name]
    position = dashboard["position"]
    components = {key for key, value in position.items() if isinstance(value, dict)}
    assert reached(position, "ROOT_ID") == components - {"HEADER_ID"}
    by_uuid = {chart["uuid"]: Path(file).stem for file, chart in CHARTS.items()}
    for key in components:
        if position[key]["type"] == "CHART":
            assert key == f"CHART-{by_uuid[position[key]['meta']['uuid']]}"
        if position[key]["type"] == "ROW":
            assert sum(position[child]["meta"]["width"] for child in position[key]["children"]) == 12, key
    assert any(position[key]["type"] == "MARKDOWN" for key in components), "it says what it shows"
    filters = dashboard["metadata"]["native_filter_configuration"]
    assert {"Source", "Dates"} <= {native_filter["name"] for native_filter in filters}
    for native_filter in filters:
        assert set(native_filter["scope"]["excluded"]) <= components
        for target in filter(None, native_filter["targets"]):
            assert target["column"]["name"] in names(DATASETS[target["datasetUuid"]], "column")


def test_every_chart_and_dataset_is_used_once_or_more() -> None:
    """Nothing lies around."""
    shown = [
        component["meta"]["uuid"]
        for dashboard in DASHBOARDS.values()
        for component in dashboard["position"].values()
        if isinstance(component, dict) and component["type"] == "CHART"
    ]
    assert sorted(shown) == sorted(chart["uuid"] for chart in CHARTS.values())
    assert {chart["dataset_uuid"] for chart in CHARTS.values()} == set(DATASETS)


def test_exposures_name_what_each_dashboard_reads() -> None:
    """`dbt docs` and Dagster show which marts a dashboard stands on."""
    exposures = {
        exposure["name"]: {re.sub(r"ref\('(\w+)'\)", r"\1", ref) for ref in exposure["depends_on"]}
        for content in dbt_files()
        for exposure in content.get("exposures", [])
    }
    for name, dashboard in DASHBOARDS.items():
        reads = {
            table
            for chart in CHARTS.values()
            for table in tables(DATASETS[chart["dataset_uuid"]])
            if any(
                isinstance(part, dict) and part.get("meta", {}).get("uuid") == chart["uuid"]
                for part in dashboard["position"].values()
            )
        }
        assert exposures[Path(name).stem.replace("-", "_")] == reads


@pytest.mark.parametrize("name", ASSETS)
def test_asset_is_written_in_one_style(name: str) -> None:
    """A change made in the browser and written back differs in nothing but the change."""
    assert (bundle.ASSETS / name).read_text(encoding="utf-8") == to_text(ASSETS[name])


def test_no_login_stands_in_the_assets() -> None:
    """The connection is filled in when Superset starts."""
    (database,) = (asset for name, asset in ASSETS.items() if name.startswith("databases/"))
    assert "password" not in database
    assert re.search(r"//\w+@", database["sqlalchemy_uri"]), "a user without a password"


def test_sources_stand_under_one_another_in_every_dataset() -> None:
    """One source or many: the same columns, with the source's name in front."""
    dataset = next(iter(DATASETS.values()))
    branches = [bundle.Branch("Marketing", "marketing_marts"), bundle.Branch("O'Brien", "obrien_marts")]
    one, two = bundle.union_of_marts(dataset, branches).split("\nunion all\n")
    assert one.startswith("select\n  'Marketing' as source,\n")
    assert two.startswith("select\n  'O''Brien' as source,\n")
    assert two.endswith(f"from obrien_marts.{dataset['table_name']}")
    assert one.count("\n") == two.count("\n")


def tables(dataset: Asset) -> set[str]:
    """The marts that a dataset reads: the one it is named after, and those in a query of its own."""
    return {dataset["table_name"], *re.findall(r"\{marts\}\.(\w+)", dataset.get("sql") or "")}


def names(dataset: Asset, kind: str) -> set[str]:
    """What the columns or metrics of a dataset are called."""
    return {item[f"{kind}_name"] for item in dataset[f"{kind}s"]}


def listed(chart: Asset, keys: tuple[str, ...]) -> Iterator[str]:
    """Every name under these keys of a chart's params."""
    for key in keys:
        value = chart["params"].get(key) or []
        yield from [value] if isinstance(value, str) else value


def expressions(dataset: Asset) -> Iterator[str]:
    """The SQL that a dataset holds."""
    yield from (metric["expression"] for metric in dataset["metrics"])
    yield from (column["expression"] for column in dataset["columns"] if column.get("expression"))


def words(expression: str) -> set[str]:
    """The names in a piece of SQL that are neither functions nor SQL's own words."""
    without_text = re.sub(r"'[^']*'", "", expression)
    return set(re.findall(r"\b[a-z_]\w*\b(?!\s*\()", without_text)) - SQL_WORDS


def reached(position: Asset, key: str) -> set[str]:
    """The component and everything below it."""
    return {key}.union(*(reached(position, child) for child in position[key].get("children", [])))


def dbt_files() -> Iterator[Asset]:
    """The YAML files beside the models."""
    for file in sorted((PROJECT_ROOT / "dbt_project" / "models").rglob("*.yml")):
        yield yaml.safe_load(file.read_text(encoding="utf-8")) or {}


def mart_columns() -> dict[str, set[str]]:
    """The columns of every model that has a contract."""
    return {
        model["name"]: {column["name"] for column in model.get("columns", [])}
        for content in dbt_files()
        for model in content.get("models", [])
    }
