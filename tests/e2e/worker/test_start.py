"""The start of a worker: it waits for a broker that is down, says what it is going to do, and tells no secret."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from deploy.kafka.broker import free_ports
from streams.embedded.broker import EmbeddedBroker
from streams.kafka.topics import Layout, specification
from tests.conftest import serving
from tests.e2e.commands import environment, maalstrom
from tests.integration.support.processes import Worker

CATALOGUE = 'base_currency = "NOK"\n[[goal]]\nid = "orders"\nname = "Orders"\nevent = "Order Completed"\n'
SECRETS = {"MAALSTROM_TOKEN_KEY": "the-key-of-the-tokens", "MAALSTROM_CLICKHOUSE": "the-word-of-the-base"}


def lines(worker: Worker) -> list[dict[str, Any]]:
    return [json.loads(line) for line in worker.said().splitlines() if line.startswith("{")]


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    return environment(
        {
            "MAALSTROM_CATALOGUE": str(tmp_path / "catalogue.toml"),
            "MAALSTROM_DATADIR": str(tmp_path / "data"),
            "MAALSTROM_DECLARE_TOPICS": "0",
            "MAALSTROM_TOKEN_KEY": SECRETS["MAALSTROM_TOKEN_KEY"],
            "MAALSTROM_CLICKHOUSE": f"chdb://{tmp_path}/clickhouse",
        }
    )


def test_a_broker_that_is_down_is_waited_for(tmp_path: Path, settings: dict[str, str]) -> None:
    here, there = free_ports(2)
    worker = Worker(tmp_path / "log", here, {**settings, "BROKER_URL": f"kafka://127.0.0.1:{there}"})
    with worker:
        deadline = time.monotonic() + 30
        while "waiting for it" not in worker.said():
            assert worker.running, worker.tail()
            assert time.monotonic() < deadline, worker.tail()
            time.sleep(0.1)
        (said,) = (line["event"] for line in lines(worker) if "waiting for it" in line["event"])
        assert f"no Kafka broker answers at 127.0.0.1:{there}" in said
        assert "Traceback" not in worker.said()
        worker.until(lambda: worker.get("/health") == (200, "alive\n"))
        status, text = worker.get("/ready")
        assert (status, said.removeprefix("not ready: ") in text) == (503, True)
        assert worker.terminate(20) == 0


def test_one_line_says_what_starts_and_no_line_a_secret(tmp_path: Path, settings: dict[str, str]) -> None:
    for name, text in SECRETS.items():
        (tmp_path / name).write_text(text)
    names = {spec.name: spec.partitions or 2 for spec in specification(Layout(partitions=2))}
    with (
        serving(tmp_path / "server", password=SECRETS["MAALSTROM_CLICKHOUSE"]) as address,
        EmbeddedBroker(names) as broker,
    ):
        dsn = f"clickhouse://default:{SECRETS['MAALSTROM_CLICKHOUSE']}@{address}/start"
        (tmp_path / "MAALSTROM_CLICKHOUSE").write_text(f"{dsn}\n")
        more = {f"{name}_FILE": str(tmp_path / name) for name in SECRETS} | {"MAALSTROM_RETENTON": "9d"}
        chosen = {**settings, **more, "BROKER_URL": f"kafka://{broker.bootstrap}"}
        worker = Worker(
            tmp_path / "log", free_ports(1)[0], {name: chosen[name] for name in chosen if name not in SECRETS}
        )
        worker.env = {name: text for name, text in worker.env.items() if name not in SECRETS}
        with worker:
            worker.wait_ready()
            processes = [worker.pid, *worker.children()]
            inside = "".join(
                Path(f"/proc/{pid}/{file}").read_text() for pid in processes for file in ("cmdline", "environ")
            )
            outside = worker.said() + worker.get("/metrics")[1] + worker.get("/ready")[1]
            assert worker.terminate(30) == 0
        (starting,) = (line for line in lines(worker) if line["event"] == "starting")
        assert starting["database"] == f"clickhouse://default@{address}/start"
        assert (starting["partitions"], starting["retention"], starting["group"]) == (2, "45d", "maalstrom")
        assert len(starting["catalogue_hash"]) == 12
        assert {"version", "topics", "brokers"} <= starting.keys()
        assert "is MAALSTROM_RETENTION meant?" in worker.said()
        assert len(lines(worker)) < 20, "Faust tells of its parts to nobody"
        for secret in SECRETS.values():
            assert secret not in inside + outside + worker.said()


def test_a_log_level_is_that_from_which_on_is_told(tmp_path: Path, settings: dict[str, str]) -> None:
    names = {spec.name: spec.partitions or 1 for spec in specification(Layout(partitions=1))}
    with EmbeddedBroker(names) as broker:
        chosen = {**settings, "BROKER_URL": f"kafka://{broker.bootstrap}", "MAALSTROM_LOG_LEVEL": "error"}
        with Worker(tmp_path / "log", free_ports(1)[0], chosen) as worker:
            worker.wait_ready()
            assert worker.terminate(30) == 0
    assert lines(worker) == []


def test_a_failure_tells_no_secret(tmp_path: Path) -> None:
    dsn = f"clickhouse://me:{SECRETS['MAALSTROM_CLICKHOUSE']}@127.0.0.1:1/x"
    (tmp_path / "dsn").write_text(dsn)
    for env in ({"MAALSTROM_CLICKHOUSE": dsn}, {"MAALSTROM_CLICKHOUSE_FILE": str(tmp_path / "dsn")}):
        done = maalstrom("report", env=env)
        assert (done.status, done.err.count("\n")) == (1, 1)
        assert SECRETS["MAALSTROM_CLICKHOUSE"] not in done.err
    both = {"MAALSTROM_CLICKHOUSE": dsn, "MAALSTROM_CLICKHOUSE_FILE": os.devnull}
    assert "MAALSTROM_CLICKHOUSE and MAALSTROM_CLICKHOUSE_FILE are both set" in maalstrom("report", env=both).err
