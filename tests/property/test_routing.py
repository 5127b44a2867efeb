"""Several partitions against the naive reference: whatever partition a record lies in, the figures are the same."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import tried
from tests.property.test_ledger import CATALOGUE, slow
from tests.support.cluster import PARTITIONS, Cluster
from tests.support.judged import check, expected, ids_of
from tests.support.messages import HOUR
from tests.support.site.site_streams import Stream, site_streams
from tests.support.site.site_words import SOURCES


@settings(slow, max_examples=tried(15))
@given(site_streams(), st.randoms(use_true_random=False), st.integers(0, 2))
def test_any_partition_gives_the_same(stream: Stream, random: Random, added: int) -> None:
    cluster = Cluster(CATALOGUE, added, SOURCES)
    for topic, value in [*stream, *random.sample(stream, len(stream) // 4)]:
        cluster.send(topic, random.randrange(PARTITIONS + added), value)
    while pending := cluster.pending():
        cluster.step(*random.choice(pending), random.randrange(1, 9), durable=random.random() > 0.15)
        if random.random() < 0.2:
            random.choice((cluster.flush, cluster.publish))()
        if random.random() < 0.1:
            cluster.restart(random.randrange(PARTITIONS + added))
    cluster.settle()
    cluster.flush(HOUR)  # transitions are counted now and then
    result = expected(stream, sources=SOURCES)
    check(cluster.database, result)
    letters = [letter for ledger in cluster.ledgers.values() for letter in ledger.unclaimed()]
    assert ids_of(letters, "unknown_order") == result.unknown_orders
    assert ids_of(letters, "currency_mismatch") == result.currency_mismatches
