"""Contact exports: the only complete read of contacts, and the only one of who is in a list or segment.

SendGrid makes an export as a job and leaves its files behind pre-signed links. The links get no credentials of ours. Files are
first brought to local disk, so that neither a slow database nor a lost connection can spoil a read half-way; how large they
are makes no difference to memory.
"""

from __future__ import annotations

import fcntl
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from sendgrid_orchestration.sendgrid.client import USER_AGENT, SendGridClient
from sendgrid_orchestration.sendgrid.errors import ExportFailedError, NotFoundError, SendGridUnavailableError
from sendgrid_orchestration.sendgrid.reading import Reading

logger = logging.getLogger(__name__)

PATH = "/v3/marketing/contacts/exports"
Progress = Callable[[str], None]

EXPORTS_TRIED = 3
"""How many exports are asked for where one fails, its links expire or its files are damaged."""

DOWNLOADS_TRIED = 3
EXPORT_TIMEOUT_S = 6 * 3600.0
"""How long a job may stay pending. SendGrid publishes no limit; an export of all contacts of a large account takes hours."""

LINKS_TIMEOUT_S = 300.0
"""How long a job may be ready, count contacts and have no links to them."""

_READY = frozenset({"ready", "completed"})
_FAILED = frozenset({"failure", "failed", "errored"})
"""The second and third are SendGrid's words for other jobs of Marketing Campaigns."""

_CHUNK = 1 << 18
_FOLDERS, _LOCK = "sendgrid-export-", "in-use.lock"


@dataclass(frozen=True)
class ExportJob:
    """An export as SendGrid describes it.

    Attributes:
        status: `pending`, `ready` or `failure`; any other word counts as pending.
        urls: the links to its files; an export of nobody may have none.
        contact_count: None where SendGrid does not say.
    """

    id: str
    status: str
    urls: tuple[str, ...]
    contact_count: int | None
    message: str

    @classmethod
    def from_answer(cls, export_id: str, answer: Any) -> Self:
        """Read leniently: keys come and go between SendGrid's documents."""
        found = answer if isinstance(answer, dict) else {}
        count = str(found.get("contact_count"))
        urls = found.get("urls")
        return cls(
            id=export_id,
            status=str(found.get("status") or "").lower(),
            urls=tuple(str(url) for url in urls if url) if isinstance(urls, list) else (),
            contact_count=int(count) if count.isascii() and count.isdigit() else None,
            message=str(found.get("message") or ""),
        )

    @property
    def has_failed(self) -> bool:
        """SendGrid gave it up."""
        return self.status in _FAILED

    @property
    def is_ready(self) -> bool:
        """SendGrid says that it is done, whether or not there is anything to download."""
        return self.status in _READY

    @property
    def lacks_links(self) -> bool:
        """It counts contacts and has no links. Without both it is an empty export: the specification requires neither."""
        return not self.urls and bool(self.contact_count)


@dataclass(frozen=True)
class ExportedFiles:
    """The files of a finished export, on local disk.

    Attributes:
        contact_count: how many contacts SendGrid says are in them; None where it does not say.
        waited: seconds from the first request to the last file on disk.
    """

    export_id: str
    paths: tuple[Path, ...]
    contact_count: int | None
    waited: float

    @property
    def facts(self) -> dict[str, str | float]:
        """What a person who looks at the run wants to know of the export."""
        size = sum(path.stat().st_size for path in self.paths)
        return {
            "export_id": self.export_id,
            "export_files": len(self.paths),
            "export_mb": round(size / 1e6, 1),
            "export_s": round(self.waited, 1),
        }


@contextmanager
def exported(
    client: SendGridClient,
    reading: Reading,
    *,
    list_id: str | None = None,
    segment_id: str | None = None,
    progress: Progress = logger.info,
    timeout: float = EXPORT_TIMEOUT_S,
) -> Iterator[ExportedFiles]:
    """Have an export made and bring its files here; they are gone when the block ends.

    Args:
        client: whom to ask.
        reading: told what is odd.
        list_id: only contacts of this list.
        segment_id: only contacts of this segment. Without either, all contacts.
        progress: told, in a sentence, how far it is.
        timeout: seconds that a job may stay pending.

    Raises:
        ExportFailedError: SendGrid failed to make it, or its files could not be had whole.
        NotFoundError: there is no such list or segment.
        SendGridUnavailableError: it was still pending after `timeout`.
    """
    wanted: dict[str, Any] = {"file_type": "csv", "notifications": {"email": False}}
    if list_id:
        wanted["list_ids"] = [list_id]
    if segment_id:
        wanted["segment_ids"] = [segment_id]
    began = time.monotonic()
    with _folder() as folder:
        for attempt in range(1, EXPORTS_TRIED + 1):
            export_id = _create(client, wanted)
            try:
                job = _finished(client, export_id, progress, timeout)
                paths = _download_all(client, job, folder, progress)
            except ExportFailedError as error:
                if attempt == EXPORTS_TRIED:
                    raise ExportFailedError(
                        f'The contact export of source "{client.source}" failed {attempt} times. {error} '
                        "The tables stay as they are; the next run tries again."
                    ) from error
                reading.note(f"An export did not work out ({error}); another was asked for.")
                continue
            break
        yield ExportedFiles(job.id, paths, job.contact_count, time.monotonic() - began)


@contextmanager
def _folder() -> Iterator[Path]:
    """Where the files of one export are. What a killed process left goes first: it is full of people's addresses."""
    for path in Path(tempfile.gettempdir()).glob(f"{_FOLDERS}*/{_LOCK}"):
        _remove_abandoned(path)
    with tempfile.TemporaryDirectory(prefix=_FOLDERS) as name, (Path(name) / "taking").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Only now under its name, for until it is taken another process would find it abandoned.
        (Path(name) / "taking").rename(Path(name) / _LOCK)
        yield Path(name)


def _remove_abandoned(lock: Path) -> None:
    """Remove the folder of this lock, unless a living process holds it or it belongs to another user."""
    with suppress(OSError), lock.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(lock.parent, ignore_errors=True)


def _create(client: SendGridClient, wanted: dict[str, Any]) -> str:
    answer = client.post(PATH, wanted, repeatable=True)
    export_id = answer.get("id") if isinstance(answer, dict) else None
    if not export_id:
        raise ExportFailedError(f'SendGrid (source "{client.source}") took an export and gave it no id.')
    return str(export_id)


def _finished(client: SendGridClient, export_id: str, progress: Progress, timeout: float) -> ExportJob:
    """Poll until the job is ready, at growing intervals.

    Raises:
        ExportFailedError: SendGrid gave the job up or forgot it, or it is ready and its files do not appear.
        SendGridUnavailableError: it is still pending after `timeout` seconds.
    """
    began = time.monotonic()
    ready_at: float | None = None
    pause = client.policy.first_poll
    while True:
        job = _job(client, export_id)
        elapsed = time.monotonic() - began
        if job.has_failed:
            raise ExportFailedError(f"SendGrid says: {job.message or 'no reason'}")
        if job.is_ready and not job.lacks_links:
            progress(f"Export {export_id} is ready after {elapsed:.0f} s: {len(job.urls)} files.")
            return job
        if job.is_ready:
            ready_at = elapsed if ready_at is None else ready_at
            if elapsed - ready_at >= LINKS_TIMEOUT_S:
                raise ExportFailedError(
                    f"it is ready, counts {job.contact_count} contacts, and had no links to them "
                    f"{elapsed - ready_at:.0f} s later"
                )
        elif elapsed >= timeout:
            raise SendGridUnavailableError(
                f'Export {export_id} of source "{client.source}" is still "{job.status}" after {_time(elapsed)}. '
                "The tables stay as they are, and the next run asks for another. "
                "If that happens again, ask SendGrid's support what became of it."
            )
        progress(f"Export {export_id} is {job.status or 'being made'} since {elapsed:.0f} s.")
        client.sleep(pause)
        pause = min(pause * 1.5, client.policy.longest_poll)


def _job(client: SendGridClient, export_id: str) -> ExportJob:
    """What SendGrid says of a job that it was asked to do."""
    try:
        return ExportJob.from_answer(export_id, client.get(f"{PATH}/{export_id}"))
    except NotFoundError as error:
        # Passed on as it is, it would mean that the list or segment is gone.
        raise ExportFailedError(f"SendGrid no longer knows export {export_id}") from error


def _time(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.0f} minutes"


def _download_all(
    client: SendGridClient, job: ExportJob, folder: Path, progress: Progress
) -> tuple[Path, ...]:
    paths = []
    urls = job.urls
    for number in range(len(urls)):
        path = folder / f"{job.id}-{number}"
        try:
            _download(client, urls[number], path)
        except _LinkExpiredError:
            # The job gives fresh links for as long as it keeps the files.
            fresh = _job(client, job.id)
            if len(fresh.urls) != len(urls):
                raise ExportFailedError("the links expired and the export has no others") from None
            urls = fresh.urls
            try:
                _download(client, urls[number], path)
            except _LinkExpiredError:
                raise ExportFailedError("the links expired, and so did the fresh ones") from None
        paths.append(path)
        progress(f"File {number + 1} of {len(urls)}: {path.stat().st_size / 1e6:.1f} MB.")
    return tuple(paths)


class _LinkExpiredError(Exception):
    """The store no longer honours the link."""


class _NoCredentials(AuthBase):
    """Keeps requests from adding what ~/.netrc may hold for the store's host."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def _download(client: SendGridClient, url: str, path: Path) -> None:
    """One file to disk, whole: the store's Content-Length is checked.

    No error below names the link, for it opens the file to whoever reads the log.
    """
    host = urlsplit(url).netloc
    if urlsplit(url).scheme != urlsplit(client.api_url).scheme:
        raise ExportFailedError(f"the link to {host} is not {urlsplit(client.api_url).scheme}")
    pause = client.policy.first_wait
    for attempt in range(1, DOWNLOADS_TRIED + 1):
        trouble = _try_download(client, url, path)
        if trouble is None:
            return
        if attempt == DOWNLOADS_TRIED:
            raise ExportFailedError(f"a file at {host} could not be downloaded ({trouble})")
        client.sleep(pause)
        pause *= 2


def _try_download(client: SendGridClient, url: str, path: Path) -> str | None:
    timeout = (client.policy.connect_timeout, client.policy.read_timeout)
    try:
        with (
            requests.Session() as session,
            session.get(
                url,
                auth=_NoCredentials(),
                # Stored files keep the encoding that they were stored with; ours to undo, not the transport's.
                headers={"Accept-Encoding": "identity", "User-Agent": USER_AGENT},
                stream=True,
                timeout=timeout,
            ) as response,
            path.open("wb") as file,
        ):
            if response.status_code in (400, 401, 403, 404, 410):
                raise _LinkExpiredError
            if response.status_code != 200:
                return f"status {response.status_code}"
            while chunk := response.raw.read(_CHUNK, decode_content=False):
                file.write(chunk)
            return None
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        return type(error).__name__
