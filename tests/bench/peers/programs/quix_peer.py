"""Linear goal attribution with Quix Streams: state by user in RocksDB with changelog topics (its default), the two topics
concatenated (which aligns partitions by time), credits grouped by (minute, campaign), totals to a compacted topic."""

import os
from typing import Any

from job import Progress, item_of, step
from quixstreams import Application

progress = Progress()


def journey(item: Any, state: Any) -> Any:
    was = state.get("journey")
    now, changes, changed = step(was, item)
    if changed:
        state.set("journey", now)
    return changes


def total(change: tuple[str, int], state: Any) -> Any:
    now = state.get("total", 0) + change[1]
    state.set("total", now)
    return now


def decoded(value: bytes) -> Any:
    progress.one()
    found = item_of(value)
    return found[1] if found else None


def main() -> None:
    app = Application(
        broker_address=os.environ["BOOTSTRAP"],
        consumer_group=os.environ["GROUP"],
        auto_offset_reset="earliest",
        state_dir=os.environ["STATE"],
        commit_interval=1.0,
        loglevel="WARNING",
        consumer_poll_timeout=0.05,  # the default, 1 s, is spent whole whenever one aligned partition has to wait
        consumer_extra_config={"fetch.message.max.bytes": 4 << 20, "fetch.queue.backoff.ms": 5},
        producer_extra_config={"linger.ms": 50, "batch.size": 262_144},
    )
    keyed = {"key_deserializer": "str", "value_deserializer": "bytes"}
    engagement = app.dataframe(app.topic(os.environ.get("ENGAGEMENT", "engagement"), **keyed))
    checkout = app.dataframe(app.topic(os.environ.get("CHECKOUT", "checkout"), **keyed))
    # What counts for nothing is left out before any state is touched.
    both = engagement.concat(checkout).apply(decoded).filter(lambda item: item is not None)
    credits = both.apply(journey, stateful=True, expand=True)
    grouped = credits.group_by(lambda change: change[0], name="minute-campaign")
    out = app.topic(os.environ["OUT"], key_serializer="str", value_serializer="json")
    grouped.apply(total, stateful=True).to_topic(out)
    app.run()


if __name__ == "__main__":
    main()
