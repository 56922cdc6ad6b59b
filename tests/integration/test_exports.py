"""Every way in which an export says that it is done, is not, or never will be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from sendgrid_orchestration.sendgrid import exports
from sendgrid_orchestration.sendgrid.errors import ExportFailedError, NotFoundError, SendGridUnavailableError
from sendgrid_orchestration.sendgrid.exports import PATH, ExportedFiles, ExportJob, exported
from sendgrid_orchestration.sendgrid.reading import Reading
from sendgrid_orchestration.simulator import Simulator
from tests.support.mirror import client_of

Answer = dict[str, Any]


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator(contacts=20, history_messages=5) as simulator:
        yield simulator


@pytest.fixture
def sendgrid(running: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    monkeypatch.setattr(exports, "LINKS_TIMEOUT_S", 0.1)
    running.faults.clear()
    running.log.clear()
    return running


def answers(sendgrid: Simulator, **fields: Any) -> None:
    """Let every job answer with these fields; None leaves one out."""

    def change(body: Answer) -> Answer:
        return {key: value for key, value in (body | fields).items() if value is not None}

    sendgrid.faults.add(f"{PATH}/", times=None, change=change)


def export(sendgrid: Simulator, **options: Any) -> ExportedFiles:
    with exported(client_of(sendgrid), Reading(), progress=lambda _: None, **options) as files:
        return files


@pytest.mark.parametrize(
    "shape",
    [
        {"urls": [], "contact_count": 0},
        {"urls": [], "contact_count": None},
        {"urls": None, "contact_count": 0},
        {"urls": None, "contact_count": None},
        {"urls": [""], "contact_count": "0"},
        {"status": "READY", "urls": None, "contact_count": None},
        {"status": "completed", "urls": None, "contact_count": None},
    ],
)
def test_a_job_that_is_ready_without_links_is_finished_and_empty(sendgrid: Simulator, shape: Answer) -> None:
    answers(sendgrid, **{"status": "ready", **shape})
    files = export(sendgrid)
    assert (files.paths, files.contact_count or 0) == ((), 0)
    assert sendgrid.log.count(f"{PATH}/") == 1


@pytest.mark.parametrize("answer", ["link", "count", "bare"])
def test_a_list_without_contacts_is_exported_in_every_way_that_sendgrid_has(
    sendgrid: Simulator, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sendgrid.account.exports.habits, "empty_answer", answer)
    empty = sendgrid.account.add_list(f"Empty ({answer})")
    files = export(sendgrid, list_id=empty.id)
    assert (len(files.paths), files.contact_count) == (answer == "link", None if answer == "bare" else 0)
    polls = [seen for seen in sendgrid.log.all(f"{PATH}/") if seen.method == "GET"]
    assert len(polls) == sendgrid.account.exports.habits.pending_polls + 1


def test_links_without_a_count_are_followed(sendgrid: Simulator) -> None:
    answers(sendgrid, contact_count=None)
    files = export(sendgrid)
    assert (len(files.paths), files.contact_count) == (1, None)


def test_links_that_appear_late_are_waited_for(sendgrid: Simulator) -> None:
    sendgrid.faults.add(f"{PATH}/", skip=1, times=2, change=lambda body: {**body, "urls": []})
    assert len(export(sendgrid).paths) == 1
    assert sendgrid.log.count(PATH, method="POST") == 1


def test_contacts_whose_links_never_appear_are_told_soon(sendgrid: Simulator) -> None:
    answers(sendgrid, status="ready", urls=None, contact_count=20)
    with pytest.raises(ExportFailedError, match=r"failed 3 times.*counts 20 contacts, and had no links"):
        export(sendgrid)


@pytest.mark.parametrize("status", ["failure", "failed", "errored", "FAILURE"])
def test_a_job_that_failed_is_over_whatever_else_it_says(sendgrid: Simulator, status: str) -> None:
    answers(sendgrid, status=status, message="internal error")
    with pytest.raises(ExportFailedError, match=r"failed 3 times\. SendGrid says: internal error"):
        export(sendgrid)
    assert sendgrid.log.count(f"{PATH}/") == 3


@pytest.mark.parametrize("status", ["pending", "queued for later", ""])
def test_a_job_that_does_not_end_is_given_up_with_a_sentence(sendgrid: Simulator, status: str) -> None:
    answers(sendgrid, status=status)
    with pytest.raises(SendGridUnavailableError, match=r'still "[\w ]*" after 0 minutes.*the next run asks'):
        export(sendgrid, timeout=0.1)
    assert sendgrid.log.count(PATH, method="POST") == 1


def test_a_job_that_sendgrid_forgot_is_no_deleted_list(sendgrid: Simulator) -> None:
    sendgrid.faults.add(f"{PATH}/", times=None, status=404)
    with pytest.raises(ExportFailedError, match="no longer knows export"):
        export(sendgrid)
    with pytest.raises(NotFoundError):
        export(sendgrid, list_id="00000000-0000-0000-0000-000000000000")


@pytest.mark.parametrize(
    "body", [None, [], "ready", {}, {"status": None, "urls": "https://x", "contact_count": True}]
)
def test_a_job_is_read_from_any_answer(body: Any) -> None:
    job = ExportJob.from_answer("one", body)
    assert (job.is_ready, job.has_failed, job.urls, job.contact_count) == (False, False, (), None)


def test_nobody_is_mailed_about_an_export(sendgrid: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """SendGrid mails whoever owns the key, unless it is told not to."""
    bodies: list[Answer] = []
    client = client_of(sendgrid)
    send = client._session.request

    def watch(method: str, url: str, **options: Any) -> Any:
        if method == "POST":
            bodies.append(orjson.loads(options["data"]))
        return send(method, url, **options)

    monkeypatch.setattr(client._session, "request", watch)
    with exported(client, Reading(), progress=lambda _: None):
        pass
    assert [body["notifications"] for body in bodies] == [{"email": False}]
