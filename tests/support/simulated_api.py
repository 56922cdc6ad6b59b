"""Asks a simulated account over HTTP, as a person would."""

from __future__ import annotations

import csv
import gzip
import io
import time
from typing import Any

import requests

from sendgrid_orchestration.simulator import Simulator


class Client:
    """A person with curl: one key, no cleverness."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {simulator.api_key}"

    def ask(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        answer = self.session.request(method, self.simulator.url + path, json=body, timeout=20)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def get(self, path: str, *, status: int = 200) -> Any:
        return self.ask("GET", path, status=status)

    def pages(self, path: str, key: str = "result") -> list[Any]:
        rows: list[Any] = []
        url: str | None = self.simulator.url + path
        while url:
            body = self.session.get(url, timeout=20).json()
            rows += body[key]
            url = body["_metadata"].get("next")
        return rows

    def job(self, job_id: str) -> dict[str, Any]:
        """What a change of contacts came to, once it is done."""
        path = f"/v3/marketing/contacts/imports/{job_id}"
        deadline = time.monotonic() + 20
        while (told := self.get(path))["status"] == "pending":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return dict(told)

    def change(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Ask for a change of contacts, and wait until it is done."""
        return self.job(self.ask(method, path, body, status=202)["job_id"])

    def export(self, **body: Any) -> tuple[dict[str, Any], list[dict[str, str]]]:
        job = self.ask("POST", "/v3/marketing/contacts/exports", body, status=202)
        while (told := self.get(f"/v3/marketing/contacts/exports/{job['id']}"))["status"] == "pending":
            time.sleep(0.01)
        rows: list[dict[str, str]] = []
        for url in told.get("urls", []):
            raw = requests.get(url, timeout=20).content
            text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()
            rows += csv.DictReader(io.StringIO(text))
        return told, rows


def segment_integration(events: tuple[str, ...] | list[str] = ("open", "click")) -> dict[str, Any]:
    """One of SendGrid's own integrations with Segment, as the API gives it."""
    return {
        "integration_id": "5a1234",
        "filters": {"email_events": list(events)},
        "properties": {"write_key": "integration-write-key", "destination_region": "US"},
        "label": "Untitled Integration",
        "destination": "Segment",
    }
