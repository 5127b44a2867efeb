"""The process's own metrics as samples, and panels made of them."""

import json

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from streams.page.dashboards import Target
from streams.page.history import KEPT, MetricsHistory
from streams.page.metrics_frame import frame
from streams.page.promql import PromqlError
from streams.page.times import Range

BEGAN = 1_790_000_000.0
EVENTS = "sum by (topic) (rate(events_total[$__rate_interval]))"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def sampled(history: MetricsHistory, seconds: int) -> float:
    """Sample every 5 s for that long; returns the time of the last one, s."""
    for n in range(seconds // 5 + 1):
        history.sample(BEGAN + 5 * n)
    return BEGAN + seconds


def test_the_oldest_samples_make_place(registry: CollectorRegistry) -> None:
    gauge = Gauge("depth", "", registry=registry)
    history = MetricsHistory(registry, lambda: gauge.inc())
    for n in range(KEPT + 10):
        history.sample(9_999 + n)
    taken = history.samples()
    assert taken.times.tolist() == [1000.0 * (10_009 + n) for n in range(KEPT)]
    assert taken.series[("depth", ())].tolist() == [11.0 + n for n in range(KEPT)]


def test_a_rate_by_topic(registry: CollectorRegistry) -> None:
    counter = Counter("events", "", ["topic"], registry=registry)

    def count() -> None:
        counter.labels("a").inc(10)
        counter.labels("b").inc(20)

    history = MetricsHistory(registry, count)
    end = int(sampled(history, 600) * 1000)
    target = Target("A", EVENTS, True, True, "{{ topic }}, a second")
    answer = json.loads(frame(target, history.samples(), Range(end - 300_000, end), 30))
    assert [column["name"] for column in answer["meta"]] == ["time", "a, a second", "b, a second"]
    assert set(answer["data"]["a, a second"]) == {2.0}
    assert set(answer["data"]["b, a second"]) == {4.0}
    assert {b - a for a, b in zip(answer["data"]["time"], answer["data"]["time"][1:], strict=False)} == {10.0}


def test_a_range_longer_than_memory_is_drawn_as_long_as_memory(registry: CollectorRegistry) -> None:
    Gauge("depth", "", registry=registry).set(3)
    history = MetricsHistory(registry)
    end = int(sampled(history, 60) * 1000)
    answer = json.loads(frame(Target("A", "depth", True, True, ""), history.samples(), Range(0, end), 100))
    assert answer["span"] == [int(history.samples().times[0]), end]
    assert len(answer["data"]["time"]) in (12, 13)
    assert "This worker only" in answer["note"]


def test_one_number_for_a_stat(registry: CollectorRegistry) -> None:
    seconds = Histogram("seconds", "", buckets=(1, 2), registry=registry)
    history = MetricsHistory(registry, lambda: seconds.observe(1.5))
    end = int(sampled(history, 600) * 1000)
    target = Target("A", "histogram_quantile(0.5, sum by (le) (rate(seconds_bucket[1m])))", True, False, "half")
    answer = json.loads(frame(target, history.samples(), Range(0, end), 100))
    assert answer["data"] == {"time": [end / 1000], "half": [1.5]}


def test_a_metric_without_series_yet_is_empty_and_another_is_refused(registry: CollectorRegistry) -> None:
    Counter("dead", "", ["reason"], registry=registry)
    history, span = MetricsHistory(registry), Range(0, 10**13)
    with pytest.raises(PromqlError, match="dead_total is no metric of this worker"):
        frame(Target("A", "dead_total", True, True, ""), history.samples(), span, 9)
    history.sample(BEGAN)
    taken = history.samples()
    assert json.loads(frame(Target("A", "rate(dead_total[5m])", True, True, ""), taken, span, 9))["meta"][1:] == []
    with pytest.raises(PromqlError, match="alerts are kept by Prometheus, and Grafana shows them"):
        frame(Target("A", "sum(ALERTS)", True, True, ""), taken, span, 9)
