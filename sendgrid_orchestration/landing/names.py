"""Names of landed files: they sort by time, say the day of receipt, and are never used twice."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Callable
from datetime import UTC, date, datetime

SUFFIX = ".posts"
ARCHIVED_SUFFIX = ".posts.zst"

_NAME = re.compile(r"(\d{8}T\d{12})Z-[0-9a-f]{16}-\d{8}")
_TIME = "%Y%m%dT%H%M%S%f"


def name_giver() -> Callable[[datetime], str]:
    """A function that makes names from the time of a file's first post.

    The clock orders the names and nothing more: a random writer id and a sequence make each one unique, so a clock
    that steps back, a restart or a second receiver on the same landing cannot bring a name again.
    """
    writer = secrets.token_hex(8)
    sequence = itertools.count(1)
    return lambda first_post: f"{first_post.astimezone(UTC):{_TIME}}Z-{writer}-{next(sequence):08d}"


def opened_at(name: str) -> datetime | None:
    """When the file's first post was received; None where the name is not one of ours."""
    match = _NAME.fullmatch(name)
    try:
        return datetime.strptime(match[1], _TIME).replace(tzinfo=UTC) if match else None
    except ValueError:  # there is no such day
        return None


def day_of_receipt(name: str, otherwise: datetime) -> date:
    """The UTC day on which all posts of the file were received (a writer begins a new file at midnight)."""
    return (opened_at(name) or otherwise).astimezone(UTC).date()


def stem(file_name: str) -> str | None:
    """The name without its suffix; None where the file is no landed file."""
    for suffix in (ARCHIVED_SUFFIX, SUFFIX):
        if file_name.endswith(suffix):
            return file_name.removesuffix(suffix)
    return None
