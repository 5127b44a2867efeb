"""The journal's own rules; that it is durable, restored and moved is tested with workers."""

from __future__ import annotations

import asyncio

import faust
import pytest

from streams.core.segment import SegmentKey
from streams.journal import MAX_SEGMENT_BYTES, Journal


@pytest.fixture
def journal() -> Journal:
    return Journal(faust.App("journal-test", autodiscover=False, store="memory://"))


def test_the_changelog_topic_is_the_one_that_the_operator_makes(journal: Journal) -> None:
    assert journal.topic == "journal-test-journal-changelog"


def test_a_segment_that_kafka_might_refuse_is_refused_before(journal: Journal) -> None:
    with pytest.raises(ValueError, match="cut the batch"):
        asyncio.run(journal.append(0, SegmentKey(1, 2, 3), bytes(MAX_SEGMENT_BYTES)))
    assert journal.segments(0) == []
