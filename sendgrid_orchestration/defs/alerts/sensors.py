"""Two sensors: one hears of runs that fail, the other of checks that fail and of assets that are overdue."""

from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterInstance, EventLogRecord, EventRecordsFilter

from sendgrid_orchestration.alerts import Alert, send
from sendgrid_orchestration.defs.alerts.failing import WATCHED, Failing
from sendgrid_orchestration.defs.runs import Recent, reasons
from sendgrid_orchestration.settings import Alerts

REPEAT_AFTER = timedelta(hours=1)
"""A job that goes on failing is told of again after this long, and not at each attempt."""

EVENTS_PER_TICK = 1000


def failed_runs_sensor(alerts: Alerts) -> dg.SensorDefinition:
    """Tells of a run that failed, unless the one before it did and people know."""

    @dg.run_failure_sensor(
        name="failed_runs_alert",
        monitor_all_code_locations=True,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells the addresses in the settings of a run that failed.",
    )
    def failed_runs(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        if not told_already(context.instance, run):
            why = reasons(context.get_step_failure_events()) or [
                context.failure_event.message or "No reason is given."
            ]
            send(alerts, Alert(f"{run.job_name} failed", "\n".join(why), f"/runs/{run.run_id}"))

    return failed_runs


def told_already(instance: DagsterInstance, run: dg.DagsterRun, now: datetime | None = None) -> bool:
    """Whether this failure is one more in a row that people were told of."""
    since = (now or datetime.now(UTC)) - REPEAT_AFTER
    before = [
        record
        for record in Recent.of(instance, run.job_name).records
        if record.dagster_run.run_id != run.run_id
    ]
    return bool(before) and before[0].dagster_run.is_failure and before[0].create_timestamp > since


def failing_checks_sensor(alerts: Alerts) -> dg.SensorDefinition:
    """Tells of checks that begin to fail and of assets that become overdue, in one message a tick."""

    @dg.sensor(
        name="failing_checks_alert",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells the addresses in the settings of checks that begin to fail and of assets that are overdue.",
    )
    def failing_checks(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        before = Failing.from_cursor(context.cursor)
        failing, news = before.after(_events_after(context.instance, before.last_event))
        if before.last_event is None:
            news = []  # what failed before anybody listened is history
        if news:
            send(alerts, Alert(f"{len(news)} check(s) began to fail", "\n".join(news), "/asset-health"))
        context.update_cursor(failing.to_cursor())
        return dg.SkipReason(f"{len(news)} new failure(s) told of." if news else "Nothing began to fail.")

    return failing_checks


def _events_after(instance: DagsterInstance, last: int | None) -> list[EventLogRecord]:
    records: list[EventLogRecord] = []
    complete_up_to = float("inf")
    for event_type in WATCHED:
        found = instance.event_log_storage.get_event_records(
            EventRecordsFilter(event_type, after_cursor=last),
            limit=EVENTS_PER_TICK,
            ascending=last is not None,
        )
        if last is not None and len(found) == EVENTS_PER_TICK:
            complete_up_to = min(complete_up_to, found[-1].storage_id)
        records.extend(found)
    in_order = sorted(records, key=lambda record: record.storage_id)
    return [record for record in in_order if record.storage_id <= complete_up_to]
