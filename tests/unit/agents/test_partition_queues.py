"""Partition queues: partitions side by side, each in turn, and a defect that ends them all."""

import asyncio
from collections import defaultdict

import pytest

from streams.agents.partition_queues import PartitionQueues

Item = tuple[int, int]  # partition, number


def test_partitions_are_side_by_side_and_each_is_in_turn() -> None:
    done: list[Item] = []
    gate, all_done = asyncio.Event(), asyncio.Event()

    async def work(item: Item) -> None:
        if item == (0, 0):
            await gate.wait()
        done.append(item)
        if len(done) == 3:
            gate.set()
        if len(done) == 6:
            all_done.set()

    async def scenario() -> None:
        async with asyncio.timeout(10), PartitionQueues(work, defaultdict(asyncio.Lock)) as queues:
            for number in range(3):
                for partition in range(2):
                    queues.put(partition, (partition, number))
            await all_done.wait()
            raise EOFError  # nothing else ends it

    with pytest.raises(EOFError):
        asyncio.run(scenario())
    assert done == [(1, 0), (1, 1), (1, 2), (0, 0), (0, 1), (0, 2)]


def test_what_work_raises_ends_the_others_and_whoever_waits_for_more() -> None:
    ended: list[int] = []

    async def work(number: int) -> None:
        try:
            await asyncio.sleep(60 if number else 0)
            raise ZeroDivisionError
        finally:
            ended.append(number)

    async def scenario() -> None:
        async with PartitionQueues(work, defaultdict(asyncio.Lock)) as queues:
            queues.put(1, 1)
            queues.put(0, 0)
            await asyncio.sleep(60)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(scenario())
    assert sorted(ended) == [0, 1]


def test_who_is_cancelled_while_waiting_for_more_is_cancelled() -> None:
    async def work(_: int) -> None:
        await asyncio.sleep(60)

    async def waiting() -> None:
        async with PartitionQueues(work, defaultdict(asyncio.Lock)) as queues:
            queues.put(0, 0)
            await asyncio.sleep(60)

    async def scenario() -> None:
        task = asyncio.create_task(waiting())
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(scenario())


def test_work_that_somebody_else_cancelled_is_a_defect() -> None:
    async def work(_: int) -> None:
        raise asyncio.CancelledError

    async def scenario() -> None:
        async with asyncio.timeout(10), PartitionQueues(work, defaultdict(asyncio.Lock)) as queues:
            queues.put(0, 0)
            await asyncio.sleep(60)

    with pytest.raises(RuntimeError, match="was cancelled"):
        asyncio.run(scenario())
