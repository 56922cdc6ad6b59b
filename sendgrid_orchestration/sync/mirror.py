"""The way of every object that fits into pages: read, shape, stage by COPY, merge in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from sendgrid_orchestration.sync import ledger
from sendgrid_orchestration.sync.context import Context
from sendgrid_orchestration.sync.shape import Shaper
from sendgrid_orchestration.warehouse.merge import Counts, Merge
from sendgrid_orchestration.warehouse.object_tables import EXTRA, Table

PROGRESS_EVERY = 10_000


@dataclass(frozen=True)
class Seen:
    """A row that SendGrid still has and that is known to be as it was, so that it was not read in full.

    Attributes:
        key: the values of the table's key.
    """

    key: tuple[Any, ...]


@dataclass(frozen=True)
class Partial:
    """A row of which SendGrid told only some fields, because another endpoint, which has them all, was not asked.

    Attributes:
        record: the fields that it told.
        stored: the row as it is in the table, by column; what the record does not mention stays.
    """

    record: dict[str, Any]
    stored: Mapping[str, Any]


Records = Iterator[dict[str, Any] | Seen | Partial]
Reader = Callable[[Context], Records]


def mirror(context: Context, table: Table, read: Reader, delete_key: Sequence[str] | None = None) -> Counts:
    """Bring what the reader yields into the table.

    Args:
        context: the circumstances.
        table: the target.
        read: yields the records, and tells the context's `Reading` what was odd.
        delete_key: see `Merge.run`; an empty one means that nothing is ever deleted.
    """
    columns = [column.name for column in table.columns]
    _create_incoming(context, table)
    staged = _stage(context, table, read)
    with context.conn.transaction():
        delete = context.reading.complete and delete_key != () and _may_delete(context, table, staged)
        merge = Merge(context.raw, table, columns, context.now)
        return merge.run(context.conn, delete=delete, delete_key=delete_key)


def _create_incoming(context: Context, table: Table) -> None:
    context.conn.execute("drop table if exists incoming")
    definition = [sql.SQL("{} {}").format(sql.Identifier(c.name), sql.SQL(c.type)) for c in table.columns]
    context.conn.execute(
        sql.SQL(
            "create temporary table incoming ({}, content_hash bigint, arrival bigint, unchanged boolean)"
        ).format(sql.SQL(", ").join(definition))
    )


def _stage(context: Context, table: Table, read: Reader) -> int:
    shaper = Shaper(table)
    names = [*(column.name for column in shaper.columns), EXTRA.name]
    copy = sql.SQL("copy incoming ({}, content_hash, arrival, unchanged) from stdin").format(
        sql.SQL(", ").join(map(sql.Identifier, names))
    )
    arrival = 0
    keyless = 0
    places = [names.index(name) for name in table.key]
    with context.conn.cursor() as cursor, cursor.copy(copy) as rows:
        for arrival, record in enumerate(read(context), start=1):
            if isinstance(record, Seen):
                values: list[Any] = [None] * len(names)
                for name, place, part in zip(table.key, places, record.key, strict=True):
                    values[place] = table.bounded_key(name, part)
                rows.write_row((*values, None, arrival, True))
            else:
                values, content_hash = (
                    shaper.row(record.record, record.stored)
                    if isinstance(record, Partial)
                    else shaper.row(record)
                )
                if any(values[place] is None for place in places):
                    keyless += 1
                    continue
                rows.write_row((*values, content_hash, arrival, False))
            if arrival % PROGRESS_EVERY == 0:
                context.progress(f"{table.name}: {arrival} rows read.")
    if keyless:
        context.reading.doubt(f"{keyless} rows came without {' and '.join(table.key)} and were left out.")
    for sentence in shaper.notes():
        context.reading.note(sentence)
    return arrival


def _may_delete(context: Context, table: Table, staged: int) -> bool:
    alive = sql.SQL("select count(*) from {} where deleted_at is null")
    return bool(staged) or believes_empty(
        context, table.name, alive.format(sql.Identifier(context.raw, table.name))
    )


def believes_empty(context: Context, name: str, alive: sql.Composed) -> bool:
    """Whether an empty answer is believed where rows were known: with SendGrid's count, or when it comes a second time.

    Args:
        context: the circumstances; told if it is not.
        name: of the object.
        alive: counts the rows that would go.
    """
    if context.reading.counted:
        return True
    known = context.number(alive)
    if known == 0 or ledger.rows_of_last(context.conn, context.raw, name) == 0:
        return True
    context.reading.doubt(
        f"SendGrid gave no rows where {known} were known. Nothing was deleted; if the next sync finds none either, they are gone."
    )
    return False
