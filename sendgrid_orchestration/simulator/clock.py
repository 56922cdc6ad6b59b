"""How SendGrid writes moments."""

from __future__ import annotations

from datetime import UTC, date, datetime


def iso(seconds: float | None) -> str | None:
    """`2026-02-01T12:35:22Z`, as everything under /v3/marketing has it."""
    return (
        None if seconds is None else datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    )


def plain(seconds: float) -> str:
    """`2026-02-01 12:35:22`, as /v3/templates has it."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%d %H:%M:%S")


def day(seconds: float) -> date:
    """The UTC day of a moment."""
    return datetime.fromtimestamp(seconds, UTC).date()
