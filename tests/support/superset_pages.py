"""Looks at a dashboard in headless Chromium, as a person would: is there a picture, is there an error?"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import ConsoleMessage, Page, Response, sync_playwright

WIDTH, HEIGHT = 1440, 3200  # tall enough for all of a dashboard: Superset draws only what is in sight

BLOCKED_PIXEL = "scarf.sh"
"""Superset's tracking pixel. Our policy blocks it, and the browser says so in its console."""

CHART_STATES = """
() => [...document.querySelectorAll('[data-test-chart-id]')].map(chart => {
  const blank = canvas => {
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return !pixels.some((value, place) => place % 4 === 3 && value > 0);
  };
  const title = chart.querySelector('[data-test=editable-title], .header-title');
  const cut = [...chart.querySelectorAll('th, .header-line, .header-title *')]
    .filter(part => part.scrollWidth > part.clientWidth + 1).map(part => part.textContent);
  return {
    title: title ? title.textContent : '',
    text: chart.innerText,
    canvases: [...chart.querySelectorAll('canvas')].length,
    blank: [...chart.querySelectorAll('canvas')].filter(blank).length,
    rows: chart.querySelectorAll('tbody tr').length,
    number: (chart.querySelector('.header-line') || {innerText: ''}).innerText,
    error: (chart.querySelector('[role=alert], .ant-alert, .missing-chart-container') || {innerText: ''}).innerText,
    cut,
  };
})
"""


@dataclass(frozen=True)
class Chart:
    """One chart as it stands on the page."""

    title: str
    text: str
    canvases: int
    blank: int
    rows: int
    number: str
    error: str
    cut: tuple[str, ...]

    @property
    def complaint(self) -> str | None:
        """What a person would complain about, or nothing."""
        if self.error:
            return f"shows an error: {self.error}"
        # In a table, N/A is an answer: Gmail reports no complaints. In place of a big number it is none.
        if self.number == "N/A" or any(words in self.text for words in ("No data", "No results")):
            return f"has nothing to show: {self.text!r}"
        if self.blank or not (self.canvases or self.rows or self.number):
            return "is empty"
        if self.cut:
            return f"cuts off {self.cut}"
        return None


class Browser:
    """A person logged in to Superset."""

    def __init__(self, page: Page, url: str) -> None:
        self._page = page
        self._url = url
        self.errors: list[str] = []
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.errors.append(f"exception: {error}"))
        page.on("response", self._note_response)

    def log_in(self, user: str, password: str) -> None:
        """Through the form, as a person does."""
        self._page.goto(f"{self._url}/login/")
        self._page.fill("#username", user)
        self._page.fill("#password", password)
        self._page.keyboard.press("Enter")
        self._page.wait_for_url(lambda url: "/login" not in url)

    def open(self, slug: str, charts: int) -> list[Chart]:
        """The charts of a dashboard, when all of them have been drawn."""
        self._page.goto(f"{self._url}/superset/dashboard/{slug}/")
        self._page.wait_for_function(
            """count => document.querySelectorAll('[data-test-chart-id]').length >= count
                && !document.querySelector('[data-test=loading-indicator], .loading')
                && [...document.querySelectorAll('[data-test-chart-id]')].every(chart => chart.innerText.trim()
                    && chart.querySelector('canvas, table, .header-line, [role=alert], .ant-empty'))""",
            arg=charts,
            # 21 s alone; beside dbt builds on the same two processors more than 90 have been seen
            timeout=240_000,
        )
        self._page.wait_for_timeout(1500)  # ECharts draws its bars and lines in motion
        return [Chart(**{**state, "cut": tuple(state["cut"])}) for state in self._page.evaluate(CHART_STATES)]

    def filters(self) -> list[str]:
        """The names of the filters that the page offers."""
        names: list[str] = self._page.locator("[data-test=filter-control-name]").all_inner_texts()
        return names

    def picture(self, file: Path) -> None:
        """A picture of the page, small enough for a README."""
        bottom = self._page.evaluate(
            "() => Math.max(...[...document.querySelectorAll('.dashboard-component-chart-holder')]"
            ".map(chart => chart.getBoundingClientRect().bottom))"
        )
        clip = {"x": 0, "y": 56, "width": WIDTH, "height": min(bottom + 16, HEIGHT) - 56}
        file.parent.mkdir(parents=True, exist_ok=True)
        self._page.screenshot(path=file, clip=clip)  # type: ignore[arg-type]
        with Image.open(file) as image:
            # Every colour of a chart survives, however few its pixels.
            palette = image.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
            palette.save(file, optimize=True)

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and BLOCKED_PIXEL not in message.text:
            self.errors.append(f"console: {message.text}")

    def _note_response(self, response: Response) -> None:
        if response.status >= 400:
            self.errors.append(f"{response.status} from {response.url}")


def chromium() -> str | None:
    """The Chromium that this machine has."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def browser(url: str) -> Iterator[Browser]:
    """A headless Chromium at Superset."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            page = running.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            yield Browser(page, url)
        finally:
            running.close()
