"""Changes to contacts: accepted at once, done a while later, and reported by job.

Upserts, imports of a CSV, deletes, removals from a list and of an identifier share one queue. What a job refers to may be gone
by the time it runs (a list that was deleted meanwhile): the job then says so, and nothing else suffers.
"""

from __future__ import annotations

import csv
import io
import re
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sendgrid_orchestration.simulator.clock import iso
from sendgrid_orchestration.simulator.contacts import COLUMNS, IDENTIFIERS, ContactBook
from sendgrid_orchestration.simulator.fields import CustomField
from sendgrid_orchestration.simulator.membership import Membership
from sendgrid_orchestration.simulator.presigned import Links

MOST_CONTACTS = 30_000
MOST_BYTES = 6_000_000
MOST_ALTERNATE_EMAILS = 5
_MOST_IMPORTED = 1_000_000
_LINK_SECONDS = 3600

UPLOAD_HEADER = ("x-amz-server-side-encryption", "aws:kms")
"""What the request that brings a file must carry; its link is signed over it."""


ADDRESS = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s.,]+")
_PHONE_NUMBER = re.compile(r"\+?[1-9]\d{1,14}")
_LENGTHS = {
    "email": 254, "external_id": 254, "anonymous_id": 254, "first_name": 50, "last_name": 50, "address_line_1": 100,
    "address_line_2": 100, "city": 60, "state_province_region": 50, "country": 50,
}  # fmt: skip
_MOST_TEXT = 1000
TEXT_FIELDS: frozenset[str] = frozenset((*COLUMNS[:15], *IDENTIFIERS)) - {"alternate_emails"}
"""What an upsert may set of a contact as text, beside its custom fields."""

_DATES = ("%m/%d/%Y", "%Y-%m-%d")

Row = Mapping[str, Any]


class RowError(Exception):
    """One contact cannot be written; says why."""


class JobError(Exception):
    """A job cannot be done at all; says why."""


@dataclass
class Job:
    """One change that was asked for.

    Attributes:
        kind: as the API reports it.
        work: what is done when the job is due.
        ready_at: when it is due; None while the upload that it waits for has not come.
        errors: a row for each contact that could not be written: its identifiers, and why.
        failure: why the whole job was in vain, if so.
    """

    id: str
    kind: Literal["upsert", "delete"]
    work: Callable[[Job], None]
    ready_at: float | None
    started: int
    requested: int
    finished: int | None = None
    created: int = 0
    updated: int = 0
    deleted: int = 0
    errors: list[dict[str, str]] = field(default_factory=list)
    failure: str = ""

    @property
    def status(self) -> str:
        """`pending`, `completed`, `errored` where some contacts failed, `failed` where all did."""
        if self.finished is None:
            return "pending"
        if self.failure or len(self.errors) >= self.requested > 0:
            return "failed"
        return "errored" if self.errors else "completed"


@dataclass
class Upload:
    """What an import waits for: the columns of its file, and the lists that its contacts go into."""

    job: Job
    mappings: list[str | None]
    list_ids: list[str]
    content: bytes = b""


class Imports:
    """The queue.

    Attributes:
        delay: seconds until a job is done; real ones take minutes to hours.
        refuses_invalid: whether an address or phone number that is none is refused at once, with the whole request, and not
            reported by the job. SendGrid's documentation speaks of both.
    """

    def __init__(
        self, book: ContactBook, membership: Membership, clock: Callable[[], float], links: Links
    ) -> None:
        self.delay = 0.2
        self.refuses_invalid = False
        self._book, self._membership, self._clock, self._links = book, membership, clock, links
        self._jobs: dict[str, Job] = {}
        self._uploads: dict[str, Upload] = {}

    def upsert(self, contacts: list[dict[str, Any]], list_ids: list[str]) -> str:
        """Add or change contacts, later.

        Returns:
            The job's id.
        """
        return self._queue("upsert", lambda job: self._upsert(job, contacts, list_ids), len(contacts)).id

    def expect_upload(self, mappings: list[str | None], list_ids: list[str]) -> tuple[str, str]:
        """Add or change contacts from a CSV that comes later; nothing happens before it does.

        Args:
            mappings: the id of the field that each column of the file holds; None for columns to skip.
            list_ids: the lists to put the contacts into.

        Returns:
            The job's id, and the link that takes the file.
        """
        job = self._queue("upsert", self._read_upload, 0, waits=True)
        self._uploads[job.id] = Upload(job, mappings, list_ids)
        headers = f"host;{UPLOAD_HEADER[0]}"
        return job.id, self._links.make(f"/contact-imports/{job.id}", _LINK_SECONDS, headers=headers)

    def upload(self, job_id: str, content: bytes) -> None:
        """Take in the file of an import, plain or compressed.

        Raises:
            KeyError: no import waits for one.
        """
        upload = self._uploads[job_id]
        upload.content = content
        upload.job.ready_at = self._clock() + self.delay

    def delete(self, contact_ids: list[str] | None) -> str:
        """Delete contacts, or all of them, later.

        Returns:
            The job's id.
        """

        def work(job: Job) -> None:
            if contact_ids is None:
                numbers = {int(number) for number in self._book.numbers()}
            else:
                numbers = {n for n in map(self._book.with_id, contact_ids) if n is not None}
            self._book.delete(numbers)
            job.deleted = len(numbers)

        requested = len(self._book) if contact_ids is None else len(contact_ids)
        return self._queue("delete", work, requested).id

    def delete_identifier(self, contact_id: str, kind: str, value: str) -> str:
        """Take one identifier from a contact, later; its last one is not taken.

        Args:
            contact_id: of whom.
            kind: one of IDENTIFIERS.
            value: what it is at present.

        Returns:
            The job's id.
        """

        def work(job: Job) -> None:
            number = self._book.with_id(contact_id)
            held = {} if number is None else self._book.identifiers(number)
            if number is None or held.get(kind) != value:
                raise JobError(f"the contact has no {kind} {value!r}")
            if len(held) == 1:
                raise JobError("a contact must keep at least one identifier")
            self._book.put({kind: ""}, int(self._clock()), number)
            job.deleted = 1

        return self._queue("delete", work, 1).id

    def remove_from_list(self, list_id: str, contact_ids: list[str]) -> str:
        """Take contacts out of a list, later.

        Returns:
            The job's id.
        """

        def work(job: Job) -> None:
            if list_id not in self._membership.lists:
                raise JobError("the list does not exist any more")
            numbers = {n for n in map(self._book.with_id, contact_ids) if n is not None}
            self._membership.remove_members(list_id, sorted(numbers))
            job.updated = len(numbers)

        return self._queue("delete", work, len(contact_ids)).id

    def settle(self) -> None:
        """Do what is due. Called before each request is answered: nobody sees the difference to a worker of its own."""
        now = self._clock()
        for job in list(self._jobs.values()):
            if job.finished is None and job.ready_at is not None and job.ready_at <= now:
                job.finished = int(now)
                try:
                    job.work(job)
                except JobError as error:
                    job.failure = str(error)

    def told(self, job_id: str) -> dict[str, Any]:
        """What a job says.

        Raises:
            KeyError: there is no such job.
        """
        job = self._jobs[job_id]
        results: dict[str, Any] = {"requested_count": job.requested}
        if job.finished is not None:
            results |= {
                "created_count": job.created,
                "updated_count": job.updated,
                "deleted_count": job.deleted,
                "errored_count": len(job.errors) or (job.requested if job.failure else 0),
            }
            if job.errors or job.failure:
                results["errors_url"] = self._links.make(f"/contact-import-errors/{job.id}", _LINK_SECONDS)
        return {
            "id": job.id,
            "status": job.status,
            "job_type": job.kind,
            "results": results,
            "started_at": iso(job.started),
            "finished_at": iso(job.finished) if job.finished is not None else "",
        }

    def errors(self, job_id: str) -> str:
        """What went wrong, as a CSV: a row for each contact, with its identifiers and the reason.

        Raises:
            KeyError: there is no such job.
        """
        job = self._jobs[job_id]
        told = io.StringIO()
        writer = csv.DictWriter(told, (*IDENTIFIERS, "error"), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(job.errors or ([{"error": job.failure}] if job.failure else []))
        return told.getvalue()

    def check_identifiers(self, contact: Row) -> None:
        """Look whether a contact's address and phone number can be such.

        Raises:
            RowError: they cannot.
        """
        email, phone = contact.get("email") or "", contact.get("phone_number_id") or ""
        if email and not ADDRESS.fullmatch(email.strip()):
            raise RowError(f"email '{email}' is not valid")
        if phone and not _PHONE_NUMBER.fullmatch(phone):
            raise RowError(f"phone_number_id '{phone}' is not valid")

    def _queue(
        self,
        kind: Literal["upsert", "delete"],
        work: Callable[[Job], None],
        requested: int,
        *,
        waits: bool = False,
    ) -> Job:
        now = self._clock()
        made = Job(str(uuid.uuid4()), kind, work, None if waits else now + self.delay, int(now), requested)
        self._jobs[made.id] = made
        return made

    def _upsert(self, job: Job, contacts: Iterable[Row], list_ids: list[str]) -> None:
        changed = []
        for contact in contacts:
            try:
                changed.append(self._upsert_one(job, contact))
            except RowError as error:
                shown = {kind: str(contact.get(kind) or "") for kind in IDENTIFIERS}
                job.errors.append(shown | {"error": str(error)})
        for list_id in list_ids:
            if list_id in self._membership.lists:
                self._membership.add_members(list_id, changed)

    def _upsert_one(self, job: Job, contact: Row) -> int:
        values = self._values(contact)
        identifiers = {kind: values[kind] for kind in IDENTIFIERS if values.get(kind)}
        if not identifiers:
            raise RowError("at least one identifier is required")
        found = {self._book.with_identifier(kind, value) for kind, value in identifiers.items()} - {None}
        if len(found) > 1:
            raise RowError("the identifiers belong to different contacts")
        number = found.pop() if found else None
        if number is not None:
            held = self._book.identifiers(number)
            if missing := [kind for kind, value in held.items() if identifiers.get(kind) != value]:
                raise RowError(f"all identifiers of the contact are required: {', '.join(missing)}")
        if number is None:
            job.created += 1
        else:
            job.updated += 1
        return self._book.put(values, int(self._clock()), number)

    def _values(self, contact: Row) -> dict[str, str]:
        """What is written of one contact: by column name or custom field id; what is left out stays as it was."""
        self.check_identifiers(contact)
        values = {name: str(contact[name]) for name in TEXT_FIELDS if name in contact}
        if "email" in values:
            values["email"] = values["email"].strip().lower()
        if too_long := [name for name, most in _LENGTHS.items() if len(values.get(name, "")) > most]:
            raise RowError(f"{too_long[0]} is too long")
        # An identifier that is left empty is not given: the one that the contact has stays.
        values = {name: value for name, value in values.items() if value or name not in IDENTIFIERS}
        if "alternate_emails" in contact:
            if len(contact["alternate_emails"]) > MOST_ALTERNATE_EMAILS:
                raise RowError(f"alternate_emails has more than {MOST_ALTERNATE_EMAILS} elements")
            values["alternate_emails"] = ",".join(contact["alternate_emails"]).lower()
        defined = {one.id: one for one in self._book.fields.custom}
        for field_id, value in (contact.get("custom_fields") or {}).items():
            if field_id in defined:  # it was when the request came, but may have been removed since
                values[field_id] = _custom_value(defined[field_id], value)
        return values

    def _read_upload(self, job: Job) -> None:
        upload = self._uploads.pop(job.id)
        rows = list(_rows(upload.content))
        job.requested = max(len(rows) - 1, 0)
        if not rows or len(rows[0]) != len(upload.mappings):
            raise JobError("the field mapping doesn't match the CSV")
        if job.requested > _MOST_IMPORTED:
            raise JobError(f"the file has more than {_MOST_IMPORTED} contacts")
        contacts = []
        for number, row in enumerate(rows[1:], start=2):
            if len(row) == len(upload.mappings):
                contacts.append(self._contact(upload.mappings, row))
            else:
                job.errors.append(
                    {"error": f"line {number} has {len(row)} columns, the mapping {len(upload.mappings)}"}
                )
        self._upsert(job, contacts, upload.list_ids)

    def _contact(self, mappings: list[str | None], row: list[str]) -> Row:
        """One row of an imported file as an upsert would have it; empty cells leave a field as it is."""
        reserved = self._book.fields.reserved
        contact: dict[str, Any] = {}
        custom: dict[str, str] = {}
        for field_id, value in zip(mappings, row, strict=True):
            if field_id is None or value == "":
                continue
            name = reserved.get(field_id)
            if name == "alternate_emails":
                contact[name] = [one.strip() for one in value.split(",")]
            elif name is not None:
                contact[name] = value
            else:
                custom[field_id] = value
        return contact | {"custom_fields": custom}


def _custom_value(custom: CustomField, value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if custom.field_type == "Text":
        if len(text) > _MOST_TEXT:
            raise RowError(f"custom field {custom.id} is too long")
        return text
    if text == "":
        return text
    if custom.field_type == "Number":
        try:
            float(text)
        except ValueError:
            raise RowError(f"custom field {custom.id}: {text[:40]!r} is not a number") from None
        return text
    return _date_value(custom, text)


def _date_value(custom: CustomField, text: str) -> str:
    """A day as contacts hold it: midnight in ISO 8601. Taken are MM/DD/YYYY and ISO 8601."""
    for pattern in _DATES:
        try:
            return datetime.strptime(text, pattern).strftime("%Y-%m-%dT00:00:00Z")
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(text).strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        raise RowError(f"custom field {custom.id}: {text[:40]!r} is not a date") from None


def _rows(content: bytes) -> Iterator[list[str]]:
    try:
        raw = zlib.decompress(content, 31) if content[:2] == b"\x1f\x8b" else content
        yield from csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), strict=True)
    except (zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise JobError(f"the file is not a CSV: {error}") from error
