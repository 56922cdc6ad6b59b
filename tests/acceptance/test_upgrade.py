"""What a released version left is upgraded with everything behind it: no row lost, none doubled, marts as if built anew."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sendgrid_orchestration.defs.models.fingerprints import as_environment
from sendgrid_orchestration.defs.models.fingerprints import fingerprints as model_fingerprints
from sendgrid_orchestration.defs.models.project import PROJECT, manifest
from sendgrid_orchestration.load.loader import load_waiting
from sendgrid_orchestration.load.replay import replay_source
from sendgrid_orchestration.load.run import LoadResult
from sendgrid_orchestration.warehouse.custom_args import COLUMN_TYPES
from sendgrid_orchestration.warehouse.migrations import migrate
from tests.support.databases import database
from tests.support.dbt import DATABASE, dbt, fingerprints
from tests.support.landed import Landing, body
from tests.support.release_data import FIRST, RAW, SECOND, SOURCE, VIEWS

# Two builds of all models: half a minute each where the machine is busy with other things.
pytestmark = pytest.mark.timeout(900)

RELEASES = Path(__file__).parents[1] / "support" / "releases"
BUILD = ("build", "--exclude", "resource_type:test", "resource_type:unit_test")
"""What Dagster runs after an upgrade: everything but the tests."""

REBUILD = ("run", "--select", "tag:daily", "tag:objects", "--full-refresh")

VARIABLE = "SENDGRID_MODEL_FINGERPRINTS"
TODAY = "2026-01-15"
NOW = datetime(2026, 1, 15, tzinfo=UTC)
NEW = {"event": "hologram", "timestamp": 1_768_200_000, "email": "new@x.example", "sg_event_id": "new"}

KNOWN_EVENTS = {
    "processed", "delivered", "deferred", "dropped", "bounce", "open", "click", "spamreport", "unsubscribe",
    "group_unsubscribe", "group_resubscribe", "account_status_change",
}  # fmt: skip


_SHAPE = """
    select class.relname, attribute.attname, format_type(atttypid, atttypmod), attnotnull, attgenerated <> ''
    from pg_attribute as attribute
    inner join pg_class as class on attribute.attrelid = class.oid
    where
        relnamespace = %(schema)s::regnamespace and attnum > 0 and not attisdropped
        and relkind in ('r', 'p', 'v') and not relispartition
    union all
    select class.relname, pg_get_indexdef(indexrelid), '', indisunique, indisprimary
    from pg_index
    inner join pg_class as class on indrelid = class.oid
    where relnamespace = %(schema)s::regnamespace and not relispartition
    union all
    select class.relname, conname, pg_get_constraintdef(pg_constraint.oid), false, false
    from pg_constraint
    inner join pg_class as class on conrelid = class.oid
    where relnamespace = %(schema)s::regnamespace and not relispartition and contype <> 'n'
"""

Rows = dict[str, list[dict[str, Any]]]
"""Of every table of loader and sync."""


@dataclass(frozen=True)
class Upgraded:
    """A warehouse of a release into which this version has loaded, and then replayed every post.

    Attributes:
        url: the warehouse.
        posts: what the release and this version have loaded.
        before: as the release left it.
        after: as the first load left it.
        anew: what a new installation has after it has loaded the same files.
        view_rows: how much is seen through the release's views.
        replayed: what a replay of all posts brought.
    """

    url: str
    posts: list[list[Any]]
    before: Rows
    after: Rows
    anew: Rows
    view_rows: dict[str, int]
    replayed: LoadResult


@pytest.fixture(scope="module", params=sorted(folder.name for folder in RELEASES.iterdir()))
def upgraded(
    request: pytest.FixtureRequest, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Upgraded]:
    folder = RELEASES / request.param
    scratch = tmp_path_factory.mktemp("upgrade")
    posts = json.loads((folder / "posts.json").read_text(encoding="utf-8"))
    posts.append([NEW, posts[0][0], posts[3][-1]])
    landing = Landing(scratch / "landing")
    landed = landing.land(body(posts[-1]), received_at=NOW)
    with database(postgres_url, DATABASE) as url, database(postgres_url, "anew") as new_url:
        with psycopg.connect(url) as conn:
            conn.execute((folder / "warehouse.sql").read_bytes())
        with psycopg.connect(url) as conn:
            before = raw_rows(conn)
        names = {row["first_received_at"]: row["file_name"] for row in before["landed_files"]}
        names[NOW.isoformat()] = landed.stem
        archive = Landing(scratch / "archive", _name=lambda at: names[at.isoformat()])
        for received_at, some in ((FIRST, posts[:3]), (SECOND, posts[3:-1]), (NOW, posts[-1:])):
            archive.land(*map(body, some), received_at=received_at)
        load_waiting(new_url, archive.store, SOURCE)
        with psycopg.connect(url) as conn, psycopg.connect(new_url) as new:
            load_waiting(url, landing.store, SOURCE)
            after = raw_rows(conn)
            anew = raw_rows(new)
            view_rows = {
                view: len(conn.execute(f"select * from {SOURCE.schema_}.{view}".encode()).fetchall())
                for view in VIEWS
            }
        replayed = replay_source(url, archive.store, SOURCE)
        yield Upgraded(url, posts, before, after, anew, view_rows, replayed)


@dataclass(frozen=True)
class Built:
    """The same warehouse, after its models were built as Dagster builds them, and then from nothing.

    Attributes:
        url: the warehouse.
        artifacts: dbt's folder.
        code: the fingerprints that dbt was told.
        said: what dbt printed during the first build.
        updated: each mart as the first build left it.
        rebuilt: each mart after a full refresh.
    """

    url: str
    artifacts: Path
    code: dict[str, str]
    said: str
    updated: dict[str, str]
    rebuilt: dict[str, str]


@pytest.fixture(scope="module")
def built(upgraded: Upgraded, tmp_path_factory: pytest.TempPathFactory) -> Built:
    artifacts = tmp_path_factory.mktemp("dbt")
    parsed = manifest()
    code = as_environment(parsed, model_fingerprints(parsed, PROJECT))
    with psycopg.connect(upgraded.url) as conn:
        said = dbt(upgraded.url, artifacts, *BUILD, SENDGRID_AS_OF=TODAY, **code)
        updated = fingerprints(conn)
        dbt(upgraded.url, artifacts, *REBUILD, SENDGRID_AS_OF=TODAY)
        rebuilt = fingerprints(conn)
    return Built(upgraded.url, artifacts, json.loads(code[VARIABLE]), said, updated, rebuilt)


def raw_rows(conn: psycopg.Connection) -> Rows:
    """What stands in the tables of loader and sync."""
    names = "select tablename from pg_tables where schemaname = %s and tablename !~ '^events_[0-9]'"
    return {
        table: [row for (row,) in conn.execute(f"select to_jsonb(t) from {RAW}.{table} as t".encode())]
        for (table,) in conn.execute(names, [RAW]).fetchall()
    }


def counted(rows: list[dict[str, Any]], *without: str) -> Counter[str]:
    """How often each row is there, looking at all but some of its columns."""
    return Counter(
        json.dumps({name: value for name, value in row.items() if name not in without}, sort_keys=True)
        for row in rows
    )


def test_release_knew_all_kinds_of_rows(upgraded: Upgraded) -> None:
    """Or the others would prove nothing: every type of event, an unknown one, copies, and events that are there twice."""
    events = upgraded.before["events"]
    assert {row["event"] for row in events} == KNOWN_EVENTS | {"hologram"}
    assert any(row["is_copy"] for row in events)
    assert {name for row in events for name, value in row.items() if value is not None} >= {
        f"arg_of_{kind}" for kind in COLUMN_TYPES
    }
    contents = counted(events, "event_key", "load_id", "received_at", "is_copy", "categories")
    assert max(contents.values()) > 1
    for table in ("quarantine", "recipients", "lists", "segments", "list_members", "segment_members"):
        assert upgraded.before[table], table
    assert len(upgraded.before["loads"]) > 1


def test_events_are_those_of_a_new_installation(upgraded: Upgraded) -> None:
    """None lost, none doubled: the same as if this version alone had loaded every post, with the same keys."""
    assert counted(upgraded.after["events"], "load_id") == counted(upgraded.anew["events"], "load_id")
    assert len(upgraded.after["events"]) < len(upgraded.before["events"]) + 1


def test_redeliveries_that_differ_are_those_of_a_new_installation(upgraded: Upgraded) -> None:
    """What two versions had loaded under two keys is one event, and what the later copy says differently is kept."""
    variants = [counted(rows["event_variants"], "load_id") for rows in (upgraded.after, upgraded.anew)]
    assert variants[0] == variants[1]
    assert sum(variants[0].values()) > 0


def test_ledger_counts_those_of_a_new_installation(upgraded: Upgraded) -> None:
    """Of each file, and all together; what a load says that it has brought is there."""
    counts = ("posts", "events_read", "inserted", "duplicate", "quarantined", "copies", "variants")
    files = [
        sorted([row["file_name"], *(row[name] for name in counts)] for row in rows["landed_files"])
        for rows in (upgraded.after, upgraded.anew)
    ]
    assert files[0] == files[1]
    assert len(files[0]) > 2
    totals = [
        [sum(row[name] for row in rows["loads"]) for name in counts]
        for rows in (upgraded.after, upgraded.anew)
    ]
    assert totals[0] == totals[1]
    brought = Counter(row["load_id"] for row in upgraded.after["events"])
    assert {row["load_id"]: row["inserted"] for row in upgraded.after["loads"]} == brought


def test_quarantine_and_objects_stay(upgraded: Upgraded) -> None:
    """Each row says what it said."""
    others = upgraded.before.keys() - {"events", "loads", "landed_files", "schema_version"}
    for table in others:
        rows = upgraded.before[table]
        names = set().union(*rows)
        after = [{name: row.get(name) for name in names} for row in upgraded.after[table]]
        assert counted(after) == counted(rows), table
    items = [
        counted(rows["quarantine"], "load_id", "quarantined_at") for rows in (upgraded.after, upgraded.anew)
    ]
    assert items[0] == items[1]


def test_replay_of_the_archive_brings_nothing(upgraded: Upgraded) -> None:
    items = sum(map(len, upgraded.posts))
    assert (upgraded.replayed.inserted, upgraded.replayed.events_read) == (0, items)
    with psycopg.connect(upgraded.url) as conn:
        now = raw_rows(conn)
    for table in ("events", "event_variants", "quarantine", "landed_files"):
        assert counted(now[table]) == counted(upgraded.after[table]), table


def test_tables_are_those_of_a_new_installation(upgraded: Upgraded, warehouse_url: str) -> None:
    """Columns, types, indexes and constraints."""
    with psycopg.connect(warehouse_url) as conn:
        migrate(conn, SOURCE)
        new = set(conn.execute(_SHAPE, {"schema": RAW}).fetchall())
    with psycopg.connect(upgraded.url) as conn:
        old = set(conn.execute(_SHAPE, {"schema": RAW}).fetchall())
    assert len(new) > 500
    assert (old - new, new - old) == (set(), set())


def test_views_of_the_release_survive(upgraded: Upgraded) -> None:
    """People may query them between the first load and the first build."""
    assert upgraded.view_rows == {
        "activity": len(upgraded.after["events"]), "recipients": len(upgraded.after["recipients"]),
    }  # fmt: skip


def test_marts_are_as_if_built_anew(built: Built) -> None:
    """Whatever has changed of their code and of the events' keys since the release, without anybody asking for a rebuild."""
    assert len(built.updated) > 25
    assert built.updated == built.rebuilt


def test_models_know_what_they_are_built_from(built: Built) -> None:
    """It is said when one is rebuilt for that, and recorded afterwards, together with the version of the keys."""
    followers = built.code.keys() - {"int_message_changes"}
    assert rebuilt_models(built.said) == followers
    with psycopg.connect(built.url) as conn:
        recorded = conn.execute(b"select model, built_from from sendgrid_staging.model_state").fetchall()
    assert dict(recorded) == {model: f"{built.code[model]}:2" for model in followers}


def test_only_models_that_have_changed_are_rebuilt(built: Built) -> None:
    """And those that have not go on from their own rows. A model on which a view stands is rebuilt in place."""
    changed, in_place, unchanged = (
        "mart_event_volume_daily",
        "mart_recipient_engagement",
        "mart_email_overview_daily",
    )
    code = built.code | {changed: "0" * 16, in_place: "1" * 16}
    with psycopg.connect(built.url) as conn:
        before = fingerprints(conn)
        for model in (changed, in_place, unchanged):
            conn.execute(f"delete from {SOURCE.marts_schema}.{model}".encode())
        conn.commit()
        models = ("run", "--select", changed, in_place, unchanged)
        said = dbt(built.url, built.artifacts, *models, SENDGRID_AS_OF=TODAY, **{VARIABLE: json.dumps(code)})
        after = fingerprints(conn)
    assert rebuilt_models(said) == {changed, in_place}
    assert {model for model in before if after[model] != before[model]} == {unchanged}
    assert after[unchanged].startswith("0 rows")


def rebuilt_models(said: str) -> set[str]:
    """Of which models dbt has said that it rebuilds them."""
    return set(re.findall(r"(\w+) is rebuilt from all events", said))
