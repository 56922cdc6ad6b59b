"""Bounds the memory that posts in flight take: a body is read only once there is room for it."""

from __future__ import annotations

import asyncio
from collections import deque


class Room:
    """A number of bytes that requests share; those that find no room queue up.

    Belongs to one event loop and is used on its thread alone.
    """

    def __init__(self, size: int, patience_seconds: float) -> None:
        """Make room.

        Args:
            size: bytes in flight at once; a request larger than that gets in alone.
            patience_seconds: how long a request may wait.
        """
        self._size = size
        self._patience = patience_seconds
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()
        self.used = 0

    def enter_at_once(self, size: int) -> bool:
        """Take room if there is some and nobody waits for it."""
        if self._queue or not self._fits(size):
            return False
        self.used += size
        return True

    async def enter(self, size: int) -> bool:
        """Take room, waiting for it; False where patience ended first."""
        if self.enter_at_once(size):
            return True
        turn = asyncio.get_running_loop().create_future()
        self._queue.append((size, turn))
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except TimeoutError:
            if not turn.cancelled():
                return True  # room was made in the very moment
            self._admit()
            return False
        return True

    def leave(self, size: int) -> None:
        """Give room back, and let in who waits."""
        self.used -= size
        self._admit()

    def _admit(self) -> None:
        while self._queue:
            size, turn = self._queue[0]
            if not turn.done():
                if not self._fits(size):
                    return
                self.used += size
                turn.set_result(None)
            self._queue.popleft()

    def _fits(self, size: int) -> bool:
        return self.used == 0 or self.used + size <= self._size
