"""A monitor on a real database: what it says once, what it says nothing of, and what does not stop it."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import numpy as np
import pytest
from aiokafka.errors import KafkaError
from numpy.typing import NDArray

from streams.core.columns.column import Coded, Column
from streams.core.detection.completeness import SourcePartition
from streams.core.events.continuity import Available
from streams.core.events.topics import KEYED
from streams.jobs import drop_monitor
from streams.jobs.drop_monitor import Monitor
from streams.sinks.clickhouse.client import Client, DatabaseError
from streams.telemetry import metrics

NOON = 1_793_534_400 // 60  # a minute
HISTORY = 7 * 1440
MINUTE = 60_000  # ms
READ = [SourcePartition(topic, number) for number in range(2) for topic in KEYED]
WHOLE = {"facebook": 60, "tiktok": 60}  # conversions an hour


@pytest.fixture(autouse=True)
def short_past(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again at few minutes, for the sake of time."""
    monkeypatch.setattr(drop_monitor, "LOOKED_AT_AGAIN", 240)


class Group:
    """A group that has read all but `unread` checkouts of partition 1."""

    def __init__(self) -> None:
        self.unread = 0
        self.dead = 0

    async def available(self, topics: Iterable[str], partition: int) -> dict[str, Available]:
        unread = self.unread * partition
        ends = {topic: Available(0, 500 + unread, 500) for topic in topics}
        return ends | {"checkout.dlq": Available(0, self.dead, None)}


class Owner:
    leads = ready = True
    flushes = 0

    async def written(self) -> None:
        self.flushes += 1


class AlertProducer(list[tuple[str, dict[str, Any]]]):
    """Keeps what is sent; refuses the next `refusals` records."""

    refusals = 0

    async def alert(self, goal: str, record: bytes) -> None:
        if self.refusals:
            self.refusals -= 1
            raise KafkaError("not now")
        self.append((goal, json.loads(record)))


class Town:
    """What workers wrote to the database, and monitors that look at it."""

    def __init__(self, client: Client) -> None:
        self.client, self.group, self.producer, self.owner = client, Group(), AlertProducer(), Owner()
        self.minute = NOON - HISTORY
        self.monitor = self.another()

    def another(self) -> Monitor:
        return Monitor(["orders", "enquiries"], self.client, self.producer, self.group, self.owner, READ)

    def live(self, minutes: int, orders: Mapping[str, int] = WHOLE, engagement: int = 300, looks: bool = True) -> None:
        """Let time go by: so many orders by network, and engagement events, an hour."""
        window = np.arange(self.minute, self.minute + minutes) * 60
        for partition, (network, hourly) in enumerate(orders.items()):
            counts = np.random.default_rng(partition).poisson(hourly / 60, minutes)
            self.insert("goal_attribution", window, partition, network, conversions=counts * 1_000_000)
            self.insert("engagement_counts", window, partition, network, events=np.full(minutes, engagement // 60))
        self.minute += minutes
        if looks:
            self.look()

    def insert(
        self, table: str, window: NDArray[np.int64], partition: int, network: str, **amounts: NDArray[Any]
    ) -> None:
        n, zero = len(window), np.zeros(len(window), np.int64)
        words = {"origin": "live", "campaign": f"on {network}", "network": network}
        if table == "goal_attribution":
            words |= {"goal": "orders", "model": "last_click", "customer": "new", "reason": "", "currency": "NOK"}
            amounts = {"value": zero, "reversed_conversions": zero, "reversed_value": zero, **amounts}
        else:
            words |= {"action": "click"}
        columns: dict[str, Column] = {name: Coded(zero, [word]) for name, word in words.items()}
        numbers = {"window_start": window, "reported_at": window // 3600 * 3600, "partition": zero + partition}
        self.client.insert(table, {**columns, **numbers, "version": np.ones(n, np.uint64), **amounts})

    def look(self, times: int = 3) -> None:
        for _ in range(times):
            asyncio.run(self.monitor.check((self.minute + 5) * MINUTE))

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.client.query("SELECT * FROM alerts FINAL")


@pytest.fixture
def town(embedded: Client) -> Town:
    town = Town(embedded)
    town.live(HISTORY)
    return town


def gauge(name: str, goal: str = "orders") -> float | None:
    return metrics.REGISTRY.get_sample_value(f"maalstrom_goal_{name}", {"goal": goal})


def shown(name: str) -> float:
    value = gauge(name)
    assert value is not None
    return value


def test_a_usual_day_is_no_alert(town: Town) -> None:
    town.live(300)
    assert (town.producer, town.rows) == ([], [])
    assert gauge("expected_conversions") == pytest.approx(2, rel=0.2)
    assert gauge("expected_conversions", "enquiries") == pytest.approx(0, abs=1e-3)
    assert shown("drop_probability") < 0.1


def test_a_broken_tag_is_said_once_by_whoever_looks(town: Town) -> None:
    town.live(150, {"facebook": 60, "tiktok": 0})
    ((goal, said),) = town.producer
    assert (goal, said["cause"], said["sources"]) == ("orders", "tag", ["tiktok"])
    assert [loss["name"] for loss in said["networks"]] == ["tiktok"]
    assert [loss["name"] for loss in said["campaigns"]] == ["on tiktok"]
    (row,) = town.rows
    assert (row["goal"], row["cause"], row["campaigns"], row["networks"]) == (
        "orders",
        "tag",
        ["on tiktok"],
        ["tiktok"],
    )
    assert row["since"].timestamp() // 60 == pytest.approx(NOON, abs=40)

    expected = gauge("expected_conversions")
    town.monitor = town.another()  # after a restart, or a rebalance
    town.live(5, {"facebook": 60, "tiktok": 0})
    assert shown("drop_probability") > 0.5
    assert gauge("expected_conversions") == pytest.approx(expected, rel=0.2)
    assert (len(town.producer), len(town.rows)) == (1, 1)


@pytest.mark.parametrize(
    ("orders", "engagement", "cause"),
    [
        ({"facebook": 0, "tiktok": 0}, 300, "tag"),
        ({"facebook": 0, "tiktok": 0}, 0, "silence"),
        ({"facebook": 18, "tiktok": 18}, 60, "people"),
        ({"facebook": 18, "tiktok": 18}, 300, "conversions"),
    ],
)
def test_causes_are_told_apart(town: Town, orders: Mapping[str, int], engagement: int, cause: str) -> None:
    town.live(120, orders, engagement)
    assert [said["cause"] for _, said in town.producer] == [cause]


def test_checkouts_that_become_dead_letters_are_the_cause(town: Town) -> None:
    town.live(10)
    town.group.dead = 200
    town.live(60, {"facebook": 0, "tiktok": 0})
    assert [said["cause"] for _, said in town.producer] == ["refused"]


def test_a_pipeline_that_is_late_is_no_drop(town: Town) -> None:
    town.group.unread = 1000
    town.live(240, {"facebook": 60, "tiktok": 0}, looks=False)
    town.minute -= 240
    town.insert("goal_attribution", np.array([(NOON - 1) * 60]), 1, "late", conversions=np.array([1_000_000]))
    town.look(6)
    assert town.producer == []


def test_what_the_broker_refuses_is_said_again(town: Town) -> None:
    town.producer.refusals = 2
    town.live(60, {"facebook": 0, "tiktok": 0}, looks=False)
    for _ in range(2):
        with pytest.raises(KafkaError):
            town.look(3)
    town.look()
    assert (len(town.producer), len(town.rows)) == (1, 1)


async def run_until(town: Town, condition: Callable[[], bool]) -> None:
    running = asyncio.create_task(town.monitor.turns.run(0.01))
    while not condition():
        await asyncio.sleep(0.01)
    await town.monitor.turns.stop()
    await running


def failures() -> float:
    value = metrics.REGISTRY.get_sample_value("maalstrom_watch_failures_total")
    assert value is not None
    return value


@pytest.mark.parametrize("failure", [DatabaseError("it is down"), ValueError("a defect")])
def test_a_failure_is_counted_and_the_next_look_follows(
    town: Town, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fails(*_: object) -> NoReturn:
        raise failure

    before = failures()
    monkeypatch.setattr(town.client, "query", fails)
    town.monitor = town.another()
    asyncio.run(run_until(town, lambda: failures() > before + 1))


def test_who_does_not_lead_says_nothing_of_goals(town: Town) -> None:
    assert gauge("drop_probability") is not None
    town.owner.leads = False
    asyncio.run(run_until(town, lambda: gauge("drop_probability") is None))
