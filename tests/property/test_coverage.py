"""Segments that cover a source log without a hole, whatever happened to the journal; and what is made of a hole."""

from itertools import pairwise
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st

from streams.core.events.batch import Batch
from streams.core.journal.coverage import covered
from streams.core.journal.cutting import cut
from streams.core.journal.segment import Segment, decode, encode, merged
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from tests.support.strategies import CATALOGUE

TOPICS = ("engagement", "checkout")
offsets = st.lists(st.integers(0, 1000), min_size=2, max_size=30, unique=True).map(sorted)


def journal(logs: dict[str, list[int]], random: Random) -> list[Segment]:
    """The segments of a ledger that reads those offsets in batches, some again; all are bad records."""
    ledger = Ledger(LedgerSettings(CATALOGUE, b"sixteen letters!", retention=10**13))
    segments: list[Segment] = []
    while any(ledger.offsets.get(topic, 0) <= log[-1] for topic, log in logs.items()):
        topic = random.choice(TOPICS)
        done = sum(offset < ledger.offsets.get(topic, 0) for offset in logs[topic])
        batch = logs[topic][max(0, done - random.randrange(2)) : done + random.randrange(1, 4)]
        nothing = [None] * len(batch)
        segments += cut(ledger.apply(Batch(topic, nothing, nothing, batch)).segment, 100)
        segments += cut(ledger.report().segment, 100)
    return [decode(encode(segment)) for segment in segments]


@given(st.fixed_dictionaries(dict.fromkeys(TOPICS, offsets)), st.integers(0, 10**6).map(Random))
def test_what_a_ledger_writes_has_no_hole_merged_and_expired(logs: dict[str, list[int]], random: Random) -> None:
    segments = journal(logs, random)
    for crash in (False, False, True):
        start = random.randrange(len(segments))
        end = random.randrange(start, len(segments)) + 1
        leftover = segments[start : end - 1] if crash else []  # it came before they were removed
        segments[start:end] = [*leftover, merged(segments[start:end])]
    assert covered(segments[random.randrange(len(segments)) :]).gap == 0


@given(offsets, st.data())
def test_a_lost_segment_is_a_hole_and_a_second_owner_an_overlap(cuts: list[int], data: st.DataObject) -> None:
    chain = [Segment(starts={"engagement": a}, offsets={"engagement": b}) for a, b in pairwise(cuts)]
    assert covered(chain).gap == 0
    at = data.draw(st.integers(0, len(chain) - 1))
    start, end = cuts[at : at + 2]
    lost = covered([*chain[:at], *chain[at + 1 :]]).gap
    assert lost == (end - start if 0 < at < len(chain) - 1 else 0)  # what ends a journal is not missed in it
    back = data.draw(st.integers(1, 50))
    assume(start < end and at > 0)
    chain[at] = Segment(starts={"engagement": start - back}, offsets={"engagement": end})
    assume(start - back > cuts[at - 1])
    assert covered(chain).gap == back


def test_segments_without_starts_are_taken_at_their_word() -> None:
    old = [Segment(offsets={"engagement": 10}), Segment(offsets={"engagement": 30})]
    new = Segment(starts={"engagement": 30}, offsets={"engagement": 40})
    assert covered([*old, new]).gap == 0
    assert covered([merged(old), new]).gap == 0
    assert covered([old[0], merged([old[1], new])]).gap == 0
    assert covered([old[0], new]).gap == 20


def test_what_another_topic_says_hides_no_hole() -> None:
    first = Segment(starts={"engagement": 0}, offsets={"engagement": 10})
    other = Segment(starts={"checkout": 0}, offsets={"engagement": 20, "checkout": 5})
    last = Segment(starts={"engagement": 20}, offsets={"engagement": 30, "checkout": 5})
    assert covered([first, other, last]).gap == 10
