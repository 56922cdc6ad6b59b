"""Why a request was refused: the status that SendGrid sees, and the remedy that the operator reads.

SendGrid (or whoever posts) is told no more than the status means; the reason goes to the log and the metrics.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from enum import Enum

logger = logging.getLogger(__name__)

_LOG_SECONDS = 60.0


class Refusal(Enum):
    """Reason (as in the metrics), status, and what to do about it; without a remedy nothing is logged."""

    reason: str
    status: int
    remedy: str

    MALFORMED = ("malformed_request", 400, "")
    UNKNOWN_URL = ("unknown_url", 404, "")
    METHOD = ("method", 405, "")
    TOO_LARGE = (
        "too_large",
        413,
        "SendGrid posts up to 768 KB. If these are yours, raise receiver.max_body_megabytes.",
    )
    BASIC_AUTH = (
        "wrong_basic_auth",
        401,
        "User or password in the webhook's URL is missing or wrong. Connect the webhook again.",
    )
    LOGIN = (
        "wrong_login",
        401,
        "A post to /sendgrid came without a known key and secret. `webhook url --amplitude` prints the right URL.",
    )
    OAUTH = (
        "wrong_oauth_token",
        401,
        "The OAuth token is missing, wrong or too old. Check client id, secret and token URL in SendGrid's settings.",
    )
    NO_SIGNATURE = (
        "no_signature",
        401,
        "Switch on Signed Event Webhook in SendGrid; if it is on, a proxy in between drops its headers.",
    )
    WRONG_SIGNATURE = (
        "wrong_signature",
        401,
        "No known key made the signature. Whoever switches signing off and on gets a new key: connect the webhook again. "
        "A proxy that changes bodies has the same effect.",
    )
    NO_PUBLIC_KEY = (
        "no_public_key",
        401,
        "Posts must be signed, and no public key is known yet. Run `webhook connect` (SendGrid sends these posts again), "
        "or put the key under webhook.public_keys.",
    )
    OAUTH_CLIENT = ("wrong_oauth_client", 401, "A token was asked for with a wrong client id or secret.")
    OAUTH_REQUEST = ("wrong_oauth_request", 400, "")
    NOT_AN_ARRAY = (
        "not_a_json_array",
        400,
        "Something that is not SendGrid has the webhook's URL. Rotate its token.",
    )
    ABORTED = ("aborted", 400, "")
    TOO_SLOW = (
        "too_slow",
        408,
        "The body took too long to arrive. Look at the network or the proxy in between.",
    )
    FULL = ("full", 503, "The disk is nearly full. SendGrid posts again for 24 hours: make room before that.")
    UNWRITABLE = (
        "unwritable",
        503,
        "The landing cannot be written to. SendGrid posts again for 24 hours: mend it before that.",
    )
    BUSY = (
        "busy",
        503,
        "More is posted than this receiver can take. Give it more processors or start a second one.",
    )
    FAILED = ("failed", 503, "This is a fault of the receiver; the log has the details.")

    def __init__(self, reason: str, status: int, remedy: str) -> None:
        self.reason = reason
        self.status = status
        self.remedy = remedy


class RefusalLog:
    """Logs refusals, each kind at most once a minute for each source: a flood of posts must not become one of lines."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._silent_until: dict[tuple[str, Refusal], float] = {}
        self._unsaid: dict[tuple[str, Refusal], int] = {}

    def add(self, source: str, refusal: Refusal) -> None:
        """Log that a request was refused, or count it for the next line."""
        if not refusal.remedy:
            return
        kind = (source, refusal)
        now = self._clock()
        if now < self._silent_until.get(kind, now):
            self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
            return
        self._silent_until[kind] = now + _LOG_SECONDS
        unsaid = self._unsaid.pop(kind, 0)
        logger.warning(
            "Refused a post (source %s, %s, answered %d)%s. %s",
            source or "unknown",
            refusal.reason,
            refusal.status,
            f" and {unsaid} more like it" if unsaid else "",
            refusal.remedy,
        )
