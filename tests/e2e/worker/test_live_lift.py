"""A worker whose catalogue has holdouts measures the lift that a replay of the same events does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streams.simulate import catalogue_text
from streams.sinks.clickhouse.client import connect
from tests.e2e.commands import TOKEN_KEY, TOPICS, Month, embedded, maalstrom, ok
from tests.e2e.pipeline import Pipeline, stop
from tests.integration.support.harness import DAYS, first_day, simulated

SHARE = 0.3
PEOPLE = {"users": 300, "engagement": 0.8, "duplicates": 0.1, "disorder": 0.2, "late_logins": 0.4, "shared": 0.1}


def lift(dsn: str) -> tuple[list[dict[str, Any]], list[float]]:
    """The view's rows without their floats, and these: their last digits depend on the order of adding."""
    with connect(dsn) as client:
        rows = client.query("SELECT * FROM campaign_lift ORDER BY campaign, goal, measure, currency, model")
    exact = [{name: cell for name, cell in row.items() if not isinstance(cell, float)} for row in rows]
    return exact, [cell for row in rows for cell in row.values() if isinstance(cell, float)]


def test_a_worker_measures_the_lift_that_a_replay_does(tmp_path: Path) -> None:
    records = simulated(6_000, seed=5, holdout=SHARE, token_key=TOKEN_KEY.encode(), **PEOPLE)
    files = Month(tmp_path)
    for topic in TOPICS:
        lines = (record.value or b"" for record in records if record.topic == topic)
        (tmp_path / f"{topic}.ndjson").write_bytes(b"\n".join(lines))
    with Pipeline(tmp_path, catalogue_text(first_day(), DAYS, SHARE)) as pipeline:
        worker = pipeline.start()
        pipeline.feed(worker, records)
        stop(worker)
        live, figures = lift(pipeline.dsn)
    other = embedded(tmp_path / "other")
    ok(maalstrom("replay", *files.arguments, "--clickhouse", other, env={"MAALSTROM_TOKEN_KEY": TOKEN_KEY}))
    replayed, same = lift(other)
    assert live == replayed
    assert figures == pytest.approx(same, abs=1e-6)
    measured = {row["campaign"] for row in live if row["status"] == "measured"}
    assert measured == {holdout.campaign.id for holdout in files.catalogue.holdouts}
