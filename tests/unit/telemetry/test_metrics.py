"""The metrics as a worker fills them: right values, from real use of the loop with an embedded database."""

import ast
import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from streams.core.attribution.models import MODELS
from streams.core.events.batch import Batch
from streams.sinks.clickhouse.client import Client, DatabaseError, connect
from streams.telemetry import metrics
from streams.worker.ledgers.processes import ProcessExecutor
from streams.worker.ports import Kafka
from streams.worker.worker import Worker
from tests.support.messages import HOUR, order, refund, touch
from tests.support.worker.parts import RULES, Group, Journal, Producer

Scenario = Callable[[Worker], Awaitable[None]]


class Behind(Group):
    """A group that has records to work on."""

    def lag(self) -> dict[tuple[str, int], int]:
        return {("engagement", 0): 7, ("checkout", 0): 0}


def read(name: str, **labels: str) -> float:
    """A sample now, 0 where there is none."""
    return metrics.REGISTRY.get_sample_value(f"maalstrom_{name}", labels) or 0


def labelled(name: str) -> set[tuple[str, ...]]:
    """The label values of every sample of a metric."""
    families = [family for family in metrics.REGISTRY.collect() if family.name == f"maalstrom_{name}"]
    return {tuple(sample.labels.values()) for family in families for sample in family.samples}


def run(scenario: Scenario, client: Client | None = None) -> None:
    """Run a scenario with a worker that owns one partition."""

    async def whole(client: Client) -> None:
        worker = Worker(RULES, client, Kafka(Journal(), Producer(), Behind()), 1)
        await worker.assign({0})
        await scenario(worker)

    with client or connect("chdb://memory") as opened:
        asyncio.run(whole(opened))


async def take(worker: Worker, topic: str, offset: int, *values: bytes, age: float = 0) -> None:
    """Give the worker records that were sent `age` seconds ago."""
    batch = Batch(topic, values, [b"u1"] * len(values), range(offset, offset + len(values)))
    await worker.take(batch, [int((time.time() - age) * 1000)] * len(values), lambda: None)


def test_every_sample_of_a_worker_that_worked_is_right() -> None:
    now = time.time_ns() // 1_000_000 - HOUR
    counters = {
        "accepted": ("events_total", {"topic": "checkout", "outcome": "accepted"}, 3),
        "duplicate": ("events_total", {"topic": "engagement", "outcome": "duplicate"}, 1),
        "conversions": ("goal_conversions_total", {"goal": "g"}, 2),
        "reversals": ("goal_reversals_total", {"goal": "g"}, 1),
        "batches": ("batch_records_count", {}, 3),
        "records": ("batch_records_sum", {}, 5),
        "batch seconds": ("batch_seconds_count", {}, 3),
        "end to end": ("end_to_end_seconds_count", {}, 3),
        "flushes": ("sink_flush_seconds_count", {}, 2),
        "conversion rows": ("sink_rows_total", {"table": "conversions"}, 3),
        "attribution rows": ("sink_rows_total", {"table": "goal_attribution"}, 2 * len(MODELS)),
        "failures": ("sink_failures_total", {}, 0),
    }
    before = {key: read(name, **labels) for key, (name, labels, _) in counters.items()}
    started = time.time()

    async def scenario(worker: Worker) -> None:
        worker.measure()
        assert read("ready") == 0
        await take(worker, "engagement", 0, touch("e1", now, user="u1"), touch("e1", now, user="u1"))
        await take(worker, "checkout", 0, *(order(f"o{n}", now + n, f"order-{n}", user="u1") for n in range(2)))
        await worker.flush()
        await take(worker, "checkout", 2, refund("r1", now + 5, "order-1", user="u1"))
        await worker.flush()
        worker.measure()
        assert read("ready") == 1
        assert labelled("consumer_lag_records") == {("engagement", "0"), ("checkout", "0")}
        assert read("consumer_lag_records", topic="engagement", partition="0") == 7
        assert 3600 <= read("event_time_lag_seconds", topic="engagement", partition="0") < 3700
        assert [read(name) for name in ("state_touches", "state_file_bytes", "journal_gap_records")] == [1, 0, 0]
        assert read("state_bytes") > 0
        assert read("journal_segments") == worker.partitions[0].segments > 0
        assert started <= read("sink_last_flush_timestamp_seconds") <= time.time()

    run(scenario)
    found = {key: read(name, **labels) - before[key] for key, (name, labels, _) in counters.items()}
    assert found == {key: wanted for key, (_, _, wanted) in counters.items()}


def test_what_can_be_counted_is_there_from_the_start() -> None:
    async def nothing(_: Worker) -> None: ...

    run(nothing)
    assert ("g",) in labelled("goal_conversions")
    assert {("checkout", outcome) for outcome in metrics.OUTCOMES} <= labelled("events")
    assert ("engagement", "malformed") in labelled("dead_letters")


def test_nothing_stays_of_partitions_that_went_to_others() -> None:
    async def scenario(worker: Worker) -> None:
        await take(worker, "engagement", 0, touch("e1", 0, user="u1"))
        worker.measure()
        assert ("engagement", "0") in labelled("consumer_lag_records") & labelled("event_time_lag_seconds")
        worker.revoke()
        worker.measure()

    run(scenario)
    assert labelled("consumer_lag_records") == labelled("event_time_lag_seconds") == set()
    assert read("state_touches") == read("state_bytes") == read("journal_segments") == read("ready") == 0


def test_duplicates_do_not_wait_for_the_next_row_to_be_seen() -> None:
    before, slow = read("end_to_end_seconds_count"), read("end_to_end_seconds_sum")

    async def scenario(worker: Worker) -> None:
        now = time.time_ns() // 1_000_000
        await take(worker, "engagement", 0, touch("e1", now))
        await worker.flush()
        await take(worker, "engagement", 1, touch("e1", now), age=1000)
        await worker.flush()
        await take(worker, "engagement", 2, touch("e2", now))
        await worker.flush()

    run(scenario)
    assert read("end_to_end_seconds_count") - before == 2
    assert read("end_to_end_seconds_sum") - slow < 1000


def test_a_clickhouse_that_does_not_answer_is_counted_and_the_last_flush_gets_older(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = connect("chdb://memory")
    seen: list[tuple[float, float]] = []
    query = client.query
    refusals = iter([DatabaseError("it is down")])

    def refusing_once(sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        if refusal := next(refusals, None):
            raise refusal
        seen.append((read("sink_failures_total"), read("sink_last_flush_timestamp_seconds")))
        return query(sql, parameters)

    monkeypatch.setattr(client, "query", refusing_once)
    failures = read("sink_failures_total")

    async def scenario(worker: Worker) -> None:
        begun = read("sink_last_flush_timestamp_seconds")
        await worker.flush()
        assert seen[0] == (failures + 1, begun)
        assert read("sink_last_flush_timestamp_seconds") > begun

    run(scenario, client)


def test_no_other_module_makes_a_metric() -> None:
    makers = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
    for path in Path(metrics.__file__).parents[1].rglob("*.py"):
        imports = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
        names = {alias.name for node in imports if node.module == "prometheus_client" for alias in node.names}
        assert not names & makers or path.name in ("metrics.py", "collector_metrics.py"), path


def test_memory_and_cpu_are_those_of_all_processes_of_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def now() -> list[float]:
        names = ("resident_memory_bytes", "cpu_seconds_total", "start_time_seconds")
        return [metrics.REGISTRY.get_sample_value(f"process_{name}") or 0 for name in names]

    with ProcessExecutor() as process:
        process.submit(sum, range(10_000_000)).result()
        memory, cpu, start = now()
        monkeypatch.setattr(metrics.PROCESSES, "others", [process.pid])
        more_memory, more_cpu, same_start = now()
    assert (more_memory > memory + 5e6, more_cpu > cpu + 0.05, same_start) == (True, True, start)
    assert now()[2] == start, "one that has ended is no hindrance"
