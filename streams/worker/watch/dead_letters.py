"""How many dead letters each topic has: where nearly all of it becomes one, the worker is to end, and says why."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from streams.core.events.batch import Batch
from streams.core.events.dead_letter_limit import DeadLetterLimit, Limits
from streams.core.events.watermark import Outcomes


class DeadLetterLimits:
    """The limit of dead letters, held to topic by topic."""

    def __init__(self, limits: Limits) -> None:
        self._topics: defaultdict[str, DeadLetterLimit] = defaultdict(lambda: DeadLetterLimit(limits))

    def exceeded(self, outcomes: Sequence[Outcomes], batch: Batch) -> Iterator[str]:
        """Count what became of the records of a batch; for each topic with too many dead letters, what to tell."""
        for each in outcomes:
            topic, dead = each.batch.topic, each.counts["dead_letter"]
            if too_many := self._topics[topic].add(sum(each.counts.values()), dead):
                why = "; ".join(f"{n} {reason}" for reason, n in Counter(d.reason for d in each.dead).items())
                yield (
                    f"too many dead letters of topic {topic}: {too_many}, at last ({why}) in {batch.topic}/"
                    f"{batch.partition} up to offset {batch.offsets[-1]}; look at them with `maalstrom dlq list`, mend "
                    "what makes them, and start the worker again: it goes on from there"
                )
