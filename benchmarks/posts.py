"""Posts as a busy SendGrid account receives them: what the load benchmark lands."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from sendgrid_orchestration.landing.format import Post, whole_file
from sendgrid_orchestration.landing.names import name_giver

FIRST_MOMENT = datetime(2024, 6, 1, tzinfo=UTC)
EVENTS_A_SECOND = 200
EVENTS_A_POST = 200
POSTS_A_FILE = 150
"""About 13 MB, close to where the receiver seals a file."""

_AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
)


def events(number: int, seed: int, begin: datetime = FIRST_MOMENT) -> Iterator[dict[str, Any]]:
    """So many events, a message's one after the other, in the forms that SendGrid documents and posts."""
    dice = random.Random(seed)

    def token(size: int) -> str:
        return base64.urlsafe_b64encode(dice.randbytes(size)).decode().rstrip("=")

    made = 0
    second = int(begin.timestamp())
    while made < number:
        message = token(16)
        shared = {
            "email": f"user{dice.randrange(200_000)}@example{dice.randrange(50)}.com",
            "timestamp": second + made // EVENTS_A_SECOND,
            "sg_message_id": f"{message}.recvd-{token(6).lower()}-1-{dice.getrandbits(32):X}-{dice.randrange(30)}.0",
            "category": ["newsletter", f"week{dice.randrange(50)}"],
            "customer_id": str(dice.randrange(1_000_000)),
            "tenant": "acme",
        }
        for kind in _life_of_a_message(dice):
            delivery_id = (
                base64.urlsafe_b64encode(f"{kind}-0-1234567-{message}-{made}".encode()).decode().rstrip("=")
            )
            yield {
                **shared,
                **_particulars(kind, dice, message),
                "event": kind,
                "sg_event_id": token(16) if kind in ("open", "click") else delivery_id,
            }
            made += 1
            if made == number:
                return


def land(folder: Path, source: str, number: int, seed: int, begin: datetime = FIRST_MOMENT) -> None:
    """Land so many events as the receiver would, in sealed files."""
    sealed = folder / source / "sealed"
    sealed.mkdir(parents=True, exist_ok=True)
    give_name = name_giver()
    stream = events(number, seed, begin)
    left = number
    received_at = begin
    while left:
        name, posts = give_name(received_at), []
        while left and len(posts) < POSTS_A_FILE:
            items = [orjson.dumps(next(stream)) for _ in range(min(EVENTS_A_POST, left))]
            posts.append(Post(received_at, {}, b"[" + b",\r\n".join(items) + b"]\r\n"))
            left -= len(items)
            received_at += timedelta(milliseconds=1000 * EVENTS_A_POST // EVENTS_A_SECOND)
        (sealed / f"{name}.posts").write_bytes(b"".join(whole_file(name, posts)))


def _life_of_a_message(dice: random.Random) -> tuple[str, ...]:
    luck = dice.random()
    if luck < 0.03:
        return ("processed", "bounce")
    if luck < 0.05:
        return ("processed", "deferred", "delivered")
    if luck < 0.07:
        return ("dropped",)
    opened = ("open",) if dice.random() < 0.6 else ()
    clicked = ("open", "click") if dice.random() < 0.25 else ()
    return ("processed", "delivered", *opened, *clicked)


def _particulars(kind: str, dice: random.Random, message: str) -> dict[str, Any]:
    smtp_id = {"smtp-id": f"<{message}@geopod-ismtpd-{dice.randrange(40)}>"}
    server = {"ip": f"149.72.{dice.randrange(256)}.{dice.randrange(256)}"}
    reader = {"ip": f"66.249.{dice.randrange(256)}.{dice.randrange(256)}", "useragent": dice.choice(_AGENTS)}
    match kind:
        case "processed":
            return {**smtp_id, "send_at": 0}
        case "delivered":
            return {
                **smtp_id,
                **server,
                "response": f"250 2.0.0 OK 1717200000 d2e1a72fcca5.{message}",
                "tls": 1,
            }
        case "open":
            return {**reader, "sg_content_type": "html", "sg_machine_open": dice.random() < 0.4}
        case "click":
            address = (
                f"https://www.example.com/campaign/{dice.randrange(100)}?utm_source=sendgrid&id={message}"
            )
            return {**reader, "url": address, "url_offset": {"index": dice.randrange(5), "type": "html"}}
        case "bounce":
            return {
                **smtp_id,
                **server,
                "reason": "550 5.1.1 The email account that you tried to reach does not exist.",
                "status": "5.1.1",
                "type": "bounce",
                "bounce_classification": "Invalid Address",
                "tls": 1,
            }
        case "deferred":
            return {**smtp_id, **server, "response": "450 try again later", "attempt": "1", "tls": 0}
        case _:
            return {**smtp_id, "reason": "Bounced Address", "status": "5.0.0"}
