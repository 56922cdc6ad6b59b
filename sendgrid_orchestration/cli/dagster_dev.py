"""Dagster from the outside: starting it for demo and benchmarks, and asking its webserver."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sendgrid_orchestration.cli.mistakes import CommandError
from sendgrid_orchestration.cli.processes import Children, answers, program
from sendgrid_orchestration.settings import PROJECT_ROOT

LAUNCH = """
mutation Launch($job: String!) {
  launchRun(executionParams: {
    selector: {repositoryLocationName: "sendgrid", repositoryName: "__repository__", jobName: $job}
    runConfigData: "{}"
  }) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""

HEALTH = """
{
  instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } }
  workspaceOrError { ... on Workspace { locationEntries { name loadStatus locationOrLoadError {
    __typename
    ... on PythonError { message }
  } } } }
}
"""


class Dagster:
    """A webserver and a daemon of their own, with their records in the folder's Postgres.

    Args:
        children: starts and stops them.
        home: Dagster's home; gets a copy of `dagster.yaml`.
        port: where the webserver listens.
    """

    def __init__(self, children: Children, home: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._children = children
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT_ROOT / "dagster.yaml", home)
        children.start("dagster", [program("dagster"), "dev", "--port", str(port)], DAGSTER_HOME=str(home))

    def wait_until_ready(self, seconds: float = 120) -> None:
        """Until the webserver answers, the definitions are loaded and every daemon beats.

        Raises:
            CommandError: the definitions do not load, Dagster ended, or the time is up.
        """
        self._children.wait_until(
            "Dagster's start", lambda: answers(f"{self.url}/server_info") and self._is_healthy(), seconds
        )

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What the webserver's GraphQL answers."""
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{self.url}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            answer: dict[str, Any] = json.load(response)
        if "errors" in answer:
            raise CommandError(f"Dagster did not understand: {answer['errors']}")
        return dict(answer["data"])

    def launch(self, job: str) -> str:
        """Start a job as its defaults have it.

        Returns:
            The run's id.

        Raises:
            CommandError: Dagster refuses.
        """
        answer = self.ask(LAUNCH, {"job": job})["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            raise CommandError(f"Dagster does not start {job}: {answer.get('message', answer['__typename'])}")
        return str(answer["run"]["runId"])

    def _is_healthy(self) -> bool:
        answer = self.ask(HEALTH)
        for location in answer["workspaceOrError"].get("locationEntries", []):
            problem = location["locationOrLoadError"] or {}
            if problem.get("__typename") == "PythonError":
                raise CommandError(f"Dagster cannot load the definitions: {problem['message']}")
            if location["loadStatus"] != "LOADED":
                return False
        daemons = answer["instance"]["daemonHealth"]["allDaemonStatuses"]
        return all(daemon["healthy"] for daemon in daemons if daemon["required"])
