"""Collectors and brokers that die under load: what a client was told was taken is there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer

from deploy.kafka.broker import Broker, cluster, free_ports
from streams.collector import recorder as recorders
from streams.collector.recorder import Outgoing, Recorder
from tests.integration.collector.conftest import SERVER, Site, environment, made_topic
from tests.integration.collector.load import Load
from tests.integration.support.collectors import CollectorProcess


@pytest.fixture(scope="module")
def single(java: None) -> Iterator[Broker]:
    """A broker of the module's own: others must not miss theirs."""
    with cluster() as one:
        yield one.brokers[0]


def all_is_there(site: Site, load: Load) -> None:
    assert load.taken
    there = {key.decode() for key, _, _ in site.records() if key}
    assert load.taken - there == set()


def test_what_was_taken_survives_kills_of_collector_and_broker(single: Broker, tmp_path: Path) -> None:
    topic = made_topic(single)
    with CollectorProcess(tmp_path / "log", free_ports(1)[0], environment(tmp_path, single, topic)) as process:
        process.wait_alive()
        site = Site(process, single, topic)
        with Load(process.port, SERVER) as load:
            for _ in range(2):
                load.goes_on()
                process.kill()
                process.start()
            load.goes_on()
            single.kill()
            load.answers(503)
            assert process.get("/ready")[0] == 503
            assert process.get("/health")[0] == 200
            single.start()
            load.goes_on()
            process.wait_ready()
        assert int(load.retry_after[0]) > 0
        assert process.metrics()["maalstrom_collect_waiting_records", ()] == 0
        all_is_there(site, load)
        assert process.terminate(15) == 0


def test_a_redirect_s_record_is_there_when_kafka_comes_back(single: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is offered while Kafka is down is tried again, and nobody waits for it."""
    topic, key = made_topic(single), b"offered"
    monkeypatch.setattr(recorders, "PATIENCE", 1.0)
    single.kill()

    async def send() -> None:
        recorder = Recorder(single.bootstrap, topic)
        await recorder.start()
        assert recorder.offer([Outgoing(key, b"{}")])
        await asyncio.sleep(1.5)
        single.start()
        async with asyncio.timeout(60):
            while recorder.offered:
                await asyncio.sleep(0.1)
        await recorder.stop()

    asyncio.run(send())
    with KafkaConsumer(topic, bootstrap_servers=single.bootstrap, auto_offset_reset="earliest") as consumer:
        assert next(consumer).key == key
