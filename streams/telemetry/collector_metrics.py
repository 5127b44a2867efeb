"""Every metric of the collector, and nothing else. Labels are bounded: routes, statuses, reasons."""

from collections.abc import Sequence
from functools import cache

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)  # fmt: skip

REGISTRY = CollectorRegistry()
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
PROCESS = ProcessCollector(registry=REGISTRY)

# Labels are looked up once: that costs more than to count.
REQUESTS = Counter(
    "maalstrom_collect_requests_total", "Requests by what was answered.", ("route", "status"), registry=REGISTRY
)
SECONDS = Histogram(
    "maalstrom_collect_seconds", "From a request's headers to its answer.", buckets=_SECONDS, registry=REGISTRY
)
EVENTS = Counter(
    "maalstrom_collect_events_total", "Events by what became of them.", ("route", "outcome"), registry=REGISTRY
)
REFUSED = Counter(
    "maalstrom_collect_refused_total", "Requests that were asked to come again.", ("reason",), registry=REGISTRY
)
WAITING_RECORDS = Gauge(
    "maalstrom_collect_waiting_records", "Records that Kafka has not acknowledged yet.", registry=REGISTRY
)
WAITING_BYTES = Gauge(
    "maalstrom_collect_waiting_bytes", "Bytes that Kafka has not acknowledged yet.", registry=REGISTRY
)
READY = Gauge("maalstrom_collect_ready", "1 while Kafka takes records, else 0.", registry=REGISTRY)


@cache
def requests(route: str, status: int) -> Counter:
    """Requests of a route of ours that were answered so."""
    return REQUESTS.labels(route, status)


@cache
def events(route: str, outcome: str) -> Counter:
    """Events that came on a route of ours, by what became of them."""
    return EVENTS.labels(route, outcome)


def written(names: Sequence[str]) -> tuple[bytes, str]:
    """All metrics, or those of the names, as Prometheus reads them, and their content type."""
    asked = REGISTRY.restricted_registry(names) if names else REGISTRY
    return generate_latest(asked), CONTENT_TYPE_LATEST
