"""Erasure on a real broker: the worker follows, and of dead letters only the person's go."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from streams.core.events.topics import ERASURES, FORWARDED
from streams.core.identity.tokens import Tokens
from streams.kafka.clients import connect, read_range
from streams.sinks.clickhouse import client as clickhouse
from tests.e2e.commands import Done, embedded, maalstrom, ok
from tests.integration.support.harness import TOKEN_KEY, Rig, first_day
from tests.integration.support.records import Record
from tests.support.messages import HOUR, identify, order, touch

pytestmark = pytest.mark.faults  # minutes

START = int(datetime.combine(first_day(), datetime.min.time(), UTC).timestamp()) * 1000  # ms
BAD = b'{"type":"track","event":"Social Interaction","messageId":"%d","userId":"%b"}'


def records(user: str) -> list[Record]:
    """What somebody leaves: touches, a link, an order, and records that become dead letters."""
    values = [
        ("engagement", user, touch(f"t-{user}", START, user=user)),
        ("identity", f"browser-{user}", identify(f"i-{user}", START, f"browser-{user}", user)),
        ("engagement", f"browser-{user}", touch(f"tb-{user}", START, user=None, anonymous=f"browser-{user}")),
        ("checkout", user, order(f"o-{user}", START + HOUR, f"o-{user}", user=user)),
        *(("engagement", user, BAD % (n, user.encode())) for n in range(3)),
        ("engagement", "somebody", b'broken, of "' + user.encode() + b'"'),
    ]
    return [Record(topic, key.encode(), value) for topic, key, value in values]


def held(bootstrap: str, topic: str) -> list[Any]:
    with connect(KafkaConsumer, bootstrap) as consumer:
        parts = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        begins, ends = consumer.beginning_offsets(parts), consumer.end_offsets(parts)
        return [record for part in parts for record in read_range(consumer, part, begins[part], ends[part])]


def letters(rig: Rig) -> list[tuple[bytes | None, bytes | None, Any]]:
    found = held(rig.bootstrap, "engagement.dlq")
    return sorted((record.key, record.value, tuple(record.headers)) for record in found)


def command(rig: Rig, *arguments: str | Path) -> Done:
    settings = {
        "BROKER_URL": f"kafka://{rig.bootstrap}",
        "MAALSTROM_CLICKHOUSE": rig.dsn,
        "MAALSTROM_TOKEN_KEY": TOKEN_KEY,
        "MAALSTROM_APP_ID": rig.layout.app_id,
    }
    return maalstrom(*arguments, env=settings)


def erase(rig: Rig, *arguments: str) -> Done:
    return command(rig, "erase", *arguments)


def conversions(dsn: str) -> list[dict[str, Any]]:
    with clickhouse.connect(dsn) as client:
        return client.query(
            "SELECT goal, conversion_id, user, reason, touch_at, touch_campaign FROM conversions FINAL ORDER BY ALL"
        )


def came_back(user: str) -> list[Record]:
    """What somebody leaves later, as a user alone."""
    click, bought = (
        touch(f"t-{user}-2", START + 48 * HOUR, user=user),
        order(f"o-{user}-2", START + 49 * HOUR, f"o-{user}-2", user=user),
    )
    return [Record("engagement", user.encode(), click), Record("checkout", user.encode(), bought)]


def test_a_person_is_forgotten_and_others_keep_their_dead_letters(rig: Rig) -> None:
    worker = rig.worker()
    worker.start()
    rig.send([record for pair in zip(records("u"), records("v"), strict=True) for record in pair])
    rig.settle()
    others = [
        letter for letter in letters(rig) if b"u" not in (letter[0], letter[1]) and b'"u"' not in (letter[1] or b"")
    ]
    assert len(others) == 4
    verified = erase(rig, "u", "--verify")
    assert (verified.status, "dead letters: 4 found" in verified.out) == (1, True), verified.out
    for token in ("u", "browser-u"):
        ok(erase(rig, token))
    assert letters(rig) == others
    assert held(rig.bootstrap, FORWARDED) == []
    asked = {json.loads(record.value)["user"] for record in held(rig.bootstrap, ERASURES)}
    assert asked == {f"{Tokens(TOKEN_KEY.encode()).hash(token):016x}" for token in ("u", "browser-u")}
    assert "the journal: nothing" in ok(erase(rig, "u", "--verify")).out
    assert {row["reason"] for key, row in rig.tables().conversions.items() if key[1] == "o-u"} == {"erased"}
    worker.terminate(20)
    again = rig.worker()
    again.start()
    again.wait_ready()
    assert erase(rig, "v", "--verify").status == 1
    ok(erase(rig, "u", "--verify"))


def test_a_worker_that_dies_while_it_follows_is_followed_by_the_next(rig: Rig) -> None:
    worker = rig.worker(MAALSTROM_FAIL_POINT="forgotten:1")
    worker.start()
    rig.send(records("u"))
    rig.settle()
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(erase, rig, "u")
        while worker.running:
            time.sleep(0.05)
        rig.worker().start()
        assert "the journal: nothing" in ok(asked.result()).out


def test_a_replay_of_the_topics_brings_nobody_back_who_was_erased(rig: Rig, tmp_path: Path) -> None:
    worker = rig.worker()
    worker.start()
    people = ("u", "v", "w")
    rig.send([record for each in people for record in records(each)])
    rig.settle()
    for token in ("u", "browser-u", "w", "browser-w"):
        ok(erase(rig, token))
    known = len(conversions(rig.dsn))
    rig.send(came_back("u"))  # they are somebody new from now on
    worker.until(lambda: len(conversions(rig.dsn)) > known)
    assert worker.terminate(20) == 0
    dsn = embedded(tmp_path / "replayed")
    catalogue = ("--catalogue", rig.folder / "catalogue.toml")
    ok(command(rig, "replay", "--kafka", "--clickhouse", dsn, *catalogue))
    assert conversions(dsn) == conversions(rig.dsn)
    assert erase(rig, "w", "--verify", "--clickhouse", dsn).status == 0
    assert {(row["conversion_id"], row["reason"]) for row in conversions(dsn)} == {
        ("o-u", "erased"), ("o-v", ""), ("o-w", "erased"), ("o-u-2", ""),
    }  # fmt: skip
