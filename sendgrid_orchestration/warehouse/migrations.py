"""Brings the schemas of a source to the version that this program needs, from nothing or from any older version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import psycopg
from psycopg import sql

from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse import custom_args, objects, reader
from sendgrid_orchestration.warehouse.errors import MigrationError

_SQL = files("sendgrid_orchestration.warehouse") / "sql" / "migrations"


def migrate(conn: psycopg.Connection, source: Source, *, reader_role: str | None = None) -> None:
    """Create or upgrade everything of one source: its schemas, the tables of the loader and those of the objects.

    Safe to call at the start of every run, by any number of processes at once: where nothing is to be done it reads
    three small catalog queries and takes no lock.

    Args:
        conn: a connection; the work commits on it unless a transaction is open already.
        source: whose schemas.
        reader_role: a role that may then read the collections and the marts; created where this user may create it.

    Raises:
        MigrationError: the tables belong to a newer version of this program, or something is in the way.
    """
    with conn.transaction():
        if not (
            _is_current(conn, source)
            and custom_args.missing(conn, source) == []
            and objects.are_current(conn, source)
        ):
            _lock(conn, source)
            _create_schemas(conn, source)
            _apply(conn, source)
            custom_args.add_columns(conn, source)
            objects.create(conn, source)
        if reader_role is not None:
            reader.grant(conn, source, reader_role)


@dataclass(frozen=True)
class _Migration:
    version: int
    name: str
    statements: str


@cache
def _migrations() -> tuple[_Migration, ...]:
    found = []
    for file in _SQL.iterdir():
        match = re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name)
        if match:
            found.append(_Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.version)
    assert [m.version for m in found] == list(range(1, len(found) + 1)), (
        "migrations are numbered without a gap"
    )
    return tuple(found)


def table_comments() -> dict[str, str]:
    """What the migrations say about each table that they create, by its name."""
    found = {}
    for migration in _migrations():
        for name, comment in re.findall(
            r"comment on table {raw}\.(\w+) is\s+'((?:[^']|'')*)'", migration.statements
        ):
            found[name] = comment.replace("''", "'")
    return found


def _is_current(conn: psycopg.Connection, source: Source) -> bool:
    return _version(conn, source) == _migrations()[-1].version


def _version(conn: psycopg.Connection, source: Source) -> int:
    table = f"{source.raw_schema}.schema_version"
    row = conn.execute("select to_regclass(%s) is not null", [table]).fetchone()
    if row is None or not row[0]:
        return 0
    query = sql.SQL("select coalesce(max(version), 0) from {}.schema_version")
    row = conn.execute(query.format(sql.Identifier(source.raw_schema))).fetchone()
    assert row is not None
    version = int(row[0])
    if version > _migrations()[-1].version:
        raise MigrationError(
            f"The schema {source.raw_schema} is at version {version}, and this program knows versions up to "
            f"{_migrations()[-1].version}. A newer one has been here: upgrade this one."
        )
    return version


def _lock(conn: psycopg.Connection, source: Source) -> None:
    conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"migrate {source.schema_}"])


def _create_schemas(conn: psycopg.Connection, source: Source) -> None:
    existing = {name for (name,) in conn.execute("select nspname from pg_namespace")}
    for name in source.schemas:
        if name not in existing:
            try:
                with conn.transaction():
                    conn.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(name)))
            except psycopg.errors.InsufficientPrivilege as error:
                raise MigrationError(
                    f"This user may not create the schema {name}. Run `create schema {name} authorization <user>` "
                    "as an administrator, or grant it CREATE on the database."
                ) from error
    versions = """
        create table if not exists {}.schema_version (
            version integer primary key,
            name text not null,
            applied_at timestamptz not null default clock_timestamp()
        )
    """
    conn.execute(sql.SQL(versions).format(sql.Identifier(source.raw_schema)))


def _apply(conn: psycopg.Connection, source: Source) -> None:
    done = _version(conn, source)
    raw = sql.Identifier(source.raw_schema)
    for migration in _migrations():
        if migration.version > done:
            conn.execute(sql.SQL(migration.statements).format(raw=raw))
            conn.execute(
                sql.SQL("insert into {}.schema_version (version, name) values (%s, %s)").format(raw),
                [migration.version, migration.name],
            )
