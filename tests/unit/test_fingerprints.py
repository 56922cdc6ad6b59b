"""Rows that are known are recognised by their bytes alone."""

from __future__ import annotations

import numpy as np
import pytest

from sendgrid_orchestration.sendgrid.csv_records import Records
from sendgrid_orchestration.sync import fingerprints
from sendgrid_orchestration.sync.fingerprints import KnownPrints, Prints

ROWS = [f'"{n}@example.com","","x"'.encode() for n in range(100)]


def prints_of(rows: list[bytes]) -> Prints:
    """Of rows as they stand in a file."""
    stops = np.cumsum([len(row) + 1 for row in rows]) - 1
    starts = np.concatenate(([0], stops[:-1] + 1))
    return fingerprints.prints_of(Records(b"\n".join(rows), starts, stops))


def test_known_rows_are_passed_over_and_the_others_are_found() -> None:
    known = KnownPrints(prints_of(ROWS))
    changed = [*ROWS[:50], b'"new@example.com","","x"', *ROWS[51:]]
    assert known.unknown(prints_of(changed)).tolist() == [50]
    assert known.seen_count == 99
    assert known.unseen().tolist() == prints_of(ROWS[50:51]).tolist()


def test_rows_that_come_twice_are_counted_once() -> None:
    known = KnownPrints(prints_of(ROWS))
    known.unknown(prints_of([*ROWS, *ROWS[:3]]))
    known.unknown(prints_of(ROWS[:2]))
    assert (known.seen_count, known.repeated) == (100, 5)


def test_of_given_prints_those_that_came_again_are_told() -> None:
    known = KnownPrints(prints_of(ROWS))
    known.unknown(prints_of(ROWS[:10]))
    asked = prints_of([ROWS[3], ROWS[50], b"never"])
    assert known.were_seen(asked).tolist() == asked[:1].tolist()


def test_nothing_is_recognised_where_every_row_must_be_read_again() -> None:
    known = KnownPrints(prints_of(ROWS), recognise=False)
    assert len(known.unknown(prints_of(ROWS))) == 100
    assert len(known.unseen()) == 100


def test_with_nothing_known_everything_is_new() -> None:
    known = KnownPrints(np.empty(0, np.int64))
    assert known.unknown(prints_of(ROWS)).tolist() == list(range(100))
    assert known.were_seen(prints_of(ROWS)).tolist() == []


@pytest.mark.parametrize("count", [1, 2, 7, 8, 1000, 5000])
def test_each_is_found_however_many_there_are_and_however_they_lie(count: int) -> None:
    drawn = np.random.default_rng(count).integers(-(2**63), 2**63, count, dtype=np.int64)
    crowded = np.arange(count, dtype=np.int64) - count // 2
    extremes = np.array([-(2**63), -1, 0, 2**63 - 1], dtype=np.int64)
    for stored in (drawn, crowded, np.append(drawn, extremes), np.append(crowded, extremes)):
        known = KnownPrints(stored.copy())
        asked = np.concatenate((stored, stored + 1, extremes))
        found = np.setdiff1d(np.arange(len(asked)), known.unknown(asked))
        assert found.tolist() == np.flatnonzero(np.isin(asked, stored)).tolist()


@pytest.mark.parametrize("end", [b',""', b",", b',"",""', b",,"])
def test_a_field_that_is_defined_later_and_empty_changes_no_row(end: bytes) -> None:
    grown = prints_of([ROWS[0] + end, ROWS[1] + end, b'"x","y"', ROWS[2]])
    assert grown.tolist() == prints_of([ROWS[0], ROWS[1], b'"x","y"', ROWS[2]]).tolist()


def test_a_row_of_empty_fields_alone_is_a_row_as_well() -> None:
    assert len({*prints_of([b",,", b'"",""', b'"a",""', b'""']).tolist()}) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'"a","b,"', b'"a","b"'),
        (b'"a","b,"""', b'"a","b,"'),
        (b'"a",""', b'"a","x"'),
        (b'"a","","x"', b'"a","x",""'),
    ],
)
def test_rows_that_differ_differ(one: bytes, other: bytes) -> None:
    assert prints_of([one]) != prints_of([other])
