"""What is known about a read: whether it is proven complete, and what was odd about it."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_NOTES = 50


@dataclass
class Reading:
    """Filled in while something is read.

    A delete is inferred only from a complete read, so everything that could have hidden a row must call `doubt`.

    Attributes:
        complete: nothing speaks against every row having been read.
        notes: sentences for the run's log and metadata.
    """

    complete: bool = True
    notes: list[str] = field(default_factory=list)
    _counted: bool | None = None

    @property
    def counted(self) -> bool:
        """SendGrid's own count agreed with everything that was read; an empty read without it is suspicious."""
        return bool(self._counted)

    def compared(self, *, counted: bool) -> None:
        """Remember whether a list that was read to its end could be compared with SendGrid's own count."""
        self._counted = counted and self._counted is not False

    def note(self, sentence: str) -> None:
        """Remember something odd that hides no row."""
        if sentence not in self.notes and len(self.notes) < MOST_NOTES:
            self.notes.append(sentence)

    def doubt(self, sentence: str) -> None:
        """Remember something that may have hidden rows: nothing is deleted on the strength of this read."""
        self.complete = False
        self.note(sentence)
