"""The reference keeps its promises on the streams that the property tests draw."""

from hypothesis import given
from hypothesis import strategies as st

from tests.reference import MODELS, ONE, attribute
from tests.strategies import CATALOGUE, Stream, streams


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
