"""What can go wrong with a landing, one class for each thing that a caller handles differently."""

from __future__ import annotations


class LandingError(Exception):
    """A post could not be kept, or a landed file could not be read."""


class LandingFull(LandingError):
    """There is no room for more posts: refuse them, and SendGrid sends them again."""


class LandingUnwritable(LandingError):
    """The disk refused a write for another reason than room. Nothing of the post was kept."""


class LandingUnreachable(LandingError):
    """The landing's file system gives no answer, or refuses: nothing was read or changed; try again later."""


class DamagedFile(LandingError):
    """A landed file holds bytes that are no post.

    Attributes:
        file: the file's path.
        offset: where the damage begins, counted in uncompressed bytes.
    """

    def __init__(self, file: str, offset: int, what: str) -> None:
        super().__init__(
            f"{file} is damaged at byte {offset}: {what}. Restore it from a backup under the same name."
        )
        self.file = file
        self.offset = offset
