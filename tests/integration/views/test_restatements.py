"""What was reported then and is known now, and from when on figures are settled."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from streams.core.orders.value import REVERSED
from streams.sinks.clickhouse.catalogue import write_catalogue
from streams.sinks.clickhouse.client import Client
from streams.sinks.writer import write_rows
from tests.support.driver import CATALOGUE, Driver
from tests.support.messages import DAY, HOUR, NOON, order, refund, touch

MINUTE = 60_000
CONVERT = (
    "INSERT INTO conversions (goal, conversion_id, occurred_at, first_reported_at, updated_at, reason, version) "
    "SELECT {goal:String}, concat({name:String}, toString(number)), toDateTime64({at:UInt32}, 3, 'UTC'), "
    "toDateTime({at:UInt32}) + 1, toDateTime({at:UInt32}) + {age:UInt32}, {reason:String}, 1 FROM numbers({n:UInt32})"
)
SEE = "INSERT INTO engagement_counts (window_start, events, version) SELECT toDateTime({at:UInt32}), 1, 1"


@pytest.fixture
def client(emptied: Client) -> Client:
    """One path: the views are the same on both."""
    return emptied


class Live(Driver):
    """A driver that writes to ClickHouse, too."""

    def __init__(self, client: Client) -> None:
        super().__init__(CATALOGUE, now=NOON + HOUR)
        self.client = client

    def write(self) -> None:
        rows = self.ledger.changes(version=self.sequence)
        write_rows(self.client, rows)
        self.flushed = self.sequence


def restated(
    client: Client, model: str = "last", measure: str = "conversions"
) -> dict[tuple[str, str], tuple[float, ...]]:
    found = client.query(
        "SELECT campaign, cause, reported_then, now, difference FROM restatements "
        "WHERE goal = 'orders' AND model = {model:String} AND measure = {measure:String} ORDER BY campaign, cause",
        {"model": model, "measure": measure},
    )
    return {(row.pop("campaign"), row.pop("cause")): tuple(map(float, row.values())) for row in found}


def test_then_and_all_differences_are_now(client: Client) -> None:
    live = Live(client)
    live.engage(touch("t", NOON - HOUR))
    live.buy(order("c", NOON, "o"), order("c2", NOON + 1, "o2"))
    live.flush()
    assert restated(client) == {}
    live.now += 2 * HOUR
    live.engage(touch("late", NOON - MINUTE, "paper"))
    live.flush()
    live.buy(refund("r1", NOON, "o", total=40), refund("r2", NOON, "o2"))
    live.flush()
    assert restated(client) == {
        ("autumn", "late_touch"): (2, 0, -2),
        ("paper", "late_touch"): (0, 1, 2),
        ("paper", "reversal"): (0, 1, -1),
    }
    assert restated(client, measure="value") == {
        ("autumn", "late_touch"): (200, 0, -200),
        ("paper", "late_touch"): (0, 60, 200),
        ("paper", "reversal"): (0, 60, -140),
    }
    sums = client.query(
        "SELECT reported_then + sum(difference) = now AS adds_up FROM restatements "
        "GROUP BY goal, window_start, campaign, model, measure, currency, reported_then, now"
    )
    assert {row["adds_up"] for row in sums} == {1}
    assert live.ledger.report(live.now).pairs == []
    assert client.query("SELECT status FROM conversions FINAL WHERE conversion_id = 'o2'") == [{"status": REVERSED}]


def convert(client: Client, name: str, n: int, age: int = 1, at: int = NOON, goal: str = "g", reason: str = "") -> None:
    """So many conversions, last changed at that age in s: 1 is when they were first reported."""
    client.command(CONVERT, {"goal": goal, "name": name, "n": n, "at": at // 1000, "age": age, "reason": reason})


def settled_after(client: Client) -> dict[str, int]:
    return {row["goal"]: row["settled_after"] for row in client.query("SELECT goal, settled_after FROM settled")}


def seen(client: Client, at: int) -> None:
    client.command(SEE, {"at": at // 1000})


@pytest.mark.parametrize(("changed", "after"), [(0, 0), (1, 0), (2, 7200), (3, 7200)])
def test_settled_is_the_age_after_which_fewer_than_one_in_a_hundred_change(
    client: Client, changed: int, after: int
) -> None:
    convert(client, "same", 200 - changed)
    convert(client, "early", changed, age=7200)
    seen(client, NOON + 10 * DAY)
    assert settled_after(client) == {"g": after}


def test_the_age_is_that_of_the_last_changes_in_whole_minutes(client: Client) -> None:
    convert(client, "same", 95)
    convert(client, "early", 4, age=3600)
    convert(client, "late", 1, age=7201)
    seen(client, NOON + 10 * DAY)
    assert settled_after(client) == {"g": 7260}


def test_conversions_too_young_to_have_changed_are_not_counted_as_if_they_never_would(client: Client) -> None:
    convert(client, "old", 50)
    convert(client, "changed", 1, age=86_400)
    convert(client, "young", 1000, at=NOON + 9 * DAY + HOUR)
    seen(client, NOON + 10 * DAY)
    assert settled_after(client) == {"g": 86_400}


def test_each_goal_has_its_own_history_and_what_was_erased_is_in_none(client: Client) -> None:
    convert(client, "a", 10, age=3600)
    convert(client, "b", 10, goal="h")
    convert(client, "c", 10, goal="h", age=9 * 86_400, reason="erased")
    seen(client, NOON + 10 * DAY)
    assert settled_after(client) == {"g": 3600, "h": 0}


def test_what_is_younger_is_provisional(client: Client) -> None:
    write_catalogue(client, CATALOGUE)
    convert(client, "a", 10, age=3600, goal="orders")
    seen(client, NOON + 10 * DAY)
    (goal,) = client.query("SELECT settled_until FROM settled")
    assert goal["settled_until"] == datetime.fromtimestamp(NOON // 1000 + 10 * 86_400 - 3600, UTC)
    for minutes in (-61, -60, -59):
        client.command(
            "INSERT INTO goal_restatements (window_start, goal, model, campaign, cause, conversions, version) "
            "SELECT toDateTime({at:UInt32}), 'orders', 'last', 'a', 'reversal', -1, 1",
            {"at": (NOON + 10 * DAY) // 1000 + minutes * 60},
        )
    found = client.query("SELECT provisional, difference FROM restatements ORDER BY window_start")
    assert [row["provisional"] for row in found] == [0, 0, 1]
    assert {row["difference"] for row in found} == {Decimal(-1)}
