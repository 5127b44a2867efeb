"""What a ledger goes by."""

from dataclasses import dataclass, field
from functools import cached_property

from streams.core.catalogue.model import Catalogue
from streams.core.catalogue.readings import readings
from streams.core.door.context import Reading
from streams.core.door.sources_toml import Sources
from streams.core.events.topics import EVENTS
from streams.core.journeys.unlisted import MOST


@dataclass(frozen=True)
class LedgerSettings:
    """The catalogue, the secret of the token hash, how far back events are taken (ms; None = for ever), whether this is
    a replay, which reports every conversion in its own hour, how many campaigns that the catalogue does not list are
    told apart in a day and partition, what the sources say of reading a topic, and how late a completion, a touch or a
    link may come (ms; None = as the retention)."""

    catalogue: Catalogue
    token_key: bytes
    retention: int | None = None
    replay: bool = False
    campaigns: int = MOST
    sources: Sources = field(default_factory=Sources)
    lateness: int | None = None

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that messages are read from."""
        return tuple(source.topic for source in self.sources.topics)

    def reading(self, topic: str) -> Reading:
        """How the records of a topic are read; of one that is no source, as `events`."""
        return self._readings.get(topic) or self._readings[EVENTS]

    @cached_property
    def _readings(self) -> dict[str, Reading]:
        return readings(self.catalogue, self.sources)
