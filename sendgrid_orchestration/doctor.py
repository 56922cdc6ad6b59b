"""Everything that a person can get wrong, checked in one go: what was found, and what to do about it.

It reads and changes nothing, but for a file of a few bytes that it writes to the landing and removes again. Of Dagster it knows
nothing: who does hands in probes of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Literal, get_args
from urllib.parse import urlsplit

import psycopg
import requests

from sendgrid_orchestration import alerts
from sendgrid_orchestration.destinations.consumer import open_consumer
from sendgrid_orchestration.destinations.errors import DestinationError
from sendgrid_orchestration.health import source_findings
from sendgrid_orchestration.landing.errors import LandingError
from sendgrid_orchestration.landing.store import open_store, without_credentials
from sendgrid_orchestration.load import ledger
from sendgrid_orchestration.receiver import access
from sendgrid_orchestration.sendgrid import family
from sendgrid_orchestration.sendgrid.client import RetryPolicy, SendGridClient
from sendgrid_orchestration.sendgrid.errors import (
    InvalidKeyError,
    MissingScopeError,
    NotAllowedError,
    NotFoundError,
    SendGridError,
    UnexpectedAnswerError,
    WrongFamilyError,
)
from sendgrid_orchestration.sendgrid.events import EVENT_TYPES
from sendgrid_orchestration.sendgrid.family import Family
from sendgrid_orchestration.sendgrid.integrations import list_integrations
from sendgrid_orchestration.sendgrid.scopes import beyond_reading, grants, needed_for
from sendgrid_orchestration.sendgrid.webhooks import SWITCHES, list_webhooks
from sendgrid_orchestration.settings import ObjectName, Settings, SettingsError, Source
from sendgrid_orchestration.sync import OBJECTS
from sendgrid_orchestration.warehouse.engine import connect, place, resolve_urls
from sendgrid_orchestration.warehouse.errors import EmbeddedPostgresError, WarehouseUnreachableError

OLDEST_POSTGRES = 14

IMPATIENT = RetryPolicy(attempts=2, first_wait=0.5, total_wait=20, connect_timeout=5, read_timeout=30)
"""A person is waiting; what does not answer soon is a finding."""


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        name: what was looked at.
        subject: of which source, or of what.
        remedy: what to do; empty where all is well.
    """

    name: str
    subject: str
    status: Literal["ok", "warn", "fail"]
    finding: str
    remedy: str = ""


Probe = Callable[[], Iterable[Check]]


def run_checks(settings: Settings, probes: Sequence[Probe] = ()) -> list[Check]:
    """Look at everything.

    Args:
        settings: as they were loaded; a file with mistakes never gets this far.
        probes: of what this module may not know, such as Dagster's daemons.
    """
    checks = [
        Check("settings", "file", "ok", f"{len(settings.sources)} sources: {_names(settings.sources)}.")
    ]
    checks += _warehouse(settings)
    landing = _landing(settings)
    checks.append(landing)
    for source in settings.sources:
        checks += _source(settings, source)
        checks += forwards(settings, source)
        checks += _public_url(settings, source)
        if landing.status == "ok":  # where it does not answer, each look at it would take half a minute
            checks += _health(settings, source)
    checks += _alerts(settings)
    for probe in probes:
        checks += probe()
    return checks


def _source(settings: Settings, source: Source) -> Iterator[Check]:
    try:
        client = SendGridClient.for_source(source, IMPATIENT)
    except SettingsError as error:
        yield Check("key", source.name, "fail", str(error), f"Put the key there: {source.api_key.place}.")
        return
    try:
        scopes = client.scopes()
    except InvalidKeyError as error:
        yield Check(
            "key", source.name, "fail", str(error), "Create a key under Settings > API Keys in SendGrid."
        )
        return
    except SendGridError as error:
        yield Check("key", source.name, "fail", str(error), f"See whether {client.api_url} can be reached.")
        return
    yield Check("key", source.name, "ok", f"SendGrid at {client.api_url} knows it; {len(scopes)} scopes.")
    yield _surplus(source, scopes)
    yield _region(source)
    found, check = _family(client, source)
    yield check
    for name in get_args(ObjectName):
        if name not in source.skip_objects:
            yield _object(client, source, name, found, scopes)
    yield from _webhook(settings, source, client)
    yield from doubles(source, client)


def forwards(settings: Settings, source: Source) -> Iterator[Check]:
    """Whether posts can go on to where the settings say, and not to Amplitude beside a destination for it."""
    amplitude = [one.name for one in source.destinations if one.enabled and one.kind == "amplitude"]
    for forward in source.forward:
        subject = f"{source.name}.{forward.name}"
        if not forward.enabled:
            yield Check("forward", subject, "ok", "It is disabled: no post goes on.")
            continue
        try:
            consumer = open_consumer(source, forward, access.base_url(settings))
        except (DestinationError, SettingsError) as error:
            yield Check("forward", subject, "fail", str(error), "Correct `forward` of this source.")
            continue
        if amplitude and _is_amplitude(consumer.host):
            yield Check(
                "doubles",
                subject,
                "warn",
                f"Every post goes on to {consumer.host}, and destination {amplitude[0]} sends the same events there, under other ids.",
                "Disable one of the two.",
            )
        else:
            yield Check("forward", subject, "ok", f"Posts go on to {consumer.host}.")


def _surplus(source: Source, scopes: frozenset[str]) -> Check:
    """Promise S99: more than is needed is told, though it works."""
    more = beyond_reading(scopes)
    if not more:
        return Check("scopes", source.name, "ok", "The key may read, and little else.")
    shown = ", ".join(more[:4]) + (f" and {len(more) - 4} more" if len(more) > 4 else "")
    return Check(
        "scopes",
        source.name,
        "warn",
        f"The key may also change or send things: {shown}. A Full Access key reaches all of the account but billing and "
        "address validation.",
        "A key with read access to Marketing, Suppressions, Stats and Templates is enough for syncing.",
    )


def _region(source: Source) -> Check:
    if source.region == "eu" and source.marketing != "none":
        return Check(
            "region",
            source.name,
            "warn",
            "SendGrid has no Marketing Campaigns in its EU region.",
            "Set `marketing: none` for this source.",
        )
    return Check("region", source.name, "ok", f"{source.region}: {source.api_url}.")


def _family(client: SendGridClient, source: Source) -> tuple[Family | MissingScopeError, Check]:
    """The family of the account, or why the key cannot tell."""
    try:
        found = family.detect(client, source.marketing)
    except MissingScopeError as refusal:
        return refusal, Check(
            "family",
            source.name,
            "warn",
            f"{refusal} Without it no object of Marketing Campaigns is fetched.",
            f"Give the key {refusal.permission}, or set `marketing: none`.",
        )
    except SendGridError as error:
        return "none", Check(
            "family", source.name, "fail", str(error), "See above, or set `marketing` for this source."
        )
    how = "as set" if source.marketing != "auto" else "as detected"
    if found == "none" and source.marketing == "auto":
        return found, Check(
            "family",
            source.name,
            "warn",
            "The account has no Marketing Campaigns: lists, segments and recipients stay empty.",
            "Set `marketing: none` if that is so.",
        )
    return found, Check("family", source.name, "ok", f"Marketing Campaigns: {found}, {how}.")


def _object(
    client: SendGridClient,
    source: Source,
    name: ObjectName,
    found: Family | MissingScopeError,
    scopes: frozenset[str],
) -> Check:
    spec = OBJECTS[name]
    subject = f"{source.name}.{name}"
    if spec.marketing and isinstance(found, MissingScopeError):
        return _not_granted(subject, name, found)
    on: Family = "none" if isinstance(found, MissingScopeError) or not spec.marketing else found
    if spec.why_missing(on, source.region):
        return Check(
            "object", subject, "ok", "This account does not have it.", "skip_objects leaves out its asset."
        )
    endpoint = spec.endpoints[on].replace("{today}", date.today().isoformat())
    try:
        client.get(endpoint)
    except SendGridError as error:
        if absence := _absence(name, on, error):
            return Check("object", subject, "ok", absence)
        try:
            if isinstance(error, NotAllowedError):
                return _not_granted(subject, name, family.missing_scope(client, on, error))
        except SendGridError:
            pass  # the settings are wrong, not the key
        return Check("object", subject, "fail", str(error), f"See above, or add {name} to skip_objects.")
    for path in spec.reads:
        access_needed = needed_for(path)
        if access_needed is not None and not grants(scopes, access_needed):
            return _not_granted(
                subject,
                name,
                MissingScopeError(
                    f"It also reads {path}, for which the key lacks the scope {access_needed.scopes[0]}.",
                    permission=access_needed.label,
                    scope=access_needed.scopes[0],
                ),
            )
    return Check("object", subject, "ok", f"{endpoint.partition('?')[0]} answers.")


def _absence(name: ObjectName, on: Family, error: SendGridError) -> str | None:
    """Why the error only says that the account does not have the object; None where it says more."""
    if name == "campaigns" and on == "new" and isinstance(error, (NotFoundError, WrongFamilyError)):
        return "This account does not offer the undocumented list of campaigns."
    if name in ("subusers", "subuser_stats") and isinstance(error, UnexpectedAnswerError):
        return "This account cannot have subusers." if error.status == HTTPStatus.UNAUTHORIZED else None
    return None


def _not_granted(subject: str, name: ObjectName, refusal: MissingScopeError) -> Check:
    needed = (
        f"{refusal.permission} (scope {refusal.scope})" if refusal.permission else "the permission for it"
    )
    return Check(
        "object",
        subject,
        "warn",
        f"Not granted, so it is skipped and its rows stay as they are. {refusal}",
        f"Give the key {needed}, or add {name} to skip_objects.",
    )


def _webhook(settings: Settings, source: Source, client: SendGridClient) -> Iterator[Check]:
    known = access.read_access(settings.data_dir, source.name)
    if not access.is_connected(settings, source):
        yield Check(
            "webhook",
            source.name,
            "warn",
            "No webhook URL was made yet.",
            "Connect the webhook of this source.",
        )
        return
    try:
        webhooks = list_webhooks(client)
    except SendGridError as error:
        yield Check(
            "webhook",
            source.name,
            "warn",
            f"Its settings cannot be read: {error}",
            "Look at Settings > Mail Settings > Event Webhook in SendGrid.",
        )
        return
    ours = webhooks.at(*access.our_urls(settings, source.name))
    if ours is None:
        yield Check(
            "webhook",
            source.name,
            "fail",
            f"SendGrid has {len(webhooks.webhooks)} webhooks, and none posts to this receiver.",
            "Connect the webhook of this source; the others stay as they are.",
        )
        return
    if not ours.enabled:
        yield Check(
            "webhook",
            source.name,
            "fail",
            "It is switched off.",
            "Switch it on in SendGrid, or connect again.",
        )
    missing = sorted(set(SWITCHES) - ours.events)
    yield (
        Check("webhook", source.name, "ok", "It posts to this receiver, all events.")
        if not missing
        else Check(
            "webhook",
            source.name,
            "warn",
            f"It does not post {', '.join(missing)}.",
            "Connect again to have all.",
        )
    )
    accepted = {stored.key for stored in known.public_keys} | set(source.webhook.public_keys)
    has_login = ours.url.endswith(access.AMPLITUDE_PATH)
    # A post with a login needs no signature, and one of a key that nobody knows is only refused if another key is known.
    is_required = source.webhook.require_signature and not (has_login and not (accepted and ours.public_key))
    yield _signature(source, ours.public_key, accepted, is_required=is_required)


def _signature(source: Source, key: str, accepted: set[str], *, is_required: bool) -> Check:
    status: Literal["ok", "warn", "fail"] = "fail" if is_required else "warn"
    if not key:
        return Check(
            "signature",
            source.name,
            status,
            "SendGrid does not sign its posts.",
            "Connect again: it switches signing on.",
        )
    if key not in accepted:
        return Check(
            "signature",
            source.name,
            status,
            f"SendGrid signs with a key that the receiver does not know, so {'posts are refused' if is_required else 'nobody checks it'}.",
            "Connect again: it fetches the key.",
        )
    return Check("signature", source.name, "ok", "Posts are signed, and the receiver knows the key.")


def doubles(source: Source, client: SendGridClient) -> Iterator[Check]:
    """Whether SendGrid itself sends on what a destination of ours sends: the vendor would get it twice, under other ids."""
    for destination in source.destinations:
        if not destination.enabled:
            continue
        subject = f"{source.name}.{destination.name}"
        if destination.kind == "segment":
            look, place = _integrations, "Settings > Integrations > Segment"
        elif destination.kind == "amplitude":
            look, place = _amplitude_webhooks, "Settings > Mail Settings > Event Webhook"
        else:
            continue
        try:
            others = {name: sorted(events & destination.events) for name, events in look(client).items()}
        except SendGridError as error:
            yield Check(
                "doubles",
                subject,
                "warn",
                f"Whether SendGrid itself sends events to {destination.kind.title()} cannot be read: {error}",
                f"Look at {place} in SendGrid.",
            )
            continue
        both = {name: events for name, events in others.items() if events}
        for name, events in both.items():
            yield Check(
                "doubles",
                subject,
                "warn",
                f"SendGrid itself sends to {destination.kind.title()} as well ({name}): {', '.join(events)} may be there twice, "
                "under other ids.",
                f"Switch it off under {place} in SendGrid, or `enabled: false` here.",
            )
        if not both:
            yield Check(
                "doubles", subject, "ok", f"SendGrid itself sends none of this to {destination.kind.title()}."
            )


def _integrations(client: SendGridClient) -> dict[str, frozenset[str]]:
    """What SendGrid's integrations with Segment send, by what they are called."""
    found = [one for one in list_integrations(client) if one.destination.lower() in ("segment", "")]
    return {f'integration {one.id} "{one.label}", {one.region}': one.events for one in found}


def _amplitude_webhooks(client: SendGridClient) -> dict[str, frozenset[str]]:
    """What Event Webhooks post to Amplitude, in the words of the webhook's events."""
    word = {event.setting: event.webhook for event in EVENT_TYPES}
    found = {}
    for webhook in list_webhooks(client).webhooks:
        host = urlsplit(webhook.url).hostname or ""
        if webhook.enabled and _is_amplitude(host):
            events = {word[setting] for setting in webhook.events}
            found[f"webhook {webhook.id} to {host}"] = frozenset(
                events | ({"machine_opened"} if "open" in events else set())
            )
    return found


def _is_amplitude(host: str) -> bool:
    return host == "amplitude.com" or host.endswith(".amplitude.com")


def _landing(settings: Settings) -> Check:
    place = without_credentials(settings.landing_url)
    try:
        open_store(settings.landing_url).check_writable()
    except LandingError as error:
        return Check(
            "landing", place, "fail", str(error), "Then run `doctor` again: the health checks need it."
        )
    return Check("landing", place, "ok", "It can be written and read.")


def _warehouse(settings: Settings) -> Iterator[Check]:
    try:
        url = resolve_urls(settings).warehouse.get_secret_value()
        with connect(url) as conn:
            yield from _privileges(conn, settings, place(url))
    except (WarehouseUnreachableError, EmbeddedPostgresError) as error:
        yield Check("warehouse", "postgres", "fail", str(error), "Start it, or set WAREHOUSE_URL.")


def _privileges(conn: psycopg.Connection, settings: Settings, where: str) -> Iterator[Check]:
    version = conn.info.server_version // 10_000
    if version < OLDEST_POSTGRES:
        yield Check(
            "warehouse",
            where,
            "fail",
            f"It is Postgres {version}.",
            f"Postgres {OLDEST_POSTGRES} or newer is needed.",
        )
        return
    query = """
        select
            has_database_privilege(current_database(), 'create'),
            has_database_privilege(current_database(), 'temporary'),
            array(select nspname from pg_namespace where has_schema_privilege(nspname, 'create'))
    """
    row = conn.execute(query).fetchone()
    assert row is not None
    may_create, may_stage, writable = row
    schemas = [name for source in settings.sources for name in source.schemas if name not in writable]
    if not may_stage:
        yield Check(
            "warehouse",
            where,
            "fail",
            "This user may not make temporary tables.",
            "Grant TEMPORARY on the database.",
        )
    elif schemas and not may_create:
        yield Check(
            "warehouse",
            where,
            "fail",
            f"This user may neither create nor fill the schemas {', '.join(schemas)}.",
            "Grant CREATE on the database, or create the schemas and make this user their owner.",
        )
    else:
        yield Check("warehouse", where, "ok", f"Postgres {version}; this user may do what is needed.")


def _health(settings: Settings, source: Source) -> Iterator[Check]:
    """What Dagster's sensor checks every minute."""
    try:
        with connect(resolve_urls(settings).warehouse.get_secret_value()) as conn:
            findings = source_findings(
                conn,
                open_store(settings.landing_url),
                source,
                settings.checks,
                is_connected=access.is_connected(settings, source),
            )
            failed = ledger.still_failed(conn, open_store(settings.landing_url), source, forget=False)
    except (WarehouseUnreachableError, EmbeddedPostgresError):
        return  # said already
    except Exception as error:  # each file system has errors of its own
        yield Check("health", source.name, "fail", f"It cannot be checked: {error}", "See `landing` above.")
        return
    for finding in findings:
        status: Literal["ok", "fail"] = "ok" if finding.healthy else "fail"
        yield Check(finding.check, source.name, status, finding.sentence, finding.remedy)
    if not failed:
        yield Check("set aside", source.name, "ok", "Every landed file could be loaded.")
    for file in failed:
        yield Check(
            "set aside",
            source.name,
            "fail",
            str(file),
            "Upgrade, then run `sendgrid-orchestration load --retry-set-aside`.",
        )


def _public_url(settings: Settings, source: Source) -> Iterator[Check]:
    if settings.receiver.public_url is None or not access.is_connected(settings, source):
        return
    # Only the paths of the webhook are open to the outside. The receiver answers 405 to a GET there, whatever the token.
    paths = {"/webhook/": f"/webhook/{source.name}/doctor"}
    if access.read_access(settings.data_dir, source.name).logins:
        paths[access.AMPLITUDE_PATH] = access.AMPLITUDE_PATH
    for shown, path in paths.items():
        yield _reached(settings, source, shown, access.base_url(settings) + path)


def _reached(settings: Settings, source: Source, shown: str, url: str) -> Check:
    try:
        status_code = requests.get(url, timeout=IMPATIENT.read_timeout, allow_redirects=False).status_code
    except requests.RequestException as error:
        return Check(
            "public url",
            source.name,
            "fail",
            f"{settings.receiver.public_url} cannot be reached from here ({type(error).__name__}).",
            "Check DNS, the proxy and its certificate, and that the receiver runs.",
        )
    if status_code == requests.codes.method_not_allowed:
        return Check(
            "public url", source.name, "ok", f"The receiver answers at {settings.receiver.public_url}."
        )
    return Check(
        "public url",
        source.name,
        "fail",
        f"{settings.receiver.public_url} answers {status_code} at {shown}, which the receiver never does there.",
        f"Let the proxy pass {shown} on to the receiver, without redirects.",
    )


def _alerts(settings: Settings) -> Iterator[Check]:
    if not settings.alerts.urls:
        yield Check(
            "alerts",
            "channels",
            "warn",
            "Nobody hears of failures: no channel is set.",
            "Put an Apprise URL under `alerts.urls`.",
        )
    for channel in settings.alerts.urls:
        try:
            alerts.check_channel(channel, allow_plaintext_login=settings.alerts.allow_plaintext_login)
        except SettingsError as error:
            yield Check("alerts", channel.place, "fail", str(error), "Correct the URL kept there.")
        else:
            yield Check("alerts", channel.place, "ok", "A channel that Apprise understands.")


def _names(sources: Sequence[Source]) -> str:
    return ", ".join(source.name for source in sources)
