"""Who are they? A table of the people that each campaign reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import groupby

from streams.core.parsing.printable import one_line
from streams.reports.audiences.reached import BOUGHT_BEFORE, Reached
from streams.reports.goal_sheets import LONGEST_NAME
from streams.reports.rounding import MONEY
from streams.reports.sheet import Row, Sheet
from streams.texts import Language

_COLUMNS = ("Campaign", "Who", "People", "Of all who engaged", "Cost of each", "Converted")
_COUNTED = (
    "People on a list are counted exactly; all who engaged are an estimate. Days are UTC days. "
    "Groups too small to show have no figure."
)
_STRANGERS = "Strangers only: nobody on a list engaged with the campaign."


def people(rows: Sequence[Reached], said: Language) -> Sheet | None:
    """A block for each campaign; None where there is no list of people."""
    if not rows:
        return None
    campaigns = [list(block) for _, block in groupby(rows, lambda each: each.campaign)]
    blocks = [[_row(each, not place, said) for place, each in enumerate(block)] for block in campaigns]
    columns = tuple(said(name) for name in _COLUMNS)
    return Sheet(said("Who are they?"), columns, 2, blocks, list(_notes(rows, said)))


def who(audience: str, said: Language) -> str:
    """The audience's name for people."""
    if audience in ("", BOUGHT_BEFORE):
        return said("Bought before" if audience else "Strangers only")
    return one_line(audience, LONGEST_NAME)


def _row(each: Reached, first: bool, said: Language) -> Row:
    dear = each.cost_each
    return Row((
        one_line(each.name, LONGEST_NAME) if first else "",
        who(each.audience, said),
        "–" if each.people is None else said.number(Decimal(each.people)),
        "–" if each.share is None else said.percent(round(Decimal(100 * each.share), 1)),
        "–" if dear is None else f"{said.number(round(dear, MONEY))} {each.currency}",
        "–" if each.converted is None else said.number(Decimal(each.converted)),
    ))  # fmt: skip


def _notes(rows: Sequence[Reached], said: Language) -> Iterator[str]:
    yield said(_COUNTED)
    if not all(each.audience for each in rows):
        yield said(_STRANGERS)
