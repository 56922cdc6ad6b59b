"""Decides whether a post may come in: by URL, basic auth, OAuth and signature, whichever the source requires.

One `Gate` per source. All comparisons with secrets take constant time, and whether the source or the token is wrong
cannot be told from outside.
"""

from __future__ import annotations

import hmac
import logging
import os
import secrets
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from sendgrid_orchestration.receiver.access import access_path, read_access
from sendgrid_orchestration.receiver.oauth import Client, basic_credentials
from sendgrid_orchestration.receiver.refusal import Refusal
from sendgrid_orchestration.sendgrid.signature import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    InvalidPublicKey,
    PublicKey,
)
from sendgrid_orchestration.settings import SettingsError, Source

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_NOBODY = secrets.token_bytes(32)  # what a token is compared with where there is nothing to compare it with


class Headers(Protocol):
    """A request's headers, by lower-case name."""

    def get(self, key: str, default: str | None = None, /) -> str | None:
        """The header's first value."""
        ...

    def get_all(self, key: str, /) -> list[str]:
        """The values of a header that was sent more than once."""
        ...


class Gate:
    """What one source requires of a post.

    A post comes in by the source's secret URL, where all holds that its settings require; or by the URL of Amplitude's dialect,
    where a generated login takes the place of all that (but see `verifies`).
    """

    def __init__(self, source: Source, data_dir: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the source's secrets.

        Raises:
            SettingsError: a secret that the settings name is missing, or a key is none.
        """
        webhook = source.webhook
        self.source = source.name
        self._data_dir = data_dir
        self._clock = clock
        self._settings_tokens = tuple(
            token.read(f'URL token of source "{source.name}"').get_secret_value().encode()
            for token in webhook.url_tokens
        )
        self._settings_keys = tuple(_key(key, source.name) for key in webhook.public_keys)
        self._basic = None
        if webhook.basic_auth:
            password = webhook.basic_auth.password.read(f'webhook password of source "{source.name}"')
            self._basic = (webhook.basic_auth.username.encode(), password.get_secret_value().encode())
        self.oauth = None
        if webhook.oauth:
            secret = webhook.oauth.client_secret.read(f'OAuth client secret of source "{source.name}"')
            self.oauth = Client(webhook.oauth.client_id, secret)
        self.requires_signature = webhook.require_signature
        self._tokens: Sequence[bytes] = self._settings_tokens
        self._keys: Sequence[PublicKey] = self._settings_keys
        self._logins: Sequence[tuple[bytes, bytes]] = ()
        self._seen: tuple[int, int, int] | None = None
        self._look_again_at = 0.0
        self._look()

    def has_token(self, token: bytes) -> bool:
        """Whether this is one of the source's URL tokens."""
        if self._clock() >= self._look_again_at:
            self._look()
        return any(map(partial(hmac.compare_digest, token), self._tokens))

    def has_login(self, key: bytes, secret: bytes) -> bool:
        """Whether this is one of the source's logins. It compares with each, whichever fits."""
        if self._clock() >= self._look_again_at:
            self._look()
        fits = [
            hmac.compare_digest(key, one) & hmac.compare_digest(secret, other) for one, other in self._logins
        ]
        return any(fits)

    def verifies(self, headers: Headers) -> bool:
        """Whether the signature of a post that came with a login is verified: if there is one, and a key for it.

        Whoever configured Amplitude's URL in SendGrid need not have switched signing on, and moves over by changing the host. An
        unsigned post is as good as its login, so a missing key cannot make a signed one worse.
        """
        return self.requires_signature and bool(self._keys) and headers.get(SIGNATURE_HEADER) is not None

    def refuses(self, headers: Headers) -> Refusal | None:
        """What is wrong with a post as far as its headers show, before its body is read."""
        if self._basic and not any(map(self._is_basic, headers.get_all("authorization"))):
            return Refusal.BASIC_AUTH
        if self.oauth and not any(map(self._is_bearer, headers.get_all("authorization"))):
            return Refusal.OAUTH
        if self.requires_signature:
            if not self._keys:
                return Refusal.NO_PUBLIC_KEY
            if not (headers.get(SIGNATURE_HEADER) and headers.get(TIMESTAMP_HEADER)):
                return Refusal.NO_SIGNATURE
        return None

    @property
    def keys(self) -> Sequence[PublicKey]:
        """The keys that a post may be signed with."""
        return self._keys

    def _is_basic(self, authorization: str) -> bool:
        assert self._basic
        user, password = basic_credentials(authorization) or ("", "")
        right_user = hmac.compare_digest(user.encode(), self._basic[0])
        right_password = hmac.compare_digest(password.encode(), self._basic[1])
        return right_user and right_password

    def _is_bearer(self, authorization: str) -> bool:
        assert self.oauth
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and self.oauth.accepts(token.strip())

    def _look(self) -> None:
        """Take over tokens and keys that were added or retired; a file that cannot be read changes nothing."""
        self._look_again_at = self._clock() + _LOOK_SECONDS
        try:
            status = os.stat(access_path(self._data_dir, self.source))  # noqa: PTH116 - once a second, on the request's path
            seen = (status.st_mtime_ns, status.st_ino, status.st_size)
        except OSError:
            seen = (0, 0, 0)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            access = read_access(self._data_dir, self.source)
            keys = [_key(stored.key, self.source) for stored in access.public_keys]
        except SettingsError as error:
            logger.error("%s Until then what was known before stays valid.", error)
            return
        self._tokens = (
            *self._settings_tokens,
            *(token.token.get_secret_value().encode() for token in access.url_tokens),
        )
        self._keys = (*self._settings_keys, *keys)
        self._logins = tuple(
            (login.key.encode(), login.secret.get_secret_value().encode()) for login in access.logins
        )
        logger.info(
            "Source %s: %d URL tokens, %d logins and %d public keys are valid.",
            self.source,
            len(self._tokens),
            len(self._logins),
            len(self._keys),
        )


class Gates:
    """The gates of all sources, found by URL."""

    def __init__(self, gates: Sequence[Gate]) -> None:
        self._by_source = {gate.source: gate for gate in gates}

    def find(self, source: str, token: str) -> Gate | None:
        """The gate behind `/webhook/<source>/<token>`; None for an unknown source or token, which look the same."""
        secret = token.encode()
        gate = self._by_source.get(source)
        if gate is None:
            hmac.compare_digest(secret, _NOBODY)
            return None
        return gate if gate.has_token(secret) else None

    def find_by_login(self, headers: Headers) -> Gate | None:
        """The gate whose login a post to `AMPLITUDE_PATH` has; None for an unknown key or a wrong secret, which look the same."""
        found: Gate | None = None
        for authorization in headers.get_all("authorization"):
            key, secret = basic_credentials(authorization) or ("", "")
            for gate in self._by_source.values():  # to the last one, so that nobody learns which key is known
                if gate.has_login(key.encode(), secret.encode()):
                    found = gate
        return found

    def issue(self, client_id: str, client_secret: str) -> str | None:
        """An access token for the OAuth client with these credentials; None where there is no such client."""
        clients = [gate.oauth for gate in self._by_source.values() if gate.oauth]
        known = [client for client in clients if client.has(client_id, client_secret)]
        return known[0].issue() if known else None


def _key(text: str, source: str) -> PublicKey:
    try:
        return PublicKey.parse(text)
    except InvalidPublicKey as error:
        raise SettingsError(f'Public key of source "{source}": {error}') from error
