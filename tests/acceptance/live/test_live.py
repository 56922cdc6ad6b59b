"""From a post to a mart, through real processes, with nobody pushing a button."""

from __future__ import annotations

import time

import pytest

from sendgrid_orchestration.simulator import SMOOTH
from sendgrid_orchestration.warehouse import embedded
from tests.acceptance.live.conftest import Live

pytestmark = pytest.mark.timeout(900)

MART = "mart_email_overview_daily"

BACKFILL = """
mutation Backfill($assets: [AssetKeyInput!]!, $days: [String!]!) {
  launchPartitionBackfill(backfillParams: {assetSelection: $assets, partitionNames: $days}) {
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

ASSETS = "{ assetNodes { assetKey { path } staleStatus partitionStats { numMaterialized numPartitions } } }"

ROWS = """
query Rows($asset: AssetKeyInput!) {
  assetNodeOrError(assetKey: $asset) { ... on AssetNode { assetMaterializations(limit: 50) {
    metadataEntries { label ... on IntMetadataEntry { intValue } }
  } } }
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


def test_what_is_current_looks_current(live: Live) -> None:
    """Every day is shown as built, the first build included; no sync leaves a mark on what it did not make old."""

    def not_current() -> dict[str, object]:
        nodes = live.dagster.ask(ASSETS)["assetNodes"]
        states = {
            "/".join(node["assetKey"]["path"]): (node["staleStatus"], node["partitionStats"])
            for node in nodes
        }
        assert sum(days is not None for _, days in states.values()) >= 3
        return {
            name: (status, days)
            for name, (status, days) in states.items()
            if status != "FRESH" or (days and days["numMaterialized"] < days["numPartitions"])
        }

    live.wait_until("the models", lambda: not not_current())
    live.wait_for_run(live.dagster.launch("marketing_objects"))
    assert not_current() == {}


def test_a_view_shows_its_rows_after_each_sync(live: Live) -> None:
    lists = len(live.stage.simulators["marketing"].account.membership.lists)

    def rows() -> list[int]:
        asset = live.dagster.ask(ROWS, {"asset": {"path": ["marketing", "lists"]}})["assetNodeOrError"]
        entries = [entry for one in asset["assetMaterializations"] for entry in one["metadataEntries"]]
        return [entry["intValue"] for entry in entries if entry["label"] == "dagster/row_count"]

    assert len(rows()) >= 2, "dots of a curve"
    assert rows()[0] == lists


def test_a_backfill_over_days_is_one_run_and_gives_the_same_rows(live: Live) -> None:
    """From the webhook's posts to a mart: reloaded from the archive, rebuilt from the events, and nothing has changed."""
    tables = {
        "sendgrid_marketing_raw.events": ["raw", "events"],
        f"sendgrid_marketing_marts.{MART}": ["marts", MART],
    }

    def contents() -> list[str]:
        query = "select md5(string_agg(t::text, '|' order by t::text)) from {} as t"
        return [live.value(query.format(table)) for table in tables]

    before = contents()
    days = [str(live.value(f"select current_date - {n}")) for n in (2, 1, 0)]
    assets = [{"path": ["marketing", *key]} for key in tables.values()]
    started = live.dagster.ask(BACKFILL, {"assets": assets, "days": days})["launchPartitionBackfill"]
    assert started["__typename"] == "LaunchBackfillSuccess", started

    def runs() -> list[dict[str, str]]:
        answer = live.dagster.ask(STATUS, {"id": started["backfillId"]})
        assert answer["partitionBackfillOrError"]["status"] not in {"FAILED", "COMPLETED_FAILED"}
        return list(answer["runsOrError"]["results"])

    live.wait_until("the backfill", lambda: [run["status"] for run in runs()] == ["SUCCESS"])
    assert len(runs()) == 1
    assert all(before)
    assert contents() == before


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
