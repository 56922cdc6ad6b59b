"""Which class serves which kind of destination: the one place to add a kind to."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from sendgrid_orchestration.destinations.amplitude import Amplitude
from sendgrid_orchestration.destinations.interface import Destination
from sendgrid_orchestration.destinations.segment import Segment
from sendgrid_orchestration.destinations.webhook import Webhook
from sendgrid_orchestration.settings import (
    AmplitudeDestination,
    SegmentDestination,
    Source,
    WebhookDestination,
)
from sendgrid_orchestration.settings import Destination as DestinationSettings


def open_destination(source: Source, settings: DestinationSettings, *, bulk: bool = False) -> Destination:
    """The destination of a source; reads its key.

    Args:
        source: whose events.
        settings: which destination.
        bulk: whether many old events are to be sent, for which a vendor may have another way.

    Raises:
        DestinationError: the key cannot be right.
        SettingsError: the key is missing.
    """
    purpose = f'destination "{settings.name}" of source "{source.name}"'
    match settings:
        case SegmentDestination():
            return Segment(settings, settings.write_key.read(f"write key of {purpose}"))
        case AmplitudeDestination():
            return Amplitude(settings, settings.api_key.read(f"API key of {purpose}"), bulk=bulk)
        case WebhookDestination():
            return Webhook(settings, settings.secret.read(f"secret of {purpose}"))
    assert_never(settings)


def resend_window(settings: DestinationSettings) -> timedelta:
    """For how long the receiving side recognises an id that it has seen."""
    return timedelta(hours=settings.resend_window_hours)
