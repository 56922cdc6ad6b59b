"""What the sensors and the housekeeping conclude from Dagster's own records."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from sendgrid_orchestration.defs.alerts.failing import Failing
from sendgrid_orchestration.defs.maintenance.retention import delete_old_runs
from sendgrid_orchestration.defs.partitions import range_tags
from sendgrid_orchestration.defs.runs import Recent

NOW = datetime.now(UTC)
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@dg.op(config_schema={"fail": bool})
def act(context: dg.OpExecutionContext) -> None:
    if context.op_config["fail"]:
        raise dg.Failure("Postgres is away.", allow_retries=False)


@dg.job
def marketing_events() -> None:
    act()


def _run(instance: dg.DagsterInstance, *, fail: bool = False, tags: dict[str, str] | None = None) -> str:
    config = {**QUIET, "ops": {"act": {"config": {"fail": fail}}}}
    return marketing_events.execute_in_process(
        config, instance=instance, tags=tags, raise_on_error=False
    ).run_id


def test_nothing_waits_before_the_first_run_and_after_a_success(instance: dg.DagsterInstance) -> None:
    assert Recent.of(instance, "marketing_events").reason_to_wait() is None
    _run(instance, fail=True)
    _run(instance)
    assert Recent.of(instance, "marketing_events").reason_to_wait() is None


@pytest.mark.parametrize(("failures", "pause"), [(1, 10), (2, 20), (4, 80), (9, 300)])
def test_patience_grows_with_every_failure_up_to_five_minutes(
    instance: dg.DagsterInstance, failures: int, pause: int
) -> None:
    for _ in range(failures):
        _run(instance, fail=True)
    recent = Recent.of(instance, "marketing_events")
    soon, late = NOW + timedelta(seconds=pause - 9), datetime.now(UTC) + timedelta(seconds=pause + 1)
    assert "failed" in str(recent.reason_to_wait(soon))
    assert recent.reason_to_wait(late) is None


def test_a_run_that_is_under_way_keeps_another_from_being_requested(instance: dg.DagsterInstance) -> None:
    config = {"ops": {"act": {"config": {"fail": False}}}}
    run = instance.create_run_for_job(marketing_events, run_config=config, status=dg.DagsterRunStatus.STARTED)
    assert f"Run {run.run_id[:8]} is started" in str(Recent.of(instance, "marketing_events").reason_to_wait())


def test_a_run_that_has_been_at_work_for_long_is_relieved_but_not_doubled(
    instance: dg.DagsterInstance,
) -> None:
    after = timedelta(seconds=90)
    config = {"ops": {"act": {"config": {"fail": False}}}}
    run = instance.create_run_for_job(
        marketing_events, run_config=config, status=dg.DagsterRunStatus.STARTING
    )
    recent = Recent.of(instance, "marketing_events")
    assert "starting" in str(recent.reason_to_wait(datetime.now(UTC) + after, relieved_after=after))

    start = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, "marketing_events")
    instance.report_dagster_event(start, run.run_id)
    recent = Recent.of(instance, "marketing_events")
    assert "started" in str(recent.reason_to_wait(relieved_after=after))
    assert "started" in str(recent.reason_to_wait(datetime.now(UTC) + 2 * after))
    assert recent.reason_to_wait(datetime.now(UTC) + after, relieved_after=after) is None


@pytest.mark.parametrize(("took", "rest"), [(4, 4), (300, 15), (-3, 0)])
def test_after_a_run_the_next_waits_as_long_as_it_took_but_not_for_long(
    instance: dg.DagsterInstance, took: int, rest: int
) -> None:
    """Short runs fill at most half of the time; a backlog, or a clock that is wrong, holds up nothing."""
    _run(instance)
    (record,) = Recent.of(instance, "marketing_events").records
    ended = datetime.fromtimestamp(record.end_time or 0, UTC)
    recent = Recent((record._replace(create_timestamp=ended - timedelta(seconds=took)),))
    longest = timedelta(seconds=15)
    if rest:
        soon = ended + timedelta(seconds=rest - 1)
        assert f"took {took} s" in str(recent.reason_to_wait(soon, longest_rest=longest))
    assert recent.reason_to_wait(ended + timedelta(seconds=rest), longest_rest=longest) is None
    assert recent.reason_to_wait(ended) is None, "only where a rest is asked for"


def test_each_attempt_has_a_key_of_its_own(instance: dg.DagsterInstance) -> None:
    keys = {Recent.of(instance, "marketing_events").attempt}
    for _ in range(3):
        _run(instance, fail=True)
        keys.add(Recent.of(instance, "marketing_events").attempt)
    assert len(keys) == 4


def test_old_runs_go_but_for_the_last_success_of_each_kind(instance: dg.DagsterInstance) -> None:
    monday = range_tags(NOW.date(), NOW.date())
    older = _run(instance, tags=monday)
    kept = _run(instance, tags=monday)
    kept_too = _run(instance)
    failed = _run(instance, fail=True, tags=monday)
    assert delete_old_runs(instance, keep_days=30, now=NOW + timedelta(days=29)) == 0
    assert delete_old_runs(instance, keep_days=30, now=NOW + timedelta(days=31)) == 2
    assert {run.run_id for run in instance.get_runs()} == {kept, kept_too}
    assert not instance.has_run(older)
    assert not instance.has_run(failed)


def test_loads_go_after_two_days_but_for_the_last_of_each_day(instance: dg.DagsterInstance) -> None:
    """There is one every ten seconds; the ledger says for good what each brought."""
    loads = {"sendgrid/work": "loads"}
    today, tomorrow = (range_tags(day.date(), day.date()) for day in (NOW, NOW + timedelta(days=1)))
    other_work = _run(instance, tags=today)
    older = _run(instance, tags={**loads, **today})
    kept = [_run(instance, tags={**loads, **days}) for days in (today, tomorrow)]
    failed = _run(instance, fail=True, tags={**loads, **today})
    assert delete_old_runs(instance, keep_days=30, now=NOW + timedelta(days=1)) == 0
    assert delete_old_runs(instance, keep_days=30, now=NOW + timedelta(days=3)) == 1
    assert not instance.has_run(older)
    assert all(instance.has_run(run) for run in (*kept, failed, other_work))


def test_a_check_is_told_of_when_it_begins_to_fail_and_not_again(instance: dg.DagsterInstance) -> None:
    outcomes = iter([True, False, False, True, False])

    @dg.asset_check(asset="lists", name="volume")
    def volume() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=next(outcomes), description="0 rows, 200 before")

    @dg.asset
    def lists() -> None:
        """Stands for a table."""

    told: list[list[str]] = []
    failing = Failing(0)
    for _ in range(5):
        dg.materialize([lists, volume], instance=instance, run_config=QUIET)
        records = instance.event_log_storage.get_event_records(
            dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION, after_cursor=failing.last_event)
        )
        failing, news = Failing.from_cursor(failing.to_cursor()).after(records)
        told.append(news)
    sentence = "lists: the check volume failed (0 rows, 200 before)."
    assert told == [[], [sentence], [], [], [sentence]]
