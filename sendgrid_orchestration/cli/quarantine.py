"""`quarantine`: what could not be understood, and another try at it."""

from __future__ import annotations

from typing import Annotated

import typer

from sendgrid_orchestration.cli.choice import SourceName, chosen_sources
from sendgrid_orchestration.cli.load import RUN_ID
from sendgrid_orchestration.cli.tables import print_table
from sendgrid_orchestration.load.quarantine import count_by_reason, list_items
from sendgrid_orchestration.load.quarantine import retry as retry_items
from sendgrid_orchestration.settings import load_settings
from sendgrid_orchestration.warehouse.engine import connect, resolve_urls
from sendgrid_orchestration.warehouse.migrations import migrate

quarantine_app = typer.Typer(no_args_is_help=True, help="Items of posts that could not be understood.")

SHOWN = 400
"""Characters of each item."""

Reason = Annotated[str | None, typer.Option(help="Only items that are here for this reason.")]


@quarantine_app.command("list")
def list_(
    source: SourceName = None,
    reason: Reason = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many of each source.")] = 50,
) -> None:
    """Show what waits in quarantine: when it came, what is odd about it, and what was posted, verbatim."""
    settings = load_settings()
    for one in chosen_sources(settings, source):
        with connect(resolve_urls(settings).warehouse.get_secret_value()) as conn:
            migrate(conn, one)
            counts = count_by_reason(conn, one.raw_schema)
            items = list_items(conn, one.raw_schema, reason=reason, limit=limit, most_characters=SHOWN)
        if not counts:
            typer.echo(f"{one.name}: nothing is in quarantine.")
            continue
        print_table(
            ("received (UTC)", "reason", "what is odd", "posted"),
            (
                (f"{item.received_at:%Y-%m-%d %H:%M:%S}", item.reason, item.detail, item.item)
                for item in items
            ),
            title=one.name,
        )
        typer.echo(", ".join(f"{name}: {count}" for name, count in counts.items()))


@quarantine_app.command()
def retry(source: SourceName = None, reason: Reason = None) -> None:
    """Read the items once more by the rules of this version; what is understood now is loaded and leaves."""
    settings = load_settings()
    for one in chosen_sources(settings, source):
        result = retry_items(
            resolve_urls(settings).warehouse.get_secret_value(), one, reason=reason, run_id=RUN_ID
        )
        typer.echo(
            f"{one.name}: {result.tried} item(s) tried, {result.released} released, {result.inserted} event(s) inserted."
        )
