"""The bytes that the simulator posts, their signature, and the count it keeps of what it sent."""

import base64
import hashlib
import json
from collections import Counter
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from sendgrid_orchestration.simulator import SMOOTH, Account, Trouble, compose, odd_events, wire
from sendgrid_orchestration.simulator.webhooks import public_key_text

OFFICIAL_EVENT = {
    "email": "hello@world.com",
    "event": "dropped",
    "reason": "Bounced Address",
    "sg_event_id": "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
    "sg_message_id": "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
    "smtp-id": "<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",
    "timestamp": 1600112492,
}
STARTED = 1_790_000_000


def test_the_body_is_byte_for_byte_what_sendgrid_sent() -> None:
    """SendGrid's own test vector: 327 bytes of this hash."""
    raw = wire.body([OFFICIAL_EVENT], escaped=False)
    assert len(raw) == 327
    assert (
        hashlib.sha256(raw).hexdigest() == "ef3e4606385ea6adbc55fceb6117cf2784040cf145a010e5ef4afc2bc7c70452"
    )


def test_events_are_separated_by_crlf_escaped_and_raw_beyond_ascii() -> None:
    raw = wire.body([{"smtp-id": "<a@b>"}, {"name": "Müller & Søn ☂"}])
    assert raw == '[{"smtp-id":"\\u003ca@b\\u003e"},\r\n{"name":"Müller \\u0026 Søn ☂"}]\r\n'.encode()
    assert json.loads(raw) == [{"smtp-id": "<a@b>"}, {"name": "Müller & Søn ☂"}]


def test_the_signature_covers_timestamp_and_raw_bytes() -> None:
    private_key = ec.generate_private_key(ec.SECP256R1())
    raw = wire.body([{"a": "<"}, {"b": "é"}])
    headers = wire.signed_headers(private_key, 1600112502, raw)
    public_key = load_der_public_key(base64.b64decode(public_key_text(private_key)))
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    signature = base64.b64decode(headers[wire.SIGNATURE_HEADER])
    public_key.verify(signature, b"1600112502" + raw, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        public_key.verify(signature, b"1600112502" + raw.rstrip(b"\r\n"), ec.ECDSA(hashes.SHA256()))


def test_without_trouble_each_event_is_posted_once_in_order() -> None:
    events = list(Account(contacts=50, history_messages=200, started=STARTED).history)
    posts = list(compose(events, batch=33, trouble=SMOOTH))
    assert [item for post in posts for item in json.loads(post.body)] == events
    assert sum(post.first_seen for post in posts) == len(events)


def test_the_counts_tell_what_a_warehouse_must_hold() -> None:
    """Whatever the trouble, `items == first_seen + renamed + duplicates + odd`, and each count is true."""
    events = [*odd_events(STARTED), *Account(contacts=300, history_messages=3000, started=STARTED).history]
    trouble = Trouble(0.1, 0.05, 0.02, 0.05, 0.5, odd_items=7)
    posts = list(compose(events, batch=20, trouble=trouble))
    items = [item for post in posts for item in json.loads(post.body)]

    stored: set[str] = set()
    contents: Counter[str] = Counter()
    quarantined = 0
    for item in items:
        if not isinstance(item, dict) or "timestamp" not in item:
            quarantined += 1
            continue
        whole = json.dumps(item, sort_keys=True)
        if whole not in stored:
            stored.add(whole)
            contents[_content(item)] += 1

    told = {
        name: sum(getattr(post, name) for post in posts)
        for name in ("first_seen", "renamed", "duplicates", "odd")
    }
    assert len(items) == sum(told.values())
    assert quarantined == told["odd"] > 0
    assert told["first_seen"] == len(events)
    assert len(stored) == told["first_seen"] + told["renamed"]
    assert len(contents) == len({_content(event) for event in events})
    assert told["duplicates"] > 0
    assert told["renamed"] > 0


def _content(item: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in item.items() if key != "sg_event_id"}, sort_keys=True)
