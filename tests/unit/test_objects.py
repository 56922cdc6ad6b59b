"""An object is an object everywhere: whoever adds one and forgets a place finds it named here."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from sendgrid_orchestration.sendgrid.scopes import needed_for
from sendgrid_orchestration.settings import PROJECT_ROOT
from sendgrid_orchestration.sync import OBJECTS
from sendgrid_orchestration.warehouse.object_tables import TABLES

MODELS = PROJECT_ROOT / "dbt_project" / "models"
WITHOUT_KNOWN_SCOPE = {"verified_senders"}
"""SendGrid documents no scope for them: the key is simply asked."""


def described(*folders: str) -> list[dict[str, Any]]:
    files = [file for folder in folders for file in sorted((MODELS / folder).glob("*.yml"))]
    return [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]


SOURCES = {table["name"]: table for table in described("staging")[0]["sources"][0]["tables"]}
VIEWS = {model["name"]: model for page in described("objects") for model in page["models"]}


@pytest.mark.parametrize("name", OBJECTS)
def test_every_object_is_in_dbt_with_all_its_columns(name: str) -> None:
    table, view = TABLES[name], VIEWS[name]
    assert SOURCES[name]["description"].startswith("One row per")
    assert view["description"].startswith("One row per")
    assert view["config"]["meta"]["grain"] == list(table.key)
    columns = {column["name"]: column["description"] for column in view["columns"]}
    assert set(columns) >= {column.name for column in table.all_columns}
    assert all(columns.values())
    assert f'"{name}"' in (MODELS / "objects" / f"{name}.sql").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", OBJECTS)
def test_every_object_says_which_scope_it_needs(name: str) -> None:
    needed = [needed_for(path) for path in (*OBJECTS[name].endpoints.values(), *OBJECTS[name].reads)]
    assert all(needed) or name in WITHOUT_KNOWN_SCOPE
