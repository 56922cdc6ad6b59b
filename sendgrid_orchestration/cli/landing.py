"""`landing`: whether what was loaded can still be loaded again, and for how long it is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from sendgrid_orchestration.cli.choice import SourceName, chosen_sources
from sendgrid_orchestration.cli.mistakes import CommandError
from sendgrid_orchestration.landing.store import open_store
from sendgrid_orchestration.load.retention import prune_archive
from sendgrid_orchestration.load.verification import MAX_COUNTED, ArchiveState, verify_archive
from sendgrid_orchestration.settings import load_settings
from sendgrid_orchestration.warehouse.engine import connect, resolve_urls
from sendgrid_orchestration.warehouse.migrations import migrate

landing_app = typer.Typer(no_args_is_help=True, help="The landed files.")

FILES = 5_000
BYTES = 1024 * 1024 * 1024
SECONDS = 60.0


@landing_app.command()
def verify(
    source: SourceName = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Go on until every archived file was read; otherwise for a minute.")
    ] = False,
) -> None:
    """Compare archived files with what was loaded from them, the longest unverified first.

    A file that is damaged, changed or missing is named with what to do, and the exit code is 1 as long as there is one.
    """
    settings = load_settings()
    url, store = resolve_urls(settings).warehouse.get_secret_value(), open_store(settings.landing_url)
    is_whole = True
    for one in chosen_sources(settings, source):
        began = datetime.now(UTC)
        files = size = 0
        with connect(url) as conn:
            migrate(conn, one)
            conn.commit()
            while True:
                found = verify_archive(
                    conn,
                    store,
                    one,
                    max_files=FILES,
                    max_bytes=BYTES,
                    max_seconds=SECONDS,
                    verified_before=began,
                )
                files, size = files + found.files, size + found.bytes
                if not (everything and found.files):
                    break
                typer.echo(f"{one.name}: {files:,} files read …", err=True)
        typer.echo(
            f"{one.name}: {files:,} archived file(s) of {size / 2**20:,.1f} MB read. {_summary(found.state)}"
        )
        for problem in found.state.problems:
            typer.echo(problem.problem, err=True)
        is_whole = is_whole and not found.state.problem_count
    if not is_whole:
        raise typer.Exit(1)


@landing_app.command()
def prune(source: SourceName = None) -> None:
    """Delete archived files older than landing.archive_days now. The nightly maintenance does the same."""
    settings = load_settings()
    if settings.landing.archive_days is None:
        raise CommandError(
            "landing.archive_days is not set, so every archived file is kept. Set it, then repeat."
        )
    url, store = resolve_urls(settings).warehouse.get_secret_value(), open_store(settings.landing_url)
    for one in chosen_sources(settings, source):
        with connect(url) as conn:
            migrate(conn, one)
            conn.commit()
            pruned = prune_archive(conn, store, one, settings.landing.archive_days)
        typer.echo(f"{one.name}: {pruned}")
        for sentence in pruned.warnings():
            typer.echo(f"{one.name}: {sentence}", err=True)


def _summary(state: ArchiveState) -> str:
    words = [f"{_count(state.problem_count)} in the archive are damaged, changed or missing."]
    if state.never_verified:
        words.append(f"{_count(state.never_verified)} were never read.")
    elif state.verified_since:
        words.append(f"Every file was read since {state.verified_since:%Y-%m-%d %H:%M} UTC.")
    return " ".join(words)


def _count(number: int) -> str:
    return f"{number:,} or more" if number == MAX_COUNTED else f"{number:,}"
