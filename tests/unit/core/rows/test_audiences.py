"""Whose engagement and conversions are counted for an audience: by person, whatever comes when."""

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.identity.tokens import Tokens
from streams.core.rows.members import Members, members
from tests.support.cluster import PARTITIONS, Cluster, home_of
from tests.support.driver import CATALOGUE, KEY, Driver
from tests.support.messages import DAY, HOUR, NOON, consent_word, denied, identify, order, touch
from tests.support.tables import rows

TODAY = NOON // DAY
REAL = {"u": "name-1", "v": "name-2", "a": "name-3", "b": "name-8", "w": "somebody"}
NAMES = {Tokens(KEY).hash(name): name for name in "abuvwxyz"}
NAMES |= {Tokens(KEY).hash(name): short for short, name in REAL.items()}


def listed(**lists: str) -> Members:
    return members({name: [Tokens(KEY).hash(token) for token in tokens] for name, tokens in lists.items()})


def engaged(driver: Driver) -> set[tuple[str, str, str, int]]:
    """(audience, person, campaign, days from today), as the database has them now."""
    table = driver.database.tables["engagement_audience"].values()
    return {
        (row["audience"], NAMES[row["user"]], row["campaign"], row["day"] - TODAY)
        for row in table
        if not row["removed"]
    }


def bought(driver: Driver) -> set[tuple[str, str]]:
    table = driver.database.tables["conversion_audience"].values()
    return {(row["audience"], row["conversion_id"]) for row in table if not row["removed"]}


def flush(driver: Driver) -> None:
    """A second later."""
    driver.now += 1000
    driver.flush()


def driver_with(lists: Members) -> Driver:
    driver = Driver(now=NOON + HOUR)
    driver.ledger.enlist(lists)
    return driver


def test_only_those_on_a_list_are_counted_and_once_a_day() -> None:
    driver = driver_with(listed(members="uv", board="v"))
    driver.engage(touch("1", NOON, user="u"), touch("2", NOON + 1, user="u"), touch("3", NOON, "paper", user="v"))
    driver.engage(touch("4", NOON, user="w"), touch("5", NOON, user=None), touch("6", NOON - DAY, user="u"))
    flush(driver)
    assert engaged(driver) == {
        ("members", "u", "autumn", 0),
        ("members", "u", "autumn", -1),
        ("members", "v", "paper", 0),
        ("board", "v", "paper", 0),
    }


def test_without_a_list_nobody_is_written() -> None:
    driver = Driver(now=NOON + 2 * HOUR)
    driver.engage(touch("1", NOON, user="u"), touch("2", NOON + HOUR, user="u"))
    driver.buy(order("o", NOON + 1, "o", user="u"))
    flush(driver)
    assert "engagement_audience" not in driver.database.tables or not engaged(driver)


def test_a_list_that_comes_late_counts_what_is_retained() -> None:
    driver = Driver(now=NOON + HOUR)
    driver.engage(touch("1", NOON, user="u"))
    driver.buy(order("o", NOON + 1, "o", user="u"))
    flush(driver)
    driver.ledger.enlist(listed(members="u"))
    flush(driver)
    assert engaged(driver) == {("members", "u", "autumn", 0)}
    assert bought(driver) == {("members", "o")}


def test_who_is_off_the_list_is_no_more_counted() -> None:
    driver = driver_with(listed(members="uv"))
    driver.engage(touch("1", NOON, user="u"), touch("2", NOON, user="v"))
    driver.buy(order("o", NOON + 1, "o", user="u"))
    flush(driver)
    driver.ledger.enlist(listed(members="v"))
    flush(driver)
    assert engaged(driver) == {("members", "v", "autumn", 0)}
    assert not bought(driver)


@pytest.mark.parametrize("on_list", ["u", "a"])
@pytest.mark.parametrize("link_first", [True, False])
def test_a_browser_is_its_person(on_list: str, link_first: bool) -> None:
    driver = driver_with(listed(members=on_list))
    steps = [("identity", identify("i", NOON, "a", "u")), ("engagement", touch("1", NOON, user=None, anonymous="a"))]
    for topic, value in steps if link_first else reversed(steps):
        driver.take(topic, value)
        flush(driver)
    assert engaged(driver) == {("members", "u", "autumn", 0)}


@pytest.mark.parametrize(
    ("on_list", "token"),
    [("u", {"user": None, "anonymous": "a"}), ("a", {"user": "u"})],
    ids=["the browser engaged", "the browser is on the list"],
)
def test_a_browser_of_two_people_is_nobodys(on_list: str, token: dict[str, Any]) -> None:
    driver = driver_with(listed(members=on_list))
    driver.engage(touch("1", NOON, **token))
    driver.identify(identify("i", NOON, "a", "u"))
    flush(driver)
    assert engaged(driver) == {("members", "u", "autumn", 0)}
    driver.identify(identify("j", NOON, "a", "v"))
    flush(driver)
    assert not engaged(driver)


def test_bought_before_is_who_had_bought_by_then() -> None:
    driver = driver_with(listed(members="z"))
    driver.engage(touch("1", NOON - DAY, user="u"), touch("2", NOON + HOUR, user="u"), touch("3", NOON, user="w"))
    driver.buy(order("o", NOON, "o", user="u"))
    flush(driver)
    assert engaged(driver) == {("bought before", "u", "autumn", 0)}


def test_who_denies_advertising_is_not_counted() -> None:
    driver = driver_with(listed(members="uv"))
    driver.engage(touch("1", NOON, user="u"), touch("2", NOON, user="v", consent=denied()))
    driver.buy(order("o", NOON + 1, "o", user="u"))
    flush(driver)
    assert engaged(driver) == {("members", "u", "autumn", 0)}
    driver.engage(consent_word("c", NOON + 2, allowed=False, user="u"))
    flush(driver)
    assert not engaged(driver)
    assert not bought(driver)
    driver.engage(consent_word("d", NOON + 3, allowed=True, user="u"))
    flush(driver)
    assert engaged(driver) == {("members", "u", "autumn", 0)}


def test_what_an_erased_token_did_is_nobodys() -> None:
    driver = driver_with(listed(members="u"))
    driver.engage(touch("1", NOON, user="u"), touch("2", NOON, "paper", user=None, anonymous="a"))
    driver.identify(identify("i", NOON, "a", "u"))
    flush(driver)
    driver.take("erasures", b'{"user":"%016x"}' % Tokens(KEY).hash("a"))
    flush(driver)
    assert engaged(driver) == {("members", "u", "autumn", 0)}
    driver.take("erasures", b'{"user":"%016x"}' % Tokens(KEY).hash("u"))
    driver.report()
    written = rows(driver.ledger.changes(99).get("engagement_audience", {}))
    assert Tokens(KEY).hash("u") not in [row["user"] for row in written]


def test_what_came_to_nothing_while_nobody_wrote_is_removed_after_a_restart() -> None:
    lists = listed(members="u")
    driver = driver_with(lists)
    driver.engage(touch("1", NOON, user=None, anonymous="a"), touch("2", NOON, "paper", user="u"))
    driver.identify(identify("i", NOON, "a", "u"))
    flush(driver)
    assert len(engaged(driver)) == 2
    driver.identify(identify("j", NOON, "a", "v"))
    driver.restart()
    driver.ledger.enlist(lists)
    flush(driver)
    assert engaged(driver) == {("members", "u", "paper", 0)}


def test_an_undone_like_is_no_engagement_and_what_is_past_stays_written() -> None:
    driver = driver_with(listed(members="u"))
    driver.engage(touch("1", NOON, action="unlike", user="u"), touch("2", NOON, user="u"))
    flush(driver)
    driver.pass_days(60)
    flush(driver)
    assert {row for row in engaged(driver) if row[1] == "u"} == {("members", "u", "autumn", 0)}


EVENTS = st.lists(
    st.tuples(st.sampled_from("tlc"), st.sampled_from("uvab"), st.sampled_from("uv"), st.integers(0, 3)), max_size=12
)


def record(at: int, kind: str, token: str, user: str, day: int) -> tuple[str, bytes]:
    """An event of those tests, with the topic that it comes in."""
    time, name = NOON + (day - 3) * DAY, REAL[token]
    who = {"user": None, "anonymous": name} if token in "ab" else {"user": name}
    if kind == "l":
        return "identity", identify(f"m{at:02}", time, name, REAL[user])
    if kind == "c":
        return "engagement", consent_word(f"m{at:02}", time, allowed=user != "u", **who)
    return "engagement", touch(f"m{at:02}", time, **who)


def expected(events: Iterable[tuple[str, str, str, int]], on_list: str) -> set[tuple[str, str, str, int]]:
    """By the plain rules, event by event."""
    events = list(events)
    links = {(token, user) for kind, token, user, _ in events if kind == "l" and token in "ab"}
    of = {token: {user for t, user in links if t == token} for token in "abuv"}

    def person(token: str) -> str:
        return token if not of[token] else next(iter(of[token])) if len(of[token]) == 1 else ""

    people = {person(token) for token in on_list} - {""}
    words = dict[str, tuple[int, int, bool]]()
    for at, (kind, token, user, day) in enumerate(events):
        if kind == "c" and (who := person(token)) and (who not in words or (day, at) > words[who][:2]):
            words[who] = (day, at, user == "u")
    lines = [(person(t), day, at, user == "u") for at, (k, t, user, day) in enumerate(events) if k == "c"]
    found = set()
    for kind, token, _, day in events:
        who = person(token)
        if kind != "t" or who not in people or words.get(who, (0, 0, False))[2]:
            continue
        before = sorted((when, at, says) for whose, when, at, says in lines if whose == who and when <= day)
        if not (before and before[-1][2]):
            found.add(("members", who, "autumn", day - 3))
    return found


@given(EVENTS, st.sets(st.sampled_from("uvab"), min_size=1), st.integers(0, 12), st.integers(0, 12))
def test_any_order_of_events_lists_and_restarts_gives_what_the_plain_rules_give(
    events: list[tuple[str, str, str, int]], on_list: set[str], enlisted: int, restarted: int
) -> None:
    driver, known = Driver(now=NOON + HOUR), False
    lists = members({"members": [Tokens(KEY).hash(REAL[token]) for token in on_list]})
    events = [event for event in events if event[0] != "l" or event[1] in "ab"]
    for at, event in enumerate([*events, ("t", "w", "u", 0)]):
        if at == min(enlisted, len(events)):
            driver.ledger.enlist(lists)
            known = True
        if at == min(restarted, len(events)):
            driver.restart()
            if known:
                driver.ledger.enlist(lists)
        topic, value = record(at, *event)
        driver.take(topic, value)
        flush(driver)
    assert engaged(driver) == expected(events, "".join(on_list))


def test_the_people_of_the_property_live_in_all_partitions() -> None:
    assert len({home_of(REAL[token]) for token in "uvab"}) == PARTITIONS


@given(EVENTS, st.sets(st.sampled_from("uvab"), min_size=1), st.integers(0, 12), st.randoms(use_true_random=False))
def test_over_several_partitions_each_person_is_counted_by_one(
    events: list[tuple[str, str, str, int]], on_list: set[str], enlisted: int, random: Random
) -> None:
    cluster = Cluster(CATALOGUE)
    lists, known = members({"members": [Tokens(KEY).hash(REAL[token]) for token in on_list]}), False
    events = [event for event in events if event[0] != "l" or event[1] in "ab"]
    for at, event in enumerate([*events, ("t", "w", "u", 0)]):
        if known := known or at == min(enlisted, len(events)):
            for ledger in cluster.ledgers.values():
                ledger.enlist(lists)
        topic, value = record(at, *event)
        cluster.send(topic, random.randrange(PARTITIONS), value)
        if random.random() < 0.3:
            cluster.settle()
            cluster.flush(later=1000)
        if random.random() < 0.2:
            cluster.restart(random.randrange(PARTITIONS))
    for ledger in cluster.ledgers.values():
        ledger.enlist(lists)
    cluster.settle()
    cluster.flush(later=1000)
    table = cluster.database.tables["engagement_audience"].values()
    found = {("members", NAMES[r["user"]], "autumn", r["day"] - TODAY) for r in table if not r["removed"]}
    assert found == expected(events, "".join(on_list))
