"""Linear goal attribution with Bytewax. Run: python -m bytewax.run bytewax_peer:flow -r DB -s 5 -b 0

Two keyed stateful steps (a user's journey; the total of a minute and campaign), snapshots to Bytewax's own SQLite recovery
store every 5 s, as its documentation recommends for production; absolute totals to a compacted topic with its KafkaSink.
"""

import os
from collections.abc import Sequence
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from job import Progress, item_of, step

BROKERS = [os.environ["BOOTSTRAP"]]
TOPICS = [os.environ.get("ENGAGEMENT", "engagement"), os.environ.get("CHECKOUT", "checkout")]
progress = Progress()


def decoded(messages: Sequence[Any]) -> list[Any]:
    """A batch at once (flat_map_batch): the documented way to avoid a Python call an item."""
    progress_one = progress.one
    out = []
    for message in messages:
        item = item_of(message.value)
        progress_one()
        if item is not None:
            out.append(item)
    return out


def journey(state: Any, item: Any) -> tuple[Any, Any]:
    state, changes, _ = step(state, item)
    return state, changes


def total(state: int | None, change: int) -> tuple[int, list[int]]:
    state = (state or 0) + change
    return state, [state]


def message_of(item: tuple[str, int]) -> KafkaSinkMessage:
    key, value = item
    return KafkaSinkMessage(key.encode(), str(value).encode())


flow = Dataflow("attribution")


def topic(name: str, batch: int) -> Any:
    """One input a topic. A catch-up reads every partition in turn, a batch each, so the batches are in proportion to the
    traffic: else all orders would be read before 2 % of the touches, and be restated with each touch."""
    settings = {"fetch.message.max.bytes": str(4 << 20), "fetch.queue.backoff.ms": "5"}
    return op.input(
        name, flow, KafkaSource(BROKERS, [TOPICS[name == "checkout"]], tail=True, batch_size=batch, add_config=settings)
    )


messages = op.merge("both", topic("engagement", 2000), topic("checkout", 40))
items = op.flat_map_batch("decode", messages, decoded)
changes = op.stateful_flat_map("journeys", items, journey)
credited = op.map("credited", changes, lambda change: change[1])
totals = op.stateful_flat_map("totals", credited, total)
op.output(
    "out", op.map("message", totals, message_of), KafkaSink(BROKERS, os.environ["OUT"], add_config={"linger.ms": "50"})
)
