"""Cost records: what is read, what is refused and why; JSON and the cells of a table alike."""

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.catalogue.parse import parse
from streams.core.events.batch import Batch
from streams.core.events.costs.cost import Cost, CostBatch, decode, from_cells, identified, take
from streams.core.parsing.decoding import Rejected, attempt

EXAMPLES = Path(__file__).parents[5] / "schemas" / "events" / "examples"
NOVEMBER = (date(2026, 11, 1) - date(1970, 1, 1)).days
CATALOGUE = parse("""
base_currency = "NOK"
[[goal]]
id = "g"
event = "Order Completed"
[[campaign]]
id = "autumn"
name = "Autumn on Facebook"
aliases = ["høst"]
""")
MONEY = {"campaign": "autumn", "day": "2026-11-01", "kind": "money", "amount": "1500.00", "currency": "NOK", "id": "88"}
HOURS = {**MONEY, "kind": "hours", "amount": "6.5", "rate": "50.00"}


def record(**changes: object) -> bytes:
    return json.dumps({**MONEY, **changes}).encode()


def test_money_and_hours_are_millionths() -> None:
    spent = Cost("88", "autumn", NOVEMBER, "money", 1_500_000_000, 0, "NOK")
    worked = Cost("88", "autumn", NOVEMBER, "hours", 6_500_000, 50_000_000, "NOK")
    assert decode(record()) == from_cells(MONEY) == spent
    assert decode(record(**HOURS)) == from_cells(HOURS) == worked


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("valid/cost/*.json")), ids=lambda path: path.stem)
def test_a_valid_example_is_read(path: Path) -> None:
    example, cost = json.loads(path.read_bytes()), decode(path.read_bytes())
    assert asdict(cost).items() >= {name: example[name] for name in ("id", "campaign", "kind", "currency")}.items()
    assert cost.amount == round(float(example["amount"]) * 1e6)
    assert cost.rate == round(float(example.get("rate") or 0) * 1e6)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("invalid/cost/*.json")), ids=lambda path: path.stem)
def test_an_invalid_example_is_refused_by_its_field(path: Path) -> None:
    with pytest.raises(Rejected) as refused:
        decode(path.read_bytes())
    assert refused.value.reason == "malformed"
    field = next(word for word in path.stem.removeprefix("hours-").split("-") if word in (*MONEY, "rate"))
    assert field in refused.value.error or "rate" in refused.value.error


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"amount": True}, "`amount`: 'true' is not a decimal number"),
        ({"amount": float("nan")}, "invalid character"),
        ({"amount": "NaN"}, "`amount`: 'NaN' is not a decimal number"),
        ({"amount": "1 500"}, "not a decimal number"),
        ({"amount": "1500,00"}, "not a decimal number"),
        ({"amount": -0.5}, "`amount`: -0.5 is negative"),
        ({"amount": 10**12}, "is larger than 999999999999.999999"),
        ({"amount": [1]}, "`amount`"),
        ({"kind": "hours"}, "`rate` is missing: hours need what one of them costs"),
        ({"kind": "hours", "rate": "-1"}, "`rate`: -1 is negative"),
        ({"rate": 0}, "`rate` is for hours only"),
        ({"kind": "Money"}, "`kind` is 'Money'; it must be money or hours"),
        ({"day": "2026-02-30"}, "`day` is '2026-02-30', which is no day"),
        ({"day": "20261101"}, "`day` is '20261101'; it must be a day as in 2026-11-01"),
        ({"day": "1969-12-31"}, "from 1970-01-01 to 2149-06-06"),
        ({"day": "2149-06-07"}, "from 1970-01-01 to 2149-06-06"),
        ({"day": 20261101}, r"Expected `str`, got `int` - at `\$.day`"),
        ({"currency": "kr"}, "`currency` is 'kr', not three letters"),
        ({"currency": None}, r"at `\$.currency`"),
        ({"campaign": ""}, "`campaign` is empty"),
        ({"id": ""}, "`id` is empty"),
    ],
)
def test_a_refusal_says_what_is_wrong(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(Rejected, match=says) as refused:
        decode(record(**changes))
    assert refused.value.reason == "malformed"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, "malformed"),
        (b"", "malformed"),
        (b"[]", "malformed"),
        (b'"\xff"', "malformed"),
        (b" " * 65_537, "oversized"),
    ],
)
def test_what_is_no_record_is_refused(raw: bytes | None, reason: str) -> None:
    with pytest.raises(Rejected) as refused:
        decode(raw)
    assert refused.value.reason == reason


def test_cells_may_have_space_around_and_others_beside_them() -> None:
    cells = {name: f"  {text} " for name, text in HOURS.items()}
    assert from_cells({**cells, "note": "two evenings", "currency": "nok"}) == from_cells(HOURS)


def test_an_empty_cell_is_missing() -> None:
    assert from_cells({**MONEY, "rate": " "}) == from_cells(MONEY)
    with pytest.raises(Rejected, match="`amount`, `currency` are empty"):
        from_cells({**MONEY, "amount": "", "currency": " "})
    with pytest.raises(Rejected, match="`rate` is missing"):
        from_cells({**HOURS, "rate": ""})


def test_without_an_id_it_is_made_of_what_the_row_is_about() -> None:
    one, other = (from_cells({**MONEY, "id": "", "campaign": name}) for name in ("Autumn+Sale", "autumn  SALE"))
    assert one.id == ""
    (made,) = identified([one, other], "google")
    assert made.id == f"google/autumn sale/{MONEY['day']}/money/NOK"
    assert made.amount == one.amount + other.amount


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["1", "2"]), st.integers(0, 10**12))))
def test_what_is_added_up_is_exact_and_in_any_order_the_same(rows: list[tuple[str, str, int]]) -> None:
    costs = [Cost("", name, int(day), "money", amount, 0, "NOK") for name, day, amount in rows]
    found = identified(costs, "meta")
    assert sum(cost.amount for cost in found) == sum(cost.amount for cost in costs)
    assert {cost.id: cost.amount for cost in found} == {c.id: c.amount for c in identified(costs[::-1], "meta")}
    assert len(found) == len({row[:2] for row in rows})


@given(st.dictionaries(st.sampled_from([*MONEY, "rate"]), st.text(max_size=12) | st.sampled_from([*HOURS.values()])))
def test_cells_are_read_or_refused_whatever_they_hold(cells: dict[str, str]) -> None:
    found = attempt(from_cells, cells)
    assert found.reason == "malformed" if isinstance(found, Rejected) else min(found.day, found.amount, found.rate) >= 0


def versions(taken: CostBatch) -> list[int]:
    column = taken.columns["version"]
    assert isinstance(column, np.ndarray)
    found: list[int] = column.tolist()
    return found


def test_a_batch_becomes_rows_and_dead_letters() -> None:
    values = [record(campaign="HØST"), b"{", record(id="89", campaign="Jul"), record(amount=2)]
    taken = take(Batch("costs", values, [b"k"] * 4, [5, 6, 7, 9]), [1_000, 1_000, 999, 1_000], CATALOGUE)
    assert taken.columns["campaign"] == ["autumn", "jul", "autumn"]
    assert versions(taken) == [1_000_000_005, 999_000_007, 1_000_000_009]
    assert taken.outcomes.counts == {"accepted": 3, "dead_letter": 1}
    (letter,) = taken.outcomes.dead
    assert (letter.topic, letter.offset, letter.key, letter.value, letter.reason) == (
        "costs",
        6,
        b"k",
        b"{",
        "malformed",
    )


def test_a_batch_of_nothing_is_no_rows() -> None:
    assert versions(take(Batch("costs", [], [], []), [], CATALOGUE)) == []
