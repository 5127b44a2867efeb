"""`maalstrom erase` as a person runs it: on a database that `replay` filled, and beside a worker."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streams.simulate import catalogue_text
from streams.sinks.clickhouse.client import connect
from tests.conftest import serving
from tests.e2e.commands import Month, embedded, maalstrom, ok
from tests.e2e.pipeline import Pipeline, stop
from tests.integration.support.harness import DAYS, first_day
from tests.integration.support.records import Record
from tests.support.messages import HOUR, identify, order, touch

TOTALS = (
    "SELECT goal, model, sum(conversions) AS n, sum(value) AS value FROM goal_attribution FINAL "
    "GROUP BY ALL ORDER BY ALL"
)
CELLS = (
    "SELECT goal, model, campaign, reason, sum(conversions) AS n, sum(value) AS value FROM goal_attribution FINAL "
    "GROUP BY ALL HAVING n != 0 OR value != 0 ORDER BY ALL"
)


ERASED = (
    "SELECT count() AS n, max(user) AS users, max(length(touch_at)) AS touches FROM conversions FINAL "
    "WHERE reason = 'erased'"
)
JOURNEYS = "SELECT DISTINCT conversion_id FROM conversions FINAL WHERE length(touch_at) = 2 ORDER BY ALL"
START = int(datetime.combine(first_day(), datetime.min.time(), UTC).timestamp()) * 1000  # ms


def ask(dsn: str, query: str) -> list[dict[str, Any]]:
    with connect(dsn) as client:
        return client.query(query)


def buyer(month: Month) -> str:
    """Who bought most in a month."""
    bought = (json.loads(line) for line in month.lines("checkout"))
    return Counter[str](event["userId"] for event in bought if event.get("userId")).most_common(1)[0][0]


def test_a_replayed_database_forgets_a_person_and_keeps_its_totals(month: Month, tmp_path: Path) -> None:
    dsn, token = embedded(tmp_path / "clickhouse"), buyer(month)
    ok(maalstrom("replay", *month.arguments, "--clickhouse", dsn))
    before = ask(dsn, TOTALS)
    assert maalstrom("erase", token, "--verify", "--clickhouse", dsn).status == 1
    done = ok(maalstrom("erase", token, "--clickhouse", dsn))
    assert "table conversions: nothing" in done.out
    assert done.out.endswith("nothing is left of that token\n")
    assert ask(dsn, TOTALS) == before
    cells = ask(dsn, CELLS)
    assert any(cell["reason"] == "erased" for cell in cells)
    again = ok(maalstrom("erase", token, "--clickhouse", dsn))
    assert "nothing is left of that token: nothing was found of it" in again.out
    assert ask(dsn, CELLS) == cells
    (row,) = ask(dsn, ERASED)
    assert row["n"] > 0
    assert row["users"] == row["touches"] == 0


@pytest.mark.faults  # it takes half a minute
def test_a_worker_forgets_a_person_wherever_they_left_something(tmp_path: Path) -> None:
    catalogue = catalogue_text(first_day(), DAYS)
    with serving(tmp_path / "clickhouse") as address, Pipeline(tmp_path, catalogue) as pipeline:
        dsn = pipeline.dsn = f"clickhouse://{address}/maalstrom"
        worker = pipeline.start()
        pipeline.feed(worker, [*visits("u", "browser-u"), *visits("v", "browser-v")])
        pipeline.until(worker, lambda: len(ask(dsn, JOURNEYS)) == 2)
        before = ask(dsn, TOTALS)
        verified = maalstrom("erase", "u", "--verify", env=pipeline.settings())
        assert verified.status == 1, verified.out
        assert "conversions: nothing" not in verified.out
        assert "journal: nothing" not in verified.out, verified.out
        for token in ("u", "browser-u"):
            done = maalstrom("erase", token, env=pipeline.settings())
            assert (done.status, "nothing is left of that token" in done.out) == (0, True), done.out + done.err
        assert ask(dsn, TOTALS) == before
        (row,) = ask(dsn, ERASED)
        assert row["n"] > 0
        assert row["users"] == row["touches"] == 0
        assert [each["conversion_id"] for each in ask(dsn, JOURNEYS)] == ["first-v"]
        pipeline.feed(worker, visits("u", "browser-u", "again"))
        pipeline.until(worker, lambda: len(ask(dsn, JOURNEYS)) == 2)
        stop(worker)
        worker = pipeline.start()
        left = maalstrom("erase", "browser-u", "--verify", env=pipeline.settings())
        assert left.status == 1, left.out
        for nobody in (("erase", "nobody", "--verify"), ("erase", "nobody")):
            done = maalstrom(*nobody, env=pipeline.settings())
            assert (done.status, "nothing was found of it" in done.out) == (0, True), done.out
        stop(worker)


def visits(user: str, browser: str, name: str = "first") -> list[Record]:
    """Two touches, of a user and a browser that turns out to be theirs, and an order of each."""
    at = START + HOUR * (24 if name == "first" else 48)
    values = [
        ("engagement", browser, touch(f"{name}-tb-{user}", at, user=None, anonymous=browser)),
        ("engagement", user, touch(f"{name}-tu-{user}", at, user=user)),
        ("checkout", user, order(f"{name}-o-{user}", at + HOUR, f"{name}-{user}", user=user)),
        ("identity", browser, identify(f"{name}-i-{user}", at, browser, user)),
    ]
    return [Record(topic, key.encode(), value) for topic, key, value in values]
