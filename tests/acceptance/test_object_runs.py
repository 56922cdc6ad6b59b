"""What Dagster says of the objects: each fails for itself, and its health is told by checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
import yaml

from sendgrid_orchestration.defs.objects.assets import members_assets, object_assets
from sendgrid_orchestration.defs.resources import Warehouse
from sendgrid_orchestration.sendgrid.client import SendGridClient
from sendgrid_orchestration.settings import Settings, Source, load_settings
from sendgrid_orchestration.simulator import Simulator
from sendgrid_orchestration.simulator.account import DEMO_KEY
from sendgrid_orchestration.sync import OBJECTS, members
from sendgrid_orchestration.warehouse.object_tables import TABLES
from tests.support.mirror import client_of

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class Account:
    """A simulated account, and Dagster's memory of what was fetched from it."""

    simulator: Simulator
    settings: Settings
    url: str
    instance: dg.DagsterInstance
    key: str = DEMO_KEY

    def client(self, _: Source) -> SendGridClient:
        """Of the account; stands in for the resource."""
        return client_of(self.simulator, api_key=self.key)

    def fetch(self, *names: str) -> dg.ExecuteInProcessResult:
        """Fetch some objects in one run."""
        return dg.materialize(
            self.assets,
            selection=[key for asset in self.assets for key in asset.keys if key.path[-1] in names],
            instance=self.instance,
            resources={"warehouse": Warehouse(self.settings), "sendgrid": self},
            raise_on_error=False,
            run_config=QUIET,
        )

    def failed_checks(self, *names: str) -> dict[str, str]:
        """The checks of one more run that did not pass, with what they said."""
        done = self.fetch(*names)
        assert done.success
        return {
            found.check_name: str(found.description)
            for found in done.get_asset_check_evaluations()
            if not found.passed
        }

    def row_counts(self) -> dict[str, int]:
        """Living rows by object."""
        counts = {}
        with psycopg.connect(self.url) as conn:
            for name, table in TABLES.items():
                gone = "deleted_at" if table.mirrored else "valid_to"
                query = f"select count(*) from marketing_raw.{name} where {gone} is null"
                counts[name] = int((conn.execute(query.encode()).fetchone() or [0])[0])
        return counts

    @property
    def assets(self) -> list[dg.AssetsDefinition]:
        """Of its only source."""
        source = self.settings.sources[0]
        return [*object_assets(source, self.settings), *members_assets(source, self.settings)]

    @property
    def names(self) -> set[str]:
        """Of every object."""
        return {key.path[-1] for asset in self.assets for key in asset.keys}


@pytest.fixture
def account(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    content: dict[str, Any] = {
        "data_dir": str(tmp_path / "data"),
        "sources": [{"name": "marketing"}],
        "warehouse": {"url": warehouse_url, "reader_role": "people_who_look"},
    }
    (tmp_path / "sendgrid.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    monkeypatch.setenv("SENDGRID_CONFIG", str(tmp_path / "sendgrid.yaml"))
    with (
        Simulator(contacts=60, history_messages=50, custom_fields=2) as simulator,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        yield Account(simulator, load_settings(), warehouse_url, instance)


def test_an_object_that_fails_fails_alone_and_says_what_to_do(account: Account) -> None:
    elsewhere = {"Location": "https://login.example.com/"}
    account.simulator.faults.add("/v3/asm/groups", times=None, status=302, headers=elsewhere)
    done = account.fetch("lists", "unsubscribe_groups", "templates")
    assert not done.success
    assert {one.asset_key.path[-1] for one in done.get_asset_materialization_events() if one.asset_key} == {
        "lists",
        "templates",
    }
    (failure,) = done.get_step_failure_events()
    told = failure.step_failure_data.error
    assert "unsubscribe_groups" in str(failure.step_key)
    assert "Check base_url and region" in str(told)


def test_a_key_that_may_read_little_gives_a_green_run(account: Account) -> None:
    """S7: what it is not granted is skipped, keeps its rows, and is named by a warning."""
    names = account.names
    assert account.failed_checks(*names) == {}
    before = account.row_counts()
    account.key = account.simulator.account.add_key("SG.small.key", ["marketing.read", "email_activity.read"])
    account.simulator.account.delete_contacts(1)
    done = account.fetch(*names)
    assert done.success
    assert {
        one.asset_key.path[-1] for one in done.get_asset_materialization_events() if one.asset_key
    } == names
    failed = {one.asset_key.path[-1]: one for one in done.get_asset_check_evaluations() if not one.passed}
    assert {one.check_name for one in failed.values()} == {"key_may_read"}
    assert {one.severity for one in failed.values()} == {dg.AssetCheckSeverity.WARN}
    assert "Stats: Read Access (scope stats.read)" in str(failed["daily_stats"].description)
    assert set(failed) == {name for name in names if not OBJECTS[name].marketing}
    stats = account.instance.get_latest_materialization_event(
        dg.AssetKey(["marketing", "raw", "daily_stats"])
    )
    assert stats is not None
    assert stats.asset_materialization is not None
    metadata = stats.asset_materialization.metadata
    assert (metadata["granted"].value, metadata["missing_scope"].value) == (False, "stats.read")
    after = account.row_counts()
    assert {name: after[name] for name in failed} == {name: before[name] for name in failed}
    assert after["recipients"] == before["recipients"] - 1


def test_health_is_good_while_nothing_goes_away(account: Account) -> None:
    for _ in range(2):
        assert account.failed_checks("recipients", "lists", "daily_stats") == {}


def test_many_rows_that_are_gone_at_once_fail_the_volume_check(account: Account) -> None:
    account.fetch("recipients")
    account.simulator.account.delete_contacts(40)
    assert account.failed_checks("recipients") == {
        "volume_as_before": "SendGrid gave 20 rows, and 60 the time before."
    }
    assert account.failed_checks("recipients") == {}


def test_no_rows_where_there_were_some_fail_the_volume_check(account: Account) -> None:
    account.fetch("lists")
    account.simulator.faults.add(
        "/v3/marketing/lists", times=None, change=lambda body: {**body, "result": []}
    )
    assert "SendGrid gave 0 rows" in account.failed_checks("lists")["volume_as_before"]


def test_a_column_that_came_is_told(account: Account) -> None:
    account.fetch("recipients")
    account.simulator.account.add_custom_field("shoe_size", "Number")
    assert account.failed_checks("recipients") == {"columns_as_before": "shoe_size came"}


def test_a_read_that_was_not_whole_is_told(account: Account) -> None:
    account.simulator.faults.add(
        "/v3/marketing/contacts/count", times=None, change=lambda body: {**body, "contact_count": 70}
    )
    told = account.failed_checks("recipients")
    assert "SendGrid counts 70" in told["read_was_complete"]


def test_an_object_is_overdue_after_two_intervals(account: Account) -> None:
    for asset in account.assets:
        for spec in asset.specs:
            policy = spec.freshness_policy
            assert isinstance(policy, dg.FreshnessPolicy)
            assert policy.fail_window.to_timedelta() == timedelta(hours=6)  # type: ignore[attr-defined]


def test_members_by_their_own_cadence_are_overdue_by_that(account: Account) -> None:
    schedules = account.settings.schedules.model_copy(update={"members": "0 1 * * *"})
    account.settings = account.settings.model_copy(update={"schedules": schedules})
    windows = {
        spec.key.path[-1]: spec.freshness_policy.fail_window.to_timedelta()  # type: ignore[union-attr]
        for asset in account.assets
        for spec in asset.specs
    }
    assert windows.pop("list_members") == windows.pop("segment_members") == timedelta(hours=48)
    assert set(windows.values()) == {timedelta(hours=6)}


def test_lists_and_segments_are_read_in_one_step_and_fail_for_themselves(account: Account) -> None:
    account.simulator.faults.add("/v3/marketing/segments/2.0", times=None, status=400)
    done = account.fetch("list_members", "segment_members")
    assert not done.success
    assert [one.asset_key.path[-1] for one in done.get_asset_materialization_events() if one.asset_key] == [
        "list_members"
    ]
    (failure,) = done.get_step_failure_events()
    assert "segments/2.0 (400" in str(failure.step_failure_data.error)
    account.simulator.faults.clear()
    assert account.failed_checks("segment_members") == {}


def test_lists_and_segments_that_had_to_wait_are_named(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert account.failed_checks("list_members", "segment_members") == {}
    left = iter([1.0] * 2)
    monkeypatch.setattr(members, "MAX_CONCURRENT_EXPORTS", 1)
    monkeypatch.setattr(members, "_time_left", lambda _: next(left, 0.0))
    done = account.fetch("list_members", "segment_members")
    assert done.success
    found = {
        one.asset_key.path[-1]: one
        for one in done.get_asset_check_evaluations()
        if one.check_name == "every_group_was_read"
    }
    waiting = {name: one.metadata["waiting"].value for name, one in found.items()}
    membership = account.simulator.account.membership
    assert sum(waiting.values()) == len(membership.lists) + len(membership.segments) - 2  # type: ignore[arg-type]
    assert not any(one.passed for one in found.values())
    assert {one.severity for one in found.values()} == {dg.AssetCheckSeverity.WARN}
    last = list(membership.lists.values())[-1]
    assert f"{last.name} (since 20" in str(found["list_members"].description)
    # So few rows are no loss: the others were not looked at.
    assert [
        one.passed for one in done.get_asset_check_evaluations() if one.check_name == "volume_as_before"
    ] == [
        True,
        True,
    ]


def test_a_run_lets_the_read_only_role_read(account: Account) -> None:
    """The role of the setting is there, whether or not anybody ever opens the dashboards."""
    account.fetch("lists")
    query = "select has_schema_privilege('people_who_look', %s, 'usage')"
    with psycopg.connect(account.url) as conn:
        may = [
            conn.execute(query, [schema]).fetchone()
            for schema in ("marketing", "marketing_marts", "marketing_raw")
        ]
        conn.execute("drop owned by people_who_look")
        conn.execute("drop role people_who_look")
    assert may == [(True,), (True,), (False,)]
