"""`postgres`: the private server that runs where the settings name no other."""

from __future__ import annotations

import typer

from sendgrid_orchestration.cli.mistakes import CommandError
from sendgrid_orchestration.settings import Settings, load_settings
from sendgrid_orchestration.warehouse import embedded
from sendgrid_orchestration.warehouse.engine import place, resolve_urls

postgres_app = typer.Typer(no_args_is_help=True, help="The private Postgres, and where the warehouse is.")


@postgres_app.command()
def url() -> None:
    """Print the warehouse's URL, password and all, for `psql "$(sendgrid-orchestration postgres url)"`."""
    typer.echo(resolve_urls(load_settings()).warehouse.get_secret_value())


@postgres_app.command()
def start() -> None:
    """Start the private Postgres, if it does not run yet."""
    settings = _with_private_server()
    typer.echo(f"Postgres runs at {place(embedded.ensure_running(settings.data_dir))}.")


@postgres_app.command()
def stop() -> None:
    """Stop the private Postgres. Nothing is lost; the next command that needs it starts it again."""
    embedded.stop(_with_private_server().data_dir)
    typer.echo("Postgres is stopped.")


def _with_private_server() -> Settings:
    settings = load_settings()
    if settings.warehouse.url is not None:
        where = place(settings.warehouse.url.get_secret_value())
        raise CommandError(f"The settings name a Postgres at {where}: start and stop it where it runs.")
    return settings
