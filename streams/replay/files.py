"""Replay: events from files through the same ledger, reported in the hour of each conversion."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from streams.core.events.batch import Batch
from streams.core.events.campaigns import Campaigns
from streams.core.events.topics import KEYED
from streams.core.events.watermark import DeadLetter
from streams.core.explain.facts import Facts
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.results import Applied
from streams.core.ledger.settings import LedgerSettings
from streams.sources import files

Progress = Callable[[int, int], None]  # (events, bytes of the files) since the last call


class EventFile(NamedTuple):
    """One file of events of one topic."""

    topic: str
    path: str


@dataclass
class Replayed(Facts):
    """What came of a replay, and the seconds that it took."""

    seconds: float = 0.0


class Replay:
    """Feeds files to a ledger. Offsets are numbers over all lines of a topic, so that each leads back to its file."""

    def __init__(self, rules: LedgerSettings, letters: files.DeadLetterFile) -> None:
        self.ledger = Ledger(rules)
        self.catalogue = rules.catalogue
        self.result = Replayed()
        self._letters = letters
        self._starts: dict[str, list[tuple[int, str]]] = {topic: [] for topic in KEYED}
        self._next = Counter[str]()

    def run(self, sources: Sequence[EventFile], progress: Progress) -> Replayed:
        """Read all files and state every conversion. Raises OSError for a file that cannot be read."""
        started = time.monotonic()
        for source in sources:
            self._starts[source.topic].append((self._next[source.topic], source.path))
            for values, read in files.lines(source.path):
                self._feed(source.topic, values)
                progress(len(values), read)
        self.write_dead_letters(self.ledger.unclaimed())
        self.ledger.report()
        self.result.orders(Campaigns(self.catalogue))
        self.result.seconds = time.monotonic() - started
        return self.result

    def _feed(self, topic: str, values: list[bytes]) -> None:
        offsets: Sequence[int] = range(self._next[topic], self._next[topic] + len(values))
        self._next[topic] += len(values)
        kept = [i for i, value in enumerate(values) if value and not value.isspace()]
        if len(kept) < len(values):
            values, offsets = [values[i] for i in kept], [offsets[i] for i in kept]
        self.apply(Batch(topic, values, [None] * len(values), offsets))

    def apply(self, batch: Batch) -> Applied:
        """Take in a batch, count what became of it, and keep its dead letters."""
        applied = self.ledger.apply(batch)
        self.result.effects(applied.segment)
        for outcomes in applied.outcomes:
            self.result.count(outcomes)
            self.write_dead_letters(outcomes.dead)
        return applied

    def write_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Keep and count those dead letters."""
        for letter in letters:
            start, path = max(s for s in self._starts[letter.topic] if s[0] <= letter.offset)
            line = letter.offset - start + 1
            self._letters.write(letter, path, line)
            self.result.add_dead_letter(letter, f"{path}:{line}")
