"""What every kind of test shares: one real Postgres for the session, a fresh database for each test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from sendgrid_orchestration.warehouse import embedded
from tests.support.databases import database

_numbers = itertools.count(1)
_LOOK_AT_THE_LIVING_DEMO = ("test_dashboards.py", "test_live.py", "test_pages.py")


class _ByFile(LoadScopeScheduling):
    """Gives each process whole files, and all that look at the living demo to one: it is dear to start."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return "the living demo" if file.endswith(_LOOK_AT_THE_LIVING_DEMO) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _ByFile:
    """How tests are shared out. Not xdist's own groups: since pytest 9.1 their marks are lost on the way."""
    return _ByFile(config, log)


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
    with database(postgres_url, f"test_{next(_numbers)}") as url:
        yield url
