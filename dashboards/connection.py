"""How Superset reaches the warehouse: with a login that reads the collections and marts, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterable
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from pydantic import SecretStr

from dashboards.bundle import Branch
from dashboards.launch import secret
from sendgrid_orchestration.settings import Settings
from sendgrid_orchestration.warehouse import engine, reader
from sendgrid_orchestration.warehouse.errors import WarehouseUnreachableError

READER_URL = "WAREHOUSE_READER_URL"


class NothingToShowError(Exception):
    """The warehouse has no marts, or they cannot be read; the message says what to do first."""


def connect(settings: Settings, marts: Iterable[str]) -> tuple[SecretStr, list[Branch]]:
    """The URL for Superset, and the sources whose marts it will find there.

    The URL in the environment variable WAREHOUSE_READER_URL is taken as it is. Without it the read-only role of the
    settings gets a generated password, kept in the data directory.

    Args:
        settings: sources, warehouse and data directory.
        marts: the tables that every source must have to be shown.

    Raises:
        NothingToShowError: no source has all of them, or the login cannot be made.
    """
    given = os.environ.get(READER_URL, "").strip()
    url = SecretStr(given) if given else _reader_url(settings)
    return url, _branches(settings, url, sorted(set(marts)))


def sqlalchemy_uri(url: SecretStr) -> str:
    """The URL in SQLAlchemy 1.4's spelling, for the driver that Superset's environment has."""
    return "postgresql+psycopg2://" + url.get_secret_value().split("://", 1)[1]


def _reader_url(settings: Settings) -> SecretStr:
    admin = engine.resolve_urls(settings).warehouse.get_secret_value()
    role = settings.warehouse.reader_role
    with engine.connect(admin) as conn:
        for source in settings.sources:
            if _has_schema(conn, source.marts_schema):
                reader.grant(conn, source, role)
    password = SecretStr(secret(settings.data_dir / "reader_password").read_text(encoding="utf-8"))
    parts = urlsplit(admin)
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{quote(role)}:{quote(password.get_secret_value(), safe='')}@{host}"
    url = SecretStr(urlunsplit(parts._replace(netloc=netloc)))
    if not _can_log_in(url):
        try:
            with engine.connect(admin) as conn:
                reader.set_password(conn, role, password)
        except psycopg.Error as error:
            raise NothingToShowError(
                f"The read-only role {role} cannot be given a password ({str(error).splitlines()[0]}). "
                f"Ask an administrator for a login that reads the marts, and set {READER_URL} to its URL."
            ) from error
    return url


def _branches(settings: Settings, url: SecretStr, marts: list[str]) -> list[Branch]:
    branches = []
    missing: list[str] = []
    with engine.connect(url.get_secret_value()) as conn:
        for source in settings.sources:
            query = "select name from unnest(%s::text[]) as name where to_regclass(%s || '.' || name) is null"
            absent = conn.execute(query, [marts, source.marts_schema]).fetchall()
            if absent:
                missing += [f"{source.marts_schema}.{name}" for (name,) in absent]
            else:
                branches.append(Branch(label=source.label, schema=source.marts_schema))
    if not branches:
        raise NothingToShowError(
            f"There are no marts to show yet: {', '.join(missing[:3])} and {max(len(missing) - 3, 0)} others are missing "
            f"in {engine.place(url.get_secret_value())}. Bring some events in first: `make demo` does."
        )
    return branches


def _can_log_in(url: SecretStr) -> bool:
    try:
        with engine.connect(url.get_secret_value()):
            return True
    except WarehouseUnreachableError:
        return False


def _has_schema(conn: psycopg.Connection, schema: str) -> bool:
    return conn.execute("select 1 from pg_namespace where nspname = %s", [schema]).fetchone() is not None
