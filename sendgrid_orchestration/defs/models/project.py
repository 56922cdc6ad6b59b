"""The dbt project on disk: its manifest, the environment that a source's run needs, the command line.

dbt's own way of preparing (`DbtProject.prepare_if_dev`) parses the project in every process, which triples the start of
each run. Here it is parsed only when a file is newer than the manifest.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from psycopg.conninfo import conninfo_to_dict

from sendgrid_orchestration.settings import PROJECT_ROOT, Source

PROJECT = PROJECT_ROOT / "dbt_project"
PARSED_SCHEMA = "sendgrid"
"""The schema that the shared manifest is parsed with; each source puts its own in its place."""

FLAGS = ("--no-use-colors", "--no-write-json", "--log-level-file", "info")
"""What every run of dbt gets. Dagster follows the events that dbt prints: to write them as JSON too takes it a second, and to
log each statement two megabytes for each update."""

_PARTS = ("models", "macros", "seeds", "tests", "snapshots", "analyses")


class DbtProjectError(Exception):
    """The dbt project cannot be parsed; the message holds what dbt said."""


def manifest(project: Path = PROJECT) -> dict[str, Any]:
    """The parsed project; parses it first if a file has changed since.

    Raises:
        DbtProjectError: dbt cannot parse it.
    """
    path = project / "target" / "manifest.json"
    if _is_stale(project, path):
        with _locked(path.parent):
            if _is_stale(project, path):
                _parse(project, path)
    parsed: dict[str, Any] = orjson.loads(path.read_bytes())
    return parsed


def environment(url: str, source: Source, project: Path = PROJECT) -> dict[str, str]:
    """The environment variables through which dbt learns which database and which source it works for."""
    where = conninfo_to_dict(url)
    return {
        "DBT_HOST": str(where.get("host", "localhost")),
        "DBT_PORT": str(where.get("port", 5432)),
        "DBT_USER": str(where.get("user", "")),
        "DBT_PASSWORD": str(where.get("password", "")),
        "DBT_DBNAME": str(where.get("dbname", "")),
        "DBT_PROFILES_DIR": str(project),
        "SENDGRID_SCHEMA": source.schema_,
        "SENDGRID_SOURCE": source.name,
    }


def executable() -> str:
    """The dbt of this Python's own environment."""
    return str(Path(sys.executable).with_name("dbt"))


def _is_stale(project: Path, path: Path) -> bool:
    try:
        parsed_at = path.stat().st_mtime
    except FileNotFoundError:
        return True
    return any(changed_at > parsed_at for changed_at in _changes(project))


def _changes(project: Path) -> Iterator[float]:
    """When each file and folder was last changed: a folder's time tells of files that are gone."""
    yield (project / "dbt_project.yml").stat().st_mtime
    for part in _PARTS:
        for folder, _, files in os.walk(project / part):
            yield Path(folder).stat().st_mtime
            for file in files:
                yield (Path(folder) / file).stat().st_mtime


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    # Webserver, daemon and run workers import the definitions at the same moment; one of them parses.
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".parsing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _parse(project: Path, path: Path) -> None:
    unplaced = dict.fromkeys(("DBT_HOST", "DBT_USER", "DBT_PASSWORD", "DBT_DBNAME"), "-")
    # In full: after a partial parse singular tests may lack what their YAML says (dbt-core 1.11), tags and description.
    done = subprocess.run(
        [executable(), "--no-use-colors", "--no-partial-parse", "parse", "--project-dir", str(project)],
        env={
            **os.environ,
            **unplaced,
            "DBT_PORT": "5432",
            "DBT_PROFILES_DIR": str(project),
            "DBT_TARGET_PATH": str(path.parent),
            "DBT_LOG_PATH": str(path.parent),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "SENDGRID_SCHEMA": PARSED_SCHEMA,
            "SENDGRID_SOURCE": PARSED_SCHEMA,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DbtProjectError(
            f"dbt cannot parse {project.name}:\n{done.stdout.strip()}\n{done.stderr.strip()}".strip()
        )
    path.touch()  # dbt may leave an unchanged manifest as it is
