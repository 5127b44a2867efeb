"""Shops with one series of order numbers, whose buyers live in several partitions, against the naive reference."""

import json
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import tried
from tests.property.test_ledger import CATALOGUE, slow
from tests.support.cluster import PARTITIONS, Cluster, names
from tests.support.judged import check, expected, ids_of
from tests.support.messages import HOUR
from tests.support.site.site_words import NOON, SOURCES

SHOPS = (None, None, "north", "south")
PEOPLE = (*(names(partition)[0] for partition in range(PARTITIONS)), None)
EVENTS = ("Order Completed", "Order Completed", "Order Refunded", "Order Refunded", "Order Cancelled", "Order Updated")
MESSAGES = st.lists(
    st.tuples(st.sampled_from(EVENTS), st.sampled_from(SHOPS), st.sampled_from(PEOPLE), st.sampled_from("12"),
              st.integers(0, 3), st.sampled_from((None, "10", "25.5")), st.sampled_from((None, "NOK", "EUR"))),
    min_size=2, max_size=9,
)  # fmt: skip


def message(at: int, said: tuple[Any, ...]) -> tuple[str, bytes]:
    event, shop, person, number, hour, total, currency = said
    properties = {"order_id": number, "affiliation": shop, "total": total, "currency": currency}
    call = {"type": "track", "event": event, "messageId": f"m{at}", "timestamp": NOON + hour * HOUR, "userId": person}
    given_ = {name: value for name, value in properties.items() if value is not None}
    return "events", json.dumps(call | {"properties": given_}).encode()


@settings(slow, max_examples=tried(60))
@given(MESSAGES, st.integers(0, 2**32))
def test_a_message_that_names_no_shop_is_of_the_order_that_is_alone_anywhere(said: Any, seed: int) -> None:
    stream, cluster = [message(at, each) for at, each in enumerate(said)], Cluster(CATALOGUE, sources=SOURCES)
    random = Random(seed)
    for topic, value in stream:
        cluster.send(topic, random.randrange(PARTITIONS), value)
    while pending := cluster.pending():
        cluster.step(*random.choice(pending), random.randrange(1, 4), durable=random.random() > 0.15)
        if random.random() < 0.3:
            random.choice((cluster.flush, cluster.publish))()
        if random.random() < 0.1:
            cluster.restart(random.randrange(PARTITIONS))
    cluster.settle()
    cluster.flush(HOUR)
    result = expected(stream, sources=SOURCES)
    check(cluster.database, result)
    letters = [letter for ledger in cluster.ledgers.values() for letter in ledger.unclaimed()]
    assert ids_of(letters, "unknown_order") == result.unknown_orders
    assert len({letter.value for letter in letters if letter.reason == "unknown_order"}) == len(result.unknown_orders)
