"""One message to one recipient, and how its events are written: ids, and what they say about the mailing."""

from __future__ import annotations

import base64
import math
import random
from dataclasses import dataclass, field
from typing import Any

from sendgrid_orchestration.simulator import mailboxes
from sendgrid_orchestration.simulator.mailings import Mailing

Event = dict[str, Any]

KNOWN_KEYS = frozenset(
    {
        "asm_group_id", "attempt", "bounce_classification", "category", "cert_err", "domain", "email", "event", "from", "ip",
        "marketing_campaign_id", "marketing_campaign_name", "marketing_campaign_split_id", "marketing_campaign_version",
        "date", "mc_auto_id", "mc_auto_msg_id", "mc_auto_name", "mc_auto_step_id", "mc_auto_unique_id", "mc_pod_id", "mc_stats",
        "message", "newsletter", "phase_id", "pool", "post_type", "reason", "reseller_id", "sg_user_id", "response", "send_at", "sg_content_type", "sg_event_id", "sg_machine_open", "sg_message_id",
        "sg_template_id", "sg_template_name", "singlesend_id", "singlesend_name", "smtp-id", "status", "template_hash",
        "template_id", "template_version_id", "timestamp", "tls", "type", "url", "url_offset", "useragent",
    }
)  # fmt: skip
"""The keys that SendGrid writes itself; all others are custom args."""

FROM_ADDRESS = "news@mail.northwind.example"
"""Whom all mail comes from."""

_SENDING_IPS = (
    ("marketing", "210", ("167.89.55.10", "167.89.55.11")),
    ("transactional", "211", ("149.72.33.7",)),
)
_PER_HANDOVER = 50


@dataclass(frozen=True)
class Recipient:
    """What of a contact matters to a message.

    Attributes:
        interest: how eagerly it reads; 0 never reads anything.
        reads_until: when it lost interest, in unix seconds.
        on_iphone: Apple's proxy loads the images of its mail.
        dead: the mailbox does not exist.
        invalid: not even the domain exists.
    """

    number: int
    email: str
    domain: str
    utc_offset: int
    interest: float
    reads_until: float
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


@dataclass
class Outbox:
    """What the messages of one script share.

    Attributes:
        dice: decides everything.
        user_id: the account's number, which is part of event ids.
        trouble_from: when the troubled domain's trouble begins, in unix seconds.
        legacy: whether campaigns are marked as those of the legacy family are.
        sent: how many messages were begun.
        troubled: how many of them reached the troubled domain.
    """

    dice: random.Random
    user_id: int
    trouble_from: float
    legacy: bool = False
    sent: int = 0
    troubled: int = 0
    _handovers: dict[str, tuple[str, int]] = field(default_factory=dict)
    _scheduled: dict[str, int] = field(default_factory=dict)

    def handover(self, mailing: Mailing) -> tuple[str, int]:
        """The X-Message-Id of the call that hands a message over, and the recipient's place in it.

        A single send hands many recipients over at once: they share that id, and only the last number tells them apart.
        """
        if mailing.kind != "single_send":
            return token(self.dice.getrandbits(128)), 0
        key = f"{mailing.template.id} {mailing.phase}"
        shared, count = self._handovers.get(key, ("", _PER_HANDOVER))
        if count == _PER_HANDOVER:
            shared, count = token(self.dice.getrandbits(128)), 0
        self._handovers[key] = (shared, count + 1)
        return shared, count

    def scheduled(self, mailing: Mailing, at: int) -> int:
        """When a single send was due: all its messages tell the same moment."""
        return self._scheduled.setdefault(f"{mailing.id} {mailing.phase}", at)


class Message:
    """One message on its way; collects its events.

    Attributes:
        events: what happened, in the order in which it was written down, not in time.
        suppressions: what it means for later messages.
        troubled: whether the recipient's domain is in trouble at the time.
    """

    def __init__(self, outbox: Outbox, at: int, mailing: Mailing, to: Recipient) -> None:
        outbox.sent += 1
        self.outbox, self.at, self.mailing, self.to = outbox, at, mailing, to
        self.dice = outbox.dice
        self.events: list[Event] = []
        self.suppressions: list[Suppression] = []
        self.provider = mailboxes.provider_of(to.domain)
        self.troubled = to.domain == mailboxes.TROUBLED and at >= outbox.trouble_from
        self.pool, self.pool_id, ips = _SENDING_IPS[mailing.kind == "transactional"]
        self.ip = ips[outbox.sent % len(ips)]
        self.message_id, self._place = outbox.handover(mailing)
        server = f"recvd-{outbox.sent % 7 + 100:x}b47f8-{self.dice.getrandbits(20):05x}-1"
        self._sg_message_id = f"{self.message_id}.{server}-{at:X}-{outbox.sent % 64:X}.{self._place}"
        self._smtp_id = f"<{self.message_id}@geopod-ismtpd-{sum(self.message_id.encode()) % 40}>"
        self.scheduled = outbox.scheduled(mailing, at)
        self._about = self._written_about()

    def delivery(self, event: str, at: int, tried: int | None = None, /, **more: Any) -> Event:
        """Write down an event that SendGrid's mail servers report; its id says in base64 what it is about.

        Args:
            event: its type.
            at: when.
            tried: how many attempts there were before, where that is part of the id.
            more: what this type of event says besides.
        """
        kind = {"dropped": "drop"}.get(event, event)
        attempt = "" if tried is None else f"{tried}-"
        identity = f"{kind}-{attempt}{self.outbox.user_id}-{self.message_id}-{self._place}"
        made = {
            **self._about,
            **more,
            "event": event,
            "email": self.to.email,
            "timestamp": at,
            "smtp-id": self._smtp_id,
            "sg_message_id": self._sg_message_id,
            "sg_event_id": _base64(identity.encode()),
        }
        self.events.append(made)
        return made

    def engagement(self, event: str, at: int, **more: Any) -> None:
        """Write down something that the recipient did, or a machine in its place."""
        made = {
            **self._about,
            **more,
            "event": event,
            "email": self.to.email,
            "timestamp": at,
            "sg_message_id": self._sg_message_id,
            "sg_event_id": token(self.dice.getrandbits(128)),
        }
        if event in ("spamreport", "unsubscribe"):
            made.pop("asm_group_id", None)
        # The unsubscribe family is known to come without an id now and then (sendgrid/docs#2862).
        if "unsubscribe" in event and self.dice.random() < 0.05:
            del made["sg_event_id"]
        self.events.append(made)

    def text(self, pattern: str) -> str:
        """What a mail server says, with the particulars of this message."""
        if "{" not in pattern:
            return pattern
        return pattern.format(
            ip=self.ip,
            email=self.to.email,
            epoch=self.at,
            queue=self.message_id[:12].replace("-", "x").replace("_", "y"),
            number=self.outbox.sent % 900 + 100,
            letter="abcdefgh"[self.outbox.sent % 8],
        )

    def _written_about(self) -> Event:
        """What every event of this message says about the mailing."""
        mailing, template = self.mailing, self.mailing.template
        about: Event = {}
        if mailing.categories:
            about["category"] = mailing.categories[0] if mailing.lone_category else list(mailing.categories)
        if mailing.unsubscribe_group is not None:
            about["asm_group_id"] = mailing.unsubscribe_group
        for name, value in mailing.custom_args:
            about[name] = value.format(n=10_000 + self.outbox.sent)
        if mailing.kind == "transactional":
            return about | {"sg_template_id": template.id, "sg_template_name": template.version_name}
        if self.outbox.legacy and mailing.kind == "single_send":
            about |= {"post_type": "event", "sg_user_id": self.outbox.user_id}
            if mailing.is_newsletter:
                ids = {"newsletter_id": "1943530", "newsletter_user_list_id": "10557865"}
                return about | {"newsletter": {**ids, "newsletter_send_id": "2308608"}}
            about |= {"marketing_campaign_id": mailing.legacy_id, "marketing_campaign_name": mailing.name}
            if mailing.phase == "test":
                about["marketing_campaign_version"] = mailing.variation
                about["marketing_campaign_split_id"] = mailing.legacy_id + 1000
            return about
        about |= {
            "sg_template_id": template.id,
            "sg_template_name": template.version_name,
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
                "send_at": str(self.scheduled),
            }
        return about | {
            "mc_stats": "automation",
            "mc_auto_id": mailing.id,
            "mc_auto_name": mailing.name,
            "mc_auto_step_id": mailing.step_id,
            "mc_auto_msg_id": template.version_id,
            "mc_auto_unique_id": self.message_id,
            "mc_pod_id": "6",
        }


def token(bits: int) -> str:
    """128 bits as the 22 characters that SendGrid makes of them."""
    return _base64(bits.to_bytes(16, "big"))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
