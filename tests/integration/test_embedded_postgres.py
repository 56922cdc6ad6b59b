"""The private Postgres is there when it is asked for, whoever asks, and whatever happened before."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sendgrid_orchestration.settings import Settings, Warehouse
from sendgrid_orchestration.warehouse import embedded, engine, unprivileged
from sendgrid_orchestration.warehouse.errors import EmbeddedPostgresError, WarehouseUnreachableError


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    embedded.stop(tmp_path / "data")


def server_pid(data_dir: Path) -> int:
    return int((data_dir / "postgres/data/postmaster.pid").read_text().split()[0])


def test_processes_that_ask_at_once_get_one_server_that_outlives_them(data_dir: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from sendgrid_orchestration.warehouse import embedded;"
        "print(embedded.ensure_running(Path(sys.argv[1])))"
    )
    askers = [
        subprocess.Popen([sys.executable, "-c", code, str(data_dir)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    urls = {asker.communicate(timeout=60)[0].strip() for asker in askers}
    (url,) = urls
    with psycopg.connect(url) as conn:
        databases = {name for (name,) in conn.execute("select datname from pg_database")}
    assert {"warehouse", "dagster"} <= databases
    assert "127.0.0.1" in url
    for secret in ("password", "port"):
        assert (data_dir / "postgres" / secret).stat().st_mode & 0o077 == 0
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(url.replace("postgres:", "postgres:not-"))

    os.kill(server_pid(data_dir), signal.SIGKILL)
    assert embedded.ensure_running(data_dir) == url
    with psycopg.connect(url) as conn:
        conn.execute("select 1")

    embedded.stop(data_dir)
    # After a restart of a container another program may have the number that stands in the pid file.
    (data_dir / "postgres/data/postmaster.pid").write_text(f"{os.getppid()}\n/somewhere\n0\n1\n\n")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(url.rsplit(":", 1)[1].split("/")[0])))
        taken.listen()
        moved = embedded.ensure_running(data_dir)
    assert moved != url
    with psycopg.connect(moved) as conn:
        conn.execute("select 1")


@pytest.mark.parametrize("user", ["root"] if os.geteuid() == 0 else [])
def test_root_without_user_namespaces_uses_another_account_or_says_why_not(
    user: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unprivileged, "_namespaces_work", lambda: False)
    data_dir.mkdir()
    try:
        url = embedded.ensure_running(data_dir)
    except EmbeddedPostgresError as error:
        assert "WAREHOUSE_URL" in str(error)
    else:
        with psycopg.connect(url) as conn:
            conn.execute("select 1")


def test_server_that_does_not_start_says_what_its_log_says(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "START_ATTEMPTS", 1)
    monkeypatch.setattr(embedded.tuning, "configuration", lambda port, data: "no_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting"):
        embedded.ensure_running(data_dir)


def test_urls_come_from_the_settings_or_from_the_private_server(
    data_dir: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Settings(warehouse=Warehouse.model_validate({"url": postgres_url}))
    urls = engine.resolve_urls(own)
    assert urls.warehouse.get_secret_value() == postgres_url
    assert urls.dagster.get_secret_value() == postgres_url.replace("/warehouse", "/dagster")
    assert postgres_url not in repr(urls)

    monkeypatch.setattr(embedded, "ensure_running", lambda folder: f"postgresql://u:p@h:1/{folder.name}")
    private = engine.resolve_urls(Settings(data_dir=data_dir))
    assert private.warehouse.get_secret_value() == "postgresql://u:p@h:1/data"


def test_unreachable_server_is_named_without_its_password() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (
        pytest.raises(WarehouseUnreachableError) as caught,
        engine.connect(f"postgresql://me:geheim@127.0.0.1:{port}/db"),
    ):
        pass
    assert f"127.0.0.1:{port}/db" in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_database_is_created_where_it_is_missing(postgres_url: str) -> None:
    url = postgres_url.replace("/warehouse", f"/made_{time.monotonic_ns()}")
    engine.ensure_database(url)
    engine.ensure_database(url)
    with engine.create_engine(url).connect() as conn:
        assert conn.exec_driver_sql("select 1").scalar() == 1
