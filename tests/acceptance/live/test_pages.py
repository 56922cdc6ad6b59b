"""What a newcomer sees: the demo's pages, drawn by a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.acceptance.live.conftest import Live

SCREENSHOTS = os.environ.get("SCREENSHOTS")
"""A folder for pictures of the pages, for README and docs; none are kept where it is not set."""

OVERVIEW = "mart_email_overview_daily"

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        message = "no Chromium on this machine: install the package `chromium` to see the pages tested"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.set_default_timeout(90_000)
    expect.set_options(timeout=90_000)
    yield page
    page.close()


@pytest.fixture(autouse=True)
def _something_to_see(live: Live) -> None:
    # Postgres may just have been restarted under it, and whoever asks first then is told so.
    live.wait_until("the pages", lambda: requests.get(live.dagster.url, timeout=60).ok)
    live.wait_until(
        "the overview",
        lambda: bool(
            live.value("select sum(messages) from sendgrid_marketing_marts.mart_email_overview_daily")
        ),
    )


def test_the_asset_graph_shows_the_way_from_webhook_to_mart(live: Live, page: Page) -> None:
    page.goto(
        f"{live.dagster.url}/assets/marketing/marts/{OVERVIEW}?view=lineage&lineageScope=upstream&lineageDepth=6"
    )
    for name in ("webhook", "events", "activity", "fct_email_messages"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    _keep(page, "asset-graph")


def test_an_asset_plots_its_rows_over_time(live: Live, page: Page) -> None:
    page.goto(f"{live.dagster.url}/assets/marketing/raw/events?view=overview")
    page.get_by_text("Plots", exact=True).click()
    expect(page.get_by_text("events inserted", exact=True).first).to_be_visible()
    expect(page.locator("canvas").first).to_be_visible()
    _keep(page, "asset-plots")


def test_the_overview_carries_a_picture(live: Live, page: Page) -> None:
    page.goto(f"{live.dagster.url}/assets/marketing/marts/{OVERVIEW}?view=events")
    page.get_by_text("[Show Markdown]").first.click()
    expect(page.locator("img[src^='data:image/png']").first).to_be_visible()
    _keep(page, "overview-asset")


def test_the_runs_page_lists_loads_and_models(live: Live, page: Page) -> None:
    page.goto(f"{live.dagster.url}/runs")
    expect(page.get_by_text("marketing_models").first).to_be_visible()
    expect(page.get_by_text("Success").first).to_be_visible()
    _keep(page, "runs")


def _keep(page: Page, name: str) -> None:
    if SCREENSHOTS:
        page.wait_for_timeout(1500)  # the graph is still finding its place
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png")
