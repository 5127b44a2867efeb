"""A worker whose folder for the journal is full: what the disk does not take is in memory, and nothing is lost."""

from pathlib import Path

from streams.simulate import catalogue_text
from tests.e2e.commands import unlike_reference
from tests.e2e.pipeline import Pipeline, stop
from tests.integration.support.harness import DAYS, first_day, simulated
from tests.integration.support.processes import Worker
from tests.support.disks.small_disk import fill

TOWN = catalogue_text(first_day(), DAYS)


def held(worker: Worker) -> float:
    """Bytes of the journal that the disk did not take."""
    return worker.metrics()["maalstrom_journal_bytes", (("where", "memory"),)]


def test_a_full_folder_stops_no_worker_under_way_or_at_its_start(small: Path, tmp_path: Path) -> None:
    records, folder = simulated(1_500, seed=31), str(small / "datadir")
    with Pipeline(tmp_path, TOWN) as pipeline:
        worker = pipeline.start(MAALSTROM_DATADIR=folder)
        fill(small / "ballast")
        pipeline.feed(worker, records[:1_000])
        assert held(worker) > 0
        stop(worker)
        again = pipeline.start(MAALSTROM_DATADIR=f"{small}/never made")
        pipeline.feed(again, records[1_000:])
        assert held(again) > 0
        stop(again)
        assert unlike_reference(pipeline.dsn, TOWN, [(r.topic, r.value) for r in records]) == ""
