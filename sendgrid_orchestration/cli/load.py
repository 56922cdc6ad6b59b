"""`load` and `replay`: landed files into the events table, from the command line, with a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from sendgrid_orchestration.cli.choice import SourceName, chosen_sources, the_source
from sendgrid_orchestration.cli.mistakes import CommandError
from sendgrid_orchestration.landing.store import open_store
from sendgrid_orchestration.load.loader import LoadResult, load_waiting
from sendgrid_orchestration.load.replay import replay_days, replay_folder
from sendgrid_orchestration.load.run import Progress as LoadProgress
from sendgrid_orchestration.settings import Source, load_settings
from sendgrid_orchestration.warehouse.engine import resolve_urls

RUN_ID = "command line"
DAY = ["%Y-%m-%d"]


def load(
    source: SourceName = None,
    retry_set_aside: Annotated[
        bool,
        typer.Option("--retry-set-aside", help="Try the files too that were set aside, after an upgrade."),
    ] = False,
) -> None:
    """Load the posts that wait, now and in this terminal. Dagster's sensor does the same every few seconds.

    The exit code is 1 while damaged files wait for a person, or files that could not be loaded; each is named with what to do.
    """
    settings = load_settings()
    url, store = resolve_urls(settings).warehouse.get_secret_value(), open_store(settings.landing_url)
    problems: list[str] = []
    for one in chosen_sources(settings, source):
        with _bar(one) as progress:
            result = load_waiting(
                url,
                store,
                one,
                run_id=RUN_ID,
                retry_damaged=True,
                retry_set_aside=retry_set_aside,
                progress=progress,
            )
            results = [result]
            while result.remaining_files and result.files:
                result = load_waiting(url, store, one, run_id=RUN_ID, progress=progress)
                results.append(result)
        _tell(one, results)
        problems += [file.problem for file in results[-1].still_damaged]
        problems += map(str, results[-1].still_failed)
    _end_with(problems)


def replay(
    source: SourceName = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=DAY, help="The first day of receipt (UTC).")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=DAY, help="The last day of receipt (UTC).")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Landed files that lie here instead, for example from a backup.",
        ),
    ] = None,
) -> None:
    """Load archived posts again. Into an emptied table this restores every row, into a full one it changes nothing."""
    settings = load_settings()
    url = resolve_urls(settings).warehouse.get_secret_value()
    if folder is not None:
        if first or last:
            raise CommandError("A folder is replayed as a whole: leave out --from and --to, or --folder.")
        one = the_source(settings, source)
        with _bar(one) as progress:
            result = replay_folder(
                url, open_store(folder.resolve().as_uri()), one, run_id=RUN_ID, progress=progress
            )
        _tell(one, [result])
        _end_with([*result.damaged, *result.failed.values()])
        return
    days = (first.date() if first else date.min, last.date() if last else datetime.now(UTC).date())
    if days[0] > days[1]:
        raise CommandError(f"--from {days[0]} is later than --to {days[1]}.")
    store = open_store(settings.landing_url)
    problems: list[str] = []
    for one in chosen_sources(settings, source):
        with _bar(one) as progress:
            result = replay_days(url, store, one, *days, run_id=RUN_ID, progress=progress)
        _tell(one, [result])
        if result.left_out:
            typer.echo(f"{one.name}: {result.left_out}")
        problems += [*result.damaged, *result.failed.values()]
    _end_with(problems)


@contextmanager
def _bar(source: Source) -> Iterator[Callable[[LoadProgress], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[events]:,} events"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(source.name, events=0)

        def show(progress: LoadProgress) -> None:
            bars.update(
                task, total=progress.total_bytes, completed=progress.bytes, events=progress.events_read
            )

        yield show


def _tell(source: Source, results: list[LoadResult]) -> None:
    read, inserted, duplicate, variants, quarantined, files = (
        sum(getattr(result, name) for result in results)
        for name in ("events_read", "inserted", "duplicate", "variants", "quarantined", "files")
    )
    differ = f" ({variants} of them differ)" if variants else ""
    typer.echo(
        f"{source.name}: {files} file(s), {read} event(s) read: {inserted} inserted, {duplicate} known already{differ}, "
        f"{quarantined} in quarantine."
    )


def _end_with(problems: Sequence[str]) -> None:
    """Name every file that could not be loaded; the exit code is 1 as long as there is one."""
    for sentence in problems:
        typer.echo(sentence, err=True)
    if problems:
        raise typer.Exit(1)
