"""Rows of an export are found whole, whatever stands in them and however they are compressed."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sendgrid_orchestration.sendgrid import csv_records
from sendgrid_orchestration.sendgrid.csv_records import CsvFile
from sendgrid_orchestration.sendgrid.errors import ExportFailedError

# Everything but NUL and halves of surrogate pairs, which no CSV file in UTF-8 can hold.
TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
ROWS = st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=12)


def written(rows: list[tuple[str, ...]], quoting: int = csv.QUOTE_ALL, line_end: str = "\n") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, quoting=quoting, lineterminator=line_end)  # type: ignore[arg-type]
    writer.writerow(("EMAIL", "NAME", "CONTACT_ID"))
    writer.writerows(rows)
    return text.getvalue().encode()


def read(path: Path, content: bytes) -> CsvFile:
    path.write_bytes(content)
    return CsvFile(path)


def all_of(file: CsvFile) -> list[bytes]:
    return [record for batch in file.batches() for record in batch]


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, packed=st.booleans(), block=st.sampled_from([1, 64, 1 << 18]))
def test_every_row_is_found_and_none_is_torn(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]], packed: bool, block: int
) -> None:
    content = written(rows)
    path = tmp_path_factory.getbasetemp() / "any.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_records, "_BLOCK", block)
        check_that_rows_are_found(read(path, gzip.compress(content) if packed else content), rows)


def check_that_rows_are_found(file: CsvFile, rows: list[tuple[str, ...]]) -> None:
    assert file.header == ["EMAIL", "NAME", "CONTACT_ID"]
    records = all_of(file)
    parsed = [tuple(next(csv.reader(io.StringIO(record.decode(), newline="")))) for record in records]
    # A carriage return that ends a quoted value is inside quotation marks, and stays.
    assert parsed == rows
    assert file.ends_properly


def test_line_ends_of_windows_and_a_mark_at_the_beginning_are_taken_off(tmp_path: Path) -> None:
    rows = [("a@example.com", "A", "1"), ("b@example.com", "", "2")]
    file = read(tmp_path / "f", b"\xef\xbb\xbf" + written(rows, csv.QUOTE_MINIMAL, "\r\n"))
    assert file.header[0] == "EMAIL"
    assert all_of(file) == [b"a@example.com,A,1", b"b@example.com,,2"]


def test_a_file_that_was_compressed_twice_is_read(tmp_path: Path) -> None:
    content = gzip.compress(gzip.compress(written([("a", "b", "1")])))
    assert all_of(read(tmp_path / "f", content)) == [b'"a","b","1"']


def test_several_gzip_members_are_one_file(tmp_path: Path) -> None:
    content = written([("a", "b", "1"), ("c", "d", "2")])
    packed = gzip.compress(content[:20]) + gzip.compress(content[20:])
    assert len(all_of(read(tmp_path / "f", packed))) == 2


@pytest.mark.parametrize("content", [b"", gzip.compress(b"", mtime=0)])
def test_a_file_with_nothing_in_it_has_no_header(tmp_path: Path, content: bytes) -> None:
    file = read(tmp_path / "f", content)
    assert file.header == []
    assert all_of(file) == []


def test_a_large_file_is_read_in_parts(tmp_path: Path) -> None:
    rows = [(f"person{n}@example.com", "x" * 200, str(n)) for n in range(20_000)]
    file = read(tmp_path / "f", gzip.compress(written(rows), 1))
    batches = list(file.batches())
    assert len(batches) > 3
    assert sum(map(len, batches)) == 20_000


@pytest.mark.parametrize("lost", [1, 100, 4000])
def test_a_compressed_file_that_lost_its_end_is_damaged(tmp_path: Path, lost: int) -> None:
    packed = gzip.compress(written([(f"{n}", "x", f"{n * 7919}") for n in range(5000)]))
    with pytest.raises(ExportFailedError, match=r"ends too early|damaged"):
        all_of(read(tmp_path / "f", packed[:-lost]))


def test_a_compressed_file_with_a_flipped_bit_is_damaged(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(written([(f"{n}", "x", f"{n * 7919}") for n in range(5000)])))
    packed[len(packed) // 2] ^= 1
    with pytest.raises(ExportFailedError, match="damaged"):
        all_of(read(tmp_path / "f", bytes(packed)))


def test_a_plain_file_that_ends_inside_a_value_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(ExportFailedError, match="middle of a row"):
        all_of(read(tmp_path / "f", written([("a", "b", "1")])[:-3]))


def test_a_last_row_without_line_end_is_read_and_told(tmp_path: Path) -> None:
    file = read(tmp_path / "f", written([("a", "b", "1")])[:-1])
    assert all_of(file) == [b'"a","b","1"']
    assert not file.ends_properly


def test_a_quotation_mark_that_nobody_closes_does_not_gather_the_rest_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_records, "LONGEST_RECORD", 1 << 20)
    content = b'"EMAIL","CONTACT_ID"\n"a@example.com,"1"\n' + b'"b@example.com","2"\n' * 200_000
    with pytest.raises(ExportFailedError, match="more than 1 MB"):
        all_of(read(tmp_path / "f", content))


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_empty_lines_are_no_rows(tmp_path: Path, line_end: bytes) -> None:
    content = line_end.join([b"", b"A,B", b"", b"1,2", b"", b"", b"3,4", b"", b""])
    file = read(tmp_path / "f", content)
    assert file.header == ["A", "B"]
    assert all_of(file) == [b"1,2", b"3,4"]


def test_rows_can_be_taken_by_place(tmp_path: Path) -> None:
    (records,) = read(tmp_path / "f", b"A\none\ntwo\nthree\n").batches()
    assert (len(records), records[1], list(records[1:])) == (3, b"two", [b"two", b"three"])
    assert list(records.at(np.array([2, 0]))) == [b"three", b"one"]
