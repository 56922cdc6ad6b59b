"""What a writer that died left behind: torn tails are cut, whole posts are kept, files are sealed."""

from __future__ import annotations

import fcntl
import logging
import os
from pathlib import Path

from sendgrid_orchestration.landing.errors import LandingUnwritable
from sendgrid_orchestration.landing.format import (
    MAGIC,
    MAGIC_WITHOUT_TRAILER,
    TRAILER_BYTES,
    PostReader,
)
from sendgrid_orchestration.landing.names import SUFFIX
from sendgrid_orchestration.landing.segment import (
    end_file,
    make_directory,
    move_to_sealed,
    refusal,
    sync_directory,
)

logger = logging.getLogger(__name__)


def seal_leftovers(root: Path) -> list[Path]:
    """Seal the files of dead writers, of every source under the landing (or spool).

    A file whose writer lives is locked and left alone, so any receiver may call this at any time.

    Args:
        root: the landing's folder.

    Returns:
        The files that are sealed now.

    Raises:
        LandingUnwritable: the disk refused; call again later.
    """
    sealed = []
    for path in sorted(root.glob(f"*/open/*{SUFFIX}")):
        try:
            if target := _seal_if_left(path):
                sealed.append(target)
        except FileNotFoundError:
            continue  # its writer, or another receiver, was faster
        except OSError as error:
            raise LandingUnwritable(str(refusal(error, path.parent.parent))) from error
    return sealed


def _seal_if_left(path: Path) -> Path | None:
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        if not os.path.samestat(os.fstat(fd), path.stat()):
            return None  # another file took the name, which cannot happen; leave it to its writer
        return _repair_and_seal(fd, path)
    finally:
        os.close(fd)


def _repair_and_seal(fd: int, path: Path) -> Path | None:
    size = os.fstat(fd).st_size
    with os.fdopen(os.dup(fd), "rb") as stream:
        magic = stream.read(len(MAGIC))
        stream.seek(0)
        found = PostReader(stream, str(path)).read_on()
    content = found.content
    if content is None or not content.posts:
        if size > len(MAGIC) and magic not in (MAGIC, MAGIC_WITHOUT_TRAILER):
            _set_aside(path)
            return None
        # Killed before its first post was durable: nothing in it was acknowledged.
        path.unlink()
        sync_directory(path.parent)
        return None
    # The dead writer may have written whole frames that it did not get to synchronise.
    if magic == MAGIC:
        end_file(fd, found.end, content)
        torn = size - found.end - TRAILER_BYTES
    else:
        os.ftruncate(fd, found.end)
        os.fsync(fd)
        torn = size - found.end
    if torn > 0:
        logger.warning(
            "Cut a torn tail of %d bytes off %s: its writer died in the middle of a write that it had not "
            "acknowledged. %d whole posts were kept.",
            torn,
            path.name,
            content.posts,
        )
    target = move_to_sealed(path)
    logger.info("Sealed %s, which a writer left behind with %d posts.", path.name, content.posts)
    return target


def _set_aside(path: Path) -> None:
    """Keep what we cannot read, where no reader trips over it."""
    damaged = path.parent.parent / "damaged"
    make_directory(damaged)
    path.rename(damaged / path.name)
    logger.error(
        "%s does not begin like a landed file of this version. It was moved to %s; nothing was deleted.",
        path.name,
        damaged,
    )
