"""Whether a destination works: a marked test event, what its answer proves, and what became of the events of a range."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import psycopg
from psycopg import sql

from sendgrid_orchestration.destinations.catalog import open_destination
from sendgrid_orchestration.destinations.interface import message_id
from sendgrid_orchestration.destinations.sender import Gate, RetryPolicy, Sender, State
from sendgrid_orchestration.settings import (
    AmplitudeDestination,
    Destination,
    SegmentDestination,
    Source,
    WebhookDestination,
)

ONCE = RetryPolicy(attempts=2, limited_wait=30)


@dataclass(frozen=True)
class Verification:
    """What a test event showed.

    Attributes:
        is_accepted: whether the destination took it.
        answer: what it answered, if that says more than yes.
        message_id: the test event's id, to look for it.
        remains: what the answer does not prove, and how a person finds out.
    """

    is_accepted: bool
    answer: str
    message_id: str
    remains: str


def send_test_event(source: Source, settings: Destination, policy: RetryPolicy = ONCE) -> Verification:
    """Send an event that is marked as a test.

    Raises:
        DestinationError: the key cannot be right.
        SettingsError: the key is missing.
    """
    destination = open_destination(source, settings)
    made = message_id(destination.target, uuid.uuid4().hex)
    message = destination.test_event(made, datetime.now(UTC))
    outcome = Sender(destination, Gate(None), policy).send([message])
    answer = " ".join(filter(None, (outcome.answer, *outcome.rejected.values())))
    return Verification(outcome.states == [State.ACCEPTED], answer, made, _remains(settings))


def _remains(settings: Destination) -> str:
    match settings:
        case SegmentDestination(endpoint=None):
            return (
                f"Segment takes everything that is well formed, whoever sends it: a wrong key or region ({settings.region}) shows only "
                "in events that are missing. Look for this id in the Debugger of the source in Segment."
            )
        case SegmentDestination():
            return "Look for this id at the collector: not every one answers a wrong key with an error."
        case AmplitudeDestination():
            return (
                f"The key belongs to a project of region {settings.region}. Whether it is the project you mean shows in Amplitude's "
                "live stream (User Look-Up): look for the user sendgrid-orchestration-verify."
            )
        case WebhookDestination():
            return "Whether the endpoint checks the signature is its own affair."


@dataclass(frozen=True)
class Compared:
    """What became of the events of one name that were sent in a range of days.

    Attributes:
        event: what they are called among the events to choose from.
        eligible: how many were chosen.
        sent: how many left.
        accepted: of them.
        rejected: of them; also those that were set apart as invalid, which did not leave.
        unknown: of them.
        open: that wait to be sent, for a limit or because the destination is down.
    """

    event: str
    eligible: int
    sent: int
    accepted: int
    rejected: int
    unknown: int
    open: int


def compare(conn: psycopg.Connection, source: Source, name: str, first: date, last: date) -> list[Compared]:
    """What became of everything that a destination was sent on some UTC days, per event name."""
    query = sql.SQL("""
        select
            event,
            sum(eligible)::bigint,
            sum(accepted + rejected + delayed + unknown)::bigint,
            sum(accepted)::bigint,
            sum(rejected + invalid)::bigint,
            sum(unknown)::bigint,
            sum(delayed + unsent)::bigint
        from {}
        where destination = %s and sent_at >= %s and sent_at < %s
        group by event
        order by sum(eligible) desc, event
    """).format(sql.Identifier(source.raw_schema, "delivery_counts"))
    return [Compared(*row) for row in conn.execute(query, [name, first, last + timedelta(days=1)])]
