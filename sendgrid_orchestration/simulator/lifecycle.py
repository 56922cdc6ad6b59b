"""What becomes of one message: the events from the moment it is handed over to the last click.

People and machines behave differently here, as they do in life: a scanner opens every link within seconds, Apple's proxy loads
the images of mail that nobody reads, people come hours later or never.
"""

from __future__ import annotations

import base64
import math
import random
from dataclasses import dataclass
from typing import Any

from sendgrid_orchestration.simulator import mailboxes
from sendgrid_orchestration.simulator.mailings import Mailing

Event = dict[str, Any]

KNOWN_KEYS = frozenset(
    {
        "asm_group_id", "attempt", "bounce_classification", "category", "cert_err", "domain", "email", "event", "from", "ip",
        "marketing_campaign_id", "marketing_campaign_name", "marketing_campaign_split_id", "marketing_campaign_version",
        "mc_auto_id", "mc_auto_msg_id", "mc_auto_name", "mc_auto_step_id", "mc_pod_id", "mc_stats", "phase_id", "pool",
        "reason", "response", "send_at", "sg_content_type", "sg_event_id", "sg_machine_open", "sg_message_id",
        "sg_template_id", "sg_template_name", "singlesend_id", "singlesend_name", "smtp-id", "status", "template_hash",
        "template_id", "template_version_id", "timestamp", "tls", "type", "url", "url_offset", "useragent",
    }
)  # fmt: skip
"""The keys that SendGrid writes itself; all others are custom args."""

HARD_BOUNCE_BITS, INTEREST_BITS, INVALID_BITS = 44, 50, 36
"""Which bits of a contact's hash say whether its address is dead, how eagerly it reads, and whether its domain exists."""

_SENDING_IPS = (
    ("marketing", "210", ("167.89.55.10", "167.89.55.11")),
    ("transactional", "211", ("149.72.33.7",)),
)
_BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
)
_SCANNERS = (
    ("python-requests/2.31.0", "54.87.{a}.{b}"),
    ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/119.0.0.0 Safari/537.36", "40.94.{a}.{b}"),
    ("Barracuda Sentinel (EE)", "64.235.150.{b}"),
)  # fmt: skip
_APPLE_PROXY = "Mozilla/5.0"
_NO_REASON_TO_MAIL = (
    ("Invalid SMTPAPI header", 3),
    ("Spam Content", 4),
    ("Recipient List over Package Quota", 2),
)


@dataclass(frozen=True)
class Recipient:
    """What of a contact matters to a message."""

    number: int
    email: str
    domain: str
    utc_offset: int
    interest: float
    on_iphone: bool
    dead: bool
    invalid: bool


@dataclass(frozen=True)
class Suppression:
    """Why a recipient gets no more mail, and from when on.

    Attributes:
        group: the unsubscribe group that was left; everything where None.
    """

    since: float
    reason: str
    group: int | None = None
    until: float = math.inf


class Lifecycle:
    """Writes the events of messages, with one stream of dice for all.

    Args:
        dice: decides everything.
        user_id: the account's number, which is part of event ids.
        legacy: whether campaigns are marked as those of the legacy family are.
        trouble_from: when the troubled domain's trouble begins, in unix seconds.
    """

    def __init__(
        self, dice: random.Random, user_id: int, trouble_from: float, *, legacy: bool = False
    ) -> None:
        self._dice = dice
        self._user_id = user_id
        self._trouble_from = trouble_from
        self._sent = 0
        self.legacy = legacy

    def events(
        self, at: int, mailing: Mailing, to: Recipient, suppression: Suppression | None
    ) -> tuple[list[Event], list[Suppression]]:
        """Everything that will happen to one message, and what it means for the messages after it."""
        self._sent += 1
        message = _Message(self, at, mailing, to)
        if to.invalid or (suppression is not None and suppression.reason == "Invalid"):
            message.dropped("Invalid", bare=True)
            return message.events, [Suppression(at, "Invalid")]
        if suppression is not None:
            message.dropped(suppression.reason)
            return message.events, []
        roll = self._dice.random() * 10_000
        for reason, share in _NO_REASON_TO_MAIL:
            roll -= share
            if roll < 0:
                message.dropped(reason)
                return message.events, []
        message.travel()
        return message.events, message.suppressions

    def in_trouble(self, at: float, domain: str) -> bool:
        """Whether this domain is in trouble at that time."""
        return domain == mailboxes.TROUBLED and at >= self._trouble_from

    @property
    def dice(self) -> random.Random:
        """What decides."""
        return self._dice

    @property
    def user_id(self) -> int:
        """The account's number."""
        return self._user_id

    @property
    def sent(self) -> int:
        """How many messages were begun."""
        return self._sent


class _Message:
    """One message on its way; collects its events."""

    def __init__(self, life: Lifecycle, at: int, mailing: Mailing, to: Recipient) -> None:
        self.life, self.at, self.mailing, self.to = life, at, mailing, to
        self.dice = life.dice
        self.events: list[Event] = []
        self.suppressions: list[Suppression] = []
        self.provider = mailboxes.provider_of(to.domain)
        self.troubled = life.in_trouble(at, to.domain)
        self.pool, self.pool_id, ips = _SENDING_IPS[mailing.kind == "transactional"]
        self.ip = ips[life.sent % len(ips)]
        self.message_id = _token(self.dice.getrandbits(128))
        self.recipient_index = life.sent % 50 if mailing.kind == "single_send" else 0
        server = f"recvd-{life.sent % 7 + 100:x}b47f8-{self.dice.getrandbits(20):05x}-1"
        self.sg_message_id = f"{self.message_id}.{server}-{at:X}-{life.sent % 64:X}.{self.recipient_index}"
        self.about = self._about()
        self.smtp_id = f"<{self.message_id}@geopod-ismtpd-{life.sent % 40}>"

    def dropped(self, reason: str, *, bare: bool = False) -> None:
        """SendGrid did not even try. The oldest kind of drop comes without ids, and sometimes without address."""
        event = self._delivery("dropped", self.at, f"drop-{self.life.user_id}", reason=reason)
        if reason != "Spam Content":
            event["status"] = "5.0.0"
        if bare:
            del event["sg_event_id"], event["sg_message_id"]
            if self.dice.random() < 0.2:
                event["email"] = ""

    def travel(self) -> None:
        """Hand over, defer, refuse or deliver; then whatever people and machines do with it."""
        dice, at = self.dice, self.at
        processed = self._delivery("processed", at, f"processed-{self.life.user_id}")
        processed["pool"] = {"name": self.pool, "id": self.pool_id}
        # The account's own server schedules nothing; a single send tells when it was due, as text.
        processed["send_at"] = str(at) if self.mailing.kind == "single_send" else 0
        at += dice.randrange(0, self.provider.seconds)
        at, attempts = self._deferrals(at)
        refusal = self._refusal()
        if refusal is not None:
            self._bounced(at, attempts, refusal)
            return
        self._delivery(
            "delivered", at, f"delivered-{attempts}-{self.life.user_id}",
            response=self._text(self.provider.accepted), ip=self.ip, tls=1 if dice.random() < 0.995 else 0,
        )  # fmt: skip
        if dice.random() < 0.0012:
            self._bounced_later(at + dice.randrange(3600, 40_000))
            return
        self._engage(at)

    def _deferrals(self, at: int) -> tuple[int, int]:
        response, share = self.provider.deferral
        if self.troubled:
            share = mailboxes.TROUBLED_DEFERRALS
        if self.dice.random() * 10_000 >= share:
            return at, 0
        attempts = min(1 + int(self.dice.expovariate(0.8)), 7)
        for attempt in range(attempts):
            event = self._delivery(
                "deferred", at, f"deferred-{attempt}-{self.life.user_id}",
                response=self._text(response), attempt=str(attempt), ip=self.ip, tls=1,
            )  # fmt: skip
            event["domain"], event["from"] = self.to.domain, "Northwind <news@mail.northwind.example>"
            if self.dice.random() < 0.02:
                event["cert_err"] = "1"
            at += int(300 * 2**attempt * (0.8 + 0.4 * self.dice.random()))
        return at, attempts

    def _refusal(self) -> mailboxes.Refusal | None:
        if self.to.dead:
            return self.provider.unknown_user
        roll = self.dice.random() * 10_000
        for refusal, share in mailboxes.TROUBLED_REFUSALS if self.troubled else self.provider.refusals:
            roll -= share
            if roll < 0:
                return refusal
        return None

    def _bounced(self, at: int, attempts: int, refusal: mailboxes.Refusal) -> None:
        event = self._delivery(
            "bounce", at, f"bounce-{attempts}-{self.life.user_id}", reason=self._text(refusal.reason),
            type=refusal.kind, bounce_classification=refusal.classification, ip=self.ip, tls=1,
        )  # fmt: skip
        if refusal.status is None:
            del event["ip"]
            event["tls"] = 0
        else:
            event["status"] = refusal.status
        if refusal.kind == "bounce":
            self.suppressions.append(Suppression(at, "Bounced Address"))

    def _bounced_later(self, at: int) -> None:
        """An asynchronous bounce: the message was taken, and came back hours later. It does not say which message."""
        event = self._delivery(
            "bounce", at, f"bounce-async-{self.life.user_id}",
            reason="550 5.1.1 <" + self.to.email + ">... User unknown (delayed notification)",
            type="bounce", bounce_classification="Invalid Address", status="5.1.1",
        )  # fmt: skip
        del event["sg_message_id"]
        self.suppressions.append(Suppression(at, "Bounced Address"))

    def _engage(self, delivered: int) -> None:
        to, mailing, dice = self.to, self.mailing, self.dice
        if to.domain in mailboxes.SCANNED_DOMAINS:
            self._scanned(delivered)
        if to.on_iphone and dice.random() < 0.93:
            quick = dice.random() < 0.85
            at = delivered + (dice.randrange(1, 12) if quick else dice.randrange(60, 20_000))
            self._open(at, _APPLE_PROXY, f"172.225.{dice.randrange(256)}.{dice.randrange(256)}", machine=True)
        reading = 0.30 * to.interest * mailing.opens * (0.6 if self.troubled else 1.0)
        if dice.random() < min(reading, 0.95):
            self._read(self._reading_time(delivered))
        complaints = mailboxes.TROUBLED_COMPLAINTS if self.troubled else self.provider.complaints
        if mailing.kind == "transactional":
            complaints //= 5
        if dice.random() * 10_000 < complaints:
            at = delivered + dice.randrange(600, 50_000)
            self._engagement("spamreport", at)
            self.suppressions.append(Suppression(at, "Spam Reporting Address"))

    def _reading_time(self, delivered: int) -> int:
        at = delivered + int(min(self.dice.lognormvariate(8.3, 1.5), 9 * 86_400)) + 20
        hour = (at // 3600 + self.to.utc_offset) % 24
        return at + (8 - hour) * 3600 + self.dice.randrange(3600) if hour < 7 else at  # people sleep

    def _read(self, at: int) -> None:
        dice, mailing = self.dice, self.mailing
        agent = _BROWSERS[self.to.number % len(_BROWSERS)]
        ip = (
            f"{81 + self.to.number % 15}.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"
        )
        if self.to.number % 97 == 0:
            ip = f"2a02:8109:{dice.getrandbits(16):x}:{dice.getrandbits(16):x}::{dice.getrandbits(16):x}"
        # Apple's proxy has the images already: that this person reads shows in a click, seldom in a second open.
        if not self.to.on_iphone or dice.random() < 0.15:
            via = (agent, ip)
            if self.provider.proxy and dice.random() < 0.9:
                via = (self.provider.proxy[0], f"{self.provider.proxy[1]}.{dice.randrange(1, 255)}")
            self._open(at, *via, machine=False)
            while dice.random() < 0.25:
                self._open(at + int(dice.expovariate(1 / 30_000)), *via, machine=False)
        if dice.random() < min(0.16 * mailing.clicks, 0.8):
            when = at + dice.randrange(6, 180)
            self._click(when, agent, ip, min(int(dice.expovariate(1.1)), len(mailing.links) - 1))
            if dice.random() < 0.2:
                self._click(when + dice.randrange(15, 240), agent, ip, dice.randrange(len(mailing.links)))
        elif mailing.kind != "transactional" and dice.random() < 0.02:
            self._unsubscribed(at + dice.randrange(5, 60), agent, ip)

    def _unsubscribed(self, at: int, agent: str, ip: str) -> None:
        group = self.mailing.unsubscribe_group
        if group is None or self.dice.random() < 0.35:
            self._engagement("unsubscribe", at)
            self.suppressions.append(Suppression(at, "Unsubscribed Address"))
            return
        link = "https://u2135897280.ct.sendgrid.net/asm/?user_id=2135897280&data=" + self.message_id
        self._engagement("group_unsubscribe", at, useragent=agent, ip=ip, url=link, asm_group_id=group)
        back = at + self.dice.randrange(3600, 400_000) if self.dice.random() < 0.2 else None
        if back is not None:
            self._engagement("group_resubscribe", back, useragent=agent, ip=ip, url=link, asm_group_id=group)
        self.suppressions.append(Suppression(at, "Unsubscribed Address", group, back or math.inf))

    def _scanned(self, delivered: int) -> None:
        dice = self.dice
        agent, pattern = _SCANNERS[hash_of(self.to.domain) % len(_SCANNERS)]
        ip = pattern.format(a=hash_of(self.to.domain) % 256, b=dice.randrange(4, 9))
        if dice.random() < 0.12:
            return
        at = delivered + dice.randrange(0, 3)
        for index in range(len(self.mailing.links)):
            self._click(at + (index + dice.randrange(0, 2)) // 2, agent, ip, index)
        if self.mailing.unsubscribe_group is not None and dice.random() < 0.004:
            self._engagement("unsubscribe", at + 1)
            self.suppressions.append(Suppression(at + 1, "Unsubscribed Address"))

    def _open(self, at: int, agent: str, ip: str, *, machine: bool) -> None:
        self._engagement("open", at, useragent=agent, ip=ip, sg_content_type="html", sg_machine_open=machine)

    def _click(self, at: int, agent: str, ip: str, index: int) -> None:
        place = {"index": index, "type": "html" if self.dice.random() < 0.97 else "text"}
        self._engagement("click", at, useragent=agent, ip=ip, url=self.mailing.links[index], url_offset=place)

    def _delivery(self, event: str, at: int, id_begin: str, **more: Any) -> Event:
        made = {
            **self.about,
            **more,
            "event": event,
            "email": self.to.email,
            "timestamp": at,
            "smtp-id": self.smtp_id,
            "sg_message_id": self.sg_message_id,
            "sg_event_id": _base64(f"{id_begin}-{self.message_id}-{self.recipient_index}".encode()),
        }
        self.events.append(made)
        return made

    def _engagement(self, event: str, at: int, **more: Any) -> None:
        made = {
            **self.about,
            **more,
            "event": event,
            "email": self.to.email,
            "timestamp": at,
            "sg_message_id": self.sg_message_id,
            "sg_event_id": _token(self.dice.getrandbits(128)),
        }
        # The unsubscribe family is known to come without an id now and then (sendgrid/docs#2862).
        if "unsubscribe" in event and self.dice.random() < 0.05:
            del made["sg_event_id"]
        self.events.append(made)

    def _about(self) -> Event:
        """What every event of this message says about the mailing."""
        mailing, template = self.mailing, self.mailing.template
        about: Event = {}
        if mailing.categories:
            about["category"] = mailing.categories[0] if mailing.lone_category else list(mailing.categories)
        if mailing.unsubscribe_group is not None:
            about["asm_group_id"] = mailing.unsubscribe_group
        for name, value in mailing.custom_args:
            about[name] = value.format(n=10_000 + self.life.sent)
        if mailing.kind == "transactional":
            return about | {"sg_template_id": template.id, "sg_template_name": template.name}
        if self.life.legacy and mailing.kind == "single_send":
            about |= {"marketing_campaign_id": mailing.legacy_id, "marketing_campaign_name": mailing.name}
            if mailing.phase == "test":
                about["marketing_campaign_version"] = mailing.variation
                about["marketing_campaign_split_id"] = mailing.legacy_id + 1000
            return about
        about |= {
            "sg_template_id": template.id,
            "sg_template_name": template.name,
            "template_id": template.id,
            "template_version_id": template.version_id,
            "template_hash": template.hash,
        }
        if mailing.kind == "single_send":
            return about | {
                "mc_stats": "singlesend",
                "singlesend_id": mailing.id,
                "singlesend_name": mailing.name,
                "phase_id": mailing.phase,
                "send_at": str(self.at),
            }
        return about | {
            "mc_stats": "automation",
            "mc_auto_id": mailing.id,
            "mc_auto_name": mailing.name,
            "mc_auto_step_id": mailing.step_id,
            "mc_auto_msg_id": template.version_id,
            "mc_pod_id": "6",
        }

    def _text(self, pattern: str) -> str:
        if "{" not in pattern:
            return pattern
        return pattern.format(
            ip=self.ip,
            email=self.to.email,
            epoch=self.at,
            queue=self.message_id[:12].replace("-", "x").replace("_", "y"),
            number=self.life.sent % 900 + 100,
            letter="abcdefgh"[self.life.sent % 8],
        )


def hash_of(text: str) -> int:
    """A small number from a text, the same in every process."""
    return sum(text.encode()) * 31 + len(text)


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _token(bits: int) -> str:
    return _base64(bits.to_bytes(16, "big"))
