"""What ad platforms export of costs: which columns they have, and which rows are none of costs.

Headings are those of the platforms' own CSV files in English, German and Norwegian, compared without case. Where a
heading names the currency, as in `Amount spent (NOK)`, it is taken from there.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from streams.core.door.fields.names import normal

_WITH_CURRENCY = re.compile(r"(.*?)\s*\(([a-z]{3})\)")
_TOTAL = re.compile(r"(total|totalt|totalsum|gesamt|insgesamt|summe|sum|i alt)\b")
NOTHING = frozenset({"", "-", "--", "–"})  # how a cell says that nothing was spent


_CURRENCY = ("currency", "currency code", "currencycode", "währung", "währungscode", "valuta", "valutakode")


class Export(NamedTuple):
    """The headings of one platform's export; `day` is of a row's only or first day, `last` of its last one. Days with
    slashes begin with the month where `month_first`, unless the file tells otherwise; None = nobody knows."""

    name: str
    campaign: tuple[str, ...]
    day: tuple[str, ...]
    amount: tuple[str, ...]
    last: tuple[str, ...] = ()
    month_first: bool | None = None
    currency: tuple[str, ...] = _CURRENCY


class ColumnLayout(NamedTuple):
    """Where a file of an export has what: places of columns, -1 = none. `said` is the currency of the heading."""

    export: Export
    campaign: int
    day: int
    amount: int
    currency: int
    last: int
    said: str


_NAME = ("campaign name", "campaignname", "kampagnenname", "name der kampagne", "kampanjenavn", "navn på kampanje")
_CAMPAIGN = ("campaign", "kampagne", "kampanje")
_DAY = ("day", "date", "tag", "datum", "dag", "dato")
_STARTS = ("reporting starts", "berichtsstart", "beginn des berichts", "rapportering starter", "rapporteringsstart")
_ENDS = ("reporting ends", "berichtsende", "ende des berichts", "rapportering slutter", "rapporteringsslutt")
_SPENT = ("amount spent", "ausgegebener betrag", "beløp brukt", "brukt beløp")
_COST = ("cost", "kosten", "kostnad", "kostnader")
_STARTED = ("start date (in utc)", "start date", "startdatum (in utc)", "startdatum", "startdato (i utc)", "startdato")
_ENDED = ("end date (in utc)", "end date", "enddatum (in utc)", "enddatum", "sluttdato (i utc)", "sluttdato")
_TOTAL_SPENT = ("total spent", "gesamtausgaben", "ausgaben insgesamt", "totalt forbruk", "totalt brukt")
_BY_DAY = ("by day", "stat_time_day", "nach tag", "etter dag")
_PERIOD = (
    *("gregorian date", "gregoriandate", "time period", "timeperiod"),
    *("gregorianisches datum", "gregoriansk dato"),
)
# In this order: the first whose columns a file has is taken.
EXPORTS = (
    Export("google", _CAMPAIGN, _DAY, _COST, month_first=True),
    Export("meta", _NAME, (*_DAY, *_STARTS), _SPENT, _ENDS),
    Export("linkedin", (*_NAME, *_CAMPAIGN), _STARTED, _TOTAL_SPENT, _ENDED, True),
    Export("tiktok", _NAME, (*_BY_DAY, *_DAY), (*_COST, "total cost")),
    Export(
        "snapchat",
        (*_NAME, *_CAMPAIGN),
        ("start time", "startzeit", "starttid", *_DAY),
        _SPENT,
        ("end time", "endzeit", "sluttid"),
        True,
    ),
    Export("microsoft", (*_CAMPAIGN, *_NAME), (*_PERIOD, *_DAY), ("spend", "ausgaben", "forbruk"), (), True),
)
NAMES = tuple(export.name for export in EXPORTS)


def told(headings: Sequence[str], wanted: str = "") -> ColumnLayout | None:
    """The layout of a file with those headings; None where they are of no export, or not of the `wanted` one."""
    names, currencies = _names(headings)
    found = (_layout(export, names, currencies) for export in EXPORTS if wanted in ("", export.name))
    return next((layout for layout in found if layout and (wanted or _is_its(layout, names))), None)


def lacking(headings: Sequence[str], wanted: str = "") -> str:
    """Why a row of headings that has an amount and a campaign is still of no use; '' where it is none of an export."""
    names, _ = _names(headings)
    for export in EXPORTS:
        has_day, *others = (_first(each, names) >= 0 for each in (export.day, export.campaign, export.amount))
        if wanted in ("", export.name) and all(others) and not has_day:
            return f"this looks like an export of {export.name} without a column of days; have it broken down by day"
    return ""


def _is_its(layout: ColumnLayout, names: Mapping[str, int]) -> bool:
    """Meta and Snapchat have some headings in common: Meta's amount names its currency, or its rows their period."""
    if layout.export.name == "meta":
        return bool(layout.said) or _first(_STARTS, names) >= 0
    return layout.export.name != "snapchat" or not layout.said


def _layout(export: Export, names: Mapping[str, int], currencies: Mapping[int, str]) -> ColumnLayout | None:
    campaign, day, amount = (_first(wanted, names) for wanted in (export.campaign, export.day, export.amount))
    if min(campaign, day, amount) < 0:
        return None
    # A column of the row's own day goes before the period that the report is about.
    last = -1 if _first(_DAY, names) == day else _first(export.last, names)
    return ColumnLayout(export, campaign, day, amount, _first(export.currency, names), last, currencies.get(amount, ""))


def _names(headings: Sequence[str]) -> tuple[dict[str, int], dict[int, str]]:
    """Heading to place, and place to the currency in the heading."""
    names: dict[str, int] = {}
    currencies: dict[int, str] = {}
    for place, heading in enumerate(headings):
        name = normal(heading)
        if found := _WITH_CURRENCY.fullmatch(name):
            name, currencies[place] = found[1], found[2].upper()
        names.setdefault(name, place)
    return names, currencies


def _first(wanted: Sequence[str], names: Mapping[str, int]) -> int:
    return next((names[name] for name in wanted if name in names), -1)


def is_row(cells: Sequence[str], layout: ColumnLayout, has_day: bool) -> bool:
    """Whether that row is one of costs; titles, totals and notes are not."""
    filled = [cell for cell in map(str.strip, cells) if cell not in NOTHING]
    if len(filled) < 2 or (not has_day and _TOTAL.match(normal(filled[0]))):
        return False
    return len(cells) <= layout.campaign or cells[layout.campaign].strip() not in NOTHING


def is_total(cells: Sequence[str]) -> bool:
    """Whether a row begins as totals do."""
    return bool(_TOTAL.match(normal(next(filter(None, map(str.strip, cells)), ""))))
