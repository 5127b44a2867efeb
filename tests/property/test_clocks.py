"""A clock that jumps while a ledger is fed, crashes, and is merged: the figures are those of the reference."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.core.journal.hours import hour_of_reports, span
from streams.core.journal.segment import decode, encode
from tests.property.test_ledger import HOUR, Worker, add, slow
from tests.support.judged import check, expected
from tests.support.site.site_streams import Stream, site_streams

JUMPS = (0, 0, HOUR, -HOUR, 5 * HOUR, -5 * HOUR, 60 * 24 * HOUR, -60 * 24 * HOUR)


class Jumping(Worker):
    """A worker whose clock goes as it likes; `now` is the time it reports at."""

    clock = hour = 0

    @property
    def now(self) -> int:
        spans = [span(key, (found := decode(value)).hours, found.since) for key, value in self.journal]
        self.hour = hour_of_reports(self.clock, self.hour, spans, {})
        return self.clock if self.clock // HOUR == self.hour else self.hour * HOUR

    @now.setter
    def now(self, time: int) -> None:
        self.clock = time

    def start(self) -> None:
        self.hour = self.journal[-1][0].hour if self.journal else 0
        super().start()

    def compact(self, start: int, end: int, dies: bool = False) -> None:
        group = self.journal[start:end]
        hours = {hour for key, value in group for hour in (key.hour, *decode(value).hours)}
        super().compact(start, end, dies=False)
        at = min(start, len(self.journal) - 1)
        key, value = self.journal[at]
        if len(group) > 1 and key == group[-1][0]:
            whole = decode(value)
            whole.hours = sorted(hours) if len(hours) > 1 else []
            self.journal[at] = key, encode(whole)
        if dies:
            self.start()


@slow
@given(site_streams(), st.randoms(use_true_random=False))
def test_a_clock_that_jumps_changes_no_figure(stream: Stream, random: Any) -> None:
    worker = Jumping()
    for topic, value in stream:
        worker.feed(topic, worker.ledger.offsets.get(topic, 0), [value])
        step = random.randrange(8)
        if step == 0:
            worker.start()
        elif step == 1:
            start = random.randrange(len(worker.journal))
            worker.compact(start, start + random.randrange(2, 6), dies=random.random() < 0.3)
        elif step < 4:
            worker.clock = max(worker.clock + random.choice(JUMPS), HOUR)
        else:
            worker.flush(written=step > 4)
    while worker.ledger.pending:
        worker.flush()
    worker.clock = worker.now + HOUR  # transitions are counted now and then
    worker.flush()
    check(worker.database, expected(stream))
    assert add(worker.first_reported(), worker.database.goal_restatements()) == worker.database.goal_attribution()
