"""Replay: events from files through the same ledger, reported in the hour of each conversion."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from streams import ndjson
from streams.core.admission import Batch, DeadLetter
from streams.core.identity import IDENTITY
from streams.core.intake import CHECKOUT, ENGAGEMENT
from streams.core.ledger import Ledger
from streams.core.rules import Rules

Progress = Callable[[int, int], None]  # (events, bytes of the files) since the last call


class Source(NamedTuple):
    """One file of events of one topic."""

    topic: str
    path: str


@dataclass
class Replayed:
    """What came of a replay: seconds it took, records by outcome, dead letters by reason."""

    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def events(self) -> int:
        """All records that were read."""
        return self.outcomes.total()


class Replay:
    """Feeds files to a ledger. Offsets are numbers over all lines of a topic, so that each leads back to its file."""

    def __init__(self, rules: Rules, letters: ndjson.DeadLetterFile) -> None:
        self.ledger = Ledger(rules)
        self.result = Replayed()
        self._letters = letters
        self._starts: dict[str, list[tuple[int, str]]] = {ENGAGEMENT: [], CHECKOUT: [], IDENTITY: []}
        self._next = Counter[str]()

    def run(self, sources: Sequence[Source], progress: Progress) -> Replayed:
        """Read all files and state every conversion. Raises OSError for a file that cannot be read."""
        started = time.monotonic()
        for source in sources:
            self._starts[source.topic].append((self._next[source.topic], source.path))
            for values, read in ndjson.lines(source.path):
                self._feed(source.topic, values)
                progress(len(values), read)
        self._bury(self.ledger.unclaimed())
        self.ledger.report()
        self.result.seconds = time.monotonic() - started
        return self.result

    def _feed(self, topic: str, values: list[bytes]) -> None:
        offsets: Sequence[int] = range(self._next[topic], self._next[topic] + len(values))
        self._next[topic] += len(values)
        kept = [i for i, value in enumerate(values) if value and not value.isspace()]
        if len(kept) < len(values):
            values, offsets = [values[i] for i in kept], [offsets[i] for i in kept]
        for outcomes in self.ledger.apply(Batch(topic, values, [None] * len(values), offsets)).outcomes:
            self.result.outcomes.update(outcomes.counts)
            self._bury(outcomes.dead)

    def _bury(self, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            start, path = max(s for s in self._starts[letter.topic] if s[0] <= letter.offset)
            self._letters.write(letter, path, letter.offset - start + 1)
            self.result.reasons[letter.reason] += 1
