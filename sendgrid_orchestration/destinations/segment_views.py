"""The events as Segment's warehouses hold them: `tracks` and a table per event name, as views in a schema of their own.

SQL that was written for Segment's Marketing Campaigns source runs on them unchanged. They are made from the mapping that
messages are made from, so what is sent and what is queried cannot differ.

Source: Segment's warehouse schema: names joined by underscores, arrays as text, an underscore before names that are taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import psycopg
from psycopg import sql

from sendgrid_orchestration.destinations import mapping
from sendgrid_orchestration.destinations.segment import LIBRARY
from sendgrid_orchestration.settings import Source

TRACKS = "tracks"

_TAKEN = frozenset(
    {"id", "event", "event_text", "anonymous_id", "user_id", "timestamp", "received_at", "sent_at"}
)
"""Columns of every table, which a property of the same name must not hide."""


def create_views(conn: psycopg.Connection, source: Source) -> bool:
    """Create the views, or replace them if this program defines them otherwise than the one that made them.

    Args:
        conn: a connection; the caller commits.
        source: whose events.

    Returns:
        Whether anything was done.
    """
    schema = source.segment_schema
    statements = [statement.as_string(conn) for statement in _statements(source.raw_schema, schema)]
    fingerprint = hashlib.sha256("".join(statements).encode()).hexdigest()[:16]
    comment = f"The events as Segment's warehouses hold them ({fingerprint})."
    row = conn.execute(
        "select obj_description(to_regnamespace(%s)::oid, 'pg_namespace')", [schema]
    ).fetchone()
    if row == (comment,):
        return False
    with conn.transaction():
        conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"migrate {source.schema_}"])
        for statement in statements:
            conn.execute(statement.encode())
        conn.execute(
            sql.SQL("comment on schema {} is {}").format(sql.Identifier(schema), sql.Literal(comment))
        )
    return True


def _statements(raw: str, schema: str) -> Iterator[sql.Composed]:
    promised = [track for track in mapping.TRACK_NAMES if not track.opt_in]
    properties = [
        (f"_{item.segment}" if item.segment in _TAKEN else str(item.segment), _as_column(item))
        for item in mapping.PROPERTIES
        if item.segment
    ]
    for name, tracks, own in (
        (TRACKS, promised, []),
        *((track.table, [track], properties) for track in promised),
    ):
        view = sql.Identifier(schema, name)
        # Dropped and not replaced: a view cannot lose a column otherwise.
        yield sql.SQL("drop view if exists {}").format(view)
        yield sql.SQL("create view {} as {}").format(view, _select(raw, tracks, own))
        what = "every Track name" if name == TRACKS else f'"{tracks[0].name}"'
        yield sql.SQL("comment on view {} is {}").format(view, sql.Literal(f"One row per event of {what}."))


def _select(
    raw: str, tracks: list[mapping.TrackName], properties: list[tuple[str, sql.Composable]]
) -> sql.Composed:
    columns: list[tuple[str, sql.Composable]] = [
        ("id", sql.SQL("event.event_key::text")),
        ("anonymous_id", sql.SQL(mapping.ANONYMOUS_ID)),
        ("user_id", sql.SQL("null::text")),
        ("event", _by_choice({track.choice: track.table for track in tracks})),
        ("event_text", _by_choice({track.choice: track.name for track in tracks})),
        ("timestamp", sql.SQL("event.event_at")),
        ("original_timestamp", sql.SQL("event.event_at")),
        ("received_at", sql.SQL("event.received_at")),
        ("sent_at", sql.SQL("event.received_at")),
        ("uuid_ts", sql.SQL("event.received_at")),
        ("context_library_name", sql.Literal(LIBRARY["name"])),
        ("context_library_version", sql.Literal(LIBRARY["version"])),
        ("context_traits_email", sql.SQL(mapping.EMAIL)),
        ("context_traits_ip", sql.SQL(mapping.IP)),
        ("context_traits_user_agent", sql.SQL(mapping.USER_AGENT)),
        *properties,
    ]
    return sql.SQL("""
        select {columns}
        from {relations}
        where
            {choice} in ({choices})
            and {email} is not null
            and not event.is_copy
            and not {is_test_post}
    """).format(
        columns=sql.SQL(", ").join(
            sql.SQL("{} as {}").format(expression, sql.Identifier(column)) for column, expression in columns
        ),
        relations=sql.SQL(mapping.RELATIONS).format(raw=sql.Identifier(raw)),
        choice=sql.SQL(mapping.CHOICE),
        choices=sql.SQL(", ").join(sql.Literal(track.choice) for track in tracks),
        email=sql.SQL(mapping.EMAIL),
        is_test_post=sql.SQL(mapping.IS_TEST_POST),
    )


def _by_choice(names: dict[str, str]) -> sql.Composed:
    whens = sql.SQL(" ").join(
        sql.SQL("when {} then {}").format(sql.Literal(choice), sql.Literal(name))
        for choice, name in names.items()
    )
    return sql.SQL("case {} {} end").format(sql.SQL(mapping.CHOICE), whens)


def _as_column(item: mapping.Property) -> sql.Composable:
    expression = sql.SQL(item.expression)
    return sql.SQL("to_json({})::text").format(expression) if item.is_list else expression
