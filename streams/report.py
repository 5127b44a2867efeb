"""The report a leader reads: each goal against its target, and who brought its conversions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.clickhouse import Client
from streams.progress import DEFAULT_MODEL, Part, Progress, progress

__all__ = ["DEFAULT_MODEL", "render"]

_REASONS = {
    "no_consent": "consent denied",
    "no_token": "buyer not known",
    "out_of_window": "engaged too long before",
    "no_touch": "no engagement seen",
    "ambiguous_identity": "token shared by several people",
    "erased": "erased on request",
}
_NOTHING_YET = (
    "Nothing to report: the database at {place} holds no goals yet. "
    "Run `maalstrom replay` on files of events, or start `maalstrom worker`."
)
_NEAR_TARGET = 0.8


def render(client: Client, goal: str | None, model: str, console: Console) -> None:
    """Print every goal, or one, as `model` credits its conversions; what to do when there is nothing to report.

    Raises ValueError, listing what there is, for an unknown goal or model.
    """
    goals = progress(client, goal, model)
    if not goals:
        console.print(Text(_NOTHING_YET.format(place=client.place)))
        return
    console.print(_heading(goals[0], model))
    console.print(_overview(goals))
    for each in goals:
        console.print(_breakdown(each) if each.parts else Text(f"{each.name}: no conversions yet.\n"))


def _heading(goal: Progress, model: str) -> Text:
    newest = f"until {goal.as_of:%Y-%m-%d %H:%M} UTC, " if goal.as_of.timestamp() else ""
    return Text(f"Conversions {newest}net of refunds and cancellations, credited by {model}", style="dim")


def _overview(goals: Sequence[Progress]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("Goal", overflow="fold", style="bold")
    for title in ("Reached", "Target", "By", "Expected", "Value"):
        table.add_column(title, justify="right", no_wrap=True)
    for goal in goals:
        table.add_row(
            Text(goal.name),
            _count(goal.reached),
            "" if goal.target is None else _count(goal.target),
            "" if goal.by is None else str(goal.by),
            _expected(goal),
            _money(goal.value),
        )
    return table


def _expected(goal: Progress) -> Text:
    """By the deadline, at the rate so far; green where that reaches the target."""
    if goal.expected is None:
        return Text("")
    share = goal.expected / float(goal.target) if goal.target else 1
    style = "green" if share >= 1 else "yellow" if share >= _NEAR_TARGET else "red"
    return Text(_count(Decimal(round(goal.expected))), style=style)


def _breakdown(goal: Progress) -> Table:
    """The parts of one goal and their sums: what is printed adds up."""
    title = Text(f"{goal.name}: {_count(goal.reached)} {goal.unit}", style="bold")
    table = Table(title=title, title_justify="left", caption_justify="left", box=box.SIMPLE, pad_edge=False)
    table.add_column("Campaign", overflow="fold", ratio=1)
    table.add_column("Means", overflow="fold")
    for heading in ("Conversions", "Share", "Value"):
        table.add_column(heading, justify="right", no_wrap=True)
    lines = _lines(goal.parts)
    brought = [line for line in lines if line.attributed]
    unattributed = [line for line in lines if not line.attributed]
    blocks = [brought, [_sum("Attributed", brought), *unattributed] if brought and unattributed else unattributed]
    for block in blocks:
        for line in block:
            table.add_row(Text(line.name), Text(line.means), *line.figures)
        table.add_section()
    table.add_row("All", "", *_sum("All", lines).figures, style="bold")
    table.caption = Text("".join(f"{note}\n" for note in _notes(goal)))
    return table


def _notes(goal: Progress) -> Iterator[str]:
    if goal.idle:
        yield f"No conversions from: {', '.join(goal.idle)}"
    if goal.settled_until:
        yield f"Provisional since {goal.settled_until:%Y-%m-%d %H:%M} UTC; before, under 1 % still change"


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    means: str
    attributed: bool
    conversions: Decimal
    share: Decimal
    value: Mapping[str, Decimal]

    @property
    def figures(self) -> tuple[str, str, str]:
        return _grouped(self.conversions), f"{self.share} %", _money(self.value)


def _lines(parts: Sequence[Part]) -> list[_Line]:
    conversions = [part.conversions for part in parts]
    counts = _adding_up(conversions, _places(conversions))
    all_of_them = sum(conversions) or Decimal(1)
    shares = _adding_up([100 * count / all_of_them for count in conversions], 1)
    return [
        _Line(_label(part), part.means, part.attributed, count, share, value)
        for part, count, share, value in zip(parts, counts, shares, _values(parts), strict=True)
    ]


def _label(part: Part) -> str:
    return part.name if part.attributed else f"Unattributed: {_REASONS.get(part.name, part.name)}"


def _values(parts: Sequence[Part]) -> list[dict[str, Decimal]]:
    """The value of each part by currency, each currency adding up on its own."""
    values: list[dict[str, Decimal]] = [{} for _ in parts]
    for currency in sorted({currency for part in parts for currency in part.value}):
        holders = [index for index, part in enumerate(parts) if currency in part.value]
        amounts = _adding_up([parts[index].value[currency] for index in holders], 2)
        for index, amount in zip(holders, amounts, strict=True):
            values[index][currency] = amount
    return values


def _adding_up(amounts: Sequence[Decimal], places: int) -> list[Decimal]:
    """Rounded so that they add up to their rounded sum: what is missing goes to the largest remainders."""
    unit = Decimal(1).scaleb(-places)
    rounded = [amount.quantize(unit, ROUND_FLOOR) for amount in amounts]
    missing = int((sum(amounts, Decimal(0)).quantize(unit, ROUND_HALF_EVEN) - sum(rounded)) / unit)
    by_remainder = sorted(range(len(amounts)), key=lambda index: rounded[index] - amounts[index])
    for index in by_remainder[:missing]:
        rounded[index] += unit
    return rounded


def _sum(name: str, lines: Sequence[_Line]) -> _Line:
    value: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        for currency, amount in line.value.items():
            value[currency] += amount
    conversions = sum((line.conversions for line in lines), Decimal(0))
    share = sum((line.share for line in lines), Decimal(0))
    return _Line(name, "", True, conversions, share, dict(sorted(value.items())))


def _places(counts: Sequence[Decimal]) -> int:
    return 0 if all(count == int(count) for count in counts) else 2


def _count(count: Decimal) -> str:
    return _grouped(round(count, _places([count])))


def _grouped(number: Decimal) -> str:
    return f"{number:,f}".replace(",", " ")


def _money(value: Mapping[str, Decimal]) -> str:
    """One line for each currency: amounts of different currencies are never added."""
    return "\n".join(f"{_grouped(round(amount, 2))} {currency}" for currency, amount in value.items())
