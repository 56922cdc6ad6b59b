"""Runs in dlt's own environment: merge posts (one a line) into Postgres, and say how many seconds it took."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt

LISTS: dict[str, Any] = {name: {"data_type": "json"} for name in ("category", "url_offset", "pool")}


@dlt.resource(name="events", write_disposition="merge", primary_key="sg_event_id")
def events(file: str, posts: int | None) -> Iterator[list[dict[str, Any]]]:
    """The items of so many posts."""
    with Path(file).open("rb") as lines:
        for number, line in enumerate(lines):
            if posts is not None and number >= posts:
                return
            yield json.loads(line)


def main() -> None:
    """Load one post, so that the tables are there; then all of them against the clock."""
    url, file, folder, lists = sys.argv[1:]
    if lists == "as-json":
        events.apply_hints(columns=LISTS)
    pipeline = dlt.pipeline(
        "bench", pipelines_dir=folder, destination=dlt.destinations.postgres(url), dataset_name="merged"
    )
    pipeline.run(events(file, 1))
    began = time.perf_counter()
    pipeline.run(events(file, None)).raise_on_failed_jobs()
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
