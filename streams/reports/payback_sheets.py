"""Whether it paid, as tables: cost, value and return by channel and campaign, and what holdouts measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from streams.core.parsing.printable import one_line
from streams.reports.goal_progress import Progress
from streams.reports.goal_sheets import LONGEST_NAME
from streams.reports.payback import Paid, Payback
from streams.reports.report import Caused
from streams.reports.rounding import MONEY, adding_up, count, places
from streams.reports.sheet import Row, Sheet, Toned
from streams.texts import Language
from streams.texts.names import reason_name

_NO_COSTS = "No costs are known for these days. `maalstrom costs import FILE.csv` takes them."
_RETURN = "Return is (value − cost) / cost. Costs are money, and hours at their rate."
_MAY_BE_NOTHING = "Where the interval holds 0, the campaign may have caused nothing."
_COLUMNS = ("Channel and campaign", "Cost", "Conversions", "Cost of each", "Value", "Return")
_UNLIKE = 0.001  # so unlikely a split of users means that the groups differ in more than chance


def paid(payback: Payback, said: Language) -> Sheet:
    """A block for each channel with its campaigns, and a sum for each currency."""
    columns = tuple(said(name) for name in _COLUMNS)
    drawn = _Drawn(said, _rounded(payback.campaigns), _only_currency(payback))
    blocks = [[drawn.row(_channel(channel, said), channel), *drawn.parts_of(channel)] for channel in payback.channels]
    sums = [drawn.row(said("All"), each, "sum") for each in payback.totals]
    rest = list(_unattributed(payback, drawn))
    title = said("Did it pay?") + (said(" Amounts in {currency}", currency=drawn.only) if drawn.only else "")
    return Sheet(title, columns, 1, [block for block in (*blocks, sums, rest) if block], list(_notes(payback, said)))


def _notes(payback: Payback, said: Language) -> Iterator[str]:
    if payback.campaigns:
        yield said(_RETURN)
    yield _counted(payback, said)
    if not any(each.cost for each in payback.campaigns):
        yield said(_NO_COSTS)


def _only_currency(payback: Payback) -> str:
    """The currency of all amounts; '' where there are several."""
    found = {each.currency for each in payback.campaigns} | {each.currency for each in payback.unattributed}
    return found.pop() if len(found) == 1 else ""


def _counted(payback: Payback, said: Language) -> str:
    names = ", ".join(one_line(name, LONGEST_NAME) for name in payback.goals.values())
    return said("Of these goals, so that no order's value is counted twice: {names}", names=names)


def _channel(paid: Paid, said: Language) -> str:
    return one_line(paid.channel, LONGEST_NAME) or said("not in the catalogue")


class _Drawn:
    """Rows in a language, of rounded campaigns; amounts say their currency unless it is the `only` one."""

    def __init__(self, said: Language, campaigns: Sequence[Paid], only: str) -> None:
        self.said, self.campaigns, self.only = said, campaigns, only

    def parts_of(self, channel: Paid) -> Iterator[Row]:
        """A row for each campaign of a channel."""
        for each in self.campaigns:
            if (each.channel, each.currency) == (channel.channel, channel.currency):
                yield self.row(one_line(each.name, LONGEST_NAME), each, "part")

    def row(self, name: str, wanted: Paid, kind: str = "") -> Row:
        """The rounded campaigns that it stands for, added up; what is divided is divided exactly."""
        shown = [each for each in self.campaigns if _within(each, wanted)]
        cost, conversions, value = (
            sum((getattr(each, name) for each in shown), Decimal(0)) for name in ("cost", "conversions", "value")
        )
        dear = wanted.cost_per_conversion if wanted.cost else None
        each = "–" if dear is None else self.amount(dear, wanted.currency)
        spent = self.amount(cost, wanted.currency) if wanted.cost else "–"  # not known to be for nothing
        amounts = spent, self.said.number(conversions), each, self.amount(value, wanted.currency)
        return Row((name, *amounts, _return(wanted, self.said)), kind)

    def amount(self, amount: Decimal, currency: str) -> str:
        """An amount of money, rounded."""
        return self.said.number(round(amount, MONEY)) + ("" if self.only else f" {currency}")


def _within(campaign: Paid, wanted: Paid) -> bool:
    """Whether a campaign's row is what is wanted, or of its channel, or of all."""
    if campaign.currency != wanted.currency:
        return False
    if wanted.campaign:
        return campaign.campaign == wanted.campaign
    return wanted.everything or campaign.channel == wanted.channel


def _return(paid: Paid, said: Language) -> str | Toned:
    share = paid.return_on_investment
    if share is None:
        return "–"
    return Toned(said.percent(round(100 * share, 0)), "good" if share >= 0 else "bad")


def _rounded(campaigns: Sequence[Paid]) -> list[Paid]:
    """Campaigns with amounts that add up as they are shown, each currency on its own."""
    rounded = {id(each): each for each in campaigns}
    for currency in {each.currency for each in campaigns}:
        rows = [each for each in campaigns if each.currency == currency]
        counts = [each.conversions for each in rows]
        shown = zip(
            rows,
            adding_up([each.cost for each in rows], MONEY),
            adding_up(counts, places(counts)),
            adding_up([each.value for each in rows], MONEY),
            strict=True,
        )
        for each, cost, conversions, value in shown:
            rounded[id(each)] = replace(each, cost=cost, conversions=conversions, value=value)
    return list(rounded.values())


def _unattributed(payback: Payback, drawn: _Drawn) -> Iterator[Row]:
    """What no campaign can be given, and why, in the currencies that were sent."""
    rows = payback.unattributed
    counts = adding_up([each.conversions for each in rows], places([each.conversions for each in rows]))
    said, values = drawn.said, dict[int, Decimal]()
    for currency in {each.currency for each in rows}:
        of_it = [each for each in rows if each.currency == currency]
        values |= zip(map(id, of_it), adding_up([each.value for each in of_it], MONEY), strict=True)
    if rows:
        yield Row((said("Unattributed"), "", said.number(sum(counts, Decimal(0))), "", "", ""))
    for each, conversions in zip(rows, counts, strict=True):
        value = drawn.amount(values[id(each)], each.currency)
        yield Row((said(reason_name(each.reason)), "", said.number(conversions), "", value, ""), "part")


def caused(rows: Sequence[Caused], goals: Sequence[Progress], said: Language) -> Sheet | None:
    """What holdouts measured; None where the catalogue has none."""
    if not rows:
        return None
    names = {goal.goal: one_line(goal.name, LONGEST_NAME) for goal in goals}
    columns = tuple(said(name) for name in ("Campaign", "Goal", "Caused", "95 % interval", "Credited"))
    title = said("What campaigns caused (incrementality, by holdout)")
    lines = [_caused(each, names, said) for each in rows]
    return Sheet(title, columns, 2, [lines], [said(_MAY_BE_NOTHING), *_doubts(rows, said)])


def _caused(each: Caused, goals: Mapping[str, str], said: Language) -> Row:
    name, goal = one_line(each.name, LONGEST_NAME), goals[each.goal]
    credited = count(Decimal(str(each.attributed or 0)), said)
    if each.incremental is None or each.incremental_low is None or each.incremental_high is None:
        more = said("{users} more users needed", users=said.number(Decimal(each.missing_users)))
        return Row((name, goal, said("not yet known"), more, credited))
    middle, low, high = (
        said.number(Decimal(round(bound))) for bound in (each.incremental, each.incremental_low, each.incremental_high)
    )
    return Row((name, goal, middle, said("{low} to {high}", low=low, high=high), credited))


def _doubts(rows: Sequence[Caused], said: Language) -> Iterator[str]:
    for name in sorted({one_line(each.name, LONGEST_NAME) for each in rows if each.balance < _UNLIKE}):
        yield said(
            "The groups of {campaign} cannot be compared: their sizes differ by more than chance.", campaign=name
        )
