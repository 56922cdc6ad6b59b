"""Readers of legacy Marketing Campaigns (`/v3/contactdb`): the same tables, with the facts that only it has."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sendgrid_orchestration.sendgrid.paging import Row, offset_pages, whole_list
from sendgrid_orchestration.sync.context import Context


def lists(context: Context) -> Iterator[Row]:
    """`GET /v3/contactdb/lists`, which is not paged."""
    yield from whole_list(context.client, "/v3/contactdb/lists", context.reading, "lists")


def segments(context: Context) -> Iterator[Row]:
    """`GET /v3/contactdb/segments`, with the conditions that select."""
    for segment in whole_list(context.client, "/v3/contactdb/segments", context.reading, "segments"):
        conditions = segment.get("conditions")
        yield {
            **segment,
            "query_version": "legacy",
            "conditions": json.dumps(conditions) if conditions is not None else None,
        }


def field_definitions(context: Context) -> Iterator[Row]:
    """Custom fields, then reserved ones, which have no id of their own."""
    for field in whole_list(context.client, "/v3/contactdb/custom_fields", context.reading, "custom_fields"):
        yield {**field, "is_reserved": False, "read_only": False}
    for field in whole_list(
        context.client, "/v3/contactdb/reserved_fields", context.reading, "reserved_fields"
    ):
        yield {"id": f"reserved:{field.get('name')}", **field, "is_reserved": True}


def campaigns(context: Context) -> Iterator[Row]:
    """`GET /v3/campaigns`, newest first."""
    return offset_pages(context.client, "/v3/campaigns", context.reading, limit=10)
