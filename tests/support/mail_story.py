"""A small account's mail over some days, as events in the order in which they arrive: late, out of order, without ids."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 8
DOMAINS = ("gmail.com", "yahoo.com", "outlook.com", "icloud.com", "corp.example", "Shop.Example")
BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)"

Event = dict[str, Any]


def loads(cuts: int = 4, per_day: int = 60, seed: int = 11) -> list[list[Event]]:
    """The events, cut into so many loads by the time at which they arrive."""
    rng = random.Random(seed)
    arriving = []
    for number in range(DAYS * per_day):
        for event in _message(rng, number, per_day):
            # Most come at once, some hours late, a few days late: each kind may come before what it follows.
            delay = rng.choices((2, rng.randrange(20_000), rng.randrange(300_000)), (80, 15, 5))[0]
            arriving.append((event["event_at"] + timedelta(seconds=delay), len(arriving), event))
    arriving += [
        (event["event_at"], len(arriving) + index, event) for index, event in enumerate(_without_message())
    ]
    arriving.sort(key=lambda item: item[:2])
    size = len(arriving) // cuts + 1
    return [[event for *_, event in arriving[at : at + size]] for at in range(0, len(arriving), size)]


def _message(rng: random.Random, number: int, per_day: int) -> Iterator[Event]:
    person = rng.randrange(90)
    sent = FIRST_DAY + timedelta(days=number // per_day, seconds=rng.randrange(86_400))
    mail: Event = {
        "email": f"{'Person' if number % 7 == 0 else 'person'}{person}@{DOMAINS[person % len(DOMAINS)]}",
        "sg_message_id": f"m{number}.recvd-1",
        "smtp_id": f"<s{number}@geopod>",
        **_belongs_to(rng, number),
    }

    def event(kind: str, seconds: float, **more: Any) -> Event:
        return {**mail, "event": kind, "event_at": sent + timedelta(seconds=int(seconds)), **more}

    if rng.random() < 0.05:
        reason = rng.choice(("Bounced Address", "Unsubscribed Address", "Invalid"))
        yield event("dropped", 0, reason=reason)
        return
    yield event("processed", 0, pool_name=f"pool{number % 2}")
    if rng.random() < 0.1:
        yield event("deferred", 3, attempt=1, response="451 try later", ip="167.89.0.1")
    if rng.random() < 0.06:
        blocked = rng.random() < 0.3
        yield event(
            "bounce",
            5,
            type="blocked" if blocked else "bounce",
            status="5.7.1" if blocked else rng.choice(("5.1.1", "4.2.2")),
            reason=f"550 user person{person}@x.example unknown {number}",
            ip="167.89.0.1",
        )
        return
    yield event("delivered", rng.randrange(2, 900), ip="167.89.0.1", response="250 OK")
    if rng.random() < 0.05:  # returned later, without the message's id
        later = event(
            "bounce", rng.randrange(3_600, 200_000), type="bounce", status="5.1.1", reason="mailbox is gone"
        )
        yield later | {"sg_message_id": None, "smtp_id": later["smtp_id"] if rng.random() < 0.5 else None}
    if rng.random() < 0.2:
        yield event("open", rng.randrange(5, 60), sg_machine_open=True)
    if rng.random() < 0.4:
        for _ in range(rng.randrange(1, 3)):
            yield event("open", rng.randrange(1_000, 500_000), useragent=BROWSER)
    if rng.random() < 0.15:  # right at the delivery: a scanner, unless a person follows
        yield event("click", 4, url=f"https://x.example/{number % 5}?r={person}", useragent=BROWSER)
    if rng.random() < 0.1:
        agent = "curl/8.0" if number % 5 == 0 else BROWSER
        yield event("click", rng.randrange(2_000, 300_000), url="https://x.example/a", useragent=agent)
    if rng.random() < 0.05:
        yield event("group_unsubscribe", 100_000, asm_group_id=7)
        if rng.random() < 0.5:
            yield event("group_resubscribe", 100_000 + rng.randrange(150_000), asm_group_id=7)
    if rng.random() < 0.02:
        yield event(rng.choice(("unsubscribe", "spamreport")), 90_000)
    if rng.random() < 0.02:
        yield event("hologram", 60)
    if rng.random() < 0.05:  # the same again under another id
        yield event("open", 70, is_copy=True, sg_event_id="retry")


def _belongs_to(rng: random.Random, number: int) -> Event:
    kind = number % 4
    if kind == 0:
        variation = rng.randrange(2)
        return {
            "singlesend_id": f"send{number % 3}",
            "singlesend_name": f"Newsletter {number % 3}",
            "template_id": "d-1",
            "template_version_id": f"v-{variation}",
            "categories": ["news", "weekly"],
        }
    if kind == 1:
        return {"mc_auto_id": "auto1", "mc_auto_name": "Welcome", "mc_auto_step_id": f"step{number % 2}"}
    if kind == 2:  # two templates whose versions nobody named
        return {"sg_template_id": f"d-tx{number % 8}", "sg_template_name": "Untitled Version"}
    return {"categories": ["receipts"]}


def _without_message() -> Iterator[Event]:
    at = FIRST_DAY + timedelta(days=2)
    yield {"event": "account_status_change", "event_at": at, "type": "compliance_suspend"}
    yield {
        "event": "processed",
        "event_at": at,
        "email": "example@test.com",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
    }
    yield {"event": "bounce", "event_at": at, "email": "stranger@x.example", "type": "bounce"}
