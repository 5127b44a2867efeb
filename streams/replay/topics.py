"""A replay of what topics hold, up to a point; it may be killed and goes on where it ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from streams import failpoints
from streams.core.columns.column import Ragged, Rows
from streams.core.columns.selection import selected
from streams.core.events.batch import OffsetRange
from streams.core.events.campaigns import Campaigns
from streams.core.events.topics import ERASURES
from streams.core.events.watermark import DeadLetter
from streams.core.journal.segment import SegmentKey
from streams.core.ledger.settings import LedgerSettings
from streams.core.rows.aggregates import REPLAYED
from streams.replay.files import Progress, Replay, Replayed
from streams.replay.progress import Counted, ProgressFile
from streams.sources.files import DeadLetterFile

if TYPE_CHECKING:  # who replays files needs no client of Kafka
    from streams.kafka.topic_history import TopicReader


def in_order(topics: Sequence[str]) -> list[str]:
    """Topics as they are to be read: requests to forget somebody come last, and hold for what came before them."""
    return [*topics, ERASURES]


class TopicReplay(Replay):
    """Feeds what topics hold to a ledger; `progress` keeps what each batch did, `letters` the dead ones."""

    def __init__(self, rules: LedgerSettings, letters: DeadLetterFile, progress: ProgressFile) -> None:
        super().__init__(rules, letters)
        #: `resumed` are messages that an earlier run, which was ended, has taken in.
        self._file, self._at, self._from, self.resumed = progress, 0, 0, 0
        self._resume()

    def _resume(self) -> None:
        steps, segments = self._file.before, list(self._file.segments())
        if not steps:
            self._letters.go_on(0)
            return
        self.ledger.restore([(SegmentKey(REPLAYED, 0, number), each) for number, each in enumerate(segments)], 0)
        for each in segments:
            self.result.effects(each)
        self._at, self._from = steps[-1].at, steps[-1].next
        _recall(self.result, steps[-1].counts)
        self._letters.go_on(steps[-1].letters)
        self.resumed = self.result.events
        self._file.forget()

    def read(self, history: TopicReader, progress: Progress) -> Replayed:
        """Take in what is left, and state every conversion. Raises BrokerError."""
        started = time.monotonic()
        for at, wanted in enumerate(self._file.ranges[self._at :], self._at):
            self._range(at, wanted, history, progress)
        self.write_dead_letters(self.ledger.unclaimed())
        self._file.write(_counts(self.result), self._letters.size)
        self.ledger.report()
        self.result.orders(Campaigns(self.catalogue))
        self.result.seconds = time.monotonic() - started
        return self.result

    def rows(self, version: int) -> Rows:
        """The rows to write. One that went on has nothing to take back of days without journeys, as workers have."""
        rows = dict(self.ledger.changes(version))
        if days := rows.pop("path_transitions", None):
            rows["path_transitions"] = selected(days, np.diff(cast(Ragged, days["source"]).offsets) > 0)
        return {table: columns for table, columns in rows.items() if columns}

    def _range(self, at: int, wanted: OffsetRange, history: TopicReader, progress: Progress) -> None:
        begin = max(wanted.begin, self._from) if at == self._at else wanted.begin
        for batch, _ in history.batches(wanted._replace(begin=begin)):
            applied = self.apply(batch)
            end = batch.offsets[-1] + 1
            self._file.step(at, end, applied.segment, _counts(self.result), self._letters.size)
            failpoints.passing("replayed")
            progress(len(batch.values), end - begin)
            begin = end

    def write_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Keep and count those dead letters."""
        for letter in letters:
            self._letters.write(letter, f"{letter.topic}/{letter.partition}", letter.offset)
            self.result.add_dead_letter(letter, f"{letter.topic}/{letter.partition}/{letter.offset}")


def _counts(result: Replayed) -> Counted:
    faults = [(*fault, times) for fault, times in result.faults.items()]
    plain = (dict(result.outcomes), dict(result.reasons), result.first, dict(result.ignored))
    return Counted(*plain, faults, result.placeholders, result.userless)


def _recall(result: Replayed, counts: Counted) -> None:
    result.outcomes.update(counts.outcomes)
    result.reasons.update(counts.reasons)
    result.ignored.update(counts.ignored)
    result.faults.update({(place, kind): times for place, kind, times in counts.faults})
    result.first, result.placeholders, result.userless = counts.first, counts.placeholders, counts.userless
