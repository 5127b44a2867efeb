"""Numbers, days and texts as the readers of a language write them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from streams.texts import language
from streams.texts.language import Language


@pytest.mark.parametrize(
    ("code", "number", "percent", "day", "short", "moment"),
    [
        ("en", "\u22121 234 567.50", "12.3 %", "8 November 2026", "2026-11-08", "2026-11-08 09:05"),
        ("nb", "\u22121 234 567,50", "12,3 %", "8. november 2026", "08.11.2026", "08.11.2026 09:05"),
    ],
)
def test_numbers_and_days(code: str, number: str, percent: str, day: str, short: str, moment: str) -> None:
    said = language(code)
    assert said.number(Decimal("-1234567.50")) == number
    assert said.percent(Decimal("12.3")) == percent
    assert (said.day(date(2026, 11, 8)), said.short_day(date(2026, 11, 8))) == (day, short)
    assert said.moment(datetime(2026, 11, 8, 9, 5, tzinfo=UTC)) == moment


@pytest.mark.parametrize("code", ["en", "nb"])
def test_nothing_is_not_less_than_nothing(code: str) -> None:
    assert language(code).percent(round(Decimal("-0.3"), 0)) == "0 %"


def test_texts_are_translated_and_filled_and_names_of_others_are_not_read_as_places() -> None:
    said = language("nb")
    assert said("Did it pay?") == "Lønte det seg?"
    assert said("No conversions from: {names}", names="{x} {0}") == "Ingen konverteringer fra: {x} {0}"
    assert said("what nobody translated") == "what nobody translated"
    assert Language("en", {})("Did it pay?") == "Did it pay?"


def test_another_language_is_refused() -> None:
    with pytest.raises(ValueError, match='there is no language "fr"; choose one of: en, nb'):
        language("fr")
