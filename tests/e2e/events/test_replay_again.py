"""A second replay into the same database, of what is not the same."""

from pathlib import Path

from streams.sinks.clickhouse.client import connect
from tests.e2e.commands import maalstrom

CATALOGUE = '[[goal]]\nid = "orders"\nevent = "Order Completed"\n'
TOUCH = (
    '{"type":"track","event":"Social Interaction","messageId":"e1","timestamp":"2026-11-02T09:00:00Z","userId":"u",'
    '"context":{"campaign":{"id":"autumn"}},"properties":{"action":"click","network":"facebook"}}\n'
)
ORDER = (
    '{"type":"track","event":"Order Completed","messageId":"o1","timestamp":"2026-11-02T10:00:00Z","userId":"u",'
    '"properties":{"order_id":"1","revenue":"100"}}\n'
)


MORNING, EVENING = (ORDER.replace("o1", f"o{n}").replace("T10", f"T{at}") for n, at in ((1, "09"), (2, "18")))


def test_more_files_of_a_period_are_refused_until_they_replace_it(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text('base_currency = "NOK"\n' + CATALOGUE)
    (tmp_path / "engagement.ndjson").write_text(TOUCH)
    (tmp_path / "checkout.ndjson").write_text(ORDER)
    dsn = f"chdb://{tmp_path / 'db' / 'clickhouse'}"
    alone = ("replay", "--checkout", "checkout.ndjson", "--catalogue", "catalogue.toml", "--clickhouse", dsn)
    both = (*alone, "--engagement", "engagement.ndjson")
    assert maalstrom(*alone, cwd=tmp_path).status == 0
    refused = maalstrom(*both, cwd=tmp_path)
    assert refused.status == 1
    assert "another replay" in refused.err
    assert maalstrom(*alone, cwd=tmp_path).status == 0
    assert maalstrom(*both, "--replace", cwd=tmp_path).status == 0
    with connect(dsn) as client:
        rows = client.query(
            "SELECT campaign, sum(conversions) AS n FROM goal_attribution_now WHERE model = 'linear' GROUP BY campaign"
        )
    assert [(row["campaign"], int(row["n"])) for row in rows] == [("autumn", 1)]


def test_other_hours_of_a_day_are_refused_until_they_replace_it(tmp_path: Path) -> None:
    """A row of path_transitions says all of a day: that of the morning would be gone, its figures would not."""
    (tmp_path / "catalogue.toml").write_text('base_currency = "NOK"\n' + CATALOGUE)
    (tmp_path / "morning.ndjson").write_text(MORNING)
    (tmp_path / "evening.ndjson").write_text(EVENING.replace('"1"', '"2"'))
    (tmp_path / "next.ndjson").write_text(EVENING.replace("o2", "o3").replace('"1"', '"3"').replace("-02T", "-03T"))
    dsn = f"chdb://{tmp_path / 'db' / 'clickhouse'}"
    replay = ("replay", "--catalogue", "catalogue.toml", "--clickhouse", dsn, "--checkout")
    assert maalstrom(*replay, "morning.ndjson", cwd=tmp_path).status == 0
    assert maalstrom(*replay, "next.ndjson", cwd=tmp_path).status == 0
    refused = maalstrom(*replay, "evening.ndjson", cwd=tmp_path)
    assert refused.status == 1
    assert "another replay, of other files or with another catalogue, between 2026-11-02 00:00 UTC and" in refused.err
    assert maalstrom(*replay, "evening.ndjson", "--replace", cwd=tmp_path).status == 0
    with connect(dsn) as client:
        orders = client.query("SELECT conversion_id FROM conversions FINAL ORDER BY conversion_id")
        figures = client.query("SELECT toUInt32(sum(conversions)) AS n FROM goal_attribution_now WHERE model = 'last'")
    assert [row["conversion_id"] for row in orders] == ["2", "3"]
    assert figures == [{"n": 2}]


def test_that_touches_of_an_earlier_replay_are_not_known_to_the_next_is_said(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text('base_currency = "NOK"\n' + CATALOGUE)
    (tmp_path / "monday.ndjson").write_text(TOUCH)
    (tmp_path / "tuesday.ndjson").write_text(ORDER.replace("-02T", "-03T"))
    dsn = f"chdb://{tmp_path / 'db' / 'clickhouse'}"
    replay = ("replay", "--catalogue", "catalogue.toml", "--clickhouse", dsn, "--events")
    told = [
        "touches of earlier replays are not known" in maalstrom(*replay, *files, cwd=tmp_path).err
        for files in (
            ("monday.ndjson",),
            ("monday.ndjson",),
            ("tuesday.ndjson",),
            ("monday.ndjson", "--events", "tuesday.ndjson", "--replace"),
        )
    ]
    assert told == [False, False, True, False]
    with connect(dsn) as client:
        rows = client.query("SELECT campaign FROM goal_attribution_now WHERE model = 'linear' AND conversions > 0")
    assert [row["campaign"] for row in rows] == ["autumn"]
