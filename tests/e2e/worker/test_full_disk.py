"""A worker whose ClickHouse has no room left waits, says so, and has lost nothing once there is room."""

from pathlib import Path

from streams.simulate import catalogue_text
from tests.conftest import serving
from tests.e2e.commands import unlike_reference
from tests.e2e.pipeline import Pipeline, stop
from tests.integration.support.harness import DAYS, first_day, simulated
from tests.integration.support.records import send
from tests.support.disks.small_disk import fill

TOWN = catalogue_text(first_day(), DAYS)


def test_a_worker_waits_for_room_and_loses_nothing(small: Path, tmp_path: Path) -> None:
    records, ballast = simulated(3_000, seed=31), small / "ballast"
    with serving(small / "data") as address, Pipeline(tmp_path, TOWN) as pipeline:
        dsn = f"clickhouse://{address}/maalstrom"
        worker = pipeline.launch(MAALSTROM_CLICKHOUSE=dsn)
        worker.wait_ready()
        fill(ballast)
        send(pipeline.bootstrap, records)
        pipeline.until(worker, lambda: worker.get("/ready")[0] == 503)
        assert "NOT_ENOUGH_SPACE" in worker.get("/ready")[1]
        assert "failed, next attempt in" in worker.said()
        ballast.unlink()
        worker.wait_ready()
        pipeline.until(worker, lambda: pipeline.behind() == 0)
        stop(worker)
        assert unlike_reference(dsn, TOWN, [(record.topic, record.value) for record in records]) == ""
