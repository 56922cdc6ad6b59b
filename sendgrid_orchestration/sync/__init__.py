"""Mirrors SendGrid's objects into Postgres: lists, segments, recipients, who is in what, mailings, suppressions, statistics.

Promises: after a sync the tables show what SendGrid says, rows that did not change are not rewritten, what was replaced is kept
as history, and a delete is inferred only from a read that was proven complete. A failed read leaves everything as it was.

Never: write to SendGrid, guess at rows it has not read, or know Dagster. One call syncs one object; no object waits for another.
"""

from sendgrid_orchestration.sync.errors import SyncRunningError
from sendgrid_orchestration.sync.objects import OBJECTS, ObjectSpec
from sendgrid_orchestration.sync.result import SyncResult
from sendgrid_orchestration.sync.run import sync_members, sync_object

__all__ = ["OBJECTS", "ObjectSpec", "SyncResult", "SyncRunningError", "sync_members", "sync_object"]
