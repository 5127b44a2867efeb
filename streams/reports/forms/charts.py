"""Charts of a report as SVG: drawn from figures that stand in the tables, and described in words for who sees none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from html import escape
from itertools import accumulate

from streams.core.parsing.printable import one_line
from streams.reports.goal_progress import Progress
from streams.reports.payback import Paid, Payback
from streams.reports.period import Period
from streams.reports.rounding import MONEY, count
from streams.texts import Language

_WIDTH, _BAR, _GAP, _NAMES, _FIGURES = 720, 18, 8, 240, 130
_HEIGHT, _LEFT, _BELOW, _ABOVE = 180, 56, 24, 18
_LONGEST = 36  # characters beside a bar


def progress(goals: Sequence[Progress], said: Language) -> str:
    """A bar for each goal with a target: the share of it that is reached."""
    wanted = [goal for goal in goals if goal.target]
    bars = []
    for goal in wanted:
        share = float(goal.so_far) / float(goal.target or 1)
        bars.append((goal.name, share, said.percent(round(goal.so_far * 100 / (goal.target or 1), 0)), "bar"))
    label = said("How far each goal is: the share of its target that is reached")
    return _bars(bars, 1.0, label) if bars else ""


def paid(payback: Payback, said: Language) -> str:
    """Two bars for each channel: cost, where one is known, and value. Of the currency that most is in."""
    currency = next((each.currency for each in payback.totals), "")
    channels = [each for each in payback.channels if each.currency == currency]
    bars = [bar for each in channels for bar in _two(each, said)]
    most = max((float(max(each.cost, each.value)) for each in channels), default=0.0)
    label = said("Cost and value of each channel, in {currency}", currency=currency)
    return _bars(bars, most, label) if most > 0 else ""


def _two(paid: Paid, said: Language) -> Iterator[tuple[str, float, str, str]]:
    name = paid.channel or said("not in the catalogue")
    for what, amount, kind in ((said("Cost"), paid.cost, "cost"), (said("Value"), paid.value, "bar")):
        if amount or kind != "cost":  # no cost is known
            yield f"{name}: {what}", float(amount), f"{said.number(round(amount, MONEY))} {paid.currency}", kind


def _bars(bars: Sequence[tuple[str, float, str, str]], most: float, label: str) -> str:
    """Names at the left, bars that end at `most` at the longest, and their figures."""
    room = _WIDTH - _NAMES - _FIGURES
    top = max(most, *(share for _, share, _, _ in bars))
    drawn = []
    for place, (name, amount, figure, kind) in enumerate(bars):
        y, width = place * (_BAR + _GAP), max(0.0, amount) / top * room
        middle = y + _BAR / 2 + 5
        drawn.append(
            f'<text x="{_NAMES - 8}" y="{middle:.0f}" text-anchor="end">{_short(name)}</text>'
            f'<rect class="ground" x="{_NAMES}" y="{y}" width="{most / top * room:.1f}" height="{_BAR}"/>'
            f'<rect class="{kind}" x="{_NAMES}" y="{y}" width="{width:.1f}" height="{_BAR}"/>'
            f'<text x="{_NAMES + room + 8}" y="{middle:.0f}">{escape(figure)}</text>'
        )
    return _svg("".join(drawn), len(bars) * (_BAR + _GAP), label)


def course(goal: Progress, period: Period, said: Language) -> str:
    """The conversions of the period as they added up, day by day, with the line to the target where it is all time."""
    if len(goal.days) < 2:
        return ""
    first, last = goal.days[0][0], goal.days[-1][0]
    sums = [float(number) for number in accumulate(number for _, number in goal.days)]
    wanted = float(goal.target) if goal.target and goal.by and period.whole and goal.by > first else None
    end = max(last, goal.by) if wanted is not None and goal.by else last
    x, y = _scales(first, end, max(*sums, wanted or 0.0, 1.0))
    line = " ".join(f"{x(day):.1f},{y(so_far):.1f}" for (day, _), so_far in zip(goal.days, sums, strict=True))
    drawn = f'<polyline class="line" points="{x(first):.1f},{y(0):.1f} {line}"/>'
    if wanted is not None and goal.by:
        drawn += f'<polyline class="target" points="{x(first):.1f},{y(0):.1f} {x(goal.by):.1f},{y(wanted):.1f}"/>'
    label = said("How the conversions of {goal} added up, day by day", goal=one_line(goal.name))
    return _svg(_axes(first, end, max(*sums, wanted or 0.0, 1.0), said) + drawn, _HEIGHT, label)


class _Scale:
    """From figures to pixels."""

    def __init__(self, first: float, last: float, start: float, end: float) -> None:
        self._first, self._span, self._start, self._room = first, (last - first) or 1.0, start, end - start

    def __call__(self, figure: float) -> float:
        return self._start + (figure - self._first) / self._span * self._room


def _scales(first: date, last: date, most: float) -> tuple[Callable[[date], float], Callable[[float], float]]:
    days = _Scale(first.toordinal(), last.toordinal(), _LEFT, _WIDTH - 10)
    return lambda day: days(day.toordinal()), _Scale(0, most, _HEIGHT - _BELOW, _ABOVE)


def _axes(first: date, last: date, most: float, said: Language) -> str:
    bottom, right = _HEIGHT - _BELOW, _WIDTH - 10
    top = count(Decimal(round(most)), said)
    return (
        f'<line class="axis" x1="{_LEFT}" y1="{bottom}" x2="{right}" y2="{bottom}"/>'
        f'<line class="axis" x1="{_LEFT}" y1="{_ABOVE}" x2="{right}" y2="{_ABOVE}"/>'
        f'<text x="{_LEFT - 6}" y="{bottom}" text-anchor="end">0</text>'
        f'<text x="{_LEFT - 6}" y="{_ABOVE + 4}" text-anchor="end">{top}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 6}">{said.short_day(first)}</text>'
        f'<text x="{right}" y="{_HEIGHT - 6}" text-anchor="end">{said.short_day(last)}</text>'
    )


def _svg(drawn: str, height: float, label: str) -> str:
    return f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {_WIDTH} {height:.0f}">{drawn}</svg>\n'


def _short(name: str) -> str:
    return escape(one_line(name, _LONGEST))
