"""The other side of a forward: an endpoint that takes SendGrid's own posts, and may check SendGrid's signature."""

from __future__ import annotations

import base64
import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

from sendgrid_orchestration.destinations.errors import DestinationError
from sendgrid_orchestration.destinations.interface import (
    Accepted,
    Answer,
    Busy,
    Refused,
    Request,
    Stopped,
    Verdict,
    told_to_wait,
)
from sendgrid_orchestration.landing.format import Post
from sendgrid_orchestration.settings import Forward, SecretRef, Source

SENDGRIDS_USER_AGENT = "SendGrid Event API"
"""What SendGrid calls itself: whoever filters by it must see no difference."""

_NAMES = {
    "content-type": "Content-Type",
    "x-twilio-email-event-webhook-signature": "X-Twilio-Email-Event-Webhook-Signature",
    "x-twilio-email-event-webhook-timestamp": "X-Twilio-Email-Event-Webhook-Timestamp",
}
"""How SendGrid writes the names of what the landing keeps. They mean the same in lower case, if the other side knows."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")


@dataclass(frozen=True)
class Consumer:
    """Where posts go on to. Neither its address nor its login is in any repr: both may be secrets.

    Attributes:
        name: of the forward.
        host: where it is, which is no secret.
        secrets: what no answer that is kept or shown may hold.
    """

    name: str
    host: str
    secrets: tuple[SecretStr, ...]
    _url: SecretStr
    _authorization: SecretStr | None

    def request(self, posts: Sequence[Post], _: datetime) -> Request:
        """The post as it came: its body byte for byte, and what of its headers the receiver keeps."""
        (post,) = posts
        headers = {_NAMES.get(name, name): value for name, value in post.headers.items()}
        if self._authorization:
            headers["Authorization"] = self._authorization.get_secret_value()
        return Request(self._url.get_secret_value(), post.body, headers)

    def read(self, answer: Answer, _: Sequence[Post]) -> Verdict:
        """Say what an answer means, as SendGrid takes it: 2xx is yes. It repeats all else; we give up on what 4xx says of a post."""
        status = answer.status
        if 200 <= status < 300:
            return Accepted()
        if 300 <= status < 400:
            return Stopped(f"{status}: it redirects to another address, to which nothing is sent.")
        if status == 429:
            return Busy(answer.text, wait=told_to_wait(answer.headers), is_limit=True)
        if status == 408 or not 400 <= status < 500:
            return Busy(answer.text, wait=told_to_wait(answer.headers), may_be_taken=True)
        return Refused(answer.text)


def why_unsendable(post: Post) -> str:
    """Why a post cannot be a request; empty if it can. The receiver keeps none that cannot, but a file may be of other origin."""
    bad = [name for name, value in post.headers.items() if not _HEADER_VALUE.fullmatch(value)]
    return f"its header {bad[0]} cannot be sent" if bad else ""


def open_consumer(source: Source, settings: Forward, receiver_url: str) -> Consumer:
    """The other side of a forward; reads its address.

    Args:
        source: whose posts.
        settings: which forward.
        receiver_url: where our own receiver is reached, to which nothing must be forwarded.

    Raises:
        DestinationError: the address is none, or one that nothing should be sent to.
        SettingsError: the address is missing.
    """
    purpose = _purpose(source, settings)
    address = address_of(source, settings).get_secret_value()
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        host, port = None, None
    if not host or not port or not address.isascii() or not address.isprintable() or " " in address:
        raise DestinationError(
            f"The {purpose} is no http(s) URL. Write it as it was in SendGrid: https://host/path."
        )
    if (host, port) == _place(urlsplit(receiver_url)):
        raise DestinationError(
            f"The {purpose} is that of our own receiver: every post would come back and be forwarded again. Give the address of the "
            "other consumer."
        )
    _refuse_internal(host, port, purpose)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    login = base64.b64encode(f"{user}:{password}".encode()).decode() if user or password else ""
    # Some consumers repeat the request in their answers; a query or path may hold a token as well.
    hidden = [password, parts.password, login, parts.query, parts.path if len(parts.path) >= 16 else ""]
    secrets = dict.fromkeys(one for one in hidden if one)
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
    return Consumer(
        settings.name,
        host,
        tuple(SecretStr(one) for one in secrets),
        SecretStr(plain),
        SecretStr(f"Basic {login}") if login else None,
    )


def address_of(source: Source, settings: Forward) -> SecretStr:
    """The address of a forward, from wherever it is kept.

    Raises:
        SettingsError: nothing is kept there.
    """
    kept = settings.url
    return kept.read(_purpose(source, settings)) if isinstance(kept, SecretRef) else SecretStr(str(kept))


def _purpose(source: Source, settings: Forward) -> str:
    return f'address of forward "{settings.name}" of source "{source.name}"'


def _place(parts: SplitResult) -> tuple[str | None, int | None]:
    return parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _refuse_internal(host: str, port: int, purpose: str) -> None:
    """Refuse what is never a consumer: above all the metadata services of clouds, which give keys to whoever asks."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError:
        return  # a proxy may know the name; if nobody does, the request says so
    for text in found:
        address = ipaddress.ip_address(str(text).partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        if mapped.is_link_local or mapped.is_multicast or mapped.is_unspecified:
            raise DestinationError(
                f"The {purpose} leads to {mapped}, where only services of this machine or its cloud are. Give the address of the other "
                "consumer."
            )
