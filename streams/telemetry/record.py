"""Counting: what became of records and conversions, as the metrics have it."""

from collections.abc import Sequence

from streams.core.attribution.conversion import Changed
from streams.core.events.watermark import DeadLetter, Outcomes
from streams.core.exchange.router import EVENT
from streams.core.ledger.results import Applied
from streams.telemetry import metrics


def outcomes(became: Outcomes) -> None:
    """Count what became of records."""
    topic = became.batch.topic
    for outcome, n in became.counts.items():
        metrics.EVENTS.labels(topic, outcome).inc(n)
    metrics.OTHER_CAMPAIGNS.inc(became.folded)
    for name, n in became.ignored.items():
        metrics.IGNORED.labels(topic, _bounded(name)).inc(n)
    for (place, _), n in became.faults.items():
        metrics.FIELD_FAULTS.labels(topic, place).inc(n)
    for counter, n in (
        (metrics.PLACEHOLDER_IDS, became.placeholders),
        (metrics.CONFLICTING_IDS, became.conflicting_ids),
    ):
        if n:
            counter.labels(topic).inc(n)
    metrics.ORDER_CONFLICTS.inc(became.order_conflicts)
    if became.foreign:
        metrics.DEAD_LETTERS.labels(topic, _AT_ONCE).inc(became.foreign)
    dead_letters(became.dead)


_AT_ONCE = "currency_mismatch"  # counted when it is found; its dead letter is written when the order expires
_NAMES = 50  # of ignored events that are told apart
_names: set[str] = set()


def _bounded(name: str) -> str:
    """The name of an ignored event, for the first names; `(other)` for the rest."""
    if len(_names) < _NAMES:
        _names.add(name)
    return name if name in _names else "(other)"


def dead_letters(letters: Sequence[DeadLetter]) -> None:
    """Count dead letters."""
    for letter in letters:
        if letter.reason == _AT_ONCE:
            continue
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
