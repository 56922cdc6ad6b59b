"""What several calls did together."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import fields, replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Counts = TypeVar("_Counts", bound="DataclassInstance")


def added(one: _Counts, other: _Counts, *, latest: AbstractSet[str]) -> _Counts:
    """Both, one after the other: every number is added, but for those of which the latest counts."""
    names = [field.name for field in fields(one) if field.name not in latest]
    return replace(other, **{name: getattr(one, name) + getattr(other, name) for name in names})
