"""The vocabulary of SendGrid's events: which types exist and how each is called everywhere, which fields they carry.

One table of types and one table of fields. The parser, the columns of the warehouse, the webhook's settings and the
names at Segment and Amplitude all derive from them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from sendgrid_orchestration.sendgrid import event_values as values


@dataclass(frozen=True)
class EventType:
    """One type of event, under each of its names."""

    webhook: str
    """What SendGrid's posts say in `event`."""
    table: str
    """Our table of these events, named as Segment's SendGrid source named it where that has one."""
    setting: str
    """The switch in the settings of SendGrid's Event Webhook."""
    segment: str | None = None
    """The Track name; None where the promised vocabulary has none (promise S67)."""
    segment_filter: str | None = None
    """What SendGrid's own Segment integration calls it among the events to choose from."""
    segment_when_machine: str | None = None
    """The Track name where a machine did it (promise S59)."""
    segment_opt_in: str | None = None
    """The Track name that Segment itself uses elsewhere, for those who ask for more than was promised."""

    @property
    def amplitude(self) -> str:
        """The event type at Amplitude (promise S119)."""
        return f"[Sendgrid] {self.webhook}"


EVENT_TYPES = (
    EventType("processed", "processed", "processed", "Email Processed", "processed"),
    EventType("dropped", "dropped", "dropped", "Email Dropped", "drop"),
    EventType("delivered", "delivered", "delivered", "Email Delivered", "delivered"),
    EventType("deferred", "deferred", "deferred", None, "deferred", segment_opt_in="Email Deferred"),
    EventType("bounce", "bounce", "bounce", "Email Bounced", "bounce"),
    EventType("open", "_open", "open", "Email Opened", "open", segment_when_machine="Email Machine Opened"),
    EventType("click", "click", "click", "Email Link Clicked", "click"),
    EventType("spamreport", "spam_report", "spam_report", "Email Marked as Spam", "spamreport"),
    EventType("unsubscribe", "unsubscribe", "unsubscribe", "Unsubscribed", "unsubscribe"),
    EventType(
        "group_unsubscribe",
        "group_unsubscribe",
        "group_unsubscribe",
        "Unsubscribed From Group",
        "group_unsubscribe",
    ),
    EventType(
        "group_resubscribe",
        "group_resubscribe",
        "group_resubscribe",
        "Resubscribed To Group",
        "group_resubscribe",
    ),
    EventType("account_status_change", "account_status_change", "account_status_change"),
)
"""Every type that SendGrid documents. Posts may bring others: they are loaded all the same."""

BY_WEBHOOK_NAME = {kind.webhook: kind for kind in EVENT_TYPES}


@dataclass(frozen=True)
class Column:
    """One column of the events table that a field of the post fills."""

    name: str
    type: str
    """As Postgres writes it."""
    identifies: bool = False
    """Whether two events that differ here are two events. The loader's key is computed from these columns, so the choice
    can never be changed: old events that are delivered once more would no longer be recognised."""


class Occurs(IntEnum):
    """In the events of which mail a field is to be expected. The loader stores events without the columns of what is not."""

    IN_ANY_MAIL = 0
    IN_CAMPAIGNS = 1
    """Mail of single sends and automations."""
    SELDOM = 2


@dataclass(frozen=True)
class Field:
    """One key that SendGrid defines."""

    key: str
    columns: tuple[Column, ...]
    read: Callable[[Any], Any]
    """Turns the key's value into its column's, or into one value for each of several columns; raises `Unfit`."""
    occurs: Occurs = Occurs.IN_ANY_MAIL

    @property
    def is_plain_text(self) -> bool:
        """Whether the value nearly always goes to the column as it came."""
        return self.read in (values.text, values.indexed_text)

    @property
    def identifies(self) -> bool:
        """Whether two events that differ here are two events."""
        return any(column.identifies for column in self.columns)

    def by_column(self, value: Any) -> dict[str, Any]:
        """What `read` returned, by the names of the columns."""
        if len(self.columns) == 1:
            return {self.columns[0].name: value}
        return {column.name: part for column, part in zip(self.columns, value, strict=True)}


def _text(key: str, column: str = "", *, identifies: bool = False) -> Field:
    return Field(key, (Column(column or key, "text", identifies),), values.text)


def _number_or_text(key: str) -> Field:
    return Field(key, (Column(key, "text"),), values.text_or_number)


_IN_ANY_MAIL = (
    _text("email", identifies=True),
    # Goes into an index, which takes no value of any length.
    Field("sg_message_id", (Column("sg_message_id", "text", identifies=True),), values.indexed_text),
    _text("smtp-id", "smtp_id", identifies=True),
    _text("ip", identifies=True),
    _text("useragent", identifies=True),
    _text("url", identifies=True),
    _text("response", identifies=True),
    _text("reason", identifies=True),
    _text("status", identifies=True),
    _text("type", identifies=True),
    _text("sg_event_id"),
    _text("sg_content_type"),
    _text("bounce_classification"),
    Field("asm_group_id", (Column("asm_group_id", "bigint", identifies=True),), values.bigint),
    Field("attempt", (Column("attempt", "integer", identifies=True),), values.integer),
    Field(
        "url_offset",
        (
            Column("url_offset_index", "integer", identifies=True),
            Column("url_offset_type", "text", identifies=True),
        ),
        values.parts_of(index=values.integer, type=values.text),
    ),
    Field("tls", (Column("tls", "smallint"),), values.smallint),
    Field("sg_machine_open", (Column("sg_machine_open", "boolean"),), values.boolean),
    Field("category", (Column("categories", "text[]"),), values.texts),
)

_IN_CAMPAIGNS = (
    _text("singlesend_id"),
    _text("singlesend_name"),
    _text("mc_stats"),
    _text("phase_id"),
    _text("sg_template_id"),
    _text("sg_template_name"),
    _text("template_id"),
    _text("template_version_id"),
    _text("template_hash"),
    _text("mc_auto_id"),
    _text("mc_auto_name"),
    _text("mc_auto_step_id"),
    _text("mc_auto_msg_id"),
    _text("mc_auto_unique_id"),
    _text("mc_pod_id"),
    Field("send_at", (Column("send_at", "timestamptz"),), values.moment_or_none),
)

_SELDOM = (
    _text("cert_err"),
    _text("domain"),
    _text("from", "from_address"),
    _text("message"),
    _text("post_type"),
    _text("marketing_campaign_name"),
    _text("marketing_campaign_version"),
    _text("template"),
    _text("date", "unsubscribe_date"),
    _text("reseller_id"),
    # SendGrid sends these as numbers; they are names of things, and nobody adds them up.
    _number_or_text("sg_user_id"),
    _number_or_text("marketing_campaign_id"),
    _number_or_text("marketing_campaign_split_id"),
    Field(
        "pool",
        (Column("pool_name", "text"), Column("pool_id", "text")),
        values.parts_of(name=values.text, id=values.text_or_number),
    ),
    Field(
        "newsletter",
        (
            Column("newsletter_id", "text"),
            Column("newsletter_user_list_id", "text"),
            Column("newsletter_send_id", "text"),
        ),
        values.parts_of(
            newsletter_id=values.text_or_number,
            newsletter_user_list_id=values.text_or_number,
            newsletter_send_id=values.text_or_number,
        ),
    ),
)

FIELDS = (
    *_IN_ANY_MAIL,
    *(replace(field, occurs=Occurs.IN_CAMPAIGNS) for field in _IN_CAMPAIGNS),
    *(replace(field, occurs=Occurs.SELDOM) for field in _SELDOM),
)
"""Every optional key. Those that tell events apart occur in any mail, and stand first among those of plain text and among
the others. `event` and `timestamp` stand beside them: an item without either is no event."""

FIELDS_BY_KEY = {field.key: field for field in FIELDS}

KNOWN_FIELDS = frozenset(FIELDS_BY_KEY) | {"event", "timestamp"}
"""Keys that SendGrid defines; every other key of an item is a custom arg."""

NESTED_CUSTOM_ARGS = ("unique_args", "custom_args")
"""Objects of custom args: some senders' libraries nest what SendGrid puts beside its own keys."""
