"""What every kind of test shares: one real Postgres for the session, a fresh database for each test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sendgrid_orchestration.warehouse import embedded

_numbers = itertools.count(1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares a fixture that is dear: a file's tests, and all that look at the living demo."""
    for item in items:
        fixtures: list[str] = getattr(item, "fixturenames", [])
        item.add_marker(pytest.mark.xdist_group("live" if "live" in fixtures else item.nodeid.split("::")[0]))


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The private Postgres, started once; superuser's URL. `TEST_POSTGRES_URL` names another server to try."""
    if url := os.environ.get("TEST_POSTGRES_URL"):
        yield url
        return
    data_dir: Path = tmp_path_factory.mktemp("postgres")
    yield embedded.ensure_running(data_dir)
    embedded.stop(data_dir)


@pytest.fixture
def warehouse_url(postgres_url: str) -> Iterator[str]:
    """An empty database of the test's own."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute(f'create database "{name}" template template0 strategy file_copy'.encode())
        yield postgres_url.rsplit("/", 1)[0] + f"/{name}"
        conn.execute(f'drop database "{name}" with (force)'.encode())
