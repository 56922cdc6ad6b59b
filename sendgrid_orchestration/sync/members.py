"""Who is in which list and segment, and who was: one export per list, each committed on its own.

Nothing tells that the members of a list are still the same: its count stays when one leaves as another comes. So none is
skipped. A sync that runs out of time stops between two lists, and the next one begins with those it did not reach.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, replace

from psycopg import sql

from sendgrid_orchestration.sendgrid.csv_records import CsvFile
from sendgrid_orchestration.sendgrid.errors import (
    ExportFailedError,
    InvalidKeyError,
    NotAllowedError,
    NotFoundError,
    SendGridError,
)
from sendgrid_orchestration.sendgrid.exports import exported
from sendgrid_orchestration.sendgrid.paging import Row, numbered_pages
from sendgrid_orchestration.sendgrid.reading import Reading
from sendgrid_orchestration.sync import contactdb, marketing
from sendgrid_orchestration.sync.context import Context
from sendgrid_orchestration.sync.custom_fields import fold
from sendgrid_orchestration.sync.mirror import believes_empty
from sendgrid_orchestration.warehouse.engine import open_connection
from sendgrid_orchestration.warehouse.merge import Counts
from sendgrid_orchestration.warehouse.merge_members import (
    MemberCounts,
    MemberMerge,
    close_groups,
    stage_members,
)

AT_ONCE = 2
"""Exports that run side by side: SendGrid publishes no limit, and two are known to be fine."""

TIME_FOR_ALL = 2 * 3600.0
"""Seconds after which no further list is begun: the next sync is due three hours after this one."""


@dataclass(frozen=True)
class _Group:
    """A list or a segment.

    Attributes:
        count: how many contacts SendGrid says it has.
        exact: the count is SendGrid's present one; a segment's may be a day old and proves nothing.
    """

    id: str
    count: int | None
    exact: bool


@dataclass(frozen=True)
class _Kind:
    table: str
    column: str
    word: str
    member_ids: Callable[[Context, _Group], Iterator[str]]


def of_lists(context: Context) -> Counts:
    """Members of every list, by export."""
    kind = _Kind("list_members", "list_id", "list", lambda c, group: _from_export(c, group, list_id=group.id))
    return _sync(context, kind, _groups(marketing.lists(context), "contact_count", exact=True))


def of_segments(context: Context) -> Counts:
    """Members of every segment, by export: SendGrid evaluates the segment as it exports."""
    kind = _Kind(
        "segment_members",
        "segment_id",
        "segment",
        lambda c, group: _from_export(c, group, segment_id=group.id),
    )
    return _sync(
        context,
        kind,
        _groups((one for _, one in marketing.listed_segments(context)), "contacts_count", exact=False),
    )


def of_legacy_lists(context: Context) -> Counts:
    """Members of every legacy list, page by page."""
    kind = _Kind("list_members", "list_id", "list", _from_pages("lists"))
    return _sync(context, kind, _groups(contactdb.lists(context), "recipient_count", exact=True))


def of_legacy_segments(context: Context) -> Counts:
    """Members of every legacy segment, page by page."""
    kind = _Kind("segment_members", "segment_id", "segment", _from_pages("segments"))
    return _sync(context, kind, _groups(contactdb.segments(context), "recipient_count", exact=False))


def _groups(records: Iterable[Row], count: str, *, exact: bool) -> list[_Group]:
    found = {
        str(one["id"]): _Group(str(one["id"]), one.get(count), exact)
        for one in records
        if one.get("id") is not None
    }
    return list(found.values())


def _sync(context: Context, kind: _Kind, groups: list[_Group]) -> Counts:
    """Read each group, the longest unread first, some at once."""
    listing_complete = context.reading.complete
    waiting = _longest_unread_first(context, kind, groups)
    began = time.monotonic()
    total = MemberCounts()
    failures: list[tuple[str, SendGridError]] = []
    done = 0
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix=kind.table) as pool:
        running = {
            pool.submit(_sync_group, context, kind, group, began + TIME_FOR_ALL): group for group in waiting
        }
        for future in as_completed(running):
            group = running[future]
            try:
                outcome = future.result()
            except (InvalidKeyError, NotAllowedError):
                pool.shutdown(cancel_futures=True)
                raise
            except SendGridError as error:
                failures.append((group.id, error))
                context.reading.doubt(f"The members of {kind.word} {group.id} stay as they were: {error}")
                continue
            if outcome is None:
                continue
            done += 1
            total += outcome
            context.progress(f"{kind.table}: {done} of {len(waiting)} {kind.word}s read.")
    if failures and not done:
        raise failures[0][1]
    if left := len(waiting) - done - len(failures):
        context.reading.doubt(
            f"{left} {kind.word}s were not reached in {TIME_FOR_ALL / 3600:.0f} hours; the next sync begins with them."
        )
    if listing_complete and (groups or _believes_there_are_none(context, kind)):
        gone = close_groups(
            context.conn, context.raw, kind.table, [group.id for group in groups], context.now
        )
        total += MemberCounts(left=gone)
    return Counts(
        rows=total.members,
        inserted=total.joined,
        unchanged=total.members - total.joined,
        deleted=total.left,
    )


def _believes_there_are_none(context: Context, kind: _Kind) -> bool:
    present = sql.SQL("select count(*) from {} where valid_to is null")
    return believes_empty(context, kind.table, present.format(sql.Identifier(context.raw, kind.table)))


def _longest_unread_first(context: Context, kind: _Kind, groups: list[_Group]) -> list[_Group]:
    query = sql.SQL("select group_id, read_at from {} where object = %s").format(
        sql.Identifier(context.raw, "member_reads")
    )
    read_at = {row[0]: row[1].timestamp() for row in context.conn.execute(query, [kind.table])}
    return sorted(groups, key=lambda group: read_at.get(group.id, 0.0))


def _sync_group(context: Context, kind: _Kind, group: _Group, deadline: float) -> MemberCounts | None:
    """The members of one group, in a transaction of their own; None where the time is up."""
    if time.monotonic() > deadline:
        return None
    with closing(open_connection(context.url, autocommit=True)) as conn:
        own = replace(context, conn=conn, reading=Reading())
        try:
            members = stage_members(conn, kind.member_ids(own, group))
        except NotFoundError:
            context.reading.note(f"The {kind.word} {group.id} was deleted while members were read.")
            return MemberCounts()
        complete = _proven(own, group, members)
        merge = MemberMerge(own.raw, kind.table, group.id, own.now)
        counts = merge.run(conn, members, complete=complete)
    for sentence in own.reading.notes:
        context.reading.note(f"{kind.word} {group.id}: {sentence}")
    context.reading.complete &= own.reading.complete
    return counts


def _proven(context: Context, group: _Group, members: int) -> bool:
    """Whether all members were read, so that those who were not among them have left."""
    if not members and group.count is None and not context.reading.counted:
        context.reading.doubt("No members came, and SendGrid does not count them.")
    elif group.count and not members:
        context.reading.doubt(f"No members came, and SendGrid counts {group.count}.")
    elif group.exact and group.count is not None and members < group.count:
        now_counted = _count_again(context, group)
        if now_counted is None or members < now_counted:
            context.reading.doubt(
                f"{members} members came, and SendGrid counts {now_counted or group.count}."
            )
    return context.reading.complete


def _count_again(context: Context, group: _Group) -> int | None:
    """A list that shrank since it was listed is not a short read."""
    if context.family == "legacy":
        return group.count
    try:
        answer = context.client.get(f"/v3/marketing/lists/{group.id}/contacts/count")
    except SendGridError:
        return None
    count = answer.get("contact_count") if isinstance(answer, dict) else None
    return count if isinstance(count, int) else None


def _from_export(
    context: Context, group: _Group, *, list_id: str | None = None, segment_id: str | None = None
) -> Iterator[str]:
    with exported(
        context.client, context.reading, list_id=list_id, segment_id=segment_id, progress=lambda _: None
    ) as files:
        rows = 0
        for path in files.paths:
            file = CsvFile(path)
            if not file.header:
                continue
            folded = [fold(word) for word in file.header]
            if "contact_id" not in folded:
                raise ExportFailedError(f"The export of {group.id} has no column CONTACT_ID.")
            place = folded.index("contact_id")
            for records in file.batches():
                for row in csv.reader(record.decode("utf-8", "replace") for record in records):
                    rows += 1
                    if len(row) <= place:
                        raise ExportFailedError(f"The export of {group.id} has a row that is cut short.")
                    if row[place]:
                        yield row[place]
        context.reading.compared(counted=files.contact_count is not None)
        if files.contact_count is not None and rows < files.contact_count:
            context.reading.doubt(f"The files have {rows} rows, and SendGrid says {files.contact_count}.")


def _from_pages(kind: str) -> Callable[[Context, _Group], Iterator[str]]:
    def read(context: Context, group: _Group) -> Iterator[str]:
        path = f"/v3/contactdb/{kind}/{group.id}/recipients"
        for recipient in numbered_pages(
            context.client, path, context.reading, key="recipients", expected=group.count
        ):
            if recipient.get("id"):
                yield str(recipient["id"])

    return read
