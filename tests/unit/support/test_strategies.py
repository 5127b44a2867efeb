"""The oracle keeps its promises on the streams that the property tests draw."""

from hypothesis import given

from tests.oracle import attribute
from tests.support.judged import assert_adds_up
from tests.support.strategies import CATALOGUE_TEXT, Stream, streams


@given(streams(conflicts=True))
def test_credit_and_value_add_up_exactly(stream: Stream) -> None:
    result = attribute(CATALOGUE_TEXT, stream)
    assert_adds_up(result)
