"""Campaigns that the catalogue does not list: so many a day, whatever restarts there are, then `(other)`."""

from dataclasses import replace

import pytest

from streams.core.journal.segment import decode, encode, merged
from streams.core.journeys.unlisted import OTHER, Unlisted
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from tests.support.driver import CATALOGUE, KEY, Driver
from tests.support.messages import DAY, HOUR, NOON, order, touch
from tests.support.strategies import CATALOGUE as LISTED


class Few(Driver):
    """A worker that tells three names apart."""

    def restart(self) -> None:
        self._rules = replace(self._rules, campaigns=3)
        super().restart()


def seen(driver: Driver) -> dict[str, int]:
    found: dict[str, int] = {}
    for (_, campaign, *_), n in driver.database.engagement_counts().items():
        found[campaign] = found.get(campaign, 0) + n
    return found


@pytest.mark.parametrize("restart", [True, False])
@pytest.mark.parametrize("merge", [True, False])
def test_so_many_names_a_day_through_restarts(restart: bool, merge: bool) -> None:
    driver = Few()
    for n in range(6):
        applied = driver.engage(touch(f"t{n}", NOON - HOUR, f"name {n}"), touch(f"u{n}", NOON, "name 0"))
        assert applied.outcomes[0].folded == (n >= 3)
        driver.flush()
        if merge:
            key = max(driver.journal)
            driver.journal = {key: encode(merged([decode(value) for _, value in sorted(driver.journal.items())]))}
        if restart:
            driver.restart()
    assert seen(driver) == {"name 0": 7, "name 1": 1, "name 2": 1, OTHER: 3}
    driver.now += DAY
    driver.engage(touch("t9", driver.now, "name 9"))
    driver.engage(touch("t10", NOON, "name 10"), touch("t11", NOON, "name 11"), touch("t12", NOON, "name 0"))
    driver.flush()
    assert seen(driver) == {"name 0": 7, "name 1": 1, "name 2": 1, OTHER: 4, "name 9": 1, "name 10": 1, "name 11": 1}


def test_a_checkouts_own_campaign_counts_too() -> None:
    driver = Few()
    driver.engage(*(touch(f"t{n}", NOON - HOUR, f"name {n}", user="x") for n in range(3)))
    driver.buy(order("c", NOON, "o", campaign={"id": "name 3"}), order("d", NOON, "p", campaign={"id": "name 1"}))
    driver.flush()
    assert driver.conversions() == {(OTHER, ""): 1, ("name 1", ""): 1}


def test_what_the_catalogue_lists_has_no_limit() -> None:
    names = Unlisted(LISTED, 0)
    names.begin(NOON)
    assert [names.name(name, NOON) for name in ("Autumn", "paper", "", "other")] == ["Autumn", "paper", "", OTHER]
    assert names.take_folded() == 1
    assert names.take_folded() == 0


def test_a_replay_goes_by_the_days_of_events() -> None:
    ledger = Ledger(LedgerSettings(CATALOGUE, KEY, replay=True, campaigns=1))
    driver = Driver()
    values = [touch("a", NOON, "a"), touch("b", NOON, "b"), touch("c", NOON + DAY, "b"), touch("d", NOON, "a")]
    ledger.apply(driver.batch("engagement", values))
    driver.database.write(ledger.changes(1))
    assert seen(driver) == {"a": 2, OTHER: 1, "b": 1}
