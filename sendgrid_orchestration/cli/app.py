"""Assembles the commands; each group has a file of its own."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from sendgrid_orchestration.cli.config import config_app
from sendgrid_orchestration.cli.demo import demo
from sendgrid_orchestration.cli.destinations import destinations_app
from sendgrid_orchestration.cli.docs import docs
from sendgrid_orchestration.cli.doctor import doctor
from sendgrid_orchestration.cli.forward import forward_app
from sendgrid_orchestration.cli.landing import landing_app
from sendgrid_orchestration.cli.load import load, replay
from sendgrid_orchestration.cli.mistakes import Commands
from sendgrid_orchestration.cli.postgres import postgres_app
from sendgrid_orchestration.cli.quarantine import quarantine_app
from sendgrid_orchestration.cli.receive import receive
from sendgrid_orchestration.cli.smoke import smoke
from sendgrid_orchestration.cli.webhook import webhook_app

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # locals hold keys
    rich_markup_mode="markdown",
    help="Everything a company knows about its email in SendGrid, in its own Postgres.",
)


@app.callback()
def _set_up(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more about what is done.")] = False,
) -> None:
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(message)s"
    )


app.command()(demo)
app.command()(smoke)
app.command()(doctor)
app.command()(receive)
app.command()(load)
app.command()(replay)
app.command()(docs)
app.add_typer(webhook_app, name="webhook")
app.add_typer(landing_app, name="landing")
app.add_typer(destinations_app, name="destinations")
app.add_typer(forward_app, name="forward")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(postgres_app, name="postgres")
app.add_typer(config_app, name="config")
