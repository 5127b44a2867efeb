"""Which offsets of a partition may be committed: those of the longest acknowledged prefix, and no further."""

from __future__ import annotations

from collections import deque


class OffsetTracker:
    """The batches of one partition that are being worked on, during one assignment of that partition.

    All offsets are *next* offsets, as Kafka commits them: one more than the last offset that they cover. A tracker
    lives no longer than the assignment, so that an acknowledgement that comes late never reaches the next owner.
    """

    __slots__ = ("_order", "_sizes", "acknowledged", "committed", "pending_bytes")

    def __init__(self, start: int) -> None:
        self._order: deque[int] = deque()
        self._sizes: dict[int, int] = {}
        #: The offset up to which everything handed out has been acknowledged.
        self.acknowledged = start
        #: The offset up to which the group coordinator has accepted a commit in this assignment.
        self.committed = start
        #: Bytes handed out and not yet acknowledged.
        self.pending_bytes = 0

    @property
    def pending(self) -> int:
        """The number of batches handed out and not yet acknowledged."""
        return len(self._sizes)

    @property
    def committable(self) -> int | None:
        """The offset to commit now, or None when the coordinator has it already."""
        return self.acknowledged if self.acknowledged > self.committed else None

    def add(self, next_offset: int, size: int) -> None:
        """Note a batch that is handed out, of `size` bytes.

        Raises:
            ValueError: it does not come after the batch before it.
        """
        newest = self._order[-1] if self._order else self.acknowledged
        if next_offset <= newest:
            raise ValueError(f"batch ends at offset {next_offset}, not after {newest}: it was handed out before")
        self._order.append(next_offset)
        self._sizes[next_offset] = size
        self.pending_bytes += size

    def extend(self, next_offset: int, size: int) -> None:
        """The batch noted last now ends there and has `size` more bytes.

        Raises:
            ValueError: it has been acknowledged, or there is none, or it does not grow.
        """
        newest = self._order[-1] if self._order else self.acknowledged
        if next_offset <= newest or newest not in self._sizes:
            raise ValueError(f"no batch that ends at offset {newest} can go on to {next_offset}")
        self._order[-1] = next_offset
        self._sizes[next_offset] = self._sizes.pop(newest) + size
        self.pending_bytes += size

    def acknowledge(self, next_offset: int) -> None:
        """Note that the effects of a batch are durable; an unknown batch or a second time changes nothing."""
        self.pending_bytes -= self._sizes.pop(next_offset, 0)
        while self._order and self._order[0] not in self._sizes:
            self.acknowledged = self._order.popleft()
