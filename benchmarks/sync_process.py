"""One sync of recipients in a process of its own, so that its peak memory is its own: told by stdin, answers on stdout."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from pydantic import SecretStr

from sendgrid_orchestration.sendgrid.client import SendGridClient
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.sync import sync_object


def main() -> None:
    """Sync, and say how long it took once the file was here."""
    told = json.load(sys.stdin)
    downloaded: list[float] = []

    def progress(sentence: str) -> None:
        if sentence.startswith("File "):
            downloaded.append(time.perf_counter())

    client = SendGridClient(told["api"], SecretStr(told["key"]), source=told["schema"])
    source = Source.model_validate({"name": told["schema"]})
    result = sync_object(client, told["url"], source, "recipients", progress=progress)
    seconds = time.perf_counter() - downloaded[-1]
    told = {"seconds": seconds, "cpu": time.process_time(), "peak_mb": _peak_mb(), "read": result.rows_read}
    print(json.dumps(told))


def _peak_mb() -> float:
    """The most memory that this process had. Not getrusage's, which begins with what the parent had when it forked."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:", 1)[1].split(None, 1)[0]) / 1024


if __name__ == "__main__":
    main()
