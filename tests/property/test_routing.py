"""Several partitions against the naive reference: whatever partition a record lies in, the figures are the same."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cluster import PARTITIONS, Cluster
from tests.conftest import tried
from tests.messages import HOUR
from tests.property.test_ledger import check, slow
from tests.reference import attribute
from tests.strategies import CATALOGUE, Stream, streams


@settings(slow, max_examples=tried(15))
@given(streams(), st.randoms(use_true_random=False))
def test_any_partition_gives_the_same(stream: Stream, random: Any) -> None:
    cluster = Cluster(CATALOGUE)
    for topic, value in [*stream, *random.sample(stream, len(stream) // 4)]:
        cluster.send(topic, random.randrange(PARTITIONS), value)
    while pending := cluster.pending():
        cluster.step(*random.choice(pending), random.randrange(1, 9), durable=random.random() > 0.15)
        if random.random() < 0.2:
            random.choice((cluster.flush, cluster.lend))()
        if random.random() < 0.1:
            cluster.restart(random.randrange(PARTITIONS))
    cluster.settle()
    cluster.flush(HOUR)  # transitions are counted now and then
    result = attribute(CATALOGUE, stream)
    check(cluster.database, result)
    unclaimed = [letter for ledger in cluster.ledgers.values() for letter in ledger.unclaimed()]
    assert len(unclaimed) == len(result.unknown_orders)
