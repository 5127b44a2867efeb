"""Any order of acknowledgements: commits only grow, never pass an open batch, and lag behind no closed prefix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.kafka.offset_tracker import OffsetTracker

steps = st.lists(
    st.tuples(st.sampled_from(["add", "extend", "acknowledge", "commit"]), st.integers(1, 50)), max_size=60
)


@given(start=st.integers(0, 10**12), steps=steps)
def test_committed_offsets_are_the_acknowledged_prefix(start: int, steps: list[tuple[str, int]]) -> None:
    offsets = OffsetTracker(start)
    handed_out: list[int] = []
    acknowledged: set[int] = set()
    for step, number in steps:
        before = offsets.committed
        if step == "add":
            handed_out.append((handed_out[-1] if handed_out else start) + number)
            offsets.add(handed_out[-1], size=number)
        elif step == "extend" and handed_out and handed_out[-1] not in acknowledged:
            handed_out[-1] += number
            offsets.extend(handed_out[-1], size=number)
        elif step == "acknowledge" and handed_out:
            acknowledged.add(handed_out[number % len(handed_out)])
            offsets.acknowledge(handed_out[number % len(handed_out)])
        elif step == "commit" and offsets.committable is not None:
            offsets.committed = offsets.committable
        open_ = [offset for offset in handed_out if offset not in acknowledged]
        prefix = [offset for offset in handed_out if not open_ or offset < open_[0]]
        assert offsets.acknowledged == (prefix[-1] if prefix else start)
        assert before <= offsets.committed <= offsets.acknowledged
        assert offsets.pending == len(open_)


@given(sizes=st.lists(st.integers(0, 100), min_size=1, max_size=20), order=st.randoms(use_true_random=False))
def test_every_byte_is_freed_when_all_is_acknowledged(sizes: list[int], order: object) -> None:
    offsets = OffsetTracker(0)
    for index, size in enumerate(sizes, 1):
        offsets.add(index, size)
    assert offsets.pending_bytes == sum(sizes)
    numbers = list(range(1, len(sizes) + 1))
    order.shuffle(numbers)  # type: ignore[attr-defined]
    for index in numbers:
        offsets.acknowledge(index)
    assert offsets.pending_bytes == 0
    assert offsets.committable == len(sizes)


@given(sizes=st.lists(st.integers(0, 100), min_size=1, max_size=20))
def test_a_batch_that_grows_is_one_batch(sizes: list[int]) -> None:
    offsets = OffsetTracker(0)
    offsets.add(1, sizes[0])
    for end, size in enumerate(sizes[1:], 2):
        offsets.extend(end, size)
    assert (offsets.pending, offsets.pending_bytes) == (1, sum(sizes))
    offsets.acknowledge(len(sizes))
    assert (offsets.acknowledged, offsets.pending_bytes) == (len(sizes), 0)
    with pytest.raises(ValueError, match="can go on"):
        offsets.extend(len(sizes) + 1, 1)
