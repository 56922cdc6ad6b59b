"""Readers of today's Marketing Campaigns: lists, segments, fields, single sends, statistics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sendgrid_orchestration.sendgrid.errors import NotAllowedError, NotFoundError, WrongFamilyError
from sendgrid_orchestration.sendgrid.paging import Row, rows_in, token_pages, whole_list
from sendgrid_orchestration.sync.context import Context
from sendgrid_orchestration.sync.errors import NotOfferedError
from sendgrid_orchestration.sync.mirror import Partial, Records, Seen
from sendgrid_orchestration.sync.shape import moment

_SEGMENTS = "/v3/marketing/segments/2.0"
_OLD_SEGMENTS = "/v3/marketing/segments"
_SINGLE_SENDS = "/v3/marketing/singlesends"

_PAGE = 1000
_SMALL_PAGE = 100  # no most is documented; Airbyte reads pages of a hundred


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


def campaigns(context: Context) -> Iterator[Row]:
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


def listed_single_sends(context: Context) -> dict[Any, Row]:
    """Every single send by its id, as the list tells it: a hundred a request."""
    pages = token_pages(context.client, _SINGLE_SENDS, context.reading, params={"page_size": _SMALL_PAGE})
    return {one.get("id"): one for one in pages}


def listed_campaigns(context: Context) -> dict[Any, Row]:
    """Every campaign by its id, automations among them; empty where the account does not offer the undocumented list."""
    try:
        return {row.get("id"): row for row in campaigns(context)}
    except (NotOfferedError, NotAllowedError):
        return {}


def with_ab_test(context: Context, moved: set[Any]) -> set[Any]:
    """Those that test a variation against another: one in many."""
    return moved & {one for one, row in listed_single_sends(context).items() if row.get("is_abtest")}
