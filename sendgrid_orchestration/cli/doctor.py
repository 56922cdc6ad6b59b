"""`doctor`: everything that a person can get wrong, checked in one go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import psycopg
import typer
from rich.text import Text

from sendgrid_orchestration.cli.membership_time import memberships
from sendgrid_orchestration.cli.tables import print_table
from sendgrid_orchestration.doctor import Check, run_checks
from sendgrid_orchestration.health.records import last_syncs
from sendgrid_orchestration.settings import Settings, load_settings
from sendgrid_orchestration.warehouse.engine import connect, resolve_urls
from sendgrid_orchestration.warehouse.errors import EmbeddedPostgresError, WarehouseUnreachableError

LONGEST_SILENCE = 120.0
"""Seconds: every daemon gives a sign twice a minute."""

NEEDED = ("SENSOR", "SCHEDULER", "QUEUED_RUN_COORDINATOR", "BACKFILL")
"""Without these nothing runs by itself."""

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
_START_IT = "Start `dagster-daemon run` with DAGSTER_HOME set to this folder, or `dagster dev`."


def doctor() -> None:
    """Check settings, keys, regions, webhooks, landing, warehouse and Dagster's daemons; say what to do about each.

    The exit code is 1 if anything is wrong that keeps data from arriving.
    """
    settings = load_settings()
    checks = run_checks(settings, [partial(probe, settings) for probe in (daemons, syncs, memberships)])
    print_table(
        ("", "check", "of", "finding", "what to do"),
        (
            (
                Text(check.status, _COLOURS[check.status]),
                check.name,
                check.subject,
                check.finding,
                check.remedy,
            )
            for check in checks
        ),
    )
    if any(check.status == "fail" for check in checks):
        raise typer.Exit(1)


def daemons(settings: Settings) -> Iterator[Check]:
    """Whether Dagster's daemons gave a sign lately; from their own table, without starting Dagster."""
    try:
        with connect(resolve_urls(settings).dagster.get_secret_value()) as conn:
            ages = dict(
                conn.execute(
                    "select daemon_type, extract(epoch from (now() at time zone 'UTC') - timestamp)::float8 "
                    "from daemon_heartbeats"
                ).fetchall()
            )
    except psycopg.errors.UndefinedTable:
        ages = {}
    except (WarehouseUnreachableError, EmbeddedPostgresError) as error:
        yield Check("daemons", "Dagster", "fail", str(error), "Check `warehouse.dagster_url`.")
        return
    if not ages:
        yield Check("daemons", "Dagster", "fail", "None of them ever ran here.", _START_IT)
        return
    for name in NEEDED:
        age = ages.get(name)
        words = name.lower().replace("_", " ")
        if age is None:
            yield Check("daemon", words, "fail", "It never ran here.", _START_IT)
        elif age > LONGEST_SILENCE:
            yield Check("daemon", words, "fail", f"Silent for {age / 60:.0f} minutes.", _START_IT)
        else:
            yield Check("daemon", words, "ok", f"Gave a sign {age:.0f} s ago.")


def syncs(settings: Settings) -> Iterator[Check]:
    """Whether every object was synced as often as the schedule asks for."""
    from sendgrid_orchestration.defs.objects.cadence import (  # Dagster takes seconds to import
        longest_interval,
    )

    try:
        with connect(resolve_urls(settings).warehouse.get_secret_value()) as conn:
            found = {source.name: last_syncs(conn, source) for source in settings.sources}
    except (WarehouseUnreachableError, EmbeddedPostgresError):
        return  # the check of the warehouse says so
    for source in settings.sources:
        wanted = [sync for sync in found[source.name] if sync.object not in source.skip_objects]
        late = [
            sync.object
            for sync in wanted
            if datetime.now(UTC) - sync.finished_at > 2 * longest_interval(settings.schedules, sync.object)
        ]
        if late:
            yield Check(
                "sync",
                source.name,
                "fail",
                f"Two syncs in a row are missing of {', '.join(late)}.",
                f"Look at the runs of {source.name}_objects in Dagster, and at its schedule.",
            )
        elif wanted:
            yield Check("sync", source.name, "ok", f"All {len(wanted)} objects were synced in time.")
        else:
            yield Check(
                "sync", source.name, "warn", "Nothing was synced yet.", "Wait for the schedule, or start it."
            )
