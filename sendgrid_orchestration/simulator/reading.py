"""What becomes of a message that was delivered: what people do with it, and what machines do in their place.

They behave differently here, as they do in life: a scanner tries every link at once, most of them within five minutes and few within ten
seconds; Apple's proxy loads the images of mail that nobody reads; people come hours later or never.
"""

from __future__ import annotations

import math

from sendgrid_orchestration.simulator import mailboxes
from sendgrid_orchestration.simulator.clock import day
from sendgrid_orchestration.simulator.message import Message, Suppression
from sendgrid_orchestration.simulator.people import CORPORATE_DOMAINS

_BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
)
_SCANNERS = (
    ("python-requests/2.31.0", "54.87.{a}.{b}"),
    (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/119.0.0.0 Safari/537.36",
        "40.94.{a}.{b}",
    ),
    ("Barracuda Sentinel (EE)", "64.235.150.{b}"),
    # Gives itself away only by what it does and where it comes from.
    (_BROWSERS[0], "104.47.{a}.{b}"),
)
SCANNER_NETWORKS = ("54.87.", "40.94.", "64.235.150.", "104.47.")
"""How the addresses of scanners begin."""

_SCAN_MEDIAN, _SCAN_SPREAD = math.log(43), 0.566
"""Published of scanners' clicks: half of them within 43 s after the mail was sent, one in two hundred within 10 s."""

_SOON = 60
_APPLE_PROXY = "Mozilla/5.0"
_LONGEST = 9 * 86_400


def engage(message: Message, delivered: int) -> None:
    """Write down everything that follows delivery."""
    to, mailing, dice = message.to, message.mailing, message.dice
    if to.domain in mailboxes.SCANNED_DOMAINS:
        _scanned(message, delivered)
    if to.on_iphone and dice.random() < 0.93:
        quick = dice.random() < 0.85
        at = delivered + (dice.randrange(1, 12) if quick else dice.randrange(60, 20_000))
        _open(message, at, _APPLE_PROXY, f"172.225.{dice.randrange(256)}.{dice.randrange(256)}", machine=True)
    interest = to.interest if delivered < to.reads_until else 0.0
    reading = 0.30 * interest * mailing.opens * (0.6 if message.troubled else 1.0)
    if dice.random() < min(reading, 0.95):
        _read(message, _reading_time(message, delivered))
    if _complains(message):
        at = delivered + dice.randrange(600, 50_000)
        message.engagement("spamreport", at)
        message.suppressions.append(Suppression(at, "Spam Reporting Address"))


def _complains(message: Message) -> bool:
    """Whether this one is reported as spam. Where trouble is, it shows in small accounts, too: no dice are thrown."""
    if message.troubled:
        message.outbox.troubled += 1
        return message.outbox.troubled % mailboxes.TROUBLED_COMPLAINTS_ONE_IN == 5
    complaints = message.provider.complaints
    if message.mailing.kind == "transactional":
        complaints //= 5
    return message.dice.random() * 10_000 < complaints


def _reading_time(message: Message, delivered: int) -> int:
    at = delivered + int(min(message.dice.lognormvariate(8.3, 1.5), _LONGEST)) + 20
    hour = (at // 3600 + message.to.utc_offset) % 24
    return at + (8 - hour) * 3600 + message.dice.randrange(3600) if hour < 7 else at  # people sleep


def _read(message: Message, at: int) -> None:
    dice, mailing, number = message.dice, message.mailing, message.to.number
    agent = _BROWSERS[number % len(_BROWSERS)]
    ip = f"{81 + number % 15}.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"
    if number % 97 == 0:
        ip = f"2a02:8109:{dice.getrandbits(16):x}:{dice.getrandbits(16):x}::{dice.getrandbits(16):x}"
    # Apple's proxy has the images already: that this person reads shows in a click, seldom in a second open.
    if not message.to.on_iphone or dice.random() < 0.15:
        via = (agent, ip)
        if message.provider.proxy and dice.random() < 0.9:
            via = (message.provider.proxy[0], f"{message.provider.proxy[1]}.{dice.randrange(1, 255)}")
        _open(message, at, *via, machine=False)
        while dice.random() < 0.25:
            _open(message, at + int(dice.expovariate(1 / 30_000)), *via, machine=False)
    if dice.random() < min(0.16 * mailing.clicks, 0.8):
        when = at + dice.randrange(6, 180)
        _click(message, when, agent, ip, min(int(dice.expovariate(1.1)), len(mailing.links) - 1))
        if dice.random() < 0.2:
            _click(message, when + dice.randrange(15, 240), agent, ip, dice.randrange(len(mailing.links)))
    elif mailing.kind != "transactional" and dice.random() < 0.02:
        _unsubscribe(message, at + dice.randrange(5, 60), agent, ip)


def _unsubscribe(message: Message, at: int, agent: str, ip: str) -> None:
    group, dice = message.mailing.unsubscribe_group, message.dice
    if group is None or dice.random() < 0.35:
        _leave(message, at, agent, ip)
        return
    user = message.outbox.user_id
    link = f"https://u{user}.ct.sendgrid.net/asm/?user_id={user}&data={message.message_id}"
    message.engagement("group_unsubscribe", at, useragent=agent, ip=ip, url=link, asm_group_id=group)
    back = at + dice.randrange(3600, 400_000) if dice.random() < 0.2 else None
    if back is not None:
        message.engagement("group_resubscribe", back, useragent=agent, ip=ip, url=link, asm_group_id=group)
    message.suppressions.append(Suppression(at, "Unsubscribed Address", group, back or math.inf))


def _scanned(message: Message, delivered: int) -> None:
    """A company's gateway looks at the message and tries every link, once in a while even the one to leave."""
    dice = message.dice
    which = CORPORATE_DOMAINS.index(message.to.domain)
    agent, pattern = _SCANNERS[which % len(_SCANNERS)]
    ip = pattern.format(a=which + 30, b=dice.randrange(4, 9))
    if dice.random() < 0.12:
        return
    # Counted from when the mail was sent, unless the gateway had it come back later.
    begun = message.at if delivered - message.at < _SOON else delivered
    at = max(begun + int(dice.lognormvariate(_SCAN_MEDIAN, _SCAN_SPREAD)), delivered)
    if dice.random() < 0.6:
        _open(message, at, agent, ip, machine=False)
    for index in range(len(message.mailing.links)):
        _click(message, at + (index + dice.randrange(0, 2)) // 2, agent, ip, index)
    if message.mailing.unsubscribe_group is not None and dice.random() < 0.004:
        _leave(message, at + 1, agent, ip)


def _leave(message: Message, at: int, agent: str, ip: str) -> None:
    """An unsubscribe from everything; its day is one of the account's time zone."""
    message.engagement("unsubscribe", at, useragent=agent, ip=ip, date=day(at).isoformat(), reseller_id="1")
    message.suppressions.append(Suppression(at, "Unsubscribed Address"))


def _open(message: Message, at: int, agent: str, ip: str, *, machine: bool) -> None:
    message.engagement("open", at, useragent=agent, ip=ip, sg_content_type="html", sg_machine_open=machine)


def _click(message: Message, at: int, agent: str, ip: str, index: int) -> None:
    place = {"index": index, "type": "html" if message.dice.random() < 0.97 else "text"}
    message.engagement(
        "click", at, useragent=agent, ip=ip, url=message.mailing.links[index], url_offset=place
    )
