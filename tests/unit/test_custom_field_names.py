"""How a custom field's column is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendgrid_orchestration.sync.custom_fields import CustomField, by_header, column_name
from sendgrid_orchestration.warehouse.object_tables import TABLES


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("plan", "plan"),
        ("Favourite Colour", "favourite_colour"),
        ("LTV ($)", "ltv"),
        ("2nd_choice", "custom_2nd_choice"),
        ("Email", "custom_email"),
        ("deleted_at", "custom_deleted_at"),
        ("ctid", "custom_ctid"),
        ("???", "field"),
    ],
)
def test_columns_are_named_after_fields(name: str, column: str) -> None:
    assert column_name(name) == column


@given(st.text(max_size=200))
def test_no_name_collides_with_ours_or_is_too_long_for_postgres(name: str) -> None:
    made = column_name(name)
    assert made not in {column.name for column in TABLES["recipients"].all_columns}
    assert 0 < len(made.encode()) <= 63
    assert made.replace("_", "a").isalnum()
    assert not made[0].isdigit()


def test_a_header_finds_its_field_by_name_or_id_and_prefers_the_living() -> None:
    old = CustomField("e1_T", "Plan", "Text", "plan_e1_t", removed=True)
    new = CustomField("e9_N", "PLAN", "Number", "plan")
    found = by_header([old, new])
    assert found["plan"] is new
    assert found["e1_t"] is old
    assert found["e9_n"] is new
