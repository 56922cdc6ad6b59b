"""How an event and its properties are called in each system: one table, from which all messages and views are made.

A property is an SQL expression over the row of the event. The deliverer selects the expressions and puts what is not null
under the system's names; the views in Segment's shape select the same ones. What does not apply is null here, absent in a
message, and null in a view: never an empty text.

Sources: the property table of SendGrid's Marketing Campaigns source at Segment, the page of Amplitude's SendGrid source, and
SendGrid's Event Webhook reference for its own keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import LiteralString

from sendgrid_orchestration.sendgrid.events import EVENT_TYPES

MACHINE_OPENED = "machine_opened"
"""What an open by a machine is called among the events to choose from."""


@dataclass(frozen=True)
class Property:
    """One property of an event, under its name in each system; None where the system does not get it.

    Attributes:
        expression: its value, over the relations `event` and `single_send`; null where it does not apply.
        segment: among the properties of a Track call.
        amplitude: among `event_properties`.
        webhook: in the data of a webhook destination: SendGrid's own key.
        is_list: whether its value is a list, which Segment's warehouses store as text.
    """

    expression: LiteralString
    segment: str | None = None
    amplitude: str | None = None
    webhook: str | None = None
    is_list: bool = False


def _text(column: LiteralString) -> LiteralString:
    return f"nullif(event.{column}, '')"


def _only(condition: LiteralString, value: LiteralString) -> LiteralString:
    return f"case when {condition} then {value} end"


_SINGLE_SEND: LiteralString = "event.singlesend_id <> ''"
_AUTOMATION: LiteralString = "event.mc_auto_id <> '' and coalesce(event.singlesend_id, '') = ''"
_ENGAGEMENT: LiteralString = "event.event in ('open', 'click')"
# The ip of other events is that of the sending server.
IP: LiteralString = _only(_ENGAGEMENT, _text("ip"))
USER_AGENT: LiteralString = _only(_ENGAGEMENT, _text("useragent"))
_TEMPLATE_ID: LiteralString = (
    "coalesce(nullif(event.template_id, ''), nullif(event.sg_template_id, ''), nullif(event.template, ''))"
)
# Each variation of a test may have a subject of its own, which SendGrid's API does not give.
_SUBJECT: LiteralString = _only(
    f"{_SINGLE_SEND} and not coalesce(single_send.is_abtest, false)", "nullif(single_send.subject, '')"
)
EMAIL: LiteralString = _text("email")

ANONYMOUS_ID: LiteralString = (
    f"encode(sha256(convert_to(lower(btrim({EMAIL})), 'UTF8')), 'hex')"  # null without an address
)
"""SHA-256 of the recipient's address, in lower case and without surrounding spaces: one person has one id."""

AMPLITUDE_USER_ID: LiteralString = f"coalesce(nullif(event.custom_args ->> 'amp_user_id', ''), {EMAIL})"

PROPERTIES = (
    Property("event.event", segment="event", webhook="event"),
    Property(EMAIL, amplitude="email", webhook="email"),
    Property(
        f"case when {_SINGLE_SEND} then 'Singlesend' when {_AUTOMATION} then 'Automation' end",
        segment="email_type",
    ),
    Property(_TEMPLATE_ID, segment="template_id", amplitude="template_id", webhook="template_id"),
    Property(_SUBJECT, segment="email_subject", amplitude="email_subject", webhook="email_subject"),
    Property(_only(f"{_SINGLE_SEND} and event.phase_id = 'test'", "true"), segment="test_phase"),
    Property(
        "event.asm_group_id", segment="unsubscribe_group_id", amplitude="asm_group_id", webhook="asm_group_id"
    ),
    Property(
        _only("event.event = 'click'", _text("url")), segment="link_url", amplitude="url", webhook="url"
    ),
    Property(
        _only("cardinality(event.categories) > 0", "event.categories"),
        segment="categories",
        amplitude="category",
        webhook="category",
        is_list=True,
    ),
    Property(
        _only(_SINGLE_SEND, "nullif(event.singlesend_name, '')"),
        segment="campaign_name",
        amplitude="singlesend_name",
        webhook="singlesend_name",
    ),
    Property(
        _only(_SINGLE_SEND, "event.singlesend_id"),
        segment="campaign_id",
        amplitude="singlesend_id",
        webhook="singlesend_id",
    ),
    Property(
        _only(_AUTOMATION, "nullif(event.mc_auto_name, '')"),
        segment="automation_name",
        amplitude="mc_auto_name",
        webhook="mc_auto_name",
    ),
    Property(
        _only(_AUTOMATION, "event.mc_auto_id"),
        segment="automation_id",
        amplitude="mc_auto_id",
        webhook="mc_auto_id",
    ),
    Property(
        _only(_AUTOMATION, "nullif(event.mc_auto_step_id, '')"),
        segment="automation_step_id",
        amplitude="mc_auto_step_id",
        webhook="mc_auto_step_id",
    ),
    Property(IP, webhook="ip"),
    Property(USER_AGENT, webhook="useragent"),
    Property(_text("mc_stats"), amplitude="mc_stats", webhook="mc_stats"),
    Property(_text("phase_id"), amplitude="phase_id", webhook="phase_id"),
    Property(_text("sg_template_name"), amplitude="sg_template_name", webhook="sg_template_name"),
    Property(
        _text("marketing_campaign_id"), amplitude="marketing_campaign_id", webhook="marketing_campaign_id"
    ),
    Property(
        _text("marketing_campaign_name"),
        amplitude="marketing_campaign_name",
        webhook="marketing_campaign_name",
    ),
    Property("event.sg_machine_open", amplitude="sg_machine_open", webhook="sg_machine_open"),
    Property(_text("reason"), amplitude="reason", webhook="reason"),
    Property(_text("response"), amplitude="response", webhook="response"),
    Property(_text("status"), amplitude="status", webhook="status"),
    Property(_text("type"), amplitude="type", webhook="type"),
    Property(
        _text("bounce_classification"), amplitude="bounce_classification", webhook="bounce_classification"
    ),
    Property("event.attempt", amplitude="attempt", webhook="attempt"),
    Property(_text("sg_message_id"), amplitude="sg_message_id", webhook="sg_message_id"),
    Property(_text("sg_event_id"), amplitude="sg_event_id", webhook="sg_event_id"),
    Property(_text("smtp_id"), webhook="smtp-id"),
    Property("event.tls", webhook="tls"),
    Property(_text("pool_name"), webhook="pool_name"),
)
"""Every property, in the order of Segment's documentation; then what only SendGrid's own words know."""

RELATIONS: LiteralString = """
    {raw}.events as event
    left join {raw}.single_sends as single_send on single_send.id = event.singlesend_id
"""
"""What the expressions select from; `raw` is the schema."""

IS_MARKETING: LiteralString = f"({_SINGLE_SEND} or {_AUTOMATION} or event.marketing_campaign_id <> '')"
"""Whether an event is about marketing mail; null counts as no."""

IS_TEST_POST: LiteralString = """(
    coalesce(event.email = 'example@test.com', false)
    or coalesce(event.sg_message_id like '14c5d75ce93.dfd.64b469.%', false)
)"""
"""SendGrid's "Test your integration" posts: always this address, and one made-up message id."""

CHOICE: LiteralString = (
    f"case when event.event = 'open' and event.sg_machine_open then '{MACHINE_OPENED}' else event.event end"
)
"""What the event is called among the events to choose from."""


@dataclass(frozen=True)
class TrackName:
    """The name of a Track call, and which events get it.

    Attributes:
        name: as Segment shows it.
        choice: what the event is called among the events to choose from.
        opt_in: whether the documented vocabulary lacks it.
    """

    name: str
    choice: str
    opt_in: bool = False

    @property
    def table(self) -> str:
        """The table of these events in Segment's warehouse schema."""
        return snake_case(self.name)


def _track_names() -> tuple[TrackName, ...]:
    names = []
    for kind in EVENT_TYPES:
        if kind.segment:
            names.append(TrackName(kind.segment, kind.webhook))
        if kind.segment_when_machine:
            names.append(TrackName(kind.segment_when_machine, MACHINE_OPENED))
        if kind.segment_opt_in:
            names.append(TrackName(kind.segment_opt_in, kind.webhook, opt_in=True))
    return tuple(names)


TRACK_NAMES = _track_names()
"""The eleven names of Segment's documentation, and one more for those who choose `deferred`."""

TRACK_NAME_BY_CHOICE = {track.choice: track.name for track in TRACK_NAMES}

AMPLITUDE_NAME_BY_CHOICE = {kind.webhook: kind.amplitude for kind in EVENT_TYPES} | {
    MACHINE_OPENED: next(kind.amplitude for kind in EVENT_TYPES if kind.segment_when_machine)
}
"""Amplitude's event types, `[Sendgrid] ` and SendGrid's word. An open by a machine is an open there, told apart by a property."""


def snake_case(name: str) -> str:
    """The table or column that Segment's warehouses make of a name (segmentio/go-snakecase).

    ASCII only: everything but letters and digits separates words, and so does an upper-case letter behind a lower-case one.
    """
    return "_".join(re.findall(r"[A-Z0-9]+[a-z0-9]*|[a-z0-9]+", name)).lower()
