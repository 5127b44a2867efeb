"""aiokafka's client as a worker uses it: questions that meet a closed connection, or nobody who answers."""

from __future__ import annotations

import asyncio
import gc
import socket
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from kafka import KafkaAdminClient
from kafka.net.inet import create_connection
from kafka.net.selector import NetworkSelector
from kafka.net.transport import KafkaTCPTransport

from deploy.kafka.broker import Broker
from streams.sources.kafka import closed_connections, missing_topics
from tests.integration.support.harness import Rig

# A worker that is stopped in a rebalance, and that says where another thread closes the consumer's client.
STOPPED_IN_A_REBALANCE = """
import asyncio, os, signal, sys
from aiokafka.client import AIOKafkaClient
from streams.agents.application import Application
from streams.cli import main

close, assigned = AIOKafkaClient.close, Application._on_partitions_assigned

async def closing(client):
    if asyncio.get_running_loop() is not client._loop:
        print("closed by another thread", flush=True)
    await close(client)

async def stopped(app, *args):
    os.kill(os.getpid(), signal.SIGTERM)
    while not app.should_stop:
        await asyncio.sleep(0.01)
    print("stopped in a rebalance", flush=True)
    await assigned(app, *args)

AIOKafkaClient.close, Application._on_partitions_assigned = closing, stopped
sys.argv[1:] = ["worker"]
main.main()
"""


def test_a_connection_that_has_just_closed_costs_one_question_and_not_the_task_that_asks(kafka: Broker) -> None:
    closed_connections.tell_of_closed()
    assert uvloop.run(answers(kafka.bootstrap, 3)) == [False, True, True]


async def answers(bootstrap: str, questions: int) -> list[bool]:
    """Whether metadata was got, so many times; the connection that is asked first closes before it is."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    await client.bootstrap()
    connected = client._get_conn

    async def closing(*args: Any, **kwargs: Any) -> Any:
        client._get_conn = connected
        connection = await connected(*args, **kwargs)
        transport = connection._writer.transport
        transport.abort()
        while "closed=True" not in repr(transport):
            await asyncio.sleep(0)
        return connection  # which was not told of it yet

    client._get_conn = closing
    try:
        return [await asyncio.wait_for(client.force_metadata_update(), 20) for _ in range(questions)]
    finally:
        await client.close()


def test_topics_are_asked_for_again_where_nobody_answered(kafka: Broker) -> None:
    topic = "asked-for-again"
    with KafkaAdminClient(bootstrap_servers=kafka.bootstrap) as admin:
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    assert asyncio.run(known(kafka.bootstrap, topic))


async def known(bootstrap: str, topic: str) -> bool:
    """Whether a consumer gets to know of a topic whose first question has no answer."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    client = consumer._client
    ask = client._metadata_update

    async def unanswered(*_: Any) -> bool:
        client._metadata_update = ask
        return False

    await consumer.start()
    try:
        missing_topics.ask_again(consumer)
        client._metadata_update = unanswered
        consumer.subscribe([topic])
        await asyncio.sleep(5)
        return bool(client.cluster.partitions_for_topic(topic))
    finally:
        await consumer.stop()


def test_a_client_is_closed_by_its_own_thread_where_a_worker_is_stopped_in_a_rebalance(rig: Rig) -> None:
    worker = rig.worker()
    worker.command[1:] = ["-c", STOPPED_IN_A_REBALANCE]
    worker.start()
    assert worker.wait(60) == 0
    assert "stopped in a rebalance" in worker.said()
    assert "closed by another thread" not in worker.said()


def test_a_client_of_the_tests_that_is_closed_while_it_connects_leaves_no_socket_to_be_warned_of() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        close_while_it_connects(*server.getsockname())
        server.accept()[0].close()  # it had connected
    gc.collect()


def test_a_client_of_the_tests_that_is_closed_while_it_writes_leaves_no_socket_to_be_warned_of() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        close_while_it_writes(socket.create_connection(server.getsockname()))
        server.accept()[0].close()
    gc.collect()


def close_while_it_writes(connected: socket.socket) -> None:
    selector = NetworkSelector()
    transport = KafkaTCPTransport(selector, connected)
    transport.write(b"what is never sent")
    transport.close()
    selector.close()


def close_while_it_connects(host: str, port: int) -> None:
    selector = NetworkSelector()
    selector.call_soon(lambda: create_connection(selector, host, port))
    selector.poll(timeout_ms=0)
    selector.close()
