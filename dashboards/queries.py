"""The SQL of every chart, without Superset: for the test that all of it runs, and for the benchmark that times it.

Superset builds the same queries from the same files, with more brackets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dashboards.bundle import Branch, read_assets, union_of_marts

GRAINS = {"P1D": "day", "P1W": "week", "P1M": "month"}


@dataclass(frozen=True)
class ChartQuery:
    """What one chart asks the warehouse when its dashboard opens."""

    dashboard: str
    chart: str
    sql: str


def chart_queries(branches: Sequence[Branch], since: date) -> Iterator[ChartQuery]:
    """Every query of every dashboard as it opens, with its date filter and no other.

    Args:
        branches: the sources that are shown.
        since: where the date filter begins.
    """
    assets = dict(read_assets())
    datasets = {asset["uuid"]: asset for name, asset in assets.items() if name.startswith("datasets/")}
    for name, chart in assets.items():
        if name.startswith("charts/"):
            _, dashboard, file = name.split("/")
            dataset, params = datasets[chart["dataset_uuid"]], chart["params"]
            dimensions = _dimensions(dataset, params)
            yield ChartQuery(
                dashboard, file.removesuffix(".yaml"), _select(dataset, params, dimensions, branches, since)
            )


def _select(
    dataset: dict[str, Any],
    params: dict[str, Any],
    dimensions: list[str],
    branches: Sequence[Branch],
    since: date,
) -> str:
    formulas = {metric["metric_name"]: metric["expression"] for metric in dataset["metrics"]}
    metrics = [formulas[name] for name in [*params.get("metrics", []), *filter(None, [params.get("metric")])]]
    conditions = [_condition(condition, since) for condition in params.get("adhoc_filters", [])]
    lines = [
        f"select {', '.join([*dimensions, *metrics])}",
        f"from ({union_of_marts(dataset, branches)}) as dataset",
    ]
    if conditions:
        lines.append(f"where {' and '.join(conditions)}")
    if dimensions:
        lines.append(f"group by {', '.join(dimensions)}")
    if sort := params.get("timeseries_limit_metric"):
        lines.append(f"order by {formulas[sort]} desc")
    return "\n".join([*lines, f"limit {params.get('row_limit', 10_000)}"])


def _dimensions(dataset: dict[str, Any], params: dict[str, Any]) -> list[str]:
    computed = {column["column_name"]: column.get("expression") for column in dataset["columns"]}
    dates = {column["column_name"] for column in dataset["columns"] if column.get("is_dttm")}
    groupby = params.get("groupby", [])
    names = [*filter(None, [params.get("x_axis")]), *([groupby] if isinstance(groupby, str) else groupby)]
    return [
        f"date_trunc('{GRAINS[params['time_grain_sqla']]}', {name})"
        if name in dates
        else computed[name] or name
        for name in names
    ]


def _condition(condition: dict[str, Any], since: date) -> str:
    column, value = condition["subject"], condition["comparator"]
    if condition["operator"] == "TEMPORAL_RANGE":
        return f"{column} >= date '{since}'"
    operator = {"==": "=", "!=": "<>"}[condition["operator"]]
    return f"{column} {operator} {str(value).lower() if isinstance(value, bool) else repr(value)}"
