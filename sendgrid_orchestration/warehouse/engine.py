"""Connections: the one place that makes them, and that turns a failure to connect into a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import psycopg
import sqlalchemy
from psycopg import sql
from pydantic import SecretStr

from sendgrid_orchestration.settings import Settings
from sendgrid_orchestration.warehouse import embedded
from sendgrid_orchestration.warehouse.errors import WarehouseUnreachableError

APPLICATION_NAME = "sendgrid-orchestration"
CONNECT_TIMEOUT = 15


@dataclass(frozen=True)
class Urls:
    """Where the data goes and where Dagster keeps its own records."""

    warehouse: SecretStr
    dagster: SecretStr


def resolve_urls(settings: Settings) -> Urls:
    """The two database URLs; starts the private Postgres if the settings name no other.

    Raises:
        EmbeddedPostgresError: the private Postgres does not start.
    """
    configured = settings.warehouse
    warehouse = configured.url or SecretStr(embedded.ensure_running(settings.data_dir))
    dagster = configured.dagster_url or SecretStr(_with_database(warehouse.get_secret_value(), "dagster"))
    return Urls(warehouse=warehouse, dagster=dagster)


@contextmanager
def connect(url: str) -> Iterator[psycopg.Connection]:
    """A connection that commits when the block ends well, rolls back when it does not, and closes.

    Raises:
        WarehouseUnreachableError: Postgres cannot be reached.
    """
    with open_connection(url) as conn:
        yield conn


def open_connection(url: str, *, autocommit: bool = False) -> psycopg.Connection:
    """A connection for a caller that closes it by itself.

    Raises:
        WarehouseUnreachableError: Postgres cannot be reached.
    """
    try:
        return psycopg.connect(
            url,
            autocommit=autocommit,
            connect_timeout=CONNECT_TIMEOUT,
            application_name=APPLICATION_NAME,
            # Days are UTC days wherever the server stands, and SendGrid's 3/4/2026 is the fourth of March.
            options="-c timezone=UTC -c datestyle=ISO,MDY",
        )
    except psycopg.OperationalError as error:
        raise WarehouseUnreachableError(
            f"Postgres at {place(url)} cannot be reached: {_reason(error)}. "
            "Check that it runs, and WAREHOUSE_URL if you set it."
        ) from error


def create_engine(url: str) -> sqlalchemy.Engine:
    """An SQLAlchemy engine through psycopg2, the driver that Dagster and dbt use too."""
    scheme, rest = url.split("://", 1)
    assert scheme.startswith("postgres"), "settings accept no other database"
    return sqlalchemy.create_engine(
        f"postgresql+psycopg2://{rest}",
        connect_args={"application_name": APPLICATION_NAME, "connect_timeout": CONNECT_TIMEOUT},
        hide_parameters=True,
    )


def ensure_database(url: str) -> None:
    """Create the database that the URL names unless it exists.

    Raises:
        WarehouseUnreachableError: it cannot be reached and not be created either.
    """
    try:
        open_connection(url).close()
    except WarehouseUnreachableError as unreachable:
        if not isinstance(unreachable.__cause__, psycopg.OperationalError) or "does not exist" not in str(
            unreachable
        ):
            raise
        name = urlsplit(url).path.lstrip("/")
        with open_connection(_with_database(url, "postgres"), autocommit=True) as conn:
            try:
                conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            except psycopg.errors.DuplicateDatabase:
                return
            except psycopg.errors.InsufficientPrivilege as error:
                raise WarehouseUnreachableError(
                    f'There is no database "{name}" at {place(url)} and this user may not create it. '
                    f'Run `create database "{name}"` as an administrator.'
                ) from error


def place(url: str) -> str:
    """Host, port and database of a URL: what a message may show."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 5432}{parts.path}"


def _with_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _reason(error: psycopg.Error) -> str:
    """What went wrong, without the address, which is told already, and without libpq's question to the user."""
    said = [
        line.strip() for line in str(error).splitlines() if line.strip() and not line.rstrip().endswith("?")
    ]
    return said[-1].rpartition("failed: ")[2].rstrip(".") if said else "no answer"
