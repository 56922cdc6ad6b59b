"""What every kind of test shares: one real Postgres for the session, a fresh database for each test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from xdist.scheduler import LoadScopeScheduling

from sendgrid_orchestration.warehouse import embedded
from tests.support.databases import database

_numbers = itertools.count(1)
_ENVIRONMENT = dict(os.environ)
_TOGETHER = {
    "the living demo": ("tests/acceptance/live/",),
    "models": tuple(f"tests/acceptance/test_{name}" for name in ("dbt_models", "golden_", "upgrade")),
}
"""Tests that share what is dear to make: a running demo, the parsed dbt project. They take longest, the longest first."""


def _scope(nodeid: str) -> str:
    file = nodeid.split("::", 1)[0]
    return next((name for name, places in _TOGETHER.items() if file.startswith(places)), file)


class _ByFile(LoadScopeScheduling):
    """Gives each process whole files, and to one those that belong together."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _ByFile:
    """How tests are shared out. Not xdist's own groups: since pytest 9.1 their marks are lost on the way."""
    return _ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first: no process should still be at them when the others have nothing left."""
    first = list(_TOGETHER)
    items.sort(key=lambda item: first.index(scope) if (scope := _scope(item.nodeid)) in first else len(first))


_PYTESTS_OWN = "PYTEST_"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Fail where the tests of a folder leave other environment variables than they found: the next ones would read them."""
    yield
    if nextitem is None or nextitem.path.parent != item.path.parent:
        changed = {
            name for name, _ in os.environ.items() ^ _ENVIRONMENT.items() if not name.startswith(_PYTESTS_OWN)
        }
        assert not changed, f"{item.path.parent} has changed {', '.join(sorted(changed))}"


_FOR_SHORT_LIVES = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
"""A thousand databases come and go: no test cuts the power, and dropping one looks through all buffers."""


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The private Postgres, started once; superuser's URL. `TEST_POSTGRES_URL` names another server to try."""
    if url := os.environ.get("TEST_POSTGRES_URL"):
        yield url
        return
    data_dir: Path = tmp_path_factory.mktemp("postgres")
    with psycopg.connect(embedded.ensure_running(data_dir), autocommit=True) as conn:
        for name, value in _FOR_SHORT_LIVES.items():
            conn.execute(sql.SQL("alter system set {} = {}").format(sql.Identifier(name), sql.Literal(value)))
    embedded.stop(data_dir)
    yield embedded.ensure_running(data_dir)
    embedded.stop(data_dir)


@pytest.fixture
def warehouse_url(postgres_url: str) -> Iterator[str]:
    """An empty database of the test's own."""
    with database(postgres_url, f"test_{next(_numbers)}") as url:
        yield url
