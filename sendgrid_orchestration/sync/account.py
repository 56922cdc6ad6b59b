"""Readers of what every account has, with or without Marketing Campaigns: suppressions, templates, categories, statistics."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sendgrid_orchestration.sendgrid.client import Params
from sendgrid_orchestration.sendgrid.paging import offset_pages, token_pages, whole_list
from sendgrid_orchestration.sync.context import Context
from sendgrid_orchestration.sync.mirror import Records

SUPPRESSIONS_PAGE = 500
"""The most that SendGrid gives at once; without a limit it cuts these lists short without a word."""

FIRST_STATS = timedelta(days=396)
"""How far back the first sync reads daily statistics: thirteen months, as far as SendGrid keeps the finer ones."""

STATS_AGAIN = timedelta(days=30)
"""How far back every later sync reads them again: opens and clicks are counted late, incidents are corrected."""

_STATS_SLICE = timedelta(days=90)
_GROUPS = "/v3/asm/groups"


def suppression(list_name: str) -> Callable[[Context], Records]:
    """The reader of one suppression list.

    Read in full each time: SendGrid purges old bounces and people are taken off lists, which a read of the newest would
    never see. Rows that come while it reads are left to the next sync, so that they cannot shift the pages.
    """

    def read(context: Context) -> Records:
        path = f"/v3/suppression/{list_name}"
        return offset_pages(
            context.client,
            path,
            context.reading,
            params={"end_time": int(context.now.timestamp())},
            limit=SUPPRESSIONS_PAGE,
        )

    return read


def unsubscribe_groups(context: Context) -> Records:
    """`GET /v3/asm/groups`, which is not paged."""
    yield from whole_list(context.client, _GROUPS, context.reading, "groups")


def unsubscribe_group_members(context: Context) -> Records:
    """`GET /v3/asm/suppressions`: every group's members.

    It pages, though the specification does not say so. Should it not, the groups' own counts tell whether all were there.
    """
    groups = context.client.get(_GROUPS)
    expected = sum(group.get("unsubscribes") or 0 for group in groups) if isinstance(groups, list) else None
    yield from offset_pages(
        context.client,
        "/v3/asm/suppressions",
        context.reading,
        limit=SUPPRESSIONS_PAGE,
        expected=expected,
    )


def templates(context: Context) -> Records:
    """`GET /v3/templates` of both generations; by default SendGrid gives legacy ones only."""
    return token_pages(
        context.client,
        "/v3/templates",
        context.reading,
        params={"generations": "legacy,dynamic", "page_size": 200},
        keys=("result", "templates"),
    )


def categories(context: Context) -> Records:
    """`GET /v3/categories`, in pages of the default size: no other is documented as allowed."""
    return offset_pages(context.client, "/v3/categories", context.reading, limit=50)


def daily_stats(context: Context) -> Records:
    """`GET /v3/stats` by day, in slices of a quarter of a year; a month again each time."""
    last = context.now.date()
    days = [day for (day,) in context.known("daily_stats", ["date"], [])]
    first = min(max(days), last) - STATS_AGAIN if days else last - FIRST_STATS
    while first <= last:
        until = min(last, first + _STATS_SLICE - timedelta(days=1))
        by_day: Params = {
            "start_date": first.isoformat(),
            "end_date": until.isoformat(),
            "aggregated_by": "day",
        }
        for day in whole_list(context.client, "/v3/stats", context.reading, "stats", params=by_day):
            yield {"date": day.get("date"), "stats": _sole(day.get("stats"))}
        first = until + timedelta(days=1)


def _sole(stats: Any) -> Any:
    """The account's own numbers, which SendGrid wraps in a list of one."""
    if isinstance(stats, list):
        return stats[0] if stats else {}
    return stats
