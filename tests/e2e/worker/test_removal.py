"""A worker counts journeys and keeps the removal effects that follow from them."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import pytest

from streams.sinks.clickhouse.client import connect
from tests.e2e.pipeline import Pipeline, stop
from tests.integration.support.records import Record
from tests.integration.support.written import unlike_transitions
from tests.support.judged import expected
from tests.support.messages import DAY, HOUR, order, touch

CATALOGUE = """base_currency = "NOK"
[[goal]]
id = "orders"
event = "Order Completed"
"""


@pytest.mark.faults
def test_the_worked_example_from_kafka(tmp_path: Path) -> None:
    today = time.time_ns() // 1_000_000
    start = today - 10 * DAY
    shown = [("a", "c1"), ("a", "c2"), ("a", "c3"), ("b", "c1"), ("c", "c2"), ("c", "c3")]
    events = [(u, touch(f"t{n}", start + n * HOUR, campaign_id=c, user=u)) for n, (u, c) in enumerate(shown)]
    records = [Record("engagement", user.encode(), value) for user, value in events]
    records.append(Record("checkout", b"a", order("o", start + 6 * HOUR, "o", user="a")))
    records.append(Record("engagement", b"z", touch("now", today, campaign_id="", user="z")))
    with Pipeline(tmp_path, CATALOGUE) as pipeline:
        worker = pipeline.start(MAALSTROM_FLUSH_SECONDS="0.05")  # so that a minute takes three seconds
        pipeline.feed(worker, records)
        written = ("maalstrom_sink_rows_total", (("table", "path_transitions"),))
        pipeline.until(worker, lambda: worker.metrics().get(written, 0) > 0)
        time.sleep(7)
        stop(worker)
    wanted = expected([(record.topic, record.value) for record in records], CATALOGUE)
    with connect(pipeline.dsn) as client:
        assert unlike_transitions(client, wanted) == []
        found = client.query("SELECT campaign, removal_effect, conversions FROM removal_effects_now ORDER BY campaign")
    half, one = Decimal("0.5"), Decimal(1)
    shares = [Decimal(share) for share in ("0.2", "0.4", "0.4")]
    assert [tuple(row.values()) for row in found] == [
        (name, effect, share) for name, effect, share in zip(("c1", "c2", "c3"), (half, one, one), shares, strict=True)
    ]
