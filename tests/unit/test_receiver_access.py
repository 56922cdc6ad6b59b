"""Tokens and keys of a webhook: unguessable (S10), private, rotated without a gap, and the doors they open."""

from __future__ import annotations

import base64
import stat
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from sendgrid_orchestration.receiver import access
from sendgrid_orchestration.receiver import gate as gate_module
from sendgrid_orchestration.receiver.gate import Gate, Gates
from sendgrid_orchestration.receiver.oauth import LIFETIME_SECONDS, Client, credentials
from sendgrid_orchestration.receiver.refusal import Refusal, RefusalLog
from sendgrid_orchestration.sendgrid.signature import InvalidPublicKey, verify_any
from sendgrid_orchestration.settings import Settings, SettingsError, Source
from tests.support.signing import SIGNATURE, TIMESTAMP, SigningKey, body_of, event


class Headers:
    """Headers as the server hands them out."""

    def __init__(self, *items: tuple[str, str]) -> None:
        self._items = items

    def get(self, key: str, default: str | None = None, /) -> str | None:
        return next(iter(self.get_all(key)), default)

    def get_all(self, key: str, /) -> list[str]:
        return [value for name, value in self._items if name == key]


SIGNED = (SIGNATURE.lower(), "c2lnbmVk"), (TIMESTAMP.lower(), "1600112502")


def basic(user: str, password: str) -> tuple[str, str]:
    return "authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def secrets_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL_TOKEN", "PASSWORD", "CLIENT_SECRET"):
        monkeypatch.setenv(name, f"the-{name.lower()}")


def source(**webhook: Any) -> Source:
    return Source.model_validate({"name": "marketing", "webhook": webhook})


BASIC: Mapping[str, Any] = {"basic_auth": {"username": "sendgrid", "password": {"env": "PASSWORD"}}}
OAUTH: Mapping[str, Any] = {"oauth": {"client_id": "client", "client_secret": {"env": "CLIENT_SECRET"}}}


def test_token_is_made_once_and_is_unguessable(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(lambda _: access.ensure_token(tmp_path, "marketing"), range(16)))

    assert len(tokens) == 1
    assert len(tokens.pop()) >= 43  # 32 random bytes
    assert access.ensure_token(tmp_path, "other") != access.ensure_token(tmp_path, "marketing")


def test_file_is_its_owners_alone_and_replaced_as_a_whole(tmp_path: Path) -> None:
    access.ensure_token(tmp_path, "marketing")
    path = access.access_path(tmp_path, "marketing")
    first = path.stat().st_ino
    access.rotate_token(tmp_path, "marketing")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.stat().st_ino != first
    assert [other.name for other in path.parent.iterdir() if other.suffix] == [path.name]


def test_tokens_show_in_no_repr(tmp_path: Path) -> None:
    token = access.ensure_token(tmp_path, "marketing")

    assert token not in repr(access.read_access(tmp_path, "marketing"))


def test_rotated_token_opens_beside_the_old_one_until_that_is_retired(tmp_path: Path) -> None:
    old = access.ensure_token(tmp_path, "marketing")
    gate = Gate(source(), tmp_path, clock=lambda: time.monotonic() * 1000)  # looks at the file again at once
    new = access.rotate_token(tmp_path, "marketing")
    time.sleep(0.01)

    assert gate.has_token(old.encode()) and gate.has_token(new.encode())
    assert access.retire_tokens(tmp_path, "marketing") == 1
    time.sleep(0.01)
    assert not gate.has_token(old.encode()) and gate.has_token(new.encode())


def test_rotated_key_verifies_beside_the_old_one_until_that_is_retired(tmp_path: Path) -> None:
    old, new = SigningKey(), SigningKey()
    body = body_of([event(1)])

    def accepted(gate: Gate) -> list[bool]:
        time.sleep(0.01)
        gate.has_token(b"")
        signed = [key.headers(body) for key in (old, new)]
        return [verify_any(gate.keys, headers[SIGNATURE], headers[TIMESTAMP], body) for headers in signed]

    gate = Gate(source(), tmp_path, clock=lambda: time.monotonic() * 1000)
    assert accepted(gate) == [False, False]
    assert access.store_public_key(tmp_path, "marketing", old.public, webhook_id="1")
    assert accepted(gate) == [True, False]
    assert access.store_public_key(tmp_path, "marketing", new.public)
    assert accepted(gate) == [True, True]
    assert not access.store_public_key(tmp_path, "marketing", new.public)
    assert access.retire_public_keys(tmp_path, "marketing") == 1
    assert accepted(gate) == [False, True]


def test_key_that_is_none_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(InvalidPublicKey):
        access.store_public_key(tmp_path, "marketing", "nonsense")
    assert access.read_access(tmp_path, "marketing").public_keys == ()


def test_unreadable_file_keeps_the_gate_as_it_was_and_shows_no_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token = access.ensure_token(tmp_path, "marketing")
    gate = Gate(source(), tmp_path, clock=lambda: time.monotonic() * 1000)
    access.access_path(tmp_path, "marketing").write_text('{"url_tokens": [{"token": "hush-hush"')
    time.sleep(0.01)

    assert gate.has_token(token.encode())
    assert "is not what we wrote" in caplog.text
    assert "hush-hush" not in caplog.text
    with pytest.raises(SettingsError, match="is not what we wrote"):
        access.ensure_token(tmp_path, "marketing")


@pytest.mark.usefixtures("secrets_at")
def test_url_is_the_public_one_with_the_token_of_the_settings_first(tmp_path: Path) -> None:
    content: dict[str, Any] = {
        "data_dir": tmp_path,
        "sources": [{"name": "marketing"}],
        "receiver": {"port": 9000},
    }
    token = access.ensure_token(tmp_path, "marketing")
    assert (
        access.webhook_url(Settings.model_validate(content), "marketing")
        == f"http://127.0.0.1:9000/webhook/marketing/{token}"
    )

    content["receiver"] = {"public_url": "https://hooks.example.com/base/"}
    content["sources"] = [{"name": "marketing", "webhook": {"url_tokens": [{"env": "URL_TOKEN"}], **BASIC}}]
    settings = Settings.model_validate(content)
    path = "hooks.example.com/base/webhook/marketing/the-url_token"
    assert access.webhook_url(settings, "marketing") == f"https://{path}"
    assert (
        access.webhook_url(settings, "marketing", with_credentials=True)
        == f"https://sendgrid:the-password@{path}"
    )


@pytest.mark.usefixtures("secrets_at")
def test_unknown_source_and_wrong_token_find_the_same_nothing(tmp_path: Path) -> None:
    gates = Gates([Gate(source(url_tokens=[{"env": "URL_TOKEN"}]), tmp_path)])

    assert gates.find("marketing", "the-url_token")
    for name, token in (
        ("marketing", "wrong"),
        ("marketing", ""),
        ("other", "the-url_token"),
        ("", ""),
        ("märketing", "ü"),
    ):
        assert gates.find(name, token) is None


@pytest.mark.usefixtures("secrets_at")
@pytest.mark.parametrize(
    ("webhook", "headers", "refusal"),
    [
        ({"require_signature": False}, [], None),
        ({}, [*SIGNED], Refusal.NO_PUBLIC_KEY),
        ({"public_keys": ["KEY"]}, [*SIGNED], None),
        ({"public_keys": ["KEY"]}, [], Refusal.NO_SIGNATURE),
        ({"public_keys": ["KEY"]}, [SIGNED[0]], Refusal.NO_SIGNATURE),
        ({**BASIC, "require_signature": False}, [basic("sendgrid", "the-password")], None),
        ({**BASIC, "require_signature": False}, [basic("sendgrid", "wrong")], Refusal.BASIC_AUTH),
        ({**BASIC, "require_signature": False}, [basic("wrong", "the-password")], Refusal.BASIC_AUTH),
        ({**BASIC, "require_signature": False}, [("authorization", "Basic §§§")], Refusal.BASIC_AUTH),
        ({**BASIC, "require_signature": False}, [], Refusal.BASIC_AUTH),
        ({**BASIC, "public_keys": ["KEY"]}, [basic("sendgrid", "the-password")], Refusal.NO_SIGNATURE),
        ({**BASIC, "public_keys": ["KEY"]}, [basic("sendgrid", "the-password"), *SIGNED], None),
        ({**OAUTH, "require_signature": False}, [], Refusal.OAUTH),
        ({**OAUTH, "require_signature": False}, [("authorization", "Bearer nonsense")], Refusal.OAUTH),
        ({**OAUTH, **BASIC, "require_signature": False}, [basic("sendgrid", "the-password")], Refusal.OAUTH),
    ],
)
def test_all_that_is_required_must_be_there(
    tmp_path: Path, webhook: dict[str, Any], headers: list[tuple[str, str]], refusal: Refusal | None
) -> None:
    if "public_keys" in webhook:
        webhook = {**webhook, "public_keys": [SigningKey().public]}

    assert Gate(source(**webhook), tmp_path).refuses(Headers(*headers)) is refusal


@pytest.mark.usefixtures("secrets_at")
def test_all_ways_in_at_once(tmp_path: Path) -> None:
    gate = Gate(source(**BASIC, **OAUTH, public_keys=[SigningKey().public]), tmp_path)
    token = Gates([gate]).issue("client", "the-client_secret")
    both = [basic("sendgrid", "the-password"), ("authorization", f"bearer {token}")]

    assert gate.refuses(Headers(*both, *SIGNED)) is None
    assert gate.refuses(Headers(both[1], *SIGNED)) is Refusal.BASIC_AUTH


def test_login_says_which_source_it_is_and_opens_only_with_its_own_secret(tmp_path: Path) -> None:
    """S114: an unknown key, a wrong secret and another source's secret find the same nothing."""
    names = ("marketing", "other", "without")
    gates = Gates([Gate(Source.model_validate({"name": name}), tmp_path) for name in names])
    assert gates.find_by_login(Headers(basic("", ""))) is None, "nothing is open before somebody asks for it"
    one, other = (access.ensure_login(tmp_path, name) for name in ("marketing", "other"))
    gates = Gates([Gate(Source.model_validate({"name": name}), tmp_path) for name in names])

    def found(*items: tuple[str, str]) -> str | None:
        gate = gates.find_by_login(Headers(*items))
        return gate and gate.source

    secret, others = one.secret.get_secret_value(), other.secret.get_secret_value()
    assert found(basic(one.key, secret)) == "marketing"
    assert found(basic(other.key, others)) == "other"
    assert found(("authorization", "Bearer x"), basic(one.key, secret)) == "marketing"
    for wrong in (
        (one.key, others),
        (one.key, ""),
        ("", secret),
        (secret, one.key),
        (one.key, secret + "x"),
        ("ü", secret),
    ):
        assert found(basic(*wrong)) is None
    assert found() is None
    assert found(("authorization", "Basic §§§")) is None


def test_every_login_is_compared_whichever_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the time of an answer would tell which key is known."""
    logins = [access.ensure_login(tmp_path, name) for name in ("marketing", "other")]
    logins.append(access.rotate_login(tmp_path, "marketing"))
    gates = Gates([Gate(Source.model_validate({"name": name}), tmp_path) for name in ("marketing", "other")])
    compared = []

    def compare(one: bytes, two: bytes) -> bool:
        compared.append((one, two))
        return one == two

    monkeypatch.setattr(gate_module.hmac, "compare_digest", compare)
    counts = set()
    for key, secret in [("x", "y"), *((login.key, login.secret.get_secret_value()) for login in logins)]:
        compared.clear()
        gates.find_by_login(Headers(basic(key, secret)))
        counts.add(len(compared))
    assert counts == {6}


def test_login_is_made_once_rotated_without_a_gap_and_private(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: access.ensure_login(tmp_path, "marketing").key, range(8)))
    assert len(made) == 1
    access.store_public_key(tmp_path, "marketing", SigningKey().public)
    old = access.ensure_login(tmp_path, "marketing")
    gate = Gate(source(), tmp_path, clock=lambda: time.monotonic() * 1000)
    new = access.rotate_login(tmp_path, "marketing")
    pairs = [(one.key.encode(), one.secret.get_secret_value().encode()) for one in (old, new)]
    assert len(pairs[0][1]) >= 43  # 32 random bytes
    time.sleep(0.01)
    assert [gate.has_login(*pair) for pair in pairs] == [True, True]
    assert access.retire_logins(tmp_path, "marketing") == 1
    time.sleep(0.01)
    assert [gate.has_login(*pair) for pair in pairs] == [False, True]
    known = access.read_access(tmp_path, "marketing")
    assert len(known.public_keys) == 1
    assert new.secret.get_secret_value() not in repr(known)


def test_post_with_a_login_is_verified_if_it_is_signed_and_a_key_is_known(tmp_path: Path) -> None:
    key = [SigningKey().public]
    signed, unsigned = Headers(*SIGNED), Headers()
    assert Gate(source(public_keys=key), tmp_path).verifies(signed)
    assert not Gate(source(public_keys=key), tmp_path).verifies(unsigned)
    assert not Gate(source(), tmp_path).verifies(signed)
    assert not Gate(source(public_keys=key, require_signature=False), tmp_path).verifies(signed)


def test_url_in_amplitudes_form_is_the_public_one_with_the_login(tmp_path: Path) -> None:
    content = {
        "data_dir": tmp_path,
        "sources": [{"name": "marketing"}],
        "receiver": {"public_url": "https://hooks.example.com/base/"},
    }
    settings = Settings.model_validate(content)
    assert access.our_urls(settings, "marketing") == ()
    url = access.amplitude_url(settings, "marketing")
    login = access.ensure_login(tmp_path, "marketing")
    assert url == f"https://{login.key}:{login.secret.get_secret_value()}@hooks.example.com/base/sendgrid"
    assert access.our_urls(settings, "marketing") == (url,)
    assert access.is_connected(settings, settings.source("marketing"))


def test_missing_secret_stops_the_start_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r'webhook password of source "marketing".*NOT_SET'):
        Gate(source(basic_auth={"username": "x", "password": {"env": "NOT_SET"}}), tmp_path)
    with pytest.raises(SettingsError, match='Public key of source "marketing"'):
        Gate(source(public_keys=["nonsense"]), tmp_path)


def test_token_is_accepted_for_an_hour_by_whoever_knows_the_secret() -> None:
    now = [1_000_000.0]
    issuer, other = (Client("client", SecretStr("secret"), lambda: now[0]) for _ in range(2))
    token = issuer.issue()

    assert other.accepts(token)
    now[0] += LIFETIME_SECONDS - 1
    assert other.accepts(token)
    now[0] += 1
    assert not other.accepts(token)
    assert issuer.issue() != issuer.issue()


def test_token_that_was_changed_or_issued_to_another_client_is_refused() -> None:
    client = Client("client", SecretStr("secret"))
    token = client.issue()
    decoded = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    changed = [decoded[:i] + bytes([decoded[i] ^ 1]) + decoded[i + 1 :] for i in range(len(decoded))]

    assert client.accepts(token)
    assert not any(client.accepts(base64.urlsafe_b64encode(other).decode()) for other in changed)
    assert not any(
        client.accepts(token)
        for client in (Client("client", SecretStr("new")), Client("c", SecretStr("secret")))
    )
    assert not any(client.accepts(junk) for junk in ("", "a", "é", "====", "x" * 10_000))


@pytest.mark.parametrize(
    ("authorization", "content_type", "body", "expected"),
    [
        (
            None,
            "application/x-www-form-urlencoded",
            b"grant_type=client_credentials&client_id=a&client_secret=b%26",
            ("a", "b&"),
        ),
        (
            basic("a%20", "b")[1],
            "application/x-www-form-urlencoded",
            b"grant_type=client_credentials",
            ("a ", "b"),
        ),
        (None, "application/json; charset=utf-8", b'{"client_id":"a","client_secret":"b"}', ("a", "b")),
        (None, "", b"", None),
        (None, "application/json", b"[1]", None),
        (None, "application/json", b"{", None),
        (None, "application/json", b'{"client_id":1,"client_secret":2}', None),
        (None, "application/x-www-form-urlencoded", b"\xff=\xff", None),
        (None, "application/x-www-form-urlencoded", b"client_id=a&client_id=b&client_secret=c", None),
        (None, "application/x-www-form-urlencoded", b"&".join([b"a=b"] * 1000), None),
    ],
)
def test_token_request_is_understood_in_each_form(
    authorization: str | None, content_type: str, body: bytes, expected: tuple[str, str] | None
) -> None:
    asked = credentials(authorization, content_type, body)

    assert (asked and (asked.client_id, asked.client_secret)) == expected
    assert asked is None or asked.client_secret not in repr(asked)


def test_flood_of_refusals_is_one_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    log = RefusalLog(lambda: now[0])
    for _ in range(100):
        log.add("marketing", Refusal.WRONG_SIGNATURE)
        log.add("", Refusal.UNKNOWN_URL)
    assert len(caplog.records) == 1
    now[0] = 61
    log.add("marketing", Refusal.WRONG_SIGNATURE)

    assert len(caplog.records) == 2
    assert "and 99 more like it" in caplog.text
