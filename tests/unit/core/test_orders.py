"""Orders: what they are worth after any completions and reversals, in any order of arrival."""

from itertools import permutations

import pytest

from streams.core.catalogue import Goal, parse
from streams.core.orders import OPEN, PARTLY, REVERSED, Completion, Order, Reversal, Worth

HEAD = 'base_currency = "NOK"\n[[goal]]\nid = "g"\nevent = "Order Completed"\n'
REVENUE = parse(HEAD).goals[0]
FIXED = parse(HEAD + "value = 2.68").goals[0]
ZERO = parse(HEAD + "value = 0").goals[0]
TINY = parse(HEAD + "value = 0.000001").goals[0]
KRONE = 1_000_000


def completion(amount: int, time: int = 0, message_id: str = "c", **more: object) -> Completion:
    facts = {"user": 1, "denied": False, "campaign": "", "network": "", "currency": "NOK", "customer": "new"}
    return Completion(time=time, message_id=message_id, amount=amount, **(facts | {"goals": ("g",)} | more))  # type: ignore[arg-type]


def order(amount: int, *refunds: int | None) -> Order:
    """An order of `amount`, with refunds of so much; None takes all back."""
    made = Order("o")
    made.complete("Order Completed", completion(amount))
    for i, refund in enumerate(refunds):
        made.reverse(refund, waiting(f"r{i}"))
    return made


def waiting(message_id: str) -> Reversal:
    return Reversal(message_id, None, b"{}", 0)


@pytest.mark.parametrize(
    ("goal", "amount", "refunds", "worth"),
    [
        (REVENUE, 100 * KRONE, [], Worth(100 * KRONE, 100 * KRONE, OPEN)),
        (REVENUE, 100 * KRONE, [30 * KRONE], Worth(100 * KRONE, 70 * KRONE, PARTLY)),
        (REVENUE, 100 * KRONE, [30 * KRONE, 30 * KRONE], Worth(100 * KRONE, 40 * KRONE, PARTLY)),
        (REVENUE, 100 * KRONE, [70 * KRONE, 70 * KRONE], Worth(100 * KRONE, 0, REVERSED)),
        (REVENUE, 100 * KRONE, [None], Worth(100 * KRONE, 0, REVERSED)),
        (REVENUE, 100 * KRONE, [0], Worth(100 * KRONE, 100 * KRONE, OPEN)),
        (FIXED, 3 * KRONE, [1 * KRONE], Worth(2_680_000, 1_786_666, PARTLY)),  # two thirds, rounded down
        (FIXED, 3 * KRONE, [3 * KRONE], Worth(2_680_000, 0, REVERSED)),
        (TINY, 3 * KRONE, [1], Worth(1, 0, REVERSED)),
        (ZERO, 3 * KRONE, [3 * KRONE], Worth(0, 0, PARTLY)),  # only all of it takes a worthless conversion back
        (ZERO, 3 * KRONE, [None], Worth(0, 0, REVERSED)),
        (FIXED, 0, [5 * KRONE], Worth(2_680_000, 2_680_000, OPEN)),  # an order of no value stays whole
        (FIXED, 0, [None], Worth(2_680_000, 0, REVERSED)),
        (REVENUE, 0, [], Worth(0, 0, OPEN)),
        (REVENUE, 10**18 - 1, [1], Worth(10**18 - 1, 10**18 - 2, PARTLY)),
    ],
)
def test_what_remains_of_a_conversion(goal: Goal, amount: int, refunds: list[int | None], worth: Worth) -> None:
    for arrival in permutations(refunds):
        assert order(amount, *arrival).worth(goal) == worth


def test_reversals_before_their_order_wait_and_count() -> None:
    made = Order("o")
    made.reverse(30 * KRONE, waiting("r1"))
    made.reverse(20 * KRONE, waiting("r2"))
    assert made.worth(REVENUE) is None
    assert [reversal.message_id for reversal in made.waiting] == ["r1", "r2"]
    found = made.complete("Order Completed", completion(100 * KRONE))
    assert [reversal.message_id for reversal in found] == ["r1", "r2"]
    assert made.waiting == []
    assert made.worth(REVENUE) == Worth(100 * KRONE, 50 * KRONE, PARTLY)


def test_a_reversal_that_another_partition_claims_waits_no_longer() -> None:
    made = Order("o")
    for message_id in ("r1", "r2"):
        made.reverse(None, waiting(message_id))
    made.claimed("r1")
    made.claimed("r1")
    assert [reversal.message_id for reversal in made.waiting] == ["r2"]


def test_the_latest_completion_counts_whatever_arrives_first() -> None:
    times = [(1, "z"), (2, "a"), (2, "b")]
    for arrival in permutations(times):
        made = Order("o")
        for time, message_id in arrival:
            made.complete("Order Completed", completion(time, time, message_id))
        assert made.completions["Order Completed"].message_id == "b"


def test_completions_of_different_events_stand_beside_each_other() -> None:
    made = order(100)
    made.complete("Visit Booked", completion(0, time=9, user=2, goals=("visits",)))
    assert made.worth(REVENUE) == Worth(100, 100, OPEN)


def test_an_order_that_does_not_meet_the_goal_has_no_worth() -> None:
    made = Order("o")
    made.complete("Order Completed", completion(100, goals=()))
    assert made.worth(REVENUE) is None


def test_a_segment_gets_the_messages_since_the_last_one() -> None:
    made = order(100)
    made.note("c", 5)
    made.note("r", 3)
    assert (made.journaled().messages, made.newest) == (["c", "r"], 5)
    made.note("r2", 4)
    first = made.journaled()
    assert (first.messages, first.newest, made.journaled().messages) == (["r2"], 5, [])


def test_who_completed_it_once_is_known_in_any_order_of_arrival_and_forgotten_when_erased() -> None:
    for arrival in permutations([(1, 0), (2, 10), (3, 5)]):  # user, time
        made, halves = Order("o"), [Order("o"), Order("o")]
        for i, (user, time) in enumerate(arrival):
            for each in (made, halves[i % 2]):
                each.complete("Order Completed", completion(KRONE, time, user=user))
        assert (made.buyers, made.former) == ({2}, [1, 3])
        assert halves[0].joined(halves[1]) == made
        assert made.without(1, lambda _: False).former == [3]


def test_an_id_that_everybodys_orders_have_stays_small() -> None:
    made, again = Order("undefined"), Order("undefined")
    for n in range(1, 300):
        made.complete("Order Completed", completion(KRONE, n, user=n))
        again.complete("Order Completed", completion(KRONE, 300 - n, user=300 - n))
    assert made == again
    assert made.former == list(range(1, 101))
