"""Rows that are known are recognised by their bytes alone."""

from __future__ import annotations

import numpy as np
import pytest

from sendgrid_orchestration.sync.fingerprints import KnownPrints, prints_of

ROWS = [f'"{n}@example.com","","x"'.encode() for n in range(100)]


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


@pytest.mark.parametrize("end", [b',""', b",", b',"",""', b",,"])
def test_a_field_that_is_defined_later_and_empty_changes_no_row(end: bytes) -> None:
    assert prints_of([ROWS[0] + end]) == prints_of([ROWS[0]])


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
