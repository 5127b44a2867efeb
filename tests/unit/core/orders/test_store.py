"""The order store: orders by key and by buyer, what waits for them, and for how long they are known."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from streams.core.catalogue.parse import Catalogue, parse
from streams.core.door import sources_toml
from streams.core.door.reader import read
from streams.core.events.watermark import DeadLetter
from streams.core.identity.tokens import Tokens
from streams.core.ledger.settings import LedgerSettings
from streams.core.orders.cause import Cause
from streams.core.orders.keys import OrderEvent, field_of, keys_of, shown
from streams.core.orders.matching import counts
from streams.core.orders.order import Pending
from streams.core.orders.shared import OrderLocations, SharedOrders
from streams.core.orders.store import Booked, OrderStore
from tests.support.driver import CATALOGUE, Driver
from tests.support.messages import NOON, denied, message, order, refund

TOKENS = Tokens(b"sixteen letters!")
GOAL = 'base_currency = "NOK"\n[[goal]]\nid = "g"\nevent = "Order Completed"\n'
PLAIN, E = parse(GOAL), "order completed"


SHOPS = sources_toml.parse('order_scope = "affiliation"')


def event_of(raw: bytes, catalogue: Catalogue = PLAIN) -> OrderEvent:
    (item,) = read(raw, (), LedgerSettings(catalogue, b"", sources=SHOPS).reading("checkout"))
    (event,) = item.events
    assert isinstance(event, OrderEvent)
    return event


def pending(event: OrderEvent, currency: str = "", home: int | None = None) -> Pending:
    message_id = event.message.message_id
    return Pending(message_id, "checkout", 2, 7, b"k", message_id.encode(), currency, orders=("o",), home=home)


def take(into: OrderStore, raw: bytes, catalogue: Catalogue = PLAIN) -> Booked:
    """Take in a message under the first of its keys."""
    event = event_of(raw, catalogue)
    return into.apply(event, keys_of(event, catalogue)[0], pending(event, getattr(event, "currency", "")))


def test_what_is_restated_is_taken_back_or_completed_anew() -> None:
    some = OrderStore(CATALOGUE, TOKENS)
    assert take(some, order("c1", NOON, "o")).cause is Cause.CATALOGUE
    assert take(some, order("c2", NOON + 1, "o")).cause is Cause.CATALOGUE  # the earlier one counts still
    assert take(some, order("c0", NOON - 1, "o")).cause is Cause.CORRECTION
    assert take(some, message("Order Updated", "u", NOON, order_id="o", total=1)).cause is Cause.CORRECTION
    assert take(some, refund("r", NOON, "o", total=1)).cause is Cause.REVERSAL
    assert take(some, message("Order Cancelled", "x", NOON + 2, order_id="o")).cause is Cause.REVERSAL
    assert take(some, order("c3", NOON + 3, "o")).cause is Cause.CORRECTION  # who pays after all
    assert take(some, order("c4", NOON + 4, "o")).cause is Cause.CATALOGUE


def test_what_names_no_scope_restates_an_order_that_is_alone_with_that_id() -> None:
    some = OrderStore(PLAIN, TOKENS)
    take(some, order("c", NOON, "o", affiliation="North"))
    first = event_of(refund("r", NOON, "o", total=1))
    ((found, cause),) = some.others(first, take(some, refund("r", NOON, "o", total=1)))
    assert (shown(found.order_id), cause) == ("North:o", Cause.REVERSAL)
    second = event_of(order("d", NOON, "o", affiliation="South"))
    others = some.others(second, take(some, order("d", NOON, "o", affiliation="South")))
    assert [(shown(found.order_id), cause) for found, cause in others] == [("North:o", Cause.REVERSAL)]
    third = event_of(refund("s", NOON, "o", total=1))
    assert some.others(third, take(some, refund("s", NOON, "o", total=1))) == []


def test_a_completion_that_comes_again_is_told_and_whether_it_says_something_else() -> None:
    some = OrderStore(CATALOGUE, TOKENS)
    raws = [order("c1", NOON, "o"), order("c2", NOON + 1, "o"), order("c3", NOON + 2, "o", user="v")]
    found = [take(some, raw) for raw in [*raws, order("c4", NOON + 3, "o", currency="SEK")]]
    assert [(each.repeated, each.other) for each in found] == [
        (False, False),
        (True, False),
        (True, True),
        (True, True),
    ]


@pytest.mark.parametrize(
    ("where", "given", "counted"),
    [
        ("new_customer = true", {"new_customer": True}, True),
        ("new_customer = true", {"new_customer": "yes"}, True),  # as read
        ("new_customer = true", {"new_customer": False}, False),
        ("new_customer = true", {}, False),
        ("new_customer = false", {"new_customer": "0"}, True),
        ("new_customer = 'yes'", {"new_customer": "yes"}, True),
        ("size = 1", {"size": 1}, True),
        ("size = 1", {"size": 1.0}, True),
        ("size = 1", {"size": True}, False),
        ("size = 1", {"size": "1"}, False),
        ("size = 1", {"size": None}, False),
        ("size = 1", {"size": [1]}, False),
        ("size = 1", {"size": 10**400}, False),
        ("size = 0.1", {"size": 0.1}, True),
        ('size = "L"', {"size": "L"}, True),
        ('size = "L"', {"size": "l"}, False),
        ("order_id = 'o', size = 1", {"size": 1}, True),
        ("order_id = 'x', size = 1", {"size": 1}, False),
    ],
)
def test_a_goal_counts_where_all_properties_are_equal_as_json(where: str, given: dict[str, Any], counted: bool) -> None:
    catalogue = parse(GOAL + f"where = {{ {where} }}\n")
    made = take(OrderStore(CATALOGUE, TOKENS), order("c", NOON, "o", **given), catalogue).order
    assert counts(made, catalogue.goals[0]) is counted


def test_the_earliest_completion_is_asked_what_a_goal_asks_for() -> None:
    catalogue, some = parse(GOAL + "where = { new_customer = true }\n"), OrderStore(CATALOGUE, TOKENS)
    take(some, order("c1", NOON, "o", new_customer=True), catalogue)
    made = take(some, order("c0", NOON - 1, "o", new_customer=False), catalogue).order
    assert not counts(made, catalogue.goals[0])


def test_a_completion_keeps_what_goals_are_counted_by() -> None:
    raw = order("c", NOON, "o", "19.90", currency="eur", new_customer=False, campaign={"id": "X", "source": "Mail"})
    made = take(OrderStore(CATALOGUE, TOKENS), raw).order.completions[E]
    assert (made.time, made.message_id, made.user) == (NOON, "c", TOKENS.hash("u"))
    assert (made.amounts.revenue, made.currency, made.customer) == (19_900_000, "EUR", "returning")
    assert (made.words.id, made.words.source, made.denied) == ("x", "email", None)


def test_without_consent_neither_user_nor_campaign_is_kept() -> None:
    raw = order("c", NOON, "o", consent=denied(), campaign={"id": "X", "source": "Mail"})
    made = take(OrderStore(CATALOGUE, TOKENS), raw).order.completions[E]
    assert (made.user, made.words.id, made.denied) == (0, "", True)


def test_a_reversal_finds_its_order_or_waits() -> None:
    some = OrderStore(CATALOGUE, TOKENS)
    raws = [refund("r1", NOON, "o"), order("c", NOON, "o"), refund("r2", NOON, "o")]
    assert [[each.message_id for each in take(some, raw).found] for raw in raws] == [[], ["r1"], ["r2"]]


def test_a_refund_in_another_currency_is_told_when_its_order_expires() -> None:
    some = OrderStore(CATALOGUE, TOKENS)
    assert take(some, refund("r1", NOON, "o", total=1, currency="SEK")).foreign == 0
    assert take(some, order("c", NOON, "o")).foreign == 1
    assert take(some, refund("r2", NOON, "o", total=1, currency="EUR")).foreign == 1
    assert [(each.reason, each.value) for each in some.unclaimed()] == [
        ("currency_mismatch", b"r1"),
        ("currency_mismatch", b"r2"),
    ]
    take(some, message("Order Updated", "u", NOON, order_id="o", total=1, currency="SEK"))  # which match, the set says
    assert [each.value for each in some.expire(NOON + 1)] == [b"r2"]


def test_a_refund_that_a_later_message_makes_one_in_another_currency_is_told() -> None:
    some = OrderStore(CATALOGUE, TOKENS)
    take(some, order("c", NOON, "o", currency="EUR"))
    assert take(some, refund("r", NOON, "o", total=1, currency="EUR")).foreign == 0
    assert some.unclaimed() == []
    assert take(some, message("Order Updated", "u", NOON, order_id="o", total=1, currency="SEK")).foreign == 1
    assert take(some, message("Order Updated", "v", NOON, order_id="o", total=2, currency="SEK")).foreign == 0
    assert [(each.reason, each.value) for each in some.unclaimed()] == [("currency_mismatch", b"r")]
    other = OrderStore(CATALOGUE, TOKENS)
    take(other, order("c", NOON, "o", currency="EUR"))
    take(other, refund("r", NOON, "o", total=1, currency="EUR"))
    assert take(other, order("b", NOON - 1, "o", currency="NOK")).foreign == 1
    assert [(each.reason, each.value) for each in other.unclaimed()] == [("currency_mismatch", b"r")]


@pytest.mark.parametrize("places", [(1, 2), (0, 1, 2)])
def test_of_several_partitions_that_completed_an_order_one_tells_of_a_refund(places: tuple[int, ...]) -> None:
    raw, told = refund("r", NOON, "o", total=1, currency="SEK"), list[DeadLetter]()
    for here in (0, 1, 2):
        shared = SharedOrders(here, 3)
        shared.locate([OrderLocations("o", places, NOON)])
        some, event = OrderStore(CATALOGUE, TOKENS, shared=shared), event_of(raw)
        key, home = keys_of(event, PLAIN)[0], 0 if here else None
        some.apply(event, key, pending(event, "SEK", home))
        if not here:
            some.orders["o"].claimed(["r"])  # by one of the others, before it was completed here
            some.put(some.orders["o"].journaled(whole=False))
        if here in places:
            take(some, order(f"c{here}", NOON, "o"))
        told += some.unclaimed()
    assert [each.reason for each in told] == ["currency_mismatch"]


def test_a_refund_of_no_shop_in_another_currency_than_the_one_order_with_its_id_is_told() -> None:
    some = OrderStore(CATALOGUE, TOKENS)
    take(some, refund("r", NOON, "o", total=1, currency="EUR"))
    take(some, refund("s", NOON, "o", total=1, currency="NOK"))
    take(some, order("c", NOON, "o", affiliation="North"))
    assert [(each.reason, each.value) for each in some.unclaimed()] == [("currency_mismatch", b"r")]
    take(some, order("d", NOON, "o", affiliation="South"))  # of which, nobody can say
    assert {(each.reason, each.value) for each in some.unclaimed()} == {
        ("unknown_order", b"r"),
        ("unknown_order", b"s"),
    }


def test_a_message_is_known_by_its_id_its_event_and_its_order() -> None:
    some = OrderStore(CATALOGUE, TOKENS)
    take(some, order("m", NOON, "o"))
    for raw, known in (
        (order("m", NOON + 1, "o"), (True, False)),
        (order("m", NOON, "p"), (False, True)),
        (refund("m", NOON, "o"), (False, True)),
        (order("n", NOON, "o"), (False, False)),
    ):
        event = event_of(raw)
        assert some.seen(event, keys_of(event, PLAIN)[0]) == known


class Steps:
    """Counts how often the code of a package goes to a line."""

    def __init__(self, package: str) -> None:
        self.number, self._package = 0, package

    def __call__(self, frame: FrameType, event: str, argument: Any) -> "Steps | None":
        if self._package not in frame.f_code.co_filename:
            return None
        self.number += event == "line"
        return self


@pytest.mark.parametrize(
    "make",
    [
        lambda n: refund(f"r{n}", NOON - n, "undefined", total=1),
        lambda n: message("Order Updated", f"p{n}", NOON - n, order_id="undefined", total=1),
        lambda n: order(f"c{n}", NOON - n, "undefined", user=f"u{n}"),
        lambda n: order("undefined", NOON - n, f"o{n}", user=f"u{n}"),
    ],
)
def test_a_batch_of_messages_of_one_order_or_one_id_costs_what_others_cost(make: Callable[[int], bytes]) -> None:
    steps, counted = list[int](), Steps("streams/core/orders/")
    before = sys.gettrace()
    for number in (500, 2000):
        driver, counted.number = Driver(), 0
        sys.settrace(counted)
        driver.buy(*(make(n) for n in range(number)))
        sys.settrace(before)
        steps.append(counted.number)
    assert steps[1] < 5 * steps[0]


def test_the_key_of_an_order_says_which_property_it_is_of() -> None:
    catalogue = parse(GOAL + '[[goal]]\nid = "h"\nevent = "Order Completed"\nid_field = "invoice_id"\n')
    keys = keys_of(event_of(order("c", NOON, "o", invoice_id="i"), catalogue), catalogue)
    assert [(field_of(each.key), shown(each.key)) for each in keys] == [("order_id", "o"), ("invoice_id", "i")]
    odd = keys_of(event_of(order("c", NOON, "\0"), catalogue), catalogue)
    assert [(field_of(each.key), shown(each.key)) for each in odd] == [("order_id", "\0"), ("invoice_id", "c")]
