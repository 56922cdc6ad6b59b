"""The interface of destinations, as its page describes it: the class that stands there is run here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from sendgrid_orchestration.destinations import deliverer, interface, mapping
from sendgrid_orchestration.destinations.deliverer import deliver
from sendgrid_orchestration.settings import PROJECT_ROOT
from tests.support.deliveries import IMPATIENT, Events, set_keys, source_with, webhook
from tests.support.landed import event

PAGE = (PROJECT_ROOT / "docs" / "destinations.md").read_text(encoding="utf-8")


@pytest.fixture
def collector() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Takes lines; refuses a request for each line about user3, by its place."""
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            lines = self.rfile.read(int(self.headers["Content-Length"])).split(b"\n")
            things = [json.loads(line) for line in lines]
            refused = [place for place, thing in enumerate(things) if thing["who"].startswith("user3@")]
            if not refused:
                taken.extend(things)
            body = json.dumps({"refused": refused}).encode()
            self.send_response(422 if refused else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/lines", taken
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_destination_of_the_page_works(
    warehouse_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    collector: tuple[str, list[dict[str, Any]]],
) -> None:
    url, taken = collector
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    names: dict[str, Any] = {**vars(interface), "mapping": mapping, "orjson": orjson, "SecretStr": SecretStr}
    exec("from __future__ import annotations\n" + code, names)  # what the page shows is what is tested
    made = names["Lines"]("webhook", url, SecretStr("token"))
    monkeypatch.setattr(deliverer, "open_destination", lambda *_, **__: made)
    set_keys(monkeypatch)
    events = Events(warehouse_url, tmp_path)
    events.load([*(event(n) for n in range(8)), event(8, email="")])
    done = deliver(events.url, source_with(webhook(url)), "webhook", policy=IMPATIENT)
    assert (done.accepted, done.rejected, done.invalid, done.calls) == (7, 1, 1, 2)
    assert {thing["who"] for thing in taken} == {f"user{n}@example.com" for n in (0, 1, 2, 4, 5, 6, 7)}
    assert events.rows("select state, reason from sendgrid_raw.delivery_exceptions order by 1") == [
        ("invalid", "no address"),
        ("rejected", "refused line"),
    ]


def test_the_page_has_every_name_and_property_of_the_mapping() -> None:
    for track in mapping.TRACK_NAMES:
        assert track.name in PAGE
        if not track.opt_in:
            assert f"`{track.table}`" in PAGE
    for item in mapping.PROPERTIES:
        if item.segment:
            assert f"`{item.segment}`" in PAGE, item.segment
