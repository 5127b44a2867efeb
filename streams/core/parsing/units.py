"""Units: times in ms, amounts in millionths of a currency unit, read from their text and never through a float."""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal

MINUTE = 60_000  # ms
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MICRO = 1_000_000
LARGEST = 10**18 - 1  # what Decimal(18, 6) holds, in millionths
_NUMBER = re.compile(r"-?\d{1,400}(\.\d{1,400})?([eE][+-]?\d{1,4})?", re.ASCII)
_SIX_PLACES = Decimal("0.000001")
_EXACT = Context(prec=1000, rounding=ROUND_HALF_EVEN)


def micro(text: str) -> int:
    """Millionths of the decimal number in `text`, rounded half-even.

    Raises ValueError for what is no plain decimal number, is negative, or does not fit Decimal(18, 6).
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a decimal number")
    amount = Decimal(text)
    if amount < 0:
        raise ValueError(f"{text[:40]} is negative")
    if amount and amount.adjusted() > 11:
        raise ValueError(f"{text[:40]} is larger than 999999999999.999999")
    return _millionths(amount, text)


def _millionths(amount: Decimal, text: str) -> int:
    whole = int(amount.quantize(_SIX_PLACES, context=_EXACT).scaleb(6, context=_EXACT)) if amount else 0
    if whole > LARGEST:
        raise ValueError(f"{text[:40]} is larger than 999999999999.999999")
    return whole
