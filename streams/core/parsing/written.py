"""Numbers and days as people and their spreadsheets write them: read where they can mean one thing only."""

import re
from collections.abc import Iterable
from datetime import date

_SPACES = re.compile(r"(?<=\d)[\s'\u2019](?=\d{3}(?!\d))")
_AROUND = re.compile(r"(?:kr\.?|([A-Za-z]{3})|[$€£¥])?\s*(-?\s*\d[\d.,]*?)(,-)?\s*(?:kr\.?|([A-Za-z]{3})|[$€£¥])?")
_GROUPS = {mark: re.compile(rf"\d{{1,3}}(?:{re.escape(mark)}\d{{3}})*") for mark in ",."}
_YEAR_FIRST = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})(?:[T ].*)?", re.ASCII)
_YEAR_LAST = re.compile(r"(\d{1,2})([./])(\d{1,2})\2(\d{4})(?:[T ].*)?", re.ASCII)

_WEEKDAY = r"(?:[^\W\d]+\.?,?\s+)?"
_DAY_AND_NAME = re.compile(rf"{_WEEKDAY}(\d{{1,2}})\.?\s+([^\W\d]{{3,}})\.?,?\s+(\d{{4}})")
_NAME_AND_DAY = re.compile(rf"{_WEEKDAY}([^\W\d]{{3,}})\.?\s+(\d{{1,2}}),?\s+(\d{{4}})")
# In English, German and Norwegian, for whole names and for what people and programs cut them to.
_MONTHS = (
    ("january", "januar"), ("february", "februar"), ("march", "märz", "mrz", "mars"), ("april",), ("may", "mai"),
    ("june", "juni"), ("july", "juli"), ("august",), ("september",), ("october", "oktober"), ("november",),
    ("december", "dezember", "desember"),
)  # fmt: skip


def decimal_mark(texts: Iterable[str]) -> str:
    """The decimal mark, `.` or `,`, that the numbers of one file have in common; '' where they do not tell."""
    marks = {mark for text in texts if (mark := _mark(_number(text)[0]))}
    return marks.pop() if len(marks) == 1 else ""


def decimal(text: str, mark: str = "", currency: str = "") -> str:
    """The number as JSON has it. `mark` is the file's decimal mark, where that is known.

    Raises ValueError where it is none, is unclear, or is said to be in another currency than `currency`.
    """
    number, said = _number(text)
    if not number:
        raise ValueError(f"{text[:40]!r} is not a number; write one as in 1234.50")
    if said and currency and said.upper() != currency.upper():
        raise ValueError(f"{text[:40]!r} is not in {currency}; correct one of the two")
    mark = _mark(number) or mark or ("" if "," in number else ".")
    if not mark:
        plain = number.replace(",", "")
        raise ValueError(f"{text[:40]!r} may be thousands or decimals; write {plain} or {number.replace(',', '.')}")
    whole, _, fraction = number.lstrip("-").partition(mark)
    other = "." if mark == "," else ","
    if not (whole.isdigit() or _GROUPS[other].fullmatch(whole)) or not (fraction.isdigit() or not fraction):
        raise ValueError(f"{text[:40]!r} is not a number; write one as in 1234.50")
    return f"{'-' * number.startswith('-')}{whole.replace(other, '')}{'.' * bool(fraction)}{fraction}"


def _number(text: str) -> tuple[str, str]:
    """The digits and marks in a text, and the currency that it says; '' where it is no number."""
    joined = _SPACES.sub("", text.strip().lstrip("+").replace("\u2212", "-"))
    found = _AROUND.fullmatch(joined)
    if not found:
        return "", ""
    number = re.sub(r"\s", "", found[2])
    # The comma of `,-` is the decimal sign: a point before three digits is none then.
    whole = found[3] and _GROUPS["."].fullmatch(number.removeprefix("-"))
    return number.replace(".", "") if whole else number, found[1] or found[4] or ""


def _mark(number: str) -> str:
    """The decimal mark that a number tells by itself: the last of two kinds; not one that comes several times, nor one
    before three digits."""
    commas, dots = number.count(","), number.count(".")
    if commas and dots:
        return max(",.", key=number.rfind)
    if commas + dots != 1:
        return "." if commas else "," if dots else ""
    mark = "," if commas else "."
    return mark if len(number.partition(mark)[2]) != 3 else ""


def month_first(texts: Iterable[str], usual: bool | None) -> bool | None:
    """Whether days with slashes begin with the month; `usual` where they do not tell, None = nobody knows."""
    pairs = [(int(found[1]), int(found[3])) for text in texts if (found := _YEAR_LAST.fullmatch(text.strip()))]
    if any(first > 12 for first, _ in pairs):
        return False
    return True if any(second > 12 for _, second in pairs) else usual


def day(text: str, begins_with_month: bool | None = None) -> date:
    """The day: year first, `dd.mm.yyyy`, with slashes, or with the month's name; a time after digits is passed over.
    Raises ValueError."""
    text = text.strip()
    if named := _named(text):
        return named
    if (found := _YEAR_FIRST.fullmatch(text)) and (found[2] or len(found[3] + found[4]) == 4):
        return date(int(found[1]), int(found[3]), int(found[4]))
    if found := _YEAR_LAST.fullmatch(text):
        first, second = int(found[1]), int(found[3])
        if found[2] == "." or first > 12:
            return date(int(found[4]), second, first)
        if second > 12 or first == second or begins_with_month is not None:
            swapped = second > 12 or (begins_with_month and first != second)
            return date(int(found[4]), first, second) if swapped else date(int(found[4]), second, first)
        raise ValueError(f"{text!r} may begin with the day or with the month; write it as in 2026-11-01")
    raise ValueError(f"{text[:20]!r} is no day; write it as in 2026-11-01 or 01.11.2026")


def _named(text: str) -> date | None:
    """The day of a text with the name of a month, such as 1. nov. 2026 or Sun, Nov 1, 2026."""
    if found := _DAY_AND_NAME.fullmatch(text):
        on, name, year = found.groups()
    elif found := _NAME_AND_DAY.fullmatch(text):
        name, on, year = found.groups()
    else:
        return None
    said = name.casefold()
    month = next((at for at, names in enumerate(_MONTHS, 1) if any(each.startswith(said) for each in names)), None)
    return date(int(year), month, int(on)) if month else None
