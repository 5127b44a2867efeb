"""The forms of PromQL that the page knows, against hand-made samples and against Prometheus' own rules."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streams.page.promql import FunctionCall, Labels, PromqlError, Samples, Selector, evaluate, parse

TIMES = np.asarray(np.arange(13) * 5000.0, np.float64)  # one minute
NAN = math.nan
Series = dict[tuple[str, Labels], NDArray[np.float64]]


def samples(**series: Any) -> Samples:
    made = {
        ("x", tuple(sorted({"topic": name, "kind": name[0]}.items()))): np.array(v, float) for name, v in series.items()
    }
    return Samples(TIMES, made, frozenset({"x"}))


def at(expression: str, taken: Samples, *steps: float) -> dict[tuple[str, ...], list[float]]:
    vector = evaluate(parse(expression), taken, np.array(steps))
    return {tuple(value for _, value in labels): values.tolist() for labels, values in vector.items()}


def test_forms_are_read() -> None:
    assert parse('max by (a, b) (x{l="v", m!~"w.*"})') == FunctionCall(
        "max", Selector("x", (("l", "=", "v"), ("m", "!~", "w.*"))), ("a", "b")
    )
    assert parse("sum(rate(x[5m])) by (a)") == FunctionCall(
        "sum", FunctionCall("rate", Selector("x", (), 300_000)), ("a",)
    )
    assert parse("histogram_quantile(0.99, x)") == FunctionCall("histogram_quantile", Selector("x"), number=0.99)


@pytest.mark.parametrize(
    "text",
    ["", "x +", "x + y", "topk(3, x)", "rate(x)", "x[5m]", "sum(x", "x{a=1}", "x > 0", "x offset 5m", "5", "x{a~'b'}"],
)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(PromqlError, match="the page does not know this form of PromQL"):
        parse(text)


def test_the_newest_sample_counts_until_it_is_stale() -> None:
    taken = samples(one=range(13))
    assert at("x", taken, -1, 0, 4999, 60_000, 359_000, 361_000) == {
        ("o", "one"): [pytest.approx(NAN, nan_ok=True), 0, 0, 12, 12, pytest.approx(NAN, nan_ok=True)]
    }


def test_labels_choose_and_group() -> None:
    taken = samples(one=[1] * 13, other=[2] * 13, two=[4] * 13)
    assert at("sum(x)", taken, 60_000) == {(): [7]}
    assert at("sum by (kind) (x)", taken, 60_000) == {("o",): [3], ("t",): [4]}
    assert at('max(x{topic=~"o.*"})', taken, 60_000) == {(): [2]}
    assert at('avg by (kind) (x{topic!="two"})', taken, 60_000) == {("o",): [1.5]}
    assert at('x{topic="none"}', taken, 60_000) == {}


def test_a_rate_counts_restarts_and_late_starts() -> None:
    taken = samples(
        steady=np.arange(13) * 10, restarted=[0, 10, 20, 30, 0, 10, *[10] * 7], late=[NAN] * 10 + [5, 15, 25]
    )
    rates = at("rate(x[1m])", taken, 60_000)
    assert rates == {
        ("s", "steady"): [2.0],
        ("r", "restarted"): [pytest.approx(30 / 55)],
        ("l", "late"): [2.0],
    }
    assert at("increase(x[30s])", taken, 60_000)[("s", "steady")] == [50]
    assert np.isnan(at("rate(x[5s])", taken, 60_000)[("s", "steady")]).all()


def test_a_gauge_that_is_gone_is_left_out_of_a_sum() -> None:
    taken = samples(one=[1] * 13, other=[2] * 6 + [NAN] * 7)
    assert at("sum(x)", taken, 0, 60_000) == {(): [3, 1]}


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6), st.floats(0.01, 0.99))
def test_a_quantile_is_between_the_bounds_of_its_bucket(counts: list[int], wanted: float) -> None:
    bounds = [*(float(n + 1) for n in range(len(counts) - 1)), math.inf]
    cumulative = np.cumsum(counts)
    series: Series = {
        ("x", (("le", str(bound).replace("inf", "+Inf")),)): np.full(13, float(n))
        for bound, n in zip(bounds, cumulative, strict=True)
    }
    found = evaluate(parse(f"histogram_quantile({wanted}, x)"), Samples(TIMES, series), np.array([60_000.0]))[()][0]
    if not cumulative[-1]:
        assert math.isnan(found)
        return
    bucket = int(np.argmax(cumulative >= wanted * cumulative[-1]))
    low = bounds[bucket - 1] if bucket else 0.0
    assert low <= found <= (bounds[bucket] if math.isfinite(bounds[bucket]) else low)


def test_a_quantile_is_linear_in_its_bucket() -> None:
    series: Series = {
        ("x", (("le", bound), ("t", "a"))): np.full(13, n) for bound, n in (("1.0", 0.0), ("2.0", 4.0), ("+Inf", 4.0))
    }
    vector = evaluate(parse("histogram_quantile(0.25, sum by (le) (x))"), Samples(TIMES, series), np.array([60_000.0]))
    assert vector == {(): [1.25]}
