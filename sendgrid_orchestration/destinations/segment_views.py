"""The events as Segment's warehouses hold them: `tracks` and a table per event name, as views in a schema of their own.

SQL that was written for Segment's Marketing Campaigns source runs on them unchanged. They are made from the mapping that
messages are made from, so what is sent and what is queried cannot differ.

Source: Segment's warehouse schema: names joined by underscores, arrays as text, an underscore before names that are taken.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator

import psycopg
from psycopg import sql

from sendgrid_orchestration.destinations import mapping
from sendgrid_orchestration.destinations.segment import LIBRARY
from sendgrid_orchestration.settings import Source

logger = logging.getLogger(__name__)

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
    views = [(sql.Identifier(schema, name), query, grain) for name, query, grain in _views(source.raw_schema)]
    definition = sql.Composed([part for view in views for part in view[:2]]).as_string(conn)
    fingerprint = hashlib.sha256(definition.encode()).hexdigest()[:16]
    comment = f"The events as Segment's warehouses hold them ({fingerprint})."
    row = conn.execute(
        "select obj_description(to_regnamespace(%s)::oid, 'pg_namespace')", [schema]
    ).fetchone()
    if row == (comment,):
        return False
    with conn.transaction():
        conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"migrate {source.schema_}"])
        replaced = [_replace(conn, view, query) for view, query, _ in views]
        for view, _, grain in views:
            conn.execute(sql.SQL("comment on view {} is {}").format(view, sql.Literal(grain)))
        if all(replaced):
            statement = sql.SQL("comment on schema {} is {}")
            conn.execute(statement.format(sql.Identifier(schema), sql.Literal(comment)))
    return True


def _replace(conn: psycopg.Connection, view: sql.Identifier, query: sql.Composed) -> bool:
    """Create a view or replace it; False if people's own views stand on it and it would lose a column: loads go on."""
    try:
        with conn.transaction():
            conn.execute(sql.SQL("create or replace view {} as {}").format(view, query))
    except psycopg.errors.InvalidTableDefinition:
        # A view can get columns at its end, and nothing else.
        try:
            with conn.transaction():
                conn.execute(sql.SQL("drop view {}").format(view))
                conn.execute(sql.SQL("create view {} as {}").format(view, query))
        except psycopg.errors.DependentObjectsStillExist:
            logger.warning(
                "The view %s keeps an old definition, because other views stand on it. Drop them, and make them again once "
                "it is replaced by the next run.",
                view.as_string(conn),
            )
            return False
    return True


def _views(raw: str) -> Iterator[tuple[str, sql.Composed, str]]:
    """Name, query and grain of each view."""
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
        what = "every Track name" if name == TRACKS else f'"{tracks[0].name}"'
        yield name, _select(raw, tracks, own), f"One row per event of {what}."


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
