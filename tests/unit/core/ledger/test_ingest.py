"""Taking records in: what became of each, how late and how early it may be, and what is skipped."""

import pytest

from streams.core.events.batch import Batch
from streams.core.events.topics import CHECKOUT, ENGAGEMENT
from streams.core.events.watermark import SKEW
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.results import Applied
from streams.core.ledger.settings import LedgerSettings
from tests.support.driver import CATALOGUE, KEY, Driver
from tests.support.messages import DAY, NOON, denied, message, order, refund, touch
from tests.support.tables import rows
from tests.unit.core.ledger.test_ledger import reported

RETENTION = 45 * DAY


def outcomes(applied: Applied) -> dict[str, int]:
    (found,) = applied.outcomes
    return dict(found.counts)


def test_records_are_counted_by_what_became_of_them() -> None:
    driver = Driver()
    late = touch("late", NOON - RETENTION - 1)
    values = [touch("a", NOON), touch("a", NOON + 1), touch("b", NOON, consent=denied()), b"{", late]
    applied = driver.engage(*values, message("Page Viewed", "p", NOON), b" " * 70_000)
    assert outcomes(applied) == {"accepted": 1, "duplicate": 1, "no_consent": 1, "dead_letter": 3, "ignored": 1}
    assert sorted((dead.offset, dead.reason) for dead in applied.outcomes[0].dead) == [
        (3, "malformed"),
        (4, "too_late"),
        (6, "oversized"),
    ]
    bought = [
        order("c", NOON, "o"),
        order("c", NOON, "o"),
        order("d", NOON, "p", consent=denied()),
        refund("r", NOON, "?"),
    ]
    assert outcomes(driver.buy(*bought, message("Cart Viewed", "v", NOON))) == {
        "accepted": 2,
        "duplicate": 1,
        "no_consent": 1,
        "ignored": 1,
    }


def test_a_message_id_is_an_event_of_its_topic() -> None:
    driver = reported(touch("same", NOON), bought=order("same", NOON, "o"))
    assert driver.conversions() == {("autumn", ""): 1}


@pytest.mark.parametrize(("ahead", "taken"), [(SKEW, "accepted"), (SKEW + 1, "dead_letter")])
def test_a_clock_may_be_ahead_by_exactly_an_hour(ahead: int, taken: str) -> None:
    driver = Driver()
    assert outcomes(driver.engage(touch("t", NOON + ahead))) == {taken: 1}
    assert outcomes(driver.buy(order("c", NOON + ahead, "o"))) == {taken: 1}


@pytest.mark.parametrize(("behind", "taken"), [(RETENTION, "accepted"), (RETENTION + 1, "dead_letter")])
def test_an_event_may_be_behind_by_exactly_the_retention(behind: int, taken: str) -> None:
    driver = Driver()
    driver.engage(touch("t1", NOON))
    driver.buy(order("c1", NOON, "o"))
    assert outcomes(driver.engage(touch("t2", NOON - behind))) == {taken: 1}
    assert outcomes(driver.buy(order("c2", NOON - behind, "p"))) == {taken: 1}


def test_records_that_the_state_covers_are_skipped() -> None:
    driver = Driver()
    driver.engage(touch("a", NOON), touch("b", NOON))
    applied = driver.ledger.apply(Batch(ENGAGEMENT, [touch("x", NOON)] * 4, [None] * 4, range(4)), NOON)
    assert outcomes(applied) == {"accepted": 1, "duplicate": 1}
    assert driver.ledger.offsets == {ENGAGEMENT: 4}


def test_a_replay_reads_every_record_and_has_no_retention() -> None:
    ledger = Ledger(LedgerSettings(CATALOGUE, KEY, replay=True))
    for _ in range(2):
        ledger.apply(Batch(ENGAGEMENT, [touch("a", NOON), touch("b", NOON - 999 * DAY)], [None] * 2, range(2)))
    ledger.apply(Batch(CHECKOUT, [order("c", NOON, "o")], [None], range(1)))
    ledger.report()
    found = rows(ledger.changes(1)["goal_attribution"])
    assert {(row["reported_at"], row["origin"], row["partition"]) for row in found} == {(NOON // 1000, "replay", 0)}
    assert (ledger.size[0], ledger.expire(), ledger.unclaimed()) == (2, [], [])


def test_records_that_our_own_code_fails_on_are_dead_letters_and_covered() -> None:
    driver = Driver()
    batch = driver.batch(ENGAGEMENT, [touch("a", NOON), touch("b", NOON)])
    applied = driver.ledger.skip(batch, "a defect")
    assert [(dead.offset, dead.reason, dead.error) for dead in applied.outcomes[0].dead] == [
        (0, "internal", "a defect"),
        (1, "internal", "a defect"),
    ]
    assert applied.segment.offsets == driver.ledger.offsets == {ENGAGEMENT: 2}
