"""Which rows of an export are known already, told from the bytes of the row alone.

The second sync of a million contacts, one in a hundred of them changed, must not send a million rows to Postgres to find that
out: parsing them is most of the work. So each stored recipient carries a fingerprint of its row in the export, the
fingerprints are fetched (8 bytes a contact, in one sorted array), and only rows whose fingerprint is unknown go further.
"""

from __future__ import annotations

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql
from xxhash import xxh3_64_intdigest

from sendgrid_orchestration.sendgrid.csv_records import Places, Records

Prints = NDArray[np.int64]

_COMMA, _QUOTE = ord(","), ord('"')


class KnownPrints:
    """The fingerprints of the recipients that are stored and not deleted.

    Args:
        prints: in any order; they are sorted where they are.

    Attributes:
        recognise: rows that are known are left out; False where they must all be read again.
    """

    def __init__(self, prints: Prints, *, recognise: bool = True) -> None:
        prints.sort()  # in place: a sorted copy of ten million would be felt
        repeated = prints[1:] == prints[:-1]
        self._prints = np.unique(prints) if repeated.any() else prints
        self._index = _Index(self._prints)
        self._seen = np.zeros(len(self._prints), dtype=bool)
        self.recognise = recognise
        self._hits = 0

    @classmethod
    def load(cls, conn: psycopg.Connection, raw: str, *, recognise: bool = True) -> KnownPrints:
        """Fetch them.

        Args:
            conn: a connection.
            raw: the schema.
            recognise: False where every row must be read again although it did not change.
        """
        # Packed by the server: a million rows one by one would take longer to receive than to compare.
        query = sql.SQL(
            "select string_agg(int8send(content_hash), '') from {} "
            "where deleted_at is null and content_hash is not null group by content_hash & 255"
        ).format(sql.Identifier(raw, "recipients"))
        with conn.cursor(binary=True) as cursor:
            parts = [
                np.frombuffer(packed, dtype=">i8").astype(np.int64) for (packed,) in cursor.execute(query)
            ]
        return cls(np.concatenate(parts) if parts else np.empty(0, np.int64), recognise=recognise)

    def __len__(self) -> int:
        return len(self._prints)

    @property
    def seen_count(self) -> int:
        """How many of them came again."""
        return int(np.count_nonzero(self._seen))

    @property
    def repeated(self) -> int:
        """Rows whose fingerprint had come before in the same read."""
        return self._hits - self.seen_count

    def unknown(self, prints: Prints) -> Places:
        """The places of those that are not stored; the others are marked as seen."""
        if not (self.recognise and len(self._prints)):
            return np.arange(len(prints))
        places = self._index.places(prints)
        found = self._prints[places] == prints
        self._seen[places[found]] = True
        missed = np.flatnonzero(~found)
        self._hits += len(prints) - len(missed)
        return missed

    def unseen(self) -> Prints:
        """Those that did not come again: their rows changed, or are gone."""
        return self._prints[~self._seen]

    def were_seen(self, prints: Prints) -> Prints:
        """Those of the given ones that came again."""
        if not (len(self._prints) and len(prints)):
            return prints[:0]
        places = self._index.places(prints)
        again: Prints = prints[(self._prints[places] == prints) & self._seen[places]]
        return again


class _Index:
    """Finds fingerprints in a sorted array, many at once.

    They are spread evenly, so their first bits tell nearly where they stand, and three or four steps find the place: a fifth
    of the time that a search through the whole of a million takes, most of it spent waiting for memory.

    Args:
        prints: sorted; at least one if anything is asked.
    """

    _IN_BUCKET = 8

    def __init__(self, prints: Prints) -> None:
        self._prints = prints
        bits = max(1, (len(prints) // self._IN_BUCKET).bit_length())
        self._shift = 64 - bits
        self._half = 1 << (bits - 1)  # half of the fingerprints are negative
        first = np.arange(-self._half, self._half, dtype=np.int64) << self._shift
        self._starts = np.append(np.searchsorted(prints, first), len(prints))
        self._steps = int(np.diff(self._starts).max()).bit_length()

    def places(self, prints: Prints) -> Places:
        """Where each stands, if it stands there at all; else any place."""
        bucket = (prints >> self._shift) + self._half
        low, high = self._starts[bucket], self._starts[bucket + 1]
        last = len(self._prints) - 1
        for _ in range(self._steps):
            middle = (low + high) >> 1
            before = self._prints[np.minimum(middle, last)] < prints
            low = np.where(before, middle + 1, low)
            high = np.where(before, high, middle)
        places: Places = np.minimum(low, last)
        return places


def prints_of(records: Records) -> Prints:
    """The fingerprints of rows of an export."""
    starts, stops, text = records.starts, _ends_of_content(records), records.text
    contents = [text[start:stop] for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]
    return np.fromiter(map(xxh3_64_intdigest, contents), np.uint64, len(contents)).view(np.int64)


def _ends_of_content(records: Records) -> Places:
    """Where each row would end without the empty fields at its end: a field defined later adds one to every row and changes none."""
    characters = np.frombuffer(records.text, np.uint8)
    starts, stops = records.starts, records.stops
    short = np.arange(len(stops))  # the places of the rows that may end shorter still
    while len(short):
        begin, end = starts[short], stops[short]
        last = characters[end - 1]
        plain = (last == _COMMA) & (end > begin)
        quoted = (
            (last == _QUOTE)
            & (end - begin >= 3)
            & (characters[end - 2] == _QUOTE)
            & (characters[end - 3] == _COMMA)
        )
        shorter = plain | quoted
        short = short[shorter]
        if len(short):
            stops = stops.copy() if stops is records.stops else stops
            stops[short] -= np.where(quoted[shorter], 3, 1)
    return stops
