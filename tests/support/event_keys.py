"""Warehouses whose events have keys of an older version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sendgrid_orchestration.load import rekeying, rows
from sendgrid_orchestration.warehouse.engine import connect


@contextmanager
def keys_of_version(version: int) -> Iterator[None]:
    """A program that makes keys of that version, and knows of no other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "xxh3_64_digest", rekeying.HASHES[version])
        yield


def forget_version(url: str) -> None:
    """As a program left the tables that recorded no version."""
    with connect(url) as conn:
        conn.execute(b"delete from sendgrid_raw.event_key_versions")
