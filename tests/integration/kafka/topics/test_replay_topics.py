"""`maalstrom replay --kafka`: topics in place of files, bounded, resumed after a kill, and handed over to workers."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from deploy.kafka.broker import Broker
from streams.cli.main import main
from streams.config.brokers import Brokers
from streams.kafka.topics import Layout, create
from streams.simulate import catalogue_text
from streams.sinks.clickhouse.client import connect
from tests.e2e.commands import TOKEN_KEY, TOPICS, Done, dump, embedded, maalstrom, ok
from tests.integration.support.harness import DAYS, Rig, first_day, simulated
from tests.integration.support.people import several_tokens
from tests.integration.support.records import Record, send

PREFIX = "replayed."
COST = b'{"campaign": "autumn", "day": "2026-11-01", "kind": "money", "amount": "1500", "currency": "NOK", "id": "c1"}'


class Topics:
    """Events in topics of a prefix, and the same in files."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self.folder = folder
        self.env = {
            "BROKER_URL": f"kafka://{bootstrap}",
            "MAALSTROM_TOPIC_PREFIX": PREFIX,
            "MAALSTROM_TOKEN_KEY": TOKEN_KEY,
        }
        (folder / "catalogue.toml").write_text(catalogue_text(first_day(), DAYS), "utf-8")

    def replay(self, *more: str | Path, dsn: str = "", fail_point: str = "") -> Done:
        """Of the topics, into an embedded database unless another is named."""
        env = self.env | ({"MAALSTROM_FAIL_POINT": fail_point} if fail_point else {})
        named = ("--clickhouse", dsn or self.dsn, "--catalogue", self.folder / "catalogue.toml")
        return maalstrom("replay", *more, *named, env=env, cwd=self.folder)

    @property
    def dsn(self) -> str:
        return embedded(self.folder / "clickhouse")


@pytest.fixture(scope="module")
def topics(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Topics:
    """A month in the topics of a broker, with bad records, costs, and some of it in another topic; nobody reads it."""
    folder = tmp_path_factory.mktemp("topics")
    create(Brokers((kafka.bootstrap,), prefix=PREFIX), Layout(f"{PREFIX}maalstrom", partitions=3, prefix=PREFIX))
    records = several_tokens(simulated(2_000, seed=41, refunds=0.3, duplicates=0.1, disorder=0.2), seed=41)
    records += [Record("checkout", b"x", b"nonsense"), Record("engagement", None, b'\xff{"type": "track"}')]
    send(kafka.bootstrap, [record._replace(topic=PREFIX + record.topic) for record in records])
    send(kafka.bootstrap, [Record(f"{PREFIX}costs", b"autumn", COST)])
    for topic in TOPICS:
        lines = [record.value or b"" for record in records if record.topic == topic]
        (folder / f"{topic}.ndjson").write_bytes(b"\n".join(lines))
    (folder / "costs.ndjson").write_bytes(COST)
    return Topics(kafka.bootstrap, folder)


@pytest.fixture(scope="module")
def of_files(topics: Topics) -> dict[str, list[dict[str, Any]]]:
    """What a replay of the same events from files writes."""
    files = [part for name in (*TOPICS, "costs") for part in (f"--{name}", topics.folder / f"{name}.ndjson")]
    dsn = embedded(topics.folder / "of-files")
    named = ("--clickhouse", dsn, "--catalogue", topics.folder / "catalogue.toml")
    ok(maalstrom("replay", *files, *named, env=topics.env))
    return dump(dsn)


def test_topics_give_what_files_give(topics: Topics, of_files: dict[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    done = ok(topics.replay("--kafka", dsn=(dsn := embedded(tmp_path / "clickhouse"))))
    assert dump(dsn) == of_files
    assert "2 dead letters (2 malformed)" in done.err
    assert '"file": "checkout/' in (tmp_path / "dead-letters.ndjson").read_text()
    assert not list(tmp_path.glob("*.progress"))


def test_a_replay_that_is_killed_goes_on_where_it_was(
    topics: Topics, of_files: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    dsn = embedded(tmp_path / "clickhouse")
    for point in ("replayed:3", "stored:1"):
        assert topics.replay("--kafka", dsn=dsn, fail_point=point).status == -9, point
        (progress,) = tmp_path.glob("*.progress")
        progress.write_bytes(progress.read_bytes() + b"\0\0\1\0torn")
    done = ok(topics.replay("--kafka", dsn=dsn))
    assert "Going on after 2," in done.err
    assert dump(dsn) == of_files
    assert "2 dead letters (2 malformed)" in done.err
    assert (tmp_path / "dead-letters.ndjson").read_text().count('"reason": "malformed"') == 2
    assert not list(tmp_path.glob("*.progress"))


def test_a_period_alone_is_written(topics: Topics, of_files: dict[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    since = datetime.combine(first_day() + timedelta(days=10), time(9, 30), UTC)
    until, dsn = since + timedelta(days=5), embedded(tmp_path / "clickhouse")
    period = ("--since", f"{since:%Y-%m-%dT%H:%M}", "--until", f"{until:%Y-%m-%dT%H:%M}")
    ok(topics.replay("--kafka", *period, dsn=dsn))
    found = dump(dsn)
    for table, name in (
        ("goal_attribution", "window_start"), ("engagement_counts", "window_start"), ("conversions", "occurred_at"),
    ):  # fmt: skip
        wanted = [row for row in of_files[table] if since <= row[name] < until]
        assert found[table] == wanted
        assert wanted
    days = [row for row in of_files["path_transitions"] if since.date() <= row["day"] <= until.date()]
    assert found["path_transitions"] == days


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--kafka", "--events", "x"), "--kafka reads topics instead of files"),
        (("--anew",), "nothing to read"),
        (("--events", "x", "--anew"), "are for --kafka"),
        (("--kafka", "--since", "2026-11-02", "--until", "2026-11-02"), "is not after --since"),
        (("--kafka", "--since", "2026-11-02T10:00:30"), "in the middle of a minute"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: tuple[str, ...], says: str) -> None:
    done = CliRunner().invoke(main, ["replay", *arguments, "--catalogue", "x"])
    assert (done.exit_code, says in done.output) == (2, True), done.output


def test_topics_that_are_not_there_are_told(topics: Topics, tmp_path: Path) -> None:
    topics_of_nobody = topics.env | {"MAALSTROM_TOPIC_PREFIX": "nobody."}
    named = ("--clickhouse", embedded(tmp_path / "db"), "--catalogue", topics.folder / "catalogue.toml")
    done = maalstrom("replay", "--kafka", *named, env=topics_of_nobody)
    assert (done.status, done.err.count("\n")) == (1, 1)
    assert "has none of the topics nobody.events" in done.err


@pytest.mark.faults
def test_workers_go_on_in_a_database_that_a_replay_has_filled(rig: Rig) -> None:
    """A lost database, and what a bug did to a period: the figures come back, and no hour has to pass."""
    records = simulated(2_000, seed=42, refunds=0.3, duplicates=0.05, disorder=0.1)
    worker = rig.worker()
    worker.start()
    rig.send(records[:1_000])
    rig.settle()
    running = replay(rig)
    assert running.status == 1
    assert "are running; stop them first" in running.err
    assert worker.terminate(20) == 0
    with connect(rig.dsn) as client:
        for table in ("goal_attribution", "conversions", "engagement_counts"):
            client.command(f"TRUNCATE TABLE {table}")
    rig.send(records[1_000:1_300])  # the workers have not read them: they count when they start again
    ok(replay(rig))
    second = rig.worker()
    second.start()
    rig.send(records[1_300:1_600])
    rig.settle()
    assert second.terminate(20) == 0
    held = replay(rig)
    assert (held.status, "the database holds what a worker reported" in held.err) == (1, True)
    with connect(rig.dsn) as client:  # a bug has counted twice
        client.command("INSERT INTO engagement_counts SELECT * REPLACE (99 AS partition) FROM engagement_counts FINAL")
    ok(replay(rig, "--replace"))
    rig.worker().start()
    rig.send(records[1_600:])
    rig.settle()


def replay(rig: Rig, *more: str) -> Done:
    env = {
        "BROKER_URL": f"kafka://{rig.bootstrap}",
        "MAALSTROM_CLICKHOUSE": rig.dsn,
        "MAALSTROM_APP_ID": rig.layout.app_id,
        "MAALSTROM_TOKEN_KEY": TOKEN_KEY,
    }
    named = ("--catalogue", rig.folder / "catalogue.toml")
    return maalstrom("replay", "--kafka", "--hand-over", *more, *named, env=env, cwd=rig.folder)
