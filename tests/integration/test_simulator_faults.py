"""What goes wrong on purpose goes wrong exactly as planned."""

import time
from collections.abc import Iterator

import pytest
import requests

from sendgrid_orchestration.simulator import Simulator

LISTS = "/v3/marketing/lists"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(contacts=30, history_messages=10) as running:
        yield running


def get(simulator: Simulator, path: str = LISTS) -> requests.Response:
    headers = {"Authorization": f"Bearer {simulator.api_key}"}
    return requests.get(simulator.url + path, headers=headers, timeout=20)


def test_a_fault_spoils_so_many_requests_and_no_more(simulator: Simulator) -> None:
    simulator.faults.server_error(LISTS, times=2)
    simulator.faults.add("/v3/scopes", status=400, body={"errors": [{"message": "authorization required"}]})
    assert [get(simulator).status_code for _ in range(3)] == [503, 503, 200]
    assert get(simulator, "/v3/scopes").json()["errors"][0]["message"] == "authorization required"


def test_too_many_requests_tells_when_to_come_back(simulator: Simulator) -> None:
    simulator.faults.too_many_requests(LISTS, wait=7, style="epoch")
    simulator.faults.too_many_requests(LISTS, wait=7, style="delta", retry_after=True)
    simulator.faults.too_many_requests(LISTS, headers=False)
    epoch, delta, silent = (get(simulator) for _ in range(3))
    assert {epoch.status_code, delta.status_code, silent.status_code} == {429}
    assert float(epoch.headers["X-RateLimit-Reset"]) > time.time()
    assert delta.headers["X-RateLimit-Reset"] == delta.headers["Retry-After"] == "7"
    assert not [name for name in silent.headers if "rate" in name.lower()]


def test_a_rate_limit_turns_away_what_is_too_much(simulator: Simulator) -> None:
    simulator.limits.set(LISTS, requests=2, seconds=0.3)
    answers = [get(simulator) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[0].headers["X-RateLimit-Remaining"] == "1"
    time.sleep(0.35)
    assert get(simulator).status_code == 200


def test_connections_break_before_and_within_an_answer(simulator: Simulator) -> None:
    simulator.faults.add(LISTS, reset="before")
    with pytest.raises(requests.ConnectionError):
        get(simulator)
    simulator.faults.add(LISTS, reset="middle")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        get(simulator)
    assert get(simulator).status_code == 200


def test_an_answer_can_be_slow(simulator: Simulator) -> None:
    simulator.faults.add(LISTS, delay=0.3)
    began = time.monotonic()
    get(simulator)
    assert time.monotonic() - began > 0.3


def test_pages_can_be_null_repeat_and_lead_elsewhere(simulator: Simulator) -> None:
    simulator.faults.null_array(LISTS)
    assert get(simulator).json()["result"] is None
    simulator.faults.repeated_page(LISTS)
    first = get(simulator, f"{LISTS}?page_size=2").json()
    second = requests.get(
        first["_metadata"]["next"], headers={"Authorization": f"Bearer {simulator.api_key}"}, timeout=20
    ).json()
    assert second["result"] == first["result"]
    simulator.faults.foreign_next(LISTS, "evil.example")
    assert get(simulator).json()["_metadata"]["next"].startswith("http://evil.example/")


def test_something_can_happen_between_two_pages(simulator: Simulator) -> None:
    first = next(iter(simulator.account.membership.lists))
    simulator.faults.between_pages(LISTS, lambda: simulator.account.delete_list(first))
    before = get(simulator, f"{LISTS}?page_size=2").json()["_metadata"]["count"]
    assert get(simulator, f"{LISTS}?page_size=2").json()["_metadata"]["count"] == before - 1


def test_the_log_shows_requests_with_the_key_masked(simulator: Simulator) -> None:
    get(simulator, f"{LISTS}?page_size=5")
    seen = simulator.log.all(LISTS)[0]
    assert (seen.method, seen.query, seen.status, seen.port) == ("GET", "page_size=5", 200, "api")
    assert seen.headers["authorization"] == "***"
    assert simulator.api_key not in repr(simulator.log.all())


def test_a_link_can_have_expired(simulator: Simulator) -> None:
    exports = simulator.account.exports
    job = exports.create([], [], "csv", 5000)
    told = [exports.poll(job.id) for _ in range(2)][-1]
    simulator.faults.expired_link()
    statuses = [requests.get(told["urls"][0], timeout=20).status_code for _ in range(2)]
    assert statuses == [403, 200]
    assert [seen.port for seen in simulator.log.all("/email-contact-exports/")] == ["files", "files"]
