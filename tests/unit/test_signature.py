"""Signatures are checked over the bytes that came, and nothing else passes (peers #6)."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sendgrid_orchestration.sendgrid.signature import InvalidPublicKey, PublicKey, verify, verify_any
from tests.support.signing import SIGNATURE, TIMESTAMP, SigningKey, body_of, event

# SendGrid's own example, the same in all of its libraries.
V1_KEY = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
V1_SIGNATURE = (
    "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
)
V1_TIMESTAMP = "1600112502"
V1_BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)
WRONG_KEY = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqTxd43gyp8IOEto2LdIfjRQrIbsd4SXZkLW6jDutdhXSJCWHw8REntlo7aNDthvj+y7GjUuFDb/R1NGe1OPzpA=="
WRONG_SIGNATURE = (
    "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH3j/0="
)


def flips(data: bytes) -> list[bytes]:
    """The data with each of its bytes changed, one at a time."""
    return [data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :] for i in range(len(data))]


def test_official_vector_passes() -> None:
    assert verify(V1_KEY, V1_SIGNATURE, V1_TIMESTAMP, V1_BODY)


def test_key_with_pem_lines_is_the_same_key() -> None:
    pem = f"-----BEGIN PUBLIC KEY-----\n{V1_KEY[:64]}\n{V1_KEY[64:]}\n-----END PUBLIC KEY-----\n"

    assert PublicKey.parse(pem.encode()).text == V1_KEY
    assert verify(pem, V1_SIGNATURE, V1_TIMESTAMP, V1_BODY)


@pytest.mark.parametrize(
    ("key", "signature", "timestamp"),
    [
        (WRONG_KEY, V1_SIGNATURE, V1_TIMESTAMP),
        (V1_KEY, WRONG_SIGNATURE, V1_TIMESTAMP),
        (V1_KEY, V1_SIGNATURE, "1600112503"),
        (V1_KEY, V1_SIGNATURE, ""),
        (V1_KEY, V1_SIGNATURE, "\uff11600112502"),
        (V1_KEY, "", V1_TIMESTAMP),
        (V1_KEY, "not base64 at all!", V1_TIMESTAMP),
        (V1_KEY, base64.b64encode(b"not a signature").decode(), V1_TIMESTAMP),
        (V1_KEY, V1_SIGNATURE + "\u00e9", V1_TIMESTAMP),
    ],
)
def test_other_key_signature_or_timestamp_fails(key: str, signature: str, timestamp: str) -> None:
    assert not verify(key, signature, timestamp, V1_BODY)


def test_every_one_byte_change_fails() -> None:
    assert not any(verify(V1_KEY, V1_SIGNATURE, V1_TIMESTAMP, body) for body in flips(V1_BODY))
    assert not any(
        verify(V1_KEY, V1_SIGNATURE, stamp.decode(), V1_BODY) for stamp in flips(V1_TIMESTAMP.encode())
    )
    assert not any(
        verify(V1_KEY, base64.b64encode(signature).decode(), V1_TIMESTAMP, V1_BODY)
        for signature in flips(base64.b64decode(V1_SIGNATURE))
    )


def test_every_missing_or_added_byte_fails() -> None:
    assert not any(verify(V1_KEY, V1_SIGNATURE, V1_TIMESTAMP, V1_BODY[:i]) for i in range(0, len(V1_BODY), 7))
    assert not verify(V1_KEY, V1_SIGNATURE, V1_TIMESTAMP, V1_BODY.rstrip())
    assert not verify(V1_KEY, V1_SIGNATURE, V1_TIMESTAMP, V1_BODY + b"\n")


def test_several_events_with_escapes_pass_as_they_came_and_not_rewritten() -> None:
    """The official vector also passes when it is parsed and written again; a post of several events does not."""
    key = SigningKey()
    body = body_of([event(1, reason="Größe <b>✉</b>"), event(2, response="ok > fine")])
    headers = key.headers(body)
    rewritten = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode() + b"\r\n"

    assert b",\r\n" in body and rb"\u003c" in body and "ö".encode() in body
    assert verify(key.public, headers[SIGNATURE], headers[TIMESTAMP], body)
    assert not verify(key.public, headers[SIGNATURE], headers[TIMESTAMP], rewritten)


def test_any_of_several_keys_will_do() -> None:
    old, new, other = SigningKey(), SigningKey(), SigningKey()
    keys = [PublicKey.parse(old.public), PublicKey.parse(new.public)]
    body = body_of([event(1)])

    for key, valid in ((old, True), (new, True), (other, False)):
        headers = key.headers(body)
        assert verify_any(keys, headers[SIGNATURE], headers[TIMESTAMP], body) is valid


def _foreign_key(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> str:
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


@pytest.mark.parametrize(
    "key",
    [
        "",
        "SG.abc.def",
        V1_KEY[:-8],
        "größe",
        _foreign_key(ec.generate_private_key(ec.SECP384R1()).public_key()),
        _foreign_key(rsa.generate_private_key(65537, 2048).public_key()),
    ],
)
def test_what_is_no_key_is_refused_with_a_remedy(key: str) -> None:
    with pytest.raises(InvalidPublicKey, match=r"Copy the whole key|P-256"):
        PublicKey.parse(key)
