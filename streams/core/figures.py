"""Figures: what statements add to the aggregates, model by model, in integers that add up exactly."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.codes import Codes, Kinds
from streams.core.credit import MODELS, WHOLE, Journeys, split
from streams.core.statements import WITHDRAWN, Statement, paths

I64 = NDArray[np.int64]
MINUTE = 60_000  # ms
CELL_BITS = 36  # of an aggregate's key: minute << CELL_BITS | cell
UNATTRIBUTED = -1  # in place of a code of means


class Cell(NamedTuple):
    """The key of an aggregate, beside its minute. `means` is a code of Kinds.means, or UNATTRIBUTED; `cause` is that of
    a restatement, '' where all statements are added up."""

    goal: str
    customer: str
    reason: str
    currency: str
    model: str
    means: int
    cause: str = ""


class Figures(NamedTuple):
    """Amounts to add: (n, 4) millionths of conversions, value, reversed conversions, reversed value; for each of the
    causes asked for the keys (n,) to add them by, which are minute << CELL_BITS | cell."""

    keys: list[I64]
    amounts: I64


class _Parts(NamedTuple):
    """The touches of all statements: which statement each belongs to, its means, and the journeys they form."""

    owner: I64
    means: I64
    journeys: Journeys


def figures(
    statements: Sequence[Statement], kinds: Kinds, cells: Codes[Cell], causes: Sequence[str] = ("",)
) -> list[Figures]:
    """What those statements add, for every model, in cells of each of the causes; nothing where a statement does not
    count at all."""
    counting = [s for s in statements if s.status != WITHDRAWN]
    attributed, others = [s for s in counting if s.touches], [s for s in counting if not s.touches]
    groups = ((attributed, _touched(attributed, kinds)), (others, _untouched(others)))
    return [each for group, parts in groups if group for each in _by_model(group, parts, cells, causes)]


def _touched(statements: Sequence[Statement], kinds: Kinds) -> _Parts:
    path = paths(statements, kinds)
    return _Parts(path.journeys.owner, kinds.means_of[path.kind], path.journeys)


def _untouched(statements: Sequence[Statement]) -> _Parts:
    """As if each had one touch, of no means."""
    n = len(statements)
    one_each = Journeys(np.arange(n + 1), np.zeros(n, np.int64), np.zeros(n, np.bool_), np.zeros(n, np.int64))
    return _Parts(np.arange(n), np.full(n, UNATTRIBUTED), one_each)


def _by_model(
    statements: Sequence[Statement], parts: _Parts, cells: Codes[Cell], causes: Sequence[str]
) -> Iterator[Figures]:
    value, remaining, counted, time = (column(statements, name) for name in ("value", "remaining", "counted", "time"))
    one, same = np.full(len(statements), WHOLE), np.array_equal(value, remaining)
    counts, minute = counted[parts.owner], time[parts.owner] // MINUTE << CELL_BITS
    found, inverse = _cells(statements, parts)
    for model, shares_of in MODELS.items():
        shares = shares_of(parts.journeys)
        credit, whole = (split(total, shares, parts.journeys) for total in (one, value))
        net = whole if same else split(remaining, shares, parts.journeys)
        amounts = np.stack([credit * counts, net, credit * (1 - counts), whole - net], axis=1)
        codes = (cells.codes([cell._replace(model=model, cause=cause) for cell in found]) for cause in causes)
        yield Figures([minute | code[inverse] for code in codes], amounts)


def column(statements: Sequence[Statement], name: str) -> I64:
    """The integers of that name."""
    return np.fromiter((getattr(s, name) for s in statements), np.int64, len(statements))


def _cells(statements: Sequence[Statement], parts: _Parts) -> tuple[list[Cell], I64]:
    """The distinct cells, of no model and cause yet, and which of them each touch has."""
    heads = Codes[tuple[str, str, str, str]]()
    head = heads.codes([(s.goal, s.customer, s.reason, s.currency) for s in statements])[parts.owner]
    width = int(parts.means.max()) + 2
    pairs, inverse = np.unique(head * width + parts.means + 1, return_inverse=True)
    found = ((*heads.words[pair // width], "", pair % width - 1, "") for pair in pairs.tolist())
    return [Cell(*word) for word in found], inverse
