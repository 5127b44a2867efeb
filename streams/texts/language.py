"""A language: texts, numbers and dates as its readers write them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "nb")
DASHBOARDS = "dashboards"
_FOLDER = Path(__file__).parent
_MINUS = "\u2212"  # as wide as a plus; a hyphen between figures reads as a span
_MONTHS = {
    "nb": "januar februar mars april mai juni juli august september oktober november desember",
    "en": "January February March April May June July August September October November December",
}


@dataclass(frozen=True, slots=True)
class Language:
    """Called with an English text, it gives that text in the language; a text without a translation stays English."""

    code: str
    texts: Mapping[str, str]

    def __call__(self, text: str, **values: object) -> str:
        """The text, with `values` in its places."""
        said = self.texts.get(text, text)
        return said.format(**values) if values else said

    def number(self, number: Decimal) -> str:
        """With spaces between thousands, a true minus and the decimal sign of the language; places as they are."""
        grouped = f"{abs(number):,f}".replace(",", " ")
        signed = _MINUS + grouped if number < 0 else grouped
        return signed.replace(".", ",") if self.code == "nb" else signed

    def percent(self, number: Decimal) -> str:
        """A number of hundredths with its sign."""
        return f"{self.number(number)} %"

    def day(self, day: date) -> str:
        """A day in words that fit a line of text."""
        month = _MONTHS[self.code].split()[day.month - 1]
        return f"{day.day}. {month} {day.year}" if self.code == "nb" else f"{day.day} {month} {day.year}"

    def short_day(self, day: date) -> str:
        """A day in figures, for a column."""
        return f"{day:%d.%m.%Y}" if self.code == "nb" else day.isoformat()

    def moment(self, moment: datetime) -> str:
        """A day and a time, in the zone that the moment has."""
        return f"{self.short_day(moment.date())} {moment:%H:%M}"


def language(code: str) -> Language:
    """The language of that code, such as `nb`. Raises ValueError, listing what there is, for another."""
    if code not in LANGUAGES:
        raise ValueError(f'there is no language "{code}"; choose one of: {", ".join(LANGUAGES)}')
    return Language(code, {} if code == "en" else table(code))


@cache
def sections(code: str) -> Mapping[str, Mapping[str, str]]:
    """English text to its translation, by section of the language's file."""
    return tomllib.loads((_FOLDER / f"{code}.toml").read_text("utf-8"))


@cache
def table(code: str) -> Mapping[str, str]:
    """English text to its translation, of all sections but that of the dashboards, which have words of their own."""
    return {
        text: said for name, section in sections(code).items() if name != DASHBOARDS for text, said in section.items()
    }
