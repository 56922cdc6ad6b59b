"""Collects the figures of a benchmark run, prints them as a table and writes them to `benchmarks/results.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True)
class Figure:
    """One measured figure."""

    name: str
    value: float
    unit: str
    goal: str
    detail: str


@dataclass
class Report:
    """Figures by name, and the peers that could not be measured, each with the reason."""

    figures: dict[str, Figure] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    console: Console = field(default_factory=Console)

    def add(self, name: str, value: float, *, unit: str = "x", goal: str = "", detail: str = "") -> None:
        """Record one figure and show it at once.

        Args:
            name: its key in `results.json`.
            value: a ratio (`unit="x"`, more is better) or an amount in `unit`.
            unit: `x` for a ratio, else what the value counts.
            goal: what the project promises, such as `>= 0.8`.
            detail: both sides in absolute numbers, for the reader of the table.
        """
        self.figures[name] = Figure(name, round(value, 4), unit, goal, detail)
        self.console.print(f"  {name} = {value:.4g} {unit}  {detail}", highlight=False)

    def missing(self, name: str, why: str) -> None:
        """Say that a figure could not be measured here, and why."""
        self.absent[name] = why
        self.console.print(f"  {name}: not measured. {why}", highlight=False)

    def write(self) -> None:
        """Merge this run's figures into `results.json`, so that topics can be measured one at a time."""
        known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        known.update({figure.name: figure.value for figure in self.figures.values()})
        RESULTS.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")

    def show(self) -> None:
        """Print everything as one table."""
        table = Table("figure", "value", "goal", "measured")
        for figure in self.figures.values():
            table.add_row(figure.name, f"{figure.value:.4g} {figure.unit}", figure.goal, figure.detail)
        for name, why in self.absent.items():
            table.add_row(name, "-", "", why)
        self.console.print(table)
