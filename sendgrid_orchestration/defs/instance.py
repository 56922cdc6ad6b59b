"""Where Dagster keeps its own records: the classes that `dagster.yaml` names.

`dagster.yaml` can read environment variables and nothing else. These two ask the settings instead, so that plain
`dagster dev` works with no environment at all, and starts the private Postgres when there is none yet.
"""

from __future__ import annotations

from time import monotonic
from typing import Any, Self

import psycopg2
import sqlalchemy
from dagster._config.config_schema import UserConfigSchema
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._serdes import ConfigurableClassData
from dagster_postgres.storage import DagsterPostgresStorage

from sendgrid_orchestration.settings import load_settings
from sendgrid_orchestration.warehouse.engine import ensure_database, open_connection, resolve_urls

IDLE_SECONDS = 2.0

_CREATING_TABLES = 7_317_001
"""The advisory lock of whoever creates Dagster's tables: webserver and daemon start at the same moment."""


class Storage(DagsterPostgresStorage):
    """Dagster's runs, events and schedules, in the Postgres that the settings name.

    dagster-postgres connects anew for every query. A run of twenty assets makes 860 connections, each with its handshake
    and an empty catalog cache: 40 % of its time. Here each process keeps a few open.
    """

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(postgres_url, inst_data=inst_data)
        engine = sqlalchemy.create_engine(
            postgres_url,
            isolation_level="AUTOCOMMIT",
            pool_size=3,
            max_overflow=30,
            pool_recycle=600,
        )
        sqlalchemy.event.listen(engine, "checkin", _note_time)
        sqlalchemy.event.listen(engine, "checkout", _ping_if_idle)
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = engine

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Nothing to configure here: the settings know."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        """What Dagster calls with the (empty) block from `dagster.yaml`."""
        url = resolve_urls(load_settings()).dagster.get_secret_value()
        ensure_database(url)
        conn = open_connection(url, autocommit=True)
        try:
            conn.execute("select pg_advisory_lock(%s)", [_CREATING_TABLES])
            return cls(postgres_url=_through_psycopg2(url), inst_data=inst_data)
        finally:
            conn.close()

    # Only needed by Dagster releases older than this one, and they would put the URL, password and all, into every
    # message between processes.
    @property
    def event_storage_data(self) -> ConfigurableClassData | None:
        """None: each process asks the settings by itself."""
        return None

    @property
    def run_storage_data(self) -> ConfigurableClassData | None:
        """None: each process asks the settings by itself."""
        return None

    @property
    def schedule_storage_data(self) -> ConfigurableClassData | None:
        """None: each process asks the settings by itself."""
        return None


class RunLogs(LocalComputeLogManager):
    """What runs print, in the data directory: webserver and daemon must look for it in the same place."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Nothing to configure here: the settings know."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        """What Dagster calls with the (empty) block from `dagster.yaml`."""
        return cls(base_dir=str(load_settings().data_dir / "dagster" / "logs"), inst_data=inst_data)


def _note_time(_connection: Any, record: Any) -> None:
    record.info["returned_at"] = monotonic()


def _ping_if_idle(connection: Any, record: Any, _proxy: Any) -> None:
    """Postgres may have been restarted since; asking before every query (`pool_pre_ping`) would cost a third of them."""
    if monotonic() - record.info.get("returned_at", monotonic()) < IDLE_SECONDS:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except psycopg2.Error as error:
        raise sqlalchemy.exc.DisconnectionError from error  # the pool makes a new one


def _through_psycopg2(url: str) -> str:
    # `NOTIFY run_events, $1` of dagster-postgres is refused through psycopg 3, and SQLAlchemy 2.1 would take that one
    # for a plain `postgresql://` (dagster #33958).
    return "postgresql+psycopg2://" + url.split("://", 1)[1]
