"""Credit: worked out once, where conversions are added up, and shown by their rows."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import pytest

from streams.core.attribution.conversion import WITHDRAWN, Conversion
from streams.core.attribution.models import MODELS, Journeys, Shares
from streams.core.orders.value import PARTLY, REVERSED
from streams.core.rows.aggregates import Aggregates
from streams.core.rows.pending import PendingRows
from tests.support.driver import CATALOGUE
from tests.support.messages import NOON
from tests.support.statements import kinds, statement
from tests.support.tables import rows

Pair = tuple[Conversion, Conversion | None]
HOUR = NOON // 3_600_000


def written(*reports: Sequence[Pair], anonymise: int | None = None) -> dict[str, dict[str, Any]]:
    """The rows of conversions after those reports, by id."""
    words = kinds()
    totals, pending = Aggregates(words, "live", 0), PendingRows(CATALOGUE, words)
    for pairs in reports:
        pending.stated([statement for statement, _ in pairs], totals.stated(HOUR, pairs))
    if anonymise is not None:
        pending.anonymise(anonymise)
    return {row["conversion_id"]: row for row in rows(pending.rows()["conversions"])}


def linear(found: dict[str, dict[str, Any]]) -> dict[str, list[int]]:
    return {name: row["credit"]["linear"] for name, row in found.items()}


def test_each_conversion_is_shared_out_once_by_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Counter[str]()

    def counting(model: str, journeys: Journeys) -> Shares:
        seen[model] += len(journeys.lengths)
        return models[model](journeys)

    models = dict(MODELS)
    for name in models:
        monkeypatch.setitem(cast(dict[str, Any], MODELS), name, partial(counting, name))
    some: list[Pair] = [(statement(0, 1, order_id=f"{number}"), None) for number in range(5)]
    assert set(linear(written(some, [(statement(order_id="none", reason="no_touch"), None)]))) == {*"01234", "none"}
    assert seen == dict.fromkeys(models, 5)


def test_each_row_has_the_credit_of_its_own_touches() -> None:
    some = [
        statement(order_id="none", reason="no_touch"),
        statement(0, order_id="one"),
        statement(0, 1, 2, order_id="three", remaining=1, status=PARTLY),
        statement(1, 2, order_id="back", remaining=0, status=REVERSED),
        statement(3, 1, order_id="two"),
    ]
    reports = [[(each, None)] for each in some[2:]], [[(each, None) for each in some]]
    wanted = {
        "one": [1_000_000],
        "three": [333_334, 333_333, 333_333],
        "back": [0, 0],
        "two": [500_000, 500_000],
        "none": [],
    }
    assert linear(written(*reports[0], *reports[1])) == linear(written(*reports[1], *reports[0])) == wanted


def test_of_what_is_stated_again_before_its_rows_are_made_the_last_counts() -> None:
    first, other = statement(0), statement(0, 1, order_id="other", cause="late_touch")
    again, last = statement(0, 1, cause="reversal"), statement(0, 1, 2, cause="late_touch")
    at_once: list[Pair] = [(first, None), (other, other), (again, first), (last, again)]
    wanted = {"o": [333_334, 333_333, 333_333], "other": [500_000, 500_000]}
    assert linear(written(at_once)) == linear(written(*([pair] for pair in at_once))) == wanted


def test_who_is_forgotten_leaves_the_credit_and_what_is_withdrawn_none() -> None:
    some: list[Pair] = [(statement(0, 1, user=7), None), (statement(1, user=8, order_id="kept"), None)]
    found = written(some, anonymise=7)
    assert [(row["user"], row["credit"]["last"]) for row in found.values()] == [(0, [0, 1_000_000]), (8, [1_000_000])]
    gone = statement(value=0, remaining=0, user=0, order_id="kept", status=WITHDRAWN)
    assert linear(written(some, [(gone, some[1][0])])) == {"o": [500_000, 500_000], "kept": []}
