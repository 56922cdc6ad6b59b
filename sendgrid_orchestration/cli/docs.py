"""`docs`: what dbt knows about every model and column, in the browser."""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from sendgrid_orchestration.cli.choice import SourceName, the_source
from sendgrid_orchestration.cli.mistakes import CommandError
from sendgrid_orchestration.cli.processes import free_port, until_told_to_stop
from sendgrid_orchestration.settings import load_settings
from sendgrid_orchestration.warehouse.engine import resolve_urls


def docs(
    source: SourceName = None,
    port: Annotated[
        int, typer.Option(help="Where to serve; another port is taken if this one is busy.")
    ] = 8081,
    only_write: Annotated[
        bool, typer.Option("--only-write", help="Write the files and serve nothing.")
    ] = False,
) -> None:
    """Write dbt's documentation of the models and serve it until Ctrl-C."""
    from sendgrid_orchestration.defs.models.project import PROJECT, environment, executable

    settings = load_settings()
    one = the_source(settings, source)
    url = resolve_urls(settings).warehouse.get_secret_value()
    target = settings.data_dir / "dbt" / "docs" / one.name
    done = subprocess.run(
        [executable(), "--no-use-colors", "docs", "generate", "--static", "--target-path", str(target)],
        cwd=PROJECT,
        env={**os.environ, **environment(url, one), "DBT_LOG_PATH": str(target)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommandError(f"dbt could not write the documentation:\n{done.stdout.strip()}")
    page = target / "static_index.html"
    typer.echo(f"Written to {page}.")
    if not only_write:
        _serve(page, free_port(port))


def _serve(page: Path, port: int) -> None:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(page.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server, until_told_to_stop():
        typer.echo(f"http://127.0.0.1:{port}/{page.name}   (Ctrl-C ends it)")
        server.serve_forever()
