"""`receive`: the receiver, in this terminal."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from sendgrid_orchestration.receiver.server import serve
from sendgrid_orchestration.settings import load_settings


def receive(
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that share the port, if not as many as the settings say."),
    ] = None,
) -> None:
    """Take SendGrid's posts and land them, until Ctrl-C. Needs a disk and the settings, no database and no Dagster."""
    for handler in logging.getLogger().handlers:
        handler.setLevel(logging.INFO)  # a server that says nothing is hard to trust
    serve(load_settings(), workers)
