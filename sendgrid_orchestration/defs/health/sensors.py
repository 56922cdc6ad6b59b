"""One sensor for all sources: evaluates their health every minute and writes Dagster's heartbeat."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence

import dagster as dg
from dagster import AssetCheckEvaluation

from sendgrid_orchestration import alerts
from sendgrid_orchestration.defs.health.checks import evaluations, find, verify_some
from sendgrid_orchestration.defs.resources import Landing, Warehouse
from sendgrid_orchestration.landing import heartbeats
from sendgrid_orchestration.settings import Settings

logger = logging.getLogger(__name__)

INTERVAL_S = 60
REPEAT_AFTER_S = 6 * 3600.0
"""An outcome that does not change is recorded again after this long, so that Dagster's log stays small."""


def health_sensor(settings: Settings) -> dg.SensorDefinition:
    """The sensor: needs no run, starts none."""

    @dg.sensor(
        name="health",
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Checks every minute that receivers are up, posts arrive, loads and models follow; reports itself alive.",
    )
    def health(
        context: dg.SensorEvaluationContext,
        warehouse: dg.ResourceParam[Warehouse],
        landing: dg.ResourceParam[Landing],
    ) -> dg.SensorResult:
        for source in settings.sources:
            verify_some(source, warehouse, landing)
        outcomes = [
            outcome
            for source in settings.sources
            for outcome in evaluations(find(source, settings, warehouse, landing), source)
        ]
        problems = sum(not outcome.passed for outcome in outcomes)
        news, cursor = changed(outcomes, context.cursor, time.time())
        context.update_cursor(cursor)
        heartbeats.beat(landing.store(), "dagster", {"failing": problems})
        if not problems:
            try:
                alerts.ping(settings.alerts)
            except alerts.AlertNotSentError as error:
                logger.warning("%s", error)
        reason = f"{problems} check(s) fail." if problems else f"All {len(outcomes)} checks pass."
        return dg.SensorResult(asset_events=news, skip_reason=dg.SkipReason(reason))

    return health


def changed(
    outcomes: Sequence[AssetCheckEvaluation], cursor: str | None, now: float
) -> tuple[list[AssetCheckEvaluation], str]:
    """The outcomes worth recording: those that changed, and those recorded long ago.

    Args:
        outcomes: of every check, now.
        cursor: what this function returned the time before.
        now: seconds since the epoch.

    Returns:
        What to record, and the next cursor: for each check whether it passed, and when that was recorded.
    """
    before: dict[str, list[float]] = json.loads(cursor) if cursor else {}
    after: dict[str, list[float]] = {}
    news = []
    for outcome in outcomes:
        name = f"{outcome.asset_key.to_user_string()}:{outcome.check_name}"
        passed, recorded_at = before.get(name, [-1.0, 0.0])
        if passed != float(outcome.passed) or now - recorded_at > REPEAT_AFTER_S:
            news.append(outcome)
            recorded_at = now
        after[name] = [float(outcome.passed), recorded_at]
    return news, json.dumps(after)
