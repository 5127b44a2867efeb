"""One order, completed by people of several partitions: it counts once, whoever tells of it."""

from itertools import permutations

import pytest

from tests.support.cluster import Cluster, names
from tests.support.driver import CATALOGUE
from tests.support.messages import HOUR, NOON, order, refund, touch

USER, BROWSER, PHONE = (names(partition)[0] for partition in range(3))
MILLION = 1_000_000


def totals(people: Cluster) -> list[int]:
    """Conversions, value, reversed conversions, reversed value of the orders, as `last` has them, in whole units."""
    rows = [sums for key, sums in people.database.goal_attribution().items() if key[1:3] == ("orders", "last")]
    return [sum(column) // MILLION for column in zip(*rows, strict=True)] if rows else [0, 0, 0, 0]


def bought(user: str, at: int, revenue: int = 100, order_id: str = "o") -> tuple[str, str, bytes]:
    return "checkout", user, order(f"{user} {at}", at, order_id, revenue, user=user)


def taken_back(user: str, message_id: str, total: int) -> tuple[str, str, bytes]:
    return "checkout", user, refund(message_id, NOON + HOUR, "o", user=user, total=total)


@pytest.mark.parametrize("order_id", [names(partition)[1] for partition in range(3)])
def test_the_earliest_completion_counts_wherever_the_order_is_at_home(order_id: str) -> None:
    events = [bought(USER, NOON, 100, order_id), bought(BROWSER, NOON + 1, 200, order_id)]
    events += [bought(PHONE, NOON + 2, 300, order_id)]
    for arrival in permutations(events):
        people = Cluster(CATALOGUE)
        people.hear(*arrival)
        assert totals(people) == [1, 100, 0, 0]
        row = people.database.conversions()["orders", order_id]
        assert (row["value"], row["status"]) == (100 * MILLION, "open")


def test_a_worker_that_dies_before_it_tells_others_of_an_order_tells_them_afterwards() -> None:
    people = Cluster(CATALOGUE)
    for partition, (topic, _, value) in enumerate([bought(USER, NOON, 100), bought(BROWSER, NOON + 1, 200)]):
        people.send(topic, partition, value)
        people.step(topic, partition, 1)
        people.restart(partition)
    people.settle()
    people.flush()
    assert totals(people) == [1, 100, 0, 0]


def test_of_two_at_the_same_moment_the_smaller_message_id_counts() -> None:
    for arrival in permutations([bought(USER, NOON, 100), bought(BROWSER, NOON, 200)]):
        people = Cluster(CATALOGUE)
        people.hear(*arrival)
        wanted = 100 if USER < BROWSER else 200
        assert totals(people) == [1, wanted, 0, 0]
        assert people.database.conversions()["orders", "o"]["value"] == wanted * MILLION


def test_refunds_are_added_up_whoever_sends_them() -> None:
    events = [bought(USER, NOON), bought(BROWSER, NOON + 1)]
    events += [taken_back(USER, "r1", 10), taken_back(BROWSER, "r2", 20), taken_back(PHONE, "r3", 30)]
    for arrival in permutations(events):
        people = Cluster(CATALOGUE)
        people.hear(*arrival)
        assert totals(people) == [1, 40, 0, 60]


def test_what_the_earliest_buyer_was_shown_is_what_counts() -> None:
    people = Cluster(CATALOGUE)
    people.hear(("engagement", USER, touch("t", NOON - HOUR, "paper", user=USER)), bought(USER, NOON))
    assert people.seen == {"o": (["paper"], "")}
    people.hear(bought(BROWSER, NOON - 1))
    assert people.seen == {"o": ([], "no_touch")}


def test_an_order_of_one_buyer_is_told_to_its_home_alone() -> None:
    people = Cluster(CATALOGUE)
    home = names(1)[1]
    people.hear(bought(USER, NOON, order_id=home), ("checkout", USER, refund("r", NOON, home, user=USER, total=1)))
    assert [(target, len(log)) for (topic, target), log in people.logs.items() if topic == "forwarded"] == [(1, 2)]
