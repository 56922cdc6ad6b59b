"""All contacts of a legacy account, page by page: the API has no export for every such account."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from psycopg import sql

from sendgrid_orchestration.sendgrid.errors import SendGridError
from sendgrid_orchestration.sendgrid.paging import Row, numbered_pages
from sendgrid_orchestration.sync import contactdb
from sendgrid_orchestration.sync.context import Context
from sendgrid_orchestration.sync.custom_fields import CustomField, align
from sendgrid_orchestration.sync.fingerprints import KnownPrints
from sendgrid_orchestration.sync.shape import fingerprint
from sendgrid_orchestration.sync.staged import Staged
from sendgrid_orchestration.warehouse.bounded_text import bounded
from sendgrid_orchestration.warehouse.merge import Counts
from sendgrid_orchestration.warehouse.object_tables import TABLES

_FIXED = {
    name: next(c.type for c in TABLES["recipients"].columns if c.name == name)
    for name in (
        *("id", "email", "first_name", "last_name", "created_at", "updated_at"),
        *("last_emailed", "last_opened", "last_clicked"),
    )
}
_PAGE = 1000


def sync(context: Context) -> Counts:
    """Mirror the contacts of `/v3/contactdb/recipients`."""
    definitions = [one for one in contactdb.field_definitions(context) if not one["is_reserved"]]
    fields, grown = align(context.conn, context.raw, definitions, context.now, context.reading)
    columns = {field.id: field for field in fields if not field.removed}
    known = KnownPrints.load(context.conn, context.raw, recognise=not grown)
    before = _count(context)
    staged = Staged(context)
    types = _FIXED | {field.column: field.column_type for field in columns.values()}
    staged.make_room(list(types), types, {})
    rows_read = _stage(context, known, list(types), columns, before)
    fresh = staged.clean(known)
    after = _count(context)
    counts = [count for count in (before, after) if count is not None]
    if not counts:
        context.reading.doubt("SendGrid gave no count to compare with, so nothing is taken as deleted.")
    elif known.seen_count + fresh < min(counts):
        context.reading.doubt(
            f"{rows_read} recipients came, and SendGrid counts {min(counts)}. What is missing is not taken as deleted."
        )
    return staged.merge(known)


def _count(context: Context) -> int | None:
    try:
        answer = context.client.get("/v3/contactdb/recipients/count")
    except SendGridError as error:
        context.reading.note(f"SendGrid did not count its recipients: {error}")
        return None
    count = answer.get("recipient_count") if isinstance(answer, dict) else None
    return count if isinstance(count, int) else None


def _stage(
    context: Context,
    known: KnownPrints,
    names: list[str],
    fields: dict[str, CustomField],
    expected: int | None,
) -> int:
    pages = numbered_pages(
        context.client,
        "/v3/contactdb/recipients",
        context.reading,
        key="recipients",
        page_size=_PAGE,
        expected=expected,
    )
    copy = sql.SQL("copy staged (content_hash, {}) from stdin").format(
        sql.SQL(", ").join(map(sql.Identifier, names))
    )
    rows_read = 0
    with context.conn.cursor() as cursor, cursor.copy(copy) as rows:
        for batch in _batches(pages):
            prints = np.array([fingerprint(one) for one in batch], dtype=np.int64)
            for place in known.unknown(prints):
                values = _values(batch[place], fields)
                rows.write_row((int(prints[place]), *(values.get(name) for name in names)))
            rows_read += len(batch)
            context.progress(f"recipients: {rows_read} rows read.")
    return rows_read


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, _PAGE)):
        yield batch


def _values(recipient: Row, fields: dict[str, CustomField]) -> dict[str, str | None]:
    values = {name: _text(recipient.get(name)) for name in _FIXED}
    for custom in recipient.get("custom_fields") or ():
        field = fields.get(bounded(str(custom.get("id")))) if isinstance(custom, dict) else None
        if field is not None:
            values[field.column] = _text(custom.get("value"))
    return values


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value).replace("\x00", "")
