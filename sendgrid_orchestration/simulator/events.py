"""The script of everything that happens: one line of time, the past first, then the present.

The same seed gives the same history. The present continues where history ends: messages that were under way then are opened
now. `EventScript(account)` iterates over history; `live()` follows the clock.
"""

from __future__ import annotations

import heapq
import math
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

from sendgrid_orchestration.simulator import lifecycle
from sendgrid_orchestration.simulator.contacts import ContactBook
from sendgrid_orchestration.simulator.mailings import Mailing, Mailings
from sendgrid_orchestration.simulator.membership import Membership
from sendgrid_orchestration.simulator.message import Event, Outbox, Recipient, Suppression
from sendgrid_orchestration.simulator.people import CITIES

_INTEREST_BITS, _PATIENCE_BITS, _DEAD_BITS, _INVALID_BITS, _IPHONE_BITS, _CITY_BITS = 50, 30, 44, 36, 40, 26
"""Which bits of a contact's hash say how it deals with mail."""

_DAY = 86_400
_MESSAGES_PER_PERSON = 10
_SHARES = {"single_send": 0.55, "automation": 0.15, "transactional": 0.30}
_BUSY_HOURS = (1, 1, 1, 1, 1, 2, 4, 7, 10, 12, 12, 11, 10, 10, 11, 11, 10, 9, 8, 8, 7, 5, 3, 2)

_Sending = tuple[int, int, Mailing, int]


class EventScript:
    """Everything that happens to an account's mail.

    Args:
        book: the contacts that are mailed.
        membership: decides who gets which single send.
        mailings: what is sent.
        user_id: the account's number.
        ends: the moment, in unix seconds, at which history ends.
        seed: the same seed writes the same script.
        days: how far back history goes.
        messages: about how many messages history has; each brings some four events.
        legacy: whether campaigns are marked as those of the legacy family are.
        heard: told of each live event as it happens.
    """

    def __init__(
        self,
        book: ContactBook,
        membership: Membership,
        mailings: Mailings,
        *,
        user_id: int,
        ends: int,
        seed: int = 1,
        days: int = 30,
        messages: int = 5000,
        legacy: bool = False,
        heard: Callable[[Event], None] | None = None,
    ) -> None:
        self.book, self.membership, self.mailings = book, membership, mailings
        self.user_id, self.ends, self.seed, self.days, self.messages = user_id, ends, seed, days, messages
        self.legacy = legacy
        self._heard = heard
        self._present: _Timeline | None = None

    def __iter__(self) -> Iterator[Event]:
        """History, in the order in which it happened."""
        timeline = _Timeline(self)
        yield from timeline.history()
        self._present = timeline

    def live(
        self,
        clock: Callable[[], float],
        *,
        messages_per_second: float = 2.0,
        stop: threading.Event | None = None,
        every: float = 0.2,
    ) -> Iterator[Event]:
        """What happens from the end of history on, as the clock goes.

        Args:
            clock: tells the time.
            messages_per_second: how many messages are sent.
            stop: ends it.
            every: seconds between two looks at the clock.
        """
        if self._present is None:
            for _ in self:
                pass
        timeline = self._present
        assert timeline is not None
        stop = stop or threading.Event()
        sendings = timeline.endless(self.ends, messages_per_second)
        while not stop.is_set():
            for event in timeline.until(clock(), sendings):
                if self._heard is not None:
                    self._heard(event)
                yield event
            stop.wait(every)


class _Timeline:
    """One run through a script: who was told to stop, and what is still to come."""

    def __init__(self, script: EventScript) -> None:
        self._script = script
        self._dice = random.Random(script.seed)
        self._begins = script.ends - script.days * _DAY
        trouble_from = self._begins + script.days * _DAY * 2 // 3
        self._outbox = Outbox(self._dice, script.user_id, trouble_from, script.legacy)
        numbers = script.book.numbers()
        self._audience = [
            int(n) for n in numbers[: max(script.messages // _MESSAGES_PER_PERSON, min(50, len(numbers)))]
        ]
        self._recipients: dict[int, Recipient] = {}
        self._suppressed: dict[int, list[Suppression]] = {}
        self._coming: list[tuple[int, int, Event]] = []
        self._pushed = 0
        self._next: _Sending | None = None

    def history(self) -> Iterator[Event]:
        """Everything up to the end of history."""
        if not self._audience:
            return
        for number in range(self._script.days):
            begin = self._begins + number * _DAY
            yield from self.until(begin + _DAY, iter(sorted(self._day(number, begin), key=lambda s: s[:2])))

    def until(self, end: float, sendings: Iterator[_Sending]) -> Iterator[Event]:
        """What happens up to then, in order; sendings that are due later stay for the next call."""
        while True:
            sending = self._next or next(sendings, None)
            if sending is None or sending[0] > end:
                self._next = sending
                break
            self._next = None
            yield from self._happened(sending[0])
            self._send(sending)
        yield from self._happened(end)

    def endless(self, begin: int, per_second: float) -> Iterator[_Sending]:
        """Sendings of the present: shop mail, automations, and now and then a newsletter that is going out."""
        mailings = self._script.mailings
        at = float(begin)
        count = 0
        while self._audience:
            at += self._dice.expovariate(per_second)
            count += 1
            kinds = ((mailings.transactional, 6), (mailings.steps, 3), (mailings.current, 3))
            chosen = self._dice.choices([k for k, _ in kinds], [w if k else 0 for k, w in kinds])[0]
            yield int(at), count, self._weighted(chosen), self._dice.choice(self._audience)

    def _happened(self, end: float) -> Iterator[Event]:
        while self._coming and self._coming[0][0] <= end:
            yield heapq.heappop(self._coming)[2]

    def _send(self, sending: _Sending) -> None:
        at, _, mailing, number = sending
        recipient = self._recipient(number)
        stopped = self._suppression(number, at, mailing)
        message = lifecycle.send(self._outbox, at, mailing, recipient, stopped)
        if message.suppressions:
            self._suppressed.setdefault(number, []).extend(message.suppressions)
        for event in message.events:
            self._push(event)

    def _push(self, event: Event) -> None:
        self._pushed += 1
        heapq.heappush(self._coming, (event["timestamp"], self._pushed, event))

    def _suppression(self, number: int, at: int, mailing: Mailing) -> Suppression | None:
        for one in self._suppressed.get(number, ()):
            if one.since < at < one.until and one.group in (None, mailing.unsubscribe_group):
                return one
        return None

    def _day(self, number: int, begin: int) -> Iterator[_Sending]:
        script, mailings = self._script, self._script.mailings
        weekend = 0.6 if (begin // _DAY + 4) % 7 in (0, 6) else 1.15
        for kind, choices in (("automation", mailings.steps), ("transactional", mailings.transactional)):
            for n in range(int(script.messages * _SHARES[kind] / script.days * weekend)):
                hour = self._dice.choices(range(24), _BUSY_HOURS)[0]
                at = begin + hour * 3600 + self._dice.randrange(3600)
                yield at, n, self._weighted(choices), self._dice.choice(self._audience)
        for mailing in mailings.bulk:
            if mailing.when < 1 and int(mailing.when * script.days) == number:
                yield from self._bulk(mailing, begin)
        if number == script.days // 2:
            self._status_changes(begin)

    def _bulk(self, mailing: Mailing, begin: int) -> Iterator[_Sending]:
        script = self._script
        sent = begin + 9 * 3600 + (4 * 3600 if mailing.variation and mailing.phase == "send" else 0)
        members = self._members(mailing)
        sends = {one.id for one in script.mailings.bulk if one.when < 1}
        count = int(script.messages * _SHARES["single_send"] / len(sends))
        chosen = self._dice.sample(members, min(count, len(members)))
        if mailing.variation:
            # The variations of a test share the audience out among themselves.
            cut = {("A", "test"): (0, 0.15), ("B", "test"): (0.15, 0.3), ("B", "send"): (0.3, 1.0)}
            low, high = cut[mailing.variation, mailing.phase]
            chosen = members[int(low * len(members)) : int(high * len(members))][:count]
        for n, contact in enumerate(chosen):
            yield sent + n * 1200 // max(len(chosen), 1), n, mailing, contact

    def _members(self, mailing: Mailing) -> list[int]:
        lists = [one for one in self._script.membership.lists.values() if one.name in mailing.audience]
        if not lists:
            return self._audience
        return [n for n in self._audience if any(n < len(one.members) and one.members[n] for one in lists)]

    def _weighted(self, choices: list[Mailing]) -> Mailing:
        return self._dice.choices(choices, [mailing.weight for mailing in choices])[0]

    def _status_changes(self, begin: int) -> None:
        """The account was held for two hours once. These events have neither address nor message."""
        for hour, kind in ((3, "compliance_suspend"), (5, "reactivate")):
            at = begin + hour * 3600
            self._push(
                {
                    "event": "account_status_change",
                    "sg_event_id": f"account-{kind}-{at}",
                    "timestamp": at,
                    "type": kind,
                }
            )

    def _recipient(self, number: int) -> Recipient:
        known = self._recipients.get(number)
        if known is None:
            known = self._recipients[number] = self._met(number)
        return known

    def _met(self, number: int) -> Recipient:
        """How this contact deals with mail: some never read, some lost interest on the way, some do not exist."""
        book = self._script.book
        email = book.email(number)
        domain = email.rpartition("@")[2]
        eagerness = book.trait(number, _INTEREST_BITS, 100)
        patience = book.trait(number, _PATIENCE_BITS, 100)
        span = self._script.ends - self._begins
        return Recipient(
            number=number,
            email=email,
            domain=domain,
            utc_offset=CITIES[book.trait(number, _CITY_BITS, len(CITIES))].utc_offset,
            interest=0.0 if eagerness < 16 else 0.4 if eagerness < 40 else 1.0 if eagerness < 80 else 1.8,
            reads_until=self._begins + span * (0.2 + patience * 0.05) if patience < 12 else math.inf,
            on_iphone=domain in ("icloud.com", "me.com") or book.trait(number, _IPHONE_BITS, 1000) < 180,
            dead=book.trait(number, _DEAD_BITS, 1000) < 18,
            invalid=book.trait(number, _INVALID_BITS, 1000) < 6,
        )


def odd_events(now: int) -> list[Any]:
    """Events with every oddity that SendGrid is known for and that must land all the same."""
    base = {"email": "odd.one@northwind.example", "timestamp": now, "sg_message_id": "odd.recvd-1-1.0"}
    return [
        base | {"event": "sms_delivered", "sg_event_id": "odd-unknown-type"},
        base | {"event": "open", "sg_event_id": "odd-milliseconds", "timestamp": now * 1000 + 123},
        base | {"event": "Processed", "sg_event_id": "odd-string-time", "timestamp": str(now)},
        base
        | {
            "event": "deferred",
            "sg_event_id": "odd-attempt",
            "attempt": 5,
            "response": "400 try again later",
        },
        base
        | {"event": "delivered", "sg_event_id": "odd-category", "category": "lone", "response": "250 OK"},
        base | {"event": "processed", "sg_event_id": "odd-no-category", "category": [], "send_at": "0"},
        {key: value for key, value in base.items() if key != "email"}
        | {"event": "dropped", "sg_event_id": "odd-no-email"},
        base | {"event": "unsubscribe"},
        base
        | {
            "event": "cancel_drop",
            "sg_event_id": "odd-cancel-drop",
            "reason": "Cancelled",
            "message": "by id",
        },
        {key: value for key, value in base.items() if key != "sg_message_id"}
        | {
            "event": "received",
            "sg_event_id": "odd-received",
            "recv_msgid": "odd",
            "protocol": "HTTP",
            "size": 5,
        },
        base
        | {"event": "click", "sg_event_id": "odd-url", "url": "not a url <>&\u2028 ☂", "url_offset": None},
        base
        | {"event": "bounce", "sg_event_id": "odd-pool", "pool": {"name": "p", "id": 210}, "type": "expired"},
        base
        | {"event": "open", "sg_event_id": "odd-nested", "shop": {"cart": [1, 2]}, "ip": "", "empty": None},
    ]
