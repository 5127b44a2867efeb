"""A monitor on a real database: what it says once, what it says nothing of, and what does not stop it."""

import asyncio
import json

import numpy as np
import pytest
from aiokafka.errors import KafkaError

from streams import metrics, monitor
from streams.clickhouse import DatabaseError
from streams.core.continuity import Available
from streams.core.rows import Coded
from streams.monitor import Monitor

NOON = 1_793_534_400 // 60  # a minute
HISTORY = 7 * 1440
MINUTE = 60_000  # ms
WHOLE = {"facebook": 60, "tiktok": 60}  # conversions an hour


@pytest.fixture(autouse=True)
def short_past(monkeypatch):
    """Look again at few minutes, for the sake of time."""
    monkeypatch.setattr(monitor, "LOOKED_AT_AGAIN", 240)


class Group:
    """A group that has read all but `unread` checkouts of partition 1."""

    def __init__(self):
        self.unread = 0
        self.dead = 0

    async def available(self, topics, partition):
        unread = self.unread * partition
        ends = {topic: Available(0, 500 + unread, 500) for topic in topics}
        return ends | {"checkout.dlq": Available(0, self.dead, None)}


class Owner:
    leads = ready = True
    flushes = 0

    async def written(self):
        self.flushes += 1


class Outbox(list):
    """Keeps what is sent; refuses the next `refusals` records."""

    refusals = 0

    async def alert(self, goal, record):
        if self.refusals:
            self.refusals -= 1
            raise KafkaError("not now")
        self.append((goal, json.loads(record)))


class Town:
    """What workers wrote to the database, and monitors that look at it."""

    def __init__(self, client):
        self.client, self.group, self.outbox, self.owner = client, Group(), Outbox(), Owner()
        self.minute = NOON - HISTORY
        self.monitor = self.another()

    def another(self):
        return Monitor(["orders", "enquiries"], self.client, self.outbox, self.group, self.owner, 2)

    def live(self, minutes, orders=WHOLE, engagement=300, looks=True):
        """Let time go by: so many orders by network, and engagement events, an hour."""
        window = np.arange(self.minute, self.minute + minutes) * 60
        for partition, (network, hourly) in enumerate(orders.items()):
            counts = np.random.default_rng(partition).poisson(hourly / 60, minutes)
            self.insert("goal_attribution", window, partition, network, conversions=counts * 1_000_000)
            self.insert("engagement_counts", window, partition, network, events=np.full(minutes, engagement // 60))
        self.minute += minutes
        if looks:
            self.look()

    def insert(self, table, window, partition, network, **amounts):
        n, zero = len(window), np.zeros(len(window), np.int64)
        words = {"origin": "live", "campaign": f"on {network}", "network": network}
        if table == "goal_attribution":
            words |= {"goal": "orders", "model": "last_click", "customer": "new", "reason": "", "currency": "NOK"}
            amounts = {"value": zero, "reversed_conversions": zero, "reversed_value": zero, **amounts}
        else:
            words |= {"action": "click"}
        columns = {name: Coded(zero, [word]) for name, word in words.items()}
        numbers = {"window_start": window, "reported_at": window // 3600 * 3600, "partition": zero + partition}
        self.client.insert(table, columns | numbers | {"version": np.ones(n, np.uint64)} | amounts)

    def look(self, times=3):
        for _ in range(times):
            asyncio.run(self.monitor.look((self.minute + 5) * MINUTE))

    @property
    def rows(self):
        return self.client.query("SELECT * FROM alerts FINAL")


@pytest.fixture
def town(embedded):
    town = Town(embedded)
    town.live(HISTORY)
    return town


def gauge(name, goal="orders"):
    return metrics.REGISTRY.get_sample_value(f"maalstrom_goal_{name}", {"goal": goal})


def test_a_usual_day_is_no_alert(town):
    town.live(300)
    assert (town.outbox, town.rows) == ([], [])
    assert gauge("expected_conversions") == pytest.approx(2, rel=0.2)
    assert gauge("expected_conversions", "enquiries") == pytest.approx(0, abs=1e-3)
    assert gauge("drop_probability") < 0.1


def test_a_broken_tag_is_said_once_by_whoever_looks(town):
    town.live(150, {"facebook": 60, "tiktok": 0})
    ((goal, said),) = town.outbox
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
    assert gauge("drop_probability") > 0.5
    assert gauge("expected_conversions") == pytest.approx(expected, rel=0.2)
    assert (len(town.outbox), len(town.rows)) == (1, 1)


@pytest.mark.parametrize(
    ("orders", "engagement", "cause"),
    [
        ({"facebook": 0, "tiktok": 0}, 300, "tag"),
        ({"facebook": 0, "tiktok": 0}, 0, "silence"),
        ({"facebook": 18, "tiktok": 18}, 60, "people"),
        ({"facebook": 18, "tiktok": 18}, 300, "conversions"),
    ],
)
def test_causes_are_told_apart(town, orders, engagement, cause):
    town.live(120, orders, engagement)
    assert [said["cause"] for _, said in town.outbox] == [cause]


def test_checkouts_that_become_dead_letters_are_the_cause(town):
    town.live(10)
    town.group.dead = 200
    town.live(60, {"facebook": 0, "tiktok": 0})
    assert [said["cause"] for _, said in town.outbox] == ["refused"]


def test_a_pipeline_that_is_late_is_no_drop(town):
    town.group.unread = 1000
    town.live(240, {"facebook": 60, "tiktok": 0}, looks=False)
    town.minute -= 240
    town.insert("goal_attribution", np.array([(NOON - 1) * 60]), 1, "late", conversions=np.array([1_000_000]))
    town.look(6)
    assert town.outbox == []


def test_what_the_broker_refuses_is_said_again(town):
    town.outbox.refusals = 2
    town.live(60, {"facebook": 0, "tiktok": 0}, looks=False)
    for _ in range(2):
        with pytest.raises(KafkaError):
            town.look(3)
    town.look()
    assert (len(town.outbox), len(town.rows)) == (1, 1)


async def run_until(town, condition):
    running = asyncio.create_task(town.monitor.turns.run(0.01))
    while not condition():
        await asyncio.sleep(0.01)
    await town.monitor.turns.stop()
    await running


def failures():
    return metrics.REGISTRY.get_sample_value("maalstrom_watch_failures_total")


@pytest.mark.parametrize("failure", [DatabaseError("it is down"), ValueError("a defect")])
def test_a_failure_is_counted_and_the_next_look_follows(town, monkeypatch, failure):
    def fails(*_):
        raise failure

    before = failures()
    monkeypatch.setattr(town.client, "query", fails)
    town.monitor = town.another()
    asyncio.run(run_until(town, lambda: failures() > before + 1))


def test_who_does_not_lead_says_nothing_of_goals(town):
    assert gauge("drop_probability") is not None
    town.owner.leads = False
    asyncio.run(run_until(town, lambda: gauge("drop_probability") is None))
