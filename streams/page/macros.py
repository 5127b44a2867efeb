"""Panels' SQL with the macros of Grafana's ClickHouse plugin and the dashboard's variables put in. Pure.

The macros are those of the plugin's documentation. A variable becomes quoted literals, and stands outside quotes; so
whatever a value is, it stays a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from streams.page.times import Range, in_words

_TOKEN = re.compile(
    r"""(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)
    |(?P<comment>--[^\n]*|/\*.*?\*/)
    |(?P<open>['"`])
    |\$__(?P<macro>\w*)
    |\$\{(?P<braced>\w+)(?::(?P<format>\w+))?\}
    |\$(?P<bare>[A-Za-z]\w*)""",
    re.VERBOSE | re.DOTALL,
)
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::\w+)?\})")
_QUOTING = ("singlequote", "sqlstring")


class MacroError(ValueError):
    """A query cannot be expanded; the text says why and what to write."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The values of a variable. `everything`: All is chosen; `literal`: they come from the dashboard's file."""

    values: tuple[str, ...]
    everything: bool = False
    literal: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """What a query is asked for: a time range, the ms that a point covers, and the variables by name."""

    span: Range
    interval: int
    variables: Mapping[str, Selection] = field(default_factory=dict)


def expand(sql: str, scope: Scope) -> str:
    """The query that ClickHouse gets. Raises MacroError."""
    parts: list[str] = []
    at = 0
    while found := _TOKEN.search(sql, at):
        text, end = _put_in(sql, found, scope)
        parts += (sql[at : found.start()], text)
        at = end
    return "".join(parts) + sql[at:]


def quoted(text: str) -> str:
    """A ClickHouse string literal with exactly this value."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0")
    return f"'{escaped}'"


def _put_in(sql: str, found: re.Match[str], scope: Scope) -> tuple[str, int]:
    """What takes the place of a token, and where the rest of the query starts."""
    if found["open"]:
        raise MacroError(f"the {found['open']} at character {found.start() + 1} is not closed")
    if found["quoted"] and re.search(r"\$\{|\$__|\$[A-Za-z]", found["quoted"]):
        raise MacroError(f"{found['quoted']} has a variable in quotes; write ${{name:singlequote}} without quotes")
    if found["macro"] is not None:
        return _macro(sql, found, scope)
    if name := found["braced"] or found["bare"]:
        return _variable(name, found["format"] or "", scope), found.end()
    return found[0], found.end()


def _variable(name: str, style: str, scope: Scope) -> str:
    if name.removeprefix("__") in _WITHOUT_ARGUMENTS and name.startswith("__"):
        return _WITHOUT_ARGUMENTS[name[2:]](scope)
    chosen = _chosen(name, scope)
    if style in _QUOTING:
        # An empty list is no SQL: nothing chosen matches nothing.
        return ", ".join(map(quoted, chosen.values)) or "NULL"
    if chosen.literal and style in ("", "raw") and len(chosen.values) == 1:
        return chosen.values[0]
    raise MacroError(f"the variable {name} is not quoted; write ${{{name}:singlequote}}")


def _chosen(name: str, scope: Scope) -> Selection:
    try:
        return scope.variables[name]
    except KeyError:
        raise MacroError(
            f"there is no variable {name}; the dashboard's templating lists those that there are"
        ) from None


def _macro(sql: str, found: re.Match[str], scope: Scope) -> tuple[str, int]:
    name = found["macro"]
    if name in _WITHOUT_ARGUMENTS:
        # The plugin takes an empty pair of parentheses too.
        empty = re.compile(r"\(\s*\)").match(sql, found.end())
        return _WITHOUT_ARGUMENTS[name](scope), empty.end() if empty else found.end()
    if name not in _WITH_ARGUMENTS or not sql.startswith("(", found.end()):
        raise MacroError(f"the page does not know $__{name}; it knows {', '.join(_KNOWN)}")
    arguments, end = _arguments(sql, found.end())
    if name != "conditionalAll" and (len(arguments) != 1 or not arguments[0]):
        raise MacroError(f"$__{name} takes one argument, not {sql[found.end() : end]}")
    return _WITH_ARGUMENTS[name](arguments, scope), end


def _arguments(sql: str, opening: int) -> tuple[list[str], int]:
    """The texts between the commas of the outermost parentheses from `opening` on, and where they end."""
    depth, start, arguments = 0, opening + 1, []
    for token in re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|[()\[\],]", re.DOTALL).finditer(
        sql, opening
    ):
        depth += (token[0] in "([") - (token[0] in ")]")
        if depth == 0 or (depth == 1 and token[0] == ","):
            arguments.append(sql[start : token.start()].strip())
            start = token.end()
        if depth == 0:
            return arguments, token.end()
    raise MacroError(f"the parenthesis at character {opening + 1} is not closed")


def _seconds(ms: int) -> str:
    return f"toDateTime({ms // 1000})"


def _milliseconds(ms: int) -> str:
    return f"fromUnixTimestamp64Milli({ms})"


def _date(ms: int) -> str:
    return f"toDate('{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}')"


def _between(write: Callable[[int], str]) -> Callable[[Sequence[str], Scope], str]:
    def filtered(arguments: Sequence[str], scope: Scope) -> str:
        column = expand(arguments[0], scope)
        return f"{column} >= {write(scope.span.start)} AND {column} <= {write(scope.span.end)}"

    return filtered


def _time_interval(arguments: Sequence[str], scope: Scope) -> str:
    column = expand(arguments[0], scope)
    return f"toStartOfInterval(toDateTime({column}), INTERVAL {_whole_seconds(scope)} second)"


def _time_interval_ms(arguments: Sequence[str], scope: Scope) -> str:
    column = expand(arguments[0], scope)
    return f"toStartOfInterval(toDateTime64({column}, 3), INTERVAL {scope.interval} millisecond)"


def _conditional_all(arguments: Sequence[str], scope: Scope) -> str:
    """The condition, or `1=1` where the variable is All: the plugin takes everything but the last argument as one."""
    named = _VARIABLE.fullmatch(arguments[-1])
    if len(arguments) < 2 or not named:
        raise MacroError("$__conditionalAll takes a condition and a variable: $__conditionalAll(c IN (${v}), $v)")
    if _chosen(named[1] or named[2], scope).everything:
        return "1=1"
    return expand(", ".join(arguments[:-1]), scope)


def _whole_seconds(scope: Scope) -> int:
    return max(1, scope.interval // 1000)


_WITHOUT_ARGUMENTS: dict[str, Callable[[Scope], str]] = {
    "fromTime": lambda scope: _seconds(scope.span.start),
    "toTime": lambda scope: _seconds(scope.span.end),
    "fromTime_ms": lambda scope: _milliseconds(scope.span.start),
    "toTime_ms": lambda scope: _milliseconds(scope.span.end),
    "interval": lambda scope: in_words(scope.interval),
    "interval_ms": lambda scope: str(scope.interval),
    "interval_s": lambda scope: str(_whole_seconds(scope)),
    "from": lambda scope: str(scope.span.start),
    "to": lambda scope: str(scope.span.end),
}
_WITH_ARGUMENTS: dict[str, Callable[[Sequence[str], Scope], str]] = {
    "timeFilter": _between(_seconds),
    "timeFilter_ms": _between(_milliseconds),
    "dateFilter": _between(_date),
    "timeInterval": _time_interval,
    "timeInterval_ms": _time_interval_ms,
    "conditionalAll": _conditional_all,
}
_KNOWN = sorted((*_WITHOUT_ARGUMENTS, *_WITH_ARGUMENTS))
