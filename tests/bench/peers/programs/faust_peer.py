"""Linear goal attribution with stock Faust (faust-streaming): an agent a topic, an event at a time, a Table by user with its
changelog topic, a second Table of totals whose changelog (compacted) is the result. STORE: memory:// or rocksdb://"""

import asyncio
import os
from collections.abc import AsyncIterator

import faust
from job import Progress, item_of, step

progress = Progress()
app = faust.App(
    os.environ["GROUP"],
    broker=f"kafka://{os.environ['BOOTSTRAP']}",
    store=os.environ.get("STORE", "rocksdb://"),
    datadir=os.environ["STATE"],
    topic_partitions=4,
    web_enabled=False,
    worker_redirect_stdouts=False,
    topic_disable_leader=True,
    stream_wait_empty=False,
    broker_commit_interval=1.0,
    consumer_max_fetch_size=4 << 20,
    producer_linger=0.05,
    producer_max_batch_size=262_144,
    producer_acks=-1,
)
raw = {"key_serializer": "raw", "value_serializer": "raw"}
engagement = app.topic(os.environ.get("ENGAGEMENT", "engagement"), **raw)
checkout = app.topic(os.environ.get("CHECKOUT", "checkout"), **raw)
credits = app.topic(
    os.environ["GROUP"] + "-credits", key_serializer="raw", value_serializer="json", partitions=4, internal=True
)
journeys = app.Table("journeys", partitions=4)
totals = app.Table("totals", partitions=4, default=int)


engaged = {"at": 0}  # ms of event time that the touches have come to


async def take(value: bytes) -> None:
    found = item_of(value)
    progress.one()
    if found is not None:
        user, item = found
        if item[0] == "t":
            engaged["at"] = max(engaged["at"], item[1])
        now, changes, changed = step(journeys.get(user), item)
        if changed:
            journeys[user] = now
        for key, change in changes:
            await credits.send(key=key.encode(), value=[key, change])


@app.agent(engagement)  # type: ignore[untyped-decorator]  # Faust has no types
async def touches(stream: AsyncIterator[bytes]) -> None:
    async for value in stream:
        await take(value)


@app.agent(checkout)  # type: ignore[untyped-decorator]  # Faust has no types
async def orders(stream: AsyncIterator[bytes]) -> None:
    # In a catch-up the small topic is read long before the large one: an order waits until the touches have come as far,
    # or have not moved for a second. Without this each touch would restate its user's orders.
    async for value in stream:
        found = item_of(value)
        while found is not None and engaged["at"] < found[1][1]:
            before = engaged["at"]
            await asyncio.sleep(0.05)
            for _ in range(19):
                if engaged["at"] != before:
                    break
                await asyncio.sleep(0.05)
            if engaged["at"] == before:
                break
        await take(value)


@app.agent(credits)  # type: ignore[untyped-decorator]  # Faust has no types
async def sums(stream: AsyncIterator[tuple[str, int]]) -> None:
    async for key, change in stream:
        totals[key] += change


if __name__ == "__main__":
    app.main()
