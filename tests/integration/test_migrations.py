"""The tables of a source come into being and are upgraded, however often and by however many at once."""

from __future__ import annotations

import threading
from datetime import date
from importlib.resources import files

import psycopg
import pytest
from pydantic import SecretStr

from sendgrid_orchestration.load.rows import COLUMNS
from sendgrid_orchestration.sendgrid.events import Occurs
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.warehouse import reader
from sendgrid_orchestration.warehouse.engine import connect
from sendgrid_orchestration.warehouse.errors import MigrationError
from sendgrid_orchestration.warehouse.events import ensure_partitions, partition_name
from sendgrid_orchestration.warehouse.migrations import migrate

SOURCE = Source.model_validate({"name": "sendgrid"})


def test_migration_may_be_repeated_and_run_by_many_at_once(warehouse_url: str) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with connect(warehouse_url) as conn:
                migrate(conn, SOURCE, reader_role="sendgrid_reader")
                ensure_partitions(conn, "sendgrid_raw", [date(2024, 5, 5), date(2024, 6, 1)])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run()
    assert errors == []
    with connect(warehouse_url) as conn:
        schemas = {name for (name,) in conn.execute("select nspname from pg_namespace")}
        versions = conn.execute("select version from sendgrid_raw.schema_version order by version").fetchall()
    assert {"sendgrid", "sendgrid_raw", "sendgrid_staging", "sendgrid_marts"} <= schemas
    migrations = list((files("sendgrid_orchestration.warehouse") / "sql" / "migrations").iterdir())
    assert [version for (version,) in versions] == list(range(1, len(migrations) + 1))


def test_every_column_of_a_row_is_a_column_of_the_table(warehouse_url: str) -> None:
    with connect(warehouse_url) as conn:
        migrate(conn, SOURCE)
        columns = conn.execute(
            "select attname from pg_attribute where attrelid = 'sendgrid_raw.events'::regclass and attnum > 0"
        ).fetchall()
    assert sorted(COLUMNS[Occurs.SELDOM]) == sorted(name for (name,) in columns)


def test_every_column_of_events_says_what_it_means(warehouse_url: str) -> None:
    with connect(warehouse_url) as conn:
        migrate(conn, SOURCE)
        silent = conn.execute("""
            select attname
            from pg_attribute
            where
                attrelid = 'sendgrid_raw.events'::regclass
                and attnum > 0
                and col_description(attrelid, attnum) is null
        """).fetchall()
    assert silent == []


def test_program_that_is_too_old_says_so(warehouse_url: str) -> None:
    with connect(warehouse_url) as conn:
        migrate(conn, SOURCE)
        conn.execute("insert into sendgrid_raw.schema_version (version, name) values (999, 'future')")
        with pytest.raises(MigrationError, match="version 999"):
            migrate(conn, SOURCE)


def test_partitions_are_created_once_each_and_lock_no_reader_out(warehouse_url: str) -> None:
    with connect(warehouse_url) as conn:
        migrate(conn, SOURCE)
        conn.commit()
        with connect(warehouse_url) as other:
            other.execute("select count(*) from sendgrid_raw.events")  # its transaction stays open
            conn.execute("set lock_timeout = '2s'")
            days = [date(2024, 12, 31), date(2024, 12, 1), date(2025, 1, 1)]
            assert ensure_partitions(conn, "sendgrid_raw", days) == [date(2024, 12, 1), date(2025, 1, 1)]
            assert ensure_partitions(conn, "sendgrid_raw", days) == []
        assert partition_name(date(2024, 12, 1)) == "events_2024_12"


def typed(kind: str) -> Source:
    return Source.model_validate({"name": "sendgrid", "custom_args": {"customer_id": kind}})


def test_type_of_a_custom_arg_can_change_and_views_follow(warehouse_url: str) -> None:
    with connect(warehouse_url) as conn:
        migrate(conn, SOURCE)
        ensure_partitions(conn, "sendgrid_raw", [date(2024, 6, 1)])
        migrate(conn, typed("text"), reader_role="sendgrid_reader")
        ensure_partitions(conn, "sendgrid_raw", [date(2024, 7, 1)])
        conn.execute("""
            create view sendgrid.activity with (security_barrier) as
            select event, arg_customer_id as "customer's id" from sendgrid_raw.events;
            create view sendgrid.mine as select a."customer's id", b.event from sendgrid.activity a, sendgrid.activity b;
            create view sendgrid_marts.unconcerned as select event from sendgrid_raw.events;
            comment on view sendgrid.mine is 'it''s mine';
            comment on column sendgrid.mine.event is '100% mine';
            grant select on sendgrid.mine to public;
        """)
        described = """
            select relname, reloptions, relacl::text, relowner, obj_description(c.oid, 'pg_class'), attname,
                col_description(c.oid, attnum), pg_get_viewdef(c.oid)
            from pg_class as c inner join pg_attribute on attrelid = c.oid
            where relkind = 'v' and relnamespace::regnamespace::text in ('sendgrid', 'sendgrid_marts')
            order by relname, attnum
        """
        before = conn.execute(described).fetchall()
        migrate(conn, typed("integer"))
        assert conn.execute(described).fetchall() == before
        kinds = "select atttypid::regtype::text from pg_attribute where attrelid = 'sendgrid.mine'::regclass and attnum > 0"
        assert conn.execute(kinds).fetchall() == [("bigint",), ("text",)]


@pytest.mark.parametrize(
    "dependent",
    [
        "create materialized view sendgrid.kept as select arg_customer_id from sendgrid_raw.events",
        "create view sendgrid.kept as select upper(arg_customer_id) from sendgrid_raw.events",
    ],
)
def test_what_cannot_follow_a_custom_arg_to_another_type_is_named(warehouse_url: str, dependent: str) -> None:
    with connect(warehouse_url) as conn:
        migrate(conn, typed("text"))
        conn.execute(dependent.encode())
        conn.commit()
        with pytest.raises(MigrationError, match=r"sendgrid\.kept"):
            migrate(conn, typed("integer"))
        conn.rollback()
        assert conn.execute("select count(*) from sendgrid.kept").fetchone() == (0,)


def test_custom_arg_of_an_older_definition_is_defined_anew(warehouse_url: str) -> None:
    """As version 0.1.0 left it: no comment, and a class that matches other spaces than the cast knows."""
    with connect(warehouse_url) as conn:
        migrate(conn, SOURCE)
        conn.execute("""
            alter table sendgrid_raw.events add column arg_customer_id bigint generated always as (
                case when custom_args ->> 'customer_id' ~ '^\\s*[0-9]+$' then (custom_args ->> 'customer_id')::bigint end
            ) stored;
            create view sendgrid.activity as select arg_customer_id from sendgrid_raw.events;
        """)
        migrate(conn, typed("integer"))
        ensure_partitions(conn, "sendgrid_raw", [date(2024, 6, 1)])
        conn.execute("""
            insert into sendgrid_raw.events (event_at, event_key, received_at, load_id, event_date, is_copy, event, custom_args)
            values ('2024-06-01', gen_random_uuid(), now(), 1, '2024-06-01', false, 'open', '{"customer_id": "\u20037"}')
        """)
        assert conn.execute("select * from sendgrid.activity").fetchall() == [(None,)]


def test_reader_reads_collections_and_marts_and_nothing_else(warehouse_url: str) -> None:
    """The login of the dashboards: it sees no raw table, and changes nothing."""
    with connect(warehouse_url) as conn:
        migrate(conn, SOURCE, reader_role="sendgrid_reader")
        reader.set_password(conn, "sendgrid_reader", SecretStr("it's secret"))
        conn.execute("create view sendgrid.activity as select event from sendgrid_raw.events")
        conn.execute("create table sendgrid_marts.later (day date)")
        conn.commit()
        where = {"host": conn.info.host, "port": conn.info.port, "dbname": conn.info.dbname}
    with psycopg.connect(**where, user="sendgrid_reader", password="it's secret", autocommit=True) as conn:
        conn.execute("select * from sendgrid.activity")
        conn.execute("select * from sendgrid_marts.later")
        for forbidden in (
            "select * from sendgrid_raw.events",
            "insert into sendgrid_marts.later values ('2024-06-01')",
            "create table sendgrid_marts.mine (day date)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(forbidden)


def test_user_without_the_right_to_create_roles_is_told_and_goes_on(
    warehouse_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(warehouse_url) as conn:
        migrate(conn, SOURCE)
        conn.execute("create role plain_user")
        conn.execute("grant all on schema sendgrid_raw, sendgrid, sendgrid_marts to plain_user")
        conn.execute("set role plain_user")
        assert reader.grant(conn, SOURCE, "somebody_new") is False
        assert "somebody_new" in caplog.text
        conn.execute("reset role")
        conn.rollback()
