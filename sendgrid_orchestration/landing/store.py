"""Reads a landing: what waits, what a file says, moving loaded files to the archive. Any fsspec URL will do."""

from __future__ import annotations

import io
import logging
import os
import secrets
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast
from urllib.parse import unquote

import fsspec
import zstandard

from sendgrid_orchestration.landing import seal_requests
from sendgrid_orchestration.landing.errors import DamagedFile, LandingError, LandingUnreachable
from sendgrid_orchestration.landing.format import PostReader
from sendgrid_orchestration.landing.names import ARCHIVED_SUFFIX, SUFFIX, day_of_receipt, opened_at, stem
from sendgrid_orchestration.landing.seal_requests import LONGEST_OPEN_S
from sendgrid_orchestration.landing.segment import make_directory, sync_directory

logger = logging.getLogger(__name__)

_BLOCK_BYTES = 4 * 1024 * 1024  # s3fs would keep 50 MB for each open file
_BUFFER_BYTES = 256 * 1024
_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 10
_ATTEMPTS = 3
_SILENCE_SECONDS = 5.0
_ZSTD_LEVEL = 6
_SEALED_WITHIN_S = 1.0  # writers look ten times a second; their disk may be slow
_DELETED_AT_ONCE = 1_000  # what S3 takes in one request
_GLOB_CHARACTERS = frozenset("*?[")


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


def open_store(landing_url: str) -> LandingStore:
    """The landing behind a URL. Nothing is asked of its file system yet.

    Args:
        landing_url: any fsspec URL; credentials and endpoint of an object store come from its own environment
            variables (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL` …).

    Raises:
        LandingError: no file system is known for such a URL, or the package for it is not installed.
    """
    url = str(local_folder(landing_url)) if is_local(landing_url) else landing_url
    place = without_credentials(landing_url)
    is_s3 = url.startswith(("s3://", "s3a://"))
    try:
        fs, path = fsspec.core.url_to_fs(url, use_listings_cache=False, **(_s3_options() if is_s3 else {}))
    except (ImportError, ValueError) as error:
        raise LandingError(f"The landing {place} cannot be opened: {error}. Check landing.url.") from error
    if is_s3:
        fs.retries = 1  # s3fs would repeat what botocore has repeated already
    return LandingStore(fs, path, place)


def _s3_options() -> dict[str, Any]:
    """By themselves botocore and s3fs would wait 25 minutes for a store that takes connections and never answers."""
    config: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS, "read_timeout": _ANSWER_SECONDS}
    if "AWS_MAX_ATTEMPTS" not in os.environ:
        config["retries"] = {"mode": "standard", "total_max_attempts": _ATTEMPTS}
    return {"config_kwargs": config}


def is_local(landing_url: str) -> bool:
    """Whether the landing is a folder on this machine, which the receiver can write without a spool."""
    return landing_url.startswith("file://") or "://" not in landing_url


def local_folder(landing_url: str) -> Path:
    """The folder of a local landing. fsspec would take `file:///my%20mail` for a folder that is called so."""
    scheme = "file://"
    if landing_url.startswith(scheme):
        return Path(unquote(landing_url.removeprefix(scheme)))
    return Path(landing_url).absolute()


def without_credentials(url: str) -> str:
    """The URL as it may be shown: without user and password."""
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"


class LandingStore:
    """A landing to read from. Holds no state of its own: any number of processes may use one landing.

    Every method raises `LandingUnreachable` where the file system refuses or does not answer. While a file system on the
    network keeps the caller waiting, that is logged.
    """

    def __init__(self, fs: Any, root: str, place: str) -> None:
        """Ask nothing yet.

        Args:
            fs: an fsspec file system.
            root: the landing's path on it.
            place: what to call the landing in messages: its URL without credentials.
        """
        self._fs = fs
        self._root = root.rstrip("/")
        self._place = place
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

    def being_written(self, source: str, min_age_s: float = 0.0) -> list[LandedFile]:
        """The files that writers have open and will seal when they are asked to, oldest first.

        Empty on an object store, whose writers have their open files elsewhere. A file to which nothing was added for so
        long that its writer must be dead is left out.

        Args:
            source: whose.
            min_age_s: leave out files whose first post is younger than this, in seconds.
        """
        if not self._local:
            return []
        now = datetime.now(UTC)
        alive, old = now - timedelta(seconds=2 * LONGEST_OPEN_S), now - timedelta(seconds=min_age_s)
        files = self._files(source, self._path(source, "open"), SUFFIX)
        return [file for file in files if file.sealed_at >= alive and (opened_at(file.name) or now) <= old]

    def request_seal(self, source: str) -> None:
        """Have writers seal what they have open, and wait until they have, normally a tenth of a second."""
        files = self.being_written(source)
        if not files:
            return
        try:
            seal_requests.make(Path(self._path(source)))
        except OSError as error:
            logger.warning("The receiver cannot be asked to seal its files, and seals them later: %s", error)
            return
        deadline = time.monotonic() + _SEALED_WITHIN_S
        while time.monotonic() < deadline and any(Path(file.path).exists() for file in files):
            time.sleep(_SEALED_WITHIN_S / 100)

    def read(self, file: LandedFile) -> PostReader:
        """The posts of a file in the order of receipt, in constant memory.

        Raises:
            DamagedFile: while iterating, at the first byte that is no post; the posts before it were yielded.
            LandingError: the file is gone.
        """
        stream, path = self._open(file)
        return PostReader(stream, path, file.name)

    def loaded_file(
        self, source: str, name: str, size: int, sealed_at: datetime, archive_path: str | None
    ) -> LandedFile:
        """A file that was loaded, for reading: where it is archived, or among what waits if it is not yet. Nothing is asked.

        Args:
            source: whose.
            name: its name, without suffix.
            size: its size when it was loaded.
            sealed_at: when it was sealed; gives the day where the name does not.
            archive_path: where the ledger says it is; None before it is archived.
        """
        path = archive_path or self._path(source, "sealed", name + SUFFIX)
        return LandedFile(source, name, size, sealed_at, path)

    def version(self, file: LandedFile) -> str | None:
        """A word that changes whenever somebody writes or replaces the file, even by one of the same size and time.

        It is the file system's own: inode and times of change on a local disk, the entity tag on an object store.

        Returns:
            The word; None where the file is gone.
        """
        try:
            if not self._local:
                return str(self._ask(self._fs.ukey, file.path))
            status = self._ask(os.stat, file.path)
            return f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}"
        except FileNotFoundError:
            return None

    def checksum(self, file: LandedFile) -> str:
        """The checksum of a file's content, computed by reading it to its end.

        Raises:
            DamagedFile: it is not whole.
            LandingError: the file is gone.
        """
        with closing(self.read(file)) as posts:
            deque(posts, maxlen=0)
            assert posts.checksum
            return posts.checksum

    def damage(self, file: LandedFile) -> DamagedFile | None:
        """What is wrong with a file, found by reading it to its end; None where nothing is.

        Raises:
            LandingError: the file is gone.
        """
        try:
            self.checksum(file)
        except DamagedFile as error:
            return error
        return None

    def check_writable(self) -> None:
        """Write a few bytes, read them back and remove them.

        Raises:
            LandingError: the landing gives back other bytes than it got.
        """
        path = self._path(f".check-{secrets.token_hex(8)}")
        with self._asking():
            self._fs.makedirs(self._root, exist_ok=True)
            self._fs.pipe_file(path, b"check")
            read = self._fs.cat_file(path)
            self._fs.rm_file(path)
        if read != b"check":
            raise LandingError(f"The landing {self._place} gives back other bytes than it got.")

    def archive(self, file: LandedFile) -> str:
        """Compress a loaded file into the archive of its day of receipt, then remove it from what waits.

        May be repeated, and interrupted at any point: the original goes only once its copy is complete.

        Returns:
            The path in the archive.
        """
        target = self._archive_path(file)
        if file.path == target:
            return target
        if not self._ask(self._fs.exists, target):
            if not self._ask(self._fs.exists, file.path):
                raise LandingError(f"{file.path} is neither in the landing nor in its archive.")
            self._compress(file, target)
        if self._ask(self._fs.exists, file.path):
            self._ask(self._fs.rm_file, file.path)
        return target

    def receive(self, source: str, path: Path) -> None:
        """Take over a sealed file from local disk. May be repeated; the caller removes the original afterwards.

        Raises:
            LandingError: the landing does not hold all of it.
        """
        file = LandedFile(source, path.name.removesuffix(SUFFIX), path.stat().st_size, datetime.now(UTC), "")
        target = self._path(source, "sealed", path.name)
        if self._ask(self._fs.exists, self._archive_path(file)):
            return  # it arrived before a crash, and was loaded since
        # An object appears when it is complete; a half one is never listed.
        self._ask(self._fs.put_file, str(path), target)
        arrived = self._ask(self._fs.size, target)
        if arrived != file.size:
            raise LandingError(f"{target} has {arrived} bytes instead of {file.size}.")

    def archived(self, source: str, first_day: date, last_day: date) -> Iterator[LandedFile]:
        """The archived files whose posts were received on these UTC days (both included), oldest first."""
        for day in self.archived_days(source):
            if first_day <= day <= last_day:
                yield from self._files(source, self._path(source, "archive", f"{day}"), ARCHIVED_SUFFIX)

    def archived_file(
        self, source: str, name: str, known_path: str, sealed_at: datetime
    ) -> LandedFile | None:
        """An archived file by its name; None where it is gone.

        Args:
            source: whose.
            name: its name, without suffix.
            known_path: where it was put; looked at where it is not in this landing's archive, which may have moved.
            sealed_at: when it was sealed; gives the day where the name does not.
        """
        file = LandedFile(source, name, 0, sealed_at, known_path)
        for path in (self._archive_path(file), known_path):
            with suppress(FileNotFoundError):
                return replace(file, path=path, size=int(self._ask(self._fs.size, path)))
        return None

    def archived_days(self, source: str) -> list[date]:
        """The UTC days of receipt for which the archive holds files, in order."""
        days = []
        for entry in self._list(self._path(source, "archive")):
            try:
                days.append(date.fromisoformat(PurePosixPath(entry["name"]).name))
            except ValueError:
                continue
        return sorted(days)

    def delete_archived(self, source: str, day: date, files: Sequence[LandedFile]) -> None:
        """Delete archived files of one UTC day, then the day's folder if nothing is left in it.

        May be repeated, and interrupted at any point.

        Args:
            source: whose.
            day: the day of the folder that they lie in.
            files: what to delete, as `archived` lists it.

        Raises:
            LandingError: some of them are still there.
        """
        paths = [file.path for file in files]
        for start in range(0, len(paths), _DELETED_AT_ONCE):
            self._delete(paths[start : start + _DELETED_AT_ONCE])
        folder = self._path(source, "archive", f"{day}")
        if self._local:
            with suppress(OSError):  # other files are in it
                Path(folder).rmdir()
        # s3fs ignores what S3 says about single objects, for example that they may not be deleted.
        if paths and (left := {entry["name"] for entry in self._list(folder)}.intersection(paths)):
            raise LandingError(
                f"{len(left)} of {len(paths)} files were not deleted, for example {min(left)}. Check that these credentials may "
                "delete there."
            )

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
            self._ask(self._fs.pipe_file, target, content)
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
                with suppress(FileNotFoundError):  # its process stopped meanwhile
                    files[name] = self._ask(self._fs.cat_file, entry["name"])
        return files

    def remove(self, path: str) -> None:
        """Remove a file that `put` wrote, if it is there."""
        with suppress(FileNotFoundError):
            self._ask(self._fs.rm_file, self._path(path))

    def _delete(self, paths: Sequence[str]) -> None:
        # fsspec expands patterns in what `rm` is given, and "*" may be in the name of a folder or file.
        if not self._local and _GLOB_CHARACTERS.isdisjoint("".join(paths)):
            with suppress(FileNotFoundError):
                self._ask(self._fs.rm, list(paths))
                return
        for path in paths:
            with suppress(FileNotFoundError):
                self._ask(self._fs.rm_file, path)

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
            return cast(list[dict[str, Any]], self._ask(self._fs.ls, directory, detail=True))
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
            with _damage_of(path):
                stream = io.FileIO(path)
            return io.BufferedReader(_Raw(stream, partial(_damage_of, path, stream)), _BUFFER_BYTES)
        remote = self._ask(self._fs.open, path, "rb", block_size=_BLOCK_BYTES)
        return io.BufferedReader(_Raw(remote, self._asking), _BLOCK_BYTES)

    def _ask(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        with self._asking():
            return call(*arguments, **options)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn whatever the file system raises into a sentence, and say so while one on the network is silent."""
        with nullcontext() if self._local else self._saying_that_we_wait():
            try:
                yield
            except (LandingError, FileNotFoundError):
                raise
            except (
                Exception
            ) as error:  # each file system, and the network stack under it, has exceptions of its own
                raise LandingUnreachable(_sentence(self._place, self._local, error)) from error

    @contextmanager
    def _saying_that_we_wait(self) -> Iterator[None]:
        timer = threading.Timer(
            _SILENCE_SECONDS,
            logger.warning,
            ("Still waiting for the landing %s (%.0f seconds so far).", self._place, _SILENCE_SECONDS),
        )
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

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
                self._ask(self._fs.put_file, copy.name, target)

    def _archive_path(self, file: LandedFile) -> str:
        return self._path(file.source, "archive", f"{file.day}", file.name + ARCHIVED_SUFFIX)

    def _path(self, *parts: str) -> str:
        return "/".join((self._root, *parts))


class _Raw(io.RawIOBase):
    """A file as its file system hands it out, every call under a guard that says what an exception of it means."""

    def __init__(self, stream: Any, guard: Callable[[], AbstractContextManager[None]]) -> None:
        self._stream = stream
        self._guard = guard

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with self._guard():
            data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


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


@contextmanager
def _damage_of(path: str, stream: io.FileIO | None = None) -> Iterator[None]:
    """A disk that cannot read a file has damaged this file alone; its neighbours can be read."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        offset = stream.tell() if stream else 0
        raise DamagedFile(path, offset, f"it cannot be read ({error.strerror or error})") from error


def _sentence(place: str, is_local: bool, error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    if is_local:
        remedy = "Check that the disk works and that this user may read and write there."
    else:
        remedy = (
            "Check that it is up, its address (AWS_ENDPOINT_URL or landing.url), the credentials and the network. Nothing is lost "
            "meanwhile: posts wait in the receiver's spool, and what waits is loaded when the landing answers."
        )
    return f"The landing {place} cannot be reached: {lines[0].rstrip('.')}. {remedy}"


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
