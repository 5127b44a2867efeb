"""Publishing again: after a crash, after links that are said twice, and never what was forgotten meanwhile."""

import numpy as np
import pytest

from streams.core.events.batch import Batch, Origin
from streams.core.events.topics import ERASURES, FORWARDED
from streams.core.exchange.router import UPDATE
from streams.core.identity.links import LinkPartitions, new_links
from streams.core.identity.tokens import Tokens
from streams.core.journal.segment import Segment, SegmentKey, columns, decode, encode, rows
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from streams.core.privacy.requests import request
from tests.support.cluster import PARTITIONS, Cluster
from tests.support.driver import CATALOGUE, KEY
from tests.support.messages import DAY, HOUR, NOON, identify, order, touch
from tests.unit.core.exchange.test_publisher import BOUGHT, BROWSER, LINK, PHONE, SHOWN, USER, sent


def crashed(people: Cluster, flushed: dict[int, int]) -> None:
    """Every partition restarts, as if no flush after those had been written."""
    for number, journal in people.journals.items():
        parts = [(key, decode(value)) for key, value in journal]
        for _, part in parts:
            part.flushed = min(part.flushed, flushed[number])
        people.journals[number] = [(key, encode(part)) for key, part in parts]
        people.flushed[number] = flushed[number]
        people.restart(number)


@pytest.mark.parametrize("erased", [True, False])
def test_a_journey_is_published_on_after_a_crash_whoever_was_erased_before_it(erased: bool) -> None:
    people = Cluster(CATALOGUE)
    people.hear(("checkout", PHONE, order("c", NOON, "o", user=None, anonymous=PHONE)))
    flushed = dict(people.flushed)
    people.hear(("identity", PHONE, identify("i", NOON, PHONE, USER)))
    if erased:
        people.send(ERASURES, 0, request(Tokens(KEY).hash("nobody")))
        people.settle()
    crashed(people, flushed)
    people.hear(("engagement", USER, touch("as-user", NOON - 2 * HOUR, "paper", user=USER)))
    assert people.seen == {"o": (["paper"], "")}


def test_a_link_that_is_said_twice_in_the_journal_is_still_the_first() -> None:
    people = Cluster(CATALOGUE)
    people.hear(("engagement", BROWSER, SHOWN), ("checkout", USER, BOUGHT))
    flushed = dict(people.flushed)
    people.step(*sent(people, "identity", BROWSER, LINK), size=1)
    again = decode(people.journals[1][-1][1])
    again.identified = Segment().identified
    people.write(1, again)
    crashed(people, flushed)
    people.settle()
    people.flush()
    assert people.seen == {"o": (["autumn"], "")}


def test_what_was_forgotten_meanwhile_is_not_published_again() -> None:
    """Touches whose long ids are past the retention, in segments that were not flushed."""
    rules, journal, ids = (
        LedgerSettings(CATALOGUE, KEY, 45 * DAY),
        list[Segment](),
        [f"{n}-{'x' * 40}" for n in range(3)],
    )
    ledger = Ledger(rules, 1, PARTITIONS)
    now = NOON + 400 * DAY
    hashes = Tokens(KEY).hashes([BROWSER, USER])
    link = new_links(hashes[:1], hashes[1:], LinkPartitions(np.array([1]), np.array([0])), NOON)
    for at, (topic, value) in enumerate(
        [
            (FORWARDED, encode(Segment(links=columns(link.rows)))),
            ("engagement", touch(ids[0], NOON, user=None, anonymous=BROWSER)),
            ("engagement", touch(ids[1], NOON + 300 * DAY, user=None, anonymous=BROWSER)),
            ("checkout", order("x", NOON + 300 * DAY, "q", user=None, anonymous=BROWSER)),
            ("engagement", touch(ids[2], NOON + 300 * DAY + 1, user=None, anonymous=BROWSER)),
        ]
    ):
        if at == 4:
            assert len(ledger.publish()) == 1
            ledger.expire()
        start = ledger.offsets.get(topic, 0)
        origins = [Origin(UPDATE, FORWARDED, 0, 0)] if topic == FORWARDED else ()
        journal.append(ledger.apply(Batch(topic, [value], [None], [start], 1, origins), now).segment)
    restored = Ledger(rules, 1, PARTITIONS)
    restored.restore([(SegmentKey(now // HOUR, 1, i), decode(encode(each))) for i, each in enumerate(journal)], now)
    (forward,) = restored.publish()
    assert set(rows(decode(forward.value or b"").replicated).time.tolist()) == {
        NOON + 300 * DAY,
        NOON + 300 * DAY + 1,
    }
