"""Whatever SendGrid says becomes a row that Postgres takes, and nothing of it is lost."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sendgrid_orchestration.sync.shape import Shaper, moment
from sendgrid_orchestration.warehouse.object_tables import TABLES

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def shaped(table: str, record: dict[str, Any]) -> dict[str, Any]:
    shaper = Shaper(TABLES[table])
    values, _ = shaper.row(record)
    row = dict(zip([*(column.name for column in shaper.columns), "extra"], values, strict=True))
    return {name: getattr(value, "obj", value) for name, value in row.items() if value is not None}


@pytest.mark.parametrize(
    "told",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01 12:00:00",
        "2026-03-01T13:00:00+01:00",
        1772366400,
        1772366400000,
        "1772366400",
        1772366400.0,
    ],
)
def test_moments_are_understood_in_every_form_that_sendgrid_has(told: Any) -> None:
    assert moment(told) == NOON


@pytest.mark.parametrize("told", ["", 0, " "])
def test_never_is_no_moment(told: Any) -> None:
    assert moment(told) is None


def test_the_first_of_several_names_is_taken() -> None:
    assert shaped("lists", {"id": "a", "contact_count": 3})["recipient_count"] == 3
    assert shaped("lists", {"id": 7, "recipient_count": 4}) == {"id": "7", "recipient_count": 4}


def test_fields_without_a_column_and_values_that_do_not_fit_are_kept() -> None:
    row = shaped(
        "lists", {"id": "a", "contact_count": "many", "colour": "blue", "_metadata": {}, "gone": None}
    )
    assert row == {"id": "a", "extra": {"contact_count": "many", "colour": "blue"}}


@pytest.mark.parametrize(
    ("table", "field", "told", "meant"),
    [
        ("senders", "verified", True, True),
        ("senders", "verified", "False", False),
        ("senders", "verified", "1", True),
        ("senders", "verified", 0, False),
        ("senders", "verified", "yes", None),
        ("lists", "contact_count", " 7 ", 7),
        ("lists", "contact_count", 2**63 - 1, 2**63 - 1),
        ("lists", "contact_count", 2**63, None),
        ("lists", "contact_count", -(2**63), -(2**63)),
        ("lists", "contact_count", float("inf"), None),
    ],
)
def test_values_take_the_type_of_their_column_or_are_kept_aside(
    table: str, field: str, told: Any, meant: Any
) -> None:
    row = shaped(table, {"id": "1", field: told})
    found = row.get({"verified": "is_verified", "contact_count": "recipient_count"}[field])
    assert (found, type(found)) == (meant, type(meant))
    assert row.get("extra") == ({field: told} if meant is None else None)


def test_what_stands_beside_a_nested_field_is_kept_too() -> None:
    """SendGrid's answers grow inside as well: a metric that is new, a sender's address as a bare text."""
    shaper = Shaper(TABLES["daily_stats"])
    values, _ = shaper.row({"date": "2026-03-01", "stats": {"metrics": {"opens": 1, "new": 2}, "name": "x"}})
    assert values[-1].obj == {"stats": {"metrics": {"new": 2}, "name": "x"}}
    assert [*shaper.notes()] == ["Fields without a column, kept in extra: stats.metrics.new, stats.name."]
    assert shaped("senders", {"id": 1, "from": "a@b.example", "verified": True}) == {
        "id": 1,
        "is_verified": True,
        "extra": {"from": "a@b.example"},
    }
    assert "extra" not in shaped(
        "single_sends", {"id": "a", "email_config": {"subject": "s", "editor": "code"}}
    )


def test_keys_with_a_space_at_the_end_are_read() -> None:
    assert shaped("templates", {"id": "a", "updated_at ": "2026-03-01 12:00:00"})["updated_at"] == NOON


def test_a_day_of_statistics_is_a_date_and_a_total_is_none() -> None:
    record = {"id": "a", "aggregation": "2026-03-01", "stats": {"opens": 2}}
    assert shaped("single_send_stats", record)["date"] == date(2026, 3, 1)
    assert "date" not in shaped("single_send_stats", {**record, "aggregation": "total"})


def test_the_same_content_has_the_same_fingerprint_whatever_its_order() -> None:
    one, other = Shaper(TABLES["lists"]), Shaper(TABLES["lists"])
    assert one.row({"id": "a", "name": "b"})[1] == other.row({"name": "b", "id": "a", "new": None})[1]
    assert one.row({"id": "a", "name": "b"})[1] != one.row({"id": "a", "name": "c"})[1]


def test_nul_is_taken_out_of_documents_and_its_spelling_is_not() -> None:
    shaper = Shaper(TABLES["templates"])
    values, _ = shaper.row({"id": "a\x00b", "versions": ["\x00x", "\\u0000", "\\\x00"]})
    document = values[[column.name for column in shaper.columns].index("versions")]
    assert values[0] == "ab"
    assert orjson.loads(document.dumps(document.obj)) == ["x", "\\u0000", "\\"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None)
@given(
    table=st.sampled_from(
        ["lists", "segments", "single_sends", "bounces", "daily_stats", "templates", "senders"]
    ),
    data=st.data(),
)
def test_no_answer_is_too_odd_to_become_a_row(table: str, data: st.DataObject) -> None:
    names = [column.field.split(" | ")[0].split(".")[0] or column.name for column in TABLES[table].columns]
    record = data.draw(st.dictionaries(st.sampled_from([*names, "other"]), JSON, max_size=6))
    values, content_hash = Shaper(TABLES[table]).row(record)
    assert len(values) == len(TABLES[table].columns)
    assert -(2**63) <= content_hash < 2**63
    assert "\x00" not in repr([value for value in values if isinstance(value, str)])


TOLD = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(max_size=8),
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat), st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.sampled_from(["query_validation", "error_message", "metrics", "other"]), st.text(max_size=3)),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_an_answer_that_lacks_optional_fields_changes_nothing(data: st.DataObject) -> None:
    """Two endpoints tell of the same object, one of them with fewer fields: no false history, whichever comes last."""
    table = TABLES[data.draw(st.sampled_from([name for name, one in TABLES.items() if one.mirrored]))]
    shaper = Shaper(table)
    fields = {paths[0][0] for paths in shaper._paths.values()}
    record = data.draw(
        st.dictionaries(st.sampled_from(sorted(fields | {"refreshes_used", "brand_new"})), TOLD)
    )
    names = [*(column.name for column in shaper.columns), "extra"]
    values, content_hash = shaper.row(record)
    # As the database gives it back: documents as they are, moments in the session's time zone.
    elsewhere = timezone(timedelta(hours=5))
    stored = {
        name: value.astimezone(elsewhere) if isinstance(value, datetime) else getattr(value, "obj", value)
        for name, value in zip(names, values, strict=True)
    }
    kept = data.draw(st.sets(st.sampled_from(sorted(record)))) if record else set()
    again, hash_again = shaper.row({name: record[name] for name in kept}, stored)
    assert [getattr(value, "obj", value) for value in again] == [
        getattr(value, "obj", value) for value in values
    ]
    assert hash_again == content_hash


def test_a_field_that_is_told_as_null_is_cleared() -> None:
    shaper = Shaper(TABLES["segments"])
    names = [*(column.name for column in shaper.columns), "extra"]
    full = {
        "id": "a",
        "name": "Old",
        "parent_list_ids": ["x"],
        "status": {"error_message": "bad"},
        "max_refreshes": 2,
    }
    stored = dict(zip(names, (getattr(v, "obj", v) for v in shaper.row(full)[0]), strict=True))
    told = {"id": "a", "name": "New", "parent_list_ids": None, "status": {"query_validation": "VALID"}}
    row = dict(zip(names, (getattr(v, "obj", v) for v in shaper.row(told, stored)[0]), strict=True))
    assert {name: value for name, value in row.items() if value is not None} == {
        "id": "a", "name": "New", "status": "VALID", "extra": {"max_refreshes": 2},
    }  # fmt: skip
