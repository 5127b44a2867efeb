"""A kiosk's browser: what a token of a great many users means, and that it costs no more than others."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from numpy.typing import NDArray

from streams.core.columns.index import Index
from streams.core.columns.run import KeyedRows
from streams.core.events.batch import Batch
from streams.core.exchange.router import UPDATE
from streams.core.identity.links import MOST, NOBODY, IdentityGraph, LinkPartitions, Links, new_links
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from tests.support.cluster import Cluster, home_of, names
from tests.support.driver import CATALOGUE, KEY, Driver
from tests.support.messages import DAY, HOUR, NOON, consent_word, identify, order, touch

KIOSK = 7  # a hash


def linked(users: range, token: int = KIOSK) -> Links:
    """Links of that token to those users, all hashes."""
    user = np.array(users, np.uint64)
    home = LinkPartitions(np.zeros(len(user), np.int64), np.zeros(len(user), np.int64))
    return new_links(np.full(len(user), token, np.uint64), user, home, NOON)


def who_doubts(links: IdentityGraph, users: range) -> list[int]:
    """Those of the users (ascending) who may have the touches of somebody else's token."""
    users_ = np.array(users, np.uint64)
    return sorted(set(users_[links.ambiguous_tokens_of(users_).owner].tolist()))


@pytest.mark.parametrize("size", [1, 30, 5000])
@pytest.mark.parametrize(("number", "doubted"), [(2, 2), (MOST, MOST), (MOST + 1, 0), (MOST + 2, 0), (5000, 0)])
def test_a_token_of_more_than_a_hundred_users_makes_nobody_doubtful(number: int, doubted: int, size: int) -> None:
    links, rows = IdentityGraph(), linked(range(1000, 1000 + number))
    for start in range(0, number, size):
        links.add(rows.take(slice(start, start + size)))
    canonical, ambiguous = links.resolve(np.array([KIOSK, 1000], np.uint64))
    assert (canonical.tolist(), ambiguous.tolist()) == ([KIOSK, 1000], [True, False])
    assert len(who_doubts(links, range(1000, 1000 + number))) == doubted
    assert len(links) <= MOST + 2


def test_one_of_a_hundred_and_one_is_erased() -> None:
    links = IdentityGraph()
    links.add(linked(range(1000, 1000 + MOST + 1)))
    assert links.unlink(1000)
    assert not links.unlink(1000)
    assert len(who_doubts(links, range(1000, 1000 + MOST + 1))) == MOST


def test_one_of_very_many_is_erased() -> None:
    links = IdentityGraph()
    for start in range(1000, 2000, 50):
        links.add(linked(range(start, start + 50)))
    links.unlink(1000)
    assert links.resolve(np.array([KIOSK], np.uint64))[1].all()
    assert who_doubts(links, range(1000, 2000)) == []
    renewed = links.renew(NOON + DAY)
    assert renewed.user_id.tolist() == [int(NOBODY)]
    assert links.resolve(np.array([KIOSK], np.uint64))[1].all()
    links.unlink(KIOSK)
    assert len(links) == 0
    assert not links.resolve(np.array([KIOSK], np.uint64))[1].any()


def test_what_was_doubtful_is_stated_anew_once_the_token_is_nobodys() -> None:
    driver = Driver()
    driver.engage(touch("t", NOON - HOUR, user=None, anonymous="kiosk"))
    driver.buy(order("c", NOON, "o", user="user-0"), order("d", NOON, "p", user="user-5000"))
    people = [identify(f"i{n}", NOON, "kiosk", f"user-{n}") for n in range(200)]
    driver.identify(*people[:2])
    driver.report()
    driver.write()
    assert driver.conversions() == {("", "ambiguous_identity"): 1, ("", "no_touch"): 1}
    driver.identify(*people[2:])
    driver.report()
    driver.write()
    assert driver.conversions() == {("", "no_touch"): 2}
    driver.restart()
    driver.report()
    driver.write()
    assert driver.conversions() == {("", "no_touch"): 2}


def test_all_partitions_know_that_a_token_is_nobodys() -> None:
    people, kiosk = Cluster(CATALOGUE), names(0)[0]
    users = [f"user-{n}" for n in range(400)]
    buyers = [next(user for user in users if home_of(user) == number) for number in range(3)]
    people.hear(("engagement", kiosk, touch("t", NOON - HOUR, user=None, anonymous=kiosk)))
    for number, buyer in enumerate(buyers):
        people.hear(("checkout", buyer, order(f"c{number}", NOON, f"o{number}", user=buyer)))
    for n, user in enumerate([*buyers, *(user for user in users if user not in buyers)]):
        people.send("identity", home_of(kiosk), identify(f"i{n}", NOON, kiosk, user))
    for _ in range(8):
        people.step("identity", home_of(kiosk), 51)
        people.settle()
    people.flush()
    assert {reason for _, reason in people.seen.values()} == {"no_touch"}
    token = np.unique(people.ledgers[home_of(kiosk)]._links._by_token.rows().user)
    assert all(ledger._links.resolve(token)[1].all() for ledger in people.ledgers.values())
    assert max(len(ledger._links) for ledger in people.ledgers.values()) <= MOST + 2
    before = sum(
        origin is not None and origin.purpose == UPDATE for log in people.logs.values() for _, _, origin in log
    )
    late = [touch(f"t{n}", NOON - HOUR + n, user=None, anonymous=kiosk) for n in range(500)]
    for value in late:
        people.send("engagement", home_of(kiosk), value)
    people.settle()
    after = sum(origin is not None and origin.purpose == UPDATE for log in people.logs.values() for _, _, origin in log)
    assert after == before  # nobody is sent what counts for nobody


class Rows:
    """Counts the rows that are taken out of indexes."""

    def __init__(self) -> None:
        self.number = 0


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rows]:
    rows, real = Rows(), Index.of_users

    def of_users(index: Index, users: NDArray[np.uint64]) -> tuple[KeyedRows, NDArray[np.int64]]:
        found = real(index, users)
        rows.number += len(found[1])
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Index, "of_users", of_users)
        yield rows


def batch(topic: str, values: list[bytes], start: int = 0) -> Batch:
    return Batch(topic, values, [None] * len(values), range(start, start + len(values)))


@pytest.mark.parametrize("users", [MOST, 100_000])
def test_a_batch_of_a_token_of_many_users_costs_what_others_cost(users: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(LedgerSettings(CATALOGUE, KEY, 45 * DAY))
    ledger.apply(batch("identity", [identify(f"i{n}", NOON, "kiosk", f"user-{n}") for n in range(users)]), NOON)
    ledger.apply(batch("checkout", [order(f"c{n}", NOON, f"o{n}", user=f"user-{n}") for n in range(100)]), NOON)
    seen = [touch(f"t{n}", NOON - HOUR + n, user=None, anonymous="kiosk") for n in range(8192)]
    with counted(monkeypatch) as rows:
        tracemalloc.start()
        ledger.apply(batch("engagement", seen), NOON)
        ledger.report(NOON)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert rows.number < 6 * (len(seen) + users)
    assert peak < 100 << 20


def test_a_user_of_very_many_browsers_costs_what_they_cost_together(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(LedgerSettings(CATALOGUE, KEY, 45 * DAY))
    n = 4000
    ledger.apply(batch("identity", [identify(f"i{i}", NOON, f"browser-{i}", "user") for i in range(n)]), NOON)
    seen = [touch(f"t{i}", NOON - HOUR + i, user=None, anonymous=f"browser-{i}") for i in range(n)]
    bought = [order(f"c{i}", NOON + i, f"o{i}", user="user") for i in range(100)]
    with counted(monkeypatch) as rows:
        ledger.apply(batch("engagement", seen), NOON)
        ledger.apply(batch("checkout", bought), NOON)
        stated = ledger.report(NOON)
    assert len(stated.pairs) == 100
    assert rows.number < 12 * n


def test_no_link_is_new_twice_and_the_first_row_of_a_message_counts() -> None:
    links = IdentityGraph()
    rows = linked(range(1000, 1003))
    assert len(links.add(Links.joined([rows, rows])).anonymous) == 3
    assert len(links.add(rows).anonymous) == 0


def test_a_touch_that_a_shared_browser_denied_itself_leaves_nothing_in_doubt() -> None:
    driver = Driver()
    driver.engage(touch("t", NOON - HOUR, user=None, anonymous="kiosk"))
    driver.identify(*(identify(f"i{n}", NOON, "kiosk", f"user-{n}") for n in range(2)))
    driver.buy(order("c", NOON, "o", user="user-0"))
    driver.report()
    driver.write()
    assert driver.conversions() == {("", "ambiguous_identity"): 1}
    driver.take("events", consent_word("w", NOON - DAY, False, user=None, anonymous="kiosk"))
    driver.report()
    driver.write()
    assert driver.conversions() == {("", "no_touch"): 1}
