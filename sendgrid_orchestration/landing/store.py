"""Reads a landing: what waits, what a file says, moving loaded files to the archive. Any fsspec URL will do."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast
from urllib.parse import unquote

import fsspec
import zstandard

from sendgrid_orchestration.landing.errors import DamagedFile, LandingError
from sendgrid_orchestration.landing.format import Post, decode
from sendgrid_orchestration.landing.names import ARCHIVED_SUFFIX, SUFFIX, day_of_receipt, opened_at, stem
from sendgrid_orchestration.landing.segment import make_directory, sync_directory

_BLOCK_BYTES = 4 * 1024 * 1024  # s3fs would keep 50 MB for each open file
_ZSTD_LEVEL = 6


@dataclass(frozen=True, slots=True)
class LandedFile:
    """A sealed file of one source's posts."""

    source: str
    name: str
    """Sorts by time and is unique for ever: the ledger's key."""
    size: int
    """Bytes as it lies there (compressed, in the archive)."""
    sealed_at: datetime
    """When it was last written to; for an archived file, when its first post was received."""
    path: str
    """Where it lies, in the words of the landing's file system."""

    @property
    def day(self) -> date:
        """The UTC day on which its posts were received."""
        return day_of_receipt(self.name, self.sealed_at)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for the loader."""

    files: int
    bytes: int
    oldest_sealed_at: datetime | None


def open_store(landing_url: str, spool_dir: Path | None = None) -> LandingStore:
    """The landing behind a URL.

    Args:
        landing_url: any fsspec URL; credentials and endpoint of an object store come from its own environment
            variables (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL` …).
        spool_dir: where the receiver spools for a landing that is not a local folder; readers need not know it.
    """
    url = str(local_folder(landing_url)) if is_local(landing_url) else landing_url
    fs, path = fsspec.core.url_to_fs(url, use_listings_cache=False)
    return LandingStore(fs, path, spool_dir)


def is_local(landing_url: str) -> bool:
    """Whether the landing is a folder on this machine, which the receiver can write without a spool."""
    return landing_url.startswith("file://") or "://" not in landing_url


def local_folder(landing_url: str) -> Path:
    """The folder of a local landing. fsspec would take `file:///my%20mail` for a folder that is called so."""
    scheme = "file://"
    if landing_url.startswith(scheme):
        return Path(unquote(landing_url.removeprefix(scheme)))
    return Path(landing_url).absolute()


class LandingStore:
    """A landing to read from. Holds no state of its own: any number of processes may use one landing."""

    def __init__(self, fs: Any, root: str, spool_dir: Path | None = None) -> None:
        self._fs = fs
        self._root = root.rstrip("/")
        self.spool_dir = spool_dir
        self._local = "file" in (fs.protocol if isinstance(fs.protocol, tuple | list) else (fs.protocol,))

    def waiting(self, source: str, limit: int | None = None) -> list[LandedFile]:
        """The sealed files that are not archived yet, oldest first."""
        files = self._files(source, self._path(source, "sealed"), SUFFIX)
        return files if limit is None else files[:limit]

    def backlog(self, source: str) -> Backlog:
        """How much waits, and since when."""
        files = self.waiting(source)
        oldest = min((file.sealed_at for file in files), default=None)
        return Backlog(len(files), sum(file.size for file in files), oldest)

    def read(self, file: LandedFile) -> Iterator[Post]:
        """The posts of a file in the order of receipt, in constant memory.

        Raises:
            DamagedFile: at the first byte that is no post; the posts before it were yielded.
            LandingError: the file is gone.
        """
        stream, path = self._open(file)
        with closing(stream):
            for _, post in decode(stream, path):
                yield post

    def archive(self, file: LandedFile) -> str:
        """Compress a loaded file into the archive of its day of receipt, then remove it from what waits.

        May be repeated, and interrupted at any point: the original goes only once its copy is complete.

        Returns:
            The path in the archive.
        """
        target = self._archive_path(file)
        if file.path == target:
            return target
        if not self._fs.exists(target):
            if not self._fs.exists(file.path):
                raise LandingError(f"{file.path} is neither in the landing nor in its archive.")
            self._compress(file, target)
        if self._fs.exists(file.path):
            self._fs.rm_file(file.path)
        return target

    def receive(self, source: str, path: Path) -> None:
        """Take over a sealed file from local disk. May be repeated; the caller removes the original afterwards.

        Raises:
            LandingError: the landing does not hold all of it.
        """
        file = LandedFile(source, path.name.removesuffix(SUFFIX), path.stat().st_size, datetime.now(UTC), "")
        if self._fs.exists(self._archive_path(file)):
            return  # it arrived before a crash, and was loaded since
        target = self._path(source, "sealed", path.name)
        # An object appears when it is complete; a half one is never listed.
        self._fs.put_file(str(path), target)
        if (arrived := self._fs.size(target)) != file.size:
            raise LandingError(f"{target} has {arrived} bytes instead of {file.size}.")

    def archived(self, source: str, first_day: date, last_day: date) -> Iterator[LandedFile]:
        """The archived files whose posts were received on these UTC days (both included), oldest first."""
        for day in self.archived_days(source):
            if first_day <= day <= last_day:
                yield from self._files(source, self._path(source, "archive", f"{day}"), ARCHIVED_SUFFIX)

    def archived_days(self, source: str) -> list[date]:
        """The UTC days of receipt for which the archive holds files, in order."""
        days = []
        for entry in self._list(self._path(source, "archive")):
            try:
                days.append(date.fromisoformat(PurePosixPath(entry["name"]).name))
            except ValueError:
                continue
        return sorted(days)

    def loose(self, source: str) -> Iterator[LandedFile]:
        """The landed files that lie directly in this store's folder, archived or not, for example copied there."""
        yield from self._files(source, self._root, SUFFIX, ARCHIVED_SUFFIX)

    def put(self, path: str, content: bytes) -> None:
        """Write a small file that is no landed file, such as a heartbeat; readers see the old content or the new.

        Args:
            path: relative to the landing.
            content: all of it.
        """
        target = self._path(path)
        if not self._local:
            self._fs.pipe_file(target, content)
            return
        make_directory(Path(target).parent)
        with tempfile.NamedTemporaryFile(dir=Path(target).parent, prefix=".", delete=False) as unfinished:
            unfinished.write(content)
        Path(unfinished.name).chmod(0o640)  # as landed files: Dagster may run as another user of the group
        Path(unfinished.name).replace(target)

    def small_files(self, folder: str) -> dict[str, bytes]:
        """The files that `put` wrote directly into a folder, by name."""
        files = {}
        for entry in self._list(self._path(folder)):
            name = PurePosixPath(entry["name"]).name
            if entry["type"] == "file" and not name.startswith("."):
                with contextlib.suppress(FileNotFoundError):  # its process stopped meanwhile
                    files[name] = self._fs.cat_file(entry["name"])
        return files

    def remove(self, path: str) -> None:
        """Remove a file that `put` wrote, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._path(path))

    def _files(self, source: str, directory: str, *suffixes: str) -> list[LandedFile]:
        files = []
        for entry in self._list(directory):
            file_name = PurePosixPath(entry["name"]).name
            name = stem(file_name)
            if entry["type"] != "file" or name is None or not file_name.endswith(suffixes):
                continue
            modified = _modified(entry)
            if file_name.endswith(ARCHIVED_SUFFIX):
                modified = opened_at(name) or modified
            files.append(LandedFile(source, name, int(entry["size"]), modified, entry["name"]))
        return sorted(files, key=lambda file: file.name)

    def _list(self, directory: str) -> list[dict[str, Any]]:
        try:
            return cast(list[dict[str, Any]], self._fs.ls(directory, detail=True))
        except FileNotFoundError:
            return []

    def _open(self, file: LandedFile) -> tuple[BinaryIO, str]:
        """The file's uncompressed bytes, and where they come from: the archive, if it went there since it was listed."""
        path = file.path
        try:
            raw = self._open_raw(path)
        except FileNotFoundError:
            path = self._archive_path(file)
            try:
                raw = self._open_raw(path)
            except FileNotFoundError as error:
                raise LandingError(f"{file.path} is neither in the landing nor in its archive.") from error
        if not path.endswith(ARCHIVED_SUFFIX):
            return raw, path
        reader = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True, closefd=True)
        return cast(BinaryIO, _Decompressed(reader, path)), path

    def _open_raw(self, path: str) -> BinaryIO:
        if self._local:
            return Path(path).open("rb")
        return cast(BinaryIO, self._fs.open(path, "rb", block_size=_BLOCK_BYTES))

    def _compress(self, file: LandedFile, target: str) -> None:
        compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True)
        with closing(self._open_raw(file.path)) as original:
            if self._local:
                path = Path(target)
                make_directory(path.parent)
                unfinished = path.with_name(f".{path.name}.unfinished")
                with unfinished.open("wb") as copy:
                    compressor.copy_stream(original, copy)
                    _sync(copy)
                unfinished.rename(path)
                sync_directory(path.parent)
                return
            # A file written through fsspec is published when it is closed, even half written: compress here, put whole.
            with tempfile.NamedTemporaryFile(suffix=ARCHIVED_SUFFIX) as copy:
                compressor.copy_stream(original, copy)
                copy.flush()
                self._fs.put_file(copy.name, target)

    def _archive_path(self, file: LandedFile) -> str:
        return self._path(file.source, "archive", f"{file.day}", file.name + ARCHIVED_SUFFIX)

    def _path(self, *parts: str) -> str:
        return "/".join((self._root, *parts))


class _Decompressed:
    """Tells damage in the compressed bytes the same way as damage in the posts."""

    def __init__(self, reader: Any, path: str) -> None:
        self._reader = reader
        self._path = path

    def read(self, size: int) -> bytes:
        try:
            return cast(bytes, self._reader.read(size))
        except zstandard.ZstdError as error:
            raise DamagedFile(
                self._path, self._reader.tell(), f"it cannot be decompressed ({error})"
            ) from error

    def close(self) -> None:
        self._reader.close()


def _sync(stream: IO[bytes]) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _modified(entry: dict[str, Any]) -> datetime:
    """When a listed file was last written: each file system says it under another name."""
    for key in ("mtime", "LastModified", "last_modified", "modified", "created"):
        value = entry.get(key)
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
    return datetime.now(UTC)
