"""A dashboard in another language: its texts, the names of its columns, and what its queries say in words. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

SHOWN = ("title", "description", "label", "text", "noValue", "content", "legendFormat", "displayName")
TAG = "maalstrom"  # of all dashboards that link to each other
_TOKEN = re.compile(r"""'((?:[^'\\]|\\.)*)'|"([^"\n]*)\"""")  # of SQL: a literal, or a name
# A literal for people begins with a capital or a span of figures, or goes on after one, or is how a day is written;
# others are data.
_WORDS = re.compile(r" ?[A-Z]|,? [a-z]|\d+ (?:to|or|days) |%Y-%m-%d$")
_LETTERS = re.compile(r"[A-Za-z]{2}")
_PLACE = re.compile(r"\$\{[^}]*\}|\$\w+")
NAMES = frozenset({"UTC", "id", "maalstrom", "Prometheus"})  # the same everywhere

Say = Callable[[str], str]


def translated(dashboard: Mapping[str, Any], code: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """The dashboard with each text of `texts` in its language, under an address of its own, linked to its kind."""

    def say(text: str) -> str:
        return texts.get(text, text)

    made: dict[str, Any] = _said(dashboard, say, code)
    made["uid"] = f"{dashboard['uid']}-{code}"
    made["tags"] = [f"{TAG}-{code}" if tag == TAG else tag for tag in dashboard["tags"]]
    return made


def texts_of(dashboard: Mapping[str, Any]) -> set[str]:
    """Every text of a dashboard that people read."""
    seen: set[str] = set()

    def say(text: str) -> str:
        if (_LETTERS.search(_PLACE.sub("", text)) or "%" in text) and text not in NAMES:
            seen.add(text)
        return text

    _said(dashboard, say, "")
    return seen


def _said(part: Any, say: Say, code: str) -> Any:
    if isinstance(part, list):
        return [_said(each, say, code) for each in part]
    if not isinstance(part, Mapping):
        return part
    if part.get("id") in SHOWN and isinstance(part.get("value"), str):
        return {**part, "value": say(part["value"])}  # of a field alone
    return dict(_field(name, value, say, code) for name, value in part.items())


def _field(name: str, value: Any, say: Say, code: str) -> tuple[str, Any]:
    if name == "rawSql":
        return name, _TOKEN.sub(lambda token: _token(token, say), value)
    if name == "matcher" and value.get("id") == "byName":
        return name, {**value, "options": say(value["options"])}
    if name == "url" and code:
        return name, re.sub(rf"(/d/{TAG}-(?!pipeline)[a-z]+)", rf"\1-{code}", value)
    if name == "tags" and code:
        return name, [f"{tag}-{code}" if tag == TAG else tag for tag in value]
    if name == "mappings":
        return name, [_mapping(each, say) for each in value]
    if name in SHOWN and isinstance(value, str):
        return name, say(value)
    return name, _said(value, say, code)


def _token(token: re.Match[str], say: Say) -> str:
    literal, column = token.groups()
    if column is not None:
        return f'"{say(column)}"'
    return f"'{say(literal)}'" if _WORDS.match(literal) else token[0]


def _mapping(mapping: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """What a query says in words is looked up by those words."""
    options = mapping["options"]
    if mapping["type"] != "value":
        return {**mapping, "options": _said(options, say, "")}
    return {
        **mapping,
        "options": {say(key) if _WORDS.match(key) else key: _said(value, say, "") for key, value in options.items()},
    }
