"""Readers of today's Marketing Campaigns: lists, segments, fields, single sends, statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from sendgrid_orchestration.sendgrid.errors import NotFoundError, WrongFamilyError
from sendgrid_orchestration.sendgrid.paging import Row, rows_in, token_pages, whole_list
from sendgrid_orchestration.sync.context import Context
from sendgrid_orchestration.sync.errors import NotOfferedError
from sendgrid_orchestration.sync.mirror import Partial, Records, Seen
from sendgrid_orchestration.sync.shape import moment
from sendgrid_orchestration.warehouse.object_tables import TABLES

_SEGMENTS = "/v3/marketing/segments/2.0"
_OLD_SEGMENTS = "/v3/marketing/segments"
_SINGLE_SENDS = "/v3/marketing/singlesends"

_PAGE = 1000
_SMALL_PAGE = 100  # no most is documented; Airbyte reads pages of a hundred
_STATS_PAGE = 50

FIRST_STATS = timedelta(days=396)
"""How far back the days of a mailing are read at first …"""

STATS_AGAIN = timedelta(days=30)
"""… and how far before its last known day later: opens and clicks are counted late, incidents are corrected."""


def lists(context: Context) -> Iterator[Row]:
    """`GET /v3/marketing/lists`."""
    return token_pages(context.client, "/v3/marketing/lists", context.reading, params={"page_size": _PAGE})


def segments(context: Context) -> Records:
    """Segments 2.0 and what is left of 1.0, each with its query, which is told one by one."""
    stored = context.stored("segments")
    for path, segment in listed_segments(context):
        yield from _with_query(context, path, segment, stored.get((segment.get("id"),)))


def listed_segments(context: Context) -> Iterator[tuple[str, Row]]:
    """The segments as their lists tell them, all at once, each with the path that it stands under."""
    ids = set()
    for segment in whole_list(context.client, _SEGMENTS, context.reading, "results", "result"):
        ids.add(segment.get("id"))
        yield _SEGMENTS, segment
    try:
        old = whole_list(context.client, _OLD_SEGMENTS, context.reading, "results", "result")
    except (NotFoundError, WrongFamilyError):
        return  # the endpoint is deprecated since 2022 and may go
    for segment in old:
        if segment.get("id") not in ids:
            yield _OLD_SEGMENTS, {"query_version": "1", **segment}


def _with_query(context: Context, path: str, segment: Row, stored: Mapping[str, Any] | None) -> Records:
    updated_at = moment(segment.get("updated_at"))
    # A query cannot change without updated_at; so a segment whose counts alone moved costs no request of its own.
    if stored and stored["query_dsl"] is not None and updated_at and stored["updated_at"] == updated_at:
        # The list lacks fields that the detail has: the query, and how often the segment was refreshed by hand.
        yield Partial(_with_parent(segment), stored)
        return
    try:
        # The sample of fifty contacts comes along unless it is declined; segments 1.0 know no such parameter.
        plain = {"contacts_sample": "false"} if path == _SEGMENTS else None
        detail = context.client.get(f"{path}/{segment.get('id')}", plain)
    except NotFoundError:
        context.reading.note(f"Segment {segment.get('id')} was deleted while the segments were read.")
        return
    detail = detail if isinstance(detail, dict) else {}
    merged = {**detail, **segment, "query_dsl": detail.get("query_dsl") or segment.get("query_dsl")}
    merged.pop("contacts_sample", None)
    yield _with_parent(merged)


def _with_parent(segment: Row) -> Row:
    """The segment with the one list that it is a slice of, as segments 1.0 name it, if the answer names any parents."""
    if segment.get("parent_list_id") or "parent_list_ids" not in segment:
        return segment
    parents = segment["parent_list_ids"]
    return {
        **segment,
        "parent_list_id": parents[0] if isinstance(parents, list) and len(parents) == 1 else None,
    }


def field_definitions(context: Context) -> Iterator[Row]:
    """`GET /v3/marketing/field_definitions`; an account without custom fields may lack their key, or have a null there."""
    path = "/v3/marketing/field_definitions"
    answer = context.client.get(path)
    kinds = {"custom_fields": False, "reserved_fields": True}
    present = [kind for kind in kinds if isinstance(answer, dict) and kind in answer]
    for kind in present or kinds:
        rows = rows_in(answer, (kind,), path, context.reading, context.client.source)
        for field in rows or ():
            yield {"read_only": False, **field, "is_reserved": kinds[kind]}
        if kinds[kind] and not rows:
            context.reading.doubt(f"{path}: there are no {kind}, which every account has.")


def campaigns(context: Context) -> Records:
    """`GET /v3/marketing/campaigns`, which SendGrid does not document: the only list of automations by name."""
    try:
        yield from token_pages(
            context.client, "/v3/marketing/campaigns", context.reading, params={"page_size": _SMALL_PAGE}
        )
    except (NotFoundError, WrongFamilyError) as refusal:
        raise NotOfferedError(
            f"This account does not offer the undocumented list of campaigns ({refusal.status})."
        ) from refusal


def single_sends(context: Context) -> Records:
    """Single sends; the details of each are asked for only where it is new or was touched since."""
    path = _SINGLE_SENDS
    known = context.known("single_sends", ["id"], ["updated_at", "status", "name", "email_config"])
    pages = token_pages(context.client, path, context.reading, params={"page_size": _SMALL_PAGE})
    for single_send in pages:
        stored = known.get((single_send.get("id"),))
        if (
            stored is not None
            and stored[3] is not None
            and stored[:3]
            == (moment(single_send.get("updated_at")), single_send.get("status"), single_send.get("name"))
        ):
            yield Seen((single_send["id"],))
            continue
        try:
            detail = context.client.get(f"{path}/{single_send.get('id')}")
        except NotFoundError:
            context.reading.note(f"Single send {single_send.get('id')} was deleted while the list was read.")
            continue
        yield {**single_send, **(detail if isinstance(detail, dict) else {})}


def single_send_stats(context: Context) -> Records:
    """Totals of every single send, then the days of those whose total moved, and the variations of their A/B tests."""
    yield from _stats(context, "single_send_stats", "singlesends", ("ab_variation", "ab_phase"), with_ab_test)


def automation_stats(context: Context) -> Records:
    """Totals of every automation, then the days and the steps of those whose total moved."""
    yield from _stats(context, "automation_stats", "automations", ("step_id",), lambda _, moved: moved)


def with_ab_test(context: Context, moved: set[Any]) -> set[Any]:
    """Those that test a variation against another: one in many, and told by the list of single sends, a hundred a request."""
    pages = token_pages(context.client, _SINGLE_SENDS, context.reading, params={"page_size": _SMALL_PAGE})
    return moved & {one.get("id") for one in pages if one.get("is_abtest")}


_COMPARED = (
    "requests",
    "delivered",
    "opens",
    "unique_opens",
    "clicks",
    "unique_clicks",
    "bounces",
    "unsubscribes",
)


def _stats(
    context: Context,
    table: str,
    kind: str,
    parts: tuple[str, ...],
    divided: Callable[[Context, set[Any]], set[Any]],
) -> Records:
    """What became of each mailing.

    Args:
        context: the circumstances.
        table: the target.
        kind: SendGrid's word for these mailings, in the path.
        parts: the fields that tell parts of a mailing apart; "all" where they are counted together.
        divided: of the mailings whose total moved, those whose parts are worth a request of their own.
    """
    path = f"/v3/marketing/stats/{kind}"
    identity = ("id", *parts, "aggregation")
    defaults = {**dict.fromkeys(parts, "all"), "aggregation": "total"}
    known = context.known(table, TABLES[table].key, _COMPARED)
    moved = []
    for total in token_pages(
        context.client, path, context.reading, params={"page_size": _STATS_PAGE}, identity=identity
    ):
        row = {**defaults, **total}
        stats = row.get("stats") or {}
        if known.get(tuple(row.get(name) for name in identity)) != tuple(
            stats.get(name) for name in _COMPARED
        ):
            moved.append(row.get("id"))
        yield row
    last_days: dict[Any, str] = {}
    for key in known:
        if key[-1] != "total":
            last_days[key[0]] = max(last_days.get(key[0], ""), key[-1])
    in_parts = divided(context, set(moved)) if moved else set()
    for number, one in enumerate(dict.fromkeys(moved), start=1):
        try:
            for row in _days(context, f"{path}/{one}", last_days.get(one), identity):
                whole = {**defaults, **row}
                # A day without anything is not worth a row, unless it had something before.
                if (
                    any((row.get("stats") or {}).values())
                    or tuple(whole.get(name) for name in identity) in known
                ):
                    yield whole
            if one in in_parts:
                yield from _parts(context, f"{path}/{one}", identity, defaults)
        except NotFoundError:
            context.reading.note(f"{kind} {one} was deleted while its statistics were read.")
        if number % 100 == 0:
            context.progress(f"{table}: the days of {number} of {len(moved)} read.")


def _parts(
    context: Context, path: str, identity: tuple[str, ...], defaults: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """The totals of each part: variations and phases of an A/B test, steps of an automation."""
    parts = identity[1:-1]
    grouped: dict[str, str | int | None] = {
        "aggregated_by": "total",
        # As for days; the first is before the oldest mailing of today's Marketing Campaigns.
        "start_date": "2018-01-01",
        "end_date": context.now.date().isoformat(),
        "timezone": "UTC",
        "group_by": ",".join(parts),
        "page_size": _STATS_PAGE,
    }
    for row in token_pages(context.client, path, context.reading, params=grouped, identity=identity):
        whole = {**defaults, **row}
        # What no part is told of stands in the list of totals already.
        if any(whole[part] != "all" for part in parts):
            yield whole


def _days(
    context: Context, path: str, last_day: str | None, identity: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    today = context.now.date()
    first = date.fromisoformat(last_day) - STATS_AGAIN if last_day else today - FIRST_STATS
    # Both dates are always sent: SendGrid's specification gives them defaults in the year 2021.
    by_day: dict[str, str | int | None] = {
        "aggregated_by": "day",
        "start_date": first.isoformat(),
        "end_date": today.isoformat(),
        "timezone": "UTC",
        "page_size": _STATS_PAGE,
    }
    yield from token_pages(context.client, path, context.reading, params=by_day, identity=identity)
