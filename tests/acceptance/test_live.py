"""From a post to a mart, through real processes, with nobody pushing a button."""

from __future__ import annotations

import time

import pytest

from sendgrid_orchestration.simulator import SMOOTH
from sendgrid_orchestration.warehouse import embedded
from tests.acceptance.conftest import Live

pytestmark = pytest.mark.timeout(900)

BACKFILL = """
mutation Backfill($key: [String!]!, $days: [String!]!) {
  launchPartitionBackfill(backfillParams: {assetSelection: [{path: $key}], partitionNames: $days}) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""

STATUS = """
query Status($id: String!) {
  partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } }
  runsOrError(filter: {tags: [{key: "dagster/backfill", value: $id}]}) { ... on Runs { results { runId status } } }
}
"""


def test_events_arrive_and_marts_follow_by_themselves(live: Live) -> None:
    """Promises S1, S26, S45: posts are in `activity`, each once, and the marts know of them."""
    rows = live.sent.unique_events + live.sent.renamed
    live.wait_until(
        f"{rows} rows in activity",
        lambda: live.value("select count(*) from sendgrid_marketing.activity") == rows,
    )
    live.wait_until(
        "messages in the overview",
        lambda: bool(
            live.value("select sum(messages) from sendgrid_marketing_marts.mart_email_overview_daily")
        ),
    )


def test_objects_are_fetched_by_their_job(live: Live) -> None:
    """Promises S14, S41 to S43."""
    account = live.stage.simulators["marketing"].account
    live.wait_for_run(live.dagster.launch("marketing_objects"))
    assert live.value("select count(*) from sendgrid_marketing.lists") == len(account.membership.lists)
    assert live.value("select count(*) from sendgrid_marketing.segments") == len(account.membership.segments)
    assert live.value("select count(*) from sendgrid_marketing.recipients") == account.contact_count()


@pytest.mark.parametrize("key", [["raw", "events"], ["marts", "mart_email_overview_daily"]])
def test_a_backfill_over_days_is_one_run_and_gives_the_same_rows(live: Live, key: list[str]) -> None:
    table = f"sendgrid_marketing_{'.'.join(key)}"
    content = f"select md5(string_agg(t::text, '|' order by t::text)) from {table} as t"
    before = live.value(content)
    days = [str(live.value(f"select current_date - {n}")) for n in (2, 1, 0)]
    started = live.dagster.ask(BACKFILL, {"key": ["marketing", *key], "days": days})[
        "launchPartitionBackfill"
    ]
    assert started["__typename"] == "LaunchBackfillSuccess", started

    def runs() -> list[dict[str, str]]:
        answer = live.dagster.ask(STATUS, {"id": started["backfillId"]})
        assert answer["partitionBackfillOrError"]["status"] not in {"FAILED", "COMPLETED_FAILED"}
        return list(answer["runsOrError"]["results"])

    live.wait_until("the backfill", lambda: [run["status"] for run in runs()] == ["SUCCESS"])
    assert len(runs()) == 1
    assert before is not None
    assert live.value(content) == before


def test_everything_arrives_when_postgres_comes_back(live: Live) -> None:
    """The receiver knows no database: it goes on accepting while Postgres, and with it Dagster, is away."""
    source = live.source
    account = live.stage.simulators[source.name].account
    before = live.value("select count(*) from sendgrid_marketing.activity")
    events = list(account.script(days=1, messages=40, seed=99))
    embedded.stop(live.stage.settings.data_dir)
    sent = live.stage.sender(source).send(events, batch=10, trouble=SMOOTH)
    assert sent.failed == sent.retries == 0
    time.sleep(3)
    embedded.ensure_running(live.stage.settings.data_dir)
    live.wait_until(
        "what was posted meanwhile",
        lambda: live.value("select count(*) from sendgrid_marketing.activity") == before + len(events),
    )
