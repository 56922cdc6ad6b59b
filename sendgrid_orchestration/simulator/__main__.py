"""The simulator as a process of its own.

It prints one JSON line once it listens (`{"url": …, "files_url": …, "api_key": …}`), sends history and then live events to every
address of `--post-to` and to every webhook that somebody registers, and ends on SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import threading
from collections.abc import Iterator
from typing import Any

import orjson

from sendgrid_orchestration.simulator.account import Account
from sendgrid_orchestration.simulator.posts import SMOOTH, Event, Trouble
from sendgrid_orchestration.simulator.sender import SendSummary, WebhookSender
from sendgrid_orchestration.simulator.server import Simulator
from sendgrid_orchestration.simulator.webhooks import Webhook


def main(arguments: list[str] | None = None) -> int:
    """Run until a signal ends it."""
    options = _options(arguments)
    account = Account(
        seed=options.seed,
        contacts=options.contacts,
        custom_fields=options.custom_fields,
        family=options.family,
        history_days=options.days,
        history_messages=options.messages,
    )
    if options.api_key:
        account.add_key(options.api_key)
    simulator = Simulator(account, port=options.port, host=options.host)
    simulator.prepare()
    _say({"url": simulator.url, "files_url": simulator.files_url, "api_key": simulator.api_key})
    stop = threading.Event()
    feeds = _Feeds(account, options, stop)
    for url in options.post_to:
        feeds.open(url, None)
    threading.Thread(target=feeds.follow_webhooks, daemon=True).start()
    try:
        simulator.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        stop.set()
    return 0


class _Feeds:
    """Sends history, then the present, to every address: those of the command line, and those of registered webhooks."""

    def __init__(self, account: Account, options: argparse.Namespace, stop: threading.Event) -> None:
        self._account, self._options, self._stop = account, options, stop
        self._open: set[str] = set()

    def follow_webhooks(self) -> None:
        """Open a feed for each webhook that is enabled, within a second of its registration."""
        while not self._stop.wait(0.5):
            for webhook in self._account.webhooks.all():
                if webhook.values.get("enabled") and webhook.url not in self._open:
                    self.open(webhook.url, webhook)

    def open(self, url: str, webhook: Webhook | None) -> None:
        """Send to this address, on a thread of its own."""
        first = not self._open
        self._open.add(url)
        threading.Thread(target=self._send, args=(url, webhook, first), daemon=True).start()

    def _send(self, url: str, webhook: Webhook | None, first: bool) -> None:
        options, account = self._options, self._account
        sender = WebhookSender(url, lambda: webhook.private_key if webhook else None, deadline=86_400)
        trouble = Trouble() if options.trouble else SMOOTH
        # What the API tells follows from the account's own script; every other address hears the same from a copy.
        script = account.history if first else account.script(days=options.days, messages=options.messages)
        parts: list[tuple[str, Iterator[Event], dict[str, Any]]] = [
            ("history", iter(script), {"batch": options.batch, "rate": options.rate})
        ]
        if options.live:
            live = script.live(account.clock, messages_per_second=options.live, stop=self._stop)
            parts.append(("live", live, {"batch": options.live_batch}))
        for part, events, pace in parts:
            wanted = (event for event in events if webhook is None or webhook.wants(event["event"]))
            sent = sender.send(wanted, trouble=trouble, stop=self._stop, seed=options.seed, **pace)
            _report(part, url, sent)


def _report(part: str, url: str, sent: SendSummary) -> None:
    _say({"part": part, "url": url, **dataclasses.asdict(sent)})


def _say(told: object) -> None:
    sys.stdout.write(orjson.dumps(told, option=orjson.OPT_NON_STR_KEYS).decode() + "\n")
    sys.stdout.flush()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sendgrid_orchestration.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (default %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8180, help="the API's port; 0 takes a free one (default %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="the same seed makes the same account and history"
    )
    parser.add_argument("--contacts", type=int, default=1000, help="how many contacts (default %(default)s)")
    parser.add_argument(
        "--custom-fields", type=int, default=8, help="how many custom fields (default %(default)s)"
    )
    parser.add_argument(
        "--family", choices=("new", "legacy"), default="new", help="which Marketing Campaigns"
    )
    parser.add_argument("--api-key", help="one more key that may do everything")
    parser.add_argument("--days", type=int, default=30, help="days of history (default %(default)s)")
    parser.add_argument(
        "--messages", type=int, default=5000, help="messages in history (default %(default)s)"
    )
    parser.add_argument(
        "--post-to", action="append", default=[], metavar="URL", help="send events there; may be repeated"
    )
    parser.add_argument(
        "--rate", type=float, help="posts a second for history; as fast as they are taken if not given"
    )
    parser.add_argument(
        "--batch", type=int, default=100, help="events a post for history (default %(default)s)"
    )
    parser.add_argument(
        "--live",
        type=float,
        default=2.0,
        help="messages a second afterwards; 0 for none (default %(default)s)",
    )
    parser.add_argument(
        "--live-batch", type=int, default=1, help="events a post afterwards (default %(default)s)"
    )
    parser.add_argument(
        "--no-trouble", dest="trouble", action="store_false", help="no duplicates, everything in order"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
