"""The memory that requests hold together while they come, wait and are answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from streams.embedded.queue import FullError

MOST_HELD = 2**29
Take = Callable[[int], None]


class HeldBytes:
    """Counts bytes of bodies. One request that is alone may hold as much as any may."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._most, self._held, self._lock = most, 0, Lock()

    @contextmanager
    def share(self) -> Iterator[Take]:
        """What a request holds until the end of the block: it says of so many more bytes that it takes them, from any
        thread, and gets a FullError where all together hold too much, or its block has ended."""
        mine, ended = 0, False

        def take(number: int) -> None:
            nonlocal mine
            with self._lock:
                others = self._held - mine
                if ended or (others and self._held + number > self._most):
                    raise FullError(f"the bodies of other requests hold {others} bytes")
                mine += number
                self._held += number

        try:
            yield take
        finally:
            with self._lock:
                ended = True
                self._held -= mine
