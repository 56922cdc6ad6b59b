"""Writes back into `assets/` what was changed with the mouse, without what Superset adds of its own accord.

Superset's export carries numbers of this one installation, defaults, colours it worked out and keys in no order. Here
each asset keeps its file and the order of its keys, so that a difference in version control is the change that was made.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from dashboards.bundle import ASSETS, read_assets
from dashboards.yaml_style import to_text

Asset = dict[str, Any]

DEFAULTS: dict[str, Any] = {
    "always_filter_main_dttm": False,
    "filter_select_enabled": True,
    "filterable": True,
    "groupby": True,
    "is_active": True,
    "is_dttm": False,
    "normalize_columns": False,
    "offset": 0,
}
"""What Superset writes for a setting that nobody touched, in datasets and their columns."""

COMPUTED_IN_CHART = {
    "annotation_layers",
    "dashboards",
    "datasource",
    "extra_form_data",
    "slice_id",
    "url_params",
}
COMPUTED_IN_DASHBOARD = {
    "chart_configuration",
    "color_scheme_domain",
    "default_filters",
    "expanded_slices",
    "global_chart_configuration",
    "map_label_colors",
    "shared_label_colors",
    "timed_refresh_immune_slices",
}
COMPUTED_IN_FILTER = {"chartsInScope", "tabsInScope"}
COMPUTED_IN_COMPONENT = {"chartId", "sliceName"}


def write_back(exported: dict[str, str]) -> list[str]:
    """Bring the files to what Superset has.

    Args:
        exported: file names and contents as Superset exports them.

    Returns:
        The files that changed.
    """
    changed = differences(exported)
    for name, text in changed.items():
        file = ASSETS / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return list(changed)


def differences(exported: dict[str, str]) -> dict[str, str]:
    """The files that would change, with what they would say.

    Args:
        exported: file names and contents as Superset exports them.
    """
    ours = {asset["uuid"]: (name, asset) for name, asset in read_assets() if "uuid" in asset}
    changed = {}
    for exported_name, content in exported.items():
        kind = exported_name.split("/")[0]
        if kind not in CLEAN:
            continue
        asset = CLEAN[kind](yaml.safe_load(content))
        name, before = ours.get(asset["uuid"], (_new_name(kind, asset), {}))
        if kind == "datasets":
            # What Superset has is the query of this installation's sources.
            asset["sql"] = before.get("sql")
        text = to_text(_in_order_of(before, asset))
        file = ASSETS / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            changed[name] = text
    return changed


def _dataset(asset: Asset) -> Asset:
    asset = {**_touched(asset), "schema": None}
    for part in ("columns", "metrics"):
        asset[part] = [_touched(item) for item in asset[part]]
    return asset


def _chart(asset: Asset) -> Asset:
    params = {key: value for key, value in asset["params"].items() if key not in COMPUTED_IN_CHART}
    return {**_touched(asset), "params": params}


def _dashboard(asset: Asset) -> Asset:
    names = {}
    for key, component in asset["position"].items():
        if isinstance(component, dict):
            meta = component.get("meta", {})
            if component["type"] == "CHART":
                names[meta["chartId"]] = key
            for computed in COMPUTED_IN_COMPONENT:
                meta.pop(computed, None)
            component.pop("id", None)
            component.pop("parents", None)
            if not component.get("children"):
                component.pop("children", None)
    metadata = {key: value for key, value in asset["metadata"].items() if key not in COMPUTED_IN_DASHBOARD}
    filters = []
    for native_filter in metadata.get("native_filter_configuration", []):
        excluded = [names[number] for number in native_filter["scope"]["excluded"] if number in names]
        native_filter["scope"]["excluded"] = excluded
        filters.append({key: value for key, value in native_filter.items() if key not in COMPUTED_IN_FILTER})
    metadata["native_filter_configuration"] = filters
    return {**_touched(asset), "metadata": metadata}


CLEAN = {"datasets": _dataset, "charts": _chart, "dashboards": _dashboard}


def _touched(settings: Asset) -> Asset:
    """Without what is empty or stands at its default."""
    return {
        key: value
        for key, value in settings.items()
        if value is not None and (key, value) not in DEFAULTS.items()
    }


def _in_order_of(before: Any, after: Any) -> Any:
    """The new value, with keys and named items where they stood before; what is new comes last."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [key for key in before if key in after] + [key for key in after if key not in before]
        return {key: _in_order_of(before.get(key), after[key]) for key in keys}
    if isinstance(before, list) and isinstance(after, list):
        if before and all(_name(item) for item in before):
            was = {_name(item): (place, item) for place, item in enumerate(before)}
            after = sorted(after, key=lambda item: was.get(_name(item), (len(was), None))[0])
            return [_in_order_of(was.get(_name(item), (0, None))[1], item) for item in after]
        padded = [*before, *[None] * len(after)]
        return [_in_order_of(*pair) for pair in zip(padded, after, strict=False)]
    return after


def _name(item: Any) -> str | None:
    """What a dataset's column or metric is called; other lists keep the order they have."""
    return (item.get("column_name") or item.get("metric_name")) if isinstance(item, dict) else None


def _new_name(kind: str, asset: Asset) -> str:
    title = asset.get("slug") or asset.get("slice_name") or asset.get("table_name") or asset["uuid"]
    folder = "charts/new" if kind == "charts" else kind
    return f"{folder}/{re.sub(r'[^a-z0-9]+', '_', title.lower()).strip('_')}.yaml"
