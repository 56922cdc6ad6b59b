"""`destinations`: where events are sent on, whether that works, and what was not accepted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from sendgrid_orchestration.cli.choice import SourceName, chosen_sources, the_source
from sendgrid_orchestration.cli.load import DAY, RUN_ID
from sendgrid_orchestration.cli.mistakes import CommandError
from sendgrid_orchestration.cli.tables import print_table
from sendgrid_orchestration.destinations import deliverer
from sendgrid_orchestration.destinations.catalog import resend_window
from sendgrid_orchestration.destinations.deliverer import Delivery
from sendgrid_orchestration.destinations.errors import ConfirmationNeededError
from sendgrid_orchestration.destinations.ledger import Ledger
from sendgrid_orchestration.destinations.verify import compare, send_test_event
from sendgrid_orchestration.settings import Destination, Settings, Source, load_settings
from sendgrid_orchestration.warehouse.engine import connect, resolve_urls
from sendgrid_orchestration.warehouse.migrations import migrate

destinations_app = typer.Typer(
    no_args_is_help=True, help="Where events are sent on: Segment, Amplitude, webhooks."
)

Name = Annotated[
    str | None,
    typer.Option("--destination", "-d", help="The destination's name; all or the only one if left out."),
]
First = Annotated[datetime | None, typer.Option("--from", formats=DAY, help="The first day (UTC).")]
Last = Annotated[datetime | None, typer.Option("--to", formats=DAY, help="The last day (UTC).")]
Yes = Annotated[bool, typer.Option("--yes", help="Send even what may arrive twice, without asking.")]


@destinations_app.command("list")
def list_(source: SourceName = None) -> None:
    """Show every destination: its state, how far it has come, and what of it is open."""
    settings = load_settings()
    rows = []
    for one in chosen_sources(settings, source):
        with connect(_url(settings)) as conn:
            migrate(conn, one)
            for destination in one.destinations:
                ledger = Ledger(conn, one.raw_schema, destination.name)
                progress, counts = ledger.progress(), ledger.counts()
                due = ledger.due(resend_window(destination))
                place = f"load {progress.mark.load_id} of {due.last_load}" if progress else "not begun"
                state = "paused" if destination.paused else "enabled"
                rows.append(
                    (
                        one.name,
                        destination.name,
                        destination.kind,
                        state if destination.enabled else "disabled",
                        place,
                        f"{ledger.lag():.0f} s",
                        f"{counts.accepted:,}",
                        f"{counts.rejected + counts.invalid:,}",
                        f"{counts.unknown:,}",
                        f"{counts.unsent + counts.delayed:,}",
                    )
                )
    if not rows:
        typer.echo("No source has destinations. sendgrid.example.yaml shows how to add one.")
        return
    headings = (
        "source",
        "destination",
        "kind",
        "state",
        "place",
        "lag",
        "accepted",
        "rejected",
        "unknown",
        "waiting",
    )
    print_table(headings, rows)


@destinations_app.command()
def send(source: SourceName = None, destination: Name = None) -> None:
    """Send what waits, now and in this terminal. Dagster's sensor does the same every few seconds."""
    settings = load_settings()
    for one, chosen in _chosen(settings, source, destination):
        _tell(one, chosen, deliverer.deliver(_url(settings), one, chosen.name, run_id=RUN_ID))


@destinations_app.command()
def verify(
    *,
    source: SourceName = None,
    destination: Name = None,
    first: First = None,
    last: Last = None,
    test_event: Annotated[bool, typer.Option(help="Send an event that is marked as a test.")] = True,
) -> None:
    """Send a test event, say what its answer proves, and compare what was chosen with what was accepted."""
    settings = load_settings()
    today = datetime.now(UTC).date()
    days = (first.date() if first else today - timedelta(days=6), last.date() if last else today)
    works = True
    for one, chosen in _chosen(settings, source, destination):
        if test_event:
            found = send_test_event(one, chosen)
            works &= found.is_accepted
            typer.echo(
                f"{chosen.name}: the test event {found.message_id} was {'accepted' if found.is_accepted else 'not accepted'}."
                f"{' ' + found.answer if found.answer else ''}\n{found.remains}"
            )
        with connect(_url(settings)) as conn:
            migrate(conn, one)
            rows = compare(conn, one, chosen.name, *days)
        print_table(
            ("event", "chosen", "sent", "accepted", "rejected", "unknown", "waiting"),
            (
                (
                    row.event,
                    *(
                        f"{n:,}"
                        for n in (row.eligible, row.sent, row.accepted, row.rejected, row.unknown, row.open)
                    ),
                )
                for row in rows
            ),
            title=f"{one.name} to {chosen.name}, sent from {days[0]} to {days[1]}",
        )
    if not works:
        raise CommandError("A destination did not accept its test event.")


@destinations_app.command()
def rejected(
    source: SourceName = None,
    destination: Name = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many of each destination.")] = 50,
) -> None:
    """List the events that a destination refused, or that were not sent because it would drop them."""
    settings = load_settings()
    for one, chosen in _chosen(settings, source, destination):
        with connect(_url(settings)) as conn:
            migrate(conn, one)
            events = Ledger(conn, one.raw_schema, chosen.name).exceptions(
                ["rejected", "invalid"], limit=limit
            )
        if not events:
            typer.echo(f"{one.name} to {chosen.name}: none.")
            continue
        print_table(
            ("found (UTC)", "event", "happened (UTC)", "key", "state", "reason"),
            (
                (
                    f"{event.found_at:%Y-%m-%d %H:%M:%S}",
                    event.event,
                    f"{event.position.event_at:%Y-%m-%d %H:%M:%S}",
                    event.position.event_key,
                    event.state,
                    event.reason,
                )
                for event in events
            ),
            title=f"{one.name} to {chosen.name}",
        )


@destinations_app.command()
def resend(
    *,
    source: SourceName = None,
    destination: Name = None,
    unknown: Annotated[
        bool, typer.Option("--unknown", help="What was sent without an answer, however long ago.")
    ] = False,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="What was refused, or not sent because it would be dropped.")
    ] = False,
    first: First = None,
    last: Last = None,
    again: Annotated[
        bool, typer.Option("--again", help="Of the days send also what was sent before.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Send again what is unknown or rejected, or send the events of old days that were never sent."""
    settings = load_settings()
    url = _url(settings)
    if [unknown, rejected, first is not None].count(True) != 1:
        raise CommandError("Say what to send: --unknown, --rejected, or the days with --from and --to.")
    (one, chosen), *more = _chosen(settings, source, destination)
    if more:
        raise CommandError("Say which destination: --destination with its name.")
    if rejected:
        _tell(one, chosen, deliverer.resend_rejected(url, one, chosen.name, run_id=RUN_ID))
        return
    if unknown:

        def act(confirmed: bool) -> Delivery:
            return deliverer.resend_unknown(url, one, chosen.name, confirmed=confirmed, run_id=RUN_ID)

    else:
        assert first is not None
        days = (first.date(), last.date() if last else first.date())
        if days[0] > days[1]:
            raise CommandError(f"--from {days[0]} is later than --to {days[1]}.")

        def act(confirmed: bool) -> Delivery:
            return deliverer.backfill(
                url, one, chosen.name, *days, again=again, confirmed=confirmed, run_id=RUN_ID
            )

    _tell(one, chosen, _confirmed(act, yes=yes))


def _confirmed(act: Callable[[bool], Delivery], *, yes: bool) -> Delivery:
    """Do something that may double events, once a person agreed to it."""
    try:
        return act(yes)
    except ConfirmationNeededError as error:
        typer.echo(str(error))
        if not typer.confirm("Send them?", default=False):
            raise CommandError("Nothing was sent.") from error
        return act(True)


def _chosen(settings: Settings, source: str | None, name: str | None) -> list[tuple[Source, Destination]]:
    if name is not None:
        one = the_source(settings, source)
        return [(one, one.destination(name))]
    chosen = [
        (one, destination) for one in chosen_sources(settings, source) for destination in one.destinations
    ]
    if not chosen:
        raise CommandError("No source has destinations. sendgrid.example.yaml shows how to add one.")
    return chosen


def _tell(source: Source, destination: Destination, done: Delivery) -> None:
    typer.echo(
        f"{source.name} to {destination.name}: {done.sent} event(s) sent, {done.accepted} accepted, {done.rejected} rejected, "
        f"{done.invalid} invalid, {done.delayed} delayed, {done.unknown} unknown; {done.skipped} skipped."
    )


def _url(settings: Settings) -> str:
    return resolve_urls(settings).warehouse.get_secret_value()
