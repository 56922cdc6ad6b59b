"""Texts that look like numbers, truth values and times to some readers and not to others."""

from __future__ import annotations

import sys
import unicodedata

from hypothesis import strategies as st

SPACES = "".join(
    c for c in map(chr, range(sys.maxunicode + 1)) if c.isspace() or unicodedata.category(c) == "Zs"
)
"""Every space that Python or Unicode knows, control characters such as U+001C among them."""

DIGITS = "".join(c for c in map(chr, range(0x20000)) if unicodedata.category(c) in ("Nd", "Nl", "No"))
"""Digits of every script, and characters such as ² and Ⅷ."""

_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\x01\x07\x1b\x7f\x85"
_SIGNS = "+-\u2212\u2010\u2013\ufe62\uff0b\uff0d.,'_\u066b\u066c:/eExXbTtZz"

ORDINARY = (
    *("0", "-1", "+7", "12", "9.99", "-.5", "1.", "1e3", "1E-7", "123456789012345678", "9" * 19, "0" * 101),
    *("true", "False", "YES", "n", "off", "1717200000", "1717200000.123456", "1717200000123", "2024-02-29"),
    *("2024-06-01T10:11:12.123456789+02:30", "2024-06-01 10:11-0330", "2023-12-31T23:59:59Z", "2024-02-30"),
)
"""Values of every type that Postgres could read."""

EXTREME = (
    *("", " ", "NaN", "-NaN", "Infinity", "-infinity", "inf", "null", "None", "0x1F", "0b1", "0o7", "1_000"),
    *(
        "1e99",
        "1e-99",
        "1e131072",
        "1e400",
        "-1e999999999",
        "9" * 100 + "e99",
        "0." + "0" * 97 + "1",
        "1e",
        "e5",
    ),
    *(
        ".",
        "+",
        "-",
        "--1",
        "1 2",
        "1\n2",
        "1\n",
        "\t1\v",
        "12\x1c",
        "\u0661\u0662",
        "\uff11\uff12",
        "1\u0660",
        "\u00b2",
    ),
    *("9223372036854775807", "9223372036854775808", "99999999999999999", "-999999999999999999", "9" * 5000),
    *("0000-00-00", "0001-01-01", "1000-01-01", "2999-12-31T23:59:59+15:59", "1000-01-01T00:00:00+15:59"),
    *("2024-13-01", "2024-00-10", "2024-06-31", "2023-02-29", "2024-06-01T24:00:00Z", "2024-06-01T23:59:60Z"),
    *("2024-06-01T10:11:12+16:00", "2024-06-01T10:11:12 +0200", "2024-06-01T10:11:12+2", "2024-06-01T"),
    *(
        "2024-06-01T10:11:12.",
        "2024-06-01T10:11:12.1234567890",
        "2024-06-01T10:11:12 Europe/Paris",
        "now",
        "today",
    ),
    *(
        "epoch",
        "infinity",
        "294277-01-01",
        "4714-11-24 BC",
        "20240601",
        "06/01/2024",
        "13/01/2024",
        "1 June 2024",
    ),
    *(
        "999999999",
        "9999999999",
        "99999999999",
        "999999999999",
        "9999999999999",
        "99999999999999",
        "-1717200000",
    ),
    *(
        "\u0130",
        "TRU\u0395",
        "\u017f",
        "on\u00a0",
        "\u212a",
        "\U0001d7ce",
        "a" * 100_000,
        "\\",
        "'",
        "{}",
        "[]",
        "%s",
    ),
)
"""Values of no type, or beyond what a type holds."""


def _hostile() -> tuple[str, ...]:
    spaced = [
        text
        for space in SPACES
        for text in (f"9.99{space}", f"{space}7", f"1{space}2", f"{space}true{space}")
    ]
    days = [f"2024-06-01{space}10:11:12" for space in SPACES]
    ones = [c for c in DIGITS if unicodedata.digit(c, None) == 1]
    digits = [
        text
        for one in ones
        for text in (f"1{one}", f"171720000{one}", f"2024-06-0{one}", f"2024-06-01 1{one}:00")
    ]
    return (*ORDINARY, *EXTREME, *spaced, *days, *digits)


FIXED = _hostile()
"""All of these, and numbers, words and times with each space and with digits of each script in them."""

_ODD = st.sampled_from(SPACES + DIGITS + _INVISIBLE + _SIGNS) | st.characters(
    codec="utf-8", exclude_characters="\0"
)
_BEGINNINGS = st.sampled_from([text[:200] for text in ORDINARY + EXTREME])
_EDITS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 1), st.text(_ODD, max_size=2)), min_size=1, max_size=3
)


def _edited(text: str, edits: list[tuple[int, int, str]]) -> str:
    for place, replaced, more in edits:
        text = text[:place] + more + text[place + replaced :]
    return text


TEXTS = st.text(_ODD, max_size=30) | st.builds(_edited, _BEGINNINGS, _EDITS)
"""Texts of such characters alone, and ordinary values with some characters replaced, added or left out."""
