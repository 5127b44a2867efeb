"""Panels of metrics as the page draws them: PromQL over this worker's own history, as ClickHouse's JSON columns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import numpy as np

from streams.page import promql
from streams.page.dashboards import Target
from streams.page.history import EVERY
from streams.page.promql import Array, Labels, PromqlError, Samples
from streams.page.times import Range, in_words, interval

ELSEWHERE = "alerts are kept by Prometheus, and Grafana shows them"
_LEAST = f"{EVERY:g}s"


def frame(target: Target, samples: Samples, span: Range, points: int) -> bytes:
    """The answer to one target: a column `time` (s) and one for each series. Raises PromqlError."""
    span = _kept(samples, span)
    step = interval(span, points, _LEAST)
    expression = promql.parse(_with_intervals(target.text, step))
    if (name := promql.metric(expression)) not in samples.names:
        raise PromqlError(ELSEWHERE if name == "ALERTS" else f"{name} is no metric of this worker; Grafana may show it")
    steps = _steps(span, step) if target.series else np.array([float(span.end)])
    vector = promql.evaluate(expression, samples, steps)
    columns = {_name(target.legend, labels): values for labels, values in sorted(vector.items())}
    return _json(steps, {name: values for name, values in columns.items() if not np.isnan(values).all()}, span)


def _kept(samples: Samples, span: Range) -> Range:
    """The part of the range that is in memory; a range before it is left as it is, and finds nothing."""
    start = max(span.start, int(samples.times[0])) if samples.times.size else span.start
    return Range(start, span.end) if start < span.end else span


def _with_intervals(text: str, step: int) -> str:
    """`$__rate_interval` holds at least four samples, as in Grafana."""
    sample = int(EVERY * 1000)
    text = text.replace("$__rate_interval", in_words(max(4 * sample, step + sample)))
    return text.replace("$__interval", in_words(step))


def _steps(span: Range, step: int) -> Array:
    return np.arange(-(-span.start // step) * step, span.end + 1, step, dtype=np.float64)


def _name(legend: str, labels: Labels) -> str:
    if legend:
        values = dict(labels)
        return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: values.get(found[1], ""), legend)
    return ", ".join(value for _, value in labels) or "value"


def _json(steps: Array, columns: dict[str, Array], span: Range) -> bytes:
    kinds = [("time", "DateTime64(3)"), *((name, "Float64") for name in columns)]
    answer = {
        "meta": [{"name": name, "type": kind} for name, kind in kinds],
        "data": {"time": (steps / 1000).tolist()} | {name: _numbers(values) for name, values in columns.items()},
        "span": [span.start, span.end],
        "note": "This worker only, over the last hour that it ran",
    }
    return json.dumps(answer).encode()


def _numbers(values: Iterable[float]) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
