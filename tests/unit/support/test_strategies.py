"""The oracle keeps its promises on the streams that the property tests draw."""

from hypothesis import given

from tests.oracle import attribute
from tests.oracle.credit import MODELS, ONE
from tests.support.strategies import CATALOGUE_TEXT, Stream, streams


@given(streams(conflicts=True))
def test_credit_and_value_add_up_exactly(stream: Stream) -> None:
    result = attribute(CATALOGUE_TEXT, stream)
    for row in result.conversions.values():
        whole = 0 if row["status"] == "reversed" or row["reason"] else ONE
        assert {model: sum(row["credit"][model]) for model in MODELS} == dict.fromkeys(MODELS, whole)
    for model in MODELS:
        figures = [row for key, row in result.goal_attribution.items() if key[2] == model]
        assert sum(row[0] + row[2] for row in figures) == ONE * len(result.conversions)
        assert sum(row[1] for row in figures) == sum(row["value"] for row in result.conversions.values())
        assert sum(row[3] for row in figures) == sum(row["reversed_value"] for row in result.conversions.values())
