"""The store: what waits, what a file says, and an archive that nothing falls out of."""

from __future__ import annotations

import errno
import io
import os
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import fsspec
import pytest

from sendgrid_orchestration.landing.errors import DamagedFile, LandingError, LandingUnreachable
from sendgrid_orchestration.landing.format import TRAILER_BYTES, Post
from sendgrid_orchestration.landing.store import (
    LandedFile,
    LandingStore,
    is_local,
    local_folder,
    open_store,
    without_credentials,
)
from sendgrid_orchestration.landing.writer import Limits, append_all

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LIMITS = Limits(seal_seconds=300, seal_bytes=2**30, min_free_bytes=1)


def land(root: Path, *bodies: bytes, received_at: datetime = NOON, source: str = "marketing") -> LandedFile:
    """Land these posts as one file."""
    append_all(root, source, [Post(received_at, {"content-type": "x"}, body) for body in bodies], LIMITS)
    known = open_store(root.as_uri()).waiting(source)
    return next(
        file
        for file in known
        if Path(file.path).stat().st_mtime_ns == max(Path(f.path).stat().st_mtime_ns for f in known)
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "my landing"


@pytest.fixture
def store(root: Path) -> LandingStore:
    return open_store(root.as_uri())


def bodies(store: LandingStore, file: LandedFile) -> list[bytes]:
    return [post.body for post in store.read(file)]


def test_landing_that_nobody_wrote_to_is_empty(store: LandingStore) -> None:
    assert store.waiting("marketing") == []
    assert store.backlog("marketing").oldest_sealed_at is None
    assert list(store.archived("marketing", date.min, date.max)) == []


def test_oldest_file_waits_first(root: Path, store: LandingStore) -> None:
    for hours in (3, 1, 2):
        land(root, b"[%d]" % hours, received_at=NOON + timedelta(hours=hours))

    assert [bodies(store, file) for file in store.waiting("marketing")] == [[b"[1]"], [b"[2]"], [b"[3]"]]
    assert [bodies(store, file) for file in store.waiting("marketing", limit=1)] == [[b"[1]"]]


def test_backlog_counts_what_waits(root: Path, store: LandingStore) -> None:
    files = [land(root, b"[%d]" % number) for number in range(3)]
    store.archive(files[0])

    backlog = store.backlog("marketing")
    assert (backlog.files, backlog.bytes) == (2, files[1].size + files[2].size)
    assert backlog.oldest_sealed_at is not None
    assert datetime.now(UTC) - backlog.oldest_sealed_at < timedelta(minutes=2)


def test_sources_see_only_their_own(root: Path, store: LandingStore) -> None:
    land(root, b"[1]", source="one")
    land(root, b"[2]", source="two")

    assert [bodies(store, file) for file in store.waiting("one")] == [[b"[1]"]]
    assert [file.source for file in store.waiting("two")] == ["two"]


def test_archived_file_reads_the_same_from_its_day(root: Path, store: LandingStore) -> None:
    file = land(root, b"[1]", b"[2]" + b" " * 5000)
    before = list(store.read(file))
    path = store.archive(file)

    (archived,) = store.archived("marketing", NOON.date(), NOON.date())
    assert path == archived.path
    assert path.endswith(f"marketing/archive/2026-11-20/{file.name}.posts.zst")
    assert (archived.name, archived.day, archived.sealed_at) == (file.name, NOON.date(), NOON)
    assert archived.size < file.size
    assert list(store.read(archived)) == before
    assert store.waiting("marketing") == []


def test_file_that_was_archived_since_it_was_listed_can_still_be_read(
    root: Path, store: LandingStore
) -> None:
    file = land(root, b"[1]")
    store.archive(file)

    assert bodies(store, file) == [b"[1]"]


def test_archive_gives_the_days_that_were_asked_for(root: Path, store: LandingStore) -> None:
    for day in range(5):
        store.archive(land(root, b"[%d]" % day, received_at=NOON + timedelta(days=day)))
    (root / "marketing" / "archive" / "notes").mkdir()

    asked = store.archived("marketing", date(2026, 11, 21), date(2026, 11, 23))
    assert [bodies(store, file) for file in asked] == [[b"[1]"], [b"[2]"], [b"[3]"]]
    assert store.archived_days("marketing") == [date(2026, 11, 20 + day) for day in range(5)]


def test_archiving_twice_or_after_a_crash_changes_nothing(root: Path, store: LandingStore) -> None:
    file = land(root, b"[1]")
    original = Path(file.path).read_bytes()
    path = store.archive(file)
    assert store.archive(file) == path

    Path(file.path).write_bytes(original)  # the crash came before the original was removed
    assert store.archive(file) == path
    assert not Path(file.path).exists()
    (archived,) = store.archived("marketing", NOON.date(), NOON.date())
    assert store.archive(archived) == path
    assert bodies(store, archived) == [b"[1]"]


def test_unfinished_archive_copy_is_no_file(root: Path, store: LandingStore) -> None:
    file = land(root, b"[1]")
    day = root / "marketing" / "archive" / "2026-11-20"
    day.mkdir(parents=True)
    (day / f".{file.name}.posts.zst.unfinished").write_bytes(b"half")

    assert list(store.archived("marketing", NOON.date(), NOON.date())) == []
    store.archive(file)
    (archived,) = store.archived("marketing", NOON.date(), NOON.date())
    assert bodies(store, archived) == [b"[1]"]


def test_file_that_is_nowhere_is_named(root: Path, store: LandingStore) -> None:
    file = land(root, b"[1]")
    Path(file.path).unlink()

    for attempt in (store.archive, lambda missing: list(store.read(missing))):
        with pytest.raises(LandingError, match="neither in the landing nor in its archive"):
            attempt(file)


@pytest.mark.parametrize("archived", [False, True])
def test_damage_is_told_with_file_and_offset_after_the_whole_posts(
    root: Path, store: LandingStore, archived: bool
) -> None:
    file = land(root, b"[1]", b"[2]")
    path = Path(file.path)
    path.write_bytes(path.read_bytes()[: -TRAILER_BYTES - 1])
    if archived:
        path = Path(store.archive(file))
    read = store.read(file)

    assert next(read).body == b"[1]"
    with pytest.raises(DamagedFile, match=f"{path.name} is damaged at byte ") as caught:
        next(read)
    assert caught.value.offset > 8


def test_damaged_compression_is_told_as_damage(root: Path, store: LandingStore) -> None:
    path = Path(store.archive(land(root, bytes(range(256)) * 50)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    (archived,) = store.archived("marketing", NOON.date(), NOON.date())

    with pytest.raises(DamagedFile):
        bodies(store, archived)


@pytest.mark.parametrize("archived", [False, True])
def test_swapped_files_are_told_as_damage(root: Path, store: LandingStore, archived: bool) -> None:
    one, two = land(root, b"[1]"), land(root, b"[2]", received_at=NOON + timedelta(minutes=1))
    paths = [Path(store.archive(file) if archived else file.path) for file in (one, two)]
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, reversed(contents), strict=True):
        path.write_bytes(content)

    for file, other in ((one, two), (two, one)):
        assert f"its content is that of {other.name}" in str(store.damage(file))


def test_file_that_the_disk_cannot_read_is_damaged_by_name(
    root: Path, store: LandingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad sector holds up the file that it is in, and no other."""
    file = land(root, b"[1]")

    class BadSector(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as broken:
        broken.setattr(io, "FileIO", BadSector)
        assert f"{file.path} is damaged at byte 0: it cannot be read (Input/output error)" in str(
            store.damage(file)
        )
    assert store.damage(file) is None


@pytest.mark.parametrize("how", ["rewritten", "replaced", "restored with its times"])
def test_version_tells_that_a_file_was_written_whatever_its_size_and_times(
    root: Path, store: LandingStore, how: str
) -> None:
    file = land(root, b"[1]")
    path, before = Path(file.path), store.version(file)
    assert store.version(file) == before
    status = path.stat()
    content = path.read_bytes()[::-1]
    if how == "rewritten":
        path.write_bytes(content)
    else:
        copy = path.with_suffix(".copy")
        copy.write_bytes(content)
        copy.rename(path)
    if how == "restored with its times":
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert path.stat().st_size == status.st_size
    assert store.version(file) not in (before, None)
    path.unlink()
    assert store.version(file) is None


def test_folder_of_files_can_be_read_as_it_lies(root: Path, store: LandingStore, tmp_path: Path) -> None:
    """For replaying a folder that somebody copied out of an archive or a landing."""
    folder = tmp_path / "copies"
    folder.mkdir()
    for number, archive in enumerate((True, False)):
        file = land(root, b"[%d]" % number, received_at=NOON + timedelta(hours=number))
        path = Path(store.archive(file) if archive else file.path)
        path.rename(folder / path.name)
    (folder / "README").write_text("not ours")

    copies = open_store(folder.as_uri())
    assert [(file.source, bodies(copies, file)) for file in copies.loose("other")] == [
        ("other", [b"[0]"]),
        ("other", [b"[1]"]),
    ]


@pytest.mark.parametrize("archived", [False, True])
def test_reading_takes_constant_memory(root: Path, store: LandingStore, archived: bool) -> None:
    body = b"[" + b"1," * 100_000 + b"1]"
    file = land(root, *[body] * 100)
    if archived:
        store.archive(file)

    tracemalloc.start()
    count = sum(len(post.body) for post in store.read(file))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 100 * len(body)
    assert peak < 4 * 2**20


def test_landing_that_cannot_be_read_is_told_as_a_sentence(root: Path, store: LandingStore) -> None:
    root.mkdir()
    (root / "marketing").write_text("no folder")

    with pytest.raises(LandingUnreachable, match=r"Not a directory.*Check that the disk works"):
        store.waiting("marketing")


def test_unknown_kind_of_landing_is_told_as_a_sentence() -> None:
    with pytest.raises(LandingError, match=r"nosuch://somewhere/x cannot be opened: .* Check landing\.url"):
        open_store("nosuch://user:secret@somewhere/x")


def test_credentials_in_a_url_are_not_shown() -> None:
    assert without_credentials("sftp://user:secret@host:22/a@b") == "sftp://host:22/a@b"
    assert without_credentials("s3://bucket/prefix") == "s3://bucket/prefix"
    assert without_credentials("/srv/landing") == "/srv/landing"


def test_local_urls_are_told_from_others(tmp_path: Path) -> None:
    assert is_local(tmp_path.as_uri()) and is_local(str(tmp_path))
    assert local_folder(tmp_path.as_uri()) == tmp_path == local_folder(str(tmp_path))
    assert local_folder("file:///srv/my%20mail") == Path("/srv/my mail")
    assert not is_local("s3://bucket/landing")


def test_name_with_a_pattern_deletes_one_file(tmp_path: Path) -> None:
    """The library fsspec takes a path for a pattern where it can."""
    fs = fsspec.filesystem("memory")
    store = LandingStore(fs, f"/{tmp_path.name}", "memory://")
    for name in ("*", "a", "?"):
        fs.pipe_file(f"/{tmp_path.name}/marketing/archive/2026-11-20/{name}.posts.zst", b"")
    first, *others = store.archived("marketing", NOON.date(), NOON.date())
    store.delete_archived("marketing", NOON.date(), [first])

    assert first.name == "*"
    assert list(store.archived("marketing", NOON.date(), NOON.date())) == others
    store.delete_archived("marketing", NOON.date(), others)
    store.delete_archived("marketing", NOON.date(), others)
    assert list(store.archived("marketing", NOON.date(), NOON.date())) == []
