"""Every metric of the worker, and nothing else. Labels are bounded: topics, reasons, goals, tables.

Counters are by worker: sum them. What is known of a goal as a whole, any worker may publish: take the largest.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, ProcessCollector

from streams.core.events.dead_letters import REASONS
from streams.core.events.topics import COSTS, ERASURES, KEYED

OUTCOMES = ("accepted", "duplicate", "repeated", "ignored", "no_consent", "dead_letter")
REGISTRY = CollectorRegistry()
_SUMMED = ("process_resident_memory_bytes", "process_cpu_seconds")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60)
_RECORDS = (1, 10, 100, 500, 1000, 2000, 4000, 8000, 16000)


class _Processes(ProcessCollector):
    """Memory, CPU time, open files and start of this process; memory and CPU time with those that work for it."""

    others: Sequence[int] = ()  # their ids

    def collect(self) -> Iterable[Metric]:
        """The metrics now."""
        own = list(super().collect())
        others = [ProcessCollector(pid=partial(str, pid), registry=None).collect() for pid in self.others]
        theirs = [each for other in others for each in other]
        for metric in (each for each in own if each.name in _SUMMED):
            more = sum(each.samples[0].value for each in theirs if each.name == metric.name)
            metric.samples = [sample._replace(value=sample.value + more) for sample in metric.samples]
        return own


PROCESSES = _Processes(registry=REGISTRY)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(f"maalstrom_{name}", text, labels, registry=REGISTRY)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(f"maalstrom_{name}", text, labels, registry=REGISTRY)


def _histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(f"maalstrom_{name}", text, buckets=buckets, registry=REGISTRY)


EVENTS = _counter("events_total", "Records by what became of them.", "topic", "outcome")
DEAD_LETTERS = _counter("dead_letters_total", "Records that could not be used.", "topic", "reason")
IGNORED = _counter("ignored_total", "Legal messages that are not for us.", "topic", "event")
FIELD_FAULTS = _counter("field_faults_total", "Fields that could not be read and were left out.", "topic", "field")
PLACEHOLDER_IDS = _counter("placeholder_ids_total", "Ids of people that are nobody's.", "topic")
CONFLICTING_IDS = _counter("conflicting_ids_total", "Message ids of two different messages.", "topic")
ORDER_CONFLICTS = _counter("order_conflicts_total", "Orders completed again by somebody else or in another currency.")
MISROUTED = _counter("misrouted_total", "Records sent on to the partition that their key belongs to.", "topic")
CONVERSIONS = _counter("goal_conversions_total", "Conversions reported for the first time.", "goal")
REVERSALS = _counter("goal_reversals_total", "Times that something of a reported conversion was taken back.", "goal")
EVENT_TIME_LAG = _gauge("event_time_lag_seconds", "Now minus the newest event time.", "topic", "partition")
CONSUMER_LAG = _gauge("consumer_lag_records", "Records not worked on yet.", "topic", "partition")
END_TO_END = _histogram("end_to_end_seconds", "From a record's timestamp to ClickHouse's acknowledgement.", _SECONDS)
BATCH_SECONDS = _histogram("batch_seconds", "From a batch's arrival to its segment's acknowledgement.", _SECONDS)
BATCH_RECORDS = _histogram("batch_records", "Records in a batch.", _RECORDS)
FLUSH_SECONDS = _histogram("sink_flush_seconds", "Writing changed rows to ClickHouse, retries included.", _SECONDS)
SINK_ROWS = _counter("sink_rows_total", "Rows that ClickHouse acknowledged.", "table")
SINK_FAILURES = _counter("sink_failures_total", "Attempts at ClickHouse that failed and were repeated.")
LAST_FLUSH = _gauge(
    "sink_last_flush_timestamp_seconds",
    "When ClickHouse last had all that had changed until then; before the first time, when the worker started.",
)
READY = _gauge("ready", "1 while partitions are restored and ClickHouse answers, else 0.")
OTHER_CAMPAIGNS = _counter("other_campaigns_total", "Events whose campaign was one too many of the day: `(other)`.")
CLOCK_JUMPS = _counter("clock_jumps_total", "Times that the host's clock was set by more than a minute.")
CLOCK_BEHIND = _gauge("clock_behind_seconds", "How far the hour of reports is ahead of the clock: it was wrong, or is.")
STATE_TOUCHES = _gauge("state_touches", "Engagement events retained, in memory and in files.")
STATE_BYTES = _gauge("state_bytes", "Bytes of memory that the state of all partitions takes, an estimate.")
STATE_FILE_BYTES = _gauge("state_file_bytes", "Bytes of the files that state beyond `MAALSTROM_STATE_MEMORY` is in.")
STATE_FILES_REFUSED = _gauge(
    "state_files_refused", "1 while such files cannot be written and all is in memory, else 0."
)
JOURNAL_GAP = _gauge("journal_gap_records", "Source offsets that the journal misses or covers twice; must be 0.")
JOURNAL_SEGMENTS = _gauge("journal_segments", "Segments that the partitions of this worker have in the journal.")
JOURNAL_BYTES = _gauge("journal_bytes", "Bytes of the journal beside the state; memory: the disk takes none.", "where")
EXPECTED = _gauge("goal_expected_conversions", "Conversions to be expected in the next minute.", "goal")
DROP_PROBABILITY = _gauge("goal_drop_probability", "That conversions have dropped; 0.5 raises an alarm.", "goal")
WATCH_FAILURES = _counter("watch_failures_total", "Looks for drops of conversions that failed and are repeated.")


def declare(goals: Iterable[str], topics: Sequence[str] = KEYED) -> None:
    """Begin at 0 what is counted of these goals and of every topic: a rate misses the first of a series that was not
    there before."""
    sources = (*topics, ERASURES, COSTS)
    for topic, outcome in product(sources, OUTCOMES):
        EVENTS.labels(topic, outcome)
    for topic, reason in product(sources, REASONS):
        DEAD_LETTERS.labels(topic, reason)
    for goal in goals:
        CONVERSIONS.labels(goal)
        REVERSALS.labels(goal)
