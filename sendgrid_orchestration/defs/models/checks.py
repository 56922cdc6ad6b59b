"""What a dbt test checks, as a sentence: Dagster shows it beside the test's name, which dbt makes up and cuts off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def describe(test: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    """The description of a data test: its own, or what its kind and its arguments say.

    Args:
        test: its node in the manifest.
        manifest: the parsed project; holds the descriptions of the kinds that are ours.
    """
    if test["description"]:
        return str(test["description"]).strip()
    rows = f" In rows where {test['config']['where']}." if test["config"].get("where") else ""
    return _sentence(test, manifest) + rows


def _sentence(test: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    kind, arguments = test["test_metadata"]["name"], test["test_metadata"]["kwargs"]
    column = arguments.get("column_name")
    match kind:
        case "unique":
            return f"No two rows have the same {column}."
        case "not_null":
            return f"Every row has {column}."
        case "accepted_values":
            return f"{column} is one of: {', '.join(map(str, arguments['values']))}."
        case "relationships":
            return f"Every {column} is a {arguments['field']} of {arguments['to']}."
        case "unique_combination":
            return f"No two rows have the same {', '.join(arguments['columns'])}."
        case "expression_is_true":
            return f"In every row: {arguments['expression']}."
    macro = manifest["macros"].get(f"macro.{test['package_name']}.test_{kind}", {})
    return str(macro.get("description", "")).strip()
