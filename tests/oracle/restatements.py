"""What reports restate and why, naively: everything worked out anew at each report, and compared with the one before.

Of all that came between two reports, for a conversion that is stated anew, the strongest is its cause: another message
says when or what its order is, else a reversal of it, else an update. Where none of these came it was a touch, a link
or a word of consent; which of them is not worked out: then the cause is EITHER, of this oracle alone. Where an order
that was ever cancelled is completed once more, that may have restored it, as what came in between says: then it is ANY.
So it is where another scope gets an order of that id: until then a message without a scope may have been this order's.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from tests.oracle.attribution import run
from tests.oracle.door.meanings import Event
from tests.oracle.door.messages import made_up
from tests.oracle.figures import Contribution
from tests.oracle.orders import Order

EITHER, ANY = "late_touch, identity or consent", "any"
Row = tuple[Any, ...]
Key = tuple[str, str]


class Restatements:
    """`rows`: (cell of goal_attribution, hour of the report in s, cause) -> differences of the four amounts."""

    def __init__(
        self, catalogue_text: str, sources_text: str | None = None, made: Callable[[str], str] = made_up
    ) -> None:
        self._settings, self._made = (catalogue_text, sources_text), made
        self._figures: dict[Key, Contribution] = {}
        self._orders: dict[Key, Order] = {}
        self.rows: dict[Row, list[int]] = {}
        self.causes: set[str] = set()  # of all that was ever restated

    def report(self, records: Sequence[tuple[str, bytes]], reported_at: int) -> None:
        """Everything is reported, after all those records in the order of their arrival."""
        catalogue, sources = self._settings
        arrived = ((topic, None, value, ()) for topic, value in records)
        result = run(arrived, catalogue, sources, self._made)
        for key, before in self._figures.items():
            after = result.figures.get(key, {})
            shared = _namesakes(key, self._orders) != _namesakes(key, result.orders)
            why = ANY if shared else cause(self._orders[key], result.orders[key])
            for cell in before.keys() | after.keys():
                pair = after.get(cell, [0] * 4), before.get(cell, [0] * 4)
                self._add((*cell, reported_at, why), [now - then for now, then in zip(*pair, strict=True)])
        nothing: dict[Key, Contribution] = {key: {} for key in self._figures}
        self._figures, self._orders = nothing | result.figures, result.orders

    def _add(self, row: Row, amounts: Sequence[int]) -> None:
        self.causes |= {row[-1]} if any(amounts) else set()
        sums = [a + b for a, b in zip(self.rows.pop(row, [0] * 4), amounts, strict=True)]
        self.rows |= {row: sums} if any(sums) else {}


def _namesakes(key: Key, orders: Mapping[Key, Order]) -> int:
    """How many orders of its goal have the order's id, in whatever scope."""
    goal, bare = key[0], _without_scope(orders[key])
    return sum(goal == other and _without_scope(order) == bare for (other, _), order in orders.items())


def _without_scope(order: Order) -> str:
    scope = order.first.scope
    return order.key.removeprefix(f"{scope}:") if scope else order.key


def cause(before: Order, after: Order) -> str:
    """Why an order is not what it was."""
    if _ids([before.first, before.stated]) != _ids([after.first, after.stated]):
        return "correction"
    if _ids(before.later) != _ids(after.later) and any(event.whole for event in after.reversals):
        return ANY
    if _ids(_taking(before)) != _ids(_taking(after)):
        return "reversal"
    return "correction" if _ids(_in_force(before)) != _ids(_in_force(after)) else EITHER


def _taking(order: Order) -> list[Event]:
    """The reversals that say how much is taken back: another takes nothing."""
    return [event for event in order.reversals if event.whole or event.so_far is not None or event.worth is not None]


def _in_force(order: Order) -> list[Event]:
    """The updates that say what an order is worth, and that it stands: others change nothing."""
    stating = [update for update in order.updates if update.worth is not None]
    standing = [update for update in stating if any(update.amounts.values())]
    return [max(updates, key=lambda update: update.at) for updates in (stating, standing) if updates]


def _ids(events: Iterable[Any]) -> list[Any]:
    return sorted((event.kind, event.name, event.at) for event in events)


def alike(rows: Mapping[Row, Sequence[int]], told: Collection[str]) -> dict[Row, list[int]]:
    """Rows with those causes as one that are not told apart where these were `told`."""
    same = dict.fromkeys(("late_touch", "identity", "consent"), EITHER) if EITHER in told else {}
    sums: dict[Row, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for (*row, why), amounts in rows.items():
        cause = ANY if ANY in told else same.get(why, why)
        sums[*row, cause] = [a + b for a, b in zip(sums[*row, cause], amounts, strict=True)]
    return {row: amounts for row, amounts in sums.items() if any(amounts)}
