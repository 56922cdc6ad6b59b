"""Starts Superset as a process of its own and stops it cleanly."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dashboards import environment

START_SECONDS = 300
STOP_SECONDS = 3
"""For answers under way. What Python does after that, taking Superset's modules apart, nobody needs to wait for."""

SERVER = Path(__file__).parent / "server"


class SupersetError(Exception):
    """Superset did not start, or ended by itself; the message ends with what its log says."""


@dataclass(frozen=True)
class Superset:
    """A running Superset."""

    url: str
    user: str
    password_file: Path
    log: Path
    process: subprocess.Popen[str]

    def wait(self) -> None:
        """Return only if Superset ends by itself, and then with an error.

        Raises:
            SupersetError: always.
        """
        self.process.wait()
        raise SupersetError(f"Superset ended by itself. The end of {self.log}:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """The last lines of Superset's log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-12:])


@contextmanager
def running(
    home: Path, assets: dict[str, str], port: int, *, say: Callable[[str], None] = print
) -> Iterator[Superset]:
    """Superset, serving the assets on 127.0.0.1, until the block ends.

    Args:
        home: a folder for its metadata, secrets and log; what an earlier start did there is not done again.
        assets: the import bundle.
        port: where to listen.
        say: receives a line before each step that takes long.

    Raises:
        environment.EnvironmentMissingError: Superset cannot be installed.
        SupersetError: it does not start.
    """
    if not environment.is_ready():
        say("Installing Superset into an environment of its own (650 MB, once) …")
    python = environment.ensure_ready()
    first = not (home / "done.json").exists()
    say("Starting Superset for the first time, about a minute …" if first else "Starting Superset …")
    home.mkdir(parents=True, exist_ok=True)
    secret(home / "secret_key")
    password_file = secret(home / "admin_password")
    log = home / "superset.log"
    with log.open("w", encoding="utf-8") as opened:
        process = subprocess.Popen(
            [str(python), str(SERVER / "serve.py"), "--port", str(port)],
            env=_variables(home),
            stdin=subprocess.PIPE,
            stdout=opened,
            stderr=subprocess.STDOUT,
            text=True,
            # Ctrl-C reaches the launcher alone, which then stops Superset in order.
            start_new_session=True,
        )
    superset = Superset(f"http://127.0.0.1:{port}", "admin", password_file, log, process)
    try:
        _send(process, assets)
        _wait_until_healthy(superset)
        yield superset
    finally:
        _stop(process)


def exported(home: Path) -> dict[str, str]:
    """What the Superset of this folder holds, as its own export writes it: file names and contents.

    Raises:
        SupersetError: there is none yet, or it cannot be read.
    """
    if not (home / "done.json").exists():
        raise SupersetError(f"There is no Superset in {home} yet. Start it once with `make dashboards`.")
    command = [str(environment.ensure_ready()), str(SERVER / "export.py")]
    result = subprocess.run(command, env=_variables(home), capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SupersetError(f"Superset cannot export what it holds:\n{result.stderr[-2000:]}")
    contents: dict[str, str] = json.loads(result.stdout.splitlines()[-1])
    return contents


def secret(file: Path) -> Path:
    """A file with a random secret, made at its first use; only this user can read it."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(
            os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as opened:
            opened.write(secrets.token_urlsafe(24))
    return file


def free_port(wanted: int) -> int:
    """The wanted port of 127.0.0.1, or any free one where another program has it."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise SupersetError("No port of 127.0.0.1 is free.")


def _variables(home: Path) -> dict[str, str]:
    # Superset's own settings come from its configuration file alone, and nothing of the project's reaches it.
    kept = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "SUPERSET_HOME": str(home),
        "SUPERSET_CONFIG_PATH": str(SERVER / "superset_config.py"),
    }


def _send(process: subprocess.Popen[str], assets: dict[str, str]) -> None:
    assert process.stdin is not None
    try:
        with process.stdin as pipe:
            json.dump(assets, pipe)
    except BrokenPipeError:
        pass  # it died before it read them, and its log says why


def _wait_until_healthy(superset: Superset) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and superset.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{superset.url}/health", timeout=5):  # noqa: S310
                return
        except OSError:
            time.sleep(0.2)
    raise SupersetError(f"Superset does not start. The end of {superset.log}:\n{superset.log_tail()}")


def _stop(process: subprocess.Popen[str]) -> None:
    """Ask it to end, then end the whole group: no worker is left behind."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
