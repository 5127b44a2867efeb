"""Every query of the dashboards, on the real engine, with the figures of a simulated month."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from streams import simulate
from streams.core.catalogue.parse import parse
from streams.core.detection.diagnosis import EXPLAINED
from streams.core.identity.tokens import Tokens
from streams.core.ledger.settings import LedgerSettings
from streams.core.rows.members import members
from streams.jobs import measured_lift, removal_effects
from streams.replay import EventFile, Replay
from streams.reports.goal_progress import MODELS, progress
from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.catalogue import write_catalogue
from streams.sinks.clickhouse.client import Client, connect
from streams.sinks.writer import write_rows
from streams.sources import files
from tests.support.dashboards import DASHBOARDS, Choice, expanded, panel_queries, variable_queries

KEY = b"a secret of the tests"
START = date(2026, 10, 1)
FROM = int(datetime(2026, 9, 30, tzinfo=UTC).timestamp())
ODD, HOSTILE = "O'Brien's, (10 %)", "\\' OR 1=1 --"
QUERIES = {query.place: query for query in panel_queries()}
HOLDOUT = '[[holdout]]\ncampaign = "autumn"\nshare = 0.5\nsalt = "s"\n'
ONE = Choice(FROM, FROM + 40 * 86_400, 43_200, {})
CHOSEN = {
    "goal": ["orders"],
    "model": ["linear"],
    "campaign": ["autumn"],
    "network": ["facebook"],
    "channel": ["social"],
}
CHOICES = {
    "one": replace(ONE, values=CHOSEN),
    "several": replace(ONE, values=CHOSEN | {"campaign": ["autumn", "search"], "network": ["facebook", "search"]}),
    "All": replace(ONE, values=CHOSEN, everything=frozenset({"campaign", "network", "channel"})),
}
ALL = CHOICES["All"]
COLUMNS = {
    "timeseries": (["DateTime", "String", "Float64"],),
    "stat": (["String", "Float64"], ["Nullable(Float64)"] * 4),
    "bargauge": (["String", "Float64"], ["String", "Nullable(Float64)"]),
}
CELLS = {"String", "Nullable(String)", "Float64", "Nullable(Float64)", "DateTime"}


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A database with a simulated month, what it cost, and a drop of conversions."""
    folder = tmp_path_factory.mktemp("month")
    simulate.write(folder, simulate.Scenario(events=6_000, engagement=0.9, start=START))
    with (folder / "engagement.ndjson").open("ab") as file:
        file.writelines(visit(campaign, user) for campaign in (ODD, HOSTILE) for user in range(10))
        file.write(visit("seen by one", 1))
    catalogue = parse((folder / "catalogue.toml").read_text("utf-8") + HOLDOUT)
    with connect("chdb://memory") as client, files.DeadLetterFile(folder / "dead.ndjson") as letters:
        migrations.apply(client)
        run = Replay(LedgerSettings(catalogue, KEY, replay=True), letters)
        run.ledger.enlist(members({"members": [Tokens(KEY).hash(f"visitor-{number}") for number in range(10)]}))
        topics = ("engagement", "checkout")
        run.run([EventFile(topic, str(folder / f"{topic}.ndjson")) for topic in topics], lambda events, read: None)
        write_catalogue(client, catalogue)
        write_rows(client, run.ledger.changes(1))
        assert removal_effects.refresh(client, FROM) == {}
        assert measured_lift.refresh(client, FROM)
        client.command(
            "INSERT INTO costs (id, campaign, day, kind, amount, rate, currency, version) VALUES"
            " ('1', 'autumn', '2026-10-01', 'money', 1500, 0, 'NOK', 1),"
            " ('2', 'autumn', '2026-10-02', 'hours', 20, 50, 'NOK', 1)"
        )
        client.command(
            "INSERT INTO alerts (goal, since, detected_at, expected, seen, cause, campaigns, networks, version) VALUES"
            " ('orders', '2026-10-09 12:00:00', '2026-10-09 12:20:00', 12.5, 4, 'tag', ['autumn'], ['facebook'], 1)"
        )
        yield client


def visit(campaign: str, user: int) -> bytes:
    event = {
        "type": "track",
        "event": "Social Interaction",
        "messageId": f"visit of {campaign} by {user}",
        "userId": f"visitor-{user}",
        "timestamp": "2026-10-09T12:00:00Z",
        "context": {"campaign": {"id": campaign}},
        "properties": {"action": "click", "network": "x"},
    }
    return json.dumps(event).encode() + b"\n"


def ask(client: Client, place: str, choice: Choice = ALL) -> list[tuple[Any, ...]]:
    """The rows of a panel, as tuples."""
    return [tuple(row.values()) for row in client.query(expanded(QUERIES[place].sql, choice))]


def described(client: Client, sql: str) -> dict[str, str]:
    """The columns of a query: name to type."""
    return {row["name"]: row["type"] for row in client.query(f"DESCRIBE TABLE ({sql})")}


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("place", QUERIES)
def test_a_panel_has_rows_whatever_is_chosen(month: Client, place: str, choice: str) -> None:
    assert ask(month, place, CHOICES[choice])


@pytest.mark.parametrize("place", QUERIES)
def test_columns_have_the_types_that_the_kind_of_panel_draws(month: Client, place: str) -> None:
    query = QUERIES[place]
    columns = described(month, expanded(query.sql, ALL))
    types = [re.sub(r"LowCardinality\((.*)\)|\('UTC'\)", r"\1", kind) for kind in columns.values()]
    if query.kind == "table":
        assert set(types) <= CELLS
    else:
        assert types in COLUMNS[query.kind]
    assert query.kind != "timeseries" or (next(iter(columns)), list(columns)[-1]) == ("time", "Value")
    overrides = [each["matcher"] for each in query.panel["fieldConfig"]["overrides"]]
    named = {matcher["options"] for matcher in overrides if matcher["id"] == "byName"}
    assert named <= set(columns)


@pytest.mark.parametrize("place", [place for place, query in QUERIES.items() if query.kind == "timeseries"])
def test_a_series_is_in_order_inside_the_time_shown_and_has_one_value_at_a_time(month: Client, place: str) -> None:
    narrow = replace(ALL, start=FROM + 8 * 86_400, end=FROM + 20 * 86_400, interval=3_600)
    points = [(time, label) for time, label, _ in ask(month, place, narrow)]
    times = [time.timestamp() for time, _ in points]
    assert times == sorted(times)
    assert narrow.start <= times[0] <= times[-1] <= narrow.end
    assert len(set(points)) == len(points)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("goal", ["orders", "new-customers", "enquiries"])
def test_the_parts_of_a_goal_are_those_of_the_report(month: Client, goal: str, model: str) -> None:
    chosen = replace(ALL, values=CHOSEN | {"goal": [goal], "model": [model]})
    (reported,) = progress(month, goal, model)
    brought = dict(ask(month, "goals: What brought them, in the time shown: ${goal:text}", chosen))
    assert brought == pytest.approx({p.name: float(p.conversions) for p in reported.parts if p.attributed})
    parts = dict(ask(month, "goals: Attributed or not, and why, in the time shown: ${goal:text}", chosen))
    assert parts["Attributed"] == pytest.approx(sum(brought.values()))
    assert sum(parts.values()) == float(reported.reached)
    shown = dict(ask(month, "goals: From attention to customers, in the time shown", chosen))
    assert shown[reported.unit.capitalize()] == float(reported.reached)
    worth = dict(ask(month, "goals: Value of each goal, not to be added up, in the time shown", chosen))
    assert worth[f"{reported.name}, NOK"] == float(reported.value["NOK"])


def test_what_is_shown_by_time_by_means_and_by_network_adds_up_to_the_same(month: Client) -> None:
    everything = dict(ask(month, "campaigns: In the time shown"))
    for place in (
        "Conversions, by campaign",
        "New and returning customers",
        "Conversions, by channel, in the time shown",
        "Conversions, by network, in the time shown",
    ):
        assert sum(row[-1] for row in ask(month, f"campaigns: {place}")) == pytest.approx(everything["Conversions"])
    assert sum(row[-1] for row in ask(month, "campaigns: Value, by channel")) == pytest.approx(everything["Value, NOK"])
    assert sum(row[-1] for row in ask(month, "campaigns: Engagement, by network")) == everything["Engagement"]
    table = ask(month, "campaigns: Campaigns and networks, in the time shown")
    assert sum(row[3] for row in table) == everything["Engagement"]
    assert sum(row[5] for row in table) == pytest.approx(everything["Conversions"])
    assert sum(row[6] for row in table) == pytest.approx(everything["Value, NOK"])
    assert sum(row[7] for row in table) == pytest.approx(
        sum(row[-1] for row in ask(month, "campaigns: Refunds and cancellations"))
    )


def test_models_have_the_same_total_side_by_side(month: Client) -> None:
    rows = ask(month, "campaigns: Attribution models side by side, in the time shown")
    totals = [sum(column) for column in list(zip(*rows, strict=True))[1:]]
    assert totals == pytest.approx([totals[0]] * len(MODELS))
    assert totals[0] > 0


def test_each_journey_is_in_one_length_one_duration_and_one_pair_of_touches(month: Client) -> None:
    lengths = sum(
        counted for _, counted in ask(month, "campaigns: Length of journeys (touchpoints), in the time shown")
    )
    assert lengths == sum(
        counted for _, counted in ask(month, "campaigns: Time from first touch to conversion, in the time shown")
    )
    assert lengths == sum(row[2] for row in ask(month, "campaigns: First and last touch, in the time shown"))
    status = "goal = 'orders' AND status != 'reversed' AND reason = ''"
    assert lengths == month.query(f"SELECT count() AS n FROM conversions FINAL WHERE {status}")[0]["n"]


def test_cost_is_money_and_hours(month: Client) -> None:
    (autumn,) = [
        row for row in ask(month, "campaigns: Return on what was spent, all time") if row[0] == "Autumn on Facebook"
    ]
    money, hours, cost, value, back = autumn[3], autumn[4], autumn[5], autumn[7], autumn[2]
    assert (money, hours, cost) == (1500, 20, 2500)
    assert back == pytest.approx((value - cost) / cost)


def test_every_cause_of_a_drop_has_words(month: Client) -> None:
    (drop,) = month.query("SELECT * EXCEPT (version) FROM alerts FINAL")
    for cause in EXPLAINED:
        month.command(
            "INSERT INTO alerts SELECT * REPLACE (2 AS version, {cause:String} AS cause) FROM alerts FINAL",
            {"cause": cause},
        )
        assert " " in ask(month, "pipeline: Drops of conversions, newest first, all time")[0][5]
    assert drop["cause"] in EXPLAINED


def test_options_of_variables_are_what_there_is_and_can_be_quoted(month: Client) -> None:
    options = defaultdict(list)
    for query in variable_queries():
        found = [next(iter(row.values())) for row in month.query(expanded(query.sql, ALL))]
        options[query.place.split("$")[1]].append(found)
    assert sorted(options["goal"][0]) == ["enquiries", "new-customers", "orders"]
    assert options["model"][0][0] == DASHBOARDS["goals"]["templating"]["list"][2]["current"]["value"]
    assert sorted(options["model"][0]) == sorted(MODELS)
    assert ODD.lower() in options["campaign"][0]
    assert HOSTILE.lower() not in options["campaign"][0]


def test_a_value_stays_a_value(month: Client) -> None:
    chosen = replace(ALL, values=CHOSEN | {"campaign": [ODD.lower()]}, everything=frozenset({"network", "channel"}))
    assert [row[:4] for row in ask(month, "campaigns: Campaigns and networks, in the time shown", chosen)] == [
        (ODD.lower(), "", "x", 10)
    ]


def test_a_campaign_of_few_users_is_not_named(month: Client) -> None:
    assert ("Suppressed (small group)", "", "x", 1) in [
        row[:4] for row in ask(month, "campaigns: Campaigns and networks, in the time shown")
    ]
    chosen = replace(ALL, values=CHOSEN | {"campaign": ["seen by one"]}, everything=frozenset({"network", "channel"}))
    assert ask(month, "campaigns: Campaigns and networks, in the time shown", chosen) == []
    (options,) = [query for query in variable_queries() if query.place == "campaigns: $campaign"]
    found = {row["value"]: row["text"] for row in month.query(expanded(options.sql, ALL))}
    assert found["withheld"] == "Suppressed (small group)"
    assert "seen by one" not in found
    shown = [row for query in panel_queries() for row in month.query(expanded(query.sql, ALL))]
    assert shown
    assert [row for row in shown if "withheld" in {name: row[name] for name in row if name != "id"}.values()] == []


def test_restatements_are_told_by_cause_and_nothing_of_a_replay_is_provisional(month: Client) -> None:
    assert {row[1:] for row in ask(month, "goals: When figures are final, all time")} == {(0, "Nothing")}
    why = "goals: Why figures were restated, in the time shown: ${goal:text}"
    assert {row[1:] for row in ask(month, why)} == {(0, 0, 0)}
    rows = [("autumn", "late_touch", 2), ("paper", "late_touch", -2), ("paper", "reversal", -1)]
    values = ", ".join(
        f"('2026-10-09', 'orders', 'linear', '{campaign}', '{cause}', {n}, 1)" for campaign, cause, n in rows
    )
    month.command(
        "INSERT INTO goal_restatements (window_start, goal, model, campaign, cause, conversions, version) "
        f"VALUES {values}"
    )
    assert ask(month, why)[:3] == [
        ("Engagement that came late", 2, -2, 0),
        ("Refund or cancellation", 0, -1, -1),
        ("Catalogue changed", 0, 0, 0),
    ]
