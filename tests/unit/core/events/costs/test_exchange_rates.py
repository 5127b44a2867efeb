"""Rates as central banks publish them."""

from datetime import date

import pytest

from streams.core.events.costs.exchange_rates import Rate, read

ECB = "Date,USD,JPY,TRL,NOK,\n2026-11-27,1.1575,180.55,N/A,11.7655,\n2026-11-26,1.15,,N/A,11.7,\n"
NORGES_BANK = (
    "FREQ;Frequency;BASE_CUR;Base Currency;QUOTE_CUR;Quote Currency;TENOR;Tenor;DECIMALS;CALCULATED;UNIT_MULT;"
    "Unit Multiplier;COLLECTION;Collection Indicator;TIME_PERIOD;OBS_VALUE\n"
    "B;Business;EUR;Euro;NOK;Norwegian krone;SP;Spot;4;false;0;Units;C;ECB;2026-11-27;11.7655\n"
    "B;Business;JPY;Yen;NOK;Norwegian krone;SP;Spot;4;false;2;Hundreds;C;ECB;2026-11-27;6,5165\n"
    "B;Business;I44;Index;NOK;Norwegian krone;SP;Spot;2;true;0;Units;C;ECB;2026-11-27;120.5\n"
    "B;Business;TWI;Index;NOK;Norwegian krone;SP;Spot;2;true;0;Units;C;ECB;2026-11-27;120.5\n"
    "M;Monthly;EUR;Euro;NOK;Norwegian krone;SP;Spot;4;false;0;Units;A;Average;2026-11;11.7\n"
    "B;Business;USD;Dollar;NOK;Norwegian krone;SP;Spot;4;false;0;Units;C;ECB;2026-11-27;\n"
)
DAY, MICRO = date(2026, 11, 27), 1_000_000


def test_the_european_central_bank_says_units_for_one_euro() -> None:
    found = read(ECB)
    assert (found.source, found.errors) == ("ecb", [])
    assert found.rates[:3] == [
        Rate(DAY, "USD", "EUR", 1_157_500, MICRO),
        Rate(DAY, "JPY", "EUR", 180_550_000, MICRO),
        Rate(DAY, "NOK", "EUR", 11_765_500, MICRO),
    ]
    assert [rate.currency for rate in found.rates[3:]] == ["USD", "NOK"]


def test_its_file_of_one_day_is_read_too() -> None:
    assert read("Date, USD, NOK, \n27 November 2026, 1.1575, 11.7655, \n").rates == [
        Rate(DAY, "USD", "EUR", 1_157_500, MICRO),
        Rate(DAY, "NOK", "EUR", 11_765_500, MICRO),
    ]


def test_a_series_of_its_data_portal_is_read_too() -> None:
    header = "\ufeffKEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE,OBS_STATUS,TITLE\n"
    days = (
        "EXR.D.NOK.EUR.SP00.A,D,NOK,EUR,SP00,A,2026-11-27,11.7655,A,Krone\nx,D,NOK,EUR,SP00,A,2026-11-28,NaN,H,Krone\n"
    )
    months = "EXR.M.NOK.EUR.SP00.A,M,NOK,EUR,SP00,A,2026-11,11.7,A,Krone\n"
    found = read(header + days + months)
    assert (found.source, found.errors) == ("ecb", [])
    assert found.rates == [Rate(DAY, "NOK", "EUR", 11_765_500, MICRO)]


def test_norges_bank_says_kroner_for_so_many_units() -> None:
    found = read(NORGES_BANK)
    assert (found.source, found.errors) == ("norges_bank", [])
    assert found.rates == [
        Rate(DAY, "EUR", "NOK", MICRO, 11_765_500),
        Rate(DAY, "JPY", "NOK", 100 * MICRO, 6_516_500),
    ]


def test_a_bad_line_costs_no_good_one() -> None:
    found = read("Date,USD\nsoon,1.2\n2026-11-27,0\n2026-11-26,1.15\n")
    assert [rate.day for rate in found.rates] == [date(2026, 11, 26)]
    assert [line for line, _ in found.errors] == [2, 3]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "Date,Open,Close\n2026-11-27,1,2\n"])
def test_what_is_no_file_of_rates_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither the European Central Bank's table .* nor Norges Bank's CSV"):
        read(text)
