"""Texts of more than a hundred thousand characters that no compression makes shorter, and which indexes have met them."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from typing import Any

import psycopg

from sendgrid_orchestration.sendgrid.events import FIELDS

LONG = 140_000
EVENT_TEXT = 40_000
"""Characters of each text of an event: the loader takes items of at most 1 MB, and posts of SendGrid's are smaller."""
_ALPHABET = string.ascii_letters + string.digits + "éß你😀"

_INDEXED_TEXTS = """
    select schema.nspname, class.relname, attribute.attname
    from pg_index
    inner join pg_class as class on pg_index.indrelid = class.oid
    inner join pg_namespace as schema on class.relnamespace = schema.oid
    inner join pg_attribute as attribute
        on attribute.attrelid = class.oid and attribute.attnum = any(pg_index.indkey)
    where
        schema.nspname = any(%s)
        and attribute.atttypid in ('text'::regtype, 'text[]'::regtype, 'varchar'::regtype)
        and not class.relispartition
    group by 1, 2, 3
    order by 1, 2, 3
"""


@cache
def long_text(name: str) -> str:
    """The long text of this name; another name gives another text."""
    rng = random.Random(name)
    return name + "".join(rng.choices(_ALPHABET, k=LONG - len(name)))


def event_text(name: str) -> str:
    """The text of this name as the events of a message have it."""
    return long_text(name)[:EVENT_TEXT]


KINDS = {
    "singlesend_id": ("singlesend_name", "template_version_id", "phase_id"),
    "mc_auto_id": ("mc_auto_name", "mc_auto_step_id"),
    "marketing_campaign_id": ("marketing_campaign_name", "marketing_campaign_version"),
    "newsletter_id": (),
    "template_id": ("sg_template_name",),
    "category": (),
}
"""What a message may belong to, and what else it then says of it."""

_NO_DIGITS = str.maketrans(string.digits, "x" * len(string.digits))
_SAYS = {
    "processed": (),
    "delivered": ("response", "ip"),
    "open": ("useragent", "ip"),
    "click": ("useragent",),
    "group_unsubscribe": (),
    "bounce": ("status", "bounce_classification", "type"),
}


@cache
def ascii_text(name: str) -> str:
    """A text of the same length in bytes and in characters; another name gives another text."""
    return name + "".join(random.Random(name).choices(string.ascii_letters, k=2_000))


def email(name: str, size: int = EVENT_TEXT, text: Callable[[str], str] = long_text) -> str:
    """An address of two long parts."""
    local, domain = (text(part)[: size // 2 - 10] for part in (name, f"domain of {name}"))
    return f"{local}@{domain}.example".lower()


def link(size: int = EVENT_TEXT, text: Callable[[str], str] = long_text) -> str:
    """What is clicked."""
    return f"https://x.example/{text('url')}"[:size]


def message(
    kind: str,
    at: datetime,
    variation: str = "",
    size: int = EVENT_TEXT,
    text: Callable[[str], str] = long_text,
) -> Iterator[dict[str, Any]]:
    """The events of a message that belongs to something of this kind, with long texts wherever an event has a text.

    Args:
        kind: one of `KINDS`.
        at: when it was sent.
        variation: of a single send.
        size: of the texts.
        text: gives the text of a name.
    """
    belongs = {key: text(key)[:size] for key in (kind, *KINDS[kind]) if key != "category"}
    if variation:
        belongs["template_version_id"] = text(variation)[:size]
    mail = {
        "email": email(kind, size, text),
        # SendGrid's longest has some 80 characters, and the parser takes 2,000 bytes of it for one.
        "sg_message_id": text(f"message {kind} {variation} {size}")[: min(size, 1_600)],
        "smtp-id": text(f"smtp {kind} {variation}")[:size],
        **({"newsletter": belongs} if kind == "newsletter_id" else belongs),
    }
    if kind in ("category", "singlesend_id"):
        mail["category"] = [text("category")[:size], text("another category")[:size]]
    for number, (event, keys) in enumerate(_SAYS.items()):
        yield {
            **mail,
            **{key: text(key)[:size] for key in keys},
            "event": event,
            "timestamp": int(at.timestamp()) + 60 * number,
            "sg_event_id": text(f"event {kind} {event} {variation} {size}")[:size],
            # Of a reason the marts leave out every word with a digit.
            **({"reason": text("reason").translate(_NO_DIGITS)[:size]} if event == "bounce" else {}),
            **({"url": link(size, text)} if event == "click" else {}),
            **(
                {"pool": {"id": text("pool")[:size], "name": text("pool")[:size]}}
                if event == "processed"
                else {}
            ),
        }


def event_of_everything(at: datetime) -> dict[str, Any]:
    """An event that has a long text under every key that SendGrid defines, under another, and as another."""
    return {
        **{field.key: long_text(f"key {field.key}")[:12_000] for field in FIELDS},
        long_text("custom arg")[:12_000]: long_text("value")[:12_000],
        "event": "dropped",
        "timestamp": int(at.timestamp()),
    }


def indexed_texts(conn: psycopg.Connection, *schemas: str) -> list[tuple[str, str, str]]:
    """Every column of text that an index holds: schema, table, column; whether the index is one of a primary key or not."""
    return conn.execute(_INDEXED_TEXTS, [list(schemas)]).fetchall()


def longest(conn: psycopg.Connection, schema: str, table: str, column: str) -> int:
    """Bytes of the longest text in a column."""
    row = conn.execute(
        f'select coalesce(max(octet_length("{column}"::text)), 0) from "{schema}"."{table}"'.encode()
    ).fetchone()
    assert row is not None
    return int(row[0])
