"""Lets a producer work ahead of its consumer: Python shapes the next rows while Postgres stores the last ones."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

_LOOK_SECONDS = 0.1
_SWITCH_SECONDS = 0.0002
"""How long the producer may compute before a consumer that wakes up gets the interpreter. Python's 5 ms are about what
Postgres needs for what a socket holds: it would be idle for a quarter of the time."""


@contextmanager
def ahead(items: Iterator[T], depth: int) -> Iterator[Iterator[T]]:
    """Iterate in a thread, at most so many items ahead.

    An exception of the producer is raised where the consumer would have received the next item. When the consumer leaves
    early, the producer stops at its next item.

    Args:
        items: what the thread iterates over.
        depth: how many finished items may wait for the consumer; bounds the memory.
    """
    waiting: queue.Queue[T | _End] = queue.Queue(maxsize=depth)
    left = threading.Event()

    def offer(item: T | _End) -> bool:
        while not left.is_set():
            try:
                waiting.put(item, timeout=_LOOK_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for item in items:
                if not offer(item):
                    return
        except BaseException as error:
            offer(_End(error))
        else:
            offer(_End(None))

    def consume() -> Iterator[T]:
        while not isinstance(item := waiting.get(), _End):
            yield item
        if item.error is not None:
            raise item.error

    thread = threading.Thread(target=produce, name="ahead", daemon=True)
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    thread.start()
    try:
        yield consume()
    finally:
        left.set()
        thread.join()
        sys.setswitchinterval(usual)


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error
