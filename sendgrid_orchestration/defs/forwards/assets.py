"""One asset for each forward of a source: the posts that its consumer acknowledged."""

from collections.abc import Iterator
from time import monotonic
from typing import Any

import dagster as dg

from sendgrid_orchestration.defs.destinations.assets import PATIENCE_SECONDS, STAY_SECONDS, state_of
from sendgrid_orchestration.defs.forwards.checks import check_results, check_specs
from sendgrid_orchestration.defs.resources import Landing, Warehouse
from sendgrid_orchestration.destinations.errors import DestinationError, ForwardStoppedError
from sendgrid_orchestration.destinations.forward_ledger import ForwardLedger
from sendgrid_orchestration.destinations.forwarder import Forwarded, forward_while_loads_come
from sendgrid_orchestration.receiver.access import base_url
from sendgrid_orchestration.settings import Forward, Settings, SettingsError, Source
from sendgrid_orchestration.warehouse.engine import connect


def asset_key(source: Source, forward: Forward) -> dg.AssetKey:
    """Its key."""
    return dg.AssetKey([source.name, "forward", forward.name])


def forward_asset(source: Source, forward: Forward, settings: Settings) -> dg.AssetsDefinition:
    """The asset of one forward."""
    key, state = asset_key(source, forward), state_of(forward)

    @dg.asset(
        key=key,
        deps=[dg.AssetKey([source.name, "raw", "events"])],
        group_name=f"{source.name}_destinations",
        kinds={"webhook", "python"},
        owners=list(settings.owners),
        tags={"sendgrid/forward": state},
        description=f"The posts that went on as they came, in order of receipt, to a consumer of SendGrid's webhook; {state} in the "
        "settings.",
        metadata={"dagster/table_name": f"{source.raw_schema}.forwards"},
        check_specs=check_specs(key),
        pool=f"{source.name}_forward_{forward.name}",
    )
    def send_on(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        landing: dg.ResourceParam[Landing],
    ) -> Iterator[dg.MaterializeResult[None]]:
        began = monotonic()
        url = warehouse.prepare(source)
        try:
            done = forward_while_loads_come(
                url,
                landing.store(),
                source,
                forward.name,
                receiver_url=base_url(settings),
                patience=PATIENCE_SECONDS,
                at_most=STAY_SECONDS,
            )
        except ForwardStoppedError as error:
            raise dg.Failure(
                str(error), metadata=metadata(error.done, monotonic() - began), allow_retries=False
            ) from error
        except (DestinationError, SettingsError) as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        context.log.info("%s", done)
        with connect(url) as conn:
            ledger = ForwardLedger(conn, source.raw_schema, forward.name)
            yield dg.MaterializeResult(
                asset_key=key,
                metadata=metadata(done, monotonic() - began),
                check_results=list(check_results(key, ledger)),
            )

    return send_on


def metadata(done: Forwarded, seconds: float) -> dict[str, Any]:
    """Numbers, which Dagster plots over time."""
    return {
        "posts acknowledged": done.posts,
        "megabytes": round(done.bytes / 1e6, 3),
        "posts rejected": done.rejected,
        "posts lost": done.lost,
        "posts from before the start": done.skipped,
        "landed files": done.files,
        "requests": done.calls,
        "posts per second": round(done.posts / seconds, 1) if seconds else 0.0,
        "lag in seconds": round(done.lag, 1),
        "seconds of sending": round(seconds, 3),
    }
