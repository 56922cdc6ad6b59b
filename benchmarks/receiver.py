"""Signed posts that are verified and synchronised to disk, beside nginx that writes bodies to files without either.

One worker each (ours is a process for HTTP and one for signatures, nginx's a single process), the same posts from the same
load generator (wrk), taking turns. nginx reads a body only for an upstream, so it is its own, twice over: as its
documentation has it, with `proxy_pass` to an address, and at its best, over a Unix socket that stays open. Neither writes an
access log. Nothing is deleted before the end: ext4 slows the creation of files after a deletion of many, and nginx would
pay for it. What was written is flushed between the turns, so that none pays for the other's.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import yaml

from benchmarks.report import Report
from sendgrid_orchestration.receiver.access import store_public_key, webhook_url
from sendgrid_orchestration.settings import Settings
from tests.support.receiver import free_port
from tests.support.signing import SigningKey, body_of, events

WORK = Path(__file__).parent / ".work" / "receiver"
ROUNDS = 3
SECONDS = 3
CONNECTIONS = 64
LARGE_CONNECTIONS = 8
GOALS = {1: ">= 1.0", 100: "", 500: ">= 0.5"}

NGINX = """
worker_processes 1; daemon off; pid {work}/nginx.pid; error_log {work}/nginx.log crit; {user}
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000;
  client_max_body_size 16m; client_body_temp_path {work}/bodies; client_body_in_file_only on;
  proxy_temp_path {work}/unused; fastcgi_temp_path {work}/unused; uwsgi_temp_path {work}/unused; scgi_temp_path {work}/unused;
  upstream itself {{ server {upstream}; {keep} }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://itself; {keep_alive}
      proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_set_header X-File $request_body_file;
    }}
  }}
  server {{ listen {upstream} backlog=4096; location / {{ return 204; }} }}
}}
"""
DOCUMENTED, TUNED = "nginx", "tuned_nginx"

WRK = """
local requests, number = {}, 0
function init()
  for index, post in ipairs(posts) do requests[index] = wrk.format("POST", os.getenv("POST_PATH"), post[1], post[2]) end
end
function request()
  number = number % #requests + 1
  return requests[number]
end
"""


@dataclass(frozen=True)
class Side:
    """One of the two servers."""

    name: str
    port: int
    path: str
    pid: int


def run(report: Report) -> None:
    """Measure throughput at three sizes, then latency and memory at the largest body that SendGrid sends."""
    missing = [program for program in ("nginx", "wrk") if not _have(program)]
    if missing:
        why = f"{' and '.join(missing)} cannot be found, and apt-get could not install it."
        ratios = [f"vs_{peer}_{size}" for peer in (DOCUMENTED, TUNED) for size in GOALS]
        for name in (*ratios, "p99_ms_768kb", "peak_mb"):
            report.missing(f"receiver_{name}", why)
        return
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    key = SigningKey()
    try:
        with (
            _nginx(DOCUMENTED) as documented,
            _nginx(TUNED) as tuned,
            _receiver(key) as ours,
            PeakMemory(ours.pid) as memory,
        ):
            for size in GOALS:
                _compare(report, size, _posts(key, size), ours, (documented, tuned))
            large = _posts(key, 1830, count=4)
            p99 = median(_wrk(ours, large, LARGE_CONNECTIONS)[1] for _ in range(ROUNDS))
            report.add(
                "receiver_p99_ms_768kb",
                p99,
                unit="ms",
                goal="< 250",
                detail=f"bodies of 768 KB, {LARGE_CONNECTIONS} connections without a pause",
            )
            report.add(
                "receiver_peak_mb",
                memory.peak,
                unit="MB",
                goal="< 200",
                detail="all processes together (main, worker, verifier), proportional set size, throughout",
            )
    finally:
        shutil.rmtree(WORK, ignore_errors=True)


def _compare(report: Report, size: int, posts: Path, ours: Side, peers: tuple[Side, ...]) -> None:
    sides = (*peers, ours)
    rates: dict[str, list[float]] = {side.name: [] for side in sides}
    for _ in range(ROUNDS):
        for side in sides:
            rates[side.name].append(_wrk(side, posts, CONNECTIONS)[0])
    for peer in peers:
        pairs = zip(rates[ours.name], rates[peer.name], strict=True)
        report.add(
            f"receiver_vs_{peer.name}_{size}",
            median(mine / theirs for mine, theirs in pairs),
            goal=GOALS[size] if peer.name == DOCUMENTED else "",
            detail=f"posts/s of {size} events: ours {median(rates[ours.name]):,.0f}, "
            f"nginx {median(rates[peer.name]):,.0f}",
        )


def _wrk(side: Side, posts: Path, connections: int) -> tuple[float, float]:
    """Posts a second and the 99th percentile of the time to an answer, in milliseconds."""
    os.sync()
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        "--latency",
        "-s",
        str(posts),
        f"http://127.0.0.1:{side.port}",
    ]
    environment = {**os.environ, "POST_PATH": side.path}
    for seconds in (1, SECONDS):  # the first to warm up
        done = subprocess.run(
            [*command, f"-d{seconds}"], env=environment, capture_output=True, text=True, check=True
        ).stdout
    if "Non-2xx" in done or "Socket errors" in done:
        raise RuntimeError(f"{side.name} did not take every post:\n{done}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", done)
    assert rate and p99
    return float(rate[1]), float(p99[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]]


def _posts(key: SigningKey, size: int, count: int = 40) -> Path:
    """A script for wrk with so many different signed posts of so many events."""
    script = WORK / f"posts-{size}.lua"
    with script.open("w") as file:
        file.write("posts = {}\n")
        for number in range(count if size < 100 else min(count, 10)):
            body = body_of(events(number * size, size))
            headers = ", ".join(
                f'["{name}"] = {_lua(value.encode())}' for name, value in key.headers(body).items()
            )
            file.write(f"posts[{number + 1}] = {{ {{ {headers} }}, {_lua(body)} }}\n")
        file.write(WRK)
    return script


def _lua(data: bytes) -> str:
    return (
        '"'
        + "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03d}" for byte in data)
        + '"'
    )


@contextmanager
def _nginx(name: str) -> Iterator[Side]:
    work = WORK / name
    (work / "bodies").mkdir(parents=True)
    port = free_port()
    tuned = name == TUNED
    config = work / "nginx.conf"
    config.write_text(
        NGINX.format(
            work=work,
            port=port,
            user="user root;" if os.geteuid() == 0 else "",
            upstream=f"unix:{work}/nginx.sock" if tuned else f"127.0.0.1:{free_port()}",
            keep="keepalive 128;" if tuned else "",
            keep_alive='proxy_http_version 1.1; proxy_set_header Connection "";' if tuned else "",
        )
    )
    with _process(["nginx", "-c", str(config), "-p", str(work)], port) as process:
        yield Side(name, port, "/", process.pid)


@contextmanager
def _receiver(key: SigningKey) -> Iterator[Side]:
    port = free_port()
    content = {"data_dir": str(WORK / "data"), "sources": [{"name": "bench"}], "receiver": {"port": port}}
    config = WORK / "sendgrid.yaml"
    config.write_text(yaml.safe_dump(content))
    settings = Settings.model_validate(content)
    store_public_key(settings.data_dir, "bench", key.public)
    path = "/" + webhook_url(settings, "bench").split("/", 3)[3]
    environment = {**os.environ, "SENDGRID_CONFIG": str(config)}
    for name in ("SENDGRID_DATA_DIR", "LANDING_URL"):
        environment.pop(name, None)
    with _process([sys.executable, "-m", "sendgrid_orchestration.receiver"], port, environment) as process:
        yield Side("ours", port, path, process.pid)


@contextmanager
def _process(
    command: list[str], port: int, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server that listens, ended behind."""
    with (WORK / f"{Path(command[0]).name}.out").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command[0]} did not start; see {log.name}") from error
                time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(60)


def _have(program: str) -> bool:
    if shutil.which(program) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["update"], ["install", "--yes", "--no-install-recommends", program]):
            subprocess.run(["apt-get", "--quiet", *command], capture_output=True, check=False)
    return shutil.which(program) is not None


class PeakMemory(threading.Thread):
    """Watches what a process and its descendants take together; memory that they share counts once."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._stop_watching = threading.Event()
        self.peak = 0.0

    def __enter__(self) -> PeakMemory:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_watching.set()
        self.join()

    def run(self) -> None:
        """Look five times a second."""
        while not self._stop_watching.wait(0.2):
            self.peak = max(self.peak, sum(map(_megabytes, _family(self._pid))))


def _family(pid: int) -> list[int]:
    """The process, and those that it and its descendants started."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(OSError):
                found += map(int, children.read_text().split())
    return found


def _megabytes(pid: int) -> float:
    with suppress(OSError):
        size = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        return int(size[1]) / 1024 if size else 0.0
    return 0.0
