"""What can go wrong with sending events on, one class for each thing that a caller handles differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendgrid_orchestration.destinations.deliverer import Delivery
    from sendgrid_orchestration.destinations.forwarder import Forwarded


class DestinationError(Exception):
    """A destination cannot be used as it is configured; the message says what to change."""


class DeliveryStoppedError(Exception):
    """A destination is down, limits us for too long, or refuses us. What was not sent is sent by the next run.

    Attributes:
        delivery: what was done before, a `deliverer.Delivery`.
    """

    def __init__(self, message: str, delivery: Delivery) -> None:
        super().__init__(message)
        self.delivery = delivery


class ForwardStoppedError(Exception):
    """The other side of a forward is down, limits us for too long, or refuses us. The next run goes on where this one ended.

    Attributes:
        done: what was done before, a `forwarder.Forwarded`.
    """

    def __init__(self, message: str, done: Forwarded) -> None:
        super().__init__(message)
        self.done = done


class DeliveryInterruptedError(Exception):
    """Postgres went away in mid-delivery. The next run finds in the ledger what was under way."""


class ConfirmationNeededError(Exception):
    """Sending these events could double some of them; the message says how many."""
