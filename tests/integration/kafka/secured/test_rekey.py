"""`maalstrom rekey`: another token key under load, with every figure of what the topics hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.core.events.topics import ERASURES, FORWARDED
from streams.core.identity.tokens import Tokens
from streams.core.privacy.requests import request
from streams.kafka.topics import lag
from streams.sinks.clickhouse.client import connect
from tests.e2e.commands import Done, maalstrom, ok
from tests.integration.support.harness import Rig, simulated
from tests.integration.support.people import several_tokens
from tests.integration.support.records import Record

pytestmark = pytest.mark.faults  # minutes

NEW_KEY = "a newer secret of the tests"


def test_workers_with_another_key_have_every_figure(rig: Rig, tmp_path: Path) -> None:
    records = several_tokens(simulated(1_500, seed=61, refunds=0.3, duplicates=0.05, disorder=0.1), seed=61)
    worker = rig.worker()
    worker.start()
    rig.send(records[:900])
    rig.settle()
    with Rig(rig.bootstrap, rig.dsn.rpartition("/")[0], tmp_path, token_key=NEW_KEY) as new:
        running = rekey(rig, new)
        assert (running.status, "stop all of them first" in running.err) == (1, True), running.err
        assert worker.terminate(20) == 0
        rig.send(records[900:1_200])  # nobody reads them meanwhile
        ok(rekey(rig, new))
        done = ok(rekey(rig, new))  # may be run again
        assert "They read all that the topics hold, from 20" in done.out, done.out
        assert all(row.start == row.end for row in lag(rig.bootstrap, rig.layout.app_id, (ERASURES, FORWARDED)))
        new.worker().start()
        new.send(records[1_200:])
        new.settle()
        assert not (users(rig) & users(new))
        again = rekey(rig, new, "--from", new.layout.app_id)
        assert (again.status, "stop all of them first" in again.err) == (1, True), again.err
        stranger = rekey(rig, new, MAALSTROM_CLICKHOUSE=rig.dsn)
        assert (stranger.status, "another MAALSTROM_TOKEN_KEY" in stranger.err) == (1, True), stranger.err


def test_requests_that_nobody_followed_are_not_lost(rig: Rig, tmp_path: Path) -> None:
    with Rig(rig.bootstrap, rig.dsn.rpartition("/")[0], tmp_path, token_key=NEW_KEY) as new:
        rig.send([Record(ERASURES, None, request(Tokens(b"x").hash("u")))])
        done = rekey(rig, new)
        assert (done.status, "has requests that no worker of group" in done.err) == (1, True), done.err


def users(rig: Rig) -> set[int]:
    with connect(rig.dsn) as client:
        return {row["user"] for row in client.query("SELECT DISTINCT user FROM conversions WHERE user != 0")}


def rekey(rig: Rig, new: Rig, *arguments: str, **env: str) -> Done:
    """With the new workers' environment."""
    settings = {
        "BROKER_URL": f"kafka://{rig.bootstrap}",
        "MAALSTROM_CLICKHOUSE": new.dsn,
        "MAALSTROM_APP_ID": new.layout.app_id,
        "MAALSTROM_TOKEN_KEY": NEW_KEY,
    }
    return maalstrom("rekey", *(arguments or ("--from", rig.layout.app_id)), env=settings | env)
