"""The offsets that may be committed: a prefix of what was handed out, never past a batch that is not acknowledged."""

from __future__ import annotations

import pytest

from streams.sources.kafka.offset_tracker import OffsetTracker


def test_nothing_is_committable_before_the_first_acknowledgement() -> None:
    offsets = OffsetTracker(start=100)
    offsets.add(150, size=10)
    assert offsets.committable is None
    assert offsets.pending == 1
    assert offsets.pending_bytes == 10


def test_a_later_batch_waits_for_an_earlier_one() -> None:
    offsets = OffsetTracker(start=100)
    for next_offset in (150, 180, 250):
        offsets.add(next_offset, size=10)
    offsets.acknowledge(250)
    offsets.acknowledge(180)
    assert offsets.committable is None
    assert offsets.pending == 1
    offsets.acknowledge(150)
    assert offsets.committable == 250
    assert offsets.pending_bytes == 0


def test_offsets_may_jump_between_and_inside_batches() -> None:
    offsets = OffsetTracker(start=0)
    offsets.add(7, size=1)
    offsets.add(5_000_000, size=1)
    offsets.acknowledge(7)
    offsets.acknowledge(5_000_000)
    assert offsets.committable == 5_000_000


def test_what_the_coordinator_accepted_is_not_committed_again_and_what_it_refused_is() -> None:
    offsets = OffsetTracker(start=0)
    offsets.add(10, size=1)
    offsets.acknowledge(10)
    assert offsets.committable == 10
    assert offsets.committable == 10  # the commit was refused: nobody set `committed`
    offsets.committed = 10
    assert offsets.committable is None


def test_an_unknown_or_repeated_acknowledgement_changes_nothing() -> None:
    offsets = OffsetTracker(start=0)
    offsets.add(10, size=1)
    offsets.acknowledge(99)
    assert offsets.committable is None
    offsets.acknowledge(10)
    offsets.acknowledge(10)
    assert offsets.committable == 10
    assert offsets.pending_bytes == 0


@pytest.mark.parametrize("next_offset", [100, 150])
def test_a_batch_that_was_handed_out_before_is_refused(next_offset: int) -> None:
    offsets = OffsetTracker(start=100)
    offsets.add(150, size=1)
    with pytest.raises(ValueError, match="handed out before"):
        offsets.add(next_offset, size=1)
