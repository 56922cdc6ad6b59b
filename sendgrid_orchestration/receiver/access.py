"""The webhook's generated secrets: URL tokens, logins and public keys, one small file per source in the data directory.

Several of each are valid at once. Rotation therefore has three steps and no gap: add the new one, let SendGrid use it,
retire the old one. A running receiver sees a change within a second or so.

The file is `<data_dir>/webhooks/<source>.json`, readable by its owner alone, and replaced as a whole.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from sendgrid_orchestration.sendgrid.signature import PublicKey
from sendgrid_orchestration.settings import Settings, SettingsError, Source

TOKEN_BYTES = 32
LOGIN_KEY_BYTES = 16
AMPLITUDE_PATH = "/sendgrid"
"""Where Amplitude takes SendGrid's posts, and the receiver too."""


class UrlToken(BaseModel):
    """The unguessable part of a webhook's URL."""

    model_config = ConfigDict(frozen=True)

    token: SecretStr
    created_at: datetime


class Login(BaseModel):
    """Key and secret of a URL as Amplitude's SendGrid source has it (`https://<key>:<secret>@<host>/sendgrid`).

    The key says which source it is; the secret is a secret.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    secret: SecretStr
    created_at: datetime


class StoredKey(BaseModel):
    """A verification key that SendGrid showed, and the webhook that signs with it."""

    model_config = ConfigDict(frozen=True)

    key: str
    webhook_id: str | None = None
    stored_at: datetime


class Access(BaseModel):
    """What lets a post of one source in. The newest of each stands first."""

    model_config = ConfigDict(frozen=True)

    url_tokens: tuple[UrlToken, ...] = ()
    public_keys: tuple[StoredKey, ...] = ()
    logins: tuple[Login, ...] = ()
    """Empty until somebody asks for one: without, nothing is accepted at `AMPLITUDE_PATH`."""


def access_path(data_dir: Path, source: str) -> Path:
    """Where a source's tokens and keys are kept."""
    return data_dir / "webhooks" / f"{source}.json"


def is_connected(settings: Settings, source: Source) -> bool:
    """Whether a webhook URL was ever made for this source, here or in the settings."""
    if source.webhook.url_tokens:
        return True
    access = read_access(settings.data_dir, source.name)
    return bool(access.url_tokens or access.logins)


def read_access(data_dir: Path, source: str) -> Access:
    """The source's tokens and keys; empty where there are none yet.

    Raises:
        SettingsError: the file cannot be read or understood.
    """
    path = access_path(data_dir, source)
    try:
        return Access.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Access()
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read ({error.strerror}). Let the user that runs this own it."
        ) from error
    except ValidationError as error:
        # The error itself would quote the file, and with it the tokens.
        raise SettingsError(
            f"{path} is not what we wrote. Restore it, or delete it and connect again."
        ) from error


def ensure_token(data_dir: Path, source: str) -> str:
    """The newest URL token, after making one where there is none (promise S10)."""
    with _changing(data_dir, source) as known:
        access = known if known.url_tokens else _write(data_dir, source, _with_new_token(known))
    return access.url_tokens[0].token.get_secret_value()


def rotate_token(data_dir: Path, source: str) -> str:
    """Add a URL token; the old ones stay valid until `retire_tokens`."""
    with _changing(data_dir, source) as known:
        access = _write(data_dir, source, _with_new_token(known))
    return access.url_tokens[0].token.get_secret_value()


def retire_tokens(data_dir: Path, source: str) -> int:
    """Make all URL tokens but the newest invalid. Returns how many there were."""
    with _changing(data_dir, source) as access:
        _write(data_dir, source, access.model_copy(update={"url_tokens": access.url_tokens[:1]}))
    return len(access.url_tokens[1:])


def ensure_login(data_dir: Path, source: str) -> Login:
    """The newest login, after making one if there is none."""
    with _changing(data_dir, source) as known:
        access = known if known.logins else _write(data_dir, source, _with_new_login(known))
    return access.logins[0]


def rotate_login(data_dir: Path, source: str) -> Login:
    """Add a login; the old ones stay valid until `retire_logins`."""
    with _changing(data_dir, source) as known:
        access = _write(data_dir, source, _with_new_login(known))
    return access.logins[0]


def retire_logins(data_dir: Path, source: str) -> int:
    """Make all logins but the newest invalid. Returns how many there were."""
    with _changing(data_dir, source) as access:
        _write(data_dir, source, access.model_copy(update={"logins": access.logins[:1]}))
    return len(access.logins[1:])


def store_public_key(data_dir: Path, source: str, key: str, webhook_id: str | None = None) -> bool:
    """Accept posts that are signed with this key, beside those of the keys already known.

    Returns:
        Whether the key is new.

    Raises:
        InvalidPublicKey: it is no verification key.
    """
    text = PublicKey.parse(key).text
    with _changing(data_dir, source) as access:
        known = {stored.key: stored for stored in access.public_keys}
        stored = StoredKey(key=text, webhook_id=webhook_id, stored_at=datetime.now(UTC))
        others = tuple(other for other in access.public_keys if other.key != text)
        _write(data_dir, source, access.model_copy(update={"public_keys": (stored, *others)}))
    return text not in known


def retire_public_keys(data_dir: Path, source: str) -> int:
    """Make all public keys but the newest invalid. Returns how many there were."""
    with _changing(data_dir, source) as access:
        _write(data_dir, source, access.model_copy(update={"public_keys": access.public_keys[:1]}))
    return len(access.public_keys[1:])


def webhook_url(settings: Settings, source_name: str, *, with_credentials: bool = False) -> str:
    """The URL that SendGrid posts the source's events to. It is a secret: show it to a person, never log it.

    Args:
        settings: say where the receiver is reached.
        source_name: whose events.
        with_credentials: write the basic-auth user and password into the URL, as SendGrid wants them.
    """
    source = settings.source(source_name)
    webhook = source.webhook
    if webhook.url_tokens:
        token = webhook.url_tokens[0].read(f'URL token of source "{source.name}"').get_secret_value()
    else:
        token = ensure_token(settings.data_dir, source.name)
    base = base_url(settings)
    if with_credentials and webhook.basic_auth:
        password = webhook.basic_auth.password.read(f'webhook password of source "{source.name}"')
        base = _with_login(base, webhook.basic_auth.username, password)
    return f"{base}/webhook/{source.name}/{token}"


def amplitude_url(settings: Settings, source_name: str) -> str:
    """The URL of a source as Amplitude's SendGrid source has it, with a login that is made if there is none.

    It is a secret: show it to a person, never log it.
    """
    login = ensure_login(settings.data_dir, settings.source(source_name).name)
    return _amplitude_url(settings, login)


def our_urls(settings: Settings, source_name: str) -> tuple[str, ...]:
    """Every URL of ours that SendGrid may have for a source, the one with the token first. They are secrets; none is made."""
    access = read_access(settings.data_dir, source_name)
    urls = [_amplitude_url(settings, login) for login in access.logins]
    if access.url_tokens or settings.source(source_name).webhook.url_tokens:
        urls[:0] = [webhook_url(settings, source_name, with_credentials=shown) for shown in (True, False)]
    return tuple(urls)


def base_url(settings: Settings) -> str:
    """The address of the receiver, without a slash at its end."""
    receiver = settings.receiver
    return str(receiver.public_url or f"http://{receiver.host}:{receiver.port}").rstrip("/")


def _amplitude_url(settings: Settings, login: Login) -> str:
    return _with_login(base_url(settings), login.key, login.secret) + AMPLITUDE_PATH


def _with_login(base: str, user: str, password: SecretStr) -> str:
    scheme, _, rest = base.partition("://")
    return f"{scheme}://{quote(user, safe='')}:{quote(password.get_secret_value(), safe='')}@{rest}"


def _with_new_token(access: Access) -> Access:
    token = UrlToken(token=SecretStr(secrets.token_urlsafe(TOKEN_BYTES)), created_at=datetime.now(UTC))
    return access.model_copy(update={"url_tokens": (token, *access.url_tokens)})


def _with_new_login(access: Access) -> Access:
    login = Login(
        key=secrets.token_hex(LOGIN_KEY_BYTES),
        secret=SecretStr(secrets.token_urlsafe(TOKEN_BYTES)),
        created_at=datetime.now(UTC),
    )
    return access.model_copy(update={"logins": (login, *access.logins)})


@contextmanager
def _changing(data_dir: Path, source: str) -> Iterator[Access]:
    """The current content, while nobody else changes it."""
    directory = access_path(data_dir, source).parent
    directory.mkdir(parents=True, mode=0o700, exist_ok=True)
    fd = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield read_access(data_dir, source)
    finally:
        os.close(fd)


def _write(data_dir: Path, source: str, access: Access) -> Access:
    """Replace the file as a whole: a reader sees the old content or the new, also after a power loss."""
    path = access_path(data_dir, source)
    content = access.model_dump(mode="json")
    for shown, token in zip(content["url_tokens"], access.url_tokens, strict=True):
        shown["token"] = token.token.get_secret_value()
    for shown, login in zip(content["logins"], access.logins, strict=True):
        shown["secret"] = login.secret.get_secret_value()
    fd, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{source}.")  # created with mode 0600
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    return access
