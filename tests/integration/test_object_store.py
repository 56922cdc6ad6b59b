"""A landing on an object store: durable in the spool first, uploaded behind, read and archived like any other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sendgrid_orchestration.landing.format import Post
from sendgrid_orchestration.landing.store import LandingStore, open_store
from sendgrid_orchestration.landing.uploader import Uploader
from sendgrid_orchestration.landing.writer import Limits, append_all
from tests.support.object_store import ObjectStore
from tests.support.receiver import RunningReceiver
from tests.support.signing import body_of, events

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LIMITS = Limits(seal_seconds=300, min_free_bytes=1)


@pytest.fixture(scope="module")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    running = ObjectStore(tmp_path_factory.mktemp("moto"))
    yield running
    running.close()


@pytest.fixture
def url(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A landing that no other test uses."""
    for name, value in object_store.environment.items():
        monkeypatch.setenv(name, value)
    return f"{object_store.url}/{tmp_path.name}"


@pytest.fixture
def store(url: str) -> LandingStore:
    return open_store(url)


def spool_posts(spool: Path, *bodies: bytes, source: str = "marketing", received_at: datetime = NOON) -> None:
    for number, body in enumerate(bodies):
        moment = received_at + timedelta(seconds=number)
        append_all(spool, source, [Post(moment, {"content-type": "x"}, body)], LIMITS)


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.1)


def bodies(store: LandingStore, source: str = "marketing") -> list[bytes]:
    return [post.body for file in store.waiting(source) for post in store.read(file)]


def test_spooled_files_arrive_whole_and_leave_the_spool(store: LandingStore, tmp_path: Path) -> None:
    spool_posts(tmp_path, b"[1]", b"[2]" + b" " * 100_000)
    spool_posts(tmp_path, b"[3]", source="billing")
    sizes: list[int] = []
    Uploader(tmp_path, store, sizes.append).close(30)

    assert bodies(store) == [b"[1]", b"[2]" + b" " * 100_000]
    assert bodies(store, "billing") == [b"[3]"]
    assert len(sizes) == 3
    assert not list(tmp_path.rglob("*.posts"))
    backlog = store.backlog("marketing")
    assert (backlog.files, backlog.bytes) == (2, sum(file.size for file in store.waiting("marketing")))
    assert backlog.oldest_sealed_at and abs(backlog.oldest_sealed_at - datetime.now(UTC)) < timedelta(
        minutes=5
    )


def test_archive_on_the_object_store(store: LandingStore, tmp_path: Path) -> None:
    spool_posts(tmp_path, b"[1]", b"[2]")
    spool_posts(tmp_path, b"[3]", received_at=NOON + timedelta(days=1))
    Uploader(tmp_path, store).close(30)
    files = store.waiting("marketing")
    paths = [store.archive(file) for file in files]
    assert [store.archive(file) for file in files] == paths

    assert store.waiting("marketing") == []
    assert store.archived_days("marketing") == [date(2026, 11, 20), date(2026, 11, 21)]
    archived = list(store.archived("marketing", date(2026, 11, 20), date(2026, 11, 20)))
    assert [post.body for file in archived for post in store.read(file)] == [b"[1]", b"[2]"]
    assert [post.body for file in files for post in store.read(file)] == [b"[1]", b"[2]", b"[3]"]


def test_file_that_was_uploaded_and_archived_before_a_crash_does_not_come_back(
    store: LandingStore, tmp_path: Path
) -> None:
    spool_posts(tmp_path, b"[1]")
    (spooled,) = tmp_path.rglob("*.posts")
    content = spooled.read_bytes()
    Uploader(tmp_path, store).close(30)
    spooled.write_bytes(content)  # the crash came between the upload and the removal
    Uploader(tmp_path, store).close(30)
    assert bodies(store) == [b"[1]"]

    for file in store.waiting("marketing"):
        store.archive(file)
    spooled.write_bytes(content)
    Uploader(tmp_path, store).close(30)
    assert store.waiting("marketing") == []
    assert not list(tmp_path.rglob("*.posts"))


def test_two_processes_on_one_spool_upload_each_file_once(store: LandingStore, tmp_path: Path) -> None:
    spool_posts(tmp_path, *(b"[%d]" % number for number in range(20)))
    sizes: list[int] = []
    uploaders = [Uploader(tmp_path, store, sizes.append) for _ in range(3)]
    wait_for(lambda: not list(tmp_path.rglob("*.posts")))
    for uploader in uploaders:
        uploader.close(30)

    assert len(sizes) == 20
    assert bodies(store) == [b"[%d]" % number for number in range(20)]


def test_outage_only_fills_the_spool(
    object_store: ObjectStore, url: str, store: LandingStore, tmp_path: Path
) -> None:
    running = RunningReceiver(
        tmp_path / "receiver", landing={"url": url, "seal_seconds": 0.3}, environment=object_store.environment
    ).start()
    try:
        sent = [body_of(events(number, 1)) for number in range(30)]
        assert {running.post(body)[0] for body in sent[:10]} == {204}
        wait_for(lambda: len(bodies(store)) == 10)

        object_store.shut()
        assert {running.post(body)[0] for body in sent[10:20]} == {204}
        wait_for(lambda: running.metric("sendgrid_landing_upload_failures_total") >= 1)
        wait_for(lambda: running.metric("sendgrid_spool_waiting_files", source="marketing") >= 1)
        assert running.get("/readyz")[0] == 200
        running.kill()  # and a crash in the middle of it
        running.start()
        assert {running.post(body)[0] for body in sent[20:]} == {204}
        assert running.files()

        object_store.open()
        wait_for(lambda: len(bodies(store)) == len(sent), seconds=60)
        assert sorted(bodies(store)) == sorted(sent)
        assert running.stop() == 0
        assert running.files() == []
    finally:
        object_store.open()
        running.close()


def test_ending_receiver_uploads_what_it_sealed(
    object_store: ObjectStore, url: str, store: LandingStore, tmp_path: Path
) -> None:
    running = RunningReceiver(
        tmp_path / "receiver", landing={"url": url, "seal_seconds": 300}, environment=object_store.environment
    ).start()
    try:
        body = body_of(events(1, 1))
        assert running.post(body)[0] == 204
        assert running.stop() == 0
    finally:
        running.close()

    assert bodies(store) == [body]
    assert running.files() == []
