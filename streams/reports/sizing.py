"""How large a deployment has to be, by what was measured; docs/operations/sizing.md says where constants are from."""

from __future__ import annotations

import math
from dataclasses import dataclass

EVENT_BYTES = 480  # of a simulated event in a topic, without compression
TOUCH_BYTES = 31.7  # of memory a retained touch takes in the index
STATE_MEMORY = 537e6  # of memory that a worker has for touches (MAALSTROM_STATE_MEMORY); the rest is in files
FILTER_BYTES = 7.6  # of memory a touch in files takes
FILE_BYTES = 37.1  # on a worker's disk a touch in files takes
ORDER_BYTES = 2700  # of memory an order takes, with its conversion
JOURNAL_BYTES = 31.7  # a retained event takes in the journal, in Kafka and on a worker's disk
LINK_ROWS = 2  # such rows for each user who is known by another token first
WORKER_BYTES = 160e6  # of a worker and three processes of ledgers before any data
EVENTS_A_SECOND = 40_000  # of one worker on two cores: half of what it makes, the rest is for catching up
CONVERSION_BYTES = 210  # in ClickHouse, with all its credit
COUNT_BYTES = 4  # in ClickHouse, of a count by the minute: at most one an event
SKETCH_BYTES = 100e3  # in ClickHouse, of the users of a campaign and day, at most
ROOM = 8e9  # bytes of memory that a worker had better not exceed
PARTITIONS_A_WORKER = 4  # as many processes as are of use
WINDOW = 7  # days: the longest window that goals have by default


@dataclass(frozen=True)
class Load:
    """What comes: events and users, how long orders are kept (days), and what else sizes depend on.

    `lateness` is how late touches may come (days; None = as long as orders are kept); `peak` is the busiest minute over
    the mean one; `conversions` the share of events that complete one; `replication` that of Kafka's topics.
    """

    events_a_day: float
    users: float
    days: float
    conversions: float = 0.02
    campaigns: int = 50
    peak: float = 5
    replication: int = 3
    lateness: float | None = None

    @property
    def touches(self) -> float:
        """How many rows of touches and links are kept."""
        days = self.days if self.lateness is None else min(self.days, self.lateness + WINDOW)
        return self.events_a_day * days + LINK_ROWS * self.users

    @property
    def orders(self) -> float:
        """How many orders are kept."""
        return self.events_a_day * self.conversions * self.days


@dataclass(frozen=True)
class Sizes:
    """What a deployment takes: bytes, but for the counts of workers and partitions and the events a second."""

    events_a_second: float
    at_peak: float
    memory: float
    disk: float
    workers: int
    partitions: int
    topics: float
    journal: float
    clickhouse_a_year: float

    @property
    def memory_a_worker(self) -> float:
        """Of one worker, where all of them run."""
        return self.memory / self.workers + WORKER_BYTES


def plan(load: Load) -> Sizes:
    """What that load takes."""
    mean = load.events_a_day / 86_400
    least = load.touches * FILTER_BYTES + load.orders * ORDER_BYTES
    workers = max(1, math.ceil(load.peak * mean / EVENTS_A_SECOND), math.ceil(least / (ROOM - STATE_MEMORY)))
    journal = (load.events_a_day * load.days + LINK_ROWS * load.users) * JOURNAL_BYTES
    in_files = max(0.0, load.touches - workers * STATE_MEMORY / TOUCH_BYTES)
    return Sizes(
        events_a_second=mean,
        at_peak=load.peak * mean,
        memory=(load.touches - in_files) * TOUCH_BYTES + in_files * FILTER_BYTES + load.orders * ORDER_BYTES,
        disk=journal + 2 * in_files * FILE_BYTES,
        workers=workers,
        partitions=1 << (workers * PARTITIONS_A_WORKER - 1).bit_length(),
        topics=load.events_a_day * load.days * EVENT_BYTES * load.replication,
        journal=journal * load.replication,
        clickhouse_a_year=365 * _clickhouse(load),
    )


def _clickhouse(load: Load) -> float:
    """Bytes a day."""
    orders = load.events_a_day * load.conversions * CONVERSION_BYTES
    return orders + load.events_a_day * COUNT_BYTES + load.campaigns * SKETCH_BYTES


def lines(done: Sizes) -> list[tuple[str, str]]:
    """The plan as people read it: what, and how much."""
    each = f", {size(done.memory_a_worker)} of memory each" + " (and one more, so that one may be lost)"
    return [
        ("events a second", f"{done.events_a_second:,.0f}, {done.at_peak:,.0f} at the peak"),
        ("workers of two cores", f"{done.workers}{each}"),
        ("disk of a worker", size(done.disk / done.workers)),
        ("partitions", f"{done.partitions}"),
        ("Kafka, events", size(done.topics)),
        ("Kafka, journal", size(done.journal)),
        ("ClickHouse, a year", size(done.clickhouse_a_year)),
    ]


def size(count: float) -> str:
    """A number of bytes."""
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 1000:
            return f"{count:,.1f} {unit}"
    return f"{count / 1000:,.1f} TB"
