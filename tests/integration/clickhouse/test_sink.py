"""Rows reach ClickHouse as they were, once however often they are written, on both paths."""

import asyncio
import socket
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from streams.core.columns.column import Coded, Column, Columns, Ragged, Rows
from streams.core.rows.tables import TABLES
from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.client import Client, DatabaseError, connect
from streams.sinks.writer import Sink, write_rows
from tests.conftest import serving

AT = 1_790_000_040
TOUCHES = np.array([0, 2, 2, 3])


def integers(*values: int) -> NDArray[np.int64]:
    return np.array(values)


def ragged(*values: int) -> Ragged:
    return Ragged(TOUCHES, integers(*values))


def attribution(version: int, value: int = 1_500_000) -> dict[str, Column]:
    words = {name: Coded(integers(0, 1), [name, ""]) for name in ("campaign", "network", "reason", "customer")}
    return {
        "window_start": integers(AT, AT + 60),
        "reported_at": integers(AT, AT),
        "origin": Coded(integers(0, 0), ["live"]),
        "goal": ["g", "h"],
        "model": ["last", "last"],
        **words,
        "currency": ["NOK", "EUR"],
        "partition": integers(7, 2**32 - 1),
        "conversions": integers(1_000_000, 333_333),
        "value": integers(value, -1),
        "reversed_conversions": integers(0, 0),
        "reversed_value": integers(0, 999_999_999_999_999_999),
        "version": integers(version, version),
    }


CONVERSIONS: Columns = {
    "goal": ["g", "g", "g"],
    "conversion_id": ["ordre-1", "øl", "three"],
    "occurred_at": integers(AT * 1000 + 1, AT * 1000, 0),
    "first_reported_at": integers(AT, 0, 2**32 - 1),
    "updated_at": integers(AT, AT, AT),
    "value": integers(1, 2, 3),
    "reversed_value": integers(0, 0, 0),
    "currency": ["NOK"] * 3,
    "customer": ["new"] * 3,
    "reason": Coded(integers(0, 1, 0), ["", "no_touch"]),
    "user": np.array([2**64 - 1, 0, 1], np.uint64),
    "touch_at": ragged(AT * 1000 - 1, AT * 1000, 5),
    "touch_campaign": Ragged(TOUCHES, Coded(integers(1, 0, 1), ["autumn", "høst"])),
    "touch_network": Ragged(TOUCHES, ["facebook", "", "x"]),
    "touch_action": Ragged(TOUCHES, Coded(integers(0, 0, 0), ["click"])),
    "credit": {"linear": ragged(500_000, 500_000, 1_000_000), "last": ragged(0, 1_000_000, 1_000_000)},
    "status": ["open"] * 3,
    "value_known": integers(1, 0, 1),
    "version": integers(1, 1, 1),
}

SEEN: Columns = {
    "day": integers(0, 20_000, 20_000),
    "campaign": Coded(integers(0, 0, 0), ["autumn"]),
    "network": ["x", "x", "x"],
    "user": np.array([1, 2**64 - 1, 3], np.uint64),
}

COUNTS: Columns = {
    "window_start": integers(AT),
    "reported_at": integers(AT),
    "origin": ["live"],
    "campaign": ["autumn"],
    "network": ["x"],
    "action": ["click"],
    "partition": integers(0),
    "events": np.array([2**63], np.uint64),
    "version": integers(1),
}

GOALS: Columns = {
    **{name: [name, name] for name in ("id", "name", "event", "where", "unit", "windows", "currency")},
    "id": ["a", "b"],
    "target": [100_500_000, None],
    "by": [20_000, None],
    "value": [None, 2_680_000],
    "counts_for_return": integers(1, 0),
    "removed": integers(0, 0),
    "version": integers(1, 1),
}

ROWS: Rows = {
    "goal_attribution": attribution(1),
    "conversions": CONVERSIONS,
    "engagement_seen": SEEN,
    "engagement_counts": COUNTS,
    "goals": GOALS,
}


def contents(client: Client) -> dict[str, list[dict[str, Any]]]:
    tables = {
        name: client.query(f"SELECT * FROM {name} FINAL ORDER BY ALL") for name in ROWS if name != "engagement_seen"
    }
    users = "SELECT day, campaign, network, uniqCombined64Merge(users) AS users FROM engagement_users GROUP BY ALL"
    return {**tables, "engagement_users": client.query(f"{users} ORDER BY ALL")}


def test_every_form_of_column_comes_back_as_it_was(client: Client) -> None:
    write_rows(client, ROWS)
    found = contents(client)
    second = {name: column for name, column in found["goal_attribution"][0].items() if name != "goal"}
    assert second == {
        "window_start": datetime.fromtimestamp(AT, UTC),
        "reported_at": datetime.fromtimestamp(AT, UTC),
        "origin": "live",
        "model": "last",
        "campaign": "campaign",
        "network": "network",
        "customer": "customer",
        "reason": "reason",
        "currency": "NOK",
        "partition": 7,
        "conversions": Decimal(1),
        "value": Decimal("1.5"),
        "reversed_conversions": Decimal(0),
        "reversed_value": Decimal(0),
        "version": 1,
    }
    assert found["goal_attribution"][1]["value"] == Decimal("-0.000001")
    assert found["goal_attribution"][1]["reversed_value"] == Decimal("999999999999.999999")
    assert [goal["target"] for goal in found["goals"]] == [Decimal("100.5"), None]
    assert [goal["by"] for goal in found["goals"]] == [date(2024, 10, 4), None]
    assert [goal["value"] for goal in found["goals"]] == [None, Decimal("2.68")]
    assert found["engagement_counts"][0]["events"] == 2**63
    assert found["engagement_users"] == [
        {"day": date(1970, 1, 1), "campaign": "autumn", "network": "x", "users": 1},
        {"day": date(2024, 10, 4), "campaign": "autumn", "network": "x", "users": 2},
    ]


def test_journeys_come_back_as_they_were(client: Client) -> None:
    write_rows(client, {"conversions": CONVERSIONS})
    first, third, second = client.query("SELECT * FROM conversions ORDER BY conversion_id")
    assert first["occurred_at"] == datetime.fromtimestamp(AT, UTC).replace(microsecond=1000)
    assert [touch.timestamp() for touch in first["touch_at"]] == [AT - 0.001, AT]
    assert first["touch_campaign"] == ["høst", "autumn"]
    assert first["touch_network"] == ["facebook", ""]
    assert first["touch_action"] == ["click", "click"]
    assert first["credit"] == {"linear": [Decimal("0.5")] * 2, "last": [Decimal(0), Decimal(1)]}
    assert (first["user"], first["reason"]) == (2**64 - 1, "")
    assert (second["conversion_id"], second["reason"], second["touch_at"]) == ("øl", "no_touch", [])
    assert second["credit"] == {"linear": [], "last": []}
    assert third["credit"] == {"linear": [Decimal(1)], "last": [Decimal(1)]}


def test_a_map_may_have_no_key(client: Client) -> None:
    client.insert("conversions", {**CONVERSIONS, "credit": {}})
    assert client.query("SELECT DISTINCT credit FROM conversions") == [{"credit": {}}]


def test_writing_everything_twice_changes_nothing(client: Client) -> None:
    write_rows(client, ROWS)
    once = contents(client)
    write_rows(client, ROWS)
    assert contents(client) == once
    for table in TABLES.values():
        if table.engine != "Null":
            client.command(f"OPTIMIZE TABLE {table.name} FINAL")
    assert contents(client) == once


def test_an_older_version_that_comes_late_loses(client: Client) -> None:
    client.insert("goal_attribution", attribution(2, value=7_000_000))
    client.insert("goal_attribution", attribution(1))
    found = client.query("SELECT value, version FROM goal_attribution_now WHERE goal = 'g'")
    assert found == [{"value": Decimal(7), "version": 2}]


def test_a_year_of_months_goes_in_at_once(client: Client) -> None:
    months = AT + 31 * 86_400 * np.arange(150)
    rows = {name: ["x"] * 150 for name in ("origin", "campaign", "network", "action")}
    times = {"window_start": months, "reported_at": months}
    figures = {name: np.arange(150) for name in ("partition", "events", "version")}
    assert client.insert("engagement_counts", {**times, **rows, **figures}) == 150


def test_nothing_is_nothing(client: Client) -> None:
    empty: Columns = {name: column[:0] if isinstance(column, np.ndarray) else [] for name, column in COUNTS.items()}
    assert client.insert("engagement_counts", empty) == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"events": integers(1, 2)}, "equally long"),
        ({"extra": integers(1)}, "engagement_counts: columns missing or not declared: extra"),
        ({"window_start": integers(-1)}, r"engagement_counts.window_start \(DateTime.*-1 to -1 is not within"),
        ({"campaign": ["\ud800"]}, r"engagement_counts.campaign"),
        ({"partition": ["a"]}, r"engagement_counts.partition"),
    ],
)
def test_columns_that_do_not_fit_are_named(client: Client, change: Columns, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        client.insert("engagement_counts", {**COUNTS, **change})


class Seen:
    """An observer that remembers, and that may act on a failure."""

    def __init__(self, on_failure: Callable[[], object] = lambda: None) -> None:
        self.rows: list[tuple[str, int]] = []
        self.failures: list[tuple[str, DatabaseError]] = []
        self.on_failure = on_failure

    def inserted(self, table: str, rows: int, seconds: float) -> None:
        assert seconds > 0
        self.rows.append((table, rows))

    def failed(self, table: str, error: DatabaseError) -> None:
        self.failures.append((table, error))
        self.on_failure()


def test_a_sink_repeats_until_the_table_is_there(blank: Client) -> None:
    seen = Seen(on_failure=lambda: migrations.apply(blank))
    asyncio.run(Sink(blank, seen).write({"engagement_counts": COUNTS, "conversions": CONVERSIONS}))
    assert seen.rows == [("engagement_counts", 1), ("conversions", 3)]
    assert [(table, error.not_migrated) for table, error in seen.failures] == [("engagement_counts", True)]
    assert blank.query("SELECT count() AS rows FROM conversions") == [{"rows": 3}]


def test_a_sink_gives_up_on_columns_that_never_fit(client: Client) -> None:
    seen = Seen()
    with pytest.raises(ValueError, match="window_start"):
        asyncio.run(Sink(client, seen).write({"engagement_counts": {**COUNTS, "window_start": integers(-1)}}))
    assert seen.failures == []


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def test_a_sink_waits_for_a_server_that_is_down(tmp_path: Path) -> None:
    port = free_port()

    async def scenario() -> list[dict[str, Any]]:
        failed = asyncio.Event()
        client = connect(f"clickhouse://127.0.0.1:{port}")
        sink = Sink(client, Seen(on_failure=failed.set))
        writing = asyncio.create_task(sink.write({"engagement_counts": COUNTS}))
        await failed.wait()
        with serving(tmp_path, port):
            migrations.apply(client)
            await writing
            found = client.query("SELECT events FROM engagement_counts")
        await sink.close()
        return found

    assert asyncio.run(scenario()) == [{"events": 2**63}]


def test_a_sink_that_waits_can_be_cancelled() -> None:
    async def scenario() -> None:
        failed = asyncio.Event()
        sink = Sink(connect(f"clickhouse://127.0.0.1:{free_port()}"), Seen(on_failure=failed.set))
        writing = asyncio.create_task(sink.write({"engagement_counts": COUNTS}))
        await failed.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        await sink.close()

    asyncio.run(scenario())


def test_a_folder_in_use_says_by_whom_and_what_to_do(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    by_another = rf"process \d+ has the folder open.*`maalstrom clickhouse --path {tmp_path}`"
    with serving(tmp_path), connect(f"chdb://{tmp_path}") as client, pytest.raises(DatabaseError, match=by_another):
        client.query("SELECT 1")
    assert capfd.readouterr().err == ""
    with connect(f"chdb://{tmp_path}") as first, connect(f"chdb://{tmp_path}") as second:
        migrations.apply(first)
        assert migrations.pending(second) == []
