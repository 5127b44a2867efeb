"""Restoring a ledger: it goes on as if nothing had happened, and writes what was not written."""

from typing import Any

from streams.core.events.batch import Batch
from streams.core.events.topics import CHECKOUT, ENGAGEMENT
from streams.core.journal.segment import Segment, SegmentKey, decode, encode, valid
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from tests.support.driver import CATALOGUE, KEY, Driver
from tests.support.messages import DAY, HOUR, NOON, order, refund, touch
from tests.support.tables import Database, rows
from tests.unit.core.ledger.test_ledger import ALL


def everything(driver: Driver) -> dict[str, Any]:
    return driver.database.tables | {"path_transitions": driver.database.path_transitions()}


def busy() -> Driver:
    driver = Driver(now=NOON + 2 * HOUR)
    driver.engage(touch("t1", NOON), touch("x" * 40, NOON, "paper"), touch("t3", NOON - HOUR, user="v"))
    driver.buy(order("c1", NOON, "o1", 100), order("c2", NOON, "o2", 50, user="v"), refund("r0", NOON, "o3"))
    driver.flush()
    driver.now += HOUR
    driver.buy(refund("r1", NOON, "o1", total=30), order("c3", NOON, "o3"))
    driver.engage(touch("t4", NOON - 1, "paper", user="v"))
    return driver


def test_a_restored_ledger_goes_on_as_if_nothing_had_happened() -> None:
    one, other = busy(), busy()
    other.restart()
    for driver in (one, other):
        driver.flush()
        driver.buy(refund("r2", NOON, "o1"), refund("r1", NOON, "o1", total=30))
        driver.engage(touch("t1", NOON))
        driver.flush()
    assert one.ledger.offsets == other.ledger.offsets == {ENGAGEMENT: 5, CHECKOUT: 7}
    assert one.ledger.size[0] == other.ledger.size[0]
    assert everything(one) == everything(other)


def test_what_was_stated_and_not_written_is_written_after_a_restart() -> None:
    driver = busy()
    driver.report()
    driver.restart()
    driver.write()
    assert driver.conversions() == {("paper", ""): 2}
    assert driver.database.conversions()["orders", "o1"]["value"] == 70 * ALL


def test_a_restart_says_the_rows_of_the_open_hour_again_and_of_no_other() -> None:
    driver = busy()
    driver.flush()
    driver.restart()
    again = driver.ledger.changes(99)
    assert {row["reported_at"] * 1000 for row in rows(again["goal_attribution"])} == {driver.now}
    driver.database.write(again)
    reference = busy()
    reference.flush()
    assert driver.conversions() == reference.conversions()
    assert driver.database.goal_attribution() == reference.database.goal_attribution()


def test_segments_of_an_owner_that_had_lost_the_partition_change_nothing() -> None:
    """Epoch 1 goes on writing after epoch 2 restored up to its segment 1."""
    old, found = Driver(), dict[SegmentKey, Segment]()

    def write(epoch: int, sequence: int, segment: Segment, after: int) -> None:
        segment.after = {epoch: after}
        found[SegmentKey(NOON // HOUR, epoch, sequence)] = decode(encode(segment))

    write(1, 0, old.engage(touch("t", NOON)).segment, -1)
    write(1, 1, old.buy(order("c", NOON, "o", 100)).segment, -1)
    new = Ledger(LedgerSettings(CATALOGUE, KEY, 45 * DAY))
    new.restore([(key, found[key]) for key in valid(found)], NOON)
    write(1, 2, old.buy(refund("r", NOON, "o"), refund("s", NOON, "o")).segment, -1)
    write(2, 2, new.apply(Batch(CHECKOUT, [refund("r", NOON, "o", total=40)], [None], [1]), NOON).segment, 1)
    write(2, 3, new.report(NOON).segment, 1)
    last, database = Ledger(LedgerSettings(CATALOGUE, KEY, 45 * DAY)), Database()
    last.restore([(key, found[key]) for key in valid(found)], NOON)
    last.report(NOON)
    database.write(last.changes(1))
    assert last.offsets == {ENGAGEMENT: 1, CHECKOUT: 2}
    assert database.conversions()["orders", "o"]["value"] == 60 * ALL
