"""`maalstrom worker` on the embedded broker: exact figures, dead letters, metrics, and a restart that loses nothing."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.kafka.broker import free_ports
from streams.core.events.topics import dead_letters_of
from streams.kafka.topics import partition_of
from streams.simulate import catalogue_text
from tests.conftest import serving
from tests.e2e.commands import SHOP, TOKEN_KEY, TOPICS, maalstrom, unlike_reference
from tests.e2e.pipeline import PATIENCE, Pipeline, dead_letters, outcomes, stop
from tests.integration.support.harness import DAYS, first_day, simulated
from tests.integration.support.processes import wait_gone
from tests.integration.support.records import Record, send
from tests.support.judged import expected
from tests.support.messages import DAY, HOUR, order, refund, touch

TOWN = catalogue_text(first_day(), DAYS)
START = int(datetime.combine(first_day(), datetime.min.time(), UTC).timestamp()) * 1000  # ms
# Contract 10, as far as it exists: name to labels.
METRICS = {
    "maalstrom_events": {"topic", "outcome"},
    "maalstrom_dead_letters": {"topic", "reason"},
    "maalstrom_goal_conversions": {"goal"},
    "maalstrom_goal_reversals": {"goal"},
    "maalstrom_event_time_lag_seconds": {"topic", "partition"},
    "maalstrom_consumer_lag_records": {"topic", "partition"},
    "maalstrom_end_to_end_seconds": set(),
    "maalstrom_batch_seconds": set(),
    "maalstrom_batch_records": set(),
    "maalstrom_sink_flush_seconds": set(),
    "maalstrom_sink_rows": {"table"},
    "maalstrom_sink_failures": set(),
    "maalstrom_state_touches": set(),
    "maalstrom_state_bytes": set(),
    "maalstrom_journal_segments": set(),
    "maalstrom_journal_gap_records": set(),
    "maalstrom_goal_expected_conversions": {"goal"},
    "maalstrom_goal_drop_probability": {"goal"},
    "maalstrom_watch_failures": set(),
    "maalstrom_sink_last_flush_timestamp_seconds": set(),
    "maalstrom_ready": set(),
    "process_resident_memory_bytes": set(),
}


def by_user(topic: str, user: str, value: bytes) -> Record:
    """A record with the key it should have."""
    return Record(topic, user.encode(), value)


def test_a_restart_in_the_middle_of_a_month(tmp_path: Path) -> None:
    month = simulated(6_000, seed=21, refunds=0.3, duplicates=0.1, disorder=0.2)
    middle, noon = len(month) * 6 // 10, START + 15 * DAY
    before = [
        *month[:middle],
        by_user("checkout", "lea", order("o-lea", noon, "lea", user="lea")),
        by_user("checkout", "kim", order("o-kim", noon, "kim", user="kim", revenue=80)),
        Record("checkout", None, refund("r-early", noon + HOUR, "ida", user=None, total=30), 0),
    ]
    after = [
        *month[middle:],
        *month[:100],  # a producer that sends again
        by_user("engagement", "lea", touch("t-late", noon - HOUR, user="lea")),
        by_user("checkout", "desk", refund("r-kim", noon + DAY, "kim", user="desk", total="79.50")),
        Record("checkout", None, order("o-ida", noon, "ida", user="ida"), 0),
        Record("checkout", None, order("o-eva", noon, "eva", user="eva"), 1),
    ]

    with Pipeline(tmp_path, TOWN) as pipeline:
        worker = pipeline.start()
        assert worker.get("/health")[0] == 200
        pipeline.feed(worker, before)
        counted = outcomes(worker)
        stop(worker)
        assert pipeline.behind() == 0
        assert _unlike(pipeline, before) == ""

        worker = pipeline.start()
        assert sum(outcomes(worker).values()) == 0, "what was committed was read again"
        pipeline.feed(worker, after)
        counted += outcomes(worker)
        assert worker.metrics()["maalstrom_journal_gap_records", ()] == 0
        stop(worker)
        assert _unlike(pipeline, before + after) == ""
        assert counted == _wanted_outcomes(before + after)


@pytest.mark.faults
def test_a_worker_that_loses_a_process_ends_and_the_next_one_has_the_same(tmp_path: Path) -> None:
    month = simulated(4_000, seed=22)
    with Pipeline(tmp_path, TOWN) as pipeline:
        worker = pipeline.start(MAALSTROM_PROCESSES="2")
        pipeline.feed(worker, month[:2_000])
        lost, other = worker.children()
        os.kill(lost, signal.SIGKILL)
        send(pipeline.bootstrap, month[2_000:])
        assert worker.wait(PATIENCE) == 1
        assert f"process {lost} ended, perhaps for want of memory; nothing is lost: " in worker.said()
        assert "Traceback" not in worker.said()
        wait_gone(other)

        worker = pipeline.start(MAALSTROM_PROCESSES="1")
        pipeline.until(worker, lambda: pipeline.at_rest(worker))
        stop(worker)
        assert _unlike(pipeline, month) == ""


def _pairs(records: list[Record]) -> list[tuple[str, bytes | None]]:
    return [(record.topic, record.value) for record in records]


def _unlike(pipeline: Pipeline, records: list[Record]) -> str:
    return unlike_reference(pipeline.dsn, TOWN, _pairs(records))


def _wanted_outcomes(records: list[Record]) -> Counter[tuple[str, str]]:
    wanted: Counter[tuple[str, str]] = Counter()
    for (topic, outcome, _), count in expected(_pairs(records), TOWN).outcomes.items():
        wanted[topic, outcome] += count
    return wanted


HEADERS = ["reason", "error", "source_topic", "source_partition", "source_offset", "failed_at"]


def _unusable(now: int, old: int) -> dict[Record, str]:
    """Records that are of no use, each with the reason."""
    return {
        Record("engagement", b"k", b"not JSON"): "malformed",
        Record("engagement", None, b"\xff\xfe"): "malformed",
        Record("engagement", b"k", None): "malformed",
        Record("engagement", b"k", touch("t-long", now, target="a" * 65_536)): "oversized",
        Record("engagement", b"k", touch("t-skewed", now + 2 * HOUR)): "malformed",
        Record("checkout", b"k", order("o-nan", now, "x").replace(b": 100", b": NaN")): "malformed",
        by_user("engagement", "user-0", touch("t-old", old, user="user-0")): "too_late",
        Record("engagement", b"astray", touch("t-astray", old, user="user-1"), _elsewhere("user-1")): "too_late",
    }


def _places(pipeline: Pipeline) -> dict[tuple[str, bytes | None, bytes | None], tuple[str, str, str]]:
    """Where the records of all topics lie: topic, partition and offset."""
    return {
        (topic, m.key(), m.value()): (topic, str(m.partition()), str(m.offset()))
        for topic in TOPICS
        for m in pipeline.messages(topic)
    }


@pytest.mark.faults
def test_what_cannot_be_used_is_kept_as_it_came(tmp_path: Path) -> None:
    now = time.time_ns() // 1_000_000
    old, users = now - 9 * DAY, [f"user-{n}" for n in range(12)]
    good = [by_user("engagement", user, touch(f"t-{user}", now, user=user)) for user in users]
    good += [by_user("checkout", user, order(f"o-{user}", now, f"order-{user}", user=user)) for user in users]
    good.append(by_user("checkout", "user-0", refund("r-0", now, "order-user-0", user="user-0")))
    lost = [
        by_user("checkout", "desk", refund("r-1", old, "nobody's", user="desk")),
        Record("checkout", b"astray", refund("r-2", old, "no one's", user="desk"), _elsewhere("desk")),
    ]
    bad = _unusable(now, old)
    wanted = bad | dict.fromkeys(lost, "unknown_order")
    with Pipeline(tmp_path, SHOP) as pipeline:
        worker = pipeline.start(MAALSTROM_RETENTION="8d")
        pipeline.feed(worker, lost)
        pipeline.feed(worker, good)
        pipeline.feed(worker, list(bad))
        counted = Counter((record.topic, reason) for record, reason in wanted.items())
        pipeline.until(worker, lambda: dead_letters(worker) == counted)
        pipeline.until(worker, lambda: "goal_drop_probability{" in worker.get("/metrics")[1])
        text = worker.get("/metrics")[1]
        stop(worker)
        places = _places(pipeline)
        letters = [letter for topic in TOPICS for letter in pipeline.messages(dead_letters_of(topic))]

    found = {}
    for letter in letters:
        assert [name for name, _ in letter.headers()] == HEADERS
        reason, error, topic, partition, offset, failed_at = (text.decode() for _, text in letter.headers())
        record = topic, letter.key(), letter.value()
        assert (dead_letters_of(topic), places[record]) == (letter.topic(), (topic, partition, offset))
        assert error
        assert now <= datetime.fromisoformat(failed_at).timestamp() * 1000 <= time.time() * 1000
        found[record] = reason
    assert found == {record[:3]: reason for record, reason in wanted.items()}
    assert len(letters) == len(found), "a dead letter was written twice"
    _check_metrics(text)


def _elsewhere(user: str) -> int:
    """The partition where this user's events do not belong."""
    return 1 - partition_of(user.encode(), 2)


def _check_metrics(text: str) -> None:
    """Hold names and labels to those of the reference; nothing in them tells of a user, an order or a campaign."""
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for name, labels in METRICS.items():
        samples = [sample for sample in families[name].samples if not sample.name.endswith("_created")]
        assert samples, f"{name} has no sample"
        assert all(sample.labels.keys() - {"le"} == labels for sample in samples), name
    assert not re.search("user-|order-|autumn", text)


def test_it_is_alive_while_clickhouse_is_not_and_ready_when_it_is(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    dsn = f"clickhouse://127.0.0.1:{port}/maalstrom"
    records = [by_user("engagement", "u", touch(f"t-{n}", START + n)) for n in range(100)]
    with Pipeline(tmp_path, SHOP) as pipeline:
        worker = pipeline.launch(MAALSTROM_CLICKHOUSE=dsn)
        pipeline.until(worker, lambda: '"event": "restored"' in worker.said())
        assert [worker.get(path)[0] for path in ("/health", "/ready")] == [200, 503]
        send(pipeline.bootstrap, records)
        pipeline.until(worker, lambda: "ClickHouse is not ready, trying again" in worker.said())
        # A journal must not begin with another key than the database has, so the first records wait for it.
        assert (worker.get("/ready")[0], pipeline.behind()) == (503, 100)
        assert "Retrying" not in worker.said(), "the driver's attempts are not the reader's business"
        with serving(tmp_path / "clickhouse", port):
            worker.wait_ready()
            pipeline.until(worker, lambda: pipeline.behind() == 0)
            stop(worker)
            assert unlike_reference(dsn, SHOP, _pairs(records)) == ""


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "MAALSTROM_TOKEN_KEY is not set; set it to a secret of at least 16 characters and keep it: "),
        ({"MAALSTROM_TOKEN_KEY": "fifteen letters"}, "MAALSTROM_TOKEN_KEY has 15 characters; set it to a secret of "),
        ({"MAALSTROM_CATALOGUE": "none.toml"}, "cannot read the catalogue none.toml: No such file or directory; "),
        ({"MAALSTROM_RETENTION": "7d"}, "MAALSTROM_RETENTION is 7d, and a goal has a window of 7 days; it must be "),
        (
            {"BROKER_URL": "kafka+ssl://127.0.0.1:9"},
            "BROKER_URL has the scheme kafka+ssl://, and nothing was sent",
        ),
        (
            {"BROKER_URL": "kafka://me:pass@127.0.0.1:9"},
            "BROKER_URL has a user name or password; set it to kafka://host:port",
        ),
    ],
)
def test_it_refuses_to_start(settings: dict[str, str], says: str, tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text(SHOP)
    key = {} if not settings or "MAALSTROM_TOKEN_KEY" in settings else {"MAALSTROM_TOKEN_KEY": TOKEN_KEY}
    done = maalstrom("worker", cwd=tmp_path, env=key | settings)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"Error: {says}")
    assert done.err.count("\n") == 1
