"""The tables of the objects: created any number of times, upgraded, and described as they are."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from sendgrid_orchestration.settings import PROJECT_ROOT, Source
from sendgrid_orchestration.warehouse import objects
from sendgrid_orchestration.warehouse.engine import connect
from sendgrid_orchestration.warehouse.object_docs import page
from sendgrid_orchestration.warehouse.object_tables import SUPPORT_TABLES, TABLES

PAGE = Path(PROJECT_ROOT) / "docs" / "tables.md"
TYPES = {"timestamp with time zone": "timestamptz", "ARRAY": "text[]"}


@pytest.fixture
def source(postgres_url: str, request: pytest.FixtureRequest) -> Source:
    made = Source.model_validate({"name": f"tables_{abs(hash(request.node.name)) % 10**6}"})
    with connect(postgres_url) as conn:
        conn.execute(f"create schema {made.raw_schema}".encode())
        objects.create(conn, made)
    return made


def columns(conn: psycopg.Connection, source: Source) -> dict[tuple[str, str], tuple[str, str]]:
    query = """
        select c.table_name, c.column_name, c.data_type,
            col_description(format('%%I.%%I', c.table_schema, c.table_name)::regclass, c.ordinal_position)
        from information_schema.columns as c
        inner join information_schema.tables as t using (table_schema, table_name)
        where c.table_schema = %s and t.table_type = 'BASE TABLE'
    """
    return {
        (table, column): (TYPES.get(kind, kind), comment)
        for table, column, kind, comment in conn.execute(query, [source.raw_schema])
    }


def test_the_page_lists_every_table_and_column_of_the_database(postgres_url: str, source: Source) -> None:
    """S25: no column without its origin, no line about a column that is not there."""
    with connect(postgres_url) as conn:
        in_database = columns(conn, source)
    declared = {
        (table.name, column.name): (column.type.partition(" generated")[0], column.comment)
        for table in (*TABLES.values(), *SUPPORT_TABLES)
        for column in table.all_columns
    }
    assert in_database == {key: (kind, comment or None) for key, (kind, comment) in declared.items()}
    assert PAGE.read_text(encoding="utf-8") == page(), "write it again: see its first lines"


def test_every_column_that_is_sendgrids_names_its_field() -> None:
    for table in TABLES.values():
        for column in table.columns:
            assert column.field or column.note, f"{table.name}.{column.name}"


def test_creating_again_changes_nothing_and_an_old_table_gets_its_new_column(
    postgres_url: str, source: Source
) -> None:
    with connect(postgres_url) as conn:
        before = columns(conn, source)
        assert objects.are_current(conn, source)
        conn.execute(f"alter table {source.raw_schema}.lists drop column recipient_count cascade".encode())
        conn.execute(f"comment on view {source.raw_schema}.object_versions is 'older'".encode())
        objects.create(conn, source)
        assert columns(conn, source) == before


def test_versions_of_objects_are_found_by_their_key(postgres_url: str, source: Source) -> None:
    """The view's parts that cannot match are left out by Postgres, so that one lookup is one index scan."""
    with connect(postgres_url) as conn:
        plan = conn.execute(
            f"explain select * from {source.raw_schema}.object_versions where object = 'lists' and id = 'x'".encode()
        ).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "lists_pkey" in text or "on lists" in text
    assert "on recipients" not in text
