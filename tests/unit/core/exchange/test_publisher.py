"""Whose journey it is where tokens live in different partitions: what they tell each other, and what comes of it."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from streams.core.columns.run import none
from streams.core.events.batch import Batch, Origin
from streams.core.events.topics import FORWARDED
from streams.core.exchange.router import UPDATE
from streams.core.identity.links import LinkPartitions, new_links
from streams.core.journal.segment import Segment, columns, decode, encode, rows
from streams.core.orders.shared import OrderLocations
from tests.support.cluster import Cluster, home_of, names
from tests.support.driver import CATALOGUE
from tests.support.messages import HOUR, NOON, consent_word, denied, identify, order, refund, touch

USER, BROWSER, PHONE = names(0)[0], names(1)[0], names(2)[0]
OTHER = names(2)[1]
SHOWN = touch("shown", NOON - HOUR, user=None, anonymous=BROWSER)
BOUGHT = order("c", NOON, "o", user=USER)
LINK = identify("l", NOON, BROWSER, USER)


def published(people: Cluster) -> int:
    """Records that were sent for what is known of tokens."""
    origins = (origin for (topic, _), log in people.logs.items() if topic == FORWARDED for _, _, origin in log)
    return sum(origin is not None and origin.purpose == UPDATE for origin in origins)


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


@pytest.mark.parametrize("first", [USER, OTHER])
def test_a_worker_that_died_tells_again_who_completed_an_order(first: str) -> None:
    people = Cluster(CATALOGUE)
    for buyer in (USER, OTHER):
        people.send("checkout", home_of(buyer), order(f"of {buyer}", NOON + (buyer != first), "o", user=buyer))
        people.step("checkout", home_of(buyer), 1)
        people.restart(home_of(buyer))
    people.settle()
    people.flush()
    figures = people.database.goal_attribution().items()
    assert sum(row[0] for cell, row in figures if cell[1:3] == ("orders", "linear")) == 1_000_000


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


def test_a_journey_has_not_ended_in_an_order_that_somebody_else_completed_earlier() -> None:
    people = Cluster(CATALOGUE)
    people.hear(("identity", PHONE, identify("i", NOON, PHONE, USER)), ("identity", BROWSER, LINK))
    people.hear(("engagement", BROWSER, SHOWN))
    people.hear(("checkout", PHONE, order("c", NOON, "o", user=None, anonymous=PHONE)))
    people.hear(("checkout", OTHER, order("d", NOON - 1, "o", user=OTHER)))
    people.flush(24 * HOUR)
    steps = [(s, t, n) for (g, _, s, t), n in people.database.path_transitions().items() if g == "orders" and any(n)]
    assert sorted(steps) == [("", "autumn", [0, 1]), ("autumn", "", [0, 1])]


def ended(people: Cluster) -> dict[tuple[str, str], int]:
    """From which campaign to which journeys went that had no order, and how often."""
    found = people.database.path_transitions().items()
    return {key[2:]: ended for key, (_, ended) in found if key[0] == "orders"}


def test_a_journey_has_not_ended_in_an_order_of_somebody_who_had_denied_it() -> None:
    people = Cluster(CATALOGUE)
    bought = order("c", NOON, "o", user=None, anonymous=BROWSER)
    people.hear(("engagement", BROWSER, SHOWN), ("identity", BROWSER, LINK), ("checkout", BROWSER, bought))
    assert ended(people) == {("", "autumn"): 0, ("autumn", ""): 0}
    people.hear(("identity", BROWSER, consent_word("w", NOON - 1, allowed=False, user=None, anonymous=BROWSER)))
    people.flush(HOUR)
    assert ended(people) == {("", "autumn"): 1, ("autumn", ""): 1}


def test_a_message_id_of_two_people_is_of_two_touches() -> None:
    people = Cluster(CATALOGUE)
    one, other = names(0)[:2]
    touches = [("engagement", who, touch("same", NOON - HOUR, user=who)) for who in (one, other, one)]
    people.hear(*touches, *(("checkout", who, order(who, NOON, who, user=who)) for who in (one, other)))
    assert people.seen == {who: (["autumn"], "") for who in (one, other)}
    assert sum(people.database.engagement_counts().values()) == 2


@pytest.mark.parametrize("later", [USER, BROWSER])
def test_a_message_id_of_two_tokens_of_one_person_is_in_a_journey_once_the_earliest(later: str) -> None:
    people = Cluster(CATALOGUE)
    earlier = BROWSER if later == USER else USER
    ids: dict[str, dict[str, Any]] = {USER: {"user": USER}, BROWSER: {"user": None, "anonymous": BROWSER}}
    second = ("engagement", later, touch("same", NOON - 1, "winter", **ids[later]))
    first = ("engagement", earlier, touch("same", NOON - HOUR, "summer", **ids[earlier]))
    people.hear(second, ("identity", BROWSER, LINK), first)
    people.send("checkout", home_of(USER), BOUGHT)
    people.send("checkout", home_of(USER), order("d", NOON, "p", user=USER, consent=denied()))  # looked at together
    people.settle()
    people.flush()
    assert people.seen == {"o": (["summer"], ""), "p": ([], "no_consent")}
    assert sum(people.database.engagement_counts().values()) == 2


def test_what_is_published_is_counted_in_its_own_partition_alone() -> None:
    people = Cluster(CATALOGUE)
    people.hear(("engagement", BROWSER, SHOWN), ("identity", BROWSER, LINK), ("checkout", USER, BOUGHT))
    assert sum(people.database.engagement_counts().values()) == 1
    assert sum(ledger.size[0] for ledger in people.ledgers.values()) == 1


def test_who_is_linked_to_nobody_is_published_to_nobody() -> None:
    people = Cluster(CATALOGUE)
    people.hear(("engagement", BROWSER, SHOWN), ("engagement", USER, touch("own", NOON, user=USER)))
    assert published(people) == 0


def test_the_second_time_nothing_is_published() -> None:
    people = Cluster(CATALOGUE)
    people.hear(("engagement", BROWSER, SHOWN), ("identity", BROWSER, LINK))
    before = published(people)
    people.hear(("engagement", BROWSER, SHOWN), ("identity", BROWSER, identify("again", NOON, BROWSER, USER)))
    assert published(people) == before > 0


def test_a_touch_that_was_published_and_comes_here_too_is_one_touch() -> None:
    """As when a browser sends it again after somebody logged in."""
    for arrival in permutations([("engagement", BROWSER, SHOWN), ("engagement", USER, touch("shown", NOON - HOUR))]):
        people = Cluster(CATALOGUE)
        again = [(topic, user, value.replace(b'"u"', f'"{USER}"'.encode())) for topic, user, value in arrival]
        people.hear(("identity", BROWSER, LINK), *again, ("checkout", USER, BOUGHT))
        assert people.seen == {"o": (["autumn"], "")}


def test_a_token_of_many_users_is_published_once_to_each_partition() -> None:
    people = Cluster(CATALOGUE)
    people.hear(*(("engagement", BROWSER, touch(f"t{n}", NOON, user=None, anonymous=BROWSER)) for n in range(50)))
    for n, user in enumerate([*names(0), *names(2)]):
        people.hear(("identity", BROWSER, identify(f"i{n}", NOON, BROWSER, user)))
    sent = [
        decode(value or b"")
        for (topic, _), log in people.logs.items()
        if topic == FORWARDED
        for _, value, origin in log
        if origin and origin.purpose == UPDATE
    ]
    assert sum(len(rows(segment.replicated).time) for segment in sent) == 2 * 50


def sent(people: Cluster, topic: str, token: str, value: bytes) -> tuple[str, int]:
    people.send(topic, home_of(token), value)
    return topic, home_of(token)


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"no segment",
        encode(
            Segment(
                links=columns(
                    new_links(
                        np.array([1], np.uint64),
                        np.array([2], np.uint64),
                        LinkPartitions(np.array([0]), np.array([9])),
                        0,
                    ).rows
                )
            )
        ),
        encode(Segment(replicated=columns(none()._replace(kind=np.zeros(1, np.uint32))))),
        encode(Segment(places=[OrderLocations("o", (0, 9), 0)])),
    ],
)
def test_what_nobody_here_has_published_is_a_dead_letter(wrong: bytes) -> None:
    people = Cluster(CATALOGUE)
    batch = Batch(FORWARDED, [wrong], [None], [0], 0, [Origin(UPDATE, FORWARDED, 1, 0)])
    ((letter,),) = [outcomes.dead for outcomes in people.ledgers[0].apply(batch, NOON).outcomes]
    assert (letter.topic, letter.value, letter.reason) == (FORWARDED, wrong, "internal")
