"""This process's own metrics over the last hour, for panels that elsewhere ask Prometheus."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable

import numpy as np
from prometheus_client import CollectorRegistry

from streams.page.promql import Array, Labels, Samples

EVERY = 5.0  # s between samples
KEPT = 720  # samples: one hour; 8 bytes each and series
_SUFFIXES = defaultdict(lambda: ("",), counter=("_total",), histogram=("_bucket", "_count", "_sum"))


class MetricsHistory:
    """A ring of samples of every series in a registry."""

    def __init__(self, registry: CollectorRegistry, measure: Callable[[], object] = lambda: None) -> None:
        """`measure` brings gauges up to date before each sample."""
        self._registry, self._measure = registry, measure
        self._times = np.full(KEPT, np.nan)
        self._series: dict[tuple[str, Labels], Array] = {}
        self._names: set[str] = set()
        self._taken = 0
        self._read: Samples | None = None

    async def run(self) -> None:
        """Sample until cancelled."""
        while True:
            self.sample(time.time())
            await asyncio.sleep(EVERY)

    def sample(self, now: float) -> None:
        """Take one sample of everything, at `now` (s)."""
        self._measure()
        at = self._taken % KEPT
        self._times[at] = now * 1000
        for values in self._series.values():
            values[at] = np.nan
        families = list(self._registry.collect())
        self._names.update(family.name + suffix for family in families for suffix in _SUFFIXES[family.type])
        for sample in (sample for family in families for sample in family.samples):
            if not sample.name.endswith("_created"):
                key = (sample.name, tuple(sorted(sample.labels.items())))
                if key not in self._series:
                    self._series[key] = np.full(KEPT, np.nan)
                self._series[key][at] = sample.value
        self._taken += 1
        self._read = None

    def samples(self) -> Samples:
        """What is kept, the oldest first: put in order once, however many panels ask before the next sample."""
        self._read = self._read or self._in_order()
        return self._read

    def _in_order(self) -> Samples:
        order = np.arange(max(0, self._taken - KEPT), self._taken) % KEPT
        series = {key: values[order] for key, values in self._series.items()}
        return Samples(self._times[order], series, frozenset(self._names))
