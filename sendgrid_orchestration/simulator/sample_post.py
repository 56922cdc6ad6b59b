"""The made-up batch that SendGrid posts when somebody presses "Test your integration": one event of each type."""

from __future__ import annotations

import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from sendgrid_orchestration.simulator import wire
from sendgrid_orchestration.simulator.sender import WebhookSender

Event = dict[str, Any]


def send_test_batch(url: str, private_key: ec.EllipticCurvePrivateKey | None, now: int) -> int:
    """Post the made-up batch of the `test` endpoint, once.

    Returns:
        The receiver's status; 0 where none came.
    """
    sender = WebhookSender(url, private_key)
    connection = sender.connect()
    try:
        return sender.post_once(connection, wire.body(_test_batch(now)), None)
    finally:
        connection.close()


def _test_batch(now: int) -> list[Event]:
    shared = {
        "email": "example@test.com",
        "timestamp": now,
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        "category": ["cat facts"],
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
    }
    agent = {
        "useragent": "Mozilla/4.0 (compatible; MSIE 6.1; Windows XP; .NET CLR 1.1.4322; .NET CLR 2.0.50727)"
    }
    place = agent | {"ip": "255.255.255.255"}
    group = place | {"url": "http://www.sendgrid.com/", "asm_group_id": 10}
    kinds: list[tuple[str, Event]] = [
        ("processed", {}),
        ("deferred", {"response": "400 try again later", "attempt": "5"}),
        ("delivered", {"response": "250 OK"}),
        ("open", place),
        ("click", place | {"url": "http://www.sendgrid.com/"}),
        ("bounce", {"reason": "500 unknown recipient", "status": "5.0.0", "type": "bounce"}),
        ("dropped", {"reason": "Bounced Address", "status": "5.0.0"}),
        ("spamreport", {}),
        ("unsubscribe", {}),
        ("group_unsubscribe", group),
        ("group_resubscribe", group),
    ]
    return [
        shared | more | {"event": event, "sg_event_id": secrets.token_urlsafe(16) + "=="}
        for event, more in kinds
    ]
