"""One asset for each destination of a source: what it was sent, by the day on which events happened."""

from collections.abc import Iterator
from time import monotonic
from typing import Any

import dagster as dg
from pydantic import Field

from sendgrid_orchestration.defs.destinations.checks import check_results, check_specs
from sendgrid_orchestration.defs.partitions import daily, days_of
from sendgrid_orchestration.defs.resources import Warehouse
from sendgrid_orchestration.destinations.deliverer import Delivery, backfill, deliver_while_loads_come
from sendgrid_orchestration.destinations.errors import (
    ConfirmationNeededError,
    DeliveryStoppedError,
    DestinationError,
)
from sendgrid_orchestration.destinations.ledger import Ledger
from sendgrid_orchestration.settings import Destination, Forward, Settings, SettingsError, Source
from sendgrid_orchestration.warehouse.engine import connect

STAY_SECONDS = 110.0
PATIENCE_SECONDS = 5.0
"""A run stays while loads keep coming: starting the next one costs three seconds of processor time."""


class Send(dg.Config):
    """What a run sends."""

    backfill: bool = Field(
        default=True,
        description="Send the events of the chosen days that were never sent, and not only what was loaded lately.",
    )
    again: bool = Field(default=False, description="Of the chosen days send also what was sent before.")
    may_double: bool = Field(
        default=False,
        description="Send even what the destination may have and would not recognise any more. Without this the run fails and "
        "says how many events that concerns.",
    )


def asset_key(source: Source, destination: Destination) -> dg.AssetKey:
    """Its key."""
    return dg.AssetKey([source.name, "destinations", destination.name])


def op_name(source: Source, destination: Destination) -> str:
    """The step that sends."""
    return f"{source.name}__destinations__{destination.name}"


def state_of(configured: Destination | Forward) -> str:
    """What the settings say of it: enabled, paused or disabled."""
    if not configured.enabled:
        return "disabled"
    return "paused" if configured.paused else "enabled"


def destination_asset(source: Source, destination: Destination, settings: Settings) -> dg.AssetsDefinition:
    """The asset of one destination."""
    key = asset_key(source, destination)
    name, state = destination.name, state_of(destination)

    # One asset, and yet `multi_asset`: with `asset` the backfill policy is still a beta that warns in every process.
    @dg.multi_asset(
        name=op_name(source, destination),
        specs=[
            dg.AssetSpec(
                key,
                deps=[dg.AssetKey([source.name, "raw", "events"])],
                group_name=f"{source.name}_destinations",
                kinds={destination.kind, "python"},
                owners=list(settings.owners),
                tags={"sendgrid/destination": state},
                description=f"What was sent on to {destination.kind}, by the day on which events happened; "
                f"{state} in the settings. Materializing a day sends its events that were never sent.",
                metadata={"dagster/table_name": f"{source.raw_schema}.delivery_batches"},
                partitions_def=daily(settings.schedules.first_day),
            )
        ],
        check_specs=check_specs(key),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=f"{source.name}_to_{name}",
    )
    def send(
        context: dg.AssetExecutionContext, config: Send, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.MaterializeResult[None]]:
        began = monotonic()
        url, run = warehouse.prepare(source), context.run.run_id
        days = days_of(context) if config.backfill else None
        try:
            if days is None:
                done = deliver_while_loads_come(
                    url, source, name, run_id=run, patience=PATIENCE_SECONDS, at_most=STAY_SECONDS
                )
            else:
                done = backfill(
                    url, source, name, *days, again=config.again, confirmed=config.may_double, run_id=run
                )
        except DeliveryStoppedError as error:
            raise dg.Failure(
                str(error), metadata=metadata(error.delivery, monotonic() - began), allow_retries=False
            ) from error
        except (ConfirmationNeededError, DestinationError, SettingsError) as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        context.log.info("%s", done)
        with connect(url) as conn:
            ledger = Ledger(conn, source.raw_schema, name)
            yield dg.MaterializeResult(
                asset_key=key,
                metadata=metadata(done, monotonic() - began),
                check_results=list(check_results(key, ledger, done)),
            )

    return send


def metadata(done: Delivery, seconds: float) -> dict[str, Any]:
    """Numbers, which Dagster plots over time."""
    return {
        "events read": done.events,
        "skipped": done.skipped,
        "sent": done.sent,
        "accepted": done.accepted,
        "rejected": done.rejected,
        "not sent because invalid": done.invalid,
        "delayed by a limit": done.delayed,
        "unknown": done.unknown,
        "not sent": done.unsent,
        "unknown for longer than ids are recognised": done.waits_for_a_person,
        "requests": done.calls,
        "events per second": round(done.sent / seconds, 1) if seconds else 0.0,
        "lag in seconds": round(done.lag, 1),
        "seconds of sending": round(seconds, 3),
    }
