"""`python -m benchmarks [topic …]`: run the named topics, or all of them, one after the other."""

from __future__ import annotations

import argparse
import importlib

from benchmarks.report import Report

TOPICS = ("receiver", "load", "visible", "sync", "marts")


def main() -> None:
    """Run, print the table, write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("topics", nargs="*", metavar="topic", help=f"any of: {', '.join(TOPICS)}")
    topics = parser.parse_args().topics or TOPICS
    if unknown := set(topics) - set(TOPICS):
        parser.error(f"no such topic: {', '.join(sorted(unknown))}. There are {', '.join(TOPICS)}")
    report = Report()
    for topic in topics:
        report.console.rule(topic)
        importlib.import_module(f"benchmarks.{topic}").run(report)
        report.write()
    report.show()


if __name__ == "__main__":
    main()
