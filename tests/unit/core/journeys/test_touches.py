"""The touch index: each message once, and for a conversion the touches that the contract gives it."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.columns.message_ids import MessageIds
from streams.core.columns.run import EPOCH_BITS, KeyedRows
from streams.core.journeys.kinds import CLICK, ENGAGE, VIEW
from streams.core.journeys.touches import MAX_TOUCHES, JourneyQuery, TouchIndex
from tests.support.messages import DAY, HOUR, NOON
from tests.support.strategies import MESSAGE_IDS

CLASSES = np.array([0, CLICK, ENGAGE, VIEW])  # the kinds of these tests are their classes
Row = tuple[str, int, int, int]  # message id, user, time, kind
WINDOWS = (7 * DAY, DAY, HOUR)


class Index:
    """An index together with the ids that it keeps keys of."""

    def __init__(self) -> None:
        self.ids = MessageIds()
        self.index = TouchIndex(self.ids.text, lambda kind: (kind,))

    def add(self, *rows: Row) -> list[bool]:
        texts, user, time, kind = zip(*rows, strict=True)
        columns = np.array(user, np.uint64), np.array(time, np.int64), np.array(kind, np.uint32)
        fresh: list[bool] = self.index.add(KeyedRows(*columns, self.ids.keys(texts, columns[0]))).tolist()
        return fresh

    def journey(self, user: int, time: int, windows: tuple[int, int, int] = WINDOWS) -> list[tuple[int, int]]:
        """(time, kind) of what one conversion sees."""
        ((found, _),) = self.journeys([(user, time)], windows)
        return found

    def journeys(
        self, wanted: Sequence[tuple[int, int]], windows: tuple[int, int, int] = WINDOWS
    ) -> list[tuple[list[tuple[int, int]], bool]]:
        """For each (user, time): (time, kind) of its touches, and whether there was any before."""
        user, time = np.array(wanted, np.int64).reshape(-1, 2).T
        asked = JourneyQuery(user.astype(np.uint64), time, np.tile(windows, (len(wanted), 1)))
        starts, times, kinds, earlier = self.index.journeys(asked, CLASSES)
        pairs = list(zip(times.tolist(), kinds.tolist(), strict=True))
        return [(pairs[starts[i] : starts[i + 1]], bool(earlier[i])) for i in range(len(wanted))]


def test_a_message_counts_once_and_the_first_that_arrived_wins() -> None:
    some = Index()
    assert some.add(("a", 1, NOON, CLICK), ("a", 1, NOON, VIEW), ("b", 1, NOON, VIEW)) == [True, False, True]
    assert some.add(("b", 1, NOON, CLICK), ("c", 1, NOON + 1, CLICK)) == [False, True]
    assert len(some.index) == 3
    assert some.journey(1, NOON + 1) == [(NOON, CLICK), (NOON, VIEW), (NOON + 1, CLICK)]
    assert some.journey(2, NOON + 1) == []


def test_a_message_id_is_unique_within_its_token_alone() -> None:
    some = Index()
    assert some.add(*((text, user, NOON, CLICK) for text in ("a", "b" * 40) for user in (0, 1, 2))) == [True] * 6
    assert some.add(("a", 0, NOON, CLICK), ("a", 2, NOON, VIEW), ("b" * 40, 1, NOON, VIEW)) == [False] * 3
    assert some.journey(1, NOON) == some.journey(2, NOON) == [(NOON, CLICK)] * 2


@given(st.lists(st.lists(st.sampled_from(MESSAGE_IDS), min_size=1)))
def test_a_message_is_seen_however_batches_are_cut_and_merged(batches: list[list[str]]) -> None:
    some, seen = Index(), set[str]()
    for batch in batches:
        fresh = some.add(*((text, 1, NOON, CLICK) for text in batch))
        assert fresh == [text not in seen and text not in batch[:i] for i, text in enumerate(batch)]
        seen.update(batch)
    assert len(some.index) == len(seen)


@pytest.mark.parametrize(("kind", "window"), [(CLICK, 7 * DAY), (ENGAGE, DAY), (VIEW, HOUR)])
def test_both_ends_of_a_window_are_inside_to_the_millisecond(kind: int, window: int) -> None:
    some = Index()
    some.add(*((str(time), 1, NOON + time, kind) for time in (-window - 1, -window, 0, 1)))
    assert some.journey(1, NOON) == [(NOON - window, kind), (NOON, kind)]


def test_a_window_of_no_length_holds_the_moment_itself() -> None:
    some = Index()
    some.add(*((str(time), 1, NOON + time, CLICK) for time in (-1, 0, 1)))
    assert some.journey(1, NOON, (0, 0, 0)) == [(NOON, CLICK)]


def test_what_is_no_touch_is_in_no_journey_and_not_before_one() -> None:
    some = Index()
    some.add(("a", 1, NOON - DAY, 0))
    assert some.journeys([(1, NOON)]) == [([], False)]


def test_touches_at_one_time_are_ordered_by_the_text_of_their_message_ids() -> None:
    texts = [
        "b",
        "a" * 40,
        "B",
        "45c0ff53-dfe1-4fe2-998c-74b6eee21a19",
        "é",
        "a",
        "F7B1A2C3-0000-4000-8000-0000000000AA",
    ]
    for given_texts in (texts, texts[::-1]):
        some = Index()
        kinds = {text: 1 + i % 3 for i, text in enumerate(texts)}
        for text in given_texts:
            some.add((text, 1, NOON, kinds[text]))
        assert some.journey(1, NOON) == [(NOON, kinds[text]) for text in sorted(texts)]


@pytest.mark.parametrize(
    ("count", "kept"), [(MAX_TOUCHES, MAX_TOUCHES), (MAX_TOUCHES + 1, MAX_TOUCHES), (3 * MAX_TOUCHES, MAX_TOUCHES)]
)
def test_of_very_many_touches_the_latest_count(count: int, kept: int) -> None:
    some = Index()
    some.add(*((f"{i:04d}", 1, NOON + i, 1 + i % 3) for i in range(count)))
    found = some.journey(1, NOON + count)
    assert found == [(NOON + i, 1 + i % 3) for i in range(count - kept, count)]


def test_the_latest_of_touches_at_one_time_are_those_with_the_latest_ids() -> None:
    some = Index()
    some.add(*((f"{i:04d}", 1, NOON, CLICK if i < 7 else VIEW) for i in range(MAX_TOUCHES + 5)))
    found = some.journey(1, NOON)
    assert found == [(NOON, CLICK)] * 2 + [(NOON, VIEW)] * (MAX_TOUCHES - 2)


def test_each_conversion_has_its_own_windows_and_its_own_touches() -> None:
    some = Index()
    some.add(("a", 1, NOON - 2, CLICK), ("b", 2, NOON - 1, CLICK), ("c", 1, NOON - DAY - 1, ENGAGE))
    found = some.journeys([(2, NOON), (1, NOON), (1, NOON - 2), (3, NOON), (0, NOON), (1, NOON)])
    mine = [(NOON - 2, CLICK)]
    assert [touches for touches, _ in found] == [
        [(NOON - 1, CLICK)],
        mine,
        [(NOON - DAY - 1, ENGAGE), *mine],
        [],
        [],
        mine,
    ]


def test_whether_there_was_any_touch_before_does_not_depend_on_windows() -> None:
    some = Index()
    some.add(("a", 1, NOON - 30 * DAY, VIEW), ("b", 2, NOON + 1, CLICK), ("c", 3, NOON, CLICK))
    assert [earlier for _, earlier in some.journeys([(1, NOON), (2, NOON), (3, NOON), (4, NOON)])] == [
        True,
        *[False] * 3,
    ]


def test_no_conversions_have_no_journeys() -> None:
    some = Index()
    some.add(("a", 1, NOON, CLICK))
    assert some.journeys([]) == []


def test_an_empty_index_has_no_touches() -> None:
    assert Index().journeys([(1, NOON)]) == [([], False)]


def test_touches_on_both_sides_of_an_epoch_are_in_one_journey() -> None:
    some, edge = Index(), (NOON >> EPOCH_BITS) + 1 << EPOCH_BITS
    assert some.add(("a", 1, edge - 1, CLICK), ("b", 1, edge, CLICK)) == [True, True]
    assert some.journey(1, edge) == [(edge - 1, CLICK), (edge, CLICK)]
    assert some.add(("a", 1, edge, CLICK)) == [False]


@given(st.lists(st.integers(0, 99), min_size=1, unique=True), st.integers(0, 99))
def test_expired_touches_are_gone_once_they_are_many(days: list[int], before: int) -> None:
    some = Index()
    for day in days:
        some.add((f"{day:020d}", 1, NOON + day * DAY, CLICK))
    gone = some.index.expire(NOON + before * DAY)
    left = {time for time, _ in some.journey(1, NOON + 99 * DAY, (100 * DAY, 0, 0))}
    old = {NOON + day * DAY for day in days if day < before}
    assert {NOON + day * DAY for day in days} - old <= left
    assert len(old & left) * 8 <= len(left)
    assert len(gone.low) == len(days) - len(left) == len(days) - len(some.index)
    some.ids.forget(gone)
    assert len(some.ids.texts) == len(left)


def test_an_expired_message_may_come_again() -> None:
    some = Index()
    some.add(("a", 1, NOON, CLICK))
    assert len(some.index.expire(NOON + 1).low) == 1
    assert some.add(("a", 1, NOON + DAY, CLICK)) == [True]


def test_its_size_is_that_of_its_columns() -> None:
    some = Index()
    some.add(*((f"{i:020d}", i % 200, NOON + i, CLICK) for i in range(1000)))
    assert some.index.nbytes == 1000 * (8 + 8 + 4 + 2 + 4) + 200 * (8 + 4) + 4
