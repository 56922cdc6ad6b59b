"""Settings of the private Postgres for the machine that it finds itself on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MEGABYTE = 1024 * 1024


def configuration(port: int, data: Path) -> str:
    """The text of `machine.conf`, written anew at every start.

    Args:
        port: where the server listens.
        data: its data directory, whose disk bounds the log of changes.
    """
    memory = _memory_megabytes()
    disk = shutil.disk_usage(data).free // MEGABYTE
    values = {
        "listen_addresses": "'127.0.0.1'",
        "port": port,
        "unix_socket_directories": "''",
        "password_encryption": "scram-sha-256",
        # Dagster keeps a few connections for each run, dbt one for each thread.
        "max_connections": 200,
        "shared_buffers": f"{_within(128, memory // 8, 2048)}MB",
        "effective_cache_size": f"{_within(256, memory // 2, 65536)}MB",
        "work_mem": f"{_within(8, memory // 256, 64)}MB",
        "maintenance_work_mem": f"{_within(64, memory // 32, 512)}MB",
        "random_page_cost": 1.1,
        # Bulk loads write much log in a short time; rare checkpoints write each page of an index once, not ten times.
        "max_wal_size": f"{_within(512, disk // 10, 4096)}MB",
        "min_wal_size": "256MB",
        "wal_buffers": "16MB",
        # Compressing costs a second of computing for each 10,000 pages that a sync touches, to save 14 MB of log that passes.
        "wal_compression": "off",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": 0.9,
        # Nothing replicates from this server, and so a table that dbt builds anew is not written twice.
        "wal_level": "minimal",
        "max_wal_senders": 0,
        "jit": "off",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "log_min_duration_statement": "30s",
    }
    return "".join(f"{name} = {value}\n" for name, value in values.items())


def _within(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))


def _memory_megabytes() -> int:
    """What this machine, or the container that we are in, may use."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        limit = physical
    return min(physical, limit) // MEGABYTE
