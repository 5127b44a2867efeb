"""A real site's month through the one topic `events`, by a worker that is killed twice: the truth all the same."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from streams.kafka import dlq
from streams.simulate.site import Month, Site, month
from streams.simulate.site.words import SOURCES, catalogue
from streams.sinks.clickhouse.client import connect
from tests.e2e.commands import embedded, maalstrom, ok
from tests.integration.support.harness import DAYS, TOKEN_KEY, Rig, first_day
from tests.integration.support.processes import Worker
from tests.integration.support.records import Feed, Record
from tests.integration.support.written import differences, read_tables, summary
from tests.oracle import Result, attribute
from tests.support.site.site_truth import told_orders, true_orders

pytestmark = pytest.mark.faults  # half a minute

EVENTS = "events"
PATIENCE_S = 180


def test_a_month_of_a_site_live_is_the_oracle_s_and_a_replay_s(rig: Rig) -> None:
    site = Site(events=5_000, seed=8, start=first_day(), days=DAYS, dirt=0.15)
    made, files = month(site), _written(rig.folder, site)
    records = [(record.topic, record.value) for record in made.records]
    wanted = attribute(catalogue(site.start, site.days), records, SOURCES)
    worker = rig.worker(CONSUMER_GROUP_INSTANCE_ID="one", MAALSTROM_SOURCES=str(files["sources"]))
    worker.start()
    _feed_and_kill(rig, worker, made)
    _until_equal(rig, worker, wanted)
    assert told_orders(rig.tables().conversions) == true_orders(made.truth)
    letters = Counter(letter.reason for letter in dlq.read(rig.bootstrap, (EVENTS,), dlq.Filter()))
    assert letters == Counter(letter["reason"] for letter in made.truth["dead_letters"])
    assert _replayed(rig.folder, files, made) == rig.tables()


def _written(folder: Path, site: Site) -> dict[str, Path]:
    """The catalogue and the sources of a site, where the rig's workers read them."""
    files = {name: folder / f"{name}.toml" for name in ("catalogue", "sources")}
    files["catalogue"].write_text(catalogue(site.start, site.days), "utf-8")
    files["sources"].write_text(SOURCES, "utf-8")
    return files


def _feed_and_kill(rig: Rig, worker: Worker, made: Month) -> None:
    """Send the month in some seconds, with `kill -9` twice meanwhile."""
    records = [Record(record.topic, record.key.encode() or None, record.value) for record in made.records]
    with Feed(rig.bootstrap, records, seconds=12):
        while worker.kills < 2:
            worker.wait_ready()
            time.sleep(2)
            worker.kill()
            worker.start()


def _until_equal(rig: Rig, worker: Worker, wanted: Result) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while lines := _problems(rig, wanted):
        assert worker.running, f"the worker ended:\n{worker.tail()}"
        assert time.monotonic() < deadline, f"{summary(lines)}\n{worker.tail()}"
        time.sleep(0.5)


def _problems(rig: Rig, wanted: Result) -> list[str]:
    if behind := rig.behind((EVENTS, "forwarded")):
        return [f"{behind} records are not committed"]
    return differences(rig.tables(), wanted, TOKEN_KEY.encode())


def _replayed(folder: Path, files: dict[str, Path], made: Month) -> object:
    """What a replay of the same records from a file says."""
    (folder / "events.ndjson").write_bytes(b"".join(record.value + b"\n" for record in made.records))
    given = [part for name, file in files.items() for part in (f"--{name}", file)]
    arguments = ("--events", folder / "events.ndjson", *given, "--clickhouse", embedded(folder / "db"))
    ok(maalstrom("replay", *arguments, cwd=folder, env={"MAALSTROM_TOKEN_KEY": TOKEN_KEY}))
    with connect(embedded(folder / "db")) as client:
        return read_tables(client)
