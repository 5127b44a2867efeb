"""What the oracle says that reports restate, and why."""

from tests.oracle.restatements import ANY, EITHER, Restatements, alike
from tests.support.messages import HOUR, NOON, cancellation, order, refund, touch, update

GOALS = 'base_currency = "NOK"\n[[goal]]\nid = "orders"\nevent = "Order Completed"\nvalue = 1\n'
ORDER = order("o1", NOON, "o")


def causes(first: list[bytes], *later: bytes) -> dict[str, list[int]]:
    """By cause, what the first-touch figures are restated by."""
    restatements = Restatements(GOALS)
    restatements.report([("events", value) for value in first], 0)
    restatements.report([("events", value) for value in (*first, *later)], HOUR)
    sums: dict[str, list[int]] = {}
    for (_, _, model, *_, reported_at, cause), amounts in restatements.rows.items():
        assert reported_at == HOUR
        if model == "first":
            sums[cause] = [a + b for a, b in zip(sums.get(cause, [0] * 4), amounts, strict=True)]
    return sums


def test_nothing_new_restates_nothing() -> None:
    assert causes([ORDER], order("p", NOON, "p"), touch("t", NOON + 1)) == {}


def test_causes() -> None:
    assert causes([ORDER], cancellation("c", NOON, "o")) == {"reversal": [-1_000_000, -1_000_000, 1_000_000, 1_000_000]}
    assert set(causes([ORDER], refund("r", NOON, "o", revenue=50))) == {"reversal"}
    assert set(causes([ORDER], order("o0", NOON - HOUR, "o"))) == {"correction"}
    cancelled = [ORDER, cancellation("c", NOON, "o")]
    assert set(causes(cancelled, update("x", NOON + 1, "o", total=5))) == {"correction"}
    assert set(causes(cancelled, order("o2", NOON + 1, "o"))) == {ANY}
    later = [ORDER, update("y", NOON + 2, "o", total=5)]
    assert causes(later, update("x", NOON + 1, "o", total=9), touch("s", NOON - 1)) == {EITHER: [0, 0, 0, 0]}
    assert causes([ORDER], touch("t", NOON)) == {EITHER: [0, 0, 0, 0]}


def test_causes_that_are_not_told_apart() -> None:
    rows = {("a", "late_touch"): [1, 0, 0, 0], ("a", "identity"): [-1, 0, 0, 1], ("a", "reversal"): [1, 0, 0, 0]}
    assert alike(rows, {ANY}) == {("a", ANY): [1, 0, 0, 1]}
    assert alike(rows, {EITHER}) == {("a", EITHER): [0, 0, 0, 1], ("a", "reversal"): [1, 0, 0, 0]}
