"""What a person sees who opens the dashboards: every chart drawn, nothing cut off, no error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from dashboards import bundle, connection, environment, export, launch
from dashboards.queries import ChartQuery, chart_queries
from tests.acceptance.live.conftest import Live
from tests.support.superset_pages import Browser, browser, chromium

SCREENSHOTS = os.environ.get("SCREENSHOTS")
"""A folder for pictures of the dashboards, for README and docs; none are kept where it is not set."""

IN_CI = os.environ.get("CI") == "true"
"""Where Superset is installed for the tests; elsewhere nobody should wait for 650 MB without having asked for them."""

DASHBOARDS = {
    asset["slug"]: sum(
        part["type"] == "CHART" for part in asset["position"].values() if isinstance(part, dict)
    )
    for name, asset in bundle.read_assets()
    if name.startswith("dashboards/")
}


# The first test waits for marts that many runs fill, a later one for Superset's installation and start.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def filled(live: Live) -> Live:
    """The live stage when all marts that the dashboards show have rows."""
    _wait_for_rows(live, "mart_email_overview_daily")
    live.wait_for_run(live.dagster.launch("marketing_objects"), seconds=300)
    for mart in sorted(bundle.marts()):
        _wait_for_rows(live, mart)
    return live


def test_every_chart_has_an_answer(filled: Live) -> None:
    """The read-only login may ask all that the charts ask, and gets rows."""
    url, branches = connection.connect(filled.stage.settings, bundle.marts())
    since = filled.value("select current_date") - timedelta(days=90)
    with psycopg.connect(url.get_secret_value()) as conn:
        empty = [query for query in chart_queries(branches, since) if not _answer(conn, query)]
    assert [f"{query.dashboard}/{query.chart}" for query in empty] == []


def test_the_login_reads_and_nothing_else(filled: Live) -> None:
    """Neither raw events nor anybody's password, and no writing."""
    url, _ = connection.connect(filled.stage.settings, bundle.marts())
    for statement in (
        "select * from sendgrid_marketing_raw.events",
        "delete from sendgrid_marketing_marts.mart_email_overview_daily",
        "create table sendgrid_marketing_marts.mine (i int)",
    ):
        with (
            psycopg.connect(url.get_secret_value()) as conn,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            conn.execute(statement)


@pytest.fixture(scope="module")
def superset(filled: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[launch.Superset]:
    if not environment.is_ready():
        if not IN_CI:
            pytest.skip("Superset is not installed here: `make dashboards` installs it (650 MB)")
        environment.ensure_ready()
    url, branches = connection.connect(filled.stage.settings, bundle.marts())
    assets = bundle.render(connection.sqlalchemy_uri(url), branches)
    with launch.running(tmp_path_factory.mktemp("superset"), assets, launch.free_port(8088)) as running:
        yield running


@pytest.fixture(scope="module")
def person(superset: launch.Superset) -> Iterator[Browser]:
    if chromium() is None:
        message = "no Chromium on this machine: install the package `chromium` to see the dashboards tested"
        pytest.fail(message) if IN_CI else pytest.skip(message)
    with browser(superset.url) as opened:
        opened.log_in(superset.user, superset.password_file.read_text(encoding="utf-8"))
        yield opened


@pytest.mark.browser
@pytest.mark.parametrize("slug", DASHBOARDS)
def test_every_chart_is_drawn(person: Browser, slug: str) -> None:
    charts = person.open(slug, DASHBOARDS[slug])
    assert len(charts) == DASHBOARDS[slug]
    assert {chart.title: chart.complaint for chart in charts if chart.complaint} == {}
    assert person.errors == []
    assert {"Source", "Dates"} <= set(person.filters())
    if SCREENSHOTS:
        person.picture(Path(SCREENSHOTS) / f"{slug}.png")


def test_what_superset_holds_is_what_the_files_say(superset: launch.Superset) -> None:
    """Import and export lose nothing: a change made in the browser comes back as that change."""
    assert export.differences(launch.exported(superset.password_file.parent)) == {}


def _wait_for_rows(live: Live, mart: str) -> None:
    query = f"select count(*) from sendgrid_marketing_marts.{mart}"
    live.wait_until(f"rows in {mart}", lambda: bool(live.value(query)), seconds=300)


def _answer(conn: psycopg.Connection, query: ChartQuery) -> bool:
    rows = conn.execute(query.sql.encode()).fetchall()
    return any(value is not None for row in rows for value in row)
