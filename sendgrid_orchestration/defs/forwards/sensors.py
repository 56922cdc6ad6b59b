"""Forwards follow loads: asks the ledger what waits, and requests one run for each forward that has something."""

from collections.abc import Iterator, Sequence

import dagster as dg

from sendgrid_orchestration.defs.destinations.assets import state_of
from sendgrid_orchestration.defs.forwards.jobs import job_name
from sendgrid_orchestration.defs.resources import Warehouse
from sendgrid_orchestration.defs.runs import Recent
from sendgrid_orchestration.destinations.forward_ledger import (
    ForwardLedger,
    Waiting,
    disable_others,
    is_migrated,
)
from sendgrid_orchestration.settings import Forward, Schedules, Source
from sendgrid_orchestration.warehouse.engine import connect


def forwards_sensor(source: Source, schedules: Schedules, jobs: Sequence[object]) -> dg.SensorDefinition:
    """The sensor of one source, for all its forwards.

    Args:
        source: whose.
        schedules: how often to ask.
        jobs: those of the forwards.
    """

    @dg.sensor(
        name=f"{source.name}_forwards_follow_loads",
        jobs=list(jobs),  # type: ignore[arg-type]
        minimum_interval_seconds=schedules.destinations_poll_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests a run for each forward that something waits for; none while nothing does.",
    )
    def forwards_follow_loads(
        context: dg.SensorEvaluationContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        with connect(warehouse.url()) as conn:
            if not is_migrated(conn, source.raw_schema):
                yield dg.SkipReason("Nothing was ever loaded.")
                return
            disable_others(conn, source.raw_schema, [one.name for one in source.forward if one.enabled])
            waiting: list[tuple[Forward, Waiting]] = []
            for forward in source.forward:
                ledger = ForwardLedger(conn, source.raw_schema, forward.name)
                if forward.enabled:
                    ledger.enable(forward)
                waiting.append((forward, ledger.waiting()))
        idle = []
        requested = False
        for forward, found in waiting:
            recent = Recent.of(context.instance, job_name(source, forward))
            if state_of(forward) != "enabled":
                idle.append(f"{forward.name} is {state_of(forward)}.")
            elif not found.files:
                idle.append(f"{forward.name} has everything.")
            elif reason := recent.reason_to_wait():
                idle.append(f"{forward.name}: {reason}")
            else:
                requested = True
                yield dg.RunRequest(
                    run_key=f"{forward.name}:{found.last_load}:{found.files}:{recent.attempt}",
                    job_name=job_name(source, forward),
                    tags={"sendgrid/forward": forward.name},
                )
        if not requested:
            yield dg.SkipReason(" ".join(idle))

    return forwards_follow_loads
