"""Who is written as seen while a campaign with a holdout runs: everybody with a token, shown the campaign or not."""

import json
from typing import Any

import numpy as np

from streams.core.catalogue.parse import parse
from streams.core.identity.tokens import Tokens
from streams.core.lift.holdout import Holdouts, held
from tests.support.driver import CATALOGUE, KEY, Driver
from tests.support.messages import DAY, HOUR, NOON, denied, order, touch
from tests.support.tables import rows

TESTED = parse("""base_currency = "NOK"
[[goal]]
id = "orders"
event = "Order Completed"
[[campaign]]
id = "Autumn"
start = 2026-11-01
end = 2026-11-02
[[campaign]]
id = "paper"
[[holdout]]
campaign = "autumn"
share = 0.5
salt = "s"
[[holdout]]
campaign = "paper"
share = 0.25
salt = "t"
""")
TODAY = NOON // DAY
NAMES = {hash_: name for name in "uvwxyz" for hash_ in (Tokens(KEY).hash(name),)}


def seen(driver: Driver, campaign: str = "Autumn") -> list[tuple[Any, ...]]:
    """(user, days from today, engaged, exposed) of the rows that are written next."""
    columns = driver.ledger.changes(1).get("holdout_users", {})
    found = [row for row in rows(columns) if row["campaign"] == campaign]
    return sorted((NAMES[row["user"]], row["day"] - TODAY, row["engaged"], row["exposed"]) for row in found)


def test_everybody_is_seen_while_the_campaign_runs() -> None:
    driver = Driver(TESTED, NOON + DAY)
    driver.engage(
        touch("1", NOON, user="u"),
        touch("2", NOON + HOUR, "other", user="u"),
        touch("3", NOON + DAY, user="u"),
        touch("4", NOON, "", user="v"),
        touch("5", NOON - DAY, user="w"),
        touch("6", NOON + 2 * DAY, user="w"),
        touch("7", NOON, user=None),
        touch("8", NOON, user="x", consent=denied()),
    )
    driver.buy(order("o", NOON, "o", user="y"), order("p", NOON - DAY, "p", user="z"))
    driver.report()
    assert seen(driver) == [("u", 0, 1, 1), ("u", 1, 1, 1), ("v", 0, 1, 0), ("y", 0, 0, 0)]
    assert seen(driver) == []


def test_a_campaign_without_dates_runs_always() -> None:
    driver = Driver(TESTED)
    driver.engage(touch("1", NOON - DAY, "paper", user="u"), touch("2", NOON, user="v"))
    assert seen(driver, "paper") == [("u", -1, 1, 1), ("v", 0, 1, 0)]


def test_the_group_is_the_one_that_a_site_is_told() -> None:
    driver = Driver(TESTED)
    driver.engage(*(touch(f"t-{name}", NOON, user=name) for name in NAMES.values()))
    told = Holdouts(TESTED, KEY)
    for row in rows(driver.ledger.changes(1)["holdout_users"]):
        assert row["held"] == (row["campaign"] in told.of(NAMES[row["user"]]))
        assert row["salt"] == {"Autumn": "s", "paper": "t"}[row["campaign"]]
    users = np.array(list(NAMES), np.uint64)
    assert 0 < held(TESTED.holdouts[0], users).sum() < len(users)


def test_what_was_not_written_before_a_crash_is_written_after_it() -> None:
    driver = Driver(TESTED)
    driver.engage(touch("1", NOON, user="u"))
    driver.buy(order("o", NOON, "o", user="y"))
    driver.report()
    driver.restart()
    assert seen(driver) == [("u", 0, 1, 1), ("y", 0, 0, 0)]


def links(driver: Driver) -> list[tuple[str, str]]:
    """(anonymous token, user id) of the rows that are written next."""
    found = rows(driver.ledger.changes(1).get("token_links", {}))
    return sorted((NAMES[row["token"]], NAMES[row["user"]]) for row in found)


def linking(name: str, user: str, anonymous: str) -> bytes:
    event = json.loads(touch(name, NOON, user=user))
    return json.dumps(event | {"anonymousId": anonymous}).encode()


def test_who_is_known_by_two_tokens_is_written_once() -> None:
    driver = Driver(TESTED)
    driver.engage(linking("1", "u", "v"), linking("2", "u", "v"), linking("3", "u", "u"))
    assert links(driver) == [("v", "u")]
    driver.engage(linking("4", "u", "v"), linking("5", "w", "v"))
    assert links(driver) == [("v", "w")]


def test_links_of_before_a_holdout_are_written_when_it_comes() -> None:
    driver = Driver(CATALOGUE)
    driver.engage(linking("1", "u", "v"))
    assert "token_links" not in driver.ledger.changes(1)
    with_holdout = Driver(TESTED)
    with_holdout.journal = driver.journal
    with_holdout.restart()
    assert links(with_holdout) == [("v", "u")]


def test_without_a_holdout_nothing_is_written() -> None:
    driver = Driver(CATALOGUE)
    driver.engage(touch("1", NOON))
    assert "holdout_users" not in driver.ledger.changes(1)
