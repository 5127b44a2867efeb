"""Reading `catalogue.toml`: tables that know where they stand in the text, so that every refusal names its line."""

import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, NoReturn

MAX_AMOUNT = Decimal(10**12 - 1)  # with its six decimals it fits a ClickHouse Decimal(18, 6)

_UNUSABLE = (ValueError, InvalidOperation, RecursionError)  # valid TOML that tomllib cannot represent
Path = tuple[str | int, ...]
_STAND_INS: dict[Path, Any] = {("base_currency",): "XXX", ("goal",): [None]}  # for what is needed; of others a text


class CatalogueError(ValueError):
    """A catalogue that cannot be used; the text is `file:line: what is wrong; what to do`. `path` leads to what is
    wrong, `what` says what it is."""

    def __init__(self, text: str, path: Path = (), what: str = "", line: int = 0) -> None:
        super().__init__(text)
        self.path, self.what, self.line = path, what, line


def load(text: str, source: str, without: Iterable[Path] = ()) -> dict[str, Any]:
    """The document `without` what those paths lead to, its floats as Decimal; CatalogueError where it is not TOML."""
    try:
        document = tomllib.loads(text, parse_float=Decimal)
        for path in without:
            _take_out(document, path)
        return document
    except tomllib.TOMLDecodeError as error:
        what, _, at = str(error).removesuffix(")").partition(" (at ")
        numbers = re.findall(r"\d+", at) or [str(len(text.rstrip().split("\n")))]
        raise CatalogueError(f"{source}:{numbers[0]}: not TOML: {what}; correct this line") from None
    except _UNUSABLE:
        lines = text.split("\n")
        line = bisect_left(range(len(lines)), True, key=lambda count: _unusable("\n".join(lines[:count])))
        what = "a number too large, or values nested too deep"
        raise CatalogueError(f"{source}:{line}: {what}; correct this line") from None


def _take_out(document: dict[str, Any], path: Path) -> None:
    """Take out what a path leads to; tables of a list keep their places. What is not there gets a stand-in."""
    *parents, last = path
    holder: Any = document
    for step in parents:
        holder = holder[step]
    if isinstance(holder, dict) and last not in holder:
        holder[last] = _STAND_INS.get(path, "-".join(map(str, path)))
    elif isinstance(holder, list) and isinstance(holder[last], dict):  # type: ignore[index]
        holder[last] = None  # type: ignore[index]
    else:
        del holder[last]


@dataclass(frozen=True)
class TomlTable:
    """A table of the document that knows where it stands, so that every refusal names its line."""

    values: Mapping[str, Any]
    path: Path
    text: str
    source: str

    def fail(self, what: str, remedy: str, *at: str | int) -> NoReturn:
        path = self.path + at
        line = line_of(self.text, path)
        raise CatalogueError(f"{self.source}:{line}: {what}; {remedy}", path, what, line)

    def only(self, known: Sequence[str]) -> None:
        for key in self.values:
            if key not in known:
                self.fail(f'unknown key "{key}"', f"the keys here are {', '.join(known)}", key)

    def table(self, key: str) -> "TomlTable":
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            self.fail(f"{key} is not a table", f"write {key} = {{ … }}", key)
        return TomlTable(value, (*self.path, key), self.text, self.source)

    def tables(self, key: str) -> Iterator["TomlTable"]:
        values = self.values.get(key, [])
        if not (isinstance(values, list) and all(value is None or isinstance(value, dict) for value in values)):
            self.fail(f"{key} is not a list of tables", f"begin each {key} with [[{key}]]", key)
        for index in kept(values):
            value = values[index]
            yield TomlTable(value, (*self.path, key, index), self.text, self.source)

    def string(self, key: str, default: str | None = None) -> str:
        if key not in self.values and default is not None:
            return default
        if key not in self.values:
            self.fail(f"{key} is missing", f'add {key} = "…"')
        value = self.values[key]
        if not isinstance(value, str) or not value.strip():
            self.fail(f"{key} is {shown(value)}, not a text", f'write {key} = "…"', key)
        return value

    def strings(self, key: str) -> tuple[str, ...]:
        values = self.values.get(key, [])
        if not (isinstance(values, list) and all(isinstance(v, str) and v.strip() for v in values)):
            self.fail(f"{key} is not a list of texts", f'write {key} = ["…", "…"]', key)
        return tuple(values)

    def boolean(self, key: str) -> bool:
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            self.fail(f"{key} is {shown(value)}, neither true nor false", f"write {key} = true", key)
        return value

    def date(self, key: str) -> date | None:
        value = self.values.get(key)
        if value is not None and (isinstance(value, datetime) or not isinstance(value, date)):
            self.fail(f"{key} is {shown(value)}, not a date", f"write {key} = 2026-12-31, without quotes or time", key)
        return value

    def amount(self, key: str, remedy: str) -> Decimal:
        """A number, 0 or more, that fits what the database holds, with six places, half-even."""
        value = self.values[key]
        if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= _finite(value) <= MAX_AMOUNT:
            self.fail(f"{key} is {shown(value)}, not an amount of 0 or more (at most {MAX_AMOUNT})", remedy, key)
        return Decimal(value).quantize(Decimal("0.000001"), ROUND_HALF_EVEN)

    def decimal(self, key: str, remedy: str) -> Decimal:
        """An amount above 0, which may be written as a text."""
        value = self.values[key]
        if isinstance(value, str) and re.fullmatch(r"\d{1,12}(\.\d{1,12})?", value, re.ASCII):
            value = Decimal(value)
        rate = TomlTable({key: value}, self.path, self.text, self.source).amount(key, remedy)
        if not rate:
            self.fail(f"{key} is {shown(self.values[key])}, not above 0", remedy, key)
        return rate


def _finite(value: int | Decimal) -> int | Decimal:
    return value if isinstance(value, int) or value.is_finite() else -1


def shown(value: object) -> str:
    """A value as a person would write it in TOML, short."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value.bit_length() > 64:
        return "a giant number"
    text = f'"{_printable(value)}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def _unusable(text: str) -> bool:
    try:
        tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError:
        return False
    except _UNUSABLE:
        return True
    return False


def kept(tables: Sequence[object]) -> list[int]:
    """The places of the tables that were not taken out."""
    return [index for index, table in enumerate(tables) if table is not None]


def line_of(text: str, path: Path) -> int:
    """The line on which the statement begins that makes `path` exist: the text's first lines are parsed to find it."""
    lines = text.replace("\r\n", "\n").split("\n")
    end = bisect_left(range(len(lines) + 1), True, key=lambda count: _exists(_prefix(lines, count)[0], path))
    return _prefix(lines, end - 1)[1] + 1 if path else 1


def _prefix(lines: Sequence[str], count: int) -> tuple[object, int]:
    """The document of the first `count` lines, or of as many fewer as make whole statements, and how many those are."""
    for used in range(count, 0, -1):
        try:
            return tomllib.loads("\n".join(lines[:used]), parse_float=Decimal), used
        except ValueError:
            continue
    return {}, 0


def _exists(document: Any, path: Path) -> bool:
    for step in path:
        if not (step < len(document) if isinstance(step, int) else step in document):
            return False
        document = document[step]
    return True
