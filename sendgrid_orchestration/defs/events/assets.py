"""The webhook, and the events table that its posts end up in."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from time import monotonic

import dagster as dg
import psycopg
from psycopg import sql
from pydantic import Field

from sendgrid_orchestration.defs.events.checks import check_results, check_specs
from sendgrid_orchestration.defs.events.tally import Tally
from sendgrid_orchestration.defs.partitions import daily, days_of
from sendgrid_orchestration.defs.reporting import add_rows_of_days, report_days, report_views
from sendgrid_orchestration.defs.resources import Landing, Warehouse
from sendgrid_orchestration.defs.tables import RAW_VERSION, column_schema
from sendgrid_orchestration.load import ledger
from sendgrid_orchestration.load.loader import load_waiting
from sendgrid_orchestration.load.replay import replay_days
from sendgrid_orchestration.settings import Settings, Source
from sendgrid_orchestration.warehouse.engine import connect


class Load(dg.Config):
    """What a run loads."""

    reload: bool = Field(
        default=True,
        description="Load the chosen days again from the archive, and not only what waits. Where every row is in "
        "place already this changes nothing.",
    )


def webhook(source: Source, owners: tuple[str, ...]) -> dg.AssetSpec:
    """What SendGrid posts to the receiver; nothing that Dagster could materialize."""
    return dg.AssetSpec(
        [source.name, "webhook"],
        group_name=f"{source.name}_events",
        kinds={"sendgrid"},
        owners=list(owners),
        description="One post per batch of events, as SendGrid's Event Webhook sends them and the receiver lands them.",
    )


def raw_events(
    source: Source, settings: Settings, models: Sequence[dg.AssetSpec] = ()
) -> dg.AssetsDefinition:
    """The events table of one source.

    Args:
        source: whose.
        settings: the first day, limits of the checks, owners.
        models: what dbt builds for this source; a load also reports `activity`.
    """
    key = dg.AssetKey([source.name, "raw", "events"])
    table = f"{source.raw_schema}.events"
    activity = [view for view in models if view.key == dg.AssetKey([source.name, "activity"])]

    # One asset, and yet `multi_asset`: with `asset` the backfill policy is still a beta that warns in every process.
    @dg.multi_asset(
        name=f"{source.name}__raw__events",
        specs=[
            dg.AssetSpec(
                key,
                deps=[dg.AssetKey([source.name, "webhook"])],
                group_name=f"{source.name}_events",
                kinds={"python", "postgres", "table"},
                owners=list(settings.owners),
                description="One row per event that SendGrid posted, by day of receipt; redeliveries are left out. "
                "Materializing a day loads everything that was received on it: what waits, and what is archived.",
                metadata={"dagster/table_name": table},
                code_version=RAW_VERSION,
                partitions_def=daily(settings.schedules.first_day),
            )
        ],
        check_specs=check_specs(key),
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL),
    )
    def events(
        context: dg.AssetExecutionContext,
        config: Load,
        warehouse: dg.ResourceParam[Warehouse],
        landing: dg.ResourceParam[Landing],
    ) -> Iterator[dg.MaterializeResult[None]]:
        began = monotonic()
        days = days_of(context)
        url, store, run = warehouse.prepare(source), landing.store(), context.run.run_id
        loaded = load_waiting(url, store, source, run_id=run)
        replayed = [replay_days(url, store, source, *days, run_id=run)] if config.reload and days else []
        tally = Tally.of([loaded, *replayed])
        context.log.info("%s", tally)
        for result in replayed:
            if result.left_out:
                context.log.warning("%s", result.left_out)
        with connect(url) as conn:
            rows = row_count(conn, source)
            still_damaged = ledger.still_damaged(conn, store, source)
            failed = {file.file_name: str(file) for file in ledger.still_failed(conn, store, source)}
            failed |= {name: sentence for result in replayed for name, sentence in result.failed.items()}
            for sentence in (*(file.problem for file in still_damaged), *failed.values()):
                context.log.error("%s", sentence)
            add_rows_of_days(context, key, by_day := partial(rows_by_day, conn, source))
            yield dg.MaterializeResult(
                asset_key=key,
                metadata={
                    **tally.metadata(monotonic() - began),
                    "dagster/row_count": rows,
                    "dagster/column_schema": column_schema(conn, table),
                },
                check_results=list(
                    check_results(
                        key, tally, still_damaged, failed, settings.checks.largest_quarantine_percent
                    )
                ),
            )
            report_views(context, activity, lambda _: rows)
            if not loaded.remaining_files:  # all that was received on any day is loaded
                report_days(context, key, by_day)

    return events


def row_count(conn: psycopg.Connection, source: Source) -> int:
    """The rows of the events table, from the ledger: exact, and as quick over a year as over a day."""
    query = sql.SQL("select coalesce(sum(inserted), 0) from {}")
    row = conn.execute(query.format(sql.Identifier(source.raw_schema, "loads"))).fetchone()
    assert row is not None
    return int(row[0])


def rows_by_day(conn: psycopg.Connection, source: Source, first: date, last: date) -> dict[date, int]:
    """The rows that each day's posts brought."""
    query = sql.SQL("""
        select (first_received_at at time zone 'UTC')::date as day, sum(inserted)
        from {}
        where first_received_at >= %s and first_received_at < %s
        group by day
    """)
    rows = conn.execute(
        query.format(sql.Identifier(source.raw_schema, "landed_files")), [first, last + timedelta(days=1)]
    )
    return {day: int(number) for day, number in rows}
