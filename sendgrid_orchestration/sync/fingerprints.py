"""Which rows of an export are known already, told from the bytes of the row alone.

The second sync of a million contacts, one in a hundred of them changed, must not send a million rows to Postgres to find that
out: parsing them is most of the work. So each stored recipient carries a fingerprint of its row in the export, the
fingerprints are fetched (8 bytes a contact, in one sorted array), and only rows whose fingerprint is unknown go further.
"""

from __future__ import annotations

import hashlib
import re

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

Prints = NDArray[np.int64]

# Empty fields at the end of a row: a field defined later adds one to every row and changes none.
_EMPTY_END = re.compile(rb'(?:,(?:"")?)+\Z')
_EMPTY_ENDS = (b",", b',""')

_DIGEST = np.dtype([("first", ">i8"), ("rest", "V12")])


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

    def unknown(self, prints: Prints) -> NDArray[np.intp]:
        """The places of those that are not stored; the others are marked as seen."""
        if not (self.recognise and len(self._prints)):
            return np.arange(len(prints))
        places = np.searchsorted(self._prints, prints)
        places[places == len(self._prints)] = 0
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
        places = np.minimum(np.searchsorted(self._prints, prints), len(self._prints) - 1)
        again: Prints = prints[(self._prints[places] == prints) & self._seen[places]]
        return again


def prints_of(records: list[bytes]) -> Prints:
    """The fingerprints of rows of an export."""
    # The fastest here, by its processor instructions; nothing depends on its strength.
    sha1 = hashlib.sha1
    digests = b"".join([sha1(record).digest() for record in _canonical(records)])
    return np.frombuffer(digests, dtype=_DIGEST)["first"].astype(np.int64)


def _canonical(records: list[bytes]) -> list[bytes]:
    if True not in [record.endswith(_EMPTY_ENDS) for record in records]:
        return records
    return [_EMPTY_END.sub(b"", record) if record.endswith(_EMPTY_ENDS) else record for record in records]
