"""Readers of clicks by link, of single sends and of automations: only of those that were clicked since."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sendgrid_orchestration.sendgrid.errors import NotFoundError
from sendgrid_orchestration.sendgrid.paging import Row, token_pages
from sendgrid_orchestration.sync import marketing
from sendgrid_orchestration.sync.context import Context
from sendgrid_orchestration.sync.mirror import Records, Seen
from sendgrid_orchestration.sync.shape import storable
from sendgrid_orchestration.warehouse.object_tables import TABLES

_PAGE = 50
_NO_LOCATION = -1


def single_send_links(context: Context) -> Records:
    """`GET /v3/marketing/stats/singlesends/{id}/links`, by variation and phase where there is a test."""
    return _links(
        context, "single_send_links", "singlesends", ("ab_variation", "ab_phase"), marketing.with_ab_test
    )


def automation_links(context: Context) -> Records:
    """`GET /v3/marketing/stats/automations/{id}/links`, by step."""
    return _links(context, "automation_links", "automations", ("step_id",), lambda _, clicked: clicked)


def _links(
    context: Context,
    table: str,
    kind: str,
    parts: tuple[str, ...],
    divided: Callable[[Context, set[Any]], set[Any]],
) -> Records:
    """The links of each mailing.

    Args:
        context: the circumstances.
        table: the target.
        kind: SendGrid's word for these mailings, in the path.
        parts: the fields that tell parts of a mailing apart; "all" where they are counted together.
        divided: of the mailings whose links are read, those that have such parts.
    """
    path = f"/v3/marketing/stats/{kind}"
    clicks = _total_clicks(context, path, parts)
    known = _known(context, table)
    clicked = [one for one, count in clicks.items() if count != known[one].total_clicks]
    for one in clicks.keys() - clicked:
        yield from known[one].seen()
    in_parts = divided(context, set(clicked)) if clicked else set()
    for number, one in enumerate(clicked, start=1):
        by_part = ",".join(parts) if one in in_parts else None
        try:
            links = list(_read(context, f"{path}/{one}/links", by_part, parts))
        except NotFoundError:
            context.reading.note(
                f"{kind} {one}: SendGrid has no clicks by link of it yet, or it was deleted."
            )
            links = []
        for link in links:
            yield {**link, "id": one, "stats": {"clicks": clicks[one]}}
        if not links:
            # Links that were clicked do not go: what is known of them stands.
            yield from known[one].seen()
        if number % 100 == 0:
            context.progress(f"{table}: the links of {number} of {len(clicked)} read.")


@dataclass
class _Known:
    """What is stored of one mailing.

    Attributes:
        total_clicks: of the whole mailing, when its links were read.
        keys: of its rows.
    """

    total_clicks: int = 0
    keys: list[tuple[Any, ...]] = field(default_factory=list)

    def seen(self) -> Iterator[Seen]:
        """The rows, as they were."""
        return map(Seen, self.keys)


def _known(context: Context, table: str) -> defaultdict[Any, _Known]:
    known: defaultdict[Any, _Known] = defaultdict(_Known)
    for key, (total_clicks,) in context.known(table, TABLES[table].key, ["total_clicks"]).items():
        mailing = known[key[0]]
        mailing.keys.append(key)
        mailing.total_clicks = max(mailing.total_clicks, total_clicks or 0)
    return known


def _total_clicks(context: Context, path: str, parts: tuple[str, ...]) -> dict[Any, int]:
    """The clicks of every mailing by its statistics, all parts together."""
    pages = token_pages(
        context.client,
        path,
        context.reading,
        params={"page_size": _PAGE},
        identity=("id", *parts, "aggregation"),
    )
    return {
        row.get("id"): (row.get("stats") or {}).get("clicks") or 0
        for row in pages
        if all(row.get(part, "all") == "all" for part in parts)
    }


def _read(context: Context, path: str, by_part: str | None, parts: tuple[str, ...]) -> Iterator[Row]:
    """The links of one mailing, each with its key."""
    pages = token_pages(
        context.client,
        path,
        context.reading,
        params={"page_size": _PAGE, "group_by": by_part},
        identity=("url", "url_location", *parts),
    )
    for link in pages:
        url = link.get("url")
        place = link.get("url_location")
        yield {
            **dict.fromkeys(parts, "all"),
            **link,
            "url_location": _NO_LOCATION if place is None else place,
            "url_md5": md5(url) if isinstance(url, str) else None,
        }


def md5(url: str) -> str:
    """The digest that Postgres has for the URL as it is stored."""
    return hashlib.md5(storable(url).encode(), usedforsecurity=False).hexdigest()
