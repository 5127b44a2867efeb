"""`maalstrom simulate`: the same seed gives the same bytes, and every order has its true cause."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.kafka.broker import free_ports
from streams.embedded.broker import EmbeddedBroker
from streams.kafka.clients import BrokerError
from streams.kafka.topics import partition_of
from streams.simulate import feed
from streams.simulate.envelopes import Simulated
from tests.e2e.commands import TOKEN_KEY, TOPICS, Month, maalstrom, ok
from tests.integration.support.records import stored

SCENARIO = ("--events", "3000", "--days", "9", "--start", "2026-02-20")
FILES = ("catalogue.toml", "checkout.ndjson", "engagement.ndjson", "truth.ndjson")


def written(folder: Path, *arguments: str) -> dict[str, bytes]:
    """What a run wrote, by the file's name."""
    ok(maalstrom("simulate", folder, *SCENARIO, *arguments))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    files = written(tmp_path / "a" / "b", "--seed", "4")
    assert tuple(sorted(files)) == FILES
    assert written(tmp_path / "c", "--seed", "4") == files
    other = written(tmp_path / "d", "--seed", "5")
    assert all(files[name] != other[name] for name in FILES if name != "catalogue.toml")


def test_every_order_has_its_cause(tmp_path: Path) -> None:
    done = ok(maalstrom("simulate", tmp_path, *SCENARIO))
    month = Month(tmp_path)
    counts = [len(month.lines(topic)) for topic in ("engagement", "checkout")]
    assert sum(counts) == 3000
    truth = {cause["order_id"]: cause["cause"] for cause in map(json.loads, month.lines("truth"))}
    events = list(map(json.loads, month.lines("checkout")))
    assert {event["properties"]["order_id"] for event in events} == truth.keys()
    assert set(truth.values()) <= {campaign.id for campaign in month.catalogue.campaigns} | {"organic"}
    organic = list(truth.values()).count("organic")
    assert f"{counts[0]:,} engagement and {counts[1]:,} checkout events in {tmp_path}\n" in done.out
    assert f"{len(truth):,} orders, of them {organic:,} that nobody caused" in done.out


def test_wrong_scenarios_end_with_2(tmp_path: Path) -> None:
    for wrong in (["--refunds", "8"], ["--start", "yesterday"]):
        done = maalstrom("simulate", tmp_path / "x", *wrong)
        assert (done.status, done.out) == (2, "")
    assert not (tmp_path / "x").exists()


def test_a_holdout_is_in_the_catalogue_and_needs_the_key(tmp_path: Path) -> None:
    done = maalstrom("simulate", tmp_path / "x", *SCENARIO, "--holdout", "0.2")
    assert done.status == 1
    assert "MAALSTROM_TOKEN_KEY is not set" in done.err
    ok(maalstrom("simulate", tmp_path, *SCENARIO, "--holdout", "0.2", env={"MAALSTROM_TOKEN_KEY": TOKEN_KEY}))
    assert {holdout.campaign.id for holdout in Month(tmp_path).catalogue.holdouts} >= {"autumn", "search"}


def test_they_go_to_kafka_too_where_their_keys_belong(tmp_path: Path) -> None:
    with EmbeddedBroker(dict.fromkeys(TOPICS, 3)) as broker:
        bootstrap = broker.bootstrap
        done = ok(maalstrom("simulate", tmp_path, *SCENARIO, "--kafka", env={"BROKER_URL": f"kafka://{bootstrap}"}))
        records = {topic: list(stored(bootstrap, topic)) for topic in TOPICS}
    assert f"all of them sent to Kafka at {bootstrap}\n" in done.out
    for topic in TOPICS:
        assert sorted(record.value or b"" for record in records[topic]) == sorted(Month(tmp_path).lines(topic))
        assert all(record.partition == partition_of(record.key or b"", 3) for record in records[topic])


def test_a_broker_that_is_down_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "PATIENCE", 0.2)
    (port,) = free_ports(1)
    with pytest.raises(BrokerError, match=rf"at 127.0.0.1:{port} .*BROKER_URL"):
        feed.send(f"127.0.0.1:{port}", [Simulated("checkout", "u", b"{}")])


def test_a_site_is_written_with_its_truth_and_options_of_the_other_form_are_refused(tmp_path: Path) -> None:
    arguments = ("--as", "site", "--events", "800", "--days", "9", "--start", "2026-02-20", "--dirt", "0.1")
    done = ok(maalstrom("simulate", tmp_path, *arguments))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "catalogue.toml",
        "events.ndjson",
        "sources.toml",
        "truth.json",
    ]
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    orders = len({fact["order_id"] for fact in truth["orders"]})
    assert f"{orders:,} orders; truth.json says what they are worth" in done.out
    assert f"which {len(truth['dead_letters'])} messages nobody can use" in done.out
    for wrong, form in (("--refunds", "site"), ("--dirt", "topics")):
        refused = maalstrom("simulate", tmp_path / "x", "--as", form, wrong, "0.2")
        assert refused.status == 2
        assert f"{wrong} is not for --as {form}; leave it out" in refused.err
