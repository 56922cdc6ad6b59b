"""The role that dashboards connect with: it reads the collections, the marts and Segment's views, and nothing else."""

from __future__ import annotations

import logging

import psycopg
from psycopg import sql
from pydantic import SecretStr

from sendgrid_orchestration.settings import Source

logger = logging.getLogger(__name__)


def grant(conn: psycopg.Connection, source: Source, role: str) -> bool:
    """Let the role read the collections and marts of a source, those that are created later too.

    The role is created without a password, and so cannot log in, until `set_password`.

    Returns:
        Whether the role can read now. Where this user may create no roles a warning says what an administrator does.
    """
    schemas = (source.schema_, source.marts_schema, source.segment_schema)
    if _reads_already(conn, role, schemas):
        return True
    name = sql.Identifier(role)
    try:
        with conn.transaction():
            # Roles belong to the whole server: sources and databases migrate at the same time.
            conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"role {role}"])
            if not _exists(conn, role):
                conn.execute(sql.SQL("create role {} login").format(name))
            for schema in map(sql.Identifier, schemas):
                conn.execute(sql.SQL("grant usage on schema {} to {}").format(schema, name))
                conn.execute(sql.SQL("grant select on all tables in schema {} to {}").format(schema, name))
                default = "alter default privileges in schema {} grant select on tables to {}"
                conn.execute(sql.SQL(default).format(schema, name))
    except (
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.UniqueViolation,
        psycopg.errors.DuplicateObject,
    ) as error:
        logger.warning(
            "The read-only role %s could not be set up (%s). Create it as an administrator, or name an existing one "
            "in the setting warehouse.reader_role.",
            role,
            str(error).splitlines()[0],
        )
        return False
    return True


def set_password(conn: psycopg.Connection, role: str, password: SecretStr) -> None:
    """Give the role a password, so that it can log in."""
    statement = sql.SQL("alter role {} login password {}")
    conn.execute(statement.format(sql.Identifier(role), sql.Literal(password.get_secret_value())))


def _exists(conn: psycopg.Connection, role: str) -> bool:
    return conn.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone() is not None


def _reads_already(conn: psycopg.Connection, role: str, schemas: tuple[str, ...]) -> bool:
    """Whether nothing is to be granted: new tables are covered by the default privileges of the first grant."""
    query = """
        select count(*)
        from pg_default_acl as acl
        inner join pg_namespace as schema on schema.oid = acl.defaclnamespace
        cross join aclexplode(acl.defaclacl) as granted
        inner join pg_roles as role on role.oid = granted.grantee
        where role.rolname = %s and schema.nspname = any(%s) and acl.defaclobjtype = 'r'
    """
    row = conn.execute(query, [role, list(schemas)]).fetchone()
    return row is not None and int(row[0]) >= len(schemas)
