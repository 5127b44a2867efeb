"""How many dead letters each topic has, which the log tells: where nearly all of it becomes one, the worker is to end,
and says why."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

import structlog

from streams.core.events.batch import Batch
from streams.core.events.dead_letter_limit import DeadLetterLimit, Limits
from streams.core.events.watermark import DeadLetter, Outcomes

_EVERY = 60.0  # s between lines on one topic
log = structlog.get_logger(__name__)


class DeadLetterLog:
    """Tells of the dead letters of one topic: of the first at once, then at most once a minute."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._next = now, float("-inf")
        self._reasons, self._first = Counter[str](), ""

    def tell(self, letters: Sequence[DeadLetter]) -> None:
        """Count these, and log a line where it is time. It has no text of theirs: that may say who somebody is."""
        if not letters:
            return
        if not self._reasons:
            self._first = f"{letters[0].topic}/{letters[0].partition}/{letters[0].offset}"
        self._reasons.update(letter.reason for letter in letters)
        if self._now() >= self._next:
            self._next = self._now() + _EVERY
            log.warning(
                "records could not be used; `maalstrom dlq list` shows them",
                topic=letters[0].topic,
                reasons=dict(self._reasons),
                first=self._first,
            )
            self._reasons.clear()


class DeadLetterLimits:
    """The limit of dead letters, held to topic by topic; each is told in the log."""

    def __init__(self, limits: Limits) -> None:
        self._topics: defaultdict[str, DeadLetterLimit] = defaultdict(lambda: DeadLetterLimit(limits))
        self._logs: defaultdict[str, DeadLetterLog] = defaultdict(DeadLetterLog)

    def exceeded(self, outcomes: Sequence[Outcomes], batch: Batch) -> Iterator[str]:
        """Count what became of the records of a batch; for each topic with too many dead letters, what to tell."""
        for each in outcomes:
            topic, dead = each.batch.topic, each.counts["dead_letter"]
            self._logs[topic].tell(each.dead)
            if too_many := self._topics[topic].add(sum(each.counts.values()), dead):
                why = "; ".join(f"{n} {reason}" for reason, n in Counter(d.reason for d in each.dead).items())
                yield (
                    f"too many dead letters of topic {topic}: {too_many}, at last ({why}) in {batch.topic}/"
                    f"{batch.partition} up to offset {batch.offsets[-1]}; look at them with `maalstrom dlq list`, mend "
                    "what makes them, and start the worker again: it goes on from there"
                )
