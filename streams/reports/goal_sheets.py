"""The goals of a report as tables: how far each is, and which campaigns brought it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from streams.core.catalogue.model import UNIT
from streams.core.parsing.printable import one_line
from streams.reports.goal_progress import Part, Progress
from streams.reports.period import Period
from streams.reports.rounding import MONEY, adding_up, count, money, places
from streams.reports.sheet import Row, Sheet, Toned
from streams.texts import Language
from streams.texts.names import STATUS, reason_name

LONGEST_NAME = 80  # characters: anybody can put any text where a campaign's name belongs
_TONES = {"reached": "good", "on course": "good", "a little behind": "near", "behind": "bad", "missed": "bad"}


def overview(goals: Sequence[Progress], period: Period, said: Language) -> Sheet:
    """Each goal against its target."""
    within = () if period.whole else (said("In the period"),)
    names = ("Goal", "Reached", "Target", "By", "Expected", "Status")
    goal, reached, *others = (said(name) for name in names)
    rows = [_goal(each, period, said) for each in goals]
    return Sheet(said("Goals"), (goal, reached, *within, *others), 1, [rows]).without_empty()


def _goal(goal: Progress, period: Period, said: Language) -> Row:
    shown = () if period.whole else (count(goal.reached, said),)
    return Row((
        one_line(goal.name, LONGEST_NAME),
        count(goal.so_far, said),
        *shown,
        "" if goal.target is None else count(goal.target, said),
        "" if goal.by is None else said.short_day(goal.by),
        _expected(goal, said),
        Toned(said(STATUS.get(goal.status, goal.status)), _TONES.get(goal.status, "")),
    ))  # fmt: skip


def _expected(goal: Progress, said: Language) -> str:
    """By the deadline, at the rate so far; a forecast ends with the deadline."""
    return "" if goal.over or goal.expected is None else count(Decimal(round(goal.expected)), said)


def breakdown(goal: Progress, period: Period, said: Language) -> Sheet:
    """The parts of one goal and their sums: what is shown adds up."""
    lines = _lines(goal.parts, said)
    brought = [line for line in lines if line.attributed]
    others = [line for line in lines if not line.attributed]
    blocks = [[line.row(said) for line in brought]]
    if others:
        sums = [_sum(said("Attributed"), brought), _sum(said("Unattributed"), others)]
        blocks.append([*(line.row(said) for line in sums), *(line.row(said, "part") for line in others)])
    blocks.append([_sum(said("All"), lines).row(said, "sum")])
    columns = tuple(said(name) for name in ("Campaign", "Channel", "Conversions", "Share", "Value"))
    title = f"{one_line(goal.name, LONGEST_NAME)} – {_unit(goal, said)}: {count(goal.reached, said)}"
    return Sheet(title, columns, 2, [block for block in blocks if block], list(_notes(goal, period, said)))


def _unit(goal: Progress, said: Language) -> str:
    """What is counted, as the catalogue calls it; our own word where it does not say."""
    return said("conversions") if goal.unit == UNIT else one_line(goal.unit)


def nothing_yet(goal: Progress, said: Language) -> str:
    """What is said of a goal without conversions."""
    return said("{goal}: no conversions yet.", goal=one_line(goal.name, LONGEST_NAME))


def _notes(goal: Progress, period: Period, said: Language) -> Iterator[str]:
    if goal.idle:
        names = ", ".join(one_line(name, LONGEST_NAME) for name in goal.idle)
        yield said("No conversions from: {names}", names=names)
    if goal.without_value:
        number = said.number(Decimal(goal.without_value))
        yield said("Orders without an amount that can be read, counted with the value 0: {number}", number=number)
    if goal.settled_until:
        moment = said.moment(period.local(goal.settled_until))
        yield said("Provisional since {moment}; before that, under 1 % still change", moment=moment)


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    channel: str
    attributed: bool
    conversions: Decimal
    share: Decimal
    value: Mapping[str, Decimal]

    def row(self, said: Language, kind: str = "") -> Row:
        figures = said.number(self.conversions), said.percent(self.share), money(self.value, said)
        return Row((self.name, self.channel, *figures), kind)


def _lines(parts: Sequence[Part], said: Language) -> list[_Line]:
    conversions = [part.conversions for part in parts]
    counts = adding_up(conversions, places(conversions))
    all_of_them = sum(conversions) or Decimal(1)
    shares = adding_up([100 * each / all_of_them for each in conversions], 1)
    return [
        _Line(_label(part, said), one_line(part.means, LONGEST_NAME), part.attributed, number, share, value)
        for part, number, share, value in zip(parts, counts, shares, _values(parts), strict=True)
    ]


def _label(part: Part, said: Language) -> str:
    return one_line(part.name, LONGEST_NAME) if part.attributed else said(reason_name(part.name))


def _values(parts: Sequence[Part]) -> list[dict[str, Decimal]]:
    """The value of each part by currency, each currency adding up on its own."""
    values: list[dict[str, Decimal]] = [{} for _ in parts]
    for currency in sorted({currency for part in parts for currency in part.value}):
        holders = [index for index, part in enumerate(parts) if currency in part.value]
        amounts = adding_up([parts[index].value[currency] for index in holders], MONEY)
        for index, amount in zip(holders, amounts, strict=True):
            values[index][currency] = amount
    return values


def _sum(name: str, lines: Sequence[_Line]) -> _Line:
    value: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        for currency, amount in line.value.items():
            value[currency] += amount
    conversions = sum((line.conversions for line in lines), Decimal(0))
    share = sum((line.share for line in lines), Decimal(0))
    return _Line(name, "", True, conversions, share, dict(sorted(value.items())))
