"""The findings for one source, from the landing's heartbeats and the warehouse's ledgers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

import psycopg

from sendgrid_orchestration.health import records
from sendgrid_orchestration.landing.heartbeats import Heartbeat, heartbeats
from sendgrid_orchestration.landing.store import LandingStore
from sendgrid_orchestration.settings import Checks, Source

CheckName = Literal[
    "receiver_is_up",
    "posts_are_accepted",
    "events_arrive",
    "files_are_loaded",
    "archive_is_intact",
    "models_follow_loads",
]

CHECKS: dict[CheckName, str] = {
    "receiver_is_up": "A receiver reported that it takes posts, and none of those that reported before fell silent.",
    "posts_are_accepted": "The receiver did not refuse posts that look like SendGrid's.",
    "events_arrive": "The pause since the last post is not much longer than this source's usual pauses.",
    "files_are_loaded": "No landed file waits for the loader for longer than `checks.longest_delay_minutes`.",
    "archive_is_intact": "Every archived file that was read again is what was loaded from it; none is missing.",
    "models_follow_loads": "The marts contain every load that is older than `checks.longest_delay_minutes`.",
}
"""What each check asserts, as Dagster describes it."""

NOT_SENDGRID = frozenset({"unknown_url", "method", "wrong_oauth_request"})
"""Refusals that strangers and scanners cause: they say nothing about SendGrid's posts."""

SHORTEST_SILENCE = timedelta(minutes=10)
USUAL_PAUSES = timedelta(days=14)


@dataclass(frozen=True)
class Finding:
    """The outcome of one check of one source."""

    check: CheckName
    source: str
    healthy: bool
    sentence: str
    """What was found."""
    remedy: str = ""
    """What to do about it; empty if healthy."""
    metadata: dict[str, float | int | str] = field(default_factory=dict)


def source_findings(
    conn: psycopg.Connection,
    store: LandingStore,
    source: Source,
    checks: Checks,
    *,
    is_connected: bool,
    now: datetime | None = None,
) -> list[Finding]:
    """Every finding for a source.

    Args:
        conn: the warehouse, in a transaction of its own.
        store: the landing.
        source: whose.
        checks: the limits.
        is_connected: whether a webhook URL was ever made for this source, so that a receiver should be running.
        now: UTC; for tests.
    """
    now = now or datetime.now(UTC)
    receivers = heartbeats(store, "receiver", now)
    last_post = records.last_post_at(conn, source.raw_schema)
    expected = is_connected or last_post is not None
    return [
        _receiver(source, receivers, timedelta(minutes=checks.longest_delay_minutes), expected, now),
        _acceptance(source, receivers),
        _silence(conn, source, checks, last_post, now),
        _waiting(conn, store, source, checks, now),
        _archive(conn, source),
        _models(conn, source, checks, now),
    ]


def _receiver(
    source: Source, receivers: list[Heartbeat], longest: timedelta, expected: bool, now: datetime
) -> Finding:
    if not receivers:
        return Finding(
            "receiver_is_up",
            source.name,
            not expected,
            "No receiver is running." if expected else "No receiver was ever started for this landing.",
            "Start `sendgrid-orchestration receive`. SendGrid retries a post for 24 hours; after that it is lost."
            if expected
            else "",
        )
    # A receiver reports every 20 s; missing three minutes of them is no accident.
    patience = min(longest, timedelta(minutes=3))
    silent = [receiver for receiver in receivers if receiver.age(now) > patience]
    troubled = [
        receiver for receiver in receivers if receiver not in silent and receiver.details.get("not_ready")
    ]
    metadata: dict[str, float | int | str] = {
        receiver.host: f"last heartbeat {receiver.age(now).total_seconds():.0f} s ago"
        for receiver in receivers
    }
    if silent:
        hosts = ", ".join(f"{receiver.host} ({_duration(receiver.age(now))})" for receiver in silent)
        return Finding(
            "receiver_is_up",
            source.name,
            False,
            f"{len(silent)} of {len(receivers)} receiver(s) fell silent: {hosts}.",
            "Start `sendgrid-orchestration receive` there, or check that it reaches the landing. SendGrid retries a post "
            "for 24 hours; after that it is lost.",
            metadata,
        )
    if troubled:
        reasons = ", ".join(f"{receiver.host}: {receiver.details['not_ready']}" for receiver in troubled)
        return Finding(
            "receiver_is_up",
            source.name,
            False,
            f"A receiver refuses every post: {reasons}.",
            "Make room on that disk, or fix its permissions.",
            metadata,
        )
    return Finding(
        "receiver_is_up", source.name, True, f"{len(receivers)} receiver(s) take posts.", metadata=metadata
    )


def _acceptance(source: Source, receivers: list[Heartbeat]) -> Finding:
    refused: dict[str, int] = {}
    accepted = 0
    for receiver in receivers:
        accepted += receiver.details.get("posts", {}).get(source.name, 0)
        for reason, count in receiver.details.get("refused", {}).get(source.name, {}).items():
            if reason not in NOT_SENDGRID:
                refused[reason] = refused.get(reason, 0) + count
    healthy = not refused
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(refused.items()))
    return Finding(
        "posts_are_accepted",
        source.name,
        healthy,
        f"{accepted} posts accepted in the last ten minutes."
        if healthy
        else f"In the last ten minutes {accepted} posts were accepted and {sum(refused.values())} refused: {counts}.",
        ""
        if healthy
        else "The receiver's log names the remedy for each reason; SendGrid retries for 24 hours.",
        {"accepted": accepted, "refused": sum(refused.values())},
    )


def _silence(
    conn: psycopg.Connection, source: Source, checks: Checks, last_post: datetime | None, now: datetime
) -> Finding:
    if last_post is None:
        return Finding("events_arrive", source.name, True, "No post has arrived yet.")
    if checks.longest_silence_hours is not None:
        longest = timedelta(hours=checks.longest_silence_hours)
        why = "the limit in the settings"
    else:
        pause = records.longest_pause(conn, source.raw_schema, now - USUAL_PAUSES)
        longest = max(2 * pause, SHORTEST_SILENCE)
        why = f"twice the longest pause of the last {USUAL_PAUSES.days} days"
    silence = max(now - last_post, timedelta(0))
    healthy = silence <= longest
    sentence = f"The last post arrived {_duration(silence)} ago; {_duration(longest)} are accepted ({why})."
    return Finding(
        "events_arrive",
        source.name,
        healthy,
        sentence,
        ""
        if healthy
        else "If mail was sent meanwhile: is the webhook still on (`webhook show`), and does its URL reach the receiver "
        "(`doctor`)? If nothing was sent, set `checks.longest_silence_hours`.",
        {"minutes since the last post": round(silence.total_seconds() / 60, 1)},
    )


def _waiting(
    conn: psycopg.Connection, store: LandingStore, source: Source, checks: Checks, now: datetime
) -> Finding:
    waiting = records.waiting(conn, store, source)
    oldest = min((file.sealed_at for file in waiting), default=None)
    age = max(now - oldest, timedelta(0)) if oldest else timedelta(0)
    healthy = age <= timedelta(minutes=checks.longest_delay_minutes)
    return Finding(
        "files_are_loaded",
        source.name,
        healthy,
        f"{len(waiting)} landed file(s) wait for the loader, the oldest for {_duration(age)}."
        if waiting
        else "No landed file waits.",
        "" if healthy else f"Look at the runs of {source.name}_events in Dagster, and at its sensor.",
        {"files": len(waiting), "oldest, seconds": round(age.total_seconds())},
    )


def _archive(conn: psycopg.Connection, source: Source) -> Finding:
    state = records.archive(conn, source)
    if state is None or not state.problem_count:
        return Finding(
            "archive_is_intact", source.name, True, "No archived file is known to be damaged or missing."
        )
    return Finding(
        "archive_is_intact",
        source.name,
        False,
        f"{state.problem_count} archived file(s) are damaged, changed or missing.",
        "`landing verify` names each; restore them from a backup. What was loaded from them is in the warehouse.",
        {problem.file_name: problem.problem for problem in state.problems[:20]},
    )


def _models(conn: psycopg.Connection, source: Source, checks: Checks, now: datetime) -> Finding:
    behind = records.oldest_load_without_models(conn, source)
    if behind is None:
        return Finding("models_follow_loads", source.name, True, "The marts contain every load.")
    age = max(now - behind.committed_at, timedelta(0))
    healthy = age <= timedelta(minutes=checks.longest_delay_minutes)
    return Finding(
        "models_follow_loads",
        source.name,
        healthy,
        f"Load {behind.load_id}, {_duration(age)} old, is not in the marts yet.",
        "" if healthy else f"Look at the runs of {source.name}_models in Dagster, and at its sensor.",
        {"oldest load, seconds": round(age.total_seconds())},
    )


def problems(findings: list[Finding]) -> Iterator[Finding]:
    """Those that are not healthy."""
    return (finding for finding in findings if not finding.healthy)


def _duration(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} minutes"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.0f} hours"
    return f"{seconds / 86400:.0f} days"
