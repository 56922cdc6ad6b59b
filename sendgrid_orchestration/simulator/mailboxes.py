"""How each mailbox provider treats mail: what it answers, what it refuses and why, who reports complaints.

The texts are worded as these providers word them, with made-up queue ids, because readers of bounce reasons match on such
words. One provider is in trouble: see `TROUBLED`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sendgrid_orchestration.simulator.people import CORPORATE_DOMAINS


@dataclass(frozen=True)
class Refusal:
    """One way in which a provider refuses a message.

    Attributes:
        kind: SendGrid's `type`: `bounce`, or `blocked`.
        status: the enhanced status; absent where no server answered.
    """

    kind: str
    reason: str
    status: str | None
    classification: str


@dataclass(frozen=True)
class Provider:
    """A mailbox provider.

    Attributes:
        accepted: its answer to a message that it takes.
        unknown_user: how it refuses an address that does not exist.
        refusals: passing reasons to refuse, with how many messages in ten thousand meet each.
        deferral: its answer when it wants a message later, and how many in ten thousand it delays.
        complaints: how many delivered messages in ten thousand are reported as spam; none where it has no feedback loop.
        proxy: the user agent and the address block of its image proxy, if it fetches images for the reader.
        seconds: how long it takes to accept a message, at most.
    """

    name: str
    accepted: str
    unknown_user: Refusal
    refusals: tuple[tuple[Refusal, int], ...]
    deferral: tuple[str, int]
    complaints: int = 0
    proxy: tuple[str, str] | None = None
    seconds: int = 4


_GOOGLE = Provider(
    "google",
    "250 2.0.0 OK  {epoch} {queue}si{number}{letter}.{number} - gsmtp",
    Refusal(
        "bounce",
        "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's "
        "email address for typos or unnecessary spaces. For more information, go to "
        "https://support.google.com/mail/?p=NoSuchUser {queue}si{number}qtc.{number} - gsmtp",
        "5.1.1",
        "Invalid Address",
    ),
    (
        (
            Refusal(
                "bounce",
                "552 5.2.2 The recipient's inbox is out of storage space. Please direct the recipient to "
                "https://support.google.com/mail/?p=OverQuotaPerm {queue} - gsmtp",
                "5.2.2",
                "Mailbox Unavailable",
            ),
            25,
        ),
        (
            Refusal(
                "blocked",
                "550 5.7.1 [{ip}      19] Gmail has detected that this message is likely suspicious due to the very low "
                "reputation of the sending domain. To best protect our users from spam, the message has been blocked. "
                "{queue} - gsmtp",
                "5.7.1",
                "Reputation",
            ),
            8,
        ),
    ),
    (
        "421 4.7.28 [{ip}      15] Our system has detected an unusual rate of unsolicited mail originating from your IP "
        "address. To protect our users from spam, mail sent from your IP address has been temporarily rate limited. - gsmtp",
        60,
    ),
    proxy=(
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "66.249.84",
    ),
)

_YAHOO_BLOCK = Refusal(
    "blocked",
    "553 5.7.1 [BL21] Connections will not be accepted from {ip}, because the ip is in Spamhaus's list; see "
    "https://postmaster.yahooinc.com/550-bl23",
    "5.7.1",
    "Reputation",
)

_YAHOO = Provider(
    "yahoo",
    "250 ok dirdel",
    Refusal(
        "bounce",
        "554 delivery error: dd This user doesn't have a yahoo.com account ({email}) [0] - "
        "mta{number}.mail.gq1.yahoo.com",
        "5.0.0",
        "Invalid Address",
    ),
    ((_YAHOO_BLOCK, 15),),
    (
        "421 4.7.0 [TSS04] Messages from {ip} temporarily deferred due to unexpected volume or user complaints - "
        "4.16.55.1; see https://postmaster.yahooinc.com/error-codes",
        150,
    ),
    complaints=4,
    proxy=("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "87.248.105"),
)

_MICROSOFT = Provider(
    "microsoft",
    "250 2.6.0 <{queue}@geopod-ismtpd-16> [InternalId={epoch}, Hostname=CO1PR04MB{number}.namprd04.prod.outlook.com] "
    "{number} bytes in 0.134, 219.4 KB/sec Queued mail for delivery -> 250 2.1.5",
    Refusal(
        "bounce",
        "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [{queue}.namprd04.prod.outlook.com]",
        "5.5.0",
        "Invalid Address",
    ),
    (
        (
            Refusal(
                "blocked",
                "550 5.7.1 Unfortunately, messages from [{ip}] weren't sent. Please contact your Internet service "
                "provider since part of their network is on our block list (S3150). You can also refer your provider to "
                "http://mail.live.com/mail/troubleshooting.aspx#errors.",
                "5.7.1",
                "Reputation",
            ),
            20,
        ),
        (
            Refusal(
                "bounce",
                "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded",
                "5.2.2",
                "Mailbox Unavailable",
            ),
            20,
        ),
    ),
    ("451 4.7.652 The mail server [{ip}] has exceeded the maximum number of connections. (S3115)", 120),
    complaints=3,
    seconds=9,
)

_APPLE = Provider(
    "apple",
    "250 2.0.0 Ok: queued as {queue}",
    Refusal("bounce", "550 5.1.1 <{email}>: user does not exist", "5.1.1", "Invalid Address"),
    (
        (Refusal("bounce", "552 5.2.2 <{email}>: user is over quota", "5.2.2", "Mailbox Unavailable"), 30),
        (
            Refusal("blocked", "554 5.7.1 [CS01] Message rejected due to local policy. https://support.apple.com/en-us/HT204137", "5.7.1", "Content"),
            10,
        ),
    ),
    ("450 4.2.2 <{email}>: user is over quota", 40),
)  # fmt: skip

_AOL = Provider(
    "aol",
    "250 OK , completed",
    Refusal("bounce", "554 delivery error: dd This user doesn't have an aol.com account ({email}) [-9]", "5.0.0", "Invalid Address"),
    ((_YAHOO_BLOCK, 10),),
    ("421 4.7.0 [TSS04] Messages from {ip} temporarily deferred due to unexpected volume or user complaints", 80),
    complaints=4,
)  # fmt: skip

_UNITED_INTERNET = Provider(
    "united internet",
    "250 Requested mail action okay, completed: id={queue}",
    Refusal(
        "bounce",
        "550 Requested action not taken: mailbox unavailable For explanation visit "
        "https://postmaster.gmx.net/en/error-messages?ip={ip}&c=rfc550",
        "550",
        "Mailbox Unavailable",
    ),
    (
        (
            Refusal(
                "blocked",
                "554 Transaction failed Reject due to policy restrictions. For explanation visit "
                "https://postmaster.gmx.net/en/error-messages?ip={ip}&c=hi",
                "554",
                "Content",
            ),
            12,
        ),
    ),
    ("421 Rate limit of {number} mails per hour reached for {ip}, please try again later", 50),
)

_CORPORATE = Provider(
    "corporate",
    "250 2.0.0 {queue} Message accepted for delivery",
    Refusal("bounce", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {email} not found by SMTP address lookup", "5.1.10", "Invalid Address"),
    (
        (Refusal("blocked", "554 5.7.1 Email rejected due to security policies - https://community.mimecast.com/docs/DOC-1369#554", "5.7.1", "Content"), 60),
        (Refusal("bounce", "552 5.3.4 Message size exceeds fixed limit — façade über Größe", "5.3.4", "Technical"), 12),
        (Refusal("blocked", "unable to get mx info: failed to get IPs from PTR record: lookup <nil>: unrecognized address", None, "Unclassified"), 60),
        (Refusal("expired", "450 4.4.62 Mail sent to the wrong Office 365 region. ATTR35", "4.4.62", "Technical"), 10),
        (Refusal("bounce", "452 4.5.3 Too many recipients this hour, policy [FRQ-7]", "4.5.3", "Frequency or Volume Too High"), 10),
    ),
    ("451 4.7.1 <{email}>: Recipient address rejected: Greylisting in effect, please come back later", 500),
    seconds=20,
)  # fmt: skip

TROUBLED = "yahoo.com"
"""The domain that gets into trouble in the last third of the account's history: too many complaints, then deferrals, then blocks."""

TROUBLED_REFUSALS = ((_YAHOO_BLOCK, 1900),)
TROUBLED_DEFERRALS = 3200
TROUBLED_COMPLAINTS_ONE_IN = 40

SCANNED_DOMAINS = frozenset(CORPORATE_DOMAINS[:5])
"""Companies whose gateway opens every link of a message before it lets it through."""

_BY_DOMAIN: dict[str, Provider] = {
    "gmail.com": _GOOGLE,
    "yahoo.com": _YAHOO,
    "outlook.com": _MICROSOFT,
    "hotmail.com": _MICROSOFT,
    "icloud.com": _APPLE,
    "me.com": _APPLE,
    "aol.com": _AOL,
    "gmx.de": _UNITED_INTERNET,
    "web.de": _UNITED_INTERNET,
}


def provider_of(domain: str) -> Provider:
    """Who runs the mailboxes of this domain."""
    return _BY_DOMAIN.get(domain, _CORPORATE)
