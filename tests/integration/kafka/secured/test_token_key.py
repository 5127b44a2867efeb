"""One journal, one token key: a worker and an erasure with another are told, and change nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.e2e.commands import maalstrom, ok
from tests.integration.support.harness import TOKEN_KEY, Rig, first_day
from tests.integration.support.records import Record
from tests.support.messages import HOUR, order, touch

pytestmark = pytest.mark.faults  # minutes

START = int(datetime.combine(first_day(), datetime.min.time(), UTC).timestamp()) * 1000  # ms
OTHER = "another secret of the tests"


def test_another_key_than_the_journals(rig: Rig) -> None:
    worker = rig.worker()
    worker.start()
    rig.send(
        [
            Record("engagement", b"u", touch("t", START, user="u")),
            Record("checkout", b"u", order("o", START + HOUR, "o", user="u")),
        ]
    )
    rig.settle()
    assert worker.terminate(20) == 0
    settings = {"BROKER_URL": f"kafka://{rig.bootstrap}", "MAALSTROM_APP_ID": rig.layout.app_id}
    for database in (rig.dsn, f"{rig.dsn}_2"):  # the database's fingerprint, and where there is none, the journal's
        ok(maalstrom("migrate", env={"MAALSTROM_CLICKHOUSE": database}))
        stranger = rig.worker(MAALSTROM_TOKEN_KEY=OTHER, MAALSTROM_CLICKHOUSE=database)
        stranger.start()
        assert stranger.wait(timeout=60) == 1, stranger.tail()
        lines = [line for line in stranger.said().splitlines() if "another MAALSTROM_TOKEN_KEY; set the one" in line]
        assert len(lines) == 1, stranger.tail()
        assert "Traceback" not in stranger.said(), stranger.tail()
        env = settings | {"MAALSTROM_TOKEN_KEY": OTHER, "MAALSTROM_CLICKHOUSE": database}
        done = maalstrom("erase", "u", env=env)
        assert (done.status, "nothing is left" in done.out) == (1, False)
        assert "hashed with another MAALSTROM_TOKEN_KEY" in done.err
        assert done.err.count("\n") == 1
    known = rig.worker(MAALSTROM_TOKEN_KEY=TOKEN_KEY)
    known.start()
    rig.send([Record("engagement", b"u", touch("t2", START, user="u"))])
    rig.settle()
