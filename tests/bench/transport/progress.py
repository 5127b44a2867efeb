"""What the producer and the worker of a benchmark share: the topics, and how far the worker is."""

from __future__ import annotations

import mmap
from pathlib import Path

PARTITIONS = 4
TOPICS = ("engagement", "checkout")


class Progress:
    """Records taken, one counter a partition, in a file that both processes map."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self.taken = memoryview(self._map).cast("q")
