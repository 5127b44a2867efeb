"""Orders as large as there may be, many in one minute: the ledger's sums are those of the reference."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.core.events.batch import Batch
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from tests.property.test_ledger import slow
from tests.support.driver import KEY
from tests.support.judged import expected
from tests.support.messages import NOON, order, touch
from tests.support.strategies import CATALOGUE, CATALOGUE_TEXT, GIANT_AMOUNTS, Stream, streams
from tests.support.tables import Database

Rows = dict[Any, list[int]]


@slow
@given(streams(amounts=GIANT_AMOUNTS), st.integers(0, 30))
def test_sums_of_giant_amounts_are_those_of_the_reference(stream: Stream, more: int) -> None:
    seen = [("engagement", touch(f"giant-{n}", NOON - n, "paper" if n % 2 else "autumn")) for n in range(more % 7)]
    bought = [("checkout", order(f"more-{n}", NOON, f"more-{n}", GIANT_AMOUNTS[n % 3])) for n in range(more)]
    topics = ("engagement", "identity", "checkout")
    stream = sorted([*stream, *seen, *bought], key=lambda record: topics.index(record[0]))
    ledger, database = Ledger(LedgerSettings(CATALOGUE, KEY, replay=True)), Database()
    for topic in topics:
        values = [value for name, value in stream if name == topic]
        ledger.apply(Batch(topic, values, [None] * len(values), range(len(values))))
    ledger.report()
    database.write(ledger.changes(version=1))
    found, wanted = database.goal_attribution(), expected(stream, CATALOGUE_TEXT).goal_attribution
    assert by_model(found, "time_decay", False) == by_model(wanted, "time_decay", False)
    assert totals(found) == totals(wanted)
    for cell, amounts in by_model(wanted, "time_decay", True).items():
        near = zip(amounts, found.get(cell, [0] * 4), strict=True)
        assert max(abs(a - b) for a, b in near) <= len(stream)  # a weight has 62 bits, a giant amount nearly as many


def by_model(rows: Rows, model: str, is_it: bool) -> Rows:
    return {cell: amounts for cell, amounts in rows.items() if (cell[2] == model) is is_it}


def totals(rows: Rows) -> Rows:
    """By goal and model."""
    sums: Rows = {}
    for (_, goal, model, *_), amounts in rows.items():
        sums[goal, model] = [a + b for a, b in zip(sums.get((goal, model), [0] * 4), amounts, strict=True)]
    return sums
