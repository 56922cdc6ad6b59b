"""Reads who is in one list or segment and brings it into the table, in a transaction of its own."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace

from sendgrid_orchestration.sendgrid.csv_records import CsvFile
from sendgrid_orchestration.sendgrid.errors import ExportFailedError, NotFoundError, SendGridError
from sendgrid_orchestration.sendgrid.exports import exported
from sendgrid_orchestration.sendgrid.family import Family
from sendgrid_orchestration.sendgrid.paging import Row, numbered_pages
from sendgrid_orchestration.sendgrid.reading import Reading
from sendgrid_orchestration.sync import contactdb, marketing
from sendgrid_orchestration.sync.context import Context
from sendgrid_orchestration.sync.custom_fields import fold
from sendgrid_orchestration.warehouse.engine import open_connection
from sendgrid_orchestration.warehouse.merge_members import MemberCounts, MemberMerge, stage_members


@dataclass(frozen=True)
class Group:
    """A list or a segment.

    Attributes:
        count: how many contacts SendGrid says it has.
        exact: the count is SendGrid's present one; a segment's may be a day old and proves nothing.
    """

    id: str
    name: str
    count: int | None
    exact: bool


@dataclass(frozen=True)
class GroupKind:
    """Lists or segments, of one Marketing family.

    Attributes:
        table: of their members; also the name of the object.
        word: for one of them, in sentences.
        listed: all of them.
        member_ids: the contacts of one, given the seconds that its export may take.
    """

    table: str
    word: str
    listed: Callable[[Context], list[Group]]
    member_ids: Callable[[Context, Group, float], Iterator[str]]


@dataclass(frozen=True)
class GroupRead:
    """What the read of one group came to.

    Attributes:
        reading: what was odd about it.
    """

    counts: MemberCounts
    reading: Reading


def read_group(context: Context, kind: GroupKind, group: Group, timeout: float) -> GroupRead:
    """Read the members of one group and merge them.

    Args:
        context: of the sync; only read, so that several groups can be read at once.
        kind: of the group.
        group: whose members.
        timeout: seconds that SendGrid may take over its export.

    Raises:
        SendGridError: they could not be read, and stay as they were.
    """
    with closing(open_connection(context.url, autocommit=True)) as conn:
        own = replace(context, conn=conn, reading=Reading())
        try:
            members = stage_members(conn, kind.member_ids(own, group, timeout))
        except NotFoundError:
            own.reading.note("It was deleted while members were read.")
            return GroupRead(MemberCounts(), own.reading)
        complete = _proven(own, group, members)
        merge = MemberMerge(own.raw, kind.table, group.id, own.now)
        return GroupRead(merge.run(conn, members, complete=complete), own.reading)


def _proven(context: Context, group: Group, members: int) -> bool:
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


def _count_again(context: Context, group: Group) -> int | None:
    """A list that shrank since it was listed is not a short read."""
    if context.family == "legacy":
        return group.count
    try:
        answer = context.client.get(f"/v3/marketing/lists/{group.id}/contacts/count")
    except SendGridError:
        return None
    count = answer.get("contact_count") if isinstance(answer, dict) else None
    return count if isinstance(count, int) else None


def _groups(records: Iterable[Row], count: str, *, exact: bool) -> list[Group]:
    found = {
        str(one["id"]): Group(str(one["id"]), str(one.get("name") or one["id"]), one.get(count), exact)
        for one in records
        if one.get("id") is not None
    }
    return list(found.values())


def _from_export(parameter: str) -> Callable[[Context, Group, float], Iterator[str]]:
    def read(context: Context, group: Group, timeout: float) -> Iterator[str]:
        wanted = {parameter: group.id}
        with exported(
            context.client, context.reading, progress=lambda _: None, timeout=timeout, **wanted
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

    return read


def _from_pages(kind: str) -> Callable[[Context, Group, float], Iterator[str]]:
    def read(context: Context, group: Group, _: float) -> Iterator[str]:
        path = f"/v3/contactdb/{kind}/{group.id}/recipients"
        for recipient in numbered_pages(
            context.client, path, context.reading, key="recipients", expected=group.count
        ):
            if recipient.get("id"):
                yield str(recipient["id"])

    return read


KINDS: Mapping[tuple[str, Family], GroupKind] = {
    ("list_members", "new"): GroupKind(
        "list_members",
        "list",
        lambda context: _groups(marketing.lists(context), "contact_count", exact=True),
        _from_export("list_id"),
    ),
    # SendGrid evaluates a segment as it exports it.
    ("segment_members", "new"): GroupKind(
        "segment_members",
        "segment",
        lambda context: _groups(
            (one for _, one in marketing.listed_segments(context)), "contacts_count", exact=False
        ),
        _from_export("segment_id"),
    ),
    ("list_members", "legacy"): GroupKind(
        "list_members",
        "list",
        lambda context: _groups(contactdb.lists(context), "recipient_count", exact=True),
        _from_pages("lists"),
    ),
    ("segment_members", "legacy"): GroupKind(
        "segment_members",
        "segment",
        lambda context: _groups(contactdb.segments(context), "recipient_count", exact=False),
        _from_pages("segments"),
    ),
}
"""By object and family."""
