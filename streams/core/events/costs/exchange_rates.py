"""Daily exchange rates as central banks publish them: the European Central Bank's and Norges Bank's CSV."""

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from streams.core.parsing import written
from streams.core.parsing.units import LARGEST, MICRO

ECB, NORGES_BANK = "ecb", "norges_bank"
_NORGES_BANK_NEEDS = ("BASE_CUR", "QUOTE_CUR", "TIME_PERIOD", "OBS_VALUE")
_PORTAL_NEEDS = ("CURRENCY", "CURRENCY_DENOM", "TIME_PERIOD", "OBS_VALUE")  # of the ECB's Data Portal
_DAILY = ("", "B", "D")  # FREQ: every business day, every day
_NO_CURRENCY = frozenset({"TWI"})  # an index


class Rate(NamedTuple):
    """On that day `amount` units of a currency were worth `worth` units of `base`, both in millionths."""

    day: date
    currency: str
    base: str
    amount: int
    worth: int


class Published(NamedTuple):
    """A file of rates: whose, what it says, and what is wrong with lines of it."""

    source: str
    rates: list[Rate]
    errors: list[tuple[int, str]]


_Parse = Callable[[Sequence[str], Sequence[str]], Iterator[Rate]]


def read(text: str) -> Published:
    """The rates in the text of a file. Raises ValueError where it is neither bank's."""
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0].strip()
    mark = ";" if first.count(";") > first.count(",") else ","
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines(), delimiter=mark)]
    headings = rows[0] if rows else []
    if headings[:1] == ["Date"] and any(map(_is_currency, headings[1:])):
        return _published(ECB, headings, rows, _ecb)
    names = [name.upper() for name in headings]
    if all(name in names for name in _NORGES_BANK_NEEDS):
        return _published(NORGES_BANK, names, rows, _norges_bank)
    if all(name in names for name in _PORTAL_NEEDS):
        return _published(ECB, names, rows, _portal)
    raise ValueError(
        "this is neither the European Central Bank's table of rates (Date,USD,JPY,…), nor the CSV of its Data Portal "
        f"(with the columns {', '.join(_PORTAL_NEEDS)}), nor Norges Bank's CSV "
        f"(with the columns {', '.join(_NORGES_BANK_NEEDS)}); download one of them"
    )


def _published(source: str, headings: Sequence[str], rows: Sequence[Sequence[str]], parse: _Parse) -> Published:
    published = Published(source, [], [])
    for line, row in enumerate(rows[1:], 2):
        if any(row):
            try:
                published.rates.extend(parse(headings, row))
            except ValueError as error:
                published.errors.append((line, str(error)))
    return published


def _ecb(headings: Sequence[str], row: Sequence[str]) -> Iterator[Rate]:
    """Units of each currency for one euro; N/A where there was no such rate."""
    on = written.day(row[0])
    for currency, text in zip(headings[1:], row[1:], strict=False):
        if _is_currency(currency) and text not in ("", "N/A"):
            yield Rate(on, currency, "EUR", _units(text), MICRO)


def _portal(names: Sequence[str], row: Sequence[str]) -> Iterator[Rate]:
    """Units of a currency for one of another, as the ECB's Data Portal has them: a series a row."""
    cell = dict(zip(names, row, strict=False))
    currency, base, text = (cell.get(name, "") for name in ("CURRENCY", "CURRENCY_DENOM", "OBS_VALUE"))
    if cell.get("FREQ", "") in _DAILY and _is_currency(currency) and _is_currency(base) and text not in ("", "NaN"):
        yield Rate(written.day(cell["TIME_PERIOD"]), currency, base, _units(text), MICRO)


def _norges_bank(names: Sequence[str], row: Sequence[str]) -> Iterator[Rate]:
    """What 10^UNIT_MULT units of the base currency cost in the quote currency."""
    cell = dict(zip(names, row, strict=False))
    currency, text = cell.get("BASE_CUR", ""), cell.get("OBS_VALUE", "")
    if cell.get("FREQ", "") in _DAILY and _is_currency(currency) and text not in ("", "NaN"):
        power = int(cell.get("UNIT_MULT") or 0)
        if not 0 <= power <= 9:
            raise ValueError(f"UNIT_MULT is {power}; it must be from 0 to 9")
        yield Rate(written.day(cell["TIME_PERIOD"]), currency, cell["QUOTE_CUR"], MICRO * 10**power, _units(text))


def _is_currency(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isalpha() and text.isupper() and text not in _NO_CURRENCY


def _units(text: str) -> int:
    units = int(Decimal(written.decimal(text, "," if "," in text and "." not in text else ".")) * MICRO)
    if not 0 < units <= LARGEST:
        raise ValueError(f"{text[:40]} is no rate: it must be above 0 and below 1000000000000")
    return units
