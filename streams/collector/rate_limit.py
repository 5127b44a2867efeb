"""How many events may come in a second."""

import math
import time
from collections.abc import Callable, Iterable

from streams.collector.answers import RefusedError

BURST = 2.0  # seconds' worth that may come at once, after as long a silence


class RateLimit:
    """A limit of so many a second, with some at once; 0 = none."""

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._left, self._at = rate * BURST, clock()

    def take(self, number: int) -> None:
        """Count so many. Raises RefusedError, with the seconds to wait; more than may ever come at once come alone."""
        if not self._rate:
            return
        now = self._clock()
        most = self._rate * BURST
        self._left, self._at = min(most, self._left + (now - self._at) * self._rate), now
        missing = min(number, most) - self._left
        if missing > 0:
            raise RefusedError(429, "too much in a second; send it again later", math.ceil(missing / self._rate))
        self._left -= number


class RateLimits:
    """Limits in events a second for each write key, by name, and in requests a second for all without one; 0 = none."""

    def __init__(self, names: Iterable[str], rate: int, keyless: int) -> None:
        self._rate, self._by_name = rate, dict[str, RateLimit]()
        self.use(names)
        self.keyless = RateLimit(keyless)

    def use(self, names: Iterable[str]) -> None:
        """Limit these from now on; who was limited before stays as far as they came."""
        self._by_name = {name: self._by_name.get(name) or RateLimit(self._rate) for name in names}

    def of(self, name: str) -> RateLimit:
        """The limit of the key of that name."""
        return self._by_name[name]
