"""The simulated v3 API, asked over HTTP as the real one would be."""

import gzip
import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from sendgrid_orchestration.simulator import Account, Simulator
from tests.support.simulated_api import Client


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    """An account that nobody changes."""
    with Simulator(contacts=700, history_messages=3000) as simulator:
        yield Client(simulator)


@pytest.fixture
def client() -> Iterator[Client]:
    """An account to change."""
    with Simulator(contacts=120, history_messages=300) as simulator:
        yield Client(simulator)


def test_the_key_decides(client: Client) -> None:
    assert "marketing.read" in client.get("/v3/scopes")["scopes"]
    client.simulator.account.add_key("SG.narrow", ["marketing.read"])
    client.session.headers["Authorization"] = "Bearer SG.narrow"
    assert client.get("/v3/scopes") == {"scopes": ["marketing.read"]}
    client.get("/v3/marketing/lists")
    assert client.get("/v3/suppression/bounces", status=403)["errors"][0]["message"] == "access forbidden"
    client.session.headers["Authorization"] = "Bearer SG.wrong"
    assert client.get("/v3/scopes", status=401) == {
        "errors": [{"message": "authorization required", "field": None}]
    }


def test_each_family_is_forbidden_to_accounts_of_the_other() -> None:
    for family, allowed, forbidden in (
        ("new", "/v3/marketing/lists", "/v3/contactdb/lists"),
        ("legacy", "/v3/contactdb/lists", "/v3/marketing/lists"),
    ):
        with Simulator(contacts=10, history_messages=10, family=family) as simulator:
            client = Client(simulator)
            client.get(allowed)
            client.get(forbidden, status=403)


def test_pages_are_followed_by_full_addresses(shared: Client) -> None:
    first = shared.get("/v3/marketing/lists?page_size=3")
    assert first["_metadata"]["next"].startswith(shared.simulator.url + "/v3/marketing/lists?")
    assert "prev" not in first["_metadata"]
    everything = shared.get("/v3/marketing/lists?page_size=1000")
    assert "next" not in everything["_metadata"]
    assert shared.pages("/v3/marketing/lists?page_size=3") == everything["result"]
    shared.get("/v3/marketing/lists?page_size=1001", status=400)


def test_counts_of_lists_and_segments_equal_their_exports(shared: Client) -> None:
    for one in shared.get("/v3/marketing/lists")["result"]:
        told, rows = shared.export(list_ids=[one["id"]])
        assert one["contact_count"] == told["contact_count"] == len(rows)
    for one in shared.get("/v3/marketing/segments/2.0")["results"]:
        _, rows = shared.export(segment_ids=[one["id"]])
        assert one["contacts_count"] == len(rows)
    _, everyone = shared.export()
    assert len(everyone) == shared.get("/v3/marketing/contacts/count")["contact_count"] == 700
    assert list(everyone[0])[:3] == ["EMAIL", "FIRST_NAME", "LAST_NAME"]
    assert {"CONTACT_ID", "plan", "lifetime_value"} <= set(everyone[0])


def test_downloads_refuse_our_key_and_expire(client: Client) -> None:
    told, _ = client.export()
    url = told["urls"][0]
    assert urlsplit(url).netloc != urlsplit(client.simulator.url).netloc
    assert client.session.get(url, timeout=20).status_code == 400
    assert requests.get(url.replace("X-Amz-Signature=", "X-Amz-Signature=0"), timeout=20).status_code == 403
    client.simulator.account.clock = lambda: time.time() + 300_000
    expired = requests.get(url, timeout=20)
    assert expired.status_code == 403
    assert "Request has expired" in expired.text


def test_exports_are_split_plain_empty_or_failed_as_told(client: Client) -> None:
    habits = client.simulator.account.exports.habits
    habits.rows_per_file = 50
    told, rows = client.export()
    assert len(told["urls"]) == 3
    assert len({row["CONTACT_ID"] for row in rows}) == 120

    habits.rows_per_file, habits.gzip, habits.pending_polls = 1000, False, 3
    told, rows = client.export(list_ids=[client.simulator.account.membership.list_named("Empty list").id])
    assert requests.get(told["urls"][0], timeout=20).content == b""
    job = client.ask("POST", "/v3/marketing/contacts/exports", {}, status=202)
    statuses = [client.get(f"/v3/marketing/contacts/exports/{job['id']}")["status"] for _ in range(4)]
    assert statuses == ["pending", "pending", "pending", "ready"]

    habits.failure = "export took too long"
    told, _ = client.export()
    assert (told["status"], told["message"]) == ("failure", "export took too long")
    listed = client.get("/v3/marketing/contacts/exports")["result"]
    assert {one["export_type"] for one in listed} == {"contacts_export", "list_export"}


def test_export_files_can_be_odd(client: Client) -> None:
    account = client.simulator.account
    account.put_contact({"email": "x" * 488 + "@long.example"})
    account.put_contact({"first_name": "Nobody"})
    account.exports.habits.extra_columns = {"NEVER_SEEN": "surprise"}
    account.exports.habits.duplicate_rows = 5
    _, rows = client.export()
    assert len(rows) == 127
    assert {row["NEVER_SEEN"] for row in rows} == {"surprise"}
    assert len({row["CONTACT_ID"] for row in rows}) == 122
    assert {len(row["EMAIL"]) for row in rows} >= {0, 501}
    account.exports.habits.cut_after = 5000
    told, _ = client.export()
    assert len(gzip.decompress(requests.get(told["urls"][0], timeout=20).content)) == 5000


def test_json_exports_have_a_contact_a_line(client: Client) -> None:
    job = client.ask("POST", "/v3/marketing/contacts/exports", {"file_type": "json"}, status=202)
    client.get(f"/v3/marketing/contacts/exports/{job['id']}")
    url = client.get(f"/v3/marketing/contacts/exports/{job['id']}")["urls"][0]
    lines = gzip.decompress(requests.get(url, timeout=20).content).splitlines()
    assert len(lines) == 120
    contact = json.loads(lines[0])
    assert contact["custom_fields"]
    assert client.get(f"/v3/marketing/contacts/{contact['contact_id']}")["email"] == contact["email"]


def test_a_count_that_changes_is_told_at_once(client: Client) -> None:
    """S17: recipient_count reads 200 after it was 100."""
    account = Account(contacts=300, history_messages=10)
    with Simulator(account) as simulator:
        made = account.add_list("Growing", 100)
        asks = Client(simulator)
        assert asks.get(f"/v3/marketing/lists/{made.id}")["contact_count"] == 100
        account.set_list_count(made.id, 200)
        assert asks.get(f"/v3/marketing/lists/{made.id}")["contact_count"] == 200
        assert len(asks.export(list_ids=[made.id])[1]) == 200


def test_lists_can_be_made_renamed_and_deleted_by_the_api(client: Client) -> None:
    made = client.ask("POST", "/v3/marketing/lists", {"name": "From outside"}, status=201)
    assert made["contact_count"] == 0
    client.ask("PATCH", f"/v3/marketing/lists/{made['id']}", {"name": "Renamed"})
    assert client.get(f"/v3/marketing/lists/{made['id']}")["name"] == "Renamed"
    client.ask("DELETE", f"/v3/marketing/lists/{made['id']}", status=204)
    client.get(f"/v3/marketing/lists/{made['id']}", status=404)
    client.ask("POST", "/v3/marketing/lists", {"name": "x" * 101}, status=400)


def test_segments_of_both_kinds_are_told_apart(shared: Client) -> None:
    new = shared.get("/v3/marketing/segments/2.0")["results"]
    old = shared.get("/v3/marketing/segments")["results"]
    assert new
    assert old
    assert not {one["id"] for one in new} & {one["id"] for one in old}
    assert "query_dsl" not in new[0]
    detail = shared.get(f"/v3/marketing/segments/2.0/{new[0]['id']}?contacts_sample=false")
    assert "FROM contact_data" in detail["query_dsl"]
    assert "contacts_sample" not in detail
    parented = [one for one in new if one["parent_list_ids"]]
    assert shared.get(f"/v3/marketing/segments/2.0?parent_list_ids={parented[0]['parent_list_ids'][0]}")[
        "results"
    ]


def test_the_contact_sample_is_only_a_sample(shared: Client) -> None:
    told = shared.get("/v3/marketing/contacts")
    assert len(told["result"]) == 50
    assert told["contact_count"] == 700


def test_field_definitions_leave_the_key_out_without_custom_fields(client: Client) -> None:
    assert len(client.get("/v3/marketing/field_definitions")["custom_fields"]) == 8
    for field in list(client.simulator.account.fields.custom):
        client.simulator.account.remove_custom_field(field.id)
    told = client.get("/v3/marketing/field_definitions")
    assert "custom_fields" not in told
    assert {"name": "last_opened", "field_type": "Date", "id": "_rf17_D", "read_only": True} in told[
        "reserved_fields"
    ]


def test_single_send_statistics_follow_from_the_events(shared: Client) -> None:
    history = list(shared.simulator.account.history)
    rows = shared.pages("/v3/marketing/stats/singlesends?page_size=5", "results")
    sends = {one["id"]: one for one in shared.pages("/v3/marketing/singlesends")}
    for row in rows:
        own = [event for event in history if event.get("singlesend_id") == row["id"]]
        delivered = [event for event in own if event["event"] == "delivered"]
        opened = {event["sg_message_id"] for event in own if event["event"] == "open"}
        assert row["stats"]["delivered"] == len(delivered)
        assert row["stats"]["unique_opens"] == len(opened)
    tested = next(one for one in sends.values() if one["is_abtest"])
    path = f"/v3/marketing/stats/singlesends/{tested['id']}"
    variations = shared.get(f"{path}?group_by=ab_variation,ab_phase")["results"]
    assert [row["ab_phase"] for row in variations] == ["test", "test", "send"]
    whole = shared.get(path)["results"][0]["stats"]
    assert whole["requests"] == sum(row["stats"]["requests"] for row in variations)
    daily = shared.get(f"{path}?aggregated_by=day&page_size=50")["results"]
    assert sum(row["stats"]["clicks"] for row in daily) == whole["clicks"]
    assert shared.get(f"{path}/links")["total_clicks"] == whole["clicks"]


def test_automation_statistics_are_told_by_step(shared: Client) -> None:
    whole = shared.get("/v3/marketing/stats/automations")["results"]
    assert len(whole) == 2
    steps = shared.get(f"/v3/marketing/stats/automations/{whole[0]['id']}?group_by=step_id")["results"]
    assert sum(step["stats"]["requests"] for step in steps) == whole[0]["stats"]["requests"]
    names = {one["id"]: one["name"] for one in shared.get("/v3/marketing/campaigns")["result"]}
    assert names[whole[0]["id"]] == "Welcome series"


def test_suppressions_come_in_pages_newest_first(shared: Client) -> None:
    for kind in ("bounces", "blocks", "invalid_emails", "spam_reports", "unsubscribes"):
        rows: list[Any] = []
        while page := shared.get(f"/v3/suppression/{kind}?limit=7&offset={len(rows)}"):
            rows += page
        assert len(rows) == len(shared.simulator.account.ledger.suppressions[kind]) > 0
        assert [row["created"] for row in rows] == sorted((row["created"] for row in rows), reverse=True)
        middle = rows[len(rows) // 2]["created"]
        recent = shared.get(f"/v3/suppression/{kind}?start_time={middle}")
        assert {row["email"] for row in recent} == {row["email"] for row in rows if row["created"] >= middle}


def test_unsubscribe_groups_and_their_members(shared: Client) -> None:
    members = shared.get("/v3/asm/suppressions?limit=500")
    for group in shared.get("/v3/asm/groups"):
        emails = shared.get(f"/v3/asm/groups/{group['id']}/suppressions")
        assert len(emails) == group["unsubscribes"]
        assert set(emails) == {row["email"] for row in members if row["group_id"] == group["id"]}
    assert members
    gone = shared.get("/v3/suppression/unsubscribes")[0]["email"]
    assert shared.get(f"/v3/asm/suppressions/global/{gone}") == {"recipient_email": gone}
    assert shared.get("/v3/asm/suppressions/global/nobody@nowhere.example") == {}


def test_daily_statistics_name_every_day(shared: Client) -> None:
    account = shared.simulator.account
    first, last = min(account.ledger.daily), max(account.ledger.daily)
    days = shared.get(f"/v3/stats?start_date={first}&end_date={last}")
    assert [one["date"] for one in days] == sorted({one["date"] for one in days})
    assert len(days) == (last - first).days + 1
    metrics = [one["stats"][0]["metrics"] for one in days]
    assert sum(m["delivered"] for m in metrics) == sum(d["delivered"] for d in account.ledger.daily.values())
    weeks = shared.get(f"/v3/stats?start_date={first}&end_date={last}&aggregated_by=week")
    assert sum(one["stats"][0]["metrics"]["opens"] for one in weeks) == sum(m["opens"] for m in metrics)
    shared.get("/v3/stats", status=400)


def test_categories_and_their_statistics(shared: Client) -> None:
    names = [one["category"] for one in shared.get("/v3/categories?limit=500")]
    assert {"newsletter", "receipt"} <= set(names)
    query = "&".join(f"categories={name}" for name in names[:3])
    told = shared.get(f"/v3/categories/stats?start_date=2026-01-01&aggregated_by=month&{query}")
    assert [one["name"] for one in told[0]["stats"]] == names[:3]
    shared.get("/v3/categories/stats?start_date=2026-01-01", status=400)


def test_email_logs_find_messages_and_nest_custom_args(shared: Client) -> None:
    query = (
        'status IN (\'bounced\', "blocked") AND sg_message_id_created_at >= TIMESTAMP "2025-01-01T00:00:00Z"'
    )
    found = shared.ask("POST", "/v3/logs", {"query": query, "limit": 1000})["messages"]
    assert {one["status"] for one in found} == {"bounced", "blocked"}
    same = f"to_email = '{found[0]['to_email']}' AND sg_message_id = \"{found[0]['sg_message_id']}\""
    assert shared.ask("POST", "/v3/logs", {"query": same})["messages"] == [found[0]]
    receipt = shared.ask("POST", "/v3/logs", {"query": "categories IN ('receipt')", "limit": 1})["messages"][
        0
    ]
    assert receipt["subject"] == "Order receipt"
    detail = shared.get(f"/v3/logs/{receipt['sg_message_id']}")
    assert detail["custom_args"]["order_id"].startswith("A-")
    assert detail["events"][0]["custom_args"] == detail["custom_args"]
    assert detail["events"][0]["category"] == detail["category"] == ["receipt", "billing"]
    # An arg that the webhook hides behind a field of its own is there.
    reset = shared.ask("POST", "/v3/logs", {"query": "categories IN ('password-reset')", "limit": 1})[
        "messages"
    ]
    assert shared.get(f"/v3/logs/{reset[0]['sg_message_id']}")["custom_args"]["type"] == "email"


@pytest.mark.parametrize(
    "query",
    [
        "nonsense",
        "status in ('bounced')",
        "status = 'bounced'",
        "subject IN ('x')",
        "subject = unquoted",
        "to_email = 'a' OR to_email = 'b'",
        "(to_email = 'a')",
        'sg_message_id_created_at = TIMESTAMP "2025-01-01T00:00:00Z"',
        'sg_message_id_created_at > "2025-01-01T00:00:00Z"',
        'sg_message_id_created_at > TIMESTAMP "yesterday"',
        "from_email = 'a'",
        "subject = 'open",
        "subject = 'a' AND",
    ],
)
def test_email_logs_refuse_what_is_no_query(shared: Client, query: str) -> None:
    (error,) = shared.ask("POST", "/v3/logs", {"query": query}, status=400)["errors"]
    assert error["field"] == "query"
    assert error["message"].startswith("invalid query")


def test_email_logs_say_nothing_of_marketing_and_keep_thirty_days(client: Client) -> None:
    account = client.simulator.account
    campaign = next(
        event for event in account.history if "singlesend_id" in event and "sg_message_id" in event
    )
    path = f"/v3/logs/{campaign['sg_message_id']}"
    detail = client.get(path)
    assert detail["template_id"] == campaign["sg_template_id"]
    assert not [key for key in (*detail, *detail["events"][0]) if key.startswith(("singlesend", "mc_"))]
    account.clock = lambda: campaign["timestamp"] + 31 * 86_400
    client.get(path, status=404)
    for body in ({"limit": 1001}, {"limit": True}, {"subusers": ["marketing-eu"]}, {"subusers": ["1", "2"]}):
        client.ask("POST", "/v3/logs", body, status=400)


def test_templates_are_legacy_ones_unless_asked_for(shared: Client) -> None:
    assert {one["generation"] for one in shared.get("/v3/templates?page_size=200")["result"]} == {"legacy"}
    both = shared.pages("/v3/templates?generations=legacy,dynamic&page_size=7")
    assert {one["generation"] for one in both} == {"legacy", "dynamic"}
    assert shared.get(f"/v3/templates/{both[0]['id']}")["versions"][0]["active"] == 1
    assert shared.get("/v3/templates?generations=legacy,dynamic") == {"templates": both}
    shared.get("/v3/templates?generations=newest&page_size=7", status=400)


def test_templates_have_names_and_their_versions_have_none(shared: Client) -> None:
    """Events carry the version's name, which tells nothing; and the dates are not those of the Marketing API."""
    templates = shared.pages("/v3/templates?generations=dynamic&page_size=200")
    names = {one["id"]: one["name"] for one in templates}
    assert {"Order receipt", "Password reset"} <= set(names.values())
    assert all(datetime.strptime(one["updated_at"], "%Y-%m-%d %H:%M:%S") for one in templates)
    events = [event for event in shared.simulator.account.history if "sg_template_name" in event]
    shop = {event["sg_template_name"] for event in events if "mc_stats" not in event}
    assert shop == {"Untitled Version"}
    assert all(event["sg_template_name"].startswith("Version 20") for event in events if "mc_stats" in event)
    assert {event["sg_template_id"] for event in events} <= set(names)


def test_the_legacy_family_ends_with_a_404_after_pages_that_may_be_empty() -> None:
    with Simulator(contacts=250, history_messages=500, family="legacy") as simulator:
        client = Client(simulator)
        simulator.account.empty_legacy_pages = {2}
        sizes = [
            len(client.get(f"/v3/contactdb/recipients?page={n}&page_size=100")["recipients"])
            for n in (1, 2, 3, 4)
        ]
        assert sizes == [100, 0, 100, 50]
        client.get("/v3/contactdb/recipients?page=5&page_size=100", status=404)
        recipients = client.get("/v3/contactdb/recipients?page=1&page_size=50")["recipients"]
        recipient = next(one for one in recipients if isinstance(one["last_emailed"], int))
        assert client.get(f"/v3/contactdb/recipients/{recipient['id']}") == recipient
        for one in client.get("/v3/contactdb/lists")["lists"]:
            assert isinstance(one["id"], int)
            if one["recipient_count"]:
                page = client.get(f"/v3/contactdb/lists/{one['id']}/recipients?page=1&page_size=1000")
                assert len(page["recipients"]) == one["recipient_count"]
        assert client.get("/v3/contactdb/segments")["segments"][0]["conditions"]
        assert client.get("/v3/contactdb/recipients/count") == {"recipient_count": 250}
        assert client.get("/v3/campaigns?limit=3")["result"][0]["title"] == "News of the month, no. 44"
        job = client.ask("POST", "/v3/contactdb/exports", {}, status=202)
        client.get(f"/v3/contactdb/exports/{job['id']}")
        assert client.get(f"/v3/contactdb/exports/{job['id']}")["status"] == "ready"


def test_webhook_settings_follow_the_published_api(client: Client) -> None:
    base = "/v3/user/webhooks/event/settings"
    assert client.get(f"{base}/all") == {"max_allowed": 5, "webhooks": [{}]}
    made = client.ask(
        "POST", base, {"url": "https://one.example/hook", "open": True, "friendly_name": "one"}, status=201
    )
    assert made["open"] is True
    assert "public_key" not in made
    again = client.ask("POST", base, {"url": "https://one.example/hook"}, status=400)
    assert "already exists" in again["errors"][0]["message"]
    client.ask("POST", base, {"url": "nonsense"}, status=400)

    key = client.ask("PATCH", f"{base}/signed/{made['id']}", {"enabled": True})["public_key"]
    assert client.get(f"{base}/signed/{made['id']}") == {"id": made["id"], "public_key": key}
    assert client.get(f"{base}/all")["webhooks"][0]["public_key"] == key
    patched = client.ask("PATCH", f"{base}/{made['id']}", {"url": "https://one.example/hook", "click": True})
    assert patched["click"] is True
    assert "public_key" not in patched
    assert client.get(f"{base}/{made['id']}?include=account_status_change")["account_status_change"] is False
    assert client.ask("PATCH", f"{base}/signed/{made['id']}", {"enabled": False})["public_key"] == ""
    assert client.ask("PATCH", f"{base}/signed/{made['id']}", {"enabled": True})["public_key"] != key

    secret = {"url": "https://two.example/hook", "oauth_client_id": "me", "oauth_client_secret": "hidden"}
    second = client.ask("POST", base, secret, status=201)
    assert "hidden" not in json.dumps(client.get(f"{base}/{second['id']}"))
    assert client.get(base)["id"] == made["id"]
    client.ask("DELETE", f"{base}/{made['id']}", status=204)
    client.get(f"{base}/{made['id']}", status=404)
    client.simulator.account.webhooks.max_allowed = 1
    refused = client.ask("POST", base, {"url": "https://three.example/hook"}, status=400)
    assert "maximum number of webhooks" in refused["errors"][0]["message"]


def test_subusers_are_reached_with_the_parents_key(client: Client) -> None:
    client.session.headers["on-behalf-of"] = "marketing-eu"
    client.get("/v3/scopes")
    client.session.headers["on-behalf-of"] = "stranger"
    client.get("/v3/scopes", status=401)
