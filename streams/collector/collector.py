"""What the routes of the collector share."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from streams.collector import files
from streams.collector.bodies import Bodies
from streams.collector.files import Files
from streams.collector.rate_limit import RateLimits
from streams.collector.recorder import Recorder
from streams.collector.settings import CollectorSettings

Made = TypeVar("Made")


def _now() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Collector:
    """Settings, what was read of files, the way to Kafka, and the clock (ms since 1970, UTC)."""

    settings: CollectorSettings
    files: Files
    recorder: Recorder
    limits: RateLimits
    bodies: Bodies = field(default_factory=Bodies)
    now: Callable[[], int] = field(default=_now)

    def use(self, files: Files) -> None:
        """Go by these files from the next request on; what has begun ends by those that it began with."""
        self.limits.use(key.name for key in files.keys.values())
        self.files = files

    def of_files(self, make: Callable[[Files], Made]) -> Callable[[], Made]:
        """What is made of the files: asked for at each request, and made again only when they were read again."""
        last: tuple[Files, Made] | None = None

        def current() -> Made:
            nonlocal last
            if last is None or last[0] is not self.files:
                last = self.files, make(self.files)
            return last[1]

        return current


def configured(chosen: CollectorSettings) -> Collector:
    """A collector as the environment says, within a running loop. Raises ConfigError."""
    found = files.read(chosen)
    names = (key.name for key in found.keys.values())
    limits = RateLimits(names, chosen.collect_rate, chosen.collect_keyless_rate)
    return Collector(chosen, found, Recorder(chosen.bootstrap, chosen.collect_topic), limits)
