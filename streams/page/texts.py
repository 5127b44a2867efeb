"""ClickHouse's JSON, with texts as they may be shown. Pure."""

from __future__ import annotations

import re

from streams.core.parsing.printable import printable

_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_CONTROLS = {"b": "", "f": " ", "n": " ", "r": " ", "t": " "}


def shown(answer: bytes) -> bytes:
    """The JSON, which is on one line, without control characters in its texts; numbers are as ClickHouse wrote them."""
    text = answer.decode("utf-8", "replace")
    if "\\" in text:
        text = _ESCAPED.sub(_harmless, text)
    return printable(text).encode()


def _harmless(found: re.Match[str]) -> str:
    code, char = found.groups()
    if char is not None:
        return _CONTROLS.get(char, found[0])
    one = chr(int(code, 16))
    halves = "\ud800" <= one <= "\udfff"  # two make one character
    return found[0] if halves or one.isprintable() else printable(one).replace("\t", " ").replace("\n", " ")
