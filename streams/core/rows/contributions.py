"""Contributions: what conversions add to the aggregates, model by model, in integers that add up exactly."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from streams.core.attribution.conversion import WITHDRAWN, Conversion, column, paths
from streams.core.attribution.models import MODELS, WHOLE, split
from streams.core.columns.arrays import I32, I64
from streams.core.columns.dictionary import Dictionary, distinct
from streams.core.journeys.kinds import TouchKinds
from streams.core.parsing.units import MINUTE
from streams.core.rows.credit import Credit

CELL_BITS = 36  # of an aggregate's key: minute << CELL_BITS | cell
UNATTRIBUTED = -1  # in place of a code of means


class AggregateKey(NamedTuple):
    """The key of an aggregate, beside its minute. `means` is a code of TouchKinds.means, or UNATTRIBUTED; `cause` is
    that of a restatement, '' where all statements are added up."""

    goal: str
    customer: str
    reason: str
    currency: str
    model: str
    means: int
    cause: str = ""


class Contribution(NamedTuple):
    """Amounts to add: (n, 4) millionths of conversions, value, reversed conversions, reversed value; for each of the
    causes asked for the keys (n,) to add them by, which are minute << CELL_BITS | cell."""

    keys: list[I64]
    amounts: I64


class Contributions(NamedTuple):
    """What some statements add, and the credit of those among them that are attributed."""

    parts: list[Contribution]
    credit: Credit


class _Rows(NamedTuple):
    """What statements are shared out to: which statement each part belongs to, and its means."""

    owner: I64
    means: I64


def contributions(
    statements: Sequence[Conversion], kinds: TouchKinds, cells: Dictionary[AggregateKey], causes: Sequence[str] = ("",)
) -> Contributions:
    """What those statements add, for every model, in cells of each of the causes; nothing where a statement does not
    count at all."""
    attributed = [s for s in statements if s.attributed]
    others = [s for s in statements if not s.attributed and s.status != WITHDRAWN]
    parts, by_model = list[Contribution](), dict[str, I32]()
    for model, credit, part in _attributed(attributed, kinds, cells, causes) if attributed else ():
        by_model[model] = credit
        parts.append(part)
    parts += _unattributed(others, cells, causes) if others else ()
    return Contributions(parts, Credit(attributed, by_model))


def _attributed(
    statements: Sequence[Conversion], kinds: TouchKinds, cells: Dictionary[AggregateKey], causes: Sequence[str]
) -> Iterator[tuple[str, I32, Contribution]]:
    """By model, what each touch is given of a whole conversion, and what is to be added."""
    path = paths(statements, kinds)
    rows = _Rows(path.journeys.owner, kinds.means_of[path.kind])
    value, remaining = column(statements, "value"), column(statements, "remaining")
    one, same = np.full(len(statements), WHOLE), np.array_equal(value, remaining)
    counts, keys = column(statements, "counted")[rows.owner], _keys(statements, rows, cells, causes)
    for model, shares_of in MODELS.items():
        shares = shares_of(path.journeys)
        credit, whole = (split(total, shares, path.journeys) for total in (one, value))
        net = whole if same else split(remaining, shares, path.journeys)
        amounts = np.stack([credit * counts, net, credit * (1 - counts), whole - net], axis=1)
        yield model, credit.astype(np.int32), Contribution(keys(model), amounts)


def _unattributed(
    statements: Sequence[Conversion], cells: Dictionary[AggregateKey], causes: Sequence[str]
) -> Iterator[Contribution]:
    """As if each had one touch, of no means: every model gives it all."""
    n = len(statements)
    value, remaining, counted = (column(statements, name) for name in ("value", "remaining", "counted"))
    amounts = np.stack([counted * WHOLE, remaining, (1 - counted) * WHOLE, value - remaining], axis=1)
    keys = _keys(statements, _Rows(np.arange(n), np.full(n, UNATTRIBUTED)), cells, causes)
    for model in MODELS:
        yield Contribution(keys(model), amounts)


def _keys(
    statements: Sequence[Conversion], rows: _Rows, cells: Dictionary[AggregateKey], causes: Sequence[str]
) -> Callable[[str], list[I64]]:
    """For a model, the keys of those rows for each cause."""
    minute = column(statements, "time")[rows.owner] // MINUTE << CELL_BITS
    found, inverse = _cells(statements, rows)

    def of_model(model: str) -> list[I64]:
        codes = (cells.codes([cell._replace(model=model, cause=cause) for cell in found]) for cause in causes)
        return [minute | code[inverse] for code in codes]

    return of_model


def _cells(statements: Sequence[Conversion], parts: _Rows) -> tuple[list[AggregateKey], I64]:
    """The distinct cells, of no model and cause yet, and which of them each part has."""
    heads = Dictionary[tuple[str, str, str, str]]()
    head = heads.codes([(s.goal, s.customer, s.reason, s.currency) for s in statements])[parts.owner]
    width = int(parts.means.max()) + 2
    pairs, inverse = distinct(head * width + parts.means + 1)
    found = ((*heads.words[pair // width], "", pair % width - 1, "") for pair in pairs.tolist())
    return [AggregateKey(*word) for word in found], inverse
