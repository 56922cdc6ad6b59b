"""Every answer of the simulator beside what SendGrid publishes: statuses and bodies, at each endpoint that it serves."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from sendgrid_orchestration.settings import PROJECT_ROOT
from sendgrid_orchestration.simulator import Simulator
from tests.support import sendgrid_openapi
from tests.support.mirror import since_a_fixed_day
from tests.support.sendgrid_openapi import DEVIATIONS, Answers
from tests.support.simulated_api import Client, segment_integration

_LEGACY = re.compile("/v3/(contactdb|campaigns|senders)")


class Asking:
    """Asks one simulated account, and lets every answer be looked at."""

    def __init__(self, simulator: Simulator, answers: Answers) -> None:
        self.simulator, self.account, self.answers = simulator, simulator.account, answers
        self.session = Client(simulator).session
        self.known = self.account.book.email(1)
        self.account.imports.delay = 0

    def ask(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        url = self.simulator.url + path
        answer = self.session.request(method, url, json=body, headers=headers, timeout=60)
        assert answer.status_code < 500, f"{method} {path}: {answer.text}"
        told = answer.json() if answer.content else None
        self.answers.note(method, urlsplit(answer.url).path, answer.status_code, told)
        return told

    def get(self, path: str) -> Any:
        return self.ask("GET", path)

    def wrongly(self) -> None:
        """Every endpoint of this family with no right to it, about what is not there, and with nonsense."""
        self.account.add_key("SG.narrow", ["nothing"])
        for method, path in sendgrid_openapi.served():
            if (self.account.family == "legacy") != bool(_LEGACY.match(path)):
                continue
            nowhere = path.replace("{}", "unknown")
            self.ask(method, nowhere, key="wrong")
            self.ask(method, nowhere, key="SG.narrow")
            if "{}" in path:
                self.ask(method, nowhere, None if method == "GET" else {})
            nonsense = {"emails": 5, "name": 5, "ids": 5}
            self.ask(method, f"{nowhere}?page_size=0&limit=0&start_date=nonsense&page=0", nonsense)

    def whole_account(self) -> None:
        for name in ("scopes", "user/account", "user/username", "user/profile", "user/timezone"):
            self.get(f"/v3/{name}")
        self.get("/v3/verified_senders")
        for one in self.get("/v3/templates?generations=legacy,dynamic&page_size=200")["result"][:3]:
            self.get(f"/v3/templates/{one['id']}")
        self.get("/v3/templates?generations=legacy,dynamic")

    def suppressions(self) -> None:
        for kind in self.account.ledger.suppressions:
            email = self.get(f"/v3/suppression/{kind}?limit=5")[0]["email"]
            if kind != "unsubscribes":
                self.get(f"/v3/suppression/{kind}/{email}")
                self.ask("DELETE", f"/v3/suppression/{kind}/{email}")
                self.ask("DELETE", f"/v3/suppression/{kind}", {"emails": ["a@b.example"]})
        for one in self.get("/v3/asm/groups"):
            path = f"/v3/asm/groups/{one['id']}"
            self.get(path)
            self.get(f"{path}/suppressions")
            self.ask("POST", f"{path}/suppressions", {"recipient_emails": [self.known]})
        self.get("/v3/asm/suppressions")
        self.get(f"/v3/asm/suppressions/{self.known}")
        gone = next(iter(self.account.ledger.suppressions["unsubscribes"]))
        for method, email in (("GET", "nobody@x.example"), ("GET", gone), ("DELETE", gone)):
            self.ask(method, f"/v3/asm/suppressions/global/{email}")

    def statistics(self) -> None:
        since = "start_date=2026-01-01&aggregated_by=month"
        self.get(f"/v3/stats?{since}")
        self.get("/v3/categories")
        self.get(f"/v3/categories/stats?{since}&categories=billing")
        self.get("/v3/categories/stats/sums?start_date=2026-01-01")
        for kind in ("mailbox_providers", "devices", "clients", "browsers", "geo"):
            self.get(f"/v3/{kind}/stats?{since}")
        for one in self.get("/v3/subusers?limit=10"):
            self.get(f"/v3/subusers/stats?{since}&subusers={one['username']}")

    def logs(self) -> None:
        # All that bounced: what servers say of that is the most varied.
        for status, limit in (
            ("bounced", 1000),
            ("blocked", 20),
            ("delivered", 50),
            ("dropped", 20),
            ("deferred", 5),
        ):
            query = {"query": f"status IN ('{status}')", "limit": limit}
            for one in self.ask("POST", "/v3/logs", query)["messages"]:
                self.get(f"/v3/logs/{one['sg_message_id']}")
        self.ask("POST", "/v3/logs", {"query": "nonsense"})

    def webhooks(self) -> None:
        base = "/v3/user/webhooks/event/settings"
        settings = {"url": "https://one.example/hook", "open": True}
        self.get(f"{base}/all")
        made = self.ask("POST", base, settings)
        self.ask("POST", base, settings)
        self.ask("PATCH", f"{base}/signed/{made['id']}", {"enabled": True})
        self.get(f"{base}/signed/{made['id']}")
        self.get(f"{base}/all?include=account_status_change")
        self.get(f"{base}/{made['id']}")
        self.ask("PATCH", f"{base}/{made['id']}", settings)
        self.ask("PATCH", f"{base}/{made['id']}", {"url": "nonsense"})
        self.ask("POST", "/v3/user/webhooks/event/test", {"url": self.simulator.files_url})
        self.ask("DELETE", f"{base}/{made['id']}")

    def integrations(self) -> None:
        self.get("/v3/marketing/integrations")
        self.account.integrations.append(segment_integration())
        self.get("/v3/marketing/integrations")
        self.ask("GET", "/v3/marketing/integrations", key=self.account.add_key("SG.none.key", []))

    def contacts(self) -> None:
        contacts, lists = "/v3/marketing/contacts", "/v3/marketing/lists"
        made = self.ask("POST", lists, {"name": "Made"})
        upsert = {
            "list_ids": [made["id"]],
            "contacts": [{"email": "a@b.example", "external_id": "1"}, {"email": "bad"}],
        }
        job = self.ask("PUT", contacts, upsert)
        self.get(f"{contacts}/imports/{job['job_id']}")
        searches: tuple[tuple[str, dict[str, Any]], ...] = (
            ("search/identifiers/external_id", {"identifiers": ["1", "2"]}),
            ("search/identifiers/external_id", {"identifiers": ["2"]}),
            ("search/emails", {"emails": ["no@body.example"]}),
            ("search", {"query": "email LIKE 'a%'"}),
            ("search", {"query": "nonsense"}),
        )
        for path, body in searches:
            self.ask("POST", f"{contacts}/{path}", body)
        found = self.ask(
            "POST", f"{contacts}/search/emails", {"emails": ["a@b.example", self.known, "no@x.org"]}
        )
        contact = found["result"]["a@b.example"]["contact"]["id"]
        for path in (f"/{contact}", "", "/count"):
            self.get(f"{contacts}{path}")
        self.ask("POST", f"{contacts}/batch", {"ids": [contact]})
        for path in ("?page_size=2", f"/{made['id']}?contact_sample=true", f"/{made['id']}/contacts/count"):
            self.get(f"{lists}{path}")
        self.ask("PATCH", f"{lists}/{made['id']}", {"name": "Other"})
        identifier = {"identifier_type": "EXTERNALID", "identifier_value": "1"}
        self.ask("DELETE", f"{contacts}/{contact}/identifiers", identifier)
        for ids in (contact, ""):
            self.ask("DELETE", f"{lists}/{made['id']}/contacts?contact_ids={ids}")
        self.ask("DELETE", f"{contacts}?ids={contact}")
        self.ask("PUT", f"{contacts}/imports", {"file_type": "csv", "field_mappings": ["_rf2_T", None]})
        self.exports(contacts, [made["id"]])
        self.ask("DELETE", f"{lists}/{made['id']}")
        self.ask("DELETE", f"{lists}/{self.account.add_list('Gone', 2).id}?delete_contacts=true")

    def exports(self, path: str, list_ids: list[Any]) -> None:
        habits = self.account.exports.habits
        for failure in (None, "took too long"):
            habits.failure = failure
            job = self.ask("POST", f"{path}/exports", {"list_ids": list_ids})
            for _ in range(2):
                self.get(f"{path}/exports/{job['id']}")
        self.get(f"{path}/exports")

    def marketing(self) -> None:
        for path in ("/v3/marketing/segments/2.0", "/v3/marketing/segments"):
            for one in self.get(path)["results"]:
                self.get(f"{path}/{one['id']}")
                self.get(f"{path}/{one['id']}?contacts_sample=false")
            self.ask("DELETE", f"{path}/{one['id']}")
        self.get("/v3/marketing/field_definitions")
        self.account.fields.custom.clear()
        self.get("/v3/marketing/field_definitions")
        sends, stats = "/v3/marketing/singlesends", "/v3/marketing/stats"
        for one in self.get(f"{sends}?page_size=100")["result"]:
            self.get(f"{sends}/{one['id']}")
            self.get(f"{stats}/singlesends/{one['id']}?group_by=ab_variation,ab_phase")
            self.get(f"{stats}/singlesends/{one['id']}/links?group_by=ab_variation,ab_phase")
            self.get(f"{stats}/singlesends/{one['id']}?aggregated_by=day")
        self.ask("POST", f"{sends}/search", {"name": "news", "status": ["triggered"]})
        for path in (f"{sends}/categories", "/v3/marketing/campaigns", f"{stats}/singlesends?page_size=5"):
            self.get(path)
        for one in self.get(f"{stats}/automations")["results"]:
            self.get(f"{stats}/automations/{one['id']}?group_by=step_id")
            self.get(f"{stats}/automations/{one['id']}/links")
        self.get("/v3/marketing/senders")
        self.account.mailings.single_sends.clear()
        self.get(sends)

    def legacy(self) -> None:
        base = "/v3/contactdb"
        for kind in ("lists", "segments"):
            for one in self.get(f"{base}/{kind}")[kind]:
                self.get(f"{base}/{kind}/{one['id']}")
                for page in (1, 100):
                    self.get(f"{base}/{kind}/{one['id']}/recipients?page={page}&page_size=10")
        for one in self.get(f"{base}/recipients?page=1&page_size=10")["recipients"]:
            self.get(f"{base}/recipients/{one['id']}")
            self.get(f"{base}/recipients/{one['id']}/lists")
        for path in (
            "recipients/count",
            "recipients/billable_count",
            f"recipients/search?email={self.known}",
        ):
            self.get(f"{base}/{path}")
        for path in ("custom_fields", "reserved_fields", "status"):
            self.get(f"{base}/{path}")
        self.exports(base, [1001])
        self.get("/v3/campaigns?limit=5")
        self.get("/v3/senders")


@pytest.fixture(scope="module")
def answers() -> Answers:
    found = Answers()
    # What happens depends on the day, and some of it is rare.
    with Simulator(seed=3, contacts=900, history_messages=4000, **since_a_fixed_day()) as simulator:
        new = Asking(simulator, found)
        for about in (
            new.wrongly,
            new.whole_account,
            new.suppressions,
            new.statistics,
            new.logs,
            new.webhooks,
        ):
            about()
        new.contacts()
        new.marketing()
    with Simulator(contacts=100, history_messages=300, family="legacy", **since_a_fixed_day()) as simulator:
        legacy = Asking(simulator, found)
        legacy.wrongly()
        legacy.legacy()
        legacy.logs()
    return found


def test_answers_are_what_sendgrid_publishes_or_the_difference_is_explained(answers: Answers) -> None:
    assert answers.unexplained() == {}


def test_no_explanation_outlives_its_difference(answers: Answers) -> None:
    for deviation in DEVIATIONS:
        for pattern in deviation["where"]:
            assert any(re.fullmatch(pattern, difference) for difference in answers.differences), pattern


def test_every_published_operation_was_answered_well(answers: Answers) -> None:
    well = {(method, path) for method, path, status in answers.answered if status < 300}
    assert set(sendgrid_openapi.served()) & sendgrid_openapi.operations().keys() == well


def test_every_difference_is_documented() -> None:
    page = " ".join((PROJECT_ROOT / "docs" / "simulator.md").read_text(encoding="utf-8").split())
    for deviation in DEVIATIONS:
        assert deviation["why"] in page


def test_a_wrong_answer_is_noticed() -> None:
    """The check itself: a missing, an unknown, a null and an ill-typed property, each by its place."""
    body = {"messages": [{"sg_message_id": "m", "subject": None, "status": "lost", "to_email": 5, "more": 1}]}
    operation = sendgrid_openapi.operation_of("POST", "/v3/logs")
    assert operation is not None
    assert sendgrid_openapi.trouble(body, operation.answers[200]) == [
        "$.messages[].from_email required",
        "$.messages[].more unknown",
        "$.messages[].sg_message_id_created_at required",
        "$.messages[].status enum",
        "$.messages[].subject null",
        "$.messages[].to_email type",
    ]
