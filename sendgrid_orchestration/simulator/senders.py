"""Whom the account's mail may come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sender:
    """A sender of Marketing Campaigns, which is a verified sender identity too.

    Attributes:
        identity: its number among the verified senders; SendGrid does not say that the two are the same.
        locked: a campaign uses it.
    """

    id: int
    identity: int
    nickname: str
    email: str
    name: str
    reply_to: str
    verified: bool = True
    locked: bool = False
    address: str = "12 Harbour Street"
    address_2: str = ""
    city: str = "Bristol"
    state: str = ""
    zip: str = "BS1 4RW"
    country: str = "United Kingdom"


USUAL_SENDER = 4242
"""The id of the sender that single sends come from."""


def believable() -> dict[int, Sender]:
    """A shop's senders, by id; one of them was never verified."""
    domain = "mail.northwind.example"
    senders = (
        Sender(
            USUAL_SENDER, 90_001, "News", f"news@{domain}", "Northwind", "hello@northwind.example", locked=True
        ),
        Sender(
            4243, 90_002, "Offers", f"offers@{domain}", "Northwind Offers", "hello@northwind.example",
            address_2="2nd floor",
        ),
        Sender(4250, 90_007, "Zoë, by hand", "zoë@northwind.example", "Zoë", "zoë@northwind.example", verified=False),
    )  # fmt: skip
    return {sender.id: sender for sender in senders}
