"""What a model's rows follow from besides the events: a fingerprint of its code, and of everything that it is built from.

dbt's own checksum of a model knows neither its macros nor its variables and seeds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import yaml

_WORD = re.compile(r"\w+")
_VARIABLE = re.compile(r"""\bvar\(\s*["'](\w+)["']""")


def fingerprints(manifest: Mapping[str, Any], project: Path) -> dict[str, str]:
    """Each model's and seed's fingerprint.

    Into a model's go its code, the project's macros that are named in it or in one of them, the values of the variables that these read,
    the types of its columns, and the fingerprints of the models and seeds that it selects from. Descriptions, tests and tags are
    no part of it.

    Args:
        manifest: the parsed project.
        project: its folder, for the values of variables, which the manifest does not hold.

    Returns:
        By dbt's unique id; 16 hexadecimal digits each.
    """
    variables = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8")).get("vars", {})
    macros = {
        macro["name"]: macro["macro_sql"]
        for macro in manifest["macros"].values()
        if macro["package_name"] == manifest["metadata"]["project_name"]
    }
    nodes = manifest["nodes"]

    @cache
    def fingerprint(unique_id: str) -> str:
        node = nodes[unique_id]
        config = node["config"]
        texts = _with_macros(
            f"{node.get('raw_code', '')} get_incremental_{config.get('incremental_strategy')}_sql", macros
        )
        read = sorted({name for text in texts for name in _VARIABLE.findall(text)})
        above = [one for one in node.get("depends_on", {}).get("nodes", []) if one in nodes]
        parts = [
            node["checksum"]["checksum"] if node["resource_type"] == "seed" else "",
            config.get("materialized"),
            texts,
            [[name, variables.get(name)] for name in read],
            [[name, column.get("data_type")] for name, column in node["columns"].items()],
            sorted(map(fingerprint, above)),
        ]
        return hashlib.blake2b(orjson.dumps(parts, default=str), digest_size=8).hexdigest()

    return {one: fingerprint(one) for one in nodes if nodes[one]["resource_type"] in ("model", "seed")}


def as_environment(manifest: Mapping[str, Any], fingerprints: Mapping[str, str]) -> dict[str, str]:
    """The environment variable through which dbt learns the fingerprints of the models that keep their rows, by table."""
    nodes = manifest["nodes"]
    by_table = {
        nodes[one]["alias"]: fingerprint
        for one, fingerprint in fingerprints.items()
        if nodes[one]["config"]["materialized"] == "incremental"
    }
    return {"SENDGRID_MODEL_FINGERPRINTS": orjson.dumps(by_table).decode()}


def _with_macros(code: str, macros: Mapping[str, str]) -> list[str]:
    """A model's code and that of the macros behind it, in the order of their names."""
    found: dict[str, str] = {}
    texts = [code]
    while texts:
        for name in set(_WORD.findall(texts.pop())) & macros.keys() - found.keys():
            found[name] = macros[name]
            texts.append(macros[name])
    return [code, *(found[name] for name in sorted(found))]
