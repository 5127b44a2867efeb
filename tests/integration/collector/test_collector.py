"""`maalstrom collect` as a process: it starts, says how it is, and ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.kafka.broker import Broker, free_ports
from streams.collector.collector import configured
from streams.collector.settings import CollectorSettings
from streams.config import ConfigError
from tests.integration.collector.conftest import environment, made_topic
from tests.integration.support.collectors import CollectorProcess


def test_it_lives_and_ends_when_it_is_told_to(kafka: Broker, tmp_path: Path) -> None:
    env = environment(tmp_path, kafka, made_topic(kafka)) | {"MAALSTROM_WRIT_KEYS": "misspelt"}
    with CollectorProcess(tmp_path / "log", free_ports(1)[0], env) as collector:
        collector.wait_alive()
        collector.wait_ready()
        assert "MAALSTROM_WRIT_KEYS is set, and there is no such variable; is MAALSTROM_WRITE_KEYS" in collector.said()
        assert collector.metrics()["maalstrom_collect_waiting_records", ()] == 0
        assert collector.terminate(10) == 0


def test_it_lives_and_says_what_is_missing_without_a_topic_or_a_broker(kafka: Broker, tmp_path: Path) -> None:
    wanted = {kafka.port: "topic nowhere: .*maalstrom topics create", free_ports(1)[0]: "no broker answers"}
    for port, words in wanted.items():
        env = environment(tmp_path, kafka, "nowhere") | {"BROKER_URL": f"kafka://127.0.0.1:{port}"}
        with CollectorProcess(tmp_path / "log", free_ports(1)[0], env) as collector:
            collector.wait_alive()
            collector.until(lambda: bool(re.search(words, collector.get("/ready")[1])))  # noqa: B023
            assert collector.get("/ready")[0] == 503
            assert collector.terminate(15) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COLLECT_PORT", "many"), ("MAALSTROM_COLLECT_RATE", "-1"), ("MAALSTROM_COLLECT_ORIGINS", "shop.example"),
        ("MAALSTROM_WRITE_KEYS", "nowhere"), ("MAALSTROM_COLLECT_TOPIC", "a topic"), ("BROKER_URL", "kafka+ssl://b:1"),
    ],
)  # fmt: skip
def test_what_it_cannot_use_is_one_line_that_names_it(name: str, value: str) -> None:
    command = [sys.executable, "-m", "streams", "collect"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, name: value})
    assert done.returncode == 1
    assert name in done.stderr or value in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_topic_that_is_read_as_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text('[[source]]\ntopic = "hits"\nformat = "ga4"\n')
    chosen = CollectorSettings(sources=tmp_path / "sources.toml", collect_topic="hits")
    with pytest.raises(ConfigError, match=r"MAALSTROM_COLLECT_TOPIC is hits, .* ga4"):
        configured(chosen)
