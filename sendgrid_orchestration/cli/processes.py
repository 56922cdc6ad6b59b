"""Starts the project's own programs as children and stops every one of them, whatever happens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Self

from sendgrid_orchestration.cli.mistakes import CommandError
from sendgrid_orchestration.settings import PROJECT_ROOT

_TELL_TO_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Children:
    """Programs that live as long as the `with` block.

    Attributes:
        logs: the folder where each writes what it says.
    """

    logs: Path
    _running: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Nothing runs yet."""
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all, the last started first."""
        clear_up_undisturbed()
        while self._running:
            name, process = self._running.pop()
            _stop(name, process)

    def start(self, name: str, command: Sequence[str | Path], **environment: str) -> subprocess.Popen[bytes]:
        """Start a program of its own session: Ctrl-C in the terminal is for us, and we stop it in our order."""
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=PROJECT_ROOT,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append((name, process))
        return process

    def stop(self, name: str) -> None:
        """Stop one of them, as politely as all are stopped at the end."""
        for entry in [entry for entry in self._running if entry[0] == name]:
            self._running.remove(entry)
            _stop(*entry)

    def log(self, name: str) -> Path:
        """Where that program writes."""
        return self.logs / f"{name}.log"

    def check(self) -> None:
        """Raise if one of them has ended by itself.

        Raises:
            CommandError: with the last lines that it wrote.
        """
        for name, process in self._running:
            if process.poll() is not None:
                lines = self.log(name).read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
                raise CommandError(
                    f"The {name} ended with code {process.returncode}. The last it said ({self.log(name)}):\n"
                    + "\n".join(lines)
                )

    def wait_until(self, what: str, is_so: Callable[[], bool], seconds: float) -> None:
        """Wait for something that the programs bring about.

        Raises:
            CommandError: one of them ended, or the time is up.
        """
        deadline = time.monotonic() + seconds
        while not is_so():
            self.check()
            if time.monotonic() > deadline:
                raise CommandError(
                    f"{what} did not happen within {seconds:.0f} s. See the logs in {self.logs}."
                )
            time.sleep(0.25)


def program(name: str) -> Path:
    """A program of this Python's own environment."""
    return Path(sys.executable).with_name(name)


def answers(url: str) -> bool:
    """Whether an HTTP server answers 200 there."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own servers
            return bool(response.status == 200)
    except OSError:  # urllib's errors are OSErrors
        return False


def free_port(preferred: int) -> int:
    """This port if nothing uses it, else any other."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise CommandError("This machine has no free port.")


@contextmanager
def until_told_to_stop() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal end the block as a KeyboardInterrupt that goes no further.

    Also where a shell started us in the background, and so had SIGINT ignored, in us and in our children.
    """
    before = {number: signal.signal(number, _interrupt) for number in _TELL_TO_STOP}
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def clear_up_undisturbed() -> None:
    """From here on nobody can interrupt: a second Ctrl-C would leave programs behind."""
    for number in _TELL_TO_STOP:
        signal.signal(number, lambda *_: None)  # and not SIG_IGN, which programs that we start would inherit


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    clear_up_undisturbed()
    raise KeyboardInterrupt


def _stop(name: str, process: subprocess.Popen[bytes]) -> None:
    """Ask, wait, and only then insist; afterwards nothing of its session is left."""
    patience = {"dagster": 25.0}.get(name, 10.0)
    for number, seconds in ((signal.SIGINT, patience), (signal.SIGTERM, 5.0)):
        if process.poll() is not None:
            break
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
