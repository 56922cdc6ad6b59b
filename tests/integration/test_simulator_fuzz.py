"""Whatever it is asked, and in whatever order, the simulator answers as SendGrid's API does: never with a 5xx of its own."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import socket
import string
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sendgrid_orchestration.simulator import Account, Simulator
from sendgrid_orchestration.simulator.contacts import legacy_id
from tests.support import sendgrid_openapi
from tests.support.mirror import since_a_fixed_day
from tests.support.sendgrid_openapi import Answers
from tests.support.simulated_api import Client

RELAXED = settings(deadline=None, suppress_health_check=list(HealthCheck))

HOSTILE_TEXTS = (
    "", " ", "0", "-1", "true", "null", "NaN", "1e400", "9" * 5000, "٣", "\x00", "a\x00b", "\u2028", "💥", "../..", "%00", "'", '"', "\\",
    "' OR 1=1 --", "9999-12-31", "0001-01-01", "2026-02-30", "20260101", "2026-W01-1", "1.5", "0x10", " 5", "x" * 3000, "a@b.example", "@",
    "email LIKE '%%'", "NOT " * 60 + "email = 'a'", "lower(" * 60, "status IN ('bounced')", "subject = 'x' AND", "http://[", "http://x:99999",
    "https://ü.example/", "d-0", "Bearer x", "all", "total", "day", "group_by", ",,,", "row:5", "cm93OjU=", "cm93Oi01",
)  # fmt: skip
"""What breaks careless code: of no type, of too many characters, of two meanings."""

_NUMBERS_AND_DAYS = HOSTILE_TEXTS[:10] + tuple(
    text for text in HOSTILE_TEXTS[10:] if re.match(r" ?[0-9]", text)
)
"""Those that a parser of numbers or days may fall for."""

HOSTILE_BODIES = (
    b"", b"{", b"[]", b"null", b"5", b'"x"', b"\xff\xfe", b'{"a":"\\ud800"}', b"[" * 5000, b'{"ids":' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"limit":1e999}', b'{"limit":123456789012345678901234567890}', b'{"a":1,"a":2}', b'{"contacts":[null]}', b'{"contacts":[{"email":[]}]}',
)  # fmt: skip

hostile_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(HOSTILE_TEXTS),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=8), parts, max_size=3),
    max_leaves=6,
)  # fmt: skip


class Known:
    """What an account has, by the name of the property or the part of a path that it would stand in."""

    def __init__(self, account: Account) -> None:
        book, lists = account.book, account.membership.lists
        contacts = [book.contact_id(number) for number in range(5)]
        emails = [book.email(number) for number in range(5)]
        sends = [send.id for send in account.mailings.single_sends]
        self.names: dict[str, list[str]] = {
            "list_ids": [*lists],
            "ids": contacts,
            "contact_ids": [f"{contacts[0]},{contacts[1]}", contacts[2]],
            "emails": emails,
            "email": emails,
            "recipient_emails": emails,
            "identifiers": emails,
            "identifier_value": emails,
            "query": [
                f"email = '{emails[0]}'",
                "plan = 'free' AND NOT city LIKE 'B%'",
                "status IN ('bounced')",
            ],
            "field_mappings": ["_rf2_T", "e1_T"],
            "start_date": ["2026-09-01", "2025-12-31"],
            "end_date": ["2026-09-15", "2026-10-31"],
            "aggregated_by": ["day", "week", "month", "total"],
            "categories": account.mailings.categories,
            "subusers": [*account.subusers],
            "singlesend_ids": sends,
            "group_by": ["ab_variation", "step_id", "ab_variation,ab_phase"],
            "generations": ["legacy", "dynamic", "legacy,dynamic"],
            "page_size": ["1", "50"],
            "limit": ["1", "500"],
            "url": ["https://one.example/hook", "https://two.example/hook"],
        }
        export, job = account.exports.create([], [], "csv", 5000), account.imports.delete([])
        # An earlier test may have left some, up to as many as the plan permits.
        webhook = next(iter(account.webhooks.all()), None) or account.webhooks.create(
            {"url": "https://three.example/hook"}
        )
        self.paths: list[tuple[str, list[str]]] = [
            ("/v3/marketing/lists", [*lists]),
            ("/v3/marketing/segments", [*account.membership.segments]),
            ("/v3/marketing/contacts/exports", [export.id]),
            ("/v3/marketing/contacts/imports", [job]),
            ("/v3/marketing/contacts/search", ["email", "phone_number_id", "external_id", "anonymous_id"]),
            ("/v3/marketing/contacts", contacts),
            ("/v3/marketing/stats/automations", [*account.mailings.automations]),
            ("/v3/marketing", sends),
            ("/v3/templates", [template.id for template in account.mailings.templates]),
            ("/v3/asm/groups", [str(group.id) for group in account.groups]),
            ("/v3/logs", [*account.ledger.messages][:20]),
            ("/v3/user", [webhook.id]),
            ("/v3/contactdb/exports", [export.id]),
            ("/v3/contactdb/recipients", [legacy_id(email) for email in emails]),
            ("/v3/contactdb/segments", [str(one.legacy_id) for one in account.membership.segments.values()]),
            ("/v3/contactdb", [str(one.legacy_id) for one in lists.values()]),
            ("", emails),
        ]

    def texts(self, name: str) -> st.SearchStrategy[str]:
        """What fits a property, mostly, and what does not."""
        fitting = st.sampled_from(self.names[name]) if name in self.names else st.text(max_size=30)
        return st.integers(0, 7).flatmap(lambda n: st.sampled_from(HOSTILE_TEXTS) if n == 0 else fitting)

    def parts(self, template: str) -> st.SearchStrategy[str]:
        """What fits into a path, mostly, and what does not."""
        known = next(pool for prefix, pool in self.paths if template.startswith(prefix))
        fitting = st.sampled_from(known)
        return st.integers(0, 5).flatmap(lambda n: hostile_part if n == 0 else fitting)


hostile_part = (st.sampled_from(HOSTILE_TEXTS) | st.text(max_size=20)).filter(bool)


def made_from(schema: Mapping[str, Any], known: Known, name: str = "") -> st.SearchStrategy[Any]:
    """Values of a published schema, with something hostile in the place of a part now and then."""
    if "$ref" in schema:
        return made_from(sendgrid_openapi.shape(schema["$ref"]), known, name)
    kind = schema.get("type")
    if "enum" in schema:
        fitting: st.SearchStrategy[Any] = st.sampled_from(schema["enum"])
    elif kind == "object":
        properties = {key: made_from(part, known, key) for key, part in schema.get("properties", {}).items()}
        required = {key: properties.pop(key) for key in schema.get("required", ()) if key in properties}
        fitting = st.fixed_dictionaries(required, optional=properties)
        if name == "custom_fields":
            fitting = st.dictionaries(
                st.sampled_from(("e1_T", "e2_N", "e3_D")), st.sampled_from(("5", "x", 7))
            )
    elif kind == "array":
        fitting = st.lists(made_from(schema["items"], known, name), min_size=1, max_size=3)
    elif kind in ("integer", "number"):
        fitting = st.integers(schema.get("minimum", -3), schema.get("maximum", 1 << 62))
    elif kind == "boolean":
        fitting = st.booleans()
    else:
        fitting = known.texts(name)
    # Most parts fit, so that what is hostile is not refused because of its neighbours.
    return st.integers(0, 24).flatmap(lambda n: hostile_json if n == 0 else fitting)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(contacts=60, history_messages=600, **since_a_fixed_day()) as running:
        running.account.imports.delay = 0.02
        yield running


@pytest.fixture(scope="module")
def legacy() -> Iterator[Simulator]:
    with Simulator(contacts=60, history_messages=300, family="legacy", **since_a_fixed_day()) as running:
        yield running


def ask(
    simulator: Simulator,
    method: str,
    path: str,
    query: dict[str, str],
    body: bytes | None,
    published: bool,
) -> None:
    url = f"{simulator.url}{path}?{urlencode(query, errors='replace')}"
    headers = {"Authorization": f"Bearer {simulator.api_key}", "Content-Type": "application/json"}
    answer = SESSION.request(method, url, data=body, headers=headers, timeout=30, allow_redirects=False)
    assert answer.status_code < 500, f"{method} {url} {body!r}: {answer.text}"
    told = answer.json() if answer.content else None
    if answer.status_code >= 400:
        assert told["errors"][0]["message"], told
    answers = Answers()
    if published:
        answers.note(method, urlsplit(answer.url).path, answer.status_code, told)
    assert answers.unexplained() == {}, f"{method} {url} {body!r}"


SESSION = requests.Session()
EXAMPLES = 2500 if os.environ.get("SOAK") else 250
OPERATIONS = sorted(sendgrid_openapi.served())
NEW = [one for one in OPERATIONS if not re.match("/v3/(contactdb|campaigns)", one[1])]
LEGACY = [one for one in OPERATIONS if re.match("/v3/(contactdb|campaigns)", one[1])]


def requests_of(operations: list[tuple[str, str]], known: Known) -> st.SearchStrategy[tuple[Any, ...]]:
    def of(operation: tuple[str, str]) -> st.SearchStrategy[tuple[Any, ...]]:
        method, template = operation
        published = sendgrid_openapi.operations().get(operation)
        parts = st.tuples(*[known.parts(template)] * template.count("{}"))
        asked = published.query if published else {}
        required = st.fixed_dictionaries({name: known.texts(name) for name in asked})
        names = {*asked, "page_size", "page_token", "limit", "offset", "page", "aggregated_by"}
        others = st.dictionaries(st.sampled_from(sorted(names)), st.sampled_from(HOSTILE_TEXTS), max_size=2)
        query = st.tuples(st.booleans(), required, others).map(lambda q: (q[1] if q[0] else {}) | q[2])
        body: st.SearchStrategy[bytes | None] = st.none()
        if method != "GET":
            shape = (published.body if published else None) or {"type": "object"}
            encoded = made_from(shape, known).map(lambda value: json.dumps(value).encode())
            hostile = st.sampled_from(HOSTILE_BODIES) | st.binary(max_size=20)
            body = st.integers(0, 7).flatmap(lambda n: hostile if n == 0 else encoded)
        return st.tuples(st.just(method), st.just(template), parts, query, body)

    return st.sampled_from(operations).flatmap(of)


@pytest.mark.parametrize("family", ["new", "legacy"])
def test_any_request_gets_an_answer_of_sendgrids(
    family: str, simulator: Simulator, legacy: Simulator
) -> None:
    asked, operations = (legacy, LEGACY) if family == "legacy" else (simulator, NEW)

    @settings(RELAXED, max_examples=EXAMPLES if family == "new" else EXAMPLES // 4)
    @given(requests_of(operations, Known(asked.account)))
    def any_request(request: tuple[Any, ...]) -> None:
        method, template, parts, query, body = request
        path = template.format(*(quote(part, safe="", errors="replace") for part in parts))
        published = (method, template) in sendgrid_openapi.operations()
        ask(asked, method, path, query, body, published)

    any_request()


def test_each_parameter_takes_any_text(simulator: Simulator) -> None:
    """Each name at one operation that has it, with everything hostile: what reads it is the same at the others."""
    known, seen = Known(simulator.account), set[str]()
    for (method, template), published in sorted(sendgrid_openapi.operations().items()):
        fresh = [name for name in published.query if name not in seen]
        if method != "GET" or template.startswith("/v3/contactdb") or not fresh:
            continue
        seen.update(fresh)
        path = template.format(*[next(pool for start, pool in known.paths if template.startswith(start))[0]])
        fitting = {name: known.names[name][0] for name in published.query if name in known.names}
        for name, text in itertools.product(fresh, _NUMBERS_AND_DAYS):
            ask(simulator, method, path, fitting | {name: text}, None, published=False)
    assert {"limit", "page_size", "page_token", "start_date", "start_time", "group_by"} <= seen


path_bytes = st.binary(max_size=40).map(lambda raw: raw.translate(None, b" \r\n\t"))


@settings(RELAXED, max_examples=80)
@given(
    path_bytes,
    st.sampled_from(("GET", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "BREW")),
    st.binary(max_size=60),
)
def test_raw_bytes_get_no_5xx_from_either_port(
    simulator: Simulator, path: bytes, method: str, body: bytes
) -> None:
    for url in (simulator.url, simulator.files_url):
        head = f"{method} /".encode() + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        head += f"Authorization: Bearer {simulator.api_key}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        for status in re.findall(rb"HTTP/1\.1 (\d\d\d)", _talk(url, head + body)):
            assert int(status) < 500, (path, method, body)


def _talk(url: str, raw: bytes) -> bytes:
    parts, answer = urlsplit(url), b""
    with (
        contextlib.suppress(OSError),
        socket.create_connection((parts.hostname, parts.port), timeout=10) as connection,
    ):
        connection.sendall(raw)
        while data := connection.recv(65536):
            answer += data
    return answer


link_text = st.text(string.ascii_letters + string.digits + "-_%./", max_size=30)


@settings(RELAXED, max_examples=60)
@given(
    st.sampled_from(
        ("email-contact-exports/{}/{}", "contact-imports/{}", "contact-import-errors/{}", "{}/{}")
    ),
    link_text,
    link_text,
    st.dictionaries(
        st.sampled_from(("X-Expires-At", "X-Amz-Signature", "x")),
        st.sampled_from(HOSTILE_TEXTS) | link_text,
        max_size=3,
    ),
    st.sampled_from(("GET", "PUT", "POST")),
)
def test_forged_links_open_nothing(
    simulator: Simulator, path: str, one: str, other: str, query: dict[str, str], method: str
) -> None:
    headers = {"x-amz-server-side-encryption": "aws:kms"}
    url = f"{simulator.files_url}/{path.format(one, other)}?{urlencode(query)}"
    answer = SESSION.request(method, url, headers=headers, timeout=30)
    assert 400 <= answer.status_code < 500


class Tidying(RuleBasedStateMachine):
    """People who add, change and delete things in any order, while SendGrid is still busy with what they asked for before."""

    def __init__(self) -> None:
        super().__init__()
        options = {"contacts": 12, "history_messages": 20, "custom_fields": 3}
        self.simulator = Simulator(**options, **since_a_fixed_day()).start()
        self.client = Client(self.simulator)
        self.account = self.simulator.account
        self.jobs: list[str] = []
        self.exports: list[str] = []
        self.made = 0

    def teardown(self) -> None:
        self.simulator.stop()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.session.request(method, self.simulator.url + path, json=body, timeout=30)
        assert answer.status_code < 500, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else {}

    def lists(self) -> list[str]:
        return list(self.account.membership.lists)

    def contacts(self) -> list[str]:
        return [self.account.book.contact_id(int(number)) for number in self.account.book.numbers()[:5]]

    def started(self, told: dict[str, Any]) -> None:
        if "job_id" in told:
            self.jobs.append(told["job_id"])

    @rule()
    def make_a_list(self) -> None:
        self.made += 1
        self.ask("POST", "/v3/marketing/lists", {"name": f"List {self.made}"})

    @rule(data=st.data())
    def delete_a_list(self, data: st.DataObject) -> None:
        if lists := self.lists():
            extra = data.draw(st.sampled_from(("", "?delete_contacts=true")))
            self.started(
                self.ask("DELETE", f"/v3/marketing/lists/{data.draw(st.sampled_from(lists))}{extra}")
            )

    @rule(
        data=st.data(),
        identifiers=st.lists(st.sampled_from(("email", "external_id", "anonymous_id")), min_size=1),
    )
    def upsert(self, data: st.DataObject, identifiers: list[str]) -> None:
        number = data.draw(st.integers(1, 4))
        contact = {kind: f"{number}@x.example" if kind == "email" else str(number) for kind in identifiers}
        fields = [field.id for field in self.account.fields.custom]
        custom = (
            {data.draw(st.sampled_from(fields)): data.draw(st.sampled_from(("5", "x")))} if fields else {}
        )
        list_ids = data.draw(st.lists(st.sampled_from(self.lists()), max_size=2)) if self.lists() else []
        body = {"list_ids": list_ids, "contacts": [contact | {"custom_fields": custom}]}
        self.started(self.ask("PUT", "/v3/marketing/contacts", body))

    @rule(data=st.data())
    def import_a_file(self, data: st.DataObject) -> None:
        list_ids = data.draw(st.lists(st.sampled_from(self.lists()), max_size=2)) if self.lists() else []
        body = {"file_type": "csv", "field_mappings": ["_rf2_T"], "list_ids": list_ids}
        told = self.ask("PUT", "/v3/marketing/contacts/imports", body)
        headers = {one["header"]: one["value"] for one in told["upload_headers"]}
        content = data.draw(st.sampled_from((b"email\r\n1@x.example\r\n", b"", b"\xff", b"a,b\r\n")))
        assert requests.put(told["upload_uri"], content, headers=headers, timeout=30).status_code == 200
        self.started(told)

    @rule(data=st.data())
    def remove_from_a_list(self, data: st.DataObject) -> None:
        if (lists := self.lists()) and (contacts := self.contacts()):
            path = f"/v3/marketing/lists/{data.draw(st.sampled_from(lists))}/contacts"
            self.started(self.ask("DELETE", f"{path}?contact_ids={data.draw(st.sampled_from(contacts))}"))

    @rule(data=st.data(), kind=st.sampled_from(("EMAIL", "EXTERNALID", "ANONYMOUSID")))
    def take_an_identifier(self, data: st.DataObject, kind: str) -> None:
        if contacts := self.contacts():
            contact_id = data.draw(st.sampled_from(contacts))
            number = self.account.book.with_id(contact_id)
            held = {} if number is None else self.account.book.identifiers(number)
            value = held.get({"EMAIL": "email", "EXTERNALID": "external_id"}.get(kind, "anonymous_id"), "x")
            body = {"identifier_type": kind, "identifier_value": value}
            self.started(self.ask("DELETE", f"/v3/marketing/contacts/{contact_id}/identifiers", body))

    @rule(data=st.data())
    def delete_contacts(self, data: st.DataObject) -> None:
        if contacts := self.contacts():
            ids = ",".join(data.draw(st.lists(st.sampled_from(contacts), min_size=1, max_size=3)))
            self.started(self.ask("DELETE", f"/v3/marketing/contacts?ids={ids}"))

    @rule()
    def delete_all_contacts(self) -> None:
        self.started(self.ask("DELETE", "/v3/marketing/contacts?delete_all_contacts=true"))

    @precondition(lambda self: self.account.fields.custom)
    @rule(data=st.data())
    def remove_a_custom_field(self, data: st.DataObject) -> None:
        field = data.draw(st.sampled_from([field.id for field in self.account.fields.custom]))
        self.account.remove_custom_field(field)

    @precondition(lambda self: self.account.membership.segments)
    @rule(data=st.data())
    def delete_a_segment(self, data: st.DataObject) -> None:
        segment = data.draw(st.sampled_from(list(self.account.membership.segments.values())))
        path = "/v3/marketing/segments/2.0" if segment.version == "2" else "/v3/marketing/segments"
        self.ask("DELETE", f"{path}/{segment.id}")

    @rule(data=st.data())
    def export(self, data: st.DataObject) -> None:
        body = {
            "list_ids": data.draw(st.lists(st.sampled_from(self.lists()), max_size=2)) if self.lists() else []
        }
        self.exports.append(self.ask("POST", "/v3/marketing/contacts/exports", body)["id"])

    @rule(delay=st.sampled_from((0.0, 0.05)))
    def jobs_take_so_long(self, delay: float) -> None:
        self.account.imports.delay = delay

    @invariant()
    def everything_can_be_read(self) -> None:
        for job in self.jobs[-3:]:
            told = self.ask("GET", f"/v3/marketing/contacts/imports/{job}")
            if url := told["results"].get("errors_url"):
                assert requests.get(url, timeout=30).status_code == 200
        for export in self.exports[-2:]:
            for url in self.ask("GET", f"/v3/marketing/contacts/exports/{export}").get("urls", ()):
                assert requests.get(url, timeout=30).status_code == 200
        for path in ("lists", "segments/2.0", "segments", "contacts", "contacts/count", "field_definitions"):
            self.ask("GET", f"/v3/marketing/{path}")
        self.ask(
            "POST", "/v3/marketing/contacts/search", {"query": "email LIKE '%x%' OR external_id IS NOT NULL"}
        )


def test_no_order_of_changes_breaks_what_comes_after() -> None:
    """A job may run after what it is about was deleted; that is its own trouble, and nobody else's."""
    run_state_machine_as_test(Tidying, settings=settings(RELAXED, max_examples=15, stateful_step_count=15))
