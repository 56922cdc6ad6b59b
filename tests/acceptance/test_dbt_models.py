"""The dbt project on a real Postgres: built, kept up to date, rebuilt in every way that a person might, and compared."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import psycopg
import pytest
from psycopg.types.json import Jsonb

from sendgrid_orchestration.load.loader import load_waiting
from sendgrid_orchestration.warehouse.bounded_text import LONGEST_BYTES, bounded
from sendgrid_orchestration.warehouse.custom_args import COLUMN_TYPES
from sendgrid_orchestration.warehouse.migrations import migrate
from sendgrid_orchestration.warehouse.object_tables import SUPPORT_TABLES, TABLES
from tests.support import hostile_values, long_values, mail_story
from tests.support.databases import database
from tests.support.dbt import DATABASE, SOURCE, command, dbt, environment, fingerprints, load, store_object
from tests.support.landed import Landing, body

# A dozen dbt processes: half a minute each where the machine is busy with other things.
pytestmark = pytest.mark.timeout(900)

UPDATE = ("run", "--select", "tag:daily", "tag:objects")
TYPED = SOURCE.model_copy(update={"custom_args": {kind: kind for kind in COLUMN_TYPES}})
"""The source with a typed column for a custom arg of each type."""

CLOSED_VOCABULARIES = {
    *((table, "mailbox_provider") for table in (
        "mart_domain_deliverability_daily", "mart_provider_deliverability_daily", "mart_bounce_reasons_daily",
    )),
    *((table, "stream") for table in (
        "mart_email_overview_daily", "mart_device_performance_daily", "mart_send_time_heatmap",
    )),
    *((table, "engagement_tier") for table in (
        "mart_recipient_tiers_monthly", "mart_engagement_tiers_monthly", "mart_membership_tiers",
    )),
    ("mart_engagement_tiers_monthly", "previous_tier"),
    ("mart_membership_tiers", "membership"),
    ("mart_device_performance_daily", "device_family"),
    ("mart_bounce_reasons_daily", "bounce_class"),
    ("mart_sendgrid_comparison_daily", "metric"),
    ("fct_suppression_history", "suppression_type"),
    ("model_state", "model"),
    ("mailbox_providers", "recipient_domain"),
    ("bounce_classes", "bounce_classification"),
    # SendGrid's word for what happened: the parser takes 100 characters.
    ("events", "event"),
    ("mart_event_volume_daily", "event"),
}  # fmt: skip
"""Columns of text in indexes that hold only words of our own or of the parser's choice."""

OBJECTS = {table.name: table for table in (*TABLES.values(), *SUPPORT_TABLES)}
"""Raw tables whose indexes tests/integration/test_long_values.py looks at."""

NAMED_BY_US = {
    "landed_files",
    "damaged_files",
    "failed_files",
    "quarantine",
    "delivery_destinations",
    "delivery_batches",
    "delivery_exceptions",
    "forwards",
    "forward_exceptions",
}
"""Raw tables whose indexes hold names of files, which a file system bounds, and of destinations and forwards, which the settings bound."""

LEADING = """
    select 1
    from pg_index
    inner join pg_attribute on attrelid = indrelid and attnum = indkey[0]
    where indrelid = %s::regclass and attname = %s and indpred is null
"""
"""Whether a column stands first in an index."""

EVENT_TABLES = (
    "processed", "delivered", "deferred", "dropped", "bounce", "_open", "click", "spam_report", "unsubscribe",
    "group_unsubscribe", "group_resubscribe", "account_status_change", "other_event",
)  # fmt: skip


@dataclass(frozen=True)
class History:
    """A warehouse whose marts followed four loads, with their fingerprints after each way of rebuilding them."""

    url: str
    artifacts: Path
    first_build: str
    followed: dict[str, str]
    after_the_same_loads_again: dict[str, str]
    after_two_windows_at_once: dict[str, str]
    after_full_refresh: dict[str, str]
    recipients_view_survived: bool
    after_quiet_months: dict[str, str]
    after_full_refresh_then: dict[str, str]
    after_an_upgrade: dict[str, str]

    def values(self, query: str) -> list[tuple[object, ...]]:
        """What a query gives."""
        with psycopg.connect(self.url) as conn:
            return conn.execute(query.encode()).fetchall()


@pytest.fixture(scope="module")
def history(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Everything that costs a dbt process, once for the module."""
    with database(postgres_url, DATABASE) as url:
        with psycopg.connect(url) as conn:
            made = _make_history(url, tmp_path_factory.mktemp("dbt"), conn)
        yield made


def _make_history(url: str, artifacts: Path, conn: psycopg.Connection) -> History:
    migrate(conn, TYPED)
    conn.commit()
    first, second, third, fourth = mail_story.loads()
    values = itertools.cycle(hostile_values.FIXED)
    second = [
        {**event, "custom_args": Jsonb(dict.fromkeys(COLUMN_TYPES, value))}
        for event, value in zip(second, values, strict=False)
    ]
    _contacts(conn)

    load(conn, first)
    first_build = dbt(url, artifacts, "build", "--exclude", "test_type:unit", SENDGRID_AS_OF="2026-01-08")

    load(conn, second)
    _kill_once_messages_are_written(url, artifacts, conn)

    load(conn, third)
    _what_the_next_sync_brings(conn)
    _long_values(url, artifacts, conn)
    dbt(url, artifacts, *UPDATE, SENDGRID_AS_OF="2026-01-11")

    load(conn, fourth)
    dbt(url, artifacts, "build", *UPDATE[1:], "--exclude", "test_type:unit", SENDGRID_AS_OF="2026-02-20")
    followed = fingerprints(conn)

    dbt(url, artifacts, *UPDATE, SENDGRID_AS_OF="2026-02-20", SENDGRID_LOADED_AFTER="0")
    loads_again = fingerprints(conn)

    _windows_at_once(url, artifacts, ("2026-01-05", "2026-01-09"), ("2026-01-08", "2026-02-01"))
    windows_at_once = fingerprints(conn)

    before = _oid(conn, "sendgrid.recipients")
    dbt(url, artifacts, *UPDATE, "--full-refresh", SENDGRID_AS_OF="2026-02-20")
    survived = _oid(conn, "sendgrid.recipients") == before
    refreshed = fingerprints(conn)

    # No mail any more, no update for more than a month, then one right after a month's end.
    for day in ("2026-04-03", "2026-05-02"):
        dbt(url, artifacts, *UPDATE, SENDGRID_AS_OF=day)
    months_later = fingerprints(conn)
    dbt(url, artifacts, *UPDATE, "--full-refresh", SENDGRID_AS_OF="2026-05-02")
    refreshed_then = fingerprints(conn)

    _as_before_an_upgrade(conn)
    dbt(url, artifacts, *UPDATE, SENDGRID_AS_OF="2026-05-02", SENDGRID_LOADED_AFTER="0")
    return History(
        url=url,
        artifacts=artifacts,
        first_build=first_build,
        followed=followed,
        after_the_same_loads_again=loads_again,
        after_two_windows_at_once=windows_at_once,
        after_full_refresh=refreshed,
        recipients_view_survived=survived,
        after_quiet_months=months_later,
        after_full_refresh_then=refreshed_then,
        after_an_upgrade=fingerprints(conn),
    )


def _windows_at_once(url: str, artifacts: Path, *windows: tuple[str, str]) -> None:
    """Rebuild these days in one process each, which start together."""
    processes = []
    for start, end in windows:
        more = {
            "SENDGRID_AS_OF": "2026-02-20",
            "SENDGRID_WINDOW_START": start,
            "SENDGRID_WINDOW_END": end,
            "DBT_PARTIAL_PARSE_FILE_PATH": str(artifacts / "partial_parse.msgpack"),
        }
        processes.append(
            subprocess.Popen(
                command(*UPDATE, "--exclude", "config.materialized:table"),
                env=environment(url, artifacts / start, more),
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    for process in processes:
        said, _ = process.communicate()
        assert process.returncode == 0, said[-6000:]


def _kill_once_messages_are_written(url: str, artifacts: Path, conn: psycopg.Connection) -> None:
    """A crash at the worst moment: the message fact has followed, the marts have not, or only some."""
    query = b"select change_id from sendgrid_staging.model_state where model = 'fct_email_messages'"
    before = conn.execute(query).fetchone()
    conn.rollback()
    process = subprocess.Popen(
        command(*UPDATE),
        env=environment(url, artifacts, {"SENDGRID_AS_OF": "2026-01-09"}),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while process.poll() is None and conn.execute(query).fetchone() == before:
            conn.rollback()
            time.sleep(0.02)
    finally:
        conn.rollback()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _as_before_an_upgrade(conn: psycopg.Connection) -> None:
    """A warehouse whose messages and their log know neither a column nor the indexes that an upgrade brings."""
    for table in ("sendgrid_marts.fct_email_messages", "sendgrid_staging.int_message_changes"):
        conn.execute(f"alter table {table} drop column device_family".encode())
    partial = (
        "select indexrelid::regclass from pg_index where indrelid = %s::regclass and indpred is not null"
    )
    for (index,) in conn.execute(partial.encode(), ["sendgrid_marts.fct_email_messages"]).fetchall():
        conn.execute(f"drop index {index}".encode())
    conn.commit()


def _contacts(conn: psycopg.Connection) -> None:
    raw = SOURCE.raw_schema
    seen = "first_seen_at, synced_at"
    now = "'2026-01-04', '2026-01-04'"
    statements = (
        f"insert into {raw}.recipients (id, email, {seen}) select 'c' || n, 'person' || n || '@' || "
        f"(array['gmail.com','yahoo.com','outlook.com','icloud.com','corp.example','shop.example'])[1 + n % 6], "
        f"{now} from generate_series(0, 60) as n",
        f"insert into {raw}.lists (id, name, recipient_count, {seen}) values ('l1', 'Everybody', 61, {now})",
        f"insert into {raw}.segments (id, name, recipient_count, {seen}) values ('g1', 'VIP', 20, {now})",
        f"insert into {raw}.list_members (list_id, contact_id, valid_from) "
        f"select 'l1', id, '2026-01-04' from {raw}.recipients",
        f"insert into {raw}.segment_members (segment_id, contact_id, valid_from) "
        f"select 'g1', 'c' || n, '2026-01-04' from generate_series(0, 19) as n",
        f"insert into {raw}.single_sends (id, name, status, {seen}) values ('send0', 'Newsletter 0', 'triggered', {now})",
        f"insert into {raw}.templates (id, name, {seen}) values ('d-tx2', 'Order receipt', {now}), "
        f"('d-tx6', 'Password reset', {now})",
    )
    for statement in statements:
        conn.execute(statement.encode())
    conn.commit()


def _what_the_next_sync_brings(conn: psycopg.Connection) -> None:
    raw = SOURCE.raw_schema
    statements = (
        f"update {raw}.single_sends set name = 'Renamed', synced_at = '2026-01-11'",
        f"update {raw}.templates set name = 'Receipt', synced_at = '2026-01-11' where id = 'd-tx2'",
        f"update {raw}.lists set name = 'Everyone', synced_at = '2026-01-11'",
        f"update {raw}.list_members set valid_to = '2026-01-10' where contact_id in ('c1', 'c2')",
        f"insert into {raw}.global_unsubscribes (email, created_at, first_seen_at, synced_at) "
        "values ('Person3@icloud.com', '2026-01-10', '2026-01-11', '2026-01-11')",
        f"insert into {raw}.spam_reports (email, created_at, first_seen_at, synced_at, deleted_at) "
        "values ('person4@corp.example', '2026-01-06', '2026-01-11', '2026-01-11', '2026-01-12')",
        f"insert into {raw}.daily_stats (date, delivered, first_seen_at, synced_at) "
        "values ('2026-01-06', 50, '2026-01-11', '2026-01-11')",
    )
    for statement in statements:
        conn.execute(statement.encode())
    conn.commit()


def _long_values(url: str, artifacts: Path, conn: psycopg.Connection) -> None:
    """Events and objects whose every text is long, by way of the loader and of the sync's shapes."""
    landing = Landing(artifacts / "landing")
    at = mail_story.FIRST_DAY + timedelta(days=3)
    for kind in long_values.KINDS:
        landing.land(body(long_values.message(kind, at)))
        # The longest that are not cut.
        landing.land(body(long_values.message(kind, at, size=LONGEST_BYTES, text=long_values.ascii_text)))
    landing.land(body(long_values.message("singlesend_id", at, variation="another version")))
    landing.land(body([long_values.event_of_everything(at)]))
    assert load_waiting(url, landing.store, TYPED).inserted == 12 * len(long_values.KINDS) + 7
    text, email = long_values.event_text, long_values.email("singlesend_id")
    objects: tuple[tuple[str, dict[str, Any]], ...] = (
        ("lists", {"id": text("list"), "name": text("name of list"), "contact_count": 1}),
        ("segments", {"id": text("segment"), "name": text("name of segment"), "contacts_count": 1}),
        (
            "single_sends",
            {"id": text("singlesend_id"), "name": text("name of single send"), "status": "triggered"},
        ),
        ("campaigns", {"id": text("singlesend_id"), "name": text("name of single send")}),
        ("templates", {"id": text("template_id"), "name": text("name of template")}),
        ("spam_reports", {"email": email, "created": 1767600000}),
        ("unsubscribe_group_members", {"group_id": 7, "email": email, "created_at": 1767600000}),
    )
    for table, record in objects:
        store_object(conn, table, record)
    raw = SOURCE.raw_schema
    contact = bounded(text("contact"))
    conn.execute(
        f"insert into {raw}.recipients (id, email, first_seen_at, synced_at) values (%s, %s, now(), now())".encode(),
        [contact, email],
    )
    for group in ("list", "segment"):
        conn.execute(
            f"insert into {raw}.{group}_members ({group}_id, contact_id, valid_from) values (%s, %s, '2026-01-04')".encode(),
            [bounded(text(group)), contact],
        )
    conn.commit()


def _oid(conn: psycopg.Connection, relation: str) -> object:
    row = conn.execute("select to_regclass(%s)::oid", [relation]).fetchone()
    conn.rollback()
    return row


def test_project_builds_with_all_its_tests(history: History) -> None:
    """Models and data tests; unit tests of every classification, rate and odd input."""
    assert "ERROR=0" in history.first_build
    assert "WARN=0" in history.first_build
    unit_tests = dbt(history.url, history.artifacts, "test", "--select", "test_type:unit")
    assert unit_tests.count("START unit_test") >= 40


def test_following_load_by_load_equals_a_full_rebuild(history: History) -> None:
    """Late and unordered events, a killed update, a new day, a rename: the same rows as from nothing."""
    assert history.followed == history.after_full_refresh


def test_time_alone_changes_what_a_full_rebuild_would(history: History) -> None:
    assert history.after_quiet_months == history.after_full_refresh_then
    assert history.after_quiet_months != history.after_full_refresh


def test_an_upgrade_adds_a_column_and_indexes_to_what_is_there(history: History) -> None:
    """What followed before the log knew the column builds itself anew; loads that are looked at again fill it."""
    assert history.after_an_upgrade == history.after_full_refresh_then
    indexes = history.values(
        "select count(*) from pg_index where indrelid = 'sendgrid_marts.fct_email_messages'::regclass "
        "and indpred is not null"
    )
    assert indexes == [(2,)]


def test_the_same_loads_again_change_nothing(history: History) -> None:
    """Every load looked at a second time (SENDGRID_LOADED_AFTER)."""
    assert history.after_the_same_loads_again == history.followed


def test_windows_rebuilt_twice_and_at_once_change_nothing(history: History) -> None:
    """Two overlapping backfills by two dbt processes at the same time."""
    assert history.after_two_windows_at_once == history.followed


def test_full_refresh_takes_no_view_away(history: History) -> None:
    """Views stand only on tables that are never swapped (dbt-core #2185)."""
    assert history.recipients_view_survived
    swapped = history.values(
        """
        select distinct dependent.relname, base.relname
        from pg_depend
        inner join pg_rewrite on pg_depend.objid = pg_rewrite.oid
        inner join pg_class as dependent on pg_rewrite.ev_class = dependent.oid
        inner join pg_namespace as of_dependent on dependent.relnamespace = of_dependent.oid
        inner join pg_class as base on pg_depend.refobjid = base.oid and base.oid <> dependent.oid
        inner join pg_namespace as of_base on base.relnamespace = of_base.oid
        where of_dependent.nspname = 'sendgrid' and of_base.nspname in ('sendgrid', 'sendgrid_marts')
        """
    )
    assert swapped == [("recipients", "mart_recipient_engagement")]


def test_activity_is_the_union_of_all_event_tables(history: History) -> None:
    """S22, S26: every event in `activity` and in exactly one event table, unknown types too."""
    parts = " union all ".join(f"select event_key from sendgrid.{table}" for table in EVENT_TABLES)
    [(whole, distinct)] = history.values("select count(*), count(distinct event_key) from sendgrid.activity")
    [(in_parts, distinct_in_parts)] = history.values(
        f"select count(*), count(distinct event_key) from ({parts}) as parts"
    )
    [(raw,)] = history.values("select count(*) from sendgrid_raw.events")
    assert whole == distinct == in_parts == distinct_in_parts == raw
    assert history.values("select count(*) > 0 from sendgrid.other_event where event = 'hologram'") == [
        (True,)
    ]


def test_every_column_of_activity_can_be_read(history: History) -> None:
    """Custom args that fit no type among them (test_casts.py knows what they come to)."""
    [(rows, of_a_type)] = history.values(
        "select count(*), count(arg_integer) from (select * from sendgrid.activity) as everything"
    )
    assert rows > of_a_type > 0  # type: ignore[operator]


def test_values_of_any_length_stop_no_build(history: History) -> None:
    """No index holds a text without bounds: each met a long one, within the third update and in every one after it."""
    with psycopg.connect(history.url) as conn:
        found = long_values.indexed_texts(
            conn, SOURCE.raw_schema, SOURCE.marts_schema, f"{SOURCE.schema_}_staging"
        )
        others = {table for schema, table, _ in found if schema == SOURCE.raw_schema} - OBJECTS.keys()
        assert others == {"events", *NAMED_BY_US}
        met = {
            (table, column): long_values.longest(conn, schema, table, column)
            for schema, table, column in found
            if schema != SOURCE.raw_schema or table == "events"
        }
        assert met.keys() >= {("mart_link_performance", "link_url"), ("fct_email_messages", "recipient_key")}
        assert met.keys() > CLOSED_VOCABULARIES
        most = LONGEST_BYTES + len("single_send:")
        assert {key: size for key, size in met.items() if size > most} == {("events", "sg_message_id"): ANY}
        unmet = {key: size for key, size in met.items() if key not in CLOSED_VOCABULARIES and size < 80}
        assert unmet == {}, "feed it a long text, or name it a closed vocabulary"
        conn.execute("set enable_seqscan = off")
        for schema, table, column in found:
            leads = conn.execute(LEADING, [f"{schema}.{table}", column]).fetchone()
            if leads is not None:
                query = f'explain select * from {schema}.{table} where "{column}" = {"%s"}'
                plan = "".join(line for (line,) in conn.execute(query.encode(), ["x"]))
                assert "Index Cond" in plan, (table, column, plan)


def test_values_of_any_length_are_kept(history: History) -> None:
    """Whole in the events; cut alike wherever they name something, so that what belongs together is joined."""
    text, email = long_values.event_text, long_values.email("singlesend_id")
    link = long_values.link()
    with psycopg.connect(history.url) as conn:

        def one(query: str, *values: object) -> tuple[object, ...]:
            (row,) = conn.execute(query.encode(), values).fetchall()
            return row

        whole = one(
            "select distinct url, useragent, email, singlesend_id from sendgrid.click where email = %s", email
        )
        assert whole == (link, text("useragent"), email, text("singlesend_id"))
        assert one("select count(*) from sendgrid_marts.fct_email_clicks where url = %s", link) == (7,)
        performance = (
            "select campaign_key, total_clicks from sendgrid_marts.mart_link_performance where link_url = %s"
        )
        clicks = conn.execute(performance.encode(), [bounded(link)]).fetchall()
        assert len(clicks) == 6
        sent_to = f"single_send:{bounded(text('singlesend_id'))}"
        assert (sent_to, 2) in clicks
        assert one(
            "select campaign_name, is_deleted from sendgrid_marts.dim_campaigns where campaign_key = %s",
            sent_to,
        ) == (text("name of single send"), False)
        assert one(
            "select is_contact, email, suppressions from sendgrid_marts.dim_recipients where recipient_key = %s",
            bounded(email),
        ) == (True, email, "bounce,group_unsubscribe,spam_report")
        assert one(
            "select template_name from sendgrid_marts.dim_campaigns where template_key = %s",
            bounded(text("template_id")),
        ) == (text("name of template"),)


def test_each_event_type_has_its_table(history: History) -> None:
    """S24, S28 to S40: SendGrid's `open` in `_open`, its `spamreport` in `spam_report`, and so on."""
    for table in EVENT_TABLES[:-2]:
        event = {"_open": "open", "spam_report": "spamreport"}.get(table, table)
        rows = history.values(f"select event, count(*) from sendgrid.{table} group by event")
        assert [name for name, _ in rows] == [event], table


def test_recipients_know_their_last_activity(history: History) -> None:
    """S43: where SendGrid's export lacks it, our own events say when a contact was last emailed and last opened."""
    [(with_mail, last_emailed, last_opened)] = history.values(
        "select count(last_emailed), max(last_emailed)::date::text, count(last_opened) from sendgrid.recipients"
    )
    assert with_mail and last_opened
    assert str(last_emailed) == "2026-01-12"


def test_activity_drives_funnels(history: History) -> None:
    """S27: delivered, then opened, then clicked, by message."""
    [(delivered, opened, clicked)] = history.values(
        """
        with stages as (
            select
                message_key,
                bool_or(event = 'delivered') as delivered,
                bool_or(event = 'open') as opened,
                bool_or(event = 'click') as clicked
            from sendgrid.activity
            where message_key is not null
            group by message_key
        )
        select
            count(*) filter (where delivered),
            count(*) filter (where delivered and opened),
            count(*) filter (where delivered and opened and clicked)
        from stages
        """
    )
    assert delivered > opened > clicked > 0  # type: ignore[operator]


def test_mail_through_the_api_bears_the_name_of_its_template(history: History) -> None:
    """Not that of the version, which every event carries and nobody wrote; and the present one, after a rename."""
    expected = [("template:d-tx2", "Receipt"), ("template:d-tx6", "Password reset")]
    for table in ("sendgrid.activity", "sendgrid.delivered", "sendgrid_marts.dim_campaigns"):
        query = f"select distinct campaign_key, campaign_name from {table} where campaign_key like 'template:d-%' order by 1"
        assert history.values(query) == expected
    versions = (
        "select distinct template_version_name from sendgrid_marts.{} where campaign_key like 'template:d-%'"
    )
    for table in ("dim_campaigns", "fct_email_messages"):
        assert history.values(versions.format(table)) == [("Untitled Version",)]
    plan = history.values("explain select campaign_key from sendgrid.activity")
    assert "templates" not in str(plan)


def test_a_late_bounce_finds_its_message(history: History) -> None:
    """Peers #8: asynchronous bounces carry no message id; by SMTP id, else by recipient and time."""
    found = dict(
        history.values(
            "select bounce_matched_by, count(*) from sendgrid_marts.fct_email_messages "
            "where bounce_matched_by is not null group by 1"
        )
    )
    assert set(found) == {"message_id", "smtp_id", "recipient_and_time"}


def test_marts_agree_with_each_other(history: History) -> None:
    """One message, counted by day, campaign, domain and address: the same totals everywhere."""
    totals = {
        mart: history.values(
            f"select sum(sent), sum(delivered), sum(opened_human), sum(clicked_human) from sendgrid_marts.{mart}"
        )
        for mart in (
            "mart_email_overview_daily",
            "mart_campaign_performance",
            "mart_template_performance",
            "mart_domain_deliverability_daily",
            "mart_provider_deliverability_daily",
            "mart_ip_pool_deliverability_daily",
            "mart_send_time_heatmap",
        )
    }
    assert len({str(total) for total in totals.values()}) == 1, totals
    assert all(value for value in totals["mart_email_overview_daily"][0])
