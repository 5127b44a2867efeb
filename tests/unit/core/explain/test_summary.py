"""What came of what was read, in sentences."""

from collections import Counter

import pytest

from streams.core.catalogue.parse import Catalogue, parse
from streams.core.events.batch import Batch
from streams.core.events.campaigns import Campaigns
from streams.core.explain.facts import Facts
from streams.core.explain.names import misspelt
from streams.core.explain.summary import sentences
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from tests.support.messages import NOON, order

CATALOGUE = parse("""base_currency = "NOK"
[[goal]]
id = "members"
event = "Member Joined"
where = { plan = "year", new_customer = true }
[[campaign]]
id = "autumn"
aliases = ["Høst"]
""")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("member_join", 'no goal counts "member_join"; did you mean "Member Joined"?'),
        ("Joined Member", 'no goal counts "Joined Member"; did you mean "Member Joined"?'),
        ("Order Refund", '"Order Refund" means nothing here; did you mean "Order Refunded"?'),
        ("Refunded Order", '"Refunded Order" means nothing here; did you mean "Order Refunded"?'),
        ("Product Viewed", ""),
        ("Product Added", ""),
        ("order_completed", 'no goal counts "order_completed"; goals count "Member Joined"'),
        ("Cart Viewed", ""),
        ("page", ""),
        ("", ""),
    ],
)
def test_a_name_that_nearly_counts_is_told(name: str, meant: str) -> None:
    assert misspelt(name, CATALOGUE) == meant


def test_where_all_is_as_it_should_be_nothing_is_told() -> None:
    facts = Facts(campaigns=Counter({"autumn": 3, "høst": 1, "(facebook)": 2}))
    facts.completed["member joined"].add(False, False, True, ["plan"])
    assert list(sentences(facts, CATALOGUE)) == []


def test_a_condition_is_told_only_where_the_event_came() -> None:
    facts = Facts()
    facts.completed["member joined"].add(False, False, True, [])
    assert list(sentences(facts, CATALOGUE)) == [
        'goal "members" asks for properties.plan, and no "Member Joined" has it'
    ]


def test_many_names_are_cut() -> None:
    facts = Facts(ignored=Counter({f"n{i:02}": 100 - i for i in range(15)}))
    (told,) = sentences(facts, CATALOGUE)
    assert told.startswith("ignored: 100 n00, 99 n01, ")
    assert told.endswith(", 91 n09, 5 more")


SHOP = parse("""base_currency = "NOK"
[[goal]]
id = "orders"
event = "Order Completed"
""")
TWO_FIELDS = parse("""base_currency = "NOK"
[[goal]]
id = "orders"
event = "Order Completed"
[[goal]]
id = "invoices"
event = "Order Completed"
id_field = "invoice_id"
""")


def told(*raws: bytes, catalogue: Catalogue = SHOP) -> list[str]:
    """What a replay of those checkouts tells."""
    ledger, facts = Ledger(LedgerSettings(catalogue, b"sixteen letters!", replay=True)), Facts()
    applied = ledger.apply(Batch("checkout", raws, [None] * len(raws), range(len(raws))))
    facts.count(applied.outcomes[0])
    facts.effects(applied.segment)
    facts.orders(Campaigns(catalogue))
    return list(sentences(facts, catalogue))


def test_orders_that_have_one_message_id_are_told_and_counted_each() -> None:
    same = [order("1", NOON + n, f"o{n}") for n in range(5)]
    assert told(*same) == [
        "4 messages of orders have the messageId of another: all of them count",
        "of 5 completed orders 100 % have no new_customer",
    ]


def test_an_order_that_goals_know_by_two_fields_is_one() -> None:
    by_both = order("1", NOON, "o", invoice_id="i"), order("2", NOON, "p", invoice_id="j")
    assert told(*by_both, catalogue=TWO_FIELDS) == ["of 2 completed orders 100 % have no new_customer"]


def test_an_order_of_two_buyers_is_told() -> None:
    assert told(order("1", NOON, "o", user="u"), order("2", NOON + 1, "o", user="v")) == [
        "1 orders were completed again with another buyer or currency: two shops with one series of numbers look like "
        "that, and the earliest counts",
        "of 1 completed orders 100 % have no new_customer",
    ]
