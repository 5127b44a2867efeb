"""Partition queues: what belongs to one partition is worked on in turn, partitions are side by side."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class PartitionQueues(Generic[T]):
    """Has `work` awaited for everything put, from entering to leaving; with others that have the same `turns`, one for
    each partition, in turn too. What `work` raises ends all queues, and the task that entered them."""

    def __init__(self, work: Callable[[T], Awaitable[None]], turns: Mapping[int, asyncio.Lock]) -> None:
        self._work, self._turns = work, turns
        self._tasks = asyncio.TaskGroup()
        self._queues: dict[int, asyncio.Queue[T]] = {}

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._tasks.__aexit__(kind, error, trace)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    def put(self, partition: int, item: T) -> None:
        """Work on it after what that partition was given before."""
        if partition not in self._queues:
            self._queues[partition] = asyncio.Queue()
            self._tasks.create_task(self._serve(self._queues[partition], self._turns[partition]))
        self._queues[partition].put_nowait(item)

    async def _serve(self, queue: asyncio.Queue[T], turn: asyncio.Lock) -> None:
        while True:
            item = await queue.get()
            try:
                async with turn:
                    await self._work(item)
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task and not task.cancelling():  # a group would take that for the end of a queue
                    raise RuntimeError("work on a batch was cancelled") from error
                raise
