"""Changes to the simulated account's contacts: what is refused at once, what a job reports, and what is there afterwards."""

import csv
import gzip
import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sendgrid_orchestration.simulator import Simulator
from tests.support.simulated_api import Client

CONTACTS = "/v3/marketing/contacts"
LISTS = "/v3/marketing/lists"


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    """An account whose contacts nobody changes."""
    with Simulator(contacts=300, history_messages=200) as simulator:
        yield Client(simulator)


@pytest.fixture
def client() -> Iterator[Client]:
    """An account to change, whose jobs are done at once."""
    with Simulator(contacts=60, history_messages=400) as simulator:
        simulator.account.imports.delay = 0.0
        yield Client(simulator)


def counts(job: dict[str, Any]) -> tuple[int, ...]:
    names = ("requested", "created", "updated", "deleted", "errored")
    return tuple(job["results"][f"{name}_count"] for name in names)


def errors(job: dict[str, Any]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(requests.get(job["results"]["errors_url"], timeout=20).text)))


def by_identifier(client: Client, kind: str, value: str) -> dict[str, Any]:
    path = f"{CONTACTS}/search/identifiers/{kind}"
    contact: dict[str, Any] = client.ask("POST", path, {"identifiers": [value]})["result"][value]["contact"]
    return contact


def test_upserts_are_taken_at_once_and_done_later(client: Client) -> None:
    account = client.simulator.account
    account.imports.delay = 0.3
    known = account.book.email(3)
    target = account.add_list("Target")
    contacts = [
        {"email": "New.One@Fresh.example", "first_name": "New", "custom_fields": {"e1_T": "gold"}},
        {"email": known, "city": "Atlantis"},
        {"email": "not an address"},
        {"email": "y" * 250 + "@long.example"},
    ]
    body = {"contacts": contacts, "list_ids": [target.id]}
    job_id = client.ask("PUT", CONTACTS, body, status=202)["job_id"]
    pending = client.get(f"{CONTACTS}/imports/{job_id}")
    assert (pending["status"], pending["results"], pending["finished_at"]) == (
        "pending",
        {"requested_count": 4},
        "",
    )
    job = client.job(job_id)
    assert (job["status"], job["job_type"], counts(job)) == ("errored", "upsert", (4, 1, 1, 0, 2))
    assert [(row["email"][:14], row["error"]) for row in errors(job)] == [
        ("not an address", "email 'not an address' is not valid"),
        ("y" * 14, "email is too long"),
    ]
    found = client.ask("POST", f"{CONTACTS}/search/emails", {"emails": ["new.one@fresh.example", known]})
    fresh = found["result"]["new.one@fresh.example"]["contact"]
    assert fresh["custom_fields"] == {"plan": "gold"}
    assert fresh["list_ids"] == [target.id]
    assert found["result"][known]["contact"]["city"] == "Atlantis"
    assert found["result"][known]["contact"]["first_name"] != ""
    assert client.get(f"{LISTS}/{target.id}")["contact_count"] == 2
    both = client.ask("POST", f"{CONTACTS}/batch", {"ids": [fresh["id"], "unknown"]})["result"]
    assert both == [fresh]


@pytest.mark.parametrize(
    ("body", "message", "field"),
    [
        ({"contacts": []}, "between 1 and 30000", "contacts"),
        ({"contacts": [{"email": "a@b.example"}] * 30_001}, "between 1 and 30000", "contacts"),
        ({"contacts": [{"first_name": "Nameless"}]}, "identifier", "contacts[0].identifier"),
        ({"contacts": ["a@b.example"]}, "object", "contacts[0]"),
        ({"contacts": [{"email": "a@b.example"}, {"email": 5}]}, "string", "contacts[1].email"),
        (
            {"contacts": [{"email": "a@b.example", "custom_fields": {"plan": "x", "age": 3}}]},
            "invalid custom field ids supplied - age,plan",
            "contacts.custom_fields",
        ),
        (
            {"contacts": [{"email": "a@b.example", "custom_fields": {"e1_T": None}}]},
            "custom_fields must be",
            "contacts[0].custom_fields",
        ),
        ({"contacts": [{"email": "a@b.example"}], "list_ids": ["nowhere"]}, "list ids not found", "list_ids"),
    ],
)
def test_upserts_that_sendgrid_would_refuse_are_refused(
    shared: Client, body: dict[str, Any], message: str, field: str
) -> None:
    (error,) = shared.ask("PUT", CONTACTS, body, status=400)["errors"]
    assert message in error["message"]
    assert error["field"] == field


def test_upserts_of_more_than_six_megabytes_are_refused(shared: Client) -> None:
    shared.ask("PUT", CONTACTS, {"contacts": [{"email": "a@b.example", "city": "x" * 6_000_000}]}, status=413)


def test_any_identifier_makes_a_contact(client: Client) -> None:
    identifiers = {
        "phone_number_id": "+4915112345678",
        "external_id": "customer-1",
        "anonymous_id": "device-1",
    }
    contacts = [{kind: value, "first_name": kind} for kind, value in identifiers.items()]
    assert counts(client.change("PUT", CONTACTS, {"contacts": contacts})) == (3, 3, 0, 0, 0)
    for kind, value in identifiers.items():
        contact = by_identifier(client, kind, value)
        assert (contact["first_name"], contact["email"], contact[kind]) == (kind, "", value)
    _, rows = client.export()
    assert {row["EXTERNAL_ID"] for row in rows} == {"", "customer-1"}
    assert list(rows[0])[-3:] == ["PHONE_NUMBER_ID", "EXTERNAL_ID", "ANONYMOUS_ID"]


def test_every_identifier_of_a_contact_must_be_sent_again(client: Client) -> None:
    first = {"email": "ann@x.example", "external_id": "1"}
    client.change("PUT", CONTACTS, {"contacts": [first, {"external_id": "2"}]})
    refused = (
        {"email": "ann@x.example", "city": "Rome"},
        {"external_id": "1", "city": "Rome"},
        {"email": "ann@x.example", "external_id": "other", "city": "Rome"},
        {"email": "ann@x.example", "external_id": "2", "city": "Rome"},
    )
    job = client.change("PUT", CONTACTS, {"contacts": list(refused)})
    assert (job["status"], counts(job)) == ("failed", (4, 0, 0, 0, 4))
    assert [row["error"] for row in errors(job)] == [
        "all identifiers of the contact are required: external_id",
        "all identifiers of the contact are required: email",
        "all identifiers of the contact are required: external_id",
        "the identifiers belong to different contacts",
    ]
    more = first | {"city": "Rome", "anonymous_id": "device"}
    assert counts(client.change("PUT", CONTACTS, {"contacts": [more]})) == (1, 0, 1, 0, 0)
    contact = by_identifier(client, "anonymous_id", "device")
    assert (contact["email"], contact["external_id"], contact["city"]) == ("ann@x.example", "1", "Rome")
    # From now on the third must be sent as well.
    assert client.change("PUT", CONTACTS, {"contacts": [first]})["status"] == "failed"


def test_another_address_is_another_contact(client: Client) -> None:
    known = client.simulator.account.book.email(5)
    assert counts(client.change("PUT", CONTACTS, {"contacts": [{"email": "new." + known}]})) == (
        1,
        1,
        0,
        0,
        0,
    )
    assert (
        len(client.ask("POST", f"{CONTACTS}/search/emails", {"emails": [known, "new." + known]})["result"])
        == 2
    )


def test_invalid_addresses_can_sink_the_whole_request(client: Client) -> None:
    client.simulator.account.imports.refuses_invalid = True
    contacts = [{"email": "good@x.example"}, {"email": "bad"}]
    (error,) = client.ask("PUT", CONTACTS, {"contacts": contacts}, status=400)["errors"]
    assert error["message"] == "email 'bad' is not valid"
    client.ask("POST", f"{CONTACTS}/search/emails", {"emails": ["good@x.example"]}, status=404)


def test_custom_values_have_the_type_of_their_field(client: Client) -> None:
    values = (
        ({"e1_T": 5, "e2_N": "12.5", "e3_D": "02/28/2026"}, {"plan": "5", "lifetime_value": 12.5}),
        ({"e1_T": True, "e2_N": 7, "e3_D": "2026-02-28"}, {"plan": "true", "lifetime_value": 7}),
    )
    for number, (given, shown) in enumerate(values):
        email = f"typed{number}@x.example"
        client.change("PUT", CONTACTS, {"contacts": [{"email": email, "custom_fields": given}]})
        assert by_identifier(client, "email", email)["custom_fields"] == shown | {
            "signup_date": "2026-02-28T00:00:00Z"
        }
    wrong: tuple[dict[str, Any], ...] = ({"e2_N": "many"}, {"e3_D": "28.02.2026"}, {"e1_T": "x" * 1001})
    contacts = [{"email": f"w{n}@x.example", "custom_fields": given} for n, given in enumerate(wrong)]
    assert [row["error"] for row in errors(client.change("PUT", CONTACTS, {"contacts": contacts}))] == [
        "custom field e2_N: 'many' is not a number",
        "custom field e3_D: '28.02.2026' is not a date",
        "custom field e1_T is too long",
    ]


def test_suppressions_stay_whatever_becomes_of_contacts(client: Client) -> None:
    account = client.simulator.account
    bounced = next(iter(account.ledger.suppressions["bounces"]))
    before = {name: set(rows) for name, rows in account.ledger.suppressions.items()}
    client.change("PUT", CONTACTS, {"contacts": [{"email": bounced, "city": "Rome"}]})
    client.change("DELETE", f"{CONTACTS}?delete_all_contacts=true")
    assert client.get(f"{CONTACTS}/count")["contact_count"] == 0
    assert {name: set(rows) for name, rows in account.ledger.suppressions.items()} == before


def test_a_removal_with_one_unknown_contact_is_refused(client: Client) -> None:
    account = client.simulator.account
    target = account.add_list("Target", 3)
    ids = [account.book.contact_id(number) for number in range(3)]
    path = f"{LISTS}/{target.id}/contacts?contact_ids="
    client.ask("DELETE", f"{path}{ids[0]},00000000-0000-4000-a000-000000000000", status=404)
    client.ask("DELETE", f"{LISTS}/nowhere/contacts?contact_ids={ids[0]}", status=404)
    client.ask("DELETE", path, status=400)
    assert client.get(f"{LISTS}/{target.id}")["contact_count"] == 3
    assert client.change("DELETE", path + ",".join(ids[:2]))["status"] == "completed"
    assert client.get(f"{LISTS}/{target.id}")["contact_count"] == 1
    assert client.get(f"{CONTACTS}/{ids[0]}")["list_ids"] == [
        one.id for one in account.membership.lists.values() if one.members[0] and one.id != target.id
    ]


def test_a_list_may_be_gone_before_its_jobs_are_done(client: Client) -> None:
    account = client.simulator.account
    account.imports.delay = 0.3
    target = account.add_list("Target", 3)
    removal = client.ask(
        "DELETE", f"{LISTS}/{target.id}/contacts?contact_ids={account.book.contact_id(0)}", status=202
    )
    upsert = client.ask(
        "PUT", CONTACTS, {"contacts": [{"email": "a@b.example"}], "list_ids": [target.id]}, status=202
    )
    client.ask("DELETE", f"{LISTS}/{target.id}", status=204)
    told = client.job(removal["job_id"])
    assert (told["status"], told["results"]["errored_count"]) == ("failed", 1)
    assert errors(told)[0]["error"] == "the list does not exist any more"
    assert client.job(upsert["job_id"])["status"] == "completed"
    client.get("/v3/scopes")


def test_deleted_contacts_are_gone(client: Client) -> None:
    contact_id = client.simulator.account.book.contact_id(2)
    job = client.change("DELETE", f"{CONTACTS}?ids={contact_id},unknown")
    assert (job["job_type"], counts(job)) == ("delete", (2, 0, 0, 1, 0))
    client.get(f"{CONTACTS}/{contact_id}", status=404)
    client.ask("DELETE", CONTACTS, status=400)


def test_an_identifier_can_be_taken_but_not_the_last(client: Client) -> None:
    client.change("PUT", CONTACTS, {"contacts": [{"email": "ann@x.example", "external_id": "1"}]})
    contact = by_identifier(client, "external_id", "1")
    path = f"{CONTACTS}/{contact['id']}/identifiers"
    wrong = {"identifier_type": "EXTERNALID", "identifier_value": "2"}
    assert client.change("DELETE", path, wrong)["status"] == "failed"
    taken = {"identifier_type": "EXTERNALID", "identifier_value": "1"}
    assert client.change("DELETE", path, taken)["status"] == "completed"
    client.ask("POST", f"{CONTACTS}/search/identifiers/external_id", {"identifiers": ["1"]}, status=404)
    last = {"identifier_type": "EMAIL", "identifier_value": "ann@x.example"}
    job = client.change("DELETE", path, last)
    assert job["status"] == "failed"
    assert "at least one identifier" in errors(job)[0]["error"]
    client.ask("DELETE", path, {"identifier_type": "email", "identifier_value": "x"}, status=400)
    client.ask("DELETE", f"{CONTACTS}/nobody/identifiers", last, status=404)


def import_file(client: Client, body: dict[str, Any], content: bytes) -> dict[str, Any]:
    started = client.ask("PUT", f"{CONTACTS}/imports", body)
    assert client.get(f"{CONTACTS}/imports/{started['job_id']}")["status"] == "pending"
    headers = {one["header"]: one["value"] for one in started["upload_headers"]}
    assert requests.put(started["upload_uri"], content, headers=headers, timeout=20).status_code == 200
    return client.job(started["job_id"])


@pytest.mark.parametrize("packed", [False, True])
def test_a_csv_is_imported_once_it_was_uploaded(client: Client, packed: bool) -> None:
    target = client.simulator.account.add_list("Imported")
    fields = client.get("/v3/marketing/field_definitions")["reserved_fields"]
    ids = {field["name"]: field["id"] for field in fields}
    body = {
        "file_type": "csv",
        "list_ids": [target.id],
        "field_mappings": [None, ids["email"], "e1_T", ids["external_id"], ids["alternate_emails"]],
    }
    content = (
        b'skipped,Email,Plan,Id,"Other ""mail"""\r\n'
        b'x,ANN@x.example,"gold, plus",1,"a@y.example, b@y.example"\r\n'
        b"x,,silver,2,\r\n"
        b"x,nonsense,silver,3,\r\n"
        b"x,,silver,,\r\n"
        b"x,short@x.example\r\n"
    )
    job = import_file(client, body, gzip.compress(content) if packed else content)
    assert (job["status"], job["job_type"], counts(job)) == ("errored", "upsert", (5, 2, 0, 0, 3))
    assert sorted(row["error"] for row in errors(job)) == [
        "at least one identifier is required",
        "email 'nonsense' is not valid",
        "line 6 has 2 columns, the mapping 5",
    ]
    ann = by_identifier(client, "external_id", "1")
    assert (ann["email"], ann["custom_fields"], ann["alternate_emails"], ann["list_ids"]) == (
        "ann@x.example",
        {"plan": "gold, plus"},
        ["a@y.example", "b@y.example"],
        [target.id],
    )
    # An alternate address leads to the contact, too.
    found = client.ask("POST", f"{CONTACTS}/search/emails", {"emails": ["B@y.example"]})["result"]
    assert found["b@y.example"]["contact"]["id"] == ann["id"]


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"\x1f\x8b broken"])
def test_a_file_that_does_not_fit_its_mapping_fails_whole(client: Client, content: bytes) -> None:
    job = import_file(client, {"file_type": "csv", "field_mappings": ["_rf2_T"]}, content)
    assert job["status"] == "failed"
    assert errors(job)[0]["error"]


def test_an_upload_needs_its_link_and_its_headers(client: Client) -> None:
    started = client.ask("PUT", f"{CONTACTS}/imports", {"file_type": "csv", "field_mappings": ["_rf2_T"]})
    headers = {one["header"]: one["value"] for one in started["upload_headers"]}
    assert headers
    link = started["upload_uri"]
    assert requests.put(link, b"", timeout=20).status_code == 403
    assert client.session.put(link, b"", headers=headers, timeout=20).status_code == 400
    foreign = link.replace("X-Amz-Signature=", "X-Amz-Signature=0")
    assert requests.put(foreign, b"", headers=headers, timeout=20).status_code == 403
    client.simulator.account.clock = lambda: time.time() + 100_000
    assert requests.put(link, b"", headers=headers, timeout=20).status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"file_type": "json", "field_mappings": ["_rf2_T"]}, 400),
        ({"file_type": "csv", "field_mappings": []}, 400),
        ({"file_type": "csv", "field_mappings": ["nothing"]}, 400),
        ({"file_type": "csv", "field_mappings": [{}]}, 400),
        ({"file_type": "csv", "field_mappings": ["_rf2_T"], "list_ids": ["nowhere"]}, 404),
    ],
)
def test_imports_that_sendgrid_would_refuse_are_refused(
    shared: Client, body: dict[str, Any], status: int
) -> None:
    shared.ask("PUT", f"{CONTACTS}/imports", body, status=status)


def test_looking_up_identifiers_says_who_is_missing(shared: Client) -> None:
    known = shared.simulator.account.book.email(1)
    for path, name in (("search/emails", "emails"), ("search/identifiers/email", "identifiers")):
        found = shared.ask("POST", f"{CONTACTS}/{path}", {name: [known.upper(), "no@body.example"]})["result"]
        assert found[known]["contact"]["email"] == known
        assert found["no@body.example"] == {"error": "contact not found"}
        shared.ask("POST", f"{CONTACTS}/{path}", {name: ["no@body.example"]}, status=404)
        shared.ask("POST", f"{CONTACTS}/{path}", {name: ["nonsense"]}, status=400)
        shared.ask("POST", f"{CONTACTS}/{path}", {name: [known] * 101}, status=400)
        shared.ask("POST", f"{CONTACTS}/{path}", {}, status=400)
    shared.ask("POST", f"{CONTACTS}/search/identifiers/nickname", {"identifiers": ["x"]}, status=400)


def test_a_search_finds_the_first_fifty_and_counts_all(shared: Client) -> None:
    account = shared.simulator.account
    contacts = account.book.documents(account.book.numbers())
    newsletter = account.membership.list_named("Newsletter")
    members = set(account.membership.list_numbers(newsletter.id).tolist())

    def search(query: str, status: int = 200) -> dict[str, Any]:
        found: dict[str, Any] = shared.ask("POST", f"{CONTACTS}/search", {"query": query}, status=status)
        return found

    google = [n for n, contact in enumerate(contacts) if contact["email"].endswith("@gmail.com")]
    found = search("email LIKE '%@gmail.com'")
    assert found["contact_count"] == len(google) > 50
    assert [one["email"] for one in found["result"]] == [contacts[n]["email"] for n in google[:50]]
    both = search(f'email LIKE "%@gmail.com" AND CONTAINS(list_ids, "{newsletter.id}")')
    assert both["contact_count"] == len(members & set(google))
    assert all(newsletter.id in one["list_ids"] for one in both["result"])
    first, second = contacts[0]["email"], contacts[1]["email"]
    assert search(f"email IN ('{first}', '{second}') OR external_id IN ('x')")["contact_count"] == 2
    gold = sum(contact["custom_fields"].get("plan") == "premium" for contact in contacts)
    assert search("plan = 'premium'")["contact_count"] == gold > 0
    richer = sum(contact["custom_fields"].get("lifetime_value", 0) > 200 for contact in contacts)
    assert search("lifetime_value > 200 and not email is null")["contact_count"] == richer > 0
    assert search("first_name = 'O\\'Brien'")["contact_count"] == 0
    for wrong in ("email =", "nothing = 1", "email LIKE 5", "(" * 1000, "email = 'x", "", "DROP TABLE x;"):
        assert search(wrong, 400)["errors"][0]["field"] == "query"
