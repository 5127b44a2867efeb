"""Orders: what is known under one key after any messages, in any order of arrival, whole or in parts."""

from itertools import permutations

from streams.core.door.canonical import Amounts, Words
from streams.core.orders.order import Completion, Order, Pending, Refund, merged_orders

E = "order completed"
KRONE = 1_000_000


def completion(amount: int, time: int = 0, message_id: str = "c", user: int = 1) -> Completion:
    return Completion(time, message_id, user, None, Words(), Amounts(revenue=amount), "NOK", "new")


def waiting(message_id: str, token: int = 0) -> Pending:
    return Pending(message_id, "checkout", 0, 0, None, b"{}", tokens=(token,))


def refunded(*message_ids: str) -> Order:
    """An order that nobody has completed yet, with refunds."""
    made = Order("o")
    for message_id in message_ids:
        made.refund(message_id, Refund(Amounts(total=KRONE), ""))
        made.wait(waiting(message_id), again=False)
        made.note("order refunded", message_id, 1)
    return made


def test_messages_before_their_order_wait_and_are_found_with_it() -> None:
    made = refunded("r1", "r2")
    assert [pending.message_id for pending in made.waiting] == ["r1", "r2"]
    found = made.complete(E, completion(100 * KRONE))
    assert [pending.message_id for pending in found] == ["r1", "r2"]
    assert made.waiting == []
    assert made.refunds.keys() == {"r1", "r2"}


def test_a_message_that_is_taken_in_again_after_a_crash_waits_once() -> None:
    made = refunded("r1")
    assert made.knows((1, "r1"))
    made.wait(waiting("r1"), again=True)
    assert len(made.waiting) == 1


def test_a_message_that_another_partition_claims_waits_no_longer() -> None:
    made = refunded("r1", "r2")
    made.claimed({"r1"})
    made.claimed({"r1"})
    assert [pending.message_id for pending in made.waiting] == ["r2"]


def test_a_claim_is_journaled_and_holds_for_what_was_journaled_before_it() -> None:
    made = refunded("r1", "r2")
    first = made.journaled(whole=False)
    made.claimed({"r1"})
    second = made.journaled(whole=False)
    assert (len(first.waiting), second.waiting, second.claims, second.refunds) == (2, [], ["r1"], {})
    assert [pending.message_id for pending in first.merge(second).waiting] == ["r2"]
    assert made.journaled().claims == []


def test_the_earliest_completion_counts_whatever_arrives_first() -> None:
    for arrival in permutations([(1, "z"), (1, "b"), (2, "a")]):
        made = Order("o")
        for time, message_id in arrival:
            made.complete(E, completion(time, time, message_id))
        assert (made.completions[E].message_id, made.last[E]) == ("b", (2, "a"))


def test_completions_of_different_events_stand_beside_each_other() -> None:
    made = Order("o")
    made.complete(E, completion(100))
    made.complete("visit booked", completion(0, time=9, user=2))
    assert (made.completions[E].amounts.revenue, made.buyers) == (100, {1, 2})


def test_a_segment_gets_the_messages_since_the_last_one() -> None:
    made = Order("o")
    made.complete(E, completion(100))
    made.note(E, "c", 5)
    made.note(E, "d", 3)
    assert (made.journaled().messages, made.newest) == ([(E, "c"), (E, "d")], 5)
    made.note(E, "e", 4)
    first = made.journaled()
    assert (first.messages, first.newest, made.journaled().messages) == ([(E, "e")], 5, [])


def test_the_halves_of_an_order_say_together_what_it_says() -> None:
    made = refunded(*(f"r{n}" for n in range(9)))
    parts = [made]
    for _ in range(4):
        parts = [half for part in parts for half in part.halves or (part,)]
    assert len(parts) > 10
    assert merged_orders(parts) == [made]
    assert Order("o").halves is None


def test_who_completed_it_once_is_known_in_any_order_of_arrival_and_forgotten_when_erased() -> None:
    for arrival in permutations([(1, 10), (2, 0), (3, 5)]):  # user, time
        made, halves = Order("o"), [Order("o"), Order("o")]
        for i, (user, time) in enumerate(arrival):
            for each in (made, halves[i % 2]):
                each.complete(E, completion(KRONE, time, user=user))
        assert (made.buyers, made.former) == ({2}, [1, 3])
        assert halves[0].merge(halves[1]) == made
        assert made.without(1).former == [3]


def test_who_is_erased_is_no_buyer_and_waits_for_nothing() -> None:
    made = Order("o", waiting=[waiting("r", token=7)])
    made.completions[E] = completion(KRONE, user=7)
    gone = made.without(7)
    assert (gone.waiting, gone.buyers, gone.completions[E].erased) == ([], set(), True)
    assert made.merge(gone).completions[E].erased
    assert gone.without(7) is gone


def test_an_id_that_everybodys_orders_have_stays_small() -> None:
    made, again = Order("undefined"), Order("undefined")
    for n in range(1, 300):
        made.complete(E, completion(KRONE, 300 - n, user=n))
        again.complete(E, completion(KRONE, n, user=300 - n))
    assert made == again
    assert made.former == list(range(1, 101))
