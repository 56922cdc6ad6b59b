"""Events whose counts change are found among the files of their load, also where files overlap."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from sendgrid_orchestration.load.rekeying_references import Change, FileCounts, distribute
from tests.support.landed import RECEIVED

MINUTES = st.integers(0, 20)


@st.composite
def files_and_merged(draw: st.DrawFn) -> tuple[list[FileCounts], list[Change]]:
    """Files of one load with the posts that they hold, and some of their events, which are merged."""
    files, changes = [], []
    for number in range(draw(st.integers(1, 6))):
        minutes = sorted(draw(st.lists(MINUTES, min_size=1, max_size=5)))
        inserted = 0
        for minute in minutes:
            events = draw(st.integers(0, 4))
            merged = draw(st.integers(0, events))
            inserted += events
            if merged:
                changes.append(Change(1, RECEIVED + timedelta(minutes=minute), "merged", merged))
        first, last = (RECEIVED + timedelta(minutes=minutes[place]) for place in (0, -1))
        files.append(FileCounts(f"{number}", first, last, inserted, 3, 0, 0))
    return sorted(files, key=lambda file: file.first_received_at), changes


@given(files_and_merged())
def test_each_event_finds_a_file_that_may_have_brought_it(
    case: tuple[list[FileCounts], list[Change]],
) -> None:
    files, changes = case
    before = [file.inserted for file in files]
    distribute(files, changes)
    assert all(file.inserted >= 0 for file in files)
    assert sum(before) - sum(file.inserted for file in files) == sum(change.events for change in changes)
    assert all(file.inserted + file.duplicate == 3 + was for file, was in zip(files, before, strict=True))


def test_what_no_file_can_have_brought_is_left_out() -> None:
    """A replay has no files, and a file cannot have brought more than it did."""
    file = FileCounts("one", RECEIVED, RECEIVED + timedelta(minutes=1), 2, 0, 1, 0)
    times = (-1, 2, 0)
    distribute([file], [Change(1, RECEIVED + timedelta(minutes=minute), "merged", 5) for minute in times])
    assert (file.inserted, file.duplicate, file.copies) == (1, 1, 1)
