"""Everything a person may configure, as one typed, frozen object.

Values come from a YAML file (`sendgrid.yaml` beside the project, or the file that `SENDGRID_CONFIG` names); a handful of
environment variables override it so that one file serves every environment. Secrets never stand in the file: it
says where to find each of them (`{env: NAME}` or `{file: PATH}`), they are read when they are needed, and no repr,
log or error shows one.

This module imports nothing of the project, and every room may import it.
"""

from __future__ import annotations

import logging
import os
import re
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    HttpUrl,
    SecretStr,
    Tag,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

logger = logging.getLogger(__name__)

PROJECT_ROOT = Path(__file__).resolve().parent.parent
DEFAULT_CONFIG = "sendgrid.yaml"

IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,47}")
"""What a nickname and a schema may look like: it goes unquoted into SQL, asset keys and paths, and the longest suffix
(`_marts`, `_raw`) must still fit into Postgres's 63 bytes."""

ObjectName = Literal[
    "lists",
    "segments",
    "recipients",
    "field_definitions",
    "list_members",
    "segment_members",
    "campaigns",
    "single_sends",
    "single_send_stats",
    "automation_stats",
    "single_send_links",
    "automation_links",
    "senders",
    "verified_senders",
    "unsubscribe_groups",
    "unsubscribe_group_members",
    "bounces",
    "blocks",
    "invalid_emails",
    "spam_reports",
    "global_unsubscribes",
    "templates",
    "categories",
    "daily_stats",
    "category_stats",
    "mailbox_provider_stats",
    "device_stats",
    "client_stats",
    "browser_stats",
    "geo_stats",
    "subusers",
    "subuser_stats",
]
"""The objects that the sync knows; each is an asset of its own, and a source may leave any out."""

CustomArgType = Literal["text", "integer", "numeric", "boolean", "timestamp"]

DeliveryEvent = Literal[
    "processed",
    "dropped",
    "delivered",
    "deferred",
    "bounce",
    "open",
    "machine_opened",
    "click",
    "spamreport",
    "unsubscribe",
    "group_unsubscribe",
    "group_resubscribe",
]
"""The events that a destination can choose from: SendGrid's own words, and `machine_opened` for an open by a machine, which
SendGrid's Segment integration lists as an event of its own."""


class SettingsError(Exception):
    """A mistake in the settings, told as one sentence a line: the key, what is wrong with it, what to write instead."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SecretRef(_Part):
    """Where a secret is kept: an environment variable or a file. Reading it is the caller's moment, not ours."""

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_names_no_place(cls, value: object) -> object:
        if isinstance(value, str):
            raise ValueError(
                "a secret may not stand in the settings file. Write `{env: NAME}` and set that variable, or `{file: PATH}`"
            )
        if value is None:
            raise ValueError("is empty. Write `{env: NAME}` or `{file: PATH}`, or leave the line out")
        return value

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("name one place, either `{env: NAME}` or `{file: PATH}`")
        return self

    @property
    def place(self) -> str:
        """The place in words, for messages: never the secret."""
        return f"environment variable {self.env}" if self.env else f"file {self.file}"

    def is_set(self) -> bool:
        """Whether there is anything at that place."""
        return bool(os.environ.get(self.env)) if self.env else bool(self.file and self.file.is_file())

    def read(self, purpose: str) -> SecretStr:
        """The secret, with surrounding white space removed (people paste keys with newlines; promise S8).

        Args:
            purpose: what it is for, as it would stand in a sentence: `API key of source "marketing"`.

        Raises:
            SettingsError: nothing is kept there.
        """
        raw = os.environ.get(self.env, "") if self.env else self._read_file(purpose)
        secret = raw.strip()
        if not secret:
            raise SettingsError(
                f"The {purpose} is missing: {self.place} is empty or not set. Put the secret there."
            )
        if secret != raw and not (self.file and raw == secret + "\n"):
            logger.warning(
                "The %s had spaces or newlines around it (%s); they were ignored.", purpose, self.place
            )
        return SecretStr(secret)

    def _read_file(self, purpose: str) -> str:
        assert self.file is not None
        try:
            return self.file.read_text(encoding="utf-8")
        except OSError as error:
            raise SettingsError(
                f"The {purpose} is missing: file {self.file} cannot be read ({error.strerror}). "
                "Create it, or let this process read it."
            ) from error


def _identifier(value: str) -> str:
    if not IDENTIFIER.fullmatch(value):
        raise ValueError(
            f'"{value}" must be lower-case letters, digits and underscores, begin with a letter, at most 48 long. '
            f'Write "{to_identifier(value)}"'
        )
    return value


def to_identifier(label: str) -> str:
    """The schema name that goes with a label: `Sendgrid_Prod` becomes `sendgrid_prod` (promise S47)."""
    slug = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
    return (slug if slug[:1].isalpha() else f"_{slug}")[:48]


Identifier = Annotated[str, AfterValidator(_identifier)]


class BasicAuth(_Part):
    """User and password that must stand in the webhook's URL (`https://user:password@host/…`)."""

    username: str
    password: SecretRef


class OAuthClient(_Part):
    """The OAuth 2.0 client that SendGrid acts as: it fetches its token from our token endpoint (client credentials)."""

    client_id: str
    client_secret: SecretRef


class Webhook(_Part):
    """How posts of one source prove that they come from SendGrid.

    The URL's token and the public keys may stand here; where they do not, `webhook connect` creates them and keeps
    them in the data directory. Several of each are accepted at once so that they can be rotated without a lost event.
    """

    url_tokens: tuple[SecretRef, ...] = ()
    public_keys: tuple[str, ...] = ()
    basic_auth: BasicAuth | None = None
    oauth: OAuthClient | None = None
    require_signature: bool = True


Region = Annotated[
    Literal["US", "EU"], BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value)
]


class _Destination(_Part):
    """What every destination has."""

    name: Identifier
    enabled: bool = False
    """Nothing is sent before this is true, and nothing that happened while it was false is sent afterwards."""
    paused: bool = False
    """Sends nothing for now; what is loaded meanwhile is sent when this is false again."""
    start: Literal["now", "beginning"] | date = "now"
    """Which events are sent when it is enabled: those loaded from then on, all, or those from this UTC day on."""
    events: frozenset[DeliveryEvent] = frozenset(get_args(DeliveryEvent)) - {"deferred"}
    marketing_only: bool = False
    """Sends only events of single sends and automations."""
    send_copies: bool = False
    """Sends also events that SendGrid repeated under another id."""
    send_test_posts: bool = False
    """Sends also the events of SendGrid's "Test your integration"."""
    max_events_per_second: int | None = Field(default=1000, ge=1)

    @field_validator("events", mode="before")
    @classmethod
    def _some_events_by_their_names(cls, value: Any) -> Any:
        if isinstance(value, list | tuple | set | frozenset):
            if not value:
                raise ValueError("choose at least one event, or leave the line out")
            # SendGrid's Segment integration has a word of its own for one event.
            return frozenset("dropped" if name == "drop" else name for name in value)
        return value


class SegmentDestination(_Destination):
    """Segment's HTTP API, or another collector that takes the same calls (RudderStack, Jitsu)."""

    kind: Literal["segment"]
    write_key: SecretRef
    region: Region = "US"
    """The region of the Segment workspace; with another one events are lost without an error."""
    endpoint: HttpUrl | None = None
    """The address of a compatible collector, without `/v1`."""
    resend_window_hours: float = Field(default=24, gt=0)
    """For how long an event that is sent again is recognised by its id and ignored."""


class AmplitudeDestination(_Destination):
    """Amplitude's HTTP V2 API, and its Batch API for backfills."""

    kind: Literal["amplitude"]
    api_key: SecretRef
    region: Region = "US"
    endpoint: HttpUrl | None = None
    """The address of a proxy or a simulator, without a path."""
    min_id_length: int = Field(default=1, ge=1)
    """The shortest user id that Amplitude is to take. Its own default of five would strip an `amp_user_id` such as 42."""
    resend_window_hours: float = Field(default=7 * 24, gt=0)
    """For how long an event that is sent again is recognised by its id and ignored."""


class WebhookDestination(_Destination):
    """Any HTTP endpoint, with posts signed as Standard Webhooks describes."""

    kind: Literal["webhook"]
    endpoint: HttpUrl
    secret: SecretRef
    """The signing secret that both sides know: `whsec_` and 24 to 64 random bytes in base64."""
    events_per_post: int = Field(default=100, ge=1, le=1000)
    resend_window_hours: float = Field(default=24, gt=0)
    """For how long the endpoint recognises the id of an event that it had before."""


Destination = Annotated[
    SegmentDestination | AmplitudeDestination | WebhookDestination, Field(discriminator="kind")
]
"""Where a source's events are sent, by `kind`."""


def _without_login(url: HttpUrl) -> HttpUrl:
    if url.username or url.password:
        raise ValueError(
            "user and password may not stand in the settings file. Put the whole address into an environment variable or a file, and "
            "write `{env: NAME}` or `{file: PATH}`"
        )
    return url


ForwardUrl = Annotated[
    Annotated[HttpUrl, AfterValidator(_without_login), Tag("address")] | Annotated[SecretRef, Tag("secret")],
    Discriminator(lambda value: "secret" if isinstance(value, dict | SecretRef) else "address"),
]
"""An address, or where one is kept that holds a secret."""


class Forward(_Part):
    """Where a source's posts go on to as they came, such as the consumer that SendGrid's webhook posted to before."""

    name: Identifier
    enabled: bool = False
    """Nothing is forwarded before this is true, and nothing that arrived while it was false is forwarded afterwards."""
    paused: bool = False
    """Forwards nothing for now; what arrives meanwhile is forwarded when this is false again."""
    start: Literal["now", "beginning"] | date = "now"
    """Which posts are forwarded when it is enabled: those received from then on, all, or those from this UTC day on."""
    url: ForwardUrl
    max_tries: int = Field(default=3, ge=1, le=100)
    """A post that is refused (4xx, but not 408 and 429) so often is listed as rejected, and the next one follows."""
    answer_seconds: float = Field(default=30.0, gt=0, le=600)
    """For how long an answer is waited for."""


class Source(_Part):
    """One SendGrid account (or subuser): a key, a region, a webhook and the schema that it alone fills."""

    name: Identifier
    label: str = ""
    schema_: Identifier = Field(alias="schema")
    api_key: SecretRef = SecretRef(env="SENDGRID_API_KEY")
    region: Literal["global", "eu"] = "global"
    base_url: HttpUrl | None = None
    subuser: str | None = None
    marketing: Literal["auto", "new", "legacy", "none"] = "auto"
    skip_objects: frozenset[ObjectName] = frozenset()
    stats_since: date | None = None
    """The first day that statistics by day are read for; by default thirteen months before the first sync. An earlier day that
    is set later is read back to at the next sync."""
    custom_args: dict[Identifier, CustomArgType] = {}
    webhook: Webhook = Webhook()
    destinations: tuple[Destination, ...] = ()
    forward: tuple[Forward, ...] = ()

    @field_validator("destinations", "forward")
    @classmethod
    def _no_two_alike(cls, parts: Any, info: ValidationInfo) -> Any:
        names = [part.name for part in parts]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            what = "destinations" if info.field_name == "destinations" else "forwards"
            raise ValueError(f"two {what} have the name {', '.join(twice)}. Give each its own")
        return parts

    @field_validator("schema_")
    @classmethod
    def _not_of_postgres_itself(cls, value: str) -> str:
        if value.startswith("pg_") or value == "information_schema":
            raise ValueError(f"{value} is kept for Postgres itself. Take another name")
        return value

    @model_validator(mode="before")
    @classmethod
    def _name_gives_label_and_schema(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("name"), str):
            name = to_identifier(value["name"])
            return {"label": value["name"], "schema": name, **value, "name": name}
        return value

    @property
    def raw_schema(self) -> str:
        """The schema of the tables that the loader and the sync own."""
        return f"{self.schema_}_raw"

    @property
    def marts_schema(self) -> str:
        """The schema of the marts."""
        return f"{self.schema_}_marts"

    @property
    def segment_schema(self) -> str:
        """The schema of the views that have the shape of Segment's warehouse."""
        return f"{self.schema_}_segment"

    @property
    def schemas(self) -> tuple[str, ...]:
        """Every schema that this source alone fills."""
        return (
            self.raw_schema,
            self.schema_,
            f"{self.schema_}_staging",
            self.marts_schema,
            self.segment_schema,
        )

    def destination(self, name: str) -> Destination:
        """The destination with this name.

        Raises:
            SettingsError: there is none.
        """
        for destination in self.destinations:
            if destination.name == name:
                return destination
        known = ", ".join(destination.name for destination in self.destinations) or "none"
        raise SettingsError(f'Source "{self.name}" has no destination "{name}". The settings name: {known}.')

    def forward_to(self, name: str) -> Forward:
        """The forward with this name.

        Raises:
            SettingsError: there is none.
        """
        for forward in self.forward:
            if forward.name == name:
                return forward
        known = ", ".join(forward.name for forward in self.forward) or "none"
        raise SettingsError(f'Source "{self.name}" has no forward "{name}". The settings name: {known}.')

    @property
    def api_url(self) -> str:
        """The API's address without a trailing slash: `base_url` where it is set, else the region's (peers #22)."""
        if self.base_url:
            return str(self.base_url).rstrip("/")
        return "https://api.eu.sendgrid.com" if self.region == "eu" else "https://api.sendgrid.com"


class Warehouse(_Part):
    """Where the data goes. Without a URL the project runs a private Postgres of its own under the data directory."""

    url: SecretStr | None = None
    """`postgresql://user:password@host:5432/database`; the environment variable WAREHOUSE_URL comes first."""
    dagster_url: SecretStr | None = None
    """Where Dagster keeps its runs and events; by default the database `dagster` on the same server."""
    reader_role: Identifier = "sendgrid_reader"

    @field_validator("url", "dagster_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.match(r"postgres(ql)?://[^/]+/\w", value.get_secret_value()):
            raise ValueError("must look like postgresql://user:password@host:5432/database")
        return value


class Landing(_Part):
    """Where posts are kept: any fsspec URL. A URL that is not `file://` is fed from a spool on local disk."""

    url: str = ""
    """By default the folder `landing` in the data directory; the environment variable LANDING_URL comes first."""
    seal_seconds: float = Field(default=2.0, gt=0, le=300)
    """A file is due to be loaded when its first post is this old: the load has it sealed, or the receiver seals it if no load
    has asked lately, as on an object store …"""
    seal_megabytes: float = Field(default=16.0, gt=0, le=1024)
    """… and sealed when it has grown to this size."""
    min_free_megabytes: int = Field(default=512, ge=1)
    """With less room than this on the disk the receiver answers 503 and SendGrid tries again later."""
    archive_days: int | None = Field(default=None, ge=1, le=36_500)
    """Archived files are deleted this many days after their posts were received; by default they are kept for ever."""


class Receiver(_Part):
    """The HTTP server that SendGrid posts to."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    """Processes that share the port; one takes thousands of posts a second."""
    public_url: HttpUrl | None = None
    """The address that SendGrid reaches it under, where a proxy or tunnel stands in between."""
    max_body_megabytes: float = Field(default=8.0, gt=0, le=256)
    """SendGrid posts up to 768 KB; a larger body than this is answered 413."""
    body_seconds: float = Field(default=30.0, gt=0)
    """A body that takes longer to arrive is answered 408."""
    drain_seconds: float = Field(default=20.0, ge=0)


class Schedules(_Part):
    """When things run by themselves."""

    objects: str = "0 */3 * * *"
    members: str | None = None
    """When it is read who is in which list and segment, if not with the other objects."""
    timezone: str = "UTC"
    events_poll_seconds: int = Field(default=5, ge=5)
    """How often the sensor looks for landed files; Dagster's daemon looks every 5 s at the most."""
    models_poll_seconds: int = Field(default=30, ge=5)
    destinations_poll_seconds: int = Field(default=10, ge=5)
    """How often the sensor looks for loads whose events wait to be sent."""
    maintenance: str = "17 3 * * *"
    """When old runs and archived files are deleted and the next months' tables are made."""
    first_day: date = date(2025, 1, 1)
    """The first day that Dagster shows a partition for; days without events are shown as built. Changing it loses nothing."""
    keep_runs_days: int = Field(default=30, ge=1)
    """Dagster keeps every run for ever by itself; older ones than this are deleted, but for the last of each kind. Loads that
    succeeded go after two days: the ledger says for good what each brought."""

    @field_validator("objects", "members", "maintenance")
    @classmethod
    def _cron(cls, value: str | None) -> str | None:
        if value is not None and len(value.split()) != 5:
            raise ValueError('must be a cron line of five fields, such as "0 */3 * * *"')
        return value


class Checks(_Part):
    """From where on an asset check fails."""

    largest_drop_percent: float = Field(default=50.0, gt=0, le=100)
    """An object that lost more of its rows than this since the sync before (100: only when all are gone)."""
    largest_quarantine_percent: float = Field(default=1.0, ge=0, le=100)
    """A load that put more of what it read into quarantine than this."""
    longest_delay_minutes: float = Field(default=10.0, ge=2)
    """A landed file that waits longer than this for the loader, marts that are further behind the loads, or a process
    whose last heartbeat is older."""
    longest_silence_hours: float | None = Field(default=None, gt=0)
    """A source without posts for longer than this; by default twice its longest pause of the last two weeks."""


class Alerts(_Part):
    """Who hears of failed runs, failed checks and a silent process. Every channel that is set is used."""

    urls: tuple[SecretRef, ...] = ()
    """Apprise URLs, one for each channel: `slack://…`, `msteams://…`, `mailtos://user:password@host?to=…`, `jsons://…`."""
    allow_plaintext_login: bool = False
    """Whether a channel may send its user and password without TLS."""
    heartbeat_url: SecretRef | None = None
    """Called every minute while everything is well: an outside service alerts you when the calls stop."""
    dagster_ui: HttpUrl = HttpUrl("http://127.0.0.1:3000")
    """Where people open Dagster: the links in alerts lead there."""

    @model_validator(mode="before")
    @classmethod
    def _point_from_old_names_to_urls(cls, value: Any) -> Any:
        old = {"webhook_url", "email_to", "smtp_url", "email_from"}
        if isinstance(value, dict) and (used := sorted(old & value.keys())):
            raise ValueError(
                f"{', '.join(used)}: since version 0.2 every channel is one URL under `alerts.urls`, for example "
                "`- {env: ALERTS_URL}` with slack://… or mailtos://user:password@host?to=you@example.com in that variable"
            )
        return value


class Settings(BaseSettings):
    """The whole configuration. Build it with `load_settings`; a room takes only the part that it needs."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_nested_delimiter="__", hide_input_in_errors=True
    )

    data_dir: Path = Path(".data")
    """Everything that this project writes on local disk: the private Postgres, the landing, generated secrets."""
    sources: tuple[Source, ...] = Field(default=(Source.model_validate({"name": "sendgrid"}),))
    warehouse: Warehouse = Warehouse()
    landing: Landing = Landing()
    receiver: Receiver = Receiver()
    schedules: Schedules = Schedules()
    checks: Checks = Checks()
    alerts: Alerts = Alerts()
    owners: tuple[str, ...] = ("team:email",)
    """Who owns the assets, as Dagster shows it: addresses, or `team:` and a name."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The file alone; the few variables that may override it are named in `load_settings`."""
        return (init_settings, YamlConfigSettingsSource(settings_cls, yaml_file=config_path()))

    @field_validator("owners")
    @classmethod
    def _addresses_or_teams(cls, owners: tuple[str, ...]) -> tuple[str, ...]:
        for owner in owners:
            if not re.fullmatch(r"team:\w+|[^@\s]+@[^@\s]+", owner):
                raise ValueError(
                    f'"{owner}" must be an address, or `team:` and a name of letters, digits and underscores'
                )
        return owners

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        # Runs, sensors and dbt start in different working directories; all must mean the same folder.
        return value if value.is_absolute() else (PROJECT_ROOT / value)

    @field_validator("sources")
    @classmethod
    def _some_and_no_two_alike(cls, sources: tuple[Source, ...]) -> tuple[Source, ...]:
        if not sources:
            raise ValueError("name at least one source, e.g. `sources: [{name: marketing}]`")
        for kind, values in (
            ("name", [s.name for s in sources]),
            # `mail_raw` is taken by a source `mail`, too
            ("schema", [name for s in sources for name in s.schemas]),
        ):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(
                    f"two sources have the {kind} {', '.join(twice)}. Give each its own: no two accounts share a schema"
                )
        return sources

    @cached_property
    def landing_url(self) -> str:
        """The landing as an fsspec URL."""
        return self.landing.url or (self.data_dir / "landing").as_uri()

    def source(self, name: str) -> Source:
        """The source with this name.

        Raises:
            SettingsError: there is none.
        """
        for source in self.sources:
            if source.name == name:
                return source
        known = ", ".join(s.name for s in self.sources)
        raise SettingsError(f'There is no source "{name}". The settings name: {known}.')


def config_path() -> Path:
    """The settings file in force; it need not exist."""
    named = os.environ.get("SENDGRID_CONFIG")
    return Path(named) if named else PROJECT_ROOT / DEFAULT_CONFIG


def load_settings(**overrides: Any) -> Settings:
    """Read the settings file, apply the environment, check everything.

    `WAREHOUSE_URL`, `DAGSTER_URL`, `LANDING_URL` and `SENDGRID_DATA_DIR` come before what the file says.

    Args:
        overrides: top-level settings that come before both, for the demo and for tests.

    Raises:
        SettingsError: one line for each mistake in the file.
    """
    path = config_path()
    if os.environ.get("SENDGRID_CONFIG") and not path.is_file():
        raise SettingsError(f"SENDGRID_CONFIG names {path}, and there is no such file.")
    try:
        settings = Settings(**overrides)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(
            f"{path.name}{line}: this is not YAML ({getattr(error, 'problem', error)})."
        ) from error
    except ValidationError as error:
        raise SettingsError("\n".join(_sentences(path, error))) from error
    return _with_environment(settings)


def _with_environment(settings: Settings) -> Settings:
    changes: dict[str, Any] = {}
    if data_dir := os.environ.get("SENDGRID_DATA_DIR"):
        changes["data_dir"] = Path(data_dir).absolute()
    urls = {"url": os.environ.get("WAREHOUSE_URL"), "dagster_url": os.environ.get("DAGSTER_URL")}
    if set_urls := {key: url.strip() for key, url in urls.items() if url}:
        try:
            changes["warehouse"] = Warehouse.model_validate({**settings.warehouse.model_dump(), **set_urls})
        except ValidationError as error:
            names = ", ".join({"url": "WAREHOUSE_URL", "dagster_url": "DAGSTER_URL"}[key] for key in set_urls)
            raise SettingsError(f"{names}: {_message(error.errors()[0])}.") from error
    if landing_url := os.environ.get("LANDING_URL"):
        changes["landing"] = settings.landing.model_copy(update={"url": landing_url.strip()})
    return settings.model_copy(update=changes) if changes else settings


def _message(detail: Any) -> str:
    return str(detail["msg"]).removeprefix("Value error, ").rstrip(".")


def _sentences(path: Path, error: ValidationError) -> list[str]:
    """One message per mistake: file, key, what to do."""
    lines = []
    for detail in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in detail["loc"]) or "the file"
        if detail["type"] == "extra_forbidden":
            text = "no such setting. Check its spelling against sendgrid.example.yaml"
        elif detail["type"] == "missing":
            text = "is missing. Add it; sendgrid.example.yaml shows how"
        else:
            text = _message(detail)
        lines.append(f"{path.name}: {key}: {text}.")
    return lines
