"""A list of people imported beside a live worker on a real broker: right at once, after a late link, and after an
erasure; and what a replay of the same messages says."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streams.core.identity.tokens import Tokens
from streams.sinks.clickhouse.client import connect
from tests.e2e.commands import embedded, maalstrom, ok
from tests.integration.support.harness import Rig, first_day
from tests.integration.support.processes import Worker
from tests.integration.support.records import Record
from tests.support.messages import HOUR, identify, order, touch

pytestmark = pytest.mark.faults  # half a minute

PATIENCE_S = 60
CATALOGUE = 'base_currency = "NOK"\n[[goal]]\nid = "orders"\nevent = "Order Completed"\n[[campaign]]\nid = "autumn"\n'
START = int(datetime.combine(first_day(), datetime.min.time(), UTC).timestamp()) * 1000  # ms
NAME = "Members"
ENGAGED = "SELECT toString(day) AS day, campaign, network, audience, user FROM engagement_audience FINAL ORDER BY ALL"
CONVERTED = "SELECT goal, conversion_id, audience, user FROM conversion_audience FINAL ORDER BY ALL"


def people() -> list[Record]:
    """Five people who touch a campaign, the last of them unknown yet, in a browser; the first two buy as well."""
    touched = [Record("engagement", b"%d" % n, touch(f"t{n}", START, user=f"person {n}")) for n in range(4)]
    unknown = Record("engagement", b"b", touch("tb", START + HOUR, user=None, anonymous="browser"))
    bought = [Record("checkout", b"%d" % n, order(f"o{n}", START + HOUR, f"o{n}", user=f"person {n}")) for n in (0, 1)]
    return [*touched, unknown, *bought]


LINK = Record("identity", b"b", identify("i", START + 2 * HOUR, "browser", "person 4"))


def settings(rig: Rig) -> dict[str, str]:
    return {
        "BROKER_URL": f"kafka://{rig.bootstrap}",
        "MAALSTROM_APP_ID": rig.layout.app_id,
        "MAALSTROM_CATALOGUE": str(rig.folder / "catalogue.toml"),
        "MAALSTROM_CLICKHOUSE": rig.dsn,
        "MAALSTROM_TOKEN_KEY": rig.token_key,
    }


def ask(dsn: str, query: str) -> list[dict[str, Any]]:
    with connect(dsn) as client:
        return client.query(query)


def members(rig: Rig) -> list[int]:
    return sorted(row["user"] for row in ask(rig.dsn, ENGAGED) if row["audience"] == NAME)


def hashes(rig: Rig, *numbers: int) -> list[int]:
    tokens = [f"person {number}" for number in numbers]
    return sorted(Tokens(rig.token_key.encode()).hashes(tokens).tolist())


def until(worker: Worker, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert worker.running, f"the worker ended:\n{worker.tail()}"
        assert time.monotonic() < deadline, worker.tail()
        time.sleep(0.1)


def imported(folder: Path, env: dict[str, str], *numbers: int, **how: str) -> None:
    path = folder / "members.txt"
    path.write_text("".join(f"person {number}\n" for number in numbers), "utf-8")
    ok(maalstrom("audience", "import", NAME, path, *how.values(), env=env))


def replayed(rig: Rig, folder: Path) -> list[list[dict[str, Any]]]:
    """What a replay of the same messages, with the same list, says."""
    folder.mkdir()
    env = {**settings(rig), "MAALSTROM_CLICKHOUSE": embedded(folder / "db")}
    imported(folder, env, 0, 1, 2, 4)
    events = folder / "events.ndjson"
    events.write_bytes(b"\n".join(record.value or b"" for record in [*people(), LINK]))
    ok(maalstrom("replay", "--events", events, "--catalogue", env["MAALSTROM_CATALOGUE"], env=env))
    return [ask(env["MAALSTROM_CLICKHOUSE"], query) for query in (ENGAGED, CONVERTED)]


def test_a_list_beside_a_live_worker_after_a_late_link_and_an_erasure(rig: Rig, tmp_path: Path) -> None:
    (rig.folder / "catalogue.toml").write_text(CATALOGUE, "utf-8")
    env, worker = settings(rig), rig.worker()
    worker.start()
    worker.wait_ready()
    rig.send(people())
    until(worker, lambda: not rig.behind())
    assert members(rig) == []
    imported(tmp_path, env, 0, 1, 2, 4)  # all that is counted was retained
    until(worker, lambda: members(rig) == hashes(rig, 0, 1, 2))
    until(worker, lambda: len(ask(rig.dsn, CONVERTED)) == 2)
    rig.send([LINK])
    wanted = replayed(rig, tmp_path / "replay")
    until(worker, lambda: [ask(rig.dsn, query) for query in (ENGAGED, CONVERTED)] == wanted)
    assert len(members(rig)) == 4
    ok(maalstrom("erase", "person 0", env=env))
    until(worker, lambda: len(members(rig)) == 3 and not set(hashes(rig, 0)) & set(members(rig)))
    until(worker, lambda: [row["user"] for row in ask(rig.dsn, CONVERTED)] == hashes(rig, 1))
    assert hashes(rig, 0)[0] not in [row["user"] for row in ask(rig.dsn, "SELECT user FROM audiences FINAL")]
    worker.kill()
    worker.start()
    worker.wait_ready()
    imported(tmp_path, env, 1, 3, how="--replace")
    until(worker, lambda: members(rig) == hashes(rig, 1, 3))
