"""Where Dagster keeps its records: in the Postgres of the settings, over connections that stay open."""

from __future__ import annotations

from pathlib import Path

import pytest
from dagster_postgres.storage import DagsterPostgresStorage

from sendgrid_orchestration.defs import instance as module
from sendgrid_orchestration.defs.instance import RunLogs, Storage
from sendgrid_orchestration.settings import load_settings


@pytest.fixture
def storage(warehouse_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Storage:
    monkeypatch.setenv("DAGSTER_URL", warehouse_url)
    monkeypatch.setenv("WAREHOUSE_URL", warehouse_url)
    monkeypatch.setenv("SENDGRID_DATA_DIR", str(tmp_path))
    return Storage.from_config_value(None, {})


def test_all_three_parts_share_the_pool(storage: Storage) -> None:
    """Holds dagster-postgres to the private attribute that the pool goes into."""
    assert isinstance(storage, DagsterPostgresStorage)
    engines = {
        id(part._engine)
        for part in (storage.run_storage, storage.event_log_storage, storage.schedule_storage)
    }  # type: ignore[attr-defined]
    assert len(engines) == 1
    storage.run_storage.get_daemon_heartbeats()
    assert storage.run_storage._engine.pool.checkedin() == 1  # type: ignore[attr-defined]


def test_no_message_between_processes_carries_the_url(storage: Storage) -> None:
    assert storage.event_storage_data is storage.run_storage_data is storage.schedule_storage_data is None


def test_a_connection_that_postgres_has_closed_is_replaced(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.run_storage.get_daemon_heartbeats()
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.0)
    with storage.run_storage.connect() as conn:  # type: ignore[attr-defined]
        conn.exec_driver_sql(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
        with storage.run_storage.connect() as other:  # type: ignore[attr-defined]
            pid = other.exec_driver_sql("select pg_backend_pid()").scalar()
        conn.exec_driver_sql(f"select pg_terminate_backend({pid})")
    assert storage.run_storage.get_daemon_heartbeats() == {}
    storage.run_storage._engine.dispose()  # type: ignore[attr-defined]


def test_what_runs_print_is_kept_in_the_data_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SENDGRID_DATA_DIR", str(tmp_path))
    logs = RunLogs.from_config_value(None, {})
    assert Path(logs._base_dir) == load_settings().data_dir / "dagster" / "logs"
