"""All contacts of the account, from its contact export, into typed columns.

Rows whose fingerprint is known are only counted. The others go to Postgres as the CSV that they are. Into an empty table they
are copied straight, the server casting as it reads: the quickest way there is. Otherwise, and where a value does not fit
its field's type, they are staged as text, cast one by one, and merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from sendgrid_orchestration.sendgrid.csv_records import CsvFile
from sendgrid_orchestration.sendgrid.errors import ExportFailedError, SendGridError
from sendgrid_orchestration.sendgrid.exports import ExportedFiles, exported
from sendgrid_orchestration.sync import marketing
from sendgrid_orchestration.sync.context import Context
from sendgrid_orchestration.sync.custom_fields import CustomField, align, by_header, fold
from sendgrid_orchestration.sync.fingerprints import KnownPrints, prints_of
from sendgrid_orchestration.sync.staged import Staged
from sendgrid_orchestration.warehouse.merge import Counts
from sendgrid_orchestration.warehouse.object_tables import TABLES

TABLE = TABLES["recipients"]
PROGRESS_EVERY = 250_000
_COUNT_PATH = "/v3/marketing/contacts/count"

_FIXED = {
    fold(spelling): column
    for column in TABLE.columns
    for spelling in column.field.split(" | ")
    if spelling.isupper()  # the others are the legacy API's
}


def sync(context: Context) -> Counts:
    """Mirror the contacts through an export."""
    definitions = [one for one in marketing.field_definitions(context) if not one["is_reserved"]]
    fields, grown = align(context.conn, context.raw, definitions, context.now, context.reading)
    before = _count(context)
    try:
        return _through_export(context, fields, grown, before)
    except ExportFailedError as error:
        context.reading.note(f"{error} Another export was asked for.")
        return _through_export(context, fields, grown, before)


def _through_export(context: Context, fields: list[CustomField], grown: bool, before: int | None) -> Counts:
    # Fetched now, for SendGrid takes its time over the export.
    known = KnownPrints.load(context.conn, context.raw, recognise=not grown)
    with exported(context.client, context.reading, progress=context.progress) as files:
        context.facts.update(files.facts)
        after = _count(context)
        if _table_is_empty(context):
            read = _Read(context, files, fields, known)
            counts = read.into_empty_table()
            if counts is not None:
                read.prove(before, after)
                return counts
        return _Read(context, files, fields, known).merge(before, after)


def _table_is_empty(context: Context) -> bool:
    query = sql.SQL("select count(*) from (select from {} limit 1) as any_row")
    return context.number(query.format(sql.Identifier(context.raw, TABLE.name))) == 0


def _count(context: Context) -> int | None:
    try:
        answer = context.client.get(_COUNT_PATH)
    except SendGridError as error:
        context.reading.note(f"SendGrid did not count its contacts: {error}")
        return None
    count = answer.get("contact_count") if isinstance(answer, dict) else None
    return count if isinstance(count, int) else None


@dataclass(frozen=True)
class _Layout:
    """What the columns of one file are.

    Attributes:
        columns: of the staging table, in the file's order: a column of recipients, or a passing name for one without.
        types: of the columns of recipients.
        unknown: the header's words by passing name.
    """

    columns: tuple[str, ...]
    types: dict[str, str]
    unknown: dict[str, str]

    @classmethod
    def of(cls, header: Sequence[str], fields: Iterable[CustomField]) -> _Layout:
        custom = by_header(list(fields))
        columns: list[str] = []
        types: dict[str, str] = {}
        unknown: dict[str, str] = {}
        for place, word in enumerate(header):
            folded = fold(word)
            fixed = _FIXED.get(folded)
            # A word that comes twice is SendGrid's own field first, and a custom field of the same name after.
            if fixed is not None and fixed.name not in columns:
                columns.append(fixed.name)
                types[fixed.name] = fixed.type
            elif folded in custom and custom[folded].column not in columns:
                columns.append(custom[folded].column)
                types[custom[folded].column] = custom[folded].column_type
            else:
                columns.append(f"unknown {place}")
                unknown[f"unknown {place}"] = word.strip().lower()
        return cls(tuple(columns), types, unknown)


@dataclass
class _Read:
    """One pass over the files."""

    context: Context
    files: ExportedFiles
    fields: list[CustomField]
    known: KnownPrints
    rows: int = 0

    def into_empty_table(self) -> Counts | None:
        """Copy straight into the table; None where something in the files does not allow it, and nothing was written."""
        conn, target = self.context.conn, sql.Identifier(self.context.raw, TABLE.name)
        moment = sql.Literal(self.context.now.isoformat())
        try:
            with conn.transaction():
                # Without its index the table fills in two thirds of the time; it is empty, and nobody waits for it yet.
                conn.execute(sql.SQL("alter table {} drop constraint recipients_pkey").format(target))
                for name in ("first_seen_at", "synced_at"):
                    conn.execute(
                        sql.SQL("alter table {} alter column {} set default {}").format(
                            target, sql.Identifier(name), moment
                        )
                    )
                for file, layout in self._files():
                    if layout.unknown:
                        raise _NeedsStagingError
                    with self._copy(target, layout.columns) as copy:
                        self._send(file, copy)
                conn.execute(
                    sql.SQL("alter table {} add constraint recipients_pkey primary key (id)").format(target)
                )
                for name in ("first_seen_at", "synced_at"):
                    conn.execute(
                        sql.SQL("alter table {} alter column {} drop default").format(
                            target, sql.Identifier(name)
                        )
                    )
        except psycopg.errors.BadCopyFileFormat as error:
            raise _damaged(error) from error
        except (
            psycopg.DataError,
            psycopg.IntegrityError,
            psycopg.errors.ProgramLimitExceeded,
            _NeedsStagingError,
        ):
            # A value that does not fit its type, an id that comes twice, none at all, or too long for an index, an unknown
            # column: staging sorts it out.
            return None
        return Counts(rows=self.rows, inserted=self.rows)

    def merge(self, before: int | None, after: int | None) -> Counts:
        """Stage what is not known, and merge it."""
        staged = Staged(self.context)
        try:
            for file, layout in self._files():
                staged.make_room(layout.columns, layout.types, layout.unknown)
                with self._copy(sql.Identifier("staged"), layout.columns) as copy:
                    self._send(file, copy)
        except psycopg.DataError as error:
            raise _damaged(error) from error
        fresh = staged.clean(self.known)
        self.prove(before, after, distinct=self.known.seen_count + fresh)
        return staged.merge(self.known)

    def prove(self, before: int | None, after: int | None, distinct: int | None = None) -> None:
        """Whether every contact was in the files."""
        reading = self.context.reading
        distinct = self.rows if distinct is None else distinct
        stated = self.files.contact_count
        if stated is not None and distinct < stated:
            reading.doubt(f"The export has {distinct} different contacts, and SendGrid says it has {stated}.")
        counts = [count for count in (before, after) if count is not None]
        if counts and distinct < min(counts):
            reading.doubt(
                f"The export has {distinct} different contacts, and SendGrid counts {min(counts)}. "
                "What is missing is not taken as deleted."
            )
        if not counts and stated is None:
            reading.doubt("SendGrid gave no count to compare with, so nothing is taken as deleted.")

    def _files(self) -> Iterator[tuple[CsvFile, _Layout]]:
        reading = self.context.reading
        for path in self.files.paths:
            file = CsvFile(path)
            if not file.header:
                reading.note("A file of the export is empty.")
                continue
            layout = _Layout.of(file.header, self.fields)
            if "id" not in layout.columns:
                raise ExportFailedError(
                    f"A file of the contact export has no column CONTACT_ID, but {', '.join(file.header[:30])}. "
                    "Recipients stay as they are."
                )
            if layout.unknown:
                reading.note(
                    f"Columns of the export without a column here, kept in custom_fields: {', '.join(layout.unknown.values())}."
                )
            yield file, layout
            if not file.ends_properly:
                reading.note("A file of the export does not end with a line break.")

    @contextmanager
    def _copy(self, target: sql.Identifier, columns: Sequence[str]) -> Iterator[psycopg.Copy]:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        statement = sql.SQL("copy {} (content_hash, {}) from stdin (format csv, force_null ({}))").format(
            target, names, names
        )
        with self.context.conn.cursor() as cursor, cursor.copy(statement) as copy:
            yield copy

    def _send(self, file: CsvFile, copy: psycopg.Copy) -> None:
        """The rows that are not known, each with its fingerprint in front."""
        told = 0
        for records in file.batches():
            prints = prints_of(records)
            self.rows += len(records)
            fresh = self.known.unknown(prints)
            if len(fresh):
                rows = zip(prints[fresh].tolist(), records.at(fresh), strict=True)
                copy.write(b"".join([b"%d,%b\n" % row for row in rows]))
            if self.rows - told >= PROGRESS_EVERY:
                told = self.rows
                self.context.progress(f"recipients: {self.rows} rows read.")


class _NeedsStagingError(Exception):
    pass


def _damaged(error: psycopg.Error) -> ExportFailedError:
    said = str(error).splitlines()[0]
    return ExportFailedError(
        f"A file of the contact export is damaged ({said}). Recipients stay as they are; the next run asks for another export."
    )
