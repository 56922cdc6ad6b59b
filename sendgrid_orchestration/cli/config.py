"""`config`: whether the settings file says what it should."""

from __future__ import annotations

import typer

from sendgrid_orchestration.cli.tables import print_table
from sendgrid_orchestration.settings import config_path, load_settings

config_app = typer.Typer(no_args_is_help=True, help="The settings file.")


@config_app.command()
def check() -> None:
    """Read the settings file and say what it means, or one sentence for each mistake in it."""
    settings = load_settings()
    path = config_path()
    typer.echo(
        f"{path} is in order." if path.is_file() else f"There is no {path}: everything is at its default."
    )
    rows = []
    for source in settings.sources:
        key = source.api_key.place + ("" if source.api_key.is_set() else " (not set)")
        left_out = f"all but {', '.join(sorted(source.skip_objects))}" if source.skip_objects else "all"
        rows.append((source.name, source.schema_, source.api_url, key, left_out))
    print_table(("source", "schema", "API", "key", "objects"), rows)
