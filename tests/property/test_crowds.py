"""Tokens of too many users against the naive reference, with so few too many that small streams reach it."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.identity import links
from tests.conftest import tried
from tests.oracle import people
from tests.property.test_ledger import CATALOGUE, Worker, slow
from tests.support.cluster import PARTITIONS, Cluster
from tests.support.judged import check, expected
from tests.support.messages import HOUR, identify
from tests.support.site.site_streams import Stream, site_streams
from tests.support.site.site_words import NOON, SOURCES

USERS = ("u", "v", "w", "t", "s")
PAIRS = [(token, user) for token in ("x", "y", "v") for user in USERS if token != user]


@pytest.fixture(autouse=True, params=[1, 2])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MOST", request.param)
    monkeypatch.setattr(people, "MOST_USERS", request.param)


def crowded(stream: Stream, random: Random) -> Stream:
    """The stream in any order, with links that give tokens more users than elsewhere."""
    pairs = random.choices(PAIRS, k=random.randrange(3, 9))
    linked = [("identity", identify(f"crowd-{i}", NOON + i, *pair)) for i, pair in enumerate(pairs)]
    mixed = [*stream, *linked]
    random.shuffle(mixed)
    return mixed


same_limit = settings(slow, max_examples=tried(15))


@same_limit
@given(site_streams(), st.randoms(use_true_random=False))
def test_it_depends_on_the_set_of_links_wherever_the_worker_dies(stream: Stream, random: Random) -> None:
    stream = crowded(stream, random)
    worker = Worker()
    for topic, value in stream:
        worker.feed(topic, worker.ledger.offsets.get(topic, 0), [value])
        step = random.randrange(8)
        if step == 0:
            worker.start()
        elif step == 1:
            start = random.randrange(len(worker.journal))
            worker.compact(start, start + random.randrange(1, 5), dies=random.random() < 0.5)
        elif step < 5:
            worker.flush(written=step > 2)
    worker.flush()
    worker.now += HOUR
    worker.flush()
    check(worker.database, expected(stream))
    worker.start()
    worker.flush()
    check(worker.database, expected(stream))


@same_limit
@given(site_streams(), st.randoms(use_true_random=False))
def test_it_depends_on_the_set_of_links_in_whatever_partitions_they_arrive(stream: Stream, random: Random) -> None:
    stream = crowded(stream, random)
    cluster = Cluster(CATALOGUE, sources=SOURCES)
    for topic, value in stream:
        cluster.send(topic, random.randrange(PARTITIONS), value)
    while pending := cluster.pending():
        cluster.step(*random.choice(pending), random.randrange(1, 9), durable=random.random() < 0.85)
        if random.random() > 0.8:
            random.choice((cluster.flush, cluster.publish))()
        if random.random() > 0.9:
            cluster.restart(random.randrange(PARTITIONS))
    cluster.settle()
    cluster.flush(HOUR)
    check(cluster.database, expected(stream, sources=SOURCES))
