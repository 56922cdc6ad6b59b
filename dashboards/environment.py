"""Superset's own environment: made once, from the hashed lock beside this file, and made again when the lock changes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
LOCK = FOLDER / "requirements.lock"
VENV = FOLDER / ".venv"
PYTHON = VENV / "bin" / "python"
_INSTALLED = VENV / "installed.lock.sha256"

SUPPORTED = ((3, 11), (3, 13))
"""From, and below. Superset 6.1 is pinned to numpy 1.26, which has no build for Python 3.13."""


class EnvironmentMissingError(Exception):
    """Superset's environment cannot be made; the message says what is missing."""


def is_ready() -> bool:
    """Whether the environment holds exactly what the lock names."""
    return (
        PYTHON.exists() and _INSTALLED.exists() and _INSTALLED.read_text(encoding="utf-8") == _fingerprint()
    )


def ensure_ready() -> Path:
    """Make the environment unless it is there (about 650 MB).

    Returns:
        Its Python.

    Raises:
        EnvironmentMissingError: uv or a fitting Python is missing, or a package cannot be had.
    """
    if not is_ready():
        uv = _uv()
        low, high = (".".join(map(str, version)) for version in SUPPORTED)
        ours = SUPPORTED[0] <= sys.version_info[:2] < SUPPORTED[1]
        python = sys.executable if ours else f">={low},<{high}"
        _run(
            f"Superset needs a Python from {low} to below {high}. Install one, or let uv fetch it: "
            "`make dashboards UV_PYTHON_DOWNLOADS=automatic`",
            *(uv, "venv", "--quiet", "--clear", "--python", python, str(VENV)),
        )
        _run(
            f"Superset could not be installed from {LOCK.name}. Check that this machine reaches a package index",
            *(
                uv,
                "pip",
                "sync",
                "--quiet",
                "--compile-bytecode",
                "--require-hashes",
                "--python",
                str(PYTHON),
                str(LOCK),
            ),
        )
        _INSTALLED.write_text(_fingerprint(), encoding="utf-8")
    return PYTHON


def _fingerprint() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def _uv() -> str:
    ours = FOLDER.parent / ".uv" / "bin" / "uv"
    found = str(ours) if ours.exists() else shutil.which("uv")
    if not found:
        raise EnvironmentMissingError("uv is missing. Start this with `make dashboards`, which installs it.")
    return found


def _run(remedy: str, *command: str) -> None:
    # An active environment of the caller's must not be taken for the one to install into.
    variables = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    result = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise EnvironmentMissingError(f"{remedy}.\nuv said: {result.stderr.strip()}")
