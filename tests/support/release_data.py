"""Writes the small data set of a release, which tests/acceptance/test_upgrade.py upgrades.

To be run once for each release that changes the schema, in a checkout of the release, so that the release's own code writes the
data. Where the release lacks this file, copy it there:

    git worktree add ../release v0.2.0 && cd ../release
    python -m tests.support.release_data URL PG_DUMP FOLDER

URL is an empty server of the oldest supported version of Postgres, whose dump every version can read; PG_DUMP is its program;
FOLDER is tests/support/releases/<version> of the current checkout. What comes out is text: `posts.json`, the posts that were
loaded, and `warehouse.sql`, the warehouse that two loads, two syncs and two builds of the models left.

The data set 0.1.0 is of commit 615b723, whose schema has version 4. The keys of its first load are those of its first commits
(BLAKE2b, `--first-keys=blake2b`), as in a warehouse that was installed then: what was delivered before and after the keys had
changed is in it twice.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
from psycopg.conninfo import conninfo_to_dict

from sendgrid_orchestration.load.loader import load_waiting
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse.custom_args import COLUMN_TYPES
from sendgrid_orchestration.warehouse.migrations import migrate
from tests.support.dbt import dbt
from tests.support.landed import Landing, body

SOURCE = Source.model_validate(
    {"name": "sendgrid", "custom_args": {f"of_{kind}": kind for kind in COLUMN_TYPES}}
)
"""With a typed column for a custom arg of each type."""

RAW = SOURCE.raw_schema
FIRST, SECOND = datetime(2026, 1, 9, tzinfo=UTC), datetime(2026, 1, 13, tzinfo=UTC)
"""When the posts of either load were received, and the days on which the models were built."""

VIEWS = ("activity", "recipients")
"""What the dump holds of the views: they have no data, and these stand for all."""

Item = dict[str, Any]

_BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)"
_HOUR, _DAY = 3_600, 86_400


def posts() -> list[list[Item]]:
    """The items of each post: every type of event, copies, differing redeliveries, custom args, and items that are no events.

    The first half comes with the first load. The second half redelivers some of it.
    """
    news, welcome, receipt = list(_news()), list(_welcome()), list(_receipts())
    odd: list[Any] = [{"no": "event"}, "text"]
    first = [news[:12] + welcome[:4], receipt + odd, [news[0], news[3]]]
    redelivered = [news[1], news[2] | {"category": ["other"]}, receipt[0]]
    second = [redelivered + news[12:], [*welcome[4:], {"event": "open"}]]
    return first + second


def _mail(number: int, **more: Any) -> Item:
    return {"email": f"person{number}@{('gmail.com', 'corp.example')[number % 2]}", **more}


def _at(item: Item, event: str, seconds: int, **more: Any) -> Item:
    sent = int(datetime(2026, 1, 6, 9, tzinfo=UTC).timestamp()) + seconds
    number = f"{item.get('sg_message_id', 'account')}-{event}-{seconds}"
    return {**item, "event": event, "timestamp": sent, "sg_event_id": number, **more}


def _news() -> Iterator[Item]:
    """A single send in two variations: read, clicked by people and by a scanner, bounced, unsubscribed from."""
    for number in range(4):
        mail = _mail(
            number,
            **{"sg_message_id": f"news{number}.recvd-1", "smtp-id": f"<{number}@geopod>"},
            singlesend_id="send1", singlesend_name="News", template_id="d-1",
            template_version_id=f"v-{number % 2}", category=["news", "weekly"], customer=f"c{number}",
        )  # fmt: skip
        yield _at(mail, "processed", number, pool={"name": "pool1", "id": 1})
        if number == 3:
            yield _at(
                mail, "bounce", 9, type="bounce", status="5.1.1", reason="550 unknown user", ip="1.2.3.4"
            )
            continue
        yield _at(mail, "delivered", 10 + number, response="250 OK", ip="1.2.3.4", tls=1)
        yield _at(mail, "open", 20, sg_machine_open=True, useragent="Mozilla/5.0")
        if number == 0:
            for link in range(3):
                yield _at(mail, "click", 30 + link, url=f"https://x.example/{link}", useragent=_BROWSER)
        if number == 1:
            yield _at(mail, "open", _HOUR, useragent=_BROWSER)
            yield _at(
                mail, "click", _HOUR + 60, url="https://x.example/1", useragent=_BROWSER,
                url_offset={"index": 1, "type": "html"},
            )  # fmt: skip
            yield _at(mail, "open", _HOUR, useragent=_BROWSER, sg_event_id="a copy")
        if number == 2:
            yield _at(mail, "group_unsubscribe", 2 * _DAY, asm_group_id=7)
            yield _at(mail, "group_resubscribe", 2 * _DAY + _HOUR, asm_group_id=7)
            yield _at(mail, "unsubscribe", 4 * _DAY)


def _welcome() -> Iterator[Item]:
    """Two steps of an automation: deferred, dropped, reported as spam."""
    for step in range(2):
        mail = _mail(
            4 + step, sg_message_id=f"welcome{step}.recvd-1", mc_auto_id="auto1", mc_auto_name="Welcome",
            mc_auto_step_id=f"step{step}",
        )  # fmt: skip
        yield _at(mail, "processed", _DAY + step)
        yield _at(mail, "deferred", _DAY + 9 + step, attempt="1", response="451 try later", ip="1.2.3.4")
        yield _at(mail, "delivered", _DAY + 500 + step, response="250 OK", ip="1.2.3.4")
        yield _at(mail, "spamreport", 4 * _DAY + step)
    dropped = _mail(6, sg_message_id="welcome2.recvd-1", mc_auto_id="auto1", mc_auto_name="Welcome")
    yield _at(dropped, "dropped", 5 * _DAY, reason="Bounced Address")


def _receipts() -> Iterator[Item]:
    """Mail through the API with a custom arg of each type; events without an id, without a message, of an unknown type."""
    mail = _mail(
        1, sg_message_id="receipt.recvd-1", sg_template_id="d-2", sg_template_name="Untitled Version",
        category="receipts", of_text="a", of_integer="7", of_numeric="9.90", of_boolean="true", of_timestamp="2026-01-06T09:00:00Z",
        nested={"a": [1, 2.5]},
    )  # fmt: skip
    yield _at(mail, "processed", 3 * _HOUR)
    yield _at(mail, "delivered", 3 * _HOUR + 2, response="250 ü")
    without_id = _at(mail, "open", 4 * _HOUR, useragent=_BROWSER) | {"sg_event_id": ""}
    yield from (without_id, without_id)
    yield _at(_mail(7), "bounce", 5 * _HOUR, type="blocked", status="5.7.1", reason="policy")
    yield _at({}, "account_status_change", 6 * _HOUR, type="compliance_suspend")
    yield _at(mail, "hologram", 7 * _HOUR)


def _store_objects(conn: psycopg.Connection) -> None:
    """The account's contacts, lists and mailings, as a first sync brings them."""
    seen, now = "first_seen_at, synced_at", "'2026-01-05', '2026-01-05'"
    address = "'person' || n || '@' || (array['gmail.com', 'corp.example'])[1 + n % 2]"
    for statement in (
        f"recipients (id, email, {seen}) select 'c' || n, {address}, {now} from generate_series(0, 7) as n",
        f"lists (id, name, recipient_count, {seen}) values ('l1', 'Everybody', 8, {now})",
        f"segments (id, name, recipient_count, {seen}) values ('g1', 'VIP', 3, {now})",
        "list_members (list_id, contact_id, valid_from) "
        "select 'l1', 'c' || n, '2026-01-05' from generate_series(0, 7) as n",
        "segment_members (segment_id, contact_id, valid_from) "
        "select 'g1', 'c' || n, '2026-01-05' from generate_series(0, 2) as n",
        f"single_sends (id, name, status, {seen}) values ('send1', 'News', 'triggered', {now})",
        f"templates (id, name, {seen}) values ('d-2', 'Order receipt', {now})",
    ):
        conn.execute(f"insert into {RAW}.{statement}".encode())


def _store_next_sync(conn: psycopg.Connection) -> None:
    """What a later sync found changed."""
    seen, now = "first_seen_at, synced_at", "'2026-01-12', '2026-01-12'"
    for statement in (
        f"update {RAW}.single_sends set name = 'Renamed', synced_at = '2026-01-12'",
        f"update {RAW}.list_members set valid_to = '2026-01-12' where contact_id = 'c1'",
        f"insert into {RAW}.global_unsubscribes (email, created_at, {seen}) "
        f"values ('Person2@gmail.com', '2026-01-10', {now})",
        f"insert into {RAW}.spam_reports (email, created_at, {seen}) "
        f"values ('person5@corp.example', '2026-01-10', {now})",
        f"insert into {RAW}.daily_stats (date, delivered, {seen}) values ('2026-01-06', 4, {now})",
    ):
        conn.execute(statement.encode())


def write(url: str, pg_dump: str, folder: Path, first_keys: str | None) -> None:
    """Build a warehouse in two steps, as an installation does, and write it down.

    Args:
        url: an empty database.
        pg_dump: the program, of the server's version.
        folder: of the release; created.
        first_keys: the hash by which the keys of the first load are made, if it is not the release's own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    items = posts()
    bodies = [body(post) for post in items]
    with tempfile.TemporaryDirectory() as scratch:
        landing = Landing(Path(scratch) / "landing")
        with psycopg.connect(url) as conn:
            migrate(conn, SOURCE)
            _store_objects(conn)
        for half, received_at in ((bodies[:3], FIRST), (bodies[3:], SECOND)):
            landing.land(*half, received_at=received_at)
            with _blake2b() if first_keys and received_at == FIRST else nullcontext():
                load_waiting(url, landing.store, SOURCE)
            as_of = f"{received_at:%Y-%m-%d}"
            dbt(url, Path(scratch), "build", "--exclude", "resource_type:test", SENDGRID_AS_OF=as_of)
            if received_at == FIRST:
                with psycopg.connect(url) as conn:
                    _store_next_sync(conn)
        with psycopg.connect(url) as conn:
            conn.execute(f"update {RAW}.landed_files set archive_path = file_name".encode())
            views = conn.execute(
                "select viewname from pg_views where schemaname = %s and not viewname = any(%s)",
                [SOURCE.schema_, list(VIEWS)],
            )
            for (view,) in views.fetchall():
                conn.execute(f'drop view {SOURCE.schema_}."{view}"'.encode())
        (folder / "warehouse.sql").write_text(_dumped(url, pg_dump), encoding="utf-8")
    (folder / "posts.json").write_text(_readable(items), encoding="utf-8")


@contextmanager
def _blake2b() -> Iterator[None]:
    def digest(data: bytes) -> bytes:
        return blake2b(data, digest_size=8).digest()

    with mock.patch("sendgrid_orchestration.load.rows.xxh3_64_digest", digest):
        yield


def _readable(items: list[list[Item]]) -> str:
    """JSON with an item on each line."""
    written = (",\n".join(f"  {json.dumps(item, ensure_ascii=False)}" for item in post) for post in items)
    return "[\n" + ",\n".join(f" [\n{post}\n ]" for post in written) + "\n]\n"


def _dumped(url: str, pg_dump: str) -> str:
    """The schemas and their rows, without psql's own commands and what says nothing."""
    where = conninfo_to_dict(url)
    dumped = subprocess.run(
        [
            pg_dump, "--no-owner", "--no-privileges", "--no-comments", "--rows-per-insert=1000", "--schema=sendgrid*",
            "--host", str(where["host"]), "--port", str(where["port"]), "--username", str(where["user"]),
            str(where["dbname"]),
        ],
        env={"PGPASSWORD": str(where.get("password", ""))}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = (
        line for line in dumped.stdout.splitlines() if line and not line.startswith(("\\", "--", "SET "))
    )
    return "\n".join(re.sub("^ +", " ", line) for line in lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("pg_dump")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first-keys", choices=["blake2b"])
    asked = parser.parse_args()
    write(asked.url, asked.pg_dump, asked.folder, asked.first_keys)
