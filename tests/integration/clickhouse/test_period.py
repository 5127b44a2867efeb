"""A period can be told to hold live rows, and be emptied for a replay."""

import numpy as np
from numpy.typing import NDArray

from streams.core.columns.column import Columns
from streams.sinks.clickhouse.client import Client
from streams.sinks.clickhouse.period import holds_live_rows, remove_rows, whole_days

DAY = 86_400
START = 20_700 * DAY
WORDS = {name: ["x"] for name in ("goal", "model", "campaign", "network", "customer", "reason", "currency")}


def figures(*names: str) -> dict[str, NDArray[np.int64]]:
    return {name: np.array([1]) for name in names}


def report(client: Client, at: int, origin: str = "live", version: int = 9, value: int = 1_000_000) -> None:
    """One reported minute at `at` seconds."""
    when: Columns = {"window_start": np.array([at]), "reported_at": np.array([at]), "origin": [origin]}
    money = figures("partition", "conversions", "reversed_conversions", "reversed_value")
    row: Columns = {**when, **WORDS, **money, "value": np.array([value]), "version": np.array([version])}
    client.insert("goal_attribution", row)
    client.insert("goal_restatements", {**row, "cause": ["reversal"]})
    words = {name: ["x"] for name in ("campaign", "network", "action")}
    client.insert("engagement_counts", {**when, **words, **figures("partition", "events", "version")})
    seen: Columns = {"day": np.array([at // DAY]), "campaign": ["x"], "network": ["x"]}
    client.insert("engagement_seen", {**seen, "user": np.array([at], np.uint64)})


def convert(client: Client, conversion_id: str, at: int, version: int) -> None:
    """One conversion at `at` milliseconds."""
    client.command(
        "INSERT INTO conversions (goal, conversion_id, occurred_at, version)"
        " SELECT 'g', {id:String}, fromUnixTimestamp64Milli({at:Int64}), {version:UInt64}",
        {"id": conversion_id, "at": at, "version": version},
    )


def minutes(client: Client, table: str, column: str = "window_start") -> list[int]:
    return [int(row["at"].timestamp()) for row in client.query(f"SELECT {column} AS at FROM {table} FINAL ORDER BY at")]


def test_a_period_holds_live_rows_to_the_minute(client: Client) -> None:
    report(client, START)
    report(client, START + 120, origin="replay")
    held = [(START, START), (START + 59, START + 59), (0, 2**40)]
    free = [(START - 60, START - 1), (START + 60, START + DAY), (-5, START - 1)]
    assert [holds_live_rows(client, first * 1000, last * 1000) for first, last in held] == [True] * 3
    assert [holds_live_rows(client, first * 1000, last * 1000) for first, last in free] == [False] * 3


def test_the_days_of_a_period_are_whole() -> None:
    day = DAY * 1000
    assert whole_days(START * 1000, START * 1000) == (START * 1000, START * 1000 + day - 1)
    assert whole_days(START * 1000 - 1, START * 1000 + day) == (START * 1000 - day, START * 1000 + 2 * day - 1)


def test_engagement_alone_is_live_too(client: Client) -> None:
    report(client, START)
    client.command("TRUNCATE TABLE goal_attribution")
    assert holds_live_rows(client, START * 1000, START * 1000)


def test_removed_rows_are_gone_at_once_and_give_way_to_lower_versions(client: Client) -> None:
    for at in (START - 60, START, START + 60, START + 120):
        report(client, at)
    remove_rows(client, START * 1000, (START + 60) * 1000 + 59_999)
    for table in ("goal_attribution", "goal_restatements", "engagement_counts"):
        assert minutes(client, table) == [START - 60, START + 120]
    report(client, START, version=1, value=5)
    values = client.query("SELECT value FROM goal_attribution_now WHERE window_start = {at:DateTime}", {"at": START})
    assert [int(row["value"].scaleb(6)) for row in values] == [5]
    for table in ("goal_attribution", "engagement_counts"):
        client.command(f"OPTIMIZE TABLE {table} FINAL")
        assert minutes(client, table) == [START - 60, START, START + 120]


def test_a_removed_conversion_does_not_fall_back_to_an_older_version(client: Client) -> None:
    convert(client, "moved-in", (START - DAY) * 1000, version=1)
    convert(client, "moved-in", START * 1000, version=2)
    convert(client, "moved-out", START * 1000, version=1)
    convert(client, "moved-out", (START + DAY) * 1000, version=2)
    convert(client, "inside", START * 1000 + 59_999, version=1)
    convert(client, "after", (START + 60) * 1000, version=1)
    remove_rows(client, START * 1000 + 5, START * 1000 + 5)
    left = client.query("SELECT conversion_id FROM conversions FINAL ORDER BY conversion_id")
    assert [row["conversion_id"] for row in left] == ["after", "moved-out"]


def test_users_of_a_campaign_are_those_that_remain(client: Client) -> None:
    for at in (START, START + DAY, START + 2 * DAY):
        report(client, at)
    client.command(
        "INSERT INTO conversions (goal, conversion_id, occurred_at, user, touch_campaign, version)"
        " VALUES ('g', 'stays', '2000-01-01', 7, ['x', 'paper'], 1), ('g', 'goes', {at:UInt32}, 8, ['x'], 1)",
        {"at": START + DAY},
    )
    users = "SELECT campaign, uniqCombined64Merge(users) AS n FROM campaign_users GROUP BY campaign ORDER BY campaign"
    assert client.query(users) == [{"campaign": "paper", "n": 1}, {"campaign": "x", "n": 5}]
    remove_rows(client, (START + 60) * 1000, (START + 2 * DAY) * 1000)
    assert client.query(users) == [{"campaign": "paper", "n": 1}, {"campaign": "x", "n": 3}]


def test_users_of_whole_days_are_removed(client: Client) -> None:
    for at in (START, START + DAY, START + 2 * DAY):
        report(client, at)
    remove_rows(client, (START + 60) * 1000, (START + 2 * DAY) * 1000)
    days = client.query("SELECT day FROM engagement_users FINAL ORDER BY day")
    assert [(row["day"].toordinal() - 719_163) * DAY for row in days] == [START, START + 2 * DAY]
