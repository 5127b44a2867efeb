"""Dead letters read, filtered and replayed on a real broker."""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource
from rich.console import Console

from deploy.kafka.broker import Broker, cluster
from streams.cli.kafka.dlq_view import render_letter, render_letters, render_replayed
from streams.cli.main import main
from streams.core.events.dead_letters import Failure, encode_headers
from streams.core.events.topics import SOURCES
from streams.kafka import clients, dlq
from streams.kafka.clients import BrokerError, connect, read_range
from streams.kafka.dlq import DeadLetterRecord, DlqReplay, Filter, find, read, replay, would_replay
from streams.kafka.topics import Layout, create

NOON = 1_790_000_000_000
POISON = b'\xff\xfe{"type":"track"\x00\x1b[2J'


@dataclass(frozen=True)
class Bad:
    """A bad record as a worker would dead-letter it."""

    key: bytes | None
    value: bytes | None
    reason: str = "malformed"
    topic: str = "engagement"
    after: int = 0

    @property
    def failure(self) -> Failure:
        return Failure(self.reason, f"{self.reason}!", self.topic, 1, 77, NOON + self.after)


def bury(broker: Broker, letters: Sequence[Bad], partition: int | None = None) -> None:
    with connect(KafkaProducer, broker.bootstrap, max_request_size=8 << 20) as producer:
        for bad in letters:
            headers = encode_headers(bad.failure)
            topic = f"{bad.topic}.dlq"
            producer.send(topic, bad.value, bad.key, headers=headers, partition=partition).get(timeout=20)


def everything(broker: Broker, topic: str) -> list[Any]:
    with connect(KafkaConsumer, broker.bootstrap) as consumer:
        parts = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        ends = consumer.end_offsets(parts)
        return [record for part in parts for record in read_range(consumer, part, 0, ends[part])]


@pytest.fixture
def broker(blank_kafka: Broker) -> Broker:
    create(blank_kafka.bootstrap, Layout(partitions=2))
    return blank_kafka


def test_a_letter_is_read_with_its_bytes_key_and_headers(broker: Broker) -> None:
    bury(broker, [Bad(b"user", POISON), Bad(b"user", None), Bad(None, b"")], partition=1)
    letters = list(read(broker.bootstrap, SOURCES, Filter()))
    failure = Bad(b"user", POISON).failure
    written = [letter.written_at for letter in letters]
    assert letters == [
        DeadLetterRecord("engagement.dlq", 1, 0, b"user", POISON, written[0], failure),
        DeadLetterRecord("engagement.dlq", 1, 1, b"user", None, written[1], failure),
        DeadLetterRecord("engagement.dlq", 1, 2, None, b"", written[2], failure),
    ]


def test_filters_by_reason_time_partition_and_offset(broker: Broker) -> None:
    letters = [Bad(b"k", b"%d" % n, "too_late" if n % 2 else "malformed", after=n) for n in range(6)]
    bury(broker, letters, partition=0)
    bury(broker, [Bad(b"k", b"other", topic="checkout")], partition=1)

    def values(*topics: str, **wanted: Any) -> list[bytes | None]:
        return [letter.value for letter in read(broker.bootstrap, topics or SOURCES, Filter(**wanted))]

    assert values() == [b"0", b"1", b"2", b"3", b"4", b"5", b"other"]
    assert values("checkout") == [b"other"]
    assert values(reason="too_late") == [b"1", b"3", b"5"]
    assert values(since=NOON + 2, until=NOON + 4) == [b"2", b"3"]
    assert values(partition=1) == [b"other"]
    assert values("engagement", first=4) == [b"4", b"5"]
    assert values("engagement", first=1, last=2) == [b"1", b"2"]
    assert values("engagement", last=100) == [b"0", b"1", b"2", b"3", b"4", b"5"]
    assert values("nothing") == []


def test_find_gives_the_one_asked_for_or_says_that_there_is_none(broker: Broker) -> None:
    bury(broker, [Bad(b"k", b"a"), Bad(b"k", b"b")], partition=1)
    assert find(broker.bootstrap, "engagement", 1, 1).value == b"b"
    for partition, offset in ((1, 2), (0, 0), (9, 0)):
        with pytest.raises(BrokerError, match=rf"no dead letter at engagement\.dlq/{partition}/{offset}"):
            find(broker.bootstrap, "engagement", partition, offset)


def test_replay_sends_original_key_and_bytes_marked_with_where_they_were(broker: Broker) -> None:
    bury(broker, [Bad(b"user", POISON), Bad(None, b"unkeyed"), Bad(b"gone", None)], partition=1)
    bury(broker, [Bad(b"shop", b"{}", "internal", "checkout")], partition=0)
    before = everything(broker, "engagement.dlq")
    done = replay(broker.bootstrap, SOURCES, Filter())
    assert done.sent == {"engagement": 3, "checkout": 1}
    sent = {(r.key, r.value, tuple(r.headers)) for r in everything(broker, "engagement")}
    assert sent == {
        (b"user", POISON, (("replayed_from", b"engagement.dlq/1/0"),)),
        (None, b"unkeyed", (("replayed_from", b"engagement.dlq/1/1"),)),
        (b"gone", None, (("replayed_from", b"engagement.dlq/1/2"),)),
    }
    (shop,) = everything(broker, "checkout")
    assert (shop.key, shop.value) == (b"shop", b"{}")
    assert everything(broker, "engagement.dlq") == before, "the dead letters stay as they were"


def test_a_dry_run_says_what_a_replay_would_send_and_sends_nothing(broker: Broker) -> None:
    bury(broker, [Bad(b"k", b"x"), Bad(b"k", b"x"), Bad(None, b"y")], partition=0)
    planned = would_replay(broker.bootstrap, SOURCES, Filter())
    assert would_replay(broker.bootstrap, SOURCES, Filter()).sent == planned.sent == {"engagement": 2}
    assert planned.repeated == 1
    assert "2 records would be sent: engagement 2" in text(
        lambda console, done: render_replayed(console, done, True), planned
    )
    assert replay(broker.bootstrap, SOURCES, Filter()).sent == planned.sent


def test_replay_sends_only_what_the_filter_wants(broker: Broker) -> None:
    bury(broker, [Bad(b"a", b"1", "internal"), Bad(b"b", b"2", "malformed")])
    replay(broker.bootstrap, ["engagement"], Filter(reason="internal"))
    assert [record.value for record in everything(broker, "engagement")] == [b"1"]


def test_what_fails_again_and_again_never_doubles(broker: Broker) -> None:
    bury(broker, [Bad(b"k", b"%d" % n) for n in range(5)])
    for _ in range(3):
        done = replay(broker.bootstrap, SOURCES, Filter())
        assert done.sent.total() == 5
        # A worker that still cannot read them buries them again.
        bury(broker, [Bad(b"k", b"%d" % n, after=1) for n in range(5)])
    assert replay(broker.bootstrap, SOURCES, Filter()).repeated == 15
    assert Counter(record.value for record in everything(broker, "engagement")) == {b"%d" % n: 4 for n in range(5)}


def test_records_that_differ_in_key_or_topic_only_are_different(broker: Broker) -> None:
    bury(broker, [Bad(b"a", b"x"), Bad(b"b", b"x"), Bad(None, b"x"), Bad(b"", b"x"), Bad(b"a", b"x", topic="checkout")])
    assert replay(broker.bootstrap, SOURCES, Filter()).sent.total() == 5


def test_a_letter_without_our_headers_is_listed_and_replayed(broker: Broker) -> None:
    with connect(KafkaProducer, broker.bootstrap) as producer:
        producer.send("costs.dlq", b"raw", headers=[("reason", b"malformed")]).get(timeout=20)
    (letter,) = read(broker.bootstrap, SOURCES, Filter(since=1))
    assert letter.failure is None
    assert letter.reason == "unknown"
    assert letter.failed_at == letter.written_at > NOON
    assert replay(broker.bootstrap, SOURCES, Filter()).sent == {"costs": 1}


def test_a_refused_record_is_named_and_the_others_go_on(broker: Broker) -> None:
    bury(broker, [Bad(b"k", random.Random(1).randbytes(30_000)), Bad(b"k", b"small")], partition=0)
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        admin.alter_configs([ConfigResource("topic", "engagement", {"max.message.bytes": "20000"})])
    done = replay(broker.bootstrap, SOURCES, Filter())
    assert done.sent == {"engagement": 1}
    ((letter, error),) = done.refused
    assert letter.place == "engagement.dlq/0/0"
    assert "RecordListTooLarge" in error or "MessageSizeTooLarge" in error
    assert "refused: engagement.dlq/0/0" in text(render_replayed, done)


def test_a_letter_with_neither_key_nor_bytes_stays_where_it_is(broker: Broker) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce("engagement.dlq", None, None, headers=encode_headers(Bad(None, None).failure), partition=0)
    assert producer.flush(20) == 0
    bury(broker, [Bad(None, b"x")], partition=0)
    done = replay(broker.bootstrap, SOURCES, Filter())
    assert done.sent == {"engagement": 1}
    assert [(letter.place, why) for letter, why in done.refused] == [
        ("engagement.dlq/0/0", "it has neither key nor bytes: there is nothing to replay")
    ]


def test_many_letters_go_back_complete(broker: Broker) -> None:
    with connect(KafkaProducer, broker.bootstrap) as producer:
        for number in range(3_000):
            producer.send(
                "engagement.dlq", b"%d" % number, b"%d" % number, headers=encode_headers(Bad(b"", b"").failure)
            )
    assert replay(broker.bootstrap, SOURCES, Filter()).sent == {"engagement": 3_000}
    assert Counter(record.value for record in everything(broker, "engagement")) == {
        b"%d" % number: 1 for number in range(3_000)
    }


def test_a_missing_source_topic_is_said_before_anything_is_sent(broker: Broker) -> None:
    bury(broker, [Bad(b"k", b"v")])
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        admin.delete_topics(["checkout"])
        while "checkout" in admin.list_topics():
            pass
    with pytest.raises(BrokerError, match="topic checkout, to which its dead letters go back, is missing"):
        replay(broker.bootstrap, SOURCES, Filter())
    assert everything(broker, "engagement") == []


def test_a_broker_that_goes_away_ends_both_with_a_reason(java: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "REQUEST_MS", 1_000)
    monkeypatch.setattr(clients, "SILENCE_S", 1.0)
    monkeypatch.setitem(dlq.PRODUCER, "max_block_ms", 1_000)
    monkeypatch.setitem(dlq.PRODUCER, "delivery_timeout_ms", 1_500)
    with cluster() as single:
        broker = single.brokers[0]
        create(broker.bootstrap, Layout(partitions=1))
        bury(broker, [Bad(b"k", bytes([number]) * 500_000) for number in range(6)])
        letters = read(broker.bootstrap, SOURCES, Filter())
        assert next(letters).offset == 0
        monkeypatch.setattr(dlq, "_send_all", killing(broker, dlq._send_all))
        with pytest.raises(BrokerError, match=r"failed after 0 records were acknowledged .*nothing is counted twice"):
            replay(broker.bootstrap, SOURCES, Filter(last=0))
        with pytest.raises(BrokerError, match=r"engagement\.dlq/0 stays at offset \d of 6"):
            list(letters)


def killing(broker: Broker, send_all: Callable[..., None]) -> Callable[..., None]:
    def wrapped(producer: KafkaProducer, named: Any, letters: Iterator[DeadLetterRecord], done: DlqReplay) -> None:
        first = next(letters)
        broker.kill()
        send_all(producer, named, chain([first], letters), done)

    return wrapped


def text(render: Any, *arguments: Any) -> str:
    out = io.StringIO()
    render(Console(file=out, width=80, force_terminal=False), *arguments)
    return out.getvalue()


def test_what_strangers_sent_cannot_steer_the_terminal(broker: Broker) -> None:
    bury(broker, [Bad(b"\x1b]0;title\x07", POISON)], partition=0)
    listed = text(render_letters, read(broker.bootstrap, SOURCES, Filter()))
    assert listed == (
        "engagement.dlq/0/0  2026-09-21T14:13:20.000Z  malformed  malformed!\n1 dead letters: malformed 1\n"
    )
    shown = text(render_letter, find(broker.bootstrap, "engagement", 0, 0))
    assert "\x1b" not in shown
    assert r'\xff\xfe{"type":"track"\x00\x1b[2J' in shown
    assert "source      engagement/1/77" in shown


def test_a_long_value_is_shown_in_part_and_a_tombstone_as_such() -> None:
    place = ("engagement.dlq", 0, 0, b"k")
    long = text(render_letter, DeadLetterRecord(*place, b"x" * 10_001, 2**62, None))
    assert "… the first 10000 of 10001 bytes" in long
    assert "9999-12-31T23:59:59.000Z" in long
    assert "none (a tombstone)" in text(render_letter, DeadLetterRecord(*place, None, 0, None))


def test_letters_of_every_topic_are_listed_those_of_the_sources_and_between_partitions_too(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sources.toml").write_text('[[source]]\ntopic = "rudder-events"\n', "utf-8")
    monkeypatch.setenv("MAALSTROM_SOURCES", str(tmp_path / "sources.toml"))
    monkeypatch.setenv("BROKER_URL", f"kafka://{broker.bootstrap}")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    def listed(*topics: str) -> list[str]:
        done = run("dlq", "list", "--json", *(word for topic in topics for word in ("--topic", topic)))
        assert done.exit_code == 0, done.output
        return [json.loads(line)["place"] for line in done.output.splitlines()]

    assert run("topics", "create", "--partitions", "2").exit_code == 0
    bury(broker, [Bad(b"k", b"v", topic=topic) for topic in ("checkout", "rudder-events", "forwarded")], partition=0)
    assert listed() == ["checkout.dlq/0/0", "rudder-events.dlq/0/0", "forwarded.dlq/0/0"]
    assert listed("rudder-events") == ["rudder-events.dlq/0/0"]
    assert listed("forwarded", "checkout") == ["forwarded.dlq/0/0", "checkout.dlq/0/0"]
    for command, topic in (("list", "clicks"), ("replay", "forwarded")):
        refused = run("dlq", command, "--topic", topic)
        assert refused.exit_code == 2
        assert (
            f"'{topic}' is none of events, engagement, checkout, identity, erasures, costs, rudder-" in refused.output
        )
    assert run("dlq", "replay", "--topic", "rudder-events").exit_code == 0
    assert [record.value for record in everything(broker, "rudder-events")] == [b"v"]
