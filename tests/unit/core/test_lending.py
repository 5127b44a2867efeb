"""Whose journey it is where tokens live in different partitions: what they tell each other, and what comes of it."""

from itertools import permutations

import numpy as np
import pytest

from streams.core.admission import Batch, Origin
from streams.core.erasure import ERASURES, request
from streams.core.ledger import Ledger
from streams.core.links import Homes, link_rows
from streams.core.rivals import Places
from streams.core.routing import FORWARDED, LEND
from streams.core.rules import Rules
from streams.core.runs import none
from streams.core.segment import Segment, SegmentKey, columns, decode, encode, rows
from streams.core.tokens import Tokens
from tests.cluster import PARTITIONS, Cluster, home_of, names
from tests.driver import CATALOGUE, KEY
from tests.messages import DAY, HOUR, NOON, identify, order, refund, touch

USER, BROWSER, PHONE = names(0)[0], names(1)[0], names(2)[0]
OTHER = names(2)[1]
SHOWN = touch("shown", NOON - HOUR, user=None, anonymous=BROWSER)
BOUGHT = order("c", NOON, "o", user=USER)
LINK = identify("i", NOON, BROWSER, USER)


def lent(people: Cluster) -> int:
    """Records that were sent for what is known of tokens."""
    origins = (origin for (topic, _), log in people.logs.items() if topic == FORWARDED for _, _, origin in log)
    return sum(origin is not None and origin.purpose == LEND for origin in origins)


def test_an_order_sees_what_a_browser_in_another_partition_was_shown() -> None:
    people = Cluster(CATALOGUE)
    people.hear(("engagement", BROWSER, SHOWN), ("identity", BROWSER, LINK), ("checkout", USER, BOUGHT))
    assert people.seen == {"o": (["autumn"], "")}


def test_a_link_that_comes_last_restates_what_was_reported() -> None:
    people = Cluster(CATALOGUE)
    people.hear(("engagement", BROWSER, SHOWN), ("checkout", USER, BOUGHT))
    assert people.seen == {"o": ([], "no_touch")}
    people.hear(("identity", BROWSER, LINK))
    assert people.seen == {"o": (["autumn"], "")}


def test_a_touch_that_comes_last_does_so_too() -> None:
    people = Cluster(CATALOGUE)
    people.hear(("checkout", USER, BOUGHT), ("identity", BROWSER, LINK), ("engagement", BROWSER, SHOWN))
    assert people.seen == {"o": (["autumn"], "")}


def test_an_event_with_both_ids_links_a_browser_that_lives_elsewhere() -> None:
    people = Cluster(CATALOGUE)
    both = touch("both", NOON - 100 * HOUR, action="view", user=USER, anonymous=BROWSER)
    people.hear(("engagement", BROWSER, SHOWN), ("engagement", USER, both), ("checkout", USER, BOUGHT))
    assert people.seen == {"o": (["autumn"], "")}


def test_a_browser_of_two_people_counts_for_neither_and_nothing_is_guessed() -> None:
    people = Cluster(CATALOGUE)
    people.hear(("engagement", BROWSER, SHOWN), ("identity", BROWSER, LINK), ("checkout", USER, BOUGHT))
    people.hear(("identity", BROWSER, identify("j", NOON, BROWSER, OTHER)))
    assert people.seen == {"o": ([], "ambiguous_identity")}


def test_who_buys_on_the_phone_was_shown_it_in_the_browser() -> None:
    people = Cluster(CATALOGUE)
    people.hear(("checkout", PHONE, order("c", NOON, "o", user=None, anonymous=PHONE)))
    people.hear(("identity", PHONE, identify("i", NOON, PHONE, USER)))
    people.hear(("engagement", USER, touch("as-user", NOON - 2 * HOUR, "paper", user=USER)))
    assert people.seen == {"o": (["paper"], "")}
    people.hear(("engagement", BROWSER, SHOWN), ("identity", BROWSER, identify("k", NOON, BROWSER, USER)))
    assert people.seen == {"o": (["paper", "autumn"], "")}
    people.hear(("identity", BROWSER, identify("j", NOON, BROWSER, OTHER)))
    assert people.seen == {"o": (["paper"], "")}


@pytest.mark.parametrize("goal", ["orders", "visits"])
def test_a_journey_is_counted_once_and_ends_where_any_of_its_tokens_bought(goal: str) -> None:
    people = Cluster(CATALOGUE)
    people.hear(("identity", PHONE, identify("i", NOON, PHONE, USER)), ("identity", BROWSER, LINK))
    people.hear(("engagement", BROWSER, SHOWN))
    people.hear(("checkout", PHONE, order("c", NOON, "o", user=None, anonymous=PHONE)))
    people.flush(24 * HOUR)
    steps = [(s, t, n) for (g, _, s, t), n in people.database.path_transitions().items() if g == goal]
    bought = [1, 0] if goal == "orders" else [0, 1]
    assert sorted(steps) == [("", "autumn", bought), ("autumn", "", bought)]
    people.hear(("checkout", USER, refund("r", NOON + HOUR, "o", user=USER)))
    people.flush(24 * HOUR)
    steps = [(s, t, n) for (g, _, s, t), n in people.database.path_transitions().items() if g == goal and any(n)]
    assert sorted(steps) == [("", "autumn", [0, 1]), ("autumn", "", [0, 1])]


def test_a_journey_has_not_ended_in_an_order_that_somebody_else_completed_later() -> None:
    people = Cluster(CATALOGUE)
    people.hear(("identity", PHONE, identify("i", NOON, PHONE, USER)), ("identity", BROWSER, LINK))
    people.hear(("engagement", BROWSER, SHOWN))
    people.hear(("checkout", PHONE, order("c", NOON, "o", user=None, anonymous=PHONE)))
    people.hear(("checkout", OTHER, order("d", NOON + HOUR, "o", user=OTHER)))
    people.flush(24 * HOUR)
    steps = [(s, t, n) for (g, _, s, t), n in people.database.path_transitions().items() if g == "orders" and any(n)]
    assert sorted(steps) == [("", "autumn", [0, 1]), ("autumn", "", [0, 1])]


def test_what_is_lent_is_counted_in_its_own_partition_alone() -> None:
    people = Cluster(CATALOGUE)
    people.hear(("engagement", BROWSER, SHOWN), ("identity", BROWSER, LINK), ("checkout", USER, BOUGHT))
    assert sum(people.database.engagement_counts().values()) == 1
    assert sum(ledger.size[0] for ledger in people.ledgers.values()) == 1


def test_who_is_linked_to_nobody_is_lent_to_nobody() -> None:
    people = Cluster(CATALOGUE)
    people.hear(("engagement", BROWSER, SHOWN), ("engagement", USER, touch("own", NOON, user=USER)))
    assert lent(people) == 0


def test_the_second_time_nothing_is_lent() -> None:
    people = Cluster(CATALOGUE)
    people.hear(("engagement", BROWSER, SHOWN), ("identity", BROWSER, LINK))
    before = lent(people)
    people.hear(("engagement", BROWSER, SHOWN), ("identity", BROWSER, identify("again", NOON, BROWSER, USER)))
    assert lent(people) == before > 0


def test_a_touch_that_was_lent_and_comes_here_too_is_one_touch() -> None:
    """As when a browser sends it again after somebody logged in."""
    for arrival in permutations([("engagement", BROWSER, SHOWN), ("engagement", USER, touch("shown", NOON - HOUR))]):
        people = Cluster(CATALOGUE)
        again = [(topic, user, value.replace(b'"u"', f'"{USER}"'.encode())) for topic, user, value in arrival]
        people.hear(("identity", BROWSER, LINK), *again, ("checkout", USER, BOUGHT))
        assert people.seen == {"o": (["autumn"], "")}


def test_a_token_of_many_users_is_lent_once_to_each_partition() -> None:
    people = Cluster(CATALOGUE)
    people.hear(*(("engagement", BROWSER, touch(f"t{n}", NOON, user=None, anonymous=BROWSER)) for n in range(50)))
    for n, user in enumerate([*names(0), *names(2)]):
        people.hear(("identity", BROWSER, identify(f"i{n}", NOON, BROWSER, user)))
    values = [value for (topic, _), log in people.logs.items() if topic == FORWARDED for _, value, _ in log]
    assert sum(len(rows(decode(value or b"").lent).time) for value in values) == 2 * 50


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
def test_a_journey_is_lent_on_after_a_crash_whoever_was_erased_before_it(erased: bool) -> None:
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


def test_what_was_forgotten_meanwhile_is_not_lent_again() -> None:
    """Touches whose long ids are past the retention, in segments that were not flushed."""
    rules, journal, ids = Rules(CATALOGUE, KEY, 45 * DAY), list[Segment](), [f"{n}-{'x' * 40}" for n in range(3)]
    ledger = Ledger(rules, 1, PARTITIONS)
    now = NOON + 400 * DAY
    for at, (topic, value) in enumerate(
        [
            ("identity", identify("i", NOON, BROWSER, USER)),
            ("engagement", touch(ids[0], NOON, user=None, anonymous=BROWSER)),
            ("engagement", touch(ids[1], NOON + 300 * DAY, user=None, anonymous=BROWSER)),
            ("checkout", order("x", NOON + 300 * DAY, "q", user=None, anonymous=BROWSER)),
            ("engagement", touch(ids[2], NOON + 300 * DAY + 1, user=None, anonymous=BROWSER)),
        ]
    ):
        if at == 4:
            assert len(ledger.lend()) == 1
            ledger.expire()
        start = ledger.offsets.get(topic, 0)
        journal.append(ledger.apply(Batch(topic, [value], [None], [start], 1), now).segment)
    restored = Ledger(rules, 1, PARTITIONS)
    restored.restore([(SegmentKey(now // HOUR, 1, i), decode(encode(each))) for i, each in enumerate(journal)], now)
    (forward,) = restored.lend()
    assert set(rows(decode(forward.value or b"").lent).time.tolist()) == {
        NOON + 300 * DAY,
        NOON + 300 * DAY + 1,
    }


def sent(people: Cluster, topic: str, token: str, value: bytes) -> tuple[str, int]:
    people.send(topic, home_of(token), value)
    return topic, home_of(token)


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"no segment",
        encode(Segment(links=columns(link_rows(*np.array([[1], [2]], np.uint64), Homes(*np.array([[0], [9]])), 0)))),
        encode(Segment(lent=columns(none()._replace(kind=np.zeros(1, np.uint32))))),
        encode(Segment(places=[Places("o", (0, 9), 0)])),
    ],
)
def test_what_nobody_here_has_lent_is_refused(wrong: bytes) -> None:
    people = Cluster(CATALOGUE)
    batch = Batch(FORWARDED, [wrong], [None], [0], 0, [Origin(LEND, "engagement", 1, 0)])
    with pytest.raises(ValueError):  # noqa: PT011 - of msgspec, too
        people.ledgers[0].apply(batch, NOON)
