"""A landing on an object store: durable in the spool first, uploaded behind, read and archived like any other."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sendgrid_orchestration.landing.errors import LandingError, LandingUnreachable
from sendgrid_orchestration.landing.format import TRAILER_BYTES, Post
from sendgrid_orchestration.landing.store import LandingStore, open_store
from sendgrid_orchestration.landing.uploader import Uploader
from sendgrid_orchestration.landing.writer import Limits, append_all
from sendgrid_orchestration.load.loader import load_waiting
from sendgrid_orchestration.load.retention import prune_archive
from sendgrid_orchestration.load.verification import verify_archive
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.engine import connect
from tests.support.object_store import BUCKET, ObjectStore
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


def test_damage_on_the_object_store_is_found(store: LandingStore, tmp_path: Path) -> None:
    """A cut between two posts, a swapped file, in what waits and in the archive; and which version was looked at."""
    spool_posts(tmp_path, b"[1]", b"[2]", b"[3]")
    Uploader(tmp_path, store).close(30)
    first, second, third = store.waiting("marketing")
    content = store._fs.cat_file(second.path)
    before = store.version(first)
    store._fs.pipe_file(first.path, content)
    store._fs.pipe_file(second.path, content[:-TRAILER_BYTES])
    assert store.version(first) not in (before, None)
    for file, sentence in (
        (first, f"its content is that of {second.name}"),
        (second, "ends without its trailer"),
    ):
        assert sentence in str(store.damage(file))
        store.archive(file)
        assert sentence in str(store.damage(file))
    assert store.damage(third) is None

    checksum, path = store.checksum(third), store.archive(third)
    archived = store.archived_file("marketing", third.name, path, third.sealed_at)
    assert archived and store.checksum(archived) == checksum
    assert archived.size == store._fs.size(path)
    store._fs.rm_file(path)
    assert store.archived_file("marketing", third.name, path, third.sealed_at) is None
    assert store.version(third) is None


@pytest.fixture(params=["refuses", "is silent"])
def unreachable(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The environment of an object store that refuses connections, or takes them and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if request.param == "refuses":
            listener.close()
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "key-id-of-the-bucket",
            "AWS_SECRET_ACCESS_KEY": "hush",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "1",
            "LANDING_URL": f"s3://{BUCKET}/posts",
            "WORD": request.param,
        }


def test_store_that_does_not_answer_is_one_sentence_in_load_doctor_and_receiver(
    unreachable: dict[str, str], warehouse_url: str, tmp_path: Path
) -> None:
    """And it is said that somebody waits, long before anybody gives up. Posts are taken all the while."""
    is_silent = unreachable.pop("WORD") == "is silent"
    config = tmp_path / "sendgrid.yaml"
    config.write_text("sources: [{name: marketing, base_url: 'http://127.0.0.1:1'}]\nreceiver: {port: 1}\n")
    environment = {
        **os.environ,
        **unreachable,
        "SENDGRID_CONFIG": str(config),
        "SENDGRID_DATA_DIR": str(tmp_path / "data"),
        "WAREHOUSE_URL": warehouse_url,
        "DAGSTER_URL": warehouse_url,
        "SENDGRID_API_KEY": "SG.none",
        "COLUMNS": "10000",
    }
    running = RunningReceiver(
        tmp_path / "receiver", landing={"url": unreachable["LANDING_URL"]}, environment=unreachable
    )
    commands = [
        subprocess.Popen(
            [str(Path(sys.executable).with_name("sendgrid-orchestration")), command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in ("load", "doctor")
    ]
    try:
        running.start()
        sent = [body_of(events(number, 1)) for number in range(3)]
        assert {running.post(body)[0] for body in sent} == {204}
        for command in commands:
            output, errors = command.communicate(timeout=120)
            assert command.returncode == 1
            assert "Traceback" not in errors
            assert f"The landing s3://{BUCKET}/posts cannot be reached: " in output + errors
            assert "Check that it is up, its address" in output + errors
            assert ("Still waiting for the landing" in errors) == is_silent
            assert "hush" not in output + errors
        wait_for(lambda: "Landed files cannot be uploaded: The landing" in running.log.read_text(), 60)
        assert running.stop() == 0
        log = running.log.read_text()
        assert "Traceback" not in log
        assert ("Still waiting for the landing" in log) == is_silent
        spool = open_store((running.settings.data_dir / "spool").as_uri())
        assert sorted(bodies(spool)) == sorted(sent)
    finally:
        running.close()
        for command in commands:
            command.kill()
            command.wait()


def test_store_that_is_silent_is_given_up_in_bounded_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """By themselves botocore and s3fs would wait 25 minutes."""
    monkeypatch.setattr("sendgrid_orchestration.landing.store._ANSWER_SECONDS", 0.5)
    monkeypatch.setattr("sendgrid_orchestration.landing.store._SILENCE_SECONDS", 0.2)
    monkeypatch.delenv("AWS_MAX_ATTEMPTS", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-south-1")
        began = time.monotonic()
        with pytest.raises(LandingUnreachable, match="Read timeout"):
            open_store(f"s3://{BUCKET}/silent").waiting("marketing")

    assert 1.5 <= time.monotonic() - began < 15, "three attempts, with pauses"
    assert caplog.text.count("Still waiting for the landing s3://") == 1


def test_old_days_are_deleted_from_the_object_store(
    store: LandingStore, tmp_path: Path, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after an attempt that the store refused: s3fs does not pass on what S3 says about single objects."""
    source = Source.model_validate({"name": "marketing"})
    for day in range(3):
        spool_posts(tmp_path, b"[]", b"[ ]", received_at=NOON + timedelta(days=day))
    Uploader(tmp_path, store).close(30)
    assert load_waiting(warehouse_url, store, source).files == 6
    neighbour = f"{store._root}/marketing/archive/2026-11-20/notes.txt"
    store._fs.pipe_file(neighbour, b"mine")
    today = NOON.date() + timedelta(days=2)
    with connect(warehouse_url) as conn:
        with monkeypatch.context() as refused:
            refused.setattr(store._fs, "rm", lambda paths: None)
            with pytest.raises(LandingError, match=r"2 of 2 files were not deleted, .*may delete there"):
                prune_archive(conn, store, source, 1, today=today)
        pruned = prune_archive(conn, store, source, 1, today=today)

        assert (pruned.files, list(pruned.warnings())) == (2, [])
        assert store._fs.exists(neighbour)
        days = [date(2026, 11, day) for day in (20, 21, 22)]
        left = [file.day for file in store.archived("marketing", date.min, date.max)]
        assert left == [days[1], days[1], days[2], days[2]]
        assert verify_archive(conn, store, source).state.problem_count == 0
        store._fs.rm_file(neighbour)
        assert store.archived_days("marketing") == days[1:]


def test_store_that_breaks_off_in_the_middle_of_a_file_is_unreachable_and_the_file_not_damaged(
    object_store: ObjectStore, store: LandingStore, tmp_path: Path
) -> None:
    body = bytes(range(256)) * 2**16
    spool_posts(tmp_path, b"[" + body + b"]", b"[2]")
    Uploader(tmp_path, store).close(30)
    first, _ = store.waiting("marketing")
    object_store.shut()
    try:
        with pytest.raises(LandingUnreachable):
            store.damage(first)
    finally:
        object_store.open()
    assert store.damage(first) is None


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
