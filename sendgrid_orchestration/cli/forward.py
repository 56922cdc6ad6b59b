"""`forward`: posts that go on as they came, how far each forward is, and what did not arrive."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import typer

from sendgrid_orchestration.cli.choice import SourceName, chosen_sources, the_source
from sendgrid_orchestration.cli.mistakes import CommandError
from sendgrid_orchestration.cli.tables import print_table
from sendgrid_orchestration.destinations import forwarder
from sendgrid_orchestration.destinations.forward_ledger import ForwardLedger
from sendgrid_orchestration.destinations.forwarder import Forwarded
from sendgrid_orchestration.landing.store import open_store
from sendgrid_orchestration.receiver.access import base_url
from sendgrid_orchestration.settings import Forward, SecretRef, Settings, Source, load_settings
from sendgrid_orchestration.warehouse.engine import connect, resolve_urls
from sendgrid_orchestration.warehouse.migrations import migrate

forward_app = typer.Typer(
    no_args_is_help=True, help="Posts that go on as they came, to a consumer that was there before."
)

Name = Annotated[
    str | None,
    typer.Option("--forward", "-f", help="The forward's name; all or the only one if left out."),
]


@forward_app.command("list")
def list_(source: SourceName = None) -> None:
    """Show every forward: its state, what waits, and what became of the posts so far."""
    settings = load_settings()
    rows = []
    for one in chosen_sources(settings, source):
        with connect(_url(settings)) as conn:
            migrate(conn, one)
            for forward in one.forward:
                ledger = ForwardLedger(conn, one.raw_schema, forward.name)
                waiting, totals = ledger.waiting(), ledger.totals()
                rows.append(
                    (
                        one.name,
                        forward.name,
                        _host(forward),
                        _state(forward, has_begun=ledger.progress() is not None),
                        f"{waiting.files:,}",
                        f"{waiting.lag:.0f} s",
                        f"{totals.accepted:,}",
                        f"{totals.rejected:,}",
                        f"{totals.lost:,}",
                    )
                )
    if not rows:
        typer.echo("No source has a forward. sendgrid.example.yaml shows how to add one.")
        return
    headings = ("source", "forward", "to", "state", "files waiting", "lag", "accepted", "rejected", "lost")
    print_table(headings, rows)


@forward_app.command()
def send(source: SourceName = None, forward: Name = None) -> None:
    """Forward what waits, now and in this terminal. Dagster's sensor does the same every few seconds."""
    settings = load_settings()
    store = open_store(settings.landing_url)
    for one, chosen in _chosen(settings, source, forward):
        _tell(
            one,
            chosen,
            forwarder.forward(_url(settings), store, one, chosen.name, receiver_url=base_url(settings)),
        )


@forward_app.command()
def rejected(
    source: SourceName = None,
    forward: Name = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many of each forward.")] = 50,
) -> None:
    """List the posts that the other side refused for good, and those that could not be read when their turn came."""
    settings = load_settings()
    for one, chosen in _chosen(settings, source, forward):
        with connect(_url(settings)) as conn:
            migrate(conn, one)
            found = ForwardLedger(conn, one.raw_schema, chosen.name).exceptions(limit=limit)
        if not found:
            typer.echo(f"{one.name} to {chosen.name}: none.")
            continue
        print_table(
            ("received (UTC)", "file", "post", "posts", "state", "tries", "reason"),
            (
                (
                    f"{post.received_at:%Y-%m-%d %H:%M:%S}" if post.received_at else "",
                    post.file,
                    f"{post.post}",
                    f"{post.posts}",
                    post.state,
                    f"{post.tries}",
                    post.reason,
                )
                for post in found
            ),
            title=f"{one.name} to {chosen.name}",
        )


@forward_app.command()
def resend(source: SourceName = None, forward: Name = None) -> None:
    """Send once more what was rejected, and what was lost and is there again. It arrives behind later posts."""
    settings = load_settings()
    store = open_store(settings.landing_url)
    for one, chosen in _chosen(settings, source, forward):
        _tell(
            one,
            chosen,
            forwarder.resend(_url(settings), store, one, chosen.name, receiver_url=base_url(settings)),
        )


def _chosen(settings: Settings, source: str | None, name: str | None) -> list[tuple[Source, Forward]]:
    if name is not None:
        one = the_source(settings, source)
        return [(one, one.forward_to(name))]
    chosen = [(one, forward) for one in chosen_sources(settings, source) for forward in one.forward]
    if not chosen:
        raise CommandError("No source has a forward. sendgrid.example.yaml shows how to add one.")
    return chosen


def _state(forward: Forward, *, has_begun: bool) -> str:
    if not forward.enabled:
        return "disabled"
    if not has_begun:
        return "not begun"
    return "paused" if forward.paused else "enabled"


def _host(forward: Forward) -> str:
    """Where it leads, as far as that is no secret."""
    if isinstance(forward.url, SecretRef):
        return forward.url.place
    return urlsplit(str(forward.url)).hostname or ""


def _tell(source: Source, forward: Forward, done: Forwarded) -> None:
    typer.echo(
        f"{source.name} to {forward.name}: {done.posts} post(s) forwarded, {done.rejected} rejected, {done.lost} lost, "
        f"{done.skipped} from before the start."
    )


def _url(settings: Settings) -> str:
    return resolve_urls(settings).warehouse.get_secret_value()
