"""Gauges of a worker: what it holds, how far behind it is, and whether it is ready."""

from collections.abc import Collection, Mapping

from streams.telemetry import metrics
from streams.worker.partition import Partition, now_ms


def measure(ready: bool, owned: Collection[Partition], lag: Mapping[tuple[str, int], int]) -> None:
    """Set the gauges to what is so now; of partitions that went to others nothing stays. `lag` is in records, by topic
    and partition."""
    sizes = [partition.standing.size for partition in owned]
    metrics.READY.set(ready)
    metrics.STATE_TOUCHES.set(sum(size.touches for size in sizes))
    metrics.STATE_BYTES.set(sum(size.memory for size in sizes))
    metrics.STATE_FILE_BYTES.set(sum(size.disk for size in sizes))
    metrics.STATE_FILES_REFUSED.set(any(size.refused for size in sizes))
    metrics.JOURNAL_SEGMENTS.set(sum(partition.segments for partition in owned))
    metrics.JOURNAL_GAP.set(sum(partition.gap for partition in owned))
    metrics.CONSUMER_LAG.clear()
    for (topic, number), records in lag.items():
        metrics.CONSUMER_LAG.labels(topic, number).set(records)
    _measure_time(owned, now_ms())


def _measure_time(owned: Collection[Partition], now: int) -> None:
    metrics.EVENT_TIME_LAG.clear()
    metrics.CLOCK_BEHIND.set(max([0.0, *(partition.hour * 3600 - now / 1000 for partition in owned)]))
    for partition in owned:
        for topic, newest in partition.newest.items():
            metrics.EVENT_TIME_LAG.labels(topic, partition.number).set((now - newest) / 1000)
