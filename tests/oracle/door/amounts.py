"""Amounts as numbers and as text that can mean one thing only.

Chosen: text in the form of a JSON number is one, with an exponent too; a currency's code, `kr` and `kr.` in any case;
the code is compared with the base currency where `currency` is absent; the first group of digits has three at most,
and one number has one kind of separator; `1 299,000` is as unclear as `1,299`; the comma of `1.299,-` is
the decimal sign, so that its point is none; an empty text cannot be read.
"""

import re
import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

MICRO = Decimal("0.000001")


class Number(str):
    """A JSON number as it is written: money must never pass through a float."""


def amount(value: Any, currency: str) -> int | None:
    """Millionths of the currency, negative ones too; None where it cannot be read, or is 10^12 or more."""
    if isinstance(value, Number):
        return _micro(value)
    if not isinstance(value, str):
        return None
    plain = plain_number(value, currency)
    return None if plain is None else _micro(plain)


def plain_number(text: str, currency: str) -> str | None:
    """The number that a text means, as JSON would write it or nearly so; None where it is not one thing only."""
    text = "".join(" " if character.isspace() else character for character in text)
    if re.fullmatch(r" *[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)? *", text):
        return text.strip().removeprefix("+")
    text = "".join("¤" if unicodedata.category(character) == "Sc" else character for character in text)
    around = rf"(?: |¤|kr\.?|{re.escape(currency)})*"
    match = re.fullmatch(rf"{around}([+-]?){around}([0-9.,' ]*?) *(,-)?{around}", text, re.IGNORECASE)
    body = match[2].strip() if match else ""
    if match and match[3] and re.fullmatch(r"[0-9]{1,3}\.[0-9]{3}", body):
        body = body.replace(".", "")
    digits = _digits(body) if match else None
    return None if match is None or digits is None else match[1].replace("+", "") + digits


def _digits(body: str) -> str | None:
    """Digits with at most one `.`, of digits with separators and decimal signs of some country."""
    mark = _decimal_mark(body)
    if mark is None:
        return None
    whole, _, fraction = body.rpartition(mark) if mark else (body, "", "")
    if not re.fullmatch("[0-9]*", fraction) or not whole + fraction:
        return None
    for separator in (".", ",", "'", " "):
        if separator in whole:
            if not re.fullmatch(rf"[0-9]{{1,3}}({re.escape(separator)}[0-9]{{3}})+", whole):
                return None
            whole = whole.replace(separator, "")
    if not re.fullmatch("[0-9]*", whole):
        return None
    return f"{whole or 0}.{fraction or 0}"


def _decimal_mark(body: str) -> str | None:
    """The decimal sign, '' where there is none; None where nobody can tell."""
    dots, commas = body.count("."), body.count(",")
    if dots and commas:
        last = max(".", ",", key=body.rfind)
        return last if body.count(last) == 1 else None
    if dots + commas != 1:
        return ""
    if dots:
        return "."
    after = body.partition(",")[2]
    return None if re.fullmatch("[0-9]{3}", after) else ","


def _micro(text: str) -> int | None:
    value = Decimal(text)
    if value.adjusted() >= 12 or value.adjusted() < -1000:
        return 0 if value.adjusted() < -1000 or not value else None
    micro = int(value.quantize(MICRO, ROUND_HALF_EVEN).scaleb(6))
    return micro if abs(micro) < 10**18 else None
