"""Files of costs as tables: how they are encoded, what stands between cells, and which row has the headings."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from streams.core.events.costs.cost import FIELDS, Cost, from_cells, from_export
from streams.core.events.costs.exports import NAMES, NOTHING, ColumnLayout, is_row, is_total, lacking, told
from streams.core.parsing import written
from streams.core.parsing.decoding import Rejected, attempt
from streams.sources.files import whole

if TYPE_CHECKING:
    import _csv

_OPTIONAL = ("rate", "id")
_TITLES = 30  # rows in which headings are looked for
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}

Row = tuple[int, list[str] | str]  # the line it begins on, and its cells or why it cannot be cut into any


@dataclass(frozen=True)
class CostTable:
    """A table of costs: its rows below the headings; `layout` is None where they are those of the cost records."""

    headings: list[str]
    rows: list[Row]
    layout: ColumnLayout | None

    @property
    def source(self) -> str:
        """Whose export it is; `file` for a table of one's own."""
        return self.layout.export.name if self.layout else "file"

    def costs(self, currency: str) -> Iterator[tuple[int, Cost | str]]:
        """The line of each row of costs, and what it says or what is wrong; in `currency` where an export has none."""
        days, mark, month_first = self._column("day"), self._mark(), self._month_first()
        for (line, cells), day in zip(self.rows, days, strict=True):
            if isinstance(cells, str):
                yield line, cells
            elif self.layout is None:
                if any(map(str.strip, cells)) and (day or not is_total(cells)):
                    yield line, _own(self.headings, cells, mark, month_first)
            elif is_row(cells, self.layout, _is_day(day, month_first)):
                found = attempt(from_export, cells, self.layout, mark, month_first, currency)
                yield line, found.error if isinstance(found, Rejected) else found

    def _mark(self) -> str:
        texts = [text for name in ("amount", "rate") for text in self._column(name) if text not in NOTHING]
        return written.decimal_mark(texts)

    def _month_first(self) -> bool | None:
        return written.month_first(self._column("day"), self.layout.export.month_first if self.layout else None)

    def _column(self, name: str) -> list[str]:
        """The texts of a column; '' where a row has none."""
        if self.layout:
            place = {"day": self.layout.day, "amount": self.layout.amount}.get(name, -1)
        else:
            place = self.headings.index(name) if name in self.headings else -1
        return [_text(cells, place) for _, cells in self.rows]


def read(path: Path, wanted: str = "") -> CostTable:
    """The table in a file, of the export `wanted` where that is not ''.

    Raises ValueError where it is none of costs, OSError where it cannot be read.
    """
    text = decoded(path)
    tables = [list(_cells(csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True))) for mark in ",;\t"]
    for rows in tables:
        for at, (_, cells) in enumerate(islice(rows, _TITLES)):
            if not isinstance(cells, str) and (found := _table(cells, rows[at + 1 :], wanted)):
                return found
    raise ValueError(f"{path}:{_what_is_wrong(tables, wanted)}")


def _table(cells: Sequence[str], rows: list[Row], wanted: str) -> CostTable | None:
    headings = [name.strip().casefold() for name in cells]
    if not wanted and not _missing(headings) and not _twice(headings):
        return CostTable(headings, rows, None)
    layout = told(cells, wanted)
    return CostTable(headings, rows, layout) if layout else None


def _missing(headings: Sequence[str]) -> list[str]:
    return [name for name in FIELDS if name not in headings and name not in _OPTIONAL]


def _twice(headings: Sequence[str]) -> list[str]:
    return sorted({name for name in headings if name in FIELDS and headings.count(name) > 1})


def _what_is_wrong(tables: Sequence[Sequence[Row]], wanted: str) -> str:
    """The line of what comes nearest to headings, and what is wrong with it."""
    for line, cells in (row for rows in tables for row in islice(rows, _TITLES)):
        if not isinstance(cells, str) and (why := lacking(cells, wanted)):
            return f"{line}: {why}"
    line, cells = max((rows[0] for rows in tables if rows), key=_likeness, default=(1, []))
    if isinstance(cells, str):
        return f"{line}: the header is {cells}"
    headings = [name.strip().casefold() for name in cells]
    twice, missing = _twice(headings), _missing(headings)
    wrong = f"has {', '.join(twice)} twice" if twice else f"lacks {', '.join(missing)}"
    ours = f"{', '.join(FIELDS)} (rate for hours only, id optional)"
    return f"{line}: the header {wrong}; its columns are {ours}, or those of an export of {wanted or ', '.join(NAMES)}"


def _likeness(row: Row) -> tuple[int, int]:
    """How many headings of ours a row has, and how many cells."""
    names = [name.strip().casefold() for name in row[1]] if not isinstance(row[1], str) else []
    return sum(name in FIELDS for name in names), len(names)


def decoded(path: Path) -> str:
    """The text of a file (`-` is standard input), in UTF-8, UTF-16 or what Windows writes in Western Europe."""
    raw = whole(path)
    marked = next((encoding for mark, encoding in _MARKS.items() if raw.startswith(mark)), "")
    guessed = "utf-16-le" if raw[1:2] == b"\0" else "utf-16-be" if raw[:1] == b"\0" else "utf-8"
    for encoding in (marked or guessed, "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError(f"{path} is neither UTF-8 nor UTF-16; save it as CSV UTF-8")


def _cells(reader: _csv.Reader) -> Iterator[Row]:
    while True:
        line = reader.line_num + 1
        try:
            yield line, next(reader)
        except csv.Error as error:
            yield line, f"not CSV ({error}); see to the quotes from here on"
        except StopIteration:
            return


def _own(headings: Sequence[str], cells: Sequence[str], mark: str, month_first: bool | None) -> Cost | str:
    if any(map(str.strip, cells[len(headings) :])):
        return (
            f"{len(cells)} cells below {len(headings)} columns; write a point, not a comma, in numbers, or use quotes"
        )
    found = attempt(from_cells, dict(zip(headings, cells, strict=False)), mark, month_first)
    return found.error if isinstance(found, Rejected) else found


def _text(cells: Sequence[str] | str, place: int) -> str:
    return cells[place].strip() if not isinstance(cells, str) and 0 <= place < len(cells) else ""


def _is_day(text: str, month_first: bool | None) -> bool:
    try:
        written.day(text, month_first)
    except ValueError:
        return False
    return True
