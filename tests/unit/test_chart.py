"""The picture that the overview asset carries in Dagster."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from sendgrid_orchestration.defs.models.chart import draw


@pytest.mark.parametrize("days", [1, 2, 5, 60])
def test_the_picture_is_small_whatever_it_shows(days: int) -> None:
    """Dagster keeps it in its event log, every time."""
    rows = [(date(2026, 9, 20) + timedelta(n), 1000 + n, 300 + n, 40) for n in range(days)]
    picture = draw(rows)
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 50_000
