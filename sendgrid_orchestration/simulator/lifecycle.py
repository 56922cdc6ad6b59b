"""What becomes of one message from the moment it is handed over: dropped, deferred, refused, or delivered and maybe read."""

from __future__ import annotations

from sendgrid_orchestration.simulator import mailboxes, reading
from sendgrid_orchestration.simulator.mailings import Mailing
from sendgrid_orchestration.simulator.message import FROM_ADDRESS, Message, Outbox, Recipient, Suppression

_NO_REASON_TO_MAIL = (
    ("Invalid SMTPAPI header", 3),
    ("Spam Content", 4),
    ("Recipient List over Package Quota", 2),
)
"""Why SendGrid drops mail to an address that it has nothing against, with how many messages in ten thousand it meets."""


def send(
    outbox: Outbox, at: int, mailing: Mailing, to: Recipient, suppression: Suppression | None
) -> Message:
    """Hand a message over; the message that comes back knows everything that will happen to it.

    Args:
        outbox: what it shares with other messages.
        at: when, in unix seconds.
        mailing: what is sent.
        to: to whom.
        suppression: why the recipient gets nothing, if so.
    """
    message = Message(outbox, at, mailing, to)
    if to.invalid or (suppression is not None and suppression.reason == "Invalid"):
        _drop(message, "Invalid")
        message.suppressions.append(Suppression(at, "Invalid"))
        return message
    if suppression is not None:
        _drop(message, suppression.reason)
        return message
    roll = outbox.dice.random() * 10_000
    for reason, share in _NO_REASON_TO_MAIL:
        roll -= share
        if roll < 0:
            _drop(message, reason)
            return message
    _travel(message)
    return message


def _drop(message: Message, reason: str) -> None:
    """SendGrid did not even try. An invalid address is the oldest kind of drop: no ids, and sometimes no address."""
    pool = {"name": message.pool, "id": message.pool_id}
    event = message.delivery("dropped", message.at, reason=reason, pool=pool, message=f"dropped: {reason}")
    if reason != "Spam Content":
        event["status"] = "5.0.0"
    if reason == "Invalid":
        del event["sg_event_id"], event["sg_message_id"], event["pool"], event["message"]
        if message.dice.random() < 0.2:
            event["email"] = ""


def _travel(message: Message) -> None:
    dice, at = message.dice, message.at
    processed = message.delivery("processed", at)
    processed["pool"] = {"name": message.pool, "id": message.pool_id}
    # Mail that nobody scheduled says 0; a single send tells when it was due, as text.
    processed.setdefault("send_at", 0)
    at += dice.randrange(0, message.provider.seconds)
    at, attempts = _deferred(message, at)
    refusal = _refusal(message)
    if refusal is not None:
        _bounced(message, at, attempts, refusal)
        return
    tls = 1 if dice.random() < 0.995 else 0
    accepted = message.text(message.provider.accepted)
    delivered = message.delivery("delivered", at, attempts, response=accepted, ip=message.ip, tls=tls)
    if not tls:
        delivered["cert_err"] = "1"
    if dice.random() < 0.0012:
        _bounced_later(message, at + dice.randrange(3600, 40_000))
        return
    reading.engage(message, at)


def _deferred(message: Message, at: int) -> tuple[int, int]:
    """How often the provider says later.

    Returns:
        The moment of the attempt that settles it, and how many there were before.
    """
    dice = message.dice
    response, share = message.provider.deferral
    if message.troubled:
        share = mailboxes.TROUBLED_DEFERRALS
    if dice.random() * 10_000 >= share:
        return at, 0
    attempts = min(1 + int(dice.expovariate(0.8)), 7)
    for attempt in range(attempts):
        said = message.text(response)
        event = message.delivery(
            "deferred", at, attempt, response=said, attempt=str(attempt), ip=message.ip, tls=1
        )
        event["domain"], event["from"] = message.to.domain, f"Northwind <{FROM_ADDRESS}>"
        if dice.random() < 0.02:
            event["cert_err"] = "1"
        at += int(300 * 2**attempt * (0.8 + 0.4 * dice.random()))
    return at, attempts


def _refusal(message: Message) -> mailboxes.Refusal | None:
    if message.to.dead:
        return message.provider.unknown_user
    roll = message.dice.random() * 10_000
    refusals = mailboxes.TROUBLED_REFUSALS if message.troubled else message.provider.refusals
    for refusal, share in refusals:
        roll -= share
        if roll < 0:
            return refusal
    return None


def _bounced(message: Message, at: int, attempts: int, refusal: mailboxes.Refusal) -> None:
    event = message.delivery(
        "bounce",
        at,
        attempts,
        reason=message.text(refusal.reason),
        type=refusal.kind,
        bounce_classification=refusal.classification,
        tls=0,
    )
    if refusal.status is not None:  # no server answered otherwise
        event |= {"status": refusal.status, "ip": message.ip, "tls": 1}
    if refusal.kind == "bounce":
        message.suppressions.append(Suppression(at, "Bounced Address"))


def _bounced_later(message: Message, at: int) -> None:
    """An asynchronous bounce: the message was taken, and came back hours later. It does not say which message it was."""
    event = message.delivery(
        "bounce",
        at,
        99,
        reason=f"550 5.1.1 <{message.to.email}>... User unknown (delayed notification)",
        type="bounce",
        bounce_classification="Invalid Address",
        status="5.1.1",
    )
    del event["sg_message_id"]
    message.suppressions.append(Suppression(at, "Bounced Address"))
