"""The field cases beside the repository: what each of them expects, in figures."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import Result, run

CASES = Path(os.environ.get("SHARED", Path(__file__).parents[4] / "shared")) / "cases"
pytestmark = pytest.mark.skipif(
    not CASES.is_dir() and os.environ.get("CI") != "true", reason="the field cases do not lie beside the repository"
)


def case(name: str, catalogue: str = "catalogue.toml", topics: tuple[str, ...] = ()) -> Result:
    """The result of a case's files, each in the topic of its name, or the whole in each of `topics`."""
    folder = CASES / name
    files = sorted(folder.glob("*.ndjson"))
    records = [
        (topic, None, line, ())
        for file in files
        for topic in topics or (file.stem,)
        for line in file.read_bytes().splitlines()
        if line
    ]
    return run(records, (folder / catalogue).read_text("utf-8"))


def column(result: Result, name: str, goal: str = "orders") -> dict[str, Any]:
    """A column by order; journeys of one touch as that touch."""
    rows = {key: row[name] for (of, key), row in result.conversions.items() if of == goal}
    return {key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in rows.items()}


def values(result: Result, goal: str = "orders") -> dict[str, float]:
    return {key: value / 1_000_000 for key, value in column(result, "value", goal).items()}


@pytest.mark.parametrize("topics", [("events",), ("engagement", "checkout", "identity")])
def test_01_one_topic(topics: tuple[str, ...]) -> None:
    result = case("01-one-topic-segment-stream", topics=topics)
    found = column(result, "touch_campaign")
    assert list(found.values()) == ["autumn", "brand", "(google)", "(email)", "(instagram)", "autumn"]
    assert list(found) == ["1001", "1002", "1003", "1004", "1005", "1006"]
    assert column(result, "touch_network")["1005"] == "instagram"
    assert (values(result)["1004"], set(column(result, "status").values())) == (30, {"open", "partly_reversed"})
    assert not result.dead_letters
    assert sum(n for (_, outcome, _), n in result.outcomes.items() if outcome == "accepted") == 18
    assert result.ignored["events", "page"] in (9, 0)


def test_03_consent() -> None:
    result = case("03-consent-category-case")
    assert list(column(result, "reason").values()) == ["no_consent"] * 4


def test_05_numbers_as_ids() -> None:
    assert list(column(case("05-numbers-as-ids"), "touch_campaign").values()) == ["autumn"] * 4


def test_06_refund_with_vat() -> None:
    result = case("06-refund-with-vat-of-order-without")
    assert values(result) == {"6001": 50, "6002": 38.72549}  # 79 of 204 by the contract: a share of the total
    assert list(column(result, "status").values()) == ["partly_reversed"] * 2


def test_08_order_updated() -> None:
    assert values(case("08-order-updated")) == {"8001": 60}


def test_09_thank_you_page_again() -> None:
    result = case("09-thank-you-page-again")
    for goal in ("orders", "new"):
        assert values(result, goal) == {"9001": 499}
        assert column(result, "touch_campaign", goal) == {"9001": "autumn"}
    assert column(result, "occurred_at") == {"9001": 1_793_696_400_000}


def test_13_spellings() -> None:
    found = column(case("13-utm-spellings"), "touch_campaign")
    assert [order for order, campaign in found.items() if campaign != "easter"] == ["1306", "1308", "1309"]


def test_17_money_as_text() -> None:
    result = case("17-money-as-text")
    read = [*[1299] * 7, *[49.9] * 3, 49, 0, 0, 0, 0, 1000, 5, 0.5, 5, 42, 0]
    assert list(values(result).values()) == read
    assert [key for key, known in column(result, "value_known").items() if not known] == [
        "1711",
        "1712",
        "1714",
        "1720",
    ]


def test_18_new_customers() -> None:
    result = case("18-new-customer-as-text")
    assert len(values(result)) == 10
    assert len(values(result, "new")) == 6
    assert Counter(column(result, "customer").values()) == {"new": 6, "returning": 2, "unknown": 2}


def test_19_php() -> None:
    result = case("19-php-empty-objects")
    assert list(values(result).values()) == [100, 100, 100, 100, 0, 100, 100]
    assert not result.dead_letters


def test_22_identify_with_one_id() -> None:
    result = case("22-identify-with-one-id")
    assert result.ignored == {("identity", "identify"): 3, ("identity", "group"): 1}
    assert column(result, "touch_campaign") == {"2201": "autumn"}


def test_24_spelling() -> None:
    result = case("24-event-name-spelling")  # the contract's names are one; other words are not
    assert set(values(result)) == {"2400", "2401", "2403"}
    assert result.ignored == {("checkout", "Completed Order"): 1, ("checkout", "purchase"): 1}
    assert result.unknown_orders == {"o5"}


def test_26_other_envelopes() -> None:
    assert case("26-other-envelopes").outcomes == {("checkout", "dead_letter", "malformed"): 10}


def test_27_a_byte_order_mark() -> None:
    assert case("27-file-forms").outcomes["bom-crlf", "accepted", ""] == 3


def test_34_coupons() -> None:
    assert set(column(case("34-coupons-as-shops-write-them"), "touch_campaign").values()) == {"friday-paper"}


def test_39_hostile_names() -> None:
    names = column(case("39-hostile-campaign-names"), "touch_campaign").values()
    assert len(names) == 9
    assert all(name.isprintable() and len(name) <= 200 for name in names)


def test_40_catalogue_mended_later() -> None:
    result = case("40-catalogue-mended-later")
    for goal in ("orders", "big"):
        assert list(column(result, "touch_campaign", goal).values()) == ["autumn"] * 3
    assert set(values(result, "big").values()) == {5}


def test_attack_02_no_utf_8() -> None:
    result = case("attack-02-where-undecodable")
    assert result.outcomes == {("checkout", "accepted", ""): 2, ("checkout", "dead_letter", "malformed"): 1}


def test_attack_04_sums() -> None:
    result = case("attack-04-sum-overflow")
    assert sum(column(result, "value", "revenue").values()) == 9_999_999_999_999_999_990
