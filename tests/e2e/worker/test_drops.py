"""Conversions stop while engagement goes on: a worker says so on the topic, in the table and in its metrics."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.core.events.topics import ALERTS
from streams.sinks.clickhouse.client import connect
from tests.e2e.pipeline import Pipeline, stop
from tests.integration.support.records import Record
from tests.support.messages import order, touch

CATALOGUE = """base_currency = "NOK"
[[goal]]
id = "orders"
name = "Orders"
event = "Order Completed"
unit = "orders"
[[campaign]]
id = "autumn"
name = "Autumn"
means = "social"
"""
MINUTE = 60_000  # ms
LEARNT = 1440  # minutes
STOPPED = 60  # minutes that nothing is sold
GOAL = (("goal", "orders"),)


def a_day_and_a_stop(start: int) -> list[Record]:
    """Two touches a minute all along; an order a minute, by somebody who just clicked, until they stop."""
    records = []
    for minute in range(LEARNT + STOPPED):
        at, users = start + minute * MINUTE, [f"{name}-{minute}" for name in ("ida", "ola")]
        records += [Record("engagement", u.encode(), touch(f"t-{u}", at + 1000, user=u)) for u in users]
        if minute < LEARNT:
            user = users[0]
            records.append(Record("checkout", user.encode(), order(f"o-{user}", at + 2000, f"o-{user}", user=user)))
    return records


@pytest.mark.faults
def test_a_full_stop_is_said_once_everywhere(tmp_path: Path) -> None:
    morning = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=4)
    stopped_at = morning + timedelta(minutes=LEARNT)
    with Pipeline(tmp_path, CATALOGUE) as pipeline:
        worker = pipeline.start()
        pipeline.feed(worker, a_day_and_a_stop(round(morning.timestamp() * 1000)))
        pipeline.until(worker, lambda: worker.metrics().get(("maalstrom_goal_drop_probability", GOAL), 0) > 0.5)
        pipeline.until(worker, lambda: len(pipeline.messages(ALERTS)) > 0)
        metrics = worker.metrics()
        stop(worker)
        ((key, alert),) = [(message.key(), json.loads(message.value())) for message in pipeline.messages(ALERTS)]
    assert metrics["maalstrom_goal_expected_conversions", GOAL] == pytest.approx(1, rel=0.2)
    assert metrics["maalstrom_watch_failures_total", ()] == 0
    assert (key, alert["goal"], alert["cause"], alert["seen"]) == (b"orders", "orders", "tag", 0)
    assert alert["since"] == stopped_at.isoformat().replace("+00:00", "Z")
    assert datetime.fromisoformat(alert["detected_at"]) < stopped_at + timedelta(minutes=30)
    assert [loss["name"] for loss in alert["campaigns"]] == ["autumn"]
    assert [loss["name"] for loss in alert["networks"]] == alert["sources"] == ["facebook"]
    with connect(pipeline.dsn) as client:
        (row,) = client.query("SELECT * EXCEPT version FROM alerts FINAL")
    assert (row["goal"], row["since"], row["seen"], row["cause"]) == ("orders", stopped_at, 0, "tag")
    assert (row["campaigns"], row["networks"]) == (["autumn"], ["facebook"])
    assert float(row["expected"]) == pytest.approx(alert["expected"], abs=0.05)
