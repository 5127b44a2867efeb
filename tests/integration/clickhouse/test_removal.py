"""Removal effects in the database: from counted journeys to the table, and to the report."""

import asyncio
import io
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console
from structlog.testing import capture_logs

from streams.cli.main import main
from streams.core.catalogue.parse import parse
from streams.core.columns.column import Column, Ragged
from streams.jobs.removal_effects import Refresher, refresh
from streams.reports.render import render
from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.catalogue import write_catalogue
from streams.sinks.clickhouse.client import Client, connect

CATALOGUE = parse("""base_currency = "NOK"
[[goal]]
id = "g"
event = "E"
windows = { click = "2d" }
[[campaign]]
id = "C1"
name = "First"
""")
DAY = 86_400
START = 20_700
WORKED = (
    ("", "C1", 1, 1),
    ("C1", "C2", 1, 0),
    ("C1", "", 0, 1),
    ("", "C2", 0, 1),
    ("C2", "C3", 1, 1),
    ("C3", "", 1, 1),
)
REPORT = (
    "INSERT INTO goal_attribution (window_start, model, goal, campaign, reason, currency, conversions, value, version)"
)


def count(
    client: Client, day: int, steps: Sequence[tuple[str, str, int, int]], version: int = 1, partition: int = 0
) -> None:
    source, target, converted, ended = (list(column) for column in zip(*steps, strict=True))
    offsets = np.array([0, len(steps)])
    row: dict[str, Column] = {
        "source": source,
        "target": target,
        "converted": np.array(converted),
        "ended": np.array(ended),
    }
    arrays = {name: Ragged(offsets, column) for name, column in row.items()}
    numbers = {"day": np.array([day]), "partition": np.array([partition]), "version": np.array([version])}
    client.insert("path_transitions", {"goal": ["g"], "origin": ["live"], **numbers, **arrays})


def convert(
    client: Client,
    conversions: int,
    value: int,
    campaign: str = "C1",
    reason: str = "",
    currency: str = "NOK",
    day: int = START,
) -> None:
    row = f"{day * DAY}, 'last_click', 'g', '{campaign}', '{reason}', '{currency}', {conversions}, {value}, 1"
    client.command(f"{REPORT} VALUES ({row})")


def effects(client: Client) -> dict[tuple[str, str], tuple[Decimal | int, ...]]:
    found = client.query("SELECT * FROM removal_effects_now ORDER BY campaign, currency")
    return {(r["campaign"], r["currency"]): (r["removal_effect"], r["conversions"], r["value"]) for r in found}


@pytest.fixture
def worked(embedded: Client) -> Client:
    """The worked example, a week before the newest event."""
    write_catalogue(embedded, CATALOGUE)
    count(embedded, START, WORKED[:3])
    count(embedded, START + 1, WORKED[3:], partition=1)
    convert(embedded, 1, 100)
    convert(embedded, 5, 7, campaign="", reason="no_touch", day=START + 7)
    return embedded


def test_the_worked_example(worked: Client) -> None:
    assert refresh(worked, 1_800_000_000) == {}
    half, one = Decimal("0.5"), Decimal(1)
    assert effects(worked) == {
        ("C1", "NOK"): (half, Decimal("0.2"), Decimal(20)),
        ("C2", "NOK"): (one, Decimal("0.4"), Decimal(40)),
        ("C3", "NOK"): (one, Decimal("0.4"), Decimal(40)),
    }


def test_the_same_journeys_are_written_once(worked: Client) -> None:
    refresh(worked, 1_800_000_000)
    refresh(worked, 1_800_000_060)
    assert worked.query("SELECT DISTINCT toUnixTimestamp(computed_at) AS at FROM removal_effects") == [
        {"at": 1_800_000_000}
    ]
    count(worked, START, [("", "C1", 3, 0), ("C1", "C2", 3, 0)], version=2)
    refresh(worked, 1_800_000_120)
    assert effects(worked)["C1", "NOK"][0] == Decimal("0.75")
    count(worked, START, WORKED[:3], version=3)
    refresh(worked, 1_800_000_180)
    assert len(worked.query("SELECT DISTINCT computed_at FROM removal_effects")) == 3


def test_days_that_may_still_convert_wait(worked: Client) -> None:
    count(worked, START + 4, [("", "C4", 0, 9), ("C4", "", 0, 9)])
    count(worked, START + 5, [("", "C5", 0, 9), ("C5", "", 0, 9), ("", "C3", 1, 0), ("C3", "", 1, 0)])
    refresh(worked, 1_800_000_000)
    assert {campaign for campaign, _ in effects(worked)} == {"C1", "C2", "C3", "C4"}
    assert effects(worked)["C4", "NOK"] == (0, 0, 0)


def test_currencies_are_credited_apart(worked: Client) -> None:
    convert(worked, 2, 50, currency="EUR")
    refresh(worked, 1_800_000_000)
    assert effects(worked)["C1", "EUR"] == (Decimal("0.5"), Decimal("0.4"), Decimal(10))
    assert effects(worked)["C1", "NOK"] == (Decimal("0.5"), Decimal("0.2"), Decimal(20))


def test_when_all_is_taken_back_nobody_has_anything(worked: Client) -> None:
    refresh(worked, 1_800_000_000)
    worked.command(f"{REPORT} VALUES ({START * DAY}, 'last_click', 'g', 'C1', '', 'NOK', 0, 0, 2)")
    for day in (START, START + 1):
        count(worked, day, [("", "C1", 0, 1), ("C1", "", 0, 1)], version=2, partition=day - START)
    refresh(worked, 1_800_000_060)
    assert effects(worked) == {("C1", "NOK"): (0, 0, 0)}


def test_conversions_without_journeys_are_explained(worked: Client) -> None:
    worked.command("TRUNCATE TABLE path_transitions")
    assert refresh(worked, 1_800_000_000) == {
        "g": "its journeys are not counted yet; a worker counts those that it retains, or replay them"
    }


def test_an_empty_database_has_none(client: Client) -> None:
    assert refresh(client, 1_800_000_000) == {}


def test_the_report_adds_up(worked: Client) -> None:
    refresh(worked, 1_800_000_000)
    out = io.StringIO()
    render(worked, "g", "markov", Console(file=out, width=80))
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert "First other 0.20 3.3 % 20.00 NOK" in lines
    assert "Attributed 1.00 16.7 % 100.00 NOK" in lines
    assert "All 6.00 100.0 % 107.00 NOK" in lines


def test_the_command_says_why_there_are_none(clickhouse_server: str) -> None:
    dsn = f"{clickhouse_server}/removal"
    with connect(dsn) as client:
        migrations.apply(client)
        write_catalogue(client, CATALOGUE)
        convert(client, 1, 100)
    done = CliRunner().invoke(main, ["report", "--model", "markov", "--clickhouse", dsn])
    assert done.exit_code == 1
    assert "no removal effects for goal g: its journeys are not counted yet" in done.stderr


class Owner:
    """A worker that is the first, or is not."""

    ready = True

    def __init__(self, leads: bool = True) -> None:
        self.leads = leads


def refreshed(client: Client, owner: Owner, seconds: float = 0.01) -> None:
    async def run() -> None:
        refresher = Refresher(client, owner)
        running = asyncio.create_task(refresher.turns.run(seconds))
        await asyncio.sleep(0.2)
        await refresher.turns.stop()
        await running

    asyncio.run(run())


def test_the_first_worker_keeps_them_fresh(worked: Client) -> None:
    refreshed(worked, Owner(leads=False))
    assert effects(worked) == {}
    refreshed(worked, Owner())
    assert effects(worked)["C1", "NOK"] == (Decimal("0.5"), Decimal("0.2"), Decimal(20))


def test_what_cannot_be_computed_is_said_once(worked: Client) -> None:
    worked.command("TRUNCATE TABLE path_transitions")
    with capture_logs() as said:
        refreshed(worked, Owner())
    assert str(said).count("its journeys are not counted yet") == 1


def test_a_database_that_fails_does_not_end_it(worked: Client) -> None:
    worked.command("DROP VIEW removal_effects_now")
    with capture_logs() as said:
        refreshed(worked, Owner())
    assert "could not refresh removal effects, trying again" in str(said)
