"""How a loader asks the writers of a local landing to seal what they have open.

A file that is sealed while no loader looks brings nothing to anybody any sooner, and costs a line in the ledger and a file in
the archive. So a loader asks when it begins, and a writer that is asked regularly leaves it to the loader when to seal.

A request is a new time of change of an empty file. Writers look at it several times a second while they have a file open. On an object
store writers and loaders share no folder: nobody asks there, and files are sealed by age.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

FILE = ".seal-request"
"""Its name, in the folder of the source."""

INTERVAL_S = 0.1
"""How often writers look."""

LONGEST_OPEN_S = 60.0
"""So long (or `seal_seconds`, if that is longer) a writer waits for a request before it seals a file by itself."""

VALID_S = 60.0
"""A loader that asked within this time is at work and will ask again."""


@dataclass(frozen=True, slots=True)
class SealRequest:
    """The latest request."""

    version: int
    """Differs from one request to the next."""
    made_at: float
    """Seconds since the epoch."""

    @property
    def is_recent(self) -> bool:
        """Whether the loader that made it is likely to make another."""
        return 0 <= time.time() - self.made_at < VALID_S


def make(source_dir: Path) -> None:
    """Ask the writers of a source.

    Raises:
        OSError: the folder cannot be written to.
    """
    (source_dir / FILE).touch(mode=0o640)


def latest(source_dir: Path) -> SealRequest | None:
    """The latest request to the writers of a source; None if nobody has ever asked."""
    try:
        status = (source_dir / FILE).stat()
    except OSError:
        return None
    return SealRequest(status.st_mtime_ns, status.st_mtime)
