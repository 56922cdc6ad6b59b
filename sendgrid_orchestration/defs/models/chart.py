"""The small picture that the overview asset carries: what was sent each day, and what people did with it."""

from __future__ import annotations

import base64
import io
from typing import Any

import dagster as dg
import psycopg
from psycopg import sql

TABLE = "mart_email_overview_daily"
DAYS = 60
MOST_TICKS = 8
LINES = {"delivered": "delivered", "opened_human": "opened by people", "clicked_human": "clicked by people"}


def of(conn: psycopg.Connection, table: str) -> dict[str, Any]:
    """The chart as metadata, if this table is the one that has it and holds at least a day."""
    if not table.endswith(f".{TABLE}"):
        return {}
    rows = _rows(conn, table)
    if not rows:
        return {}
    picture = base64.b64encode(draw(rows)).decode()
    return {f"last {DAYS} days": dg.MetadataValue.md(f"![emails a day](data:image/png;base64,{picture})")}


def draw(rows: list[tuple[Any, ...]]) -> bytes:
    """A PNG of a few kilobytes: Dagster keeps it in its event log, every time.

    Args:
        rows: a day and one number for each of `LINES`, in the order of days.
    """
    # Here and not above: the import takes longer than a whole run that draws nothing.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(6.4, 2.4), dpi=100, layout="constrained")
    axes = figure.subplots()
    days = [row[0] for row in rows]
    for place, label in enumerate(LINES.values(), start=1):
        axes.plot(days, [row[place] for row in rows], label=label, linewidth=1.6)
    shown = days[:: len(days) // MOST_TICKS + 1]
    axes.set_xticks(shown, [f"{day.day} {day:%b}" for day in shown])
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=len(LINES), loc="lower left", bbox_to_anchor=(0, 1), fontsize="small")
    picture = io.BytesIO()
    FigureCanvasAgg(figure).print_png(picture)  # type: ignore[no-untyped-call]
    return picture.getvalue()


def _rows(conn: psycopg.Connection, table: str) -> list[tuple[Any, ...]]:
    sums = sql.SQL(", ").join(
        sql.SQL("coalesce(sum({0}), 0)").format(sql.Identifier(column)) for column in LINES
    )
    query = sql.SQL("""
        select sent_date, {sums}
        from {table}
        where sent_date > (select max(sent_date) from {table}) - {days}
        group by sent_date
        order by sent_date
    """)
    return list(
        conn.execute(query.format(sums=sums, table=sql.Identifier(*table.split(".")), days=sql.Literal(DAYS)))
    )
