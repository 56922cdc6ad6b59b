"""Which sources a command is for."""

from __future__ import annotations

from typing import Annotated

import typer

from sendgrid_orchestration.cli.mistakes import CommandError
from sendgrid_orchestration.settings import Settings, Source

SourceName = Annotated[
    str | None,
    typer.Option(
        "--source", "-s", help="The source's name in the settings; all or the only one if left out."
    ),
]


def chosen_sources(settings: Settings, name: str | None) -> tuple[Source, ...]:
    """The one that was named, or all."""
    return (settings.source(name),) if name else settings.sources


def the_source(settings: Settings, name: str | None) -> Source:
    """The one that was named, or the only one.

    Raises:
        CommandError: there are several, and none was named.
    """
    if name is None and len(settings.sources) > 1:
        names = ", ".join(source.name for source in settings.sources)
        raise CommandError(f"Say which source: --source with one of {names}.")
    return chosen_sources(settings, name)[0]
