"""The same events through a worker and from files give the same figures, the hour of the report aside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from streams.simulate import catalogue_text
from streams.sinks.clickhouse.client import connect
from tests.e2e.commands import TOKEN_KEY, TOPICS, Month, dump, embedded, maalstrom, ok, unlike_reference
from tests.e2e.pipeline import FAUST, Pipeline, stop
from tests.integration.support.harness import DAYS, first_day, simulated
from tests.integration.support.people import several_tokens
from tests.integration.support.written import read_tables

KEYED = {"MAALSTROM_TOKEN_KEY": TOKEN_KEY}


def test_live_equals_replay(tmp_path: Path) -> None:
    records = several_tokens(simulated(4_000, seed=31, refunds=0.3, duplicates=0.1, disorder=0.2), seed=31)
    files = Month(tmp_path)
    for topic in TOPICS:
        lines = (record.value or b"" for record in records if record.topic == topic)
        (tmp_path / f"{topic}.ndjson").write_bytes(b"\n".join(lines))
    with Pipeline(tmp_path, catalogue_text(first_day(), DAYS)) as pipeline:
        worker = pipeline.start(FAUST)
        pipeline.feed(worker, records)
        stop(worker)
        live = pipeline.dsn
    replay = ["replay", *files.arguments, "--clickhouse"]
    other = embedded(tmp_path / "other")
    ok(maalstrom(*replay, other, env=KEYED))
    assert _figures(live) == _figures(other)
    assert unlike_reference(live, files.catalogue_text, files.records) == ""
    _refuses_to_mix(replay, live)
    ok(maalstrom(*replay, live, "--replace", env=KEYED))
    assert _of_events(live) == _of_events(other)


def _of_events(dsn: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, without what workers say of the files that they go by."""
    tables = dump(dsn)
    tables["settings"] = [row for row in tables["settings"] if row["id"] not in ("catalogue", "sources", "variables")]
    return tables


def _figures(dsn: str) -> list[object]:
    """Everything that does not depend on when it was reported."""
    with connect(dsn) as client:
        people = client.query(
            "SELECT day, campaign, network, uniqCombined64Merge(users) AS people FROM engagement_users GROUP BY ALL"
        )
        reach = {(row["day"], row["campaign"], row["network"]): row["people"] for row in people}
        return [read_tables(client), reach, client.query("SELECT * EXCEPT (version) FROM goals FINAL ORDER BY id")]


def _refuses_to_mix(replay: list[str | Path], live: str) -> None:
    before = dump(live)
    done = maalstrom(*replay, live, env=KEYED)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("Error: the database holds what a worker reported between ")
    assert done.err.endswith("; replay into another database, or give --replace to remove that period first\n")
    assert done.err.count("\n") == 1
    assert dump(live) == before
