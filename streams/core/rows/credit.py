"""Credit of conversions by model: worked out once, where they are added up, and kept for their rows."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from streams.core.attribution.conversion import Conversion, column
from streams.core.attribution.models import MODELS
from streams.core.columns.arrays import I32, I64
from streams.core.columns.column import Ragged


class Credit(NamedTuple):
    """What models give to the touches of attributed statements, one after the other: millionths of a whole conversion,
    whatever was taken back of it."""

    statements: Sequence[Conversion]
    by_model: Mapping[str, I32]


class PendingCredit:
    """The credit of statements whose rows are not made yet."""

    def __init__(self) -> None:
        self._blocks: list[Mapping[str, I32]] = []
        self._places: dict[tuple[str, str], int] = {}  # where the touches of a statement begin in all blocks
        self._touches = 0

    def add(self, credit: Credit, latest: Mapping[tuple[str, str], Conversion]) -> None:
        """Keep it for those statements that are the latest of their order and goal."""
        for statement in credit.statements:
            if latest.get(statement.key) is statement:
                self._places[statement.key] = self._touches
            self._touches += statement.touch_count
        if credit.statements:
            self._blocks.append(credit.by_model)

    def columns(self, statements: Sequence[Conversion], offsets: I64) -> dict[str, Ragged]:
        """Credit of attributed statements by model in millionths, nothing once all is taken back. Their touches lie at
        `offsets`, which may have more rows, without touches."""
        n = len(statements)
        places = np.fromiter((self._places[statement.key] for statement in statements), np.int64, n)
        lengths = np.diff(offsets[: n + 1])
        at = np.arange(offsets[-1]) + np.repeat(places - offsets[:n], lengths)
        counted = np.repeat(column(statements, "counted").astype(np.int32), lengths)
        return {model: Ragged(offsets, self._parts(model)[at] * counted) for model in MODELS}

    def _parts(self, model: str) -> I32:
        return np.concatenate([np.zeros(0, np.int32), *(block[model] for block in self._blocks)])
