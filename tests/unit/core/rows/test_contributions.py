"""Contributions: what statements add to the aggregates, exactly."""

from collections import Counter

import pytest
from msgspec import structs

from streams.core.attribution.conversion import WITHDRAWN, Conversion
from streams.core.attribution.models import MODELS
from streams.core.columns.dictionary import Dictionary
from streams.core.orders.value import PARTLY, REVERSED
from streams.core.parsing.units import LARGEST, MINUTE
from streams.core.rows.contributions import CELL_BITS, UNATTRIBUTED, AggregateKey, contributions
from tests.support.messages import NOON
from tests.support.statements import WHOLE, kinds, statement


def summed(*statements: Conversion) -> dict[tuple[int, str, str, str, str, str, int], list[int]]:
    """(minute, goal, customer, reason, currency, model, means) -> the four sums."""
    cells: Dictionary[AggregateKey] = Dictionary()
    sums: dict[tuple[int, str, str, str, str, str, int], list[int]] = {}
    for part in contributions(statements, kinds(), cells).parts:
        for key, amounts in zip(part.keys[0].tolist(), part.amounts.tolist(), strict=True):
            cell = cells.words[key & ((1 << CELL_BITS) - 1)]
            standing = sums.setdefault((key >> CELL_BITS, *cell[:-1]), [0, 0, 0, 0])
            standing[:] = [a + b for a, b in zip(standing, amounts, strict=True)]
    return sums


def of_model(model: str, *statements: Conversion) -> dict[int, list[int]]:
    """The four sums by means: 0 is (a, x), 1 is (b, x), 2 is (a, y)."""
    return {key[-1]: amounts for key, amounts in summed(*statements).items() if key[-2] == model}


def test_an_order_is_shared_by_means_whatever_the_actions_were() -> None:
    assert of_model("linear", statement(0, 1, 3)) == {
        0: [666_667, 666_667, 0, 0],
        1: [333_333, 333_333, 0, 0],
    }
    assert of_model("last", statement(0, 1)) == {0: [0, 0, 0, 0], 1: [WHOLE, WHOLE, 0, 0]}


def test_what_was_taken_back_stands_beside_what_remains() -> None:
    partly = statement(0, 1, remaining=400_001, status=PARTLY)
    assert of_model("linear", partly) == {0: [500_000, 200_001, 0, 299_999], 1: [500_000, 200_000, 0, 300_000]}
    reversed_ = statement(0, 1, remaining=0, status=REVERSED)
    assert of_model("linear", reversed_) == {0: [0, 0, 500_000, 500_000], 1: [0, 0, 500_000, 500_000]}


def test_what_is_withdrawn_adds_nothing() -> None:
    assert summed(statement(0, status=WITHDRAWN), statement(status=WITHDRAWN)) == {}


def test_without_touches_an_order_counts_for_its_reason() -> None:
    assert of_model("shapley", statement(reason="no_touch")) == {UNATTRIBUTED: [WHOLE, WHOLE, 0, 0]}
    keys = {key[:-2] for key in summed(statement(reason="no_touch"))}
    assert keys == {(NOON // MINUTE, "g", "new", "no_touch", "NOK")}


def test_the_cause_of_a_restatement_is_in_each_of_its_cells() -> None:
    cells: Dictionary[AggregateKey] = Dictionary()
    both = contributions([statement(0), statement(reason="no_touch")], kinds(), cells, ["", "reversal"]).parts
    for i, cause in enumerate(("", "reversal")):
        codes = {key & ((1 << CELL_BITS) - 1) for part in both for key in part.keys[i].tolist()}
        assert {cells.words[code].cause for code in codes} == {cause}


def test_orders_of_one_minute_and_cell_are_added_up() -> None:
    some = [statement(0), statement(0, time=NOON + 59_999), statement(0, time=NOON + 60_000), statement(0, goal="h")]
    assert len(summed(*some)) == 3 * len(MODELS)
    assert summed(*some)[NOON // MINUTE, "g", "new", "", "NOK", "first", 0] == [2 * WHOLE, 2 * WHOLE, 0, 0]


@pytest.mark.parametrize("value", [0, 1, WHOLE, LARGEST])
@pytest.mark.parametrize("remaining", [0, 1, 333_333, LARGEST])
def test_every_model_adds_up_exactly(value: int, remaining: int) -> None:
    remaining = min(value, remaining)
    some = statement(0, 1, 2, 3, 0, 1, 1, value=value, remaining=remaining, status=PARTLY)
    totals: dict[str, Counter[int]] = {}
    for key, amounts in summed(some, structs.replace(some, status=REVERSED)).items():
        totals.setdefault(key[-2], Counter()).update(dict(enumerate(amounts)))
    wanted = {0: WHOLE, 1: 2 * remaining, 2: WHOLE, 3: 2 * (value - remaining)}
    assert totals == dict.fromkeys(MODELS, wanted)
