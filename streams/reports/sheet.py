"""A table of a report as people see it, whatever it is drawn with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple


class Toned(NamedTuple):
    """A cell that is good news, nearly so (`near`), or bad."""

    text: str
    tone: str

    def __bool__(self) -> bool:
        return bool(self.text)


class Row(NamedTuple):
    """Cells in the order of the columns. `kind`: '' a line, `part` of the line above it, or `sum` of lines."""

    cells: tuple[str | Toned, ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A title, columns (the first `left` hold texts, the others figures), blocks of rows, and notes below."""

    title: str
    columns: tuple[str, ...]
    left: int
    blocks: Sequence[Sequence[Row]]
    notes: Sequence[str] = field(default=())

    def without_empty(self) -> Sheet:
        """The columns that say something."""
        rows = [row for block in self.blocks for row in block]
        kept = [place for place in range(len(self.columns)) if any(row.cells[place] for row in rows)]

        def cut(row: Row) -> Row:
            return Row(tuple(row.cells[place] for place in kept), row.kind)

        columns = tuple(self.columns[place] for place in kept)
        left = sum(place < self.left for place in kept)
        return replace(self, columns=columns, left=left, blocks=[[cut(row) for row in block] for block in self.blocks])
