"""Upserts and deletes of contacts: accepted at once, done a while later, told of by job."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from sendgrid_orchestration.simulator.clock import iso
from sendgrid_orchestration.simulator.contacts import COLUMNS, ContactBook
from sendgrid_orchestration.simulator.membership import Membership

MOST_CONTACTS = 30_000
MOST_BYTES = 6_000_000

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_LENGTHS = {
    "email": 254, "first_name": 50, "last_name": 50, "address_line_1": 100, "address_line_2": 100, "city": 60,
    "state_province_region": 50, "country": 50,
}  # fmt: skip
_WRITABLE = frozenset(COLUMNS[:15]) - {"alternate_emails"}


@dataclass
class Job:
    """One upsert or delete."""

    id: str
    kind: Literal["upsert", "delete", "remove"]
    work: Callable[[Job], None]
    ready_at: float
    started: int
    requested: int
    finished: int | None = None
    created: int = 0
    updated: int = 0
    deleted: int = 0
    errors: list[str] = field(default_factory=list)


class Imports:
    """The queue.

    Attributes:
        delay: seconds until a job is done; real ones take minutes to hours.
        files_url: where the download server is.
    """

    def __init__(self, book: ContactBook, membership: Membership, clock: Callable[[], float]) -> None:
        self.delay = 0.2
        self.files_url = ""
        self._book, self._membership, self._clock = book, membership, clock
        self._jobs: dict[str, Job] = {}

    def upsert(self, contacts: list[dict[str, Any]], list_ids: list[str]) -> str:
        """Add or change contacts, later.

        Returns:
            The job's id.
        """

        def work(job: Job) -> None:
            for contact in contacts:
                self._upsert_one(job, contact, list_ids)

        return self._queue("upsert", work, len(contacts))

    def delete(self, contact_ids: list[str] | None) -> str:
        """Delete contacts, or all of them, later.

        Returns:
            The job's id.
        """

        def work(job: Job) -> None:
            if contact_ids is None:
                numbers = [int(number) for number in self._book.numbers()]
            else:
                numbers = [n for n in map(self._book.with_id, contact_ids) if n is not None]
            self._book.delete(numbers)
            job.deleted = len(numbers)

        return self._queue("delete", work, len(contact_ids) if contact_ids is not None else len(self._book))

    def remove_from_list(self, list_id: str, contact_ids: list[str]) -> str:
        """Take contacts out of a list, later.

        Returns:
            The job's id.
        """

        def work(job: Job) -> None:
            numbers = [n for n in map(self._book.with_id, contact_ids) if n is not None]
            self._membership.remove_members(list_id, numbers)
            job.updated = len(numbers)

        return self._queue("remove", work, len(contact_ids))

    def settle(self) -> None:
        """Do what is due. Called before each request is answered: nobody sees the difference to a worker of its own."""
        now = self._clock()
        for job in self._jobs.values():
            if job.finished is None and job.ready_at <= now:
                job.work(job)
                job.finished = int(now)

    def told(self, job_id: str) -> dict[str, Any]:
        """What a job says.

        Raises:
            KeyError: there is no such job.
        """
        job = self._jobs[job_id]
        failed = len(job.errors)
        done = failed == job.requested and failed > 0
        status = (
            "pending" if job.finished is None else "failed" if done else "errored" if failed else "completed"
        )
        results: dict[str, Any] = {"requested_count": job.requested}
        if job.finished is not None:
            results |= {
                "created_count": job.created,
                "updated_count": job.updated,
                "deleted_count": job.deleted,
                "errored_count": failed,
            }
            if failed:
                results["errors_url"] = f"{self.files_url}/contact-import-errors/{job.id}"
        return {
            "id": job.id,
            "status": status,
            "job_type": "upsert" if job.kind == "upsert" else "delete",
            "results": results,
            "started_at": iso(job.started),
            "finished_at": iso(job.finished) if job.finished is not None else "",
        }

    def errors(self, job_id: str) -> list[str]:
        """What went wrong, a line for each contact."""
        return self._jobs[job_id].errors

    def _queue(
        self, kind: Literal["upsert", "delete", "remove"], work: Callable[[Job], None], requested: int
    ) -> str:
        now = self._clock()
        made = Job(str(uuid.uuid4()), kind, work, now + self.delay, int(now), requested)
        self._jobs[made.id] = made
        return made.id

    def _upsert_one(self, job: Job, contact: dict[str, Any], list_ids: list[str]) -> None:
        email = str(contact.get("email", "")).strip().lower()
        if not _ADDRESS.fullmatch(email):
            job.errors.append(f"{email},invalid email")
            return
        too_long = [name for name, most in _LENGTHS.items() if len(str(contact.get(name, ""))) > most]
        if too_long:
            job.errors.append(f"{email},{too_long[0]} is too long")
            return
        values = {name: str(contact[name] or "") for name in _WRITABLE if name in contact} | {"email": email}
        if "alternate_emails" in contact:
            values["alternate_emails"] = ",".join(contact["alternate_emails"] or [])
        for field_id, value in (contact.get("custom_fields") or {}).items():
            values[field_id] = "" if value is None else str(value)
        number = self._book.with_email(email)
        if number is None:
            job.created += 1
        else:
            job.updated += 1
        number = self._book.put(values, int(self._clock()), number)
        for list_id in list_ids:
            if list_id in self._membership.lists:
                self._membership.add_members(list_id, [number])
