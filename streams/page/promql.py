"""The few forms of PromQL that our dashboards use, over samples in memory. Pure.

`x{l="v"}`, `rate(x[5m])`, `increase(x[5m])`, `sum|min|max|avg [by (l, …)] (…)` and `histogram_quantile(0.9, …)`. A
rate is what a counter rose, restarts taken into account, over the time between the first and the last sample of the
window; unlike Prometheus' it is not extrapolated to the window's ends. The quantile is Prometheus': linear in a bucket.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from streams.page.times import duration_ms

Array = npt.NDArray[np.float64]
Labels = tuple[tuple[str, str], ...]
Vector = dict[Labels, Array]

STALE_MS = 300_000  # a sample speaks for five minutes, as in Prometheus
_TOKEN = re.compile(r'\s*([A-Za-z_:][\w:]*|\d+(?:\.\d+)?|"(?:[^"\\]|\\.)*"|=~|!~|!=|\[[^\]]*\]|[(){}=,])')
_AGGREGATES: dict[str, Callable[..., Array]] = {
    "sum": np.nansum,
    "min": np.nanmin,
    "max": np.nanmax,
    "avg": np.nanmean,
}
_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "=": lambda wanted, value: value == wanted,
    "!=": lambda wanted, value: value != wanted,
    "=~": lambda wanted, value: re.fullmatch(wanted, value) is not None,
    "!~": lambda wanted, value: re.fullmatch(wanted, value) is None,
}


class PromqlError(ValueError):
    """An expression of another form; the text says what is not known."""


@dataclass(frozen=True, slots=True)
class Selector:
    """The series of one name whose labels match; `window_ms` 0 is the newest sample."""

    name: str
    matchers: tuple[tuple[str, str, str], ...] = ()
    window_ms: int = 0


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """`rate`, `increase`, an aggregate with its labels, or `histogram_quantile` with its number."""

    function: str
    inner: Expression
    by: tuple[str, ...] = ()
    number: float = 0.0


Expression = Selector | FunctionCall


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples taken at `times` (ms, ascending) of each series by (name, labels); NaN before a series began.

    `names` are those that may have series, whether they have yet or not.
    """

    times: Array
    series: Mapping[tuple[str, Labels], Array]
    names: frozenset[str] = frozenset()


def evaluate(expression: Expression, samples: Samples, steps: Array) -> Vector:
    """The value of each resulting series at each of `steps` (ms); NaN where there is none."""
    if isinstance(expression, Selector):
        return _newest(expression, samples, steps)
    if isinstance(expression.inner, Selector) and expression.function in ("rate", "increase"):
        return _rate(expression.inner, samples, steps, per_second=expression.function == "rate")
    inner = evaluate(expression.inner, samples, steps)
    if expression.function == "histogram_quantile":
        return _quantile(expression.number, inner)
    return _aggregate(expression, inner)


def metric(expression: Expression) -> str:
    """The metric that an expression is about."""
    return expression.name if isinstance(expression, Selector) else metric(expression.inner)


def parse(text: str) -> Expression:
    """The expression. Raises PromqlError."""
    parser = _Parser(text)
    expression = parser.expression()
    if not parser.at_end:
        raise parser.unknown()
    return expression


class _Parser:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    @property
    def at_end(self) -> bool:
        return not self._text[self._at :].strip()

    def unknown(self) -> PromqlError:
        rest = self._text[self._at :].strip() or "the end"
        return PromqlError(f"the page does not know this form of PromQL, from {rest!r} on; Grafana shows this panel")

    def expression(self) -> Expression:
        name = self._next()
        if name in _AGGREGATES:
            return self._aggregate(name)
        if name in ("rate", "increase"):
            self._expect("(")
            inner = self._selector(self._next())
            self._expect(")")
            if not inner.window_ms:
                raise self.unknown()
            return FunctionCall(name, inner)
        if name == "histogram_quantile":
            return self._quantile()
        selector = self._selector(name)
        if selector.window_ms:
            raise self.unknown()
        return selector

    def _aggregate(self, name: str) -> FunctionCall:
        by = self._labels() if self._accept("by") else ()
        self._expect("(")
        inner = self.expression()
        self._expect(")")
        return FunctionCall(name, inner, by or (self._labels() if self._accept("by") else ()))

    def _quantile(self) -> FunctionCall:
        self._expect("(")
        number = self._next()
        self._expect(",")
        inner = self.expression()
        self._expect(")")
        try:
            return FunctionCall("histogram_quantile", inner, number=float(number))
        except ValueError:
            raise self.unknown() from None

    def _selector(self, name: str) -> Selector:
        if not re.fullmatch(r"[A-Za-z_:][\w:]*", name):
            raise self.unknown()
        matchers: list[tuple[str, str, str]] = []
        if self._accept("{"):
            while not self._accept("}"):
                matchers.append((self._next(), self._next(), self._string()))
                self._accept(",")
        if any(operator not in _MATCHES for _, operator, _ in matchers):
            raise self.unknown()
        selector = Selector(name, tuple(matchers))
        window = self._peek()
        if window.startswith("["):
            self._next()
            return replace(selector, window_ms=duration_ms(window[1:-1]))
        return selector

    def _labels(self) -> tuple[str, ...]:
        self._expect("(")
        labels = []
        while not self._accept(")"):
            labels.append(self._next())
            self._accept(",")
        return tuple(labels)

    def _string(self) -> str:
        if not self._peek().startswith('"'):
            raise self.unknown()
        return re.sub(r"\\(.)", r"\1", self._next()[1:-1])

    def _peek(self) -> str:
        found = _TOKEN.match(self._text, self._at)
        return found[1] if found else ""

    def _accept(self, token: str) -> bool:
        if self._peek() == token:
            self._next()
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._accept(token):
            raise self.unknown()

    def _next(self) -> str:
        found = _TOKEN.match(self._text, self._at)
        if not found:
            raise self.unknown()
        self._at = found.end()
        return found[1]


def _matching(selector: Selector, samples: Samples) -> dict[Labels, Array]:
    def matches(labels: Labels) -> bool:
        values = dict(labels)
        return all(_MATCHES[operator](wanted, values.get(label, "")) for label, operator, wanted in selector.matchers)

    return {
        labels: values for (name, labels), values in samples.series.items() if name == selector.name and matches(labels)
    }


def _newest(selector: Selector, samples: Samples, steps: Array) -> Vector:
    last = np.searchsorted(samples.times, steps, side="right") - 1
    fresh = (last >= 0) & (steps - samples.times[last] <= STALE_MS)
    return {labels: np.where(fresh, values[last], np.nan) for labels, values in _matching(selector, samples).items()}


def _rate(selector: Selector, samples: Samples, steps: Array, per_second: bool) -> Vector:
    last = np.searchsorted(samples.times, steps, side="right") - 1
    first = np.searchsorted(samples.times, steps - selector.window_ms, side="right")
    rates = {}
    for labels, values in _matching(selector, samples).items():
        began = np.maximum(first, int(np.argmax(~np.isnan(values))))
        enough = (last > began) & ~np.isnan(values[last])
        rose = np.concatenate(([0.0], np.cumsum(_rises(values))))
        seconds = np.where(enough, samples.times[last] - samples.times[np.minimum(began, last)], 1.0) / 1000
        rise = rose[last] - rose[np.minimum(began, last)]
        rates[labels] = np.where(enough, rise / seconds if per_second else rise, np.nan)
    return rates


def _rises(values: Array) -> Array:
    """What a counter rose from each sample to the next; one that fell began anew at 0."""
    rises = np.diff(values)
    return np.nan_to_num(np.where(rises < 0, values[1:], rises))


def _aggregate(call: FunctionCall, inner: Vector) -> Vector:
    groups: defaultdict[Labels, list[Array]] = defaultdict(list)
    for labels, values in inner.items():
        groups[tuple((name, value) for name, value in labels if name in call.by)].append(values)
    return {labels: _over(_AGGREGATES[call.function], group) for labels, group in groups.items()}


def _over(aggregate: Callable[..., Array], group: Sequence[Array]) -> Array:
    values = np.array(group)
    seen = ~np.isnan(values).all(axis=0)
    result = np.full(values.shape[1], np.nan)
    result[seen] = aggregate(values[:, seen], axis=0)
    return result


def _quantile(wanted: float, inner: Vector) -> Vector:
    """Of the cumulative buckets that differ only in `le`."""
    groups: defaultdict[Labels, dict[float, Array]] = defaultdict(dict)
    for labels, values in inner.items():
        bound = dict(labels).get("le")
        if bound is not None:
            groups[tuple(pair for pair in labels if pair[0] != "le")][float(bound)] = values
    return {labels: _interpolated(wanted, buckets) for labels, buckets in groups.items()}


def _interpolated(wanted: float, buckets: Mapping[float, Array]) -> Array:
    bounds = np.array(sorted(buckets))
    counts = np.nan_to_num(np.array([buckets[bound] for bound in bounds]))
    rank = wanted * counts[-1]
    bucket = np.minimum((counts < rank).sum(axis=0), len(bounds) - 1)
    column = np.arange(counts.shape[1])
    below = np.where(bucket > 0, counts[bucket - 1, column], 0.0)
    inside = counts[bucket, column] - below
    low = np.where(bucket > 0, bounds[bucket - 1], 0.0)
    high = np.where(np.isinf(bounds[bucket]), low, bounds[bucket])
    share = np.divide(rank - below, inside, out=np.zeros_like(rank), where=inside > 0)
    return np.where(counts[-1] > 0, low + (high - low) * share, np.nan)
