"""Amounts of money as people write them: millionths of a currency, or None where a text may mean several things."""

import re
import unicodedata
from decimal import ROUND_HALF_EVEN, Context, Decimal

from streams.core.door.fields.json_fields import string

LIMIT = 10**18  # millionths: 10^12
LONGEST = 100  # characters of a text that is an amount
_EXACT = Context(prec=40, rounding=ROUND_HALF_EVEN)
_SIX_PLACES = Decimal("0.000001")
_PLAIN = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_BODY = re.compile(r"[\d.,' ]*\d[\d.,' ]*", re.ASCII)
_GROUPS = re.compile(r"\d{1,3}(?:([.,' ])\d{3}(?:\1\d{3})*)?|\d*", re.ASCII)
_FIRST_WORD = re.compile(r"kr\.?|[^\W\d_]{3}", re.IGNORECASE)
_LAST_WORD = re.compile(r"(?<![^\W\d_])(?:kr\.?|[^\W\d_]{3})$", re.IGNORECASE)
_SIGNS = ("+", "-")
_THOUSANDS = re.compile(r"\d{1,3}\.\d{3}", re.ASCII)


def amount(raw: bytes, currency: str) -> int | None:
    """Millionths of a JSON number, or of a text in `currency` (an ISO 4217 code); None where it cannot be read."""
    if raw.startswith(b'"'):
        text = string(raw)
        return None if text is None else from_text(text, currency)
    number = raw.decode()
    return micro(number) if _NUMBER.fullmatch(number) else None


def micro(number: str) -> int | None:
    """Millionths of a plain decimal number, half-even; None where it is no number or 10^12 or more."""
    try:
        exact = Decimal(number)
    except ArithmeticError:
        return None
    if not exact.is_finite() or (exact and exact.adjusted() >= 12):
        return None
    rounded = exact.quantize(_SIX_PLACES, context=_EXACT) if exact else exact
    millionths = int(rounded.scaleb(6, context=_EXACT)) if exact else 0
    return millionths if abs(millionths) < LIMIT else None


def rounded(product: int) -> int | None:
    """Millionths of what stands in millionths of millionths, half-even; None from 10^12 on."""
    whole, rest = divmod(product, 1_000_000)
    millionths = whole + (2 * rest + whole % 2 > 1_000_000)
    return millionths if millionths < LIMIT else None


def from_text(text: str, currency: str) -> int | None:
    """Millionths of an amount as people write it, such as `1 299,00 kr`."""
    if len(text) > LONGEST:
        return None
    body, negative = _bared("".join(" " if c.isspace() else c for c in text), currency)
    number = None if body is None else (_PLAIN.fullmatch(body) and body) or _grouped(body)
    millionths = micro(number) if number else None
    return -millionths if millionths and negative else millionths


def _bared(text: str, currency: str) -> tuple[str | None, bool]:
    """The digits and separators of an amount, and whether a minus is before them; None where more is there."""
    sign, codes, body, before = "", {currency}, text.strip(), ""
    while body != before:
        before = body
        if not sign and body[:1] in _SIGNS:
            sign, body = body[:1], body[1:]
        word, body = _less(body)
        codes, body = codes | {word or currency}, body.strip()
    readable = codes == {currency} and (_BODY.fullmatch(body) or _PLAIN.fullmatch(body))
    return (body if readable else None), sign not in ("", "+")


def _less(body: str) -> tuple[str, str]:
    """An ISO 4217 code that stood at an end ('' where none did), and the text without what stood there."""
    if not body or unicodedata.category(body[0]) == "Sc":
        return "", body[1:]
    if word := _FIRST_WORD.match(body):
        return _code(word[0]), body[word.end() :]
    if unicodedata.category(body[-1]) == "Sc":
        return "", body[:-1]
    if word := _LAST_WORD.search(body):
        return _code(word[0]), body[: word.start()]
    return "", _whole(body[:-2].rstrip()) if body.endswith(",-") else body


def _whole(body: str) -> str:
    """What stood before `,-`: that comma is the decimal sign, so that a point before three digits is none."""
    return body.replace(".", "") if _THOUSANDS.fullmatch(body) else body


def _code(word: str) -> str:
    return "" if word.casefold().rstrip(".") == "kr" else word.upper()


def _grouped(body: str) -> str | None:
    """The plain number of digits with separators, None where it may mean several things."""
    whole, _, places = _split(body)
    if whole is None or not _GROUPS.fullmatch(whole) or (places and not places.isdigit()):
        return None
    digits = re.sub(r"[.,' ]", "", whole)
    return f"{digits or 0}.{places or 0}" if digits or places else None


def _split(body: str) -> tuple[str | None, str, str]:
    """What is before and after the decimal sign, and the sign; None before it where that is unclear."""
    commas, points = body.count(","), body.count(".")
    if commas and points:
        sign = max(",.", key=body.rfind)
        return body.rpartition(sign) if body.count(sign) == 1 else (None, "", "")
    if commas + points != 1:
        return body, "", ""
    whole, sign, places = body.rpartition("," if commas else ".")
    return (None if sign == "," and len(places) == 3 else whole), sign, places
