"""Counting: what became of records and conversions, as the metrics have it."""

from collections.abc import Sequence

from streams import metrics
from streams.core.admission import DeadLetter, Outcomes
from streams.core.ledger import Applied
from streams.core.routing import EVENT
from streams.core.statements import Changed


def outcomes(became: Outcomes) -> None:
    """Count what became of records."""
    for outcome, n in became.counts.items():
        metrics.EVENTS.labels(became.batch.topic, outcome).inc(n)
    dead_letters(became.dead)


def dead_letters(letters: Sequence[DeadLetter]) -> None:
    """Count dead letters."""
    for letter in letters:
        metrics.DEAD_LETTERS.labels(letter.topic, letter.reason).inc()


def applied(batch: Applied) -> None:
    """Count what a batch did."""
    for became in batch.outcomes:
        outcomes(became)
    for forward in batch.forwards:
        if forward.origin.purpose == EVENT:
            metrics.MISROUTED.labels(forward.origin.topic).inc()


def goals(changed: Changed) -> None:
    """Count conversions that were stated for the first time, or taken back."""
    for counter, counts in ((metrics.CONVERSIONS, changed.conversions), (metrics.REVERSALS, changed.reversals)):
        for goal, n in (+counts).items():
            counter.labels(goal).inc(n)
