"""Readers of what every account has, with or without Marketing Campaigns: suppressions, templates, categories."""

from __future__ import annotations

from collections.abc import Callable

from sendgrid_orchestration.sendgrid.errors import MissingScopeError
from sendgrid_orchestration.sendgrid.paging import offset_pages, token_pages, whole_list
from sendgrid_orchestration.sync.context import Context
from sendgrid_orchestration.sync.mirror import Records

SUPPRESSIONS_PAGE = 500
"""The most that SendGrid gives at once; without a limit it cuts these lists short without a word."""

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
    try:
        groups = context.client.get(_GROUPS)
    except MissingScopeError:
        groups = None  # the members may be read without them, if less surely
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
