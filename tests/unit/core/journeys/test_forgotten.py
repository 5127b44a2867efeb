"""What is known of forgotten touches: when the first and the last of each user were."""

import numpy as np

from streams.core.columns.arrays import U64
from streams.core.columns.message_ids import MessageIds
from streams.core.columns.run import KeyedRows
from streams.core.journeys.forgotten import NEVER, ForgottenTouches


def touches(*rows: tuple[int, int]) -> KeyedRows:
    """A touch for each (user, time); its kind is the time."""
    user, time = np.array([user for user, _ in rows], np.uint64), np.array([time for _, time in rows], np.int64)
    return KeyedRows(user, time, time.astype(np.uint32), MessageIds().keys([str(each) for each in time.tolist()], user))


def tokens(*users: int) -> U64:
    return np.array(users, np.uint64)


def test_the_first_and_the_last_are_known_whatever_came_first() -> None:
    known = ForgottenTouches()
    assert known.first_of(tokens(1)).tolist() == [NEVER]
    known.add(touches((2, 50), (1, 30), (2, 20)))
    known.add(touches((1, 40), (1, 10), (3, 5)))
    assert known.first_of(tokens(1, 2, 3, 4)).tolist() == [10, 20, 5, NEVER]
    last = known.last(np.ones(3, np.bool_))
    assert (last.user.tolist(), last.time.tolist(), last.kind.tolist()) == ([1, 2, 3], [40, 50, 5], [40, 50, 5])
    assert known.kinds().tolist() == [5, 40, 50]


def test_nothing_more_is_known_after_it_adds_nothing() -> None:
    known = ForgottenTouches()
    known.add(touches())
    assert (len(known.user), known.nbytes) == (0, 0)


def test_the_last_one_has_an_empty_id() -> None:
    known = ForgottenTouches()
    known.add(touches((7, 1)))
    row, ids = known.last(np.array([True])), MessageIds()
    assert ids.text(*(int(each[0]) for each in (*row.keys, row.user))) == ""


def test_who_had_none_since_is_forgotten_too() -> None:
    known = ForgottenTouches()
    known.add(touches((1, 10), (1, 30), (2, 20)))
    known.expire(30)
    assert known.first_of(tokens(1, 2)).tolist() == [10, NEVER]


def test_an_erased_user_is_forgotten_at_once() -> None:
    known = ForgottenTouches()
    known.add(touches((1, 10), (2, 20)))
    assert (known.anonymise(1), known.anonymise(1)) == (True, False)
    assert known.first_of(tokens(1, 2)).tolist() == [NEVER, 20]
