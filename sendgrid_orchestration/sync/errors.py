"""Why a sync could not be made, or had nothing to read."""

from __future__ import annotations


class SyncRunningError(Exception):
    """The same object of the same source is being synced already."""


class NotOfferedError(Exception):
    """The account does not have this object: there is nothing to read, and nothing is wrong."""
