"""A dashboard's variables: what may be chosen, and what is. Pure: the rows of their queries are handed in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.page.macros import Selection

ALL = "$__all"
_IN_FILE = ("custom", "interval", "constant")


class VariableError(ValueError):
    """A variable of a dashboard is not usable here; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Option:
    """A value, and what people read."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Variable:
    """`sql` gives the options; where it is '', `options` are those of the file. `default` is chosen until people do."""

    name: str
    label: str
    sql: str
    options: tuple[Option, ...]
    multi: bool
    with_all: bool
    hidden: bool
    default: tuple[str, ...]


def read(templating: Mapping[str, Any]) -> tuple[Variable, ...]:
    """The variables of a dashboard in their order; data sources are no choice here. Raises VariableError."""
    listed = templating.get("list", [])
    return tuple(_variable(each) for each in listed if each["type"] not in ("datasource", "adhoc"))


def _variable(given: Mapping[str, Any]) -> Variable:
    name, kind = given["name"], given["type"]
    if kind not in ("query", *_IN_FILE):
        raise VariableError(f"the variable {name} is of type {kind}; the page takes query, {', '.join(_IN_FILE)}")
    if given.get("regex"):
        raise VariableError(f"the variable {name} has a regex; choose the values in its query")
    return Variable(
        name,
        given.get("label") or name,
        _sql(given) if kind == "query" else "",
        () if kind == "query" else _listed(given),
        bool(given.get("multi")),
        bool(given.get("includeAll")),
        given.get("hide") in (2, "hideVariable"),
        _texts(given.get("current", {}).get("value", ())),
    )


def _sql(given: Mapping[str, Any]) -> str:
    query = given.get("query", "")
    sql = query if isinstance(query, str) else query.get("rawSql") or query.get("query", "")
    if not sql:
        raise VariableError(f"the variable {given['name']} has no query")
    return str(sql)


def _listed(given: Mapping[str, Any]) -> tuple[Option, ...]:
    """`a, b` or `text a : a, text b : b`; a backslash keeps a comma."""
    parts = (part.replace("\\,", ",").strip() for part in re.split(r"(?<!\\),", given.get("query", "")))
    pairs = (re.split(r"\s+:\s+", part, maxsplit=1) for part in parts if part)
    return tuple(Option(pair[-1], pair[0]) for pair in pairs)


def _texts(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list | tuple) else (value,)
    return tuple(str(each) for each in values if each not in (None, ""))


def from_rows(rows: Sequence[Sequence[object]]) -> tuple[Option, ...]:
    """The options of a query: its only column, or a column of values and one of texts, as in Grafana's plugin."""
    return tuple(dict.fromkeys(Option(str(row[0]), str(row[-1])) for row in rows))


def choose(
    variable: Variable, options: Sequence[Option], requested: Sequence[str] | None
) -> tuple[Selection, tuple[str, ...]]:
    """What is chosen, and which of the requested values are not among the options and so left out."""
    there = {option.value for option in options}
    allowed = there | ({ALL} if variable.with_all else set())
    wanted = variable.default if requested is None else tuple(requested)
    unknown = tuple(value for value in wanted if value not in allowed)
    picked = tuple(dict.fromkeys(value for value in wanted if value in allowed))[: None if variable.multi else 1]
    literal = not variable.sql
    if ALL in picked or (not picked and variable.with_all):
        return Selection(tuple(option.value for option in options), everything=True, literal=literal), unknown
    return Selection(picked or tuple(option.value for option in options[:1]), literal=literal), unknown
