"""The streams that the property tests draw reach what they are meant to reach, and the reference keeps its promises."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference import MODELS, ONE, attribute
from tests.strategies import CATALOGUE, Stream, streams


def test_the_streams_reach_every_outcome_reason_and_status() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=200, derandomize=True, database=None)
    @given(streams(conflicts=True))
    def draw(stream: Stream) -> None:
        result = attribute(CATALOGUE, stream)
        seen.update(reason or outcome for _, outcome, reason in result.outcomes)
        for row in result.conversions.values():
            seen.update(
                (row["status"], row["customer"], row["currency"], f"reason {row['reason']}", *row["touch_action"])
            )
        seen.update(["unknown_order"] * bool(result.unknown_orders))

    draw()
    reasons = [f"reason {reason}" for reason in ("", "no_consent", "no_token", "out_of_window", "no_touch")]
    outcomes = ["accepted", "duplicate", "ignored", "no_consent", "malformed", "oversized", "unknown_order"]
    statuses = ["open", "partly_reversed", "reversed", "new", "returning", "unknown", "NOK", "EUR"]
    actions = ["token", "click", "like", "view"]
    assert {*reasons, *outcomes, *statuses, *actions} <= set(seen)


@given(streams(conflicts=True))
def test_credit_and_value_add_up_exactly(stream: Stream) -> None:
    result = attribute(CATALOGUE, stream)
    for row in result.conversions.values():
        whole = 0 if row["status"] == "reversed" or row["reason"] else ONE
        assert {model: sum(row["credit"][model]) for model in MODELS} == dict.fromkeys(MODELS, whole)
    for model in MODELS:
        figures = [row for key, row in result.goal_attribution.items() if key[2] == model]
        assert sum(row[0] + row[2] for row in figures) == ONE * len(result.conversions)
        assert sum(row[1] for row in figures) == sum(row["value"] for row in result.conversions.values())
        assert sum(row[3] for row in figures) == sum(row["reversed_value"] for row in result.conversions.values())


@given(streams(), st.randoms(use_true_random=False))
def test_the_result_does_not_depend_on_arrival(stream: Stream, random: st.DataObject) -> None:
    shuffled = stream + stream[: len(stream) // 2]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = attribute(CATALOGUE, stream), attribute(CATALOGUE, shuffled)
    assert one.conversions == other.conversions
    assert one.goal_attribution == other.goal_attribution
    assert one.engagement_counts == other.engagement_counts
    assert one.unknown_orders == other.unknown_orders
