"""Sums of the largest amounts there are, from the ledger to the views: exact, and never negative."""

from decimal import Decimal

import numpy as np
import pytest

from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from streams.core.rows.tables import TABLES
from streams.jobs.removal_effects import refresh
from streams.reports.goal_progress import progress
from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.arrow import arrow_stream
from streams.sinks.clickhouse.catalogue import write_catalogue
from streams.sinks.clickhouse.client import Client
from streams.sinks.writer import write_rows
from tests.support.driver import CATALOGUE, KEY, Driver
from tests.support.messages import HOUR, NOON, order, refund, touch

LARGEST = Decimal("999999999999.999999")
TEN = Decimal("9999999999999.99999")


def ten_orders(touched: bool) -> Driver:
    driver = Driver(CATALOGUE)
    if touched:
        driver.engage(touch("t", NOON - HOUR))
    driver.buy(*(order(f"c{n}", NOON, f"o{n}", str(LARGEST)) for n in range(10)))
    driver.report()
    return driver


def total(client: Client, table: str, *more: str) -> Decimal:
    sums = client.query(f"SELECT sum(value) AS v, min(value) AS least FROM {table} WHERE {' AND '.join(more)}")[0]
    assert sums["least"] >= 0
    found: Decimal = sums["v"]
    return found


@pytest.mark.parametrize("touched", [True, False])
def test_ten_of_the_largest_orders(client: Client, touched: bool) -> None:
    write_catalogue(client, CATALOGUE)
    driver = ten_orders(touched)
    write_rows(client, driver.ledger.changes(version=1))
    of_one = ("model = 'time_decay'", "goal = 'orders'")
    for table in ("goal_attribution FINAL", "goal_attribution_now", "goal_attribution_shown"):
        assert total(client, table, *of_one) == TEN
    assert client.query("SELECT max(value) AS m FROM goal_attribution FINAL")[0]["m"] == TEN  # in one cell
    assert client.query("SELECT sum(value) AS v FROM conversions FINAL")[0]["v"] == TEN
    (goal,) = progress(client, "orders", "linear")
    assert goal.value == {"NOK": TEN}
    (reached,) = client.query("SELECT reached FROM goal_progress WHERE goal = 'orders'")
    assert reached["reached"] == 10
    if touched:
        assert total(client, "campaign_return", "model = 'linear'") == TEN
        assert total(client, "campaign_return_shown", "model = 'linear'") == TEN
        assert refresh(client, NOON // 1000) == {}
        assert total(client, "removal_effects_now", "goal = 'orders'") == TEN
        assert refresh(client, NOON // 1000 + 60) == {}
        assert client.query("SELECT uniqExact(computed_at) AS n FROM removal_effects")[0]["n"] == 1


def test_what_is_taken_back_and_why(client: Client) -> None:
    driver = ten_orders(touched=False)
    write_rows(client, driver.ledger.changes(version=1))
    driver.now += HOUR
    driver.buy(*(refund(f"r{n}", NOON + HOUR, f"o{n}") for n in range(10)))
    driver.report()
    write_rows(client, driver.ledger.changes(version=2))
    sums = "sum(value) AS v, sum(reversed_value) AS gone, sum(conversions) AS n"
    where = "model = 'last' AND goal = 'orders'"
    found = client.query(f"SELECT {sums} FROM goal_attribution FINAL WHERE {where}")
    assert found == [{"v": 0, "gone": TEN, "n": 0}]
    (restated,) = client.query(f"SELECT {sums} FROM goal_restatements FINAL WHERE {where} AND cause = 'reversal'")
    assert restated == {"v": -TEN, "gone": TEN, "n": -10}
    view = f"SELECT reported_then, now, difference FROM restatements WHERE {where} AND measure = 'value'"
    assert client.query(view) == [{"reported_then": TEN, "now": 0, "difference": -TEN}]


def test_a_replay_of_all_at_once(client: Client) -> None:
    ledger = Ledger(LedgerSettings(CATALOGUE, KEY, replay=True))
    driver = Driver(CATALOGUE)
    ledger.apply(driver.batch("checkout", [order(f"c{n}", NOON, f"o{n}", str(LARGEST)) for n in range(1000)]))
    ledger.report()
    write_rows(client, ledger.changes(version=1))
    assert total(client, "goal_attribution FINAL", "model = 'first'", "goal = 'orders'") == 1000 * LARGEST


def test_what_does_not_fit_is_refused() -> None:
    columns = {
        name: np.zeros(1, np.int64) if "String" not in kind else [""]
        for name, kind in TABLES["goal_attribution"].columns.items()
    }
    assert arrow_stream(TABLES["goal_attribution"], columns | {"value": np.array([10**38 - 1], object)})
    with pytest.raises(ValueError, match="millionths are too large"):
        arrow_stream(TABLES["goal_attribution"], columns | {"value": np.array([-(10**38)], object)})


def test_what_a_database_of_before_holds_is_widened(blank: Client) -> None:
    narrow = next(i for i, each in enumerate(migrations.known()) if each.name.endswith("wider_sums"))
    blank.create_database()
    for migration in migrations.known()[:narrow]:
        for statement in migration.statements:
            blank.command(statement)
        blank.command("INSERT INTO migrations (name) SELECT {name:String}", {"name": migration.name})
    row = "INSERT INTO goal_attribution (window_start, goal, model, value, version) VALUES"
    blank.command(f"{row} ('2026-11-01', 'g', 'last', 999999999999.999999, 1)")
    assert next(migration.name for migration in migrations.apply(blank)).endswith("wider_sums")
    blank.command(f"{row} ('2026-11-02', 'g', 'last', 9999999999999.99999, 1)")
    found = blank.query("SELECT value FROM goal_attribution_now ORDER BY window_start")
    assert [each["value"] for each in found] == [LARGEST, TEN]
