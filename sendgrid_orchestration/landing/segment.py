"""One landed file while it is being written: append, make durable, cut back, seal.

Directories are synchronised as well as files: without it a file that was created or renamed can be gone after a power
loss although its content was written.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Self

from sendgrid_orchestration.landing import format as frames
from sendgrid_orchestration.landing.errors import LandingError, LandingFull, LandingUnwritable
from sendgrid_orchestration.landing.names import SUFFIX

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_MAX_BUFFERS = 512  # writev takes at most IOV_MAX buffers, 1024 on Linux


class OpenSegment:
    """A file under `open/` that this process alone writes.

    The file is locked (flock) for as long as this object lives. The kernel drops the lock when the process dies,
    however it dies, and that is how others tell a file that was left behind from one in use.

    Every append ends with the trailer, and the next one overwrites it. So a file is whole at any moment between two appends,
    sealing needs neither a write nor room on the disk, and a disk that is full cannot keep a file from being sealed.
    """

    def __init__(self, fd: int, path: Path, day: date, header: bytes) -> None:
        self._fd = fd
        self._path = path
        self._content = frames.Content(header)
        self._is_torn = False
        self.day = day
        """The UTC day of receipt that all its posts share."""
        self.size = len(header)
        """Bytes that are on disk for certain, without the trailer."""

    @classmethod
    def create(cls, source_dir: Path, give_name: Callable[[datetime], str], first_post: datetime) -> Self:
        """Begin a file.

        Raises:
            LandingFull, LandingUnwritable: the disk refused.
        """
        directory = source_dir / "open"
        try:
            make_directory(directory)
            while True:
                name = give_name(first_post)
                path = directory / (name + SUFFIX)
                fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
                if _lock(fd):
                    break
                # Someone looking for files of dead writers was here between our two calls, and removed it.
                os.close(fd)
        except OSError as error:
            raise refusal(error, source_dir) from error
        header = frames.header(name)
        segment = cls(fd, path, first_post.date(), header)
        try:
            os.write(fd, header)
            sync_directory(directory)
        except OSError as error:
            segment._abandon()
            raise refusal(error, source_dir) from error
        return segment

    @property
    def is_empty(self) -> bool:
        """Whether it holds no post yet."""
        return not self._content.posts

    def append(self, buffers: Sequence[bytes], posts: int) -> None:
        """Write the frames of so many posts and make them durable: all of them are in the file afterwards, or none is.

        Raises:
            LandingFull, LandingUnwritable: the disk refused. The segment takes no more posts: after a failed fsync the
                kernel may forget pages that never reached the disk, so only what was synchronised before counts. Seal it.
        """
        content = self._content.copy()
        content.add(buffers, posts)
        with_trailer = [*buffers, content.trailer()]
        self._is_torn = True
        try:
            os.lseek(self._fd, self.size, os.SEEK_SET)
            for start in range(0, len(with_trailer), _MAX_BUFFERS):
                _write_all(self._fd, with_trailer[start : start + _MAX_BUFFERS])
            os.fdatasync(self._fd)
        except OSError as error:
            raise refusal(error, self._path.parent.parent) from error
        self._is_torn = False
        self._content = content
        self.size += sum(map(len, buffers))

    def seal(self) -> Path | None:
        """Cut off what is not known to be durable and hand the file to the readers.

        Returns:
            The sealed file; None where it held no post and was removed.

        Raises:
            LandingUnwritable: the disk refused. The file stays under `open/` and is sealed by the next start or sweep.
        """
        if self.is_empty:
            self._abandon()
            return None
        try:
            if self._is_torn:
                end_file(self._fd, self.size, self._content)
            return move_to_sealed(self._path)
        except OSError as error:
            raise refusal(error, self._path.parent.parent) from error
        finally:
            os.close(self._fd)

    def _abandon(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        finally:
            os.close(self._fd)


def end_file(fd: int, size: int, content: frames.Content) -> None:
    """Put the trailer behind so many bytes, and make it durable. The trailer comes first: cutting gives room away."""
    os.lseek(fd, size, os.SEEK_SET)
    _write_all(fd, [content.trailer()])
    os.ftruncate(fd, size + frames.TRAILER_BYTES)
    os.fsync(fd)


def move_to_sealed(path: Path) -> Path:
    """Rename a whole file from `open/` to `sealed/`, durably."""
    sealed = path.parent.parent / "sealed"
    make_directory(sealed)
    target = sealed / path.name
    path.rename(target)
    sync_directory(sealed)
    sync_directory(path.parent)
    return target


def make_directory(directory: Path) -> None:
    """Create a directory and those above it where they are missing, durably."""
    if directory.is_dir():
        return
    make_directory(directory.parent)
    directory.mkdir(mode=0o750, exist_ok=True)
    sync_directory(directory.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def refusal(error: OSError, directory: Path) -> LandingError:
    """What the disk said, as an error that a caller can act on."""
    if error.errno in _NO_ROOM:
        return LandingFull(f"There is no room left for posts in {directory} ({error.strerror}).")
    return LandingUnwritable(f"Posts cannot be written to {directory} ({error.strerror or error}).")


def _lock(fd: int) -> bool:
    """Lock the file; False where somebody else holds it or has removed it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(fd).st_nlink > 0


def _write_all(fd: int, buffers: Sequence[bytes]) -> None:
    """Write every byte: writev may stop short when the disk fills or a signal comes."""
    written = os.writev(fd, buffers)
    missing = sum(map(len, buffers)) - written
    if missing:
        rest = memoryview(b"".join(buffers))[written:]
        while rest:
            rest = rest[os.write(fd, rest) :]
