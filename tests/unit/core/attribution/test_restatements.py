"""Restatements: one cause each, carried through the journal."""

import pytest
from msgspec import structs

from streams.core.attribution.restatements import PendingCauses, merged_marks
from streams.core.journal.segment import decode, encode, merged
from streams.core.orders.cause import Cause
from tests.support.driver import Driver
from tests.support.messages import HOUR, NOON, identify, order, refund, touch
from tests.support.statements import statement

KEY = ("g", "o")


def test_causes_are_words_from_the_weakest_to_the_strongest() -> None:
    words = ["catalogue", "late_touch", "identity", "consent", "reversal", "correction", "erasure"]
    assert [cause.word for cause in sorted(Cause)] == words


def test_of_several_causes_the_strongest_counts_whatever_their_order() -> None:
    for causes in ((Cause.LATE_TOUCH, Cause.REVERSAL), (Cause.REVERSAL, Cause.LATE_TOUCH)):
        marks = PendingCauses()
        for cause in causes:
            marks.add(KEY, cause)
        assert marks.take(KEY) is Cause.REVERSAL
        assert marks.take(KEY) is Cause.CATALOGUE


def test_a_mark_is_said_when_it_is_made_and_when_it_is_gone_without_a_statement() -> None:
    marks = PendingCauses()
    marks.add(KEY, Cause.CATALOGUE)
    assert marks.unjournaled() == []
    marks.add(KEY, Cause.IDENTITY)
    marks.add(KEY, Cause.LATE_TOUCH)
    assert marks.unjournaled() == [("g", "o", Cause.IDENTITY)]
    assert marks.unjournaled() == []
    marks.take(KEY)
    assert marks.unjournaled() == [("g", "o", 0)]
    marks.add(KEY, Cause.IDENTITY)
    marks.take(KEY)
    marks.journaled(KEY)
    assert marks.unjournaled() == []


def test_what_is_folded_is_as_it_was_said() -> None:
    marks, one = PendingCauses(), statement()
    marks.fold([], [("g", "o", Cause.REVERSAL), ("g", "p", Cause.IDENTITY), ("g", "gone", Cause.IDENTITY)])
    marks.fold([one], [("g", "p", 0)])
    marks.keep({"o", "p"})
    assert [marks.take(("g", order_id)) for order_id in ("o", "p", "gone")] == [Cause.CATALOGUE] * 3
    marks.fold([one], [("g", "o", Cause.LATE_TOUCH)])  # merged: what came after the statement
    assert marks.take(KEY) is Cause.LATE_TOUCH
    assert marks.unjournaled() == [("g", "o", 0)]


def test_merged_marks_are_those_that_no_later_statement_settles() -> None:
    late, none = [("g", "o", int(Cause.LATE_TOUCH))], list[tuple[str, str, int]]()
    assert merged_marks([([], late), ([statement()], none)]) == []
    assert merged_marks([([statement()], none), ([], late)]) == late
    assert merged_marks([([], late), ([], [("g", "o", 0)])]) == [("g", "o", 0)]


def stated() -> Driver:
    driver = Driver(now=NOON + HOUR)
    driver.engage(touch("t", NOON - HOUR, user="u"), touch("a", NOON - 1, "paper", user=None, anonymous="x"))
    driver.buy(order("c", NOON, "o"))
    driver.flush()
    return driver


def causes(driver: Driver) -> set[str]:
    return {key[-1] for key in driver.database.goal_restatements()}


LATE, LINK = touch("late", NOON - 1, "paper"), identify("i", NOON, "x", "u")
REFUND, AGAIN = refund("r", NOON, "o", total=1), order("d", NOON - 1, "o", revenue=7)


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize(
    ("records", "cause"),
    [
        ((("engagement", LATE),), "late_touch"),
        ((("identity", LINK),), "identity"),
        ((("checkout", REFUND),), "reversal"),
        ((("checkout", AGAIN),), "correction"),
        ((("identity", LINK), ("engagement", LATE)), "identity"),
        ((("checkout", REFUND), ("engagement", LATE), ("identity", LINK)), "reversal"),
        ((("checkout", AGAIN), ("checkout", REFUND)), "correction"),
    ],
)
def test_a_restatement_says_why_also_after_a_crash(
    records: tuple[tuple[str, bytes], ...], cause: str, crash: bool
) -> None:
    driver = stated()
    assert causes(driver) == set()
    for topic, value in records:
        driver.take(topic, value)
    if crash:
        driver.restart()
    driver.flush()
    assert causes(driver) == {cause}


def test_each_restatement_has_the_cause_of_its_own_time() -> None:
    driver = stated()
    for topic, value in (("engagement", LATE), ("checkout", REFUND)):
        driver.take(topic, value)
        driver.flush()
    assert causes(driver) == {"late_touch", "reversal"}


@pytest.mark.parametrize("crash", [False, True])
def test_what_changed_nothing_is_no_cause_of_what_comes_later(crash: bool) -> None:
    driver = stated()
    driver.take("identity", identify("i", NOON, "nobody", "u"))
    driver.flush()
    if crash:
        driver.restart()
    driver.engage(LATE)
    driver.flush()
    assert causes(driver) == {"late_touch"}


def test_a_first_statement_restates_nothing_whatever_came_before_it() -> None:
    driver = Driver(now=NOON + HOUR)
    driver.buy(order("c", NOON, "o"))
    driver.take("checkout", REFUND)
    driver.take("identity", LINK)
    driver.flush()
    assert driver.database.tables["goal_restatements"] == {}


@pytest.mark.parametrize("removed", [True, False])
def test_the_open_hour_is_restored_with_every_restatement_of_it_though_it_was_merged(removed: bool) -> None:
    """Where the worker died before what was merged was `removed`, it counts once."""
    driver = stated()
    for topic, value in (("engagement", LATE), ("checkout", REFUND)):
        driver.take(topic, value)
        driver.flush()
    wanted = driver.database.goal_restatements()
    last = max(driver.journal)
    whole = merged([decode(value) for value in driver.journal.values()], one_hour=True)
    whole = structs.replace(whole, flushed=-1, since=min(driver.journal).sequence)
    driver.journal = {**({} if removed else driver.journal), last: encode(whole)}
    driver.database.tables["goal_restatements"] = {}
    driver.restart()
    driver.write()
    assert driver.database.goal_restatements() == wanted
