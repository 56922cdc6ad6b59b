"""`webhook`: SendGrid's side of the Event Webhook, and ours."""

from __future__ import annotations

import shlex
import time
from typing import Annotated

import typer

from sendgrid_orchestration.cli.choice import SourceName, chosen_sources, the_source
from sendgrid_orchestration.cli.mistakes import CommandError
from sendgrid_orchestration.cli.tables import print_table
from sendgrid_orchestration.destinations.consumer import address_of
from sendgrid_orchestration.receiver import access
from sendgrid_orchestration.sendgrid import webhooks
from sendgrid_orchestration.sendgrid.client import SendGridClient
from sendgrid_orchestration.sendgrid.webhooks import OAuth
from sendgrid_orchestration.settings import Settings, SettingsError, Source, load_settings
from sendgrid_orchestration.warehouse.engine import connect as connect_to
from sendgrid_orchestration.warehouse.engine import resolve_urls

webhook_app = typer.Typer(no_args_is_help=True, help="The Event Webhook: SendGrid's side of it, and ours.")

Amplitude = Annotated[
    bool, typer.Option("--amplitude", help="The address in the form of Amplitude's SendGrid source.")
]
Seconds = Annotated[float, typer.Option(min=1, help="How long to wait for the test event.")]


@webhook_app.command()
def url(source: SourceName = None, amplitude: Amplitude = False) -> None:
    """Print the address that SendGrid shall post to. It is a secret: whoever knows it may knock.

    With --amplitude it has the form `https://<key>:<secret>@<host>/sendgrid` that Amplitude's SendGrid source uses. Key and secret
    are generated the first time; before that nothing is accepted there.
    """
    settings = load_settings()
    one = the_source(settings, source)
    if amplitude:
        typer.echo(access.amplitude_url(settings, one.name))
    else:
        typer.echo(access.webhook_url(settings, one.name, with_credentials=True))


@webhook_app.command()
def show(source: SourceName = None) -> None:
    """Show every Event Webhook of the account, and which one is ours."""
    settings = load_settings()
    rows = []
    for one in chosen_sources(settings, source):
        ours = access.our_urls(settings, one.name)
        found = webhooks.list_webhooks(SendGridClient.for_source(one))
        for webhook in found.webhooks:
            mine = webhook.url in ours
            shown = _without_token(webhook.shown_url) if mine else webhook.shown_url
            events = "all" if set(webhooks.SWITCHES) <= webhook.events else ", ".join(sorted(webhook.events))
            rows.append((one.name, webhook.id, shown, _yes(webhook.enabled), events, _yes(mine)))
        if not found.webhooks:
            rows.append((one.name, "-", "no webhook yet: `webhook connect` makes one", "", "", ""))
    print_table(("source", "id", "posts to", "enabled", "events", "ours"), rows)


@webhook_app.command()
def connect(
    *,
    source: SourceName = None,
    event: Annotated[
        list[str] | None,
        typer.Option(help="An event to post, by its name in SendGrid's settings; all if left out."),
    ] = None,
    take_over: Annotated[
        str | None,
        typer.Option(help="Id of a webhook that shall post to us instead of to where it posts now."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before taking over.")] = False,
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="Send the test event and wait for it.")
    ] = True,
    wait: Seconds = 90,
) -> None:
    """Let SendGrid post to us: create or update our webhook, switch signing on, keep the key, and see a test arrive.

    No other webhook of the account is touched, unless you name one to take over. Where another one posts elsewhere, it is shown
    how the posts can go on there from here.
    """
    settings = load_settings()
    one = the_source(settings, source)
    _refuse_unknown(event)
    client = SendGridClient.for_source(one)
    _show_what_changes(client, one, take_over, yes)
    try:
        connected = webhooks.connect(
            client,
            access.webhook_url(settings, one.name, with_credentials=True),
            event or webhooks.SWITCHES,
            friendly_name=f"sendgrid-orchestration {one.name}",
            oauth=_oauth(settings, one),
            take_over=take_over,
        )
    except webhooks.NoRoomForWebhookError as error:
        raise CommandError(
            f"{error} `forward` can send every post on to that address from here, as it came: `webhook connect --take-over ID` shows "
            "what to set, and asks before it changes anything."
        ) from error
    if connected.webhook.public_key:
        access.store_public_key(
            settings.data_dir, one.name, connected.webhook.public_key, connected.webhook.id
        )
    done = "created" if connected.created else "up to date"
    typer.echo(f"{one.name}: webhook {connected.webhook.id} is {done}, signed, and posts to our address.")
    for other in connected.others:
        if other.url not in access.our_urls(settings, one.name):
            typer.echo(f"{one.name}: left as it is: {other.id} posts to {other.shown_url}")
            typer.echo(
                f"  To free its slot and have the posts sent on there from here: `webhook connect --take-over {other.id}`."
            )
    if test:
        _see_a_test_arrive(settings, one, client, connected.webhook, wait)


@webhook_app.command()
def test(source: SourceName = None, wait: Seconds = 90) -> None:
    """Have SendGrid send its test events, and wait until they are in the warehouse."""
    settings = load_settings()
    one = the_source(settings, source)
    client = SendGridClient.for_source(one)
    ours = webhooks.list_webhooks(client).at(*access.our_urls(settings, one.name))
    if ours is None:
        raise CommandError(
            f'SendGrid has no webhook for source "{one.name}" that posts to us. Run `webhook connect`.'
        )
    _see_a_test_arrive(settings, one, client, ours, wait)


@webhook_app.command()
def rotate(
    source: SourceName = None,
    amplitude: Amplitude = False,
    finish: Annotated[
        bool,
        typer.Option("--finish", help="Second step: let nobody in with the old address or key any more."),
    ] = False,
) -> None:
    """Change the secret address, in two steps and without losing an event.

    The first makes a new address, has SendGrid post to it, and goes on accepting the old one, which posts under way still
    use. A day later, when SendGrid has no retries left for the old one, `--finish` ends that. With --amplitude key and secret of
    the address in Amplitude's form are changed, and you put the new one into SendGrid yourself.
    """
    settings = load_settings()
    one = the_source(settings, source)
    if amplitude:
        _rotate_login(settings, one, finish=finish)
        return
    if one.webhook.url_tokens:
        raise CommandError(
            f'The address of source "{one.name}" comes from the settings (`webhook.url_tokens`). Put a new token first '
            "there, keep the old one second, and run `webhook connect`."
        )
    if finish:
        tokens = access.retire_tokens(settings.data_dir, one.name)
        keys = access.retire_public_keys(settings.data_dir, one.name)
        typer.echo(f"{one.name}: {tokens} old address(es) and {keys} old key(s) let nobody in any more.")
        return
    client = SendGridClient.for_source(one)
    ours = webhooks.list_webhooks(client).at(access.webhook_url(settings, one.name, with_credentials=True))
    if ours is None:
        raise CommandError(
            f'SendGrid has no webhook for source "{one.name}" that posts to us. Run `webhook connect`.'
        )
    access.rotate_token(settings.data_dir, one.name)
    connected = webhooks.connect(
        client,
        access.webhook_url(settings, one.name, with_credentials=True),
        ours.events,
        friendly_name=ours.friendly_name,
        oauth=_oauth(settings, one),
        take_over=ours.id,
    )
    if connected.webhook.public_key:
        access.store_public_key(
            settings.data_dir, one.name, connected.webhook.public_key, connected.webhook.id
        )
    typer.echo(f"{one.name}: SendGrid posts to a new address. In a day or so: `webhook rotate --finish`.")


def _rotate_login(settings: Settings, source: Source, *, finish: bool) -> None:
    if finish:
        retired = access.retire_logins(settings.data_dir, source.name)
        typer.echo(f"{source.name}: {retired} old key(s) and secret(s) let nobody in any more.")
        return
    access.rotate_login(settings.data_dir, source.name)
    typer.echo(f"{access.amplitude_url(settings, source.name)}")
    typer.echo(
        f"{source.name}: put this address into SendGrid. In a day or so: `webhook rotate --amplitude --finish`."
    )


def _show_what_changes(client: SendGridClient, source: Source, take_over: str | None, yes: bool) -> None:
    """Before another address loses its events, a person says so (promise S12), and learns how it can go on having them."""
    if take_over is None:
        return
    known = {webhook.id: webhook for webhook in webhooks.list_webhooks(client).webhooks}
    if take_over not in known:
        raise CommandError(f"The account has no webhook {take_over}. It has {', '.join(known) or 'none'}.")
    webhook = known[take_over]
    typer.echo(f"Webhook {take_over} posts to {webhook.shown_url}, and would no longer do so.")
    if not _is_forwarded_to(source, webhook.url):
        typer.echo(_how_to_forward(source, webhook))
    if not yes and not typer.confirm("Take it over?"):
        raise CommandError("Nothing was changed.")


def _is_forwarded_to(source: Source, url: str) -> bool:
    for forward in source.forward:
        try:
            if forward.enabled and address_of(source, forward).get_secret_value() == url:
                return True
        except SettingsError:
            continue  # `doctor` says that it is missing
    return False


def _how_to_forward(source: Source, webhook: webhooks.EventWebhook) -> str:
    """What to set so that an address goes on having every post. It names the address: after a take-over SendGrid does not know it."""
    variable = f"{source.name.upper()}_PREVIOUS_WEBHOOK"
    signed = (
        "Its posts are signed, and stay so; the webhook keeps its key."
        if webhook.public_key
        else "Its posts are not signed yet; a consumer that does not look will not notice that they are from now on."
    )
    some = sorted(webhook.events.intersection(webhooks.SWITCHES))
    chosen = (
        f" It has only {', '.join(some)} until now, and would get all events: `--event` for each of these keeps it so, for both of you."
        if len(some) < len(webhooks.SWITCHES)
        else ""
    )
    return (
        "Every post can go on there from here, byte for byte and with its signature. Before you take the webhook over, put this under "
        f'source "{source.name}" in the settings, the address into that variable, start Dagster again, and wait until `forward list` no longer says "not begun":\n\n'
        f"    forward:\n      - {{ name: previous, enabled: true, url: {{ env: {variable} }} }}\n\n"
        f"    {variable}={shlex.quote(webhook.url)}\n\n{signed}{chosen}"
    )


def _see_a_test_arrive(
    settings: Settings, source: Source, client: SendGridClient, webhook: webhooks.EventWebhook, seconds: float
) -> None:
    warehouse = resolve_urls(settings).warehouse.get_secret_value()
    before = _events(warehouse, source)
    webhooks.send_test(client, webhook)
    typer.echo(f"{source.name}: SendGrid was asked for its test events; waiting for them …")
    deadline = time.monotonic() + seconds
    while (arrived := _events(warehouse, source) - before) <= 0:
        if time.monotonic() > deadline:
            raise CommandError(
                f"No event arrived within {seconds:.0f} s. Check that the receiver runs and is reached under "
                f"{settings.receiver.public_url or 'receiver.public_url (not set)'}, and that Dagster's daemon runs "
                "(or run `load`). `doctor` looks at all of it."
            )
        time.sleep(1)
    typer.echo(f"{source.name}: {arrived} event(s) arrived. It works.")


def _events(warehouse: str, source: Source) -> int:
    """How many items were ever read: test events that came before are known already, and are not inserted again."""
    with connect_to(warehouse) as conn:
        exists = conn.execute("select to_regclass(%s)", [f"{source.raw_schema}.loads"]).fetchone()
        if exists is None or exists[0] is None:
            return 0
        row = conn.execute(
            f"select coalesce(sum(events_read), 0) from {source.raw_schema}.loads".encode()
        ).fetchone()
    assert row is not None
    return int(row[0])


def _oauth(settings: Settings, source: Source) -> OAuth | None:
    oauth = source.webhook.oauth
    if oauth is None:
        return None
    secret = oauth.client_secret.read(f'OAuth client secret of source "{source.name}"')
    return OAuth(oauth.client_id, secret, f"{access.base_url(settings)}/oauth/token")


def _refuse_unknown(events: list[str] | None) -> None:
    if unknown := set(events or ()) - set(webhooks.SWITCHES):
        raise CommandError(
            f"No such event: {', '.join(sorted(unknown))}. There are {', '.join(webhooks.SWITCHES)}."
        )


def _without_token(address: str) -> str:
    return address if address.endswith(access.AMPLITUDE_PATH) else address.rsplit("/", 1)[0] + "/…"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
