"""Readers of those whom mail may come from: the senders of Marketing Campaigns, and verified sender identities."""

from __future__ import annotations

from sendgrid_orchestration.sendgrid.paging import Row, rows_in, whole_list
from sendgrid_orchestration.sync.context import Context
from sendgrid_orchestration.sync.mirror import Records

VERIFIED_PAGE = 100
"""No largest page is documented."""


def marketing_senders(context: Context) -> Records:
    """`GET /v3/marketing/senders`, which is not paged: an account has a hundred at the most."""
    yield from _unpaged(context, "/v3/marketing/senders")


def legacy_senders(context: Context) -> Records:
    """`GET /v3/senders` of legacy Marketing Campaigns, which is not paged either."""
    yield from _unpaged(context, "/v3/senders")


def _unpaged(context: Context, path: str) -> list[Row]:
    # The specifications have `results` for one and `result` for the other; clients in use read a bare array from both.
    return whole_list(context.client, path, context.reading, "results", "result")


def verified_senders(context: Context) -> Records:
    """`GET /v3/verified_senders`, verified or not, in pages that each begin after the largest id so far.

    The end is a page without a new sender: a short page may also be an endpoint's own limit.
    """
    path = "/v3/verified_senders"
    seen: set[int] = set()
    while True:
        answer = context.client.get(path, {"limit": VERIFIED_PAGE, "lastSeenID": max(seen) if seen else None})
        rows = rows_in(answer, ("results", "result"), path, context.reading, context.client.source)
        if rows is None:
            if seen:
                context.reading.doubt(f"{path}: there was null where rows should be, after {len(seen)} rows.")
            return
        fresh = [row for row in rows if row.get("id") not in seen]
        yield from fresh
        ids = {row["id"] for row in fresh if isinstance(row.get("id"), int)}
        if not ids:
            # More rows than were asked for: it gives all at once, whatever is asked.
            if len(rows) == VERIFIED_PAGE:
                context.reading.doubt(f"{path}: a page came a second time, after {len(seen)} rows.")
            return
        seen |= ids
