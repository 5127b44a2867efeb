"""The view `campaign_lift`: who counts, in which group, and the same statistics as streams/core/lift/estimate.py."""

import random
from typing import Any

import pytest

from streams.core.catalogue.parse import parse
from streams.core.lift.estimate import ExperimentArm, balance, difference, incremental, missing, over_credit, relative
from streams.jobs import measured_lift
from streams.sinks.clickhouse.catalogue import write_catalogue
from streams.sinks.clickhouse.client import Client

TEXT = """base_currency = "NOK"
[[goal]]
id = "g"
event = "E"
[[goal]]
id = "h"
event = "F"
[[campaign]]
id = "autumn"
name = "Autumn"
start = 2026-11-01
end = 2026-11-30
[[holdout]]
campaign = "autumn"
share = 0.5
salt = "s"
"""
USERS = (
    "INSERT INTO holdout_users SELECT 'autumn', '{salt}', number, '{day}', {held}, {engaged}, {exposed}"
    " FROM numbers({first}, {n})"
)
BOUGHT = (
    "INSERT INTO conversions (goal, conversion_id, occurred_at, value, currency, user, status, version)"
    " SELECT '{goal}', concat('{name}', toString(number)), '{at}', {value}, '{currency}', number, '{status}', 1"
    " FROM numbers({first}, {n})"
)


def see(
    client: Client,
    first: int,
    n: int,
    held: int = 0,
    engaged: int = 1,
    exposed: int = 0,
    day: str = "2026-11-10",
    salt: str = "s",
) -> None:
    values = {"first": first, "n": n, "held": held, "engaged": engaged, "exposed": exposed, "day": day, "salt": salt}
    client.command(USERS.format(**values))


def buy(
    client: Client,
    first: int,
    n: int,
    name: str = "o",
    value: int = 1,
    goal: str = "g",
    at: str = "2026-11-10 12:00:00",
    currency: str = "NOK",
    status: str = "open",
) -> None:
    names = {"name": name, "value": value, "goal": goal, "at": at, "currency": currency, "status": status}
    client.command(BOUGHT.format(first=first, n=n, **names))


def link(client: Client, *pairs: tuple[int, int]) -> None:
    """Each a token and the user id that it was said to be of."""
    client.command(f"INSERT INTO token_links VALUES {', '.join(map(str, pairs))}")


def lift(
    client: Client, measure: str = "conversions", goal: str = "g", currency: str = "", model: str = "linear"
) -> dict[str, Any]:
    where = " AND ".join(f"{name} = {{{name}:String}}" for name in ("measure", "goal", "currency", "model"))
    wanted = {"measure": measure, "goal": goal, "currency": currency, "model": model}
    (row,) = client.query(f"SELECT * FROM campaign_lift WHERE {where}", wanted)
    return row


@pytest.fixture
def tested(emptied: Client) -> Client:
    write_catalogue(emptied, parse(TEXT))
    return emptied


def test_the_worked_example(tested: Client) -> None:
    see(tested, 1, 100_000)
    see(tested, 100_001, 100_000, held=1)
    buy(tested, 1, 1_200)
    buy(tested, 100_001, 900)
    tested.command(
        "INSERT INTO goal_attribution (window_start, model, goal, campaign, conversions, version) VALUES"
        " ('2026-11-10', 'linear', 'g', 'autumn', 900, 1), ('2026-11-10', 'first', 'g', 'autumn', 600, 1),"
        " ('2026-12-01', 'linear', 'g', 'autumn', 50, 1), ('2026-11-10', 'linear', 'g', 'other', 50, 1)"
    )
    row = lift(tested)
    assert (row["name"], row["status"], row["missing_users"], row["share"]) == ("Autumn", "measured", 0, 0.5)
    assert (row["users"], row["held_users"], row["converted"], row["held_converted"]) == (100_000, 100_000, 1_200, 900)
    figures = [row[name] for name in ("incremental", "incremental_low", "incremental_high")]
    assert [round(figure, 2) for figure in figures] == [300, 210.67, 389.33]
    assert row["lift"] == pytest.approx(1 / 3)
    assert (row["attributed"], row["over_credit"]) == (900, pytest.approx(3))
    assert lift(tested, model="first")["over_credit"] == pytest.approx(2)
    assert lift(tested, model="last")["over_credit"] == 0
    assert lift(tested, "value", currency="NOK")["incremental"] == pytest.approx(300)


def test_too_few_users_are_not_yet_a_result(tested: Client) -> None:
    see(tested, 1, 900)
    see(tested, 901, 100, held=1)
    buy(tested, 1, 10)
    row = lift(tested)
    wanted = missing(ExperimentArm(900, 10, 10, 10), ExperimentArm(100, 0, 0, 0), 0.5)
    assert (row["status"], row["missing_users"]) == ("not yet", wanted)
    estimates = ("difference", "incremental", "lift", "over_credit")
    assert [row[f"{name}{bound}"] for name in estimates for bound in ("", "_low", "_high")] == [None] * 12
    assert lift(tested, goal="h")["status"] == "not yet"


def test_nobody_was_seen(tested: Client) -> None:
    row = lift(tested)
    assert (row["status"], row["missing_users"], row["users"], row["balance"]) == ("not yet", 40, 0, 1)


def test_who_counts(tested: Client) -> None:
    see(tested, 1, 10)
    see(tested, 1, 10, day="2026-11-30")  # again
    see(tested, 11, 5, held=1, day="2026-11-01")
    see(tested, 16, 3, held=1, exposed=1)
    see(tested, 100, 7, day="2026-10-31")
    see(tested, 107, 7, held=1, exposed=1, day="2026-12-01")
    see(tested, 200, 7, salt="another")
    see(tested, 300, 4, engaged=0)  # seen in a conversion that was corrected since
    see(tested, 310, 2, held=1, engaged=0)
    buy(tested, 310, 2)
    buy(tested, 1, 2, name="late", at="2026-12-01 00:00:00")
    buy(tested, 0, 1, name="nobody")
    row = lift(tested)
    assert (row["users"], row["held_users"], row["leaked"]) == (10, 10, 3)
    assert (row["converted"], row["held_converted"], row["total"], row["held_total"]) == (0, 2, 0, 2)


def test_each_token_has_what_its_person_bought(tested: Client) -> None:
    see(tested, 1, 4)
    see(tested, 11, 3, held=1)
    link(tested, (2, 1), (2, 1), (12, 11))
    link(tested, (12, 11), (13, 4))  # one person, a token in each group
    buy(tested, 1, 1)
    buy(tested, 4, 1)
    buy(tested, 11, 1)
    row = lift(tested)
    assert (row["users"], row["held_users"], row["crossed"], row["ambiguous"]) == (4, 3, 1, 0)
    assert (row["total"], row["converted"]) == (3, 3)  # of 1 by 1 and by 2, of 4 by 4
    assert (row["held_total"], row["held_converted"]) == (3, 3)  # of 11 by 11 and by 12, of 4 by 13


def test_a_token_of_two_users_is_nobody_elses(tested: Client) -> None:
    see(tested, 1, 3)
    link(tested, (3, 1), (3, 2))
    buy(tested, 1, 3)
    row = lift(tested)
    assert (row["users"], row["total"], row["ambiguous"], row["crossed"]) == (3, 3, 1, 0)


def test_a_token_that_was_only_bought_with_and_is_linked_since_counts_as_if_that_had_been_known(tested: Client) -> None:
    see(tested, 1, 1, engaged=0)
    see(tested, 2, 1, engaged=0)
    link(tested, (1, 2))
    buy(tested, 2, 1)
    row = lift(tested)
    assert (row["users"], row["total"]) == (1, 1)


def test_what_was_taken_back_counts_no_more(tested: Client) -> None:
    see(tested, 1, 3)
    buy(tested, 1, 2, value=5)
    buy(tested, 3, 1, value=0, status="reversed")
    buy(tested, 1, 1, name="p", value=2, status="partly_reversed")
    buy(tested, 1, 1, name="e", value=7, currency="EUR")
    row = lift(tested)
    assert (row["users"], row["converted"], row["total"]) == (3, 2, 4)
    assert lift(tested, "value", currency="NOK")["total"] == 12
    assert lift(tested, "value", currency="EUR")["total"] == 7


def test_a_campaign_that_is_no_longer_held_out_is_not_shown(tested: Client) -> None:
    write_catalogue(tested, parse(TEXT[: TEXT.index("[[holdout]]")]))
    assert tested.query("SELECT * FROM campaign_lift") == []


@pytest.mark.parametrize("seed", range(4))
def test_the_view_says_what_the_formulas_do(tested: Client, seed: int) -> None:
    rng = random.Random(seed)
    users, held = rng.randrange(2_000, 9_000), rng.randrange(2_000, 9_000)
    see(tested, 1, users)
    see(tested, 10_001, held, held=1)
    amounts = {0: [0.0] * users, 1: [0.0] * held}
    for group, first in ((0, 1), (1, 10_001)):
        for turn in range(3):
            start, n = rng.randrange(500), rng.randrange(50, 400)
            value = rng.randrange(1, 9)
            buy(tested, first + start, n, name=f"o{group}{turn}-", value=value)
            for at in range(start, start + n):
                amounts[group][at] += value
    shown, other = (ExperimentArm(len(a), sum(map(bool, a)), sum(a), sum(x * x for x in a)) for a in amounts.values())
    row = lift(tested, "value", currency="NOK")
    assert row["status"] == "measured"
    assert row["balance"] == pytest.approx(balance(shown, other, 0.5), abs=1e-12)
    caused = incremental(shown, other)
    estimates = {
        "difference": difference(shown, other),
        "incremental": caused,
        "lift": relative(shown, other),
        "over_credit": over_credit(0, caused),
    }
    for name, estimate in estimates.items():
        assert [row[f"{name}{bound}"] for bound in ("", "_low", "_high")] == [pytest.approx(e) for e in estimate]


def test_a_conversion_counts_on_the_day_that_it_is_in_the_catalogues_time_zone(emptied: Client) -> None:
    write_catalogue(emptied, parse(f'timezone = "Europe/Oslo"\n{TEXT}'))
    see(emptied, 0, 10)
    buy(emptied, 0, 3, name="before", at="2026-10-31 22:30:00")  # 23:30 there
    buy(emptied, 3, 2, name="first", at="2026-10-31 23:30:00")  # 00:30 on the first day
    rows = emptied.query("SELECT DISTINCT total FROM campaign_lift WHERE goal = 'g' AND measure = 'conversions'")
    assert [row["total"] for row in rows] == [2]


def test_what_was_worked_out_is_what_the_view_says(tested: Client) -> None:
    see(tested, 1, 5_000)
    see(tested, 5_001, 5_000, held=1)
    buy(tested, 1, 120)
    buy(tested, 5_001, 90)
    columns = "campaign, goal, model, status, incremental, incremental_low, incremental_high, attributed"
    assert measured_lift.refresh(tested, 1)
    buy(tested, 300, 20, "p")
    assert measured_lift.refresh(tested, 2)
    view = tested.query(f"SELECT {columns} FROM campaign_lift WHERE measure = 'conversions' ORDER BY ALL")
    assert tested.query(f"SELECT {columns} FROM measured_lift FINAL ORDER BY ALL") == view
    assert len(view) == 14


def test_nothing_is_worked_out_without_a_holdout(emptied: Client) -> None:
    write_catalogue(emptied, parse(TEXT.split("[[holdout]]")[0]))
    assert not measured_lift.refresh(emptied, 1)
