"""Names that people write: one normal form, in which campaigns, networks, sources, coupons and events compare."""

import re
import unicodedata
from functools import lru_cache

LONGEST = 200  # code points of a normal name
_NO_UTF8 = re.compile("[\udc80-\udcff]")  # how a byte that is none is handed on
_ESCAPES = re.compile("(?:%[0-9A-Fa-f]{2})+")


def normal(text: str) -> str:
    """The normal form of a name: decoded once as in URLs, NFC, without control characters, case folded."""
    return _normal(text, False) if len(text) <= LONGEST else _reduced(text, False)


def event_name(text: str) -> str:
    """The normal form of an event's name, in which `_` and `-` are spaces."""
    return _normal(text, True) if len(text) <= LONGEST else _reduced(text, True)


@lru_cache(maxsize=8192)
def _normal(text: str, event: bool) -> str:
    return _reduced(text, event)


def _reduced(text: str, event: bool) -> str:
    decoded = _ESCAPES.sub(lambda match: _unescaped(match[0]), text.replace("+", " "))
    if event:
        decoded = decoded.replace("_", " ").replace("-", " ")
    composed = unicodedata.normalize("NFC", decoded)
    if not composed.isprintable():
        composed = "".join(c for c in composed if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf"))
    folded = " ".join(composed.split()).casefold()
    return unicodedata.normalize("NFC", folded)[:LONGEST]


def _unescaped(escapes: str) -> str:
    """The text of `%XX` in a row; bytes that are no UTF-8 stay as they are written."""
    text = bytes.fromhex(escapes.replace("%", "")).decode("utf-8", "surrogateescape")
    if not _NO_UTF8.search(text):
        return text
    at, parts = 0, []
    for character in text:
        bad = _NO_UTF8.match(character)
        parts.append(escapes[3 * at : 3 * at + 3] if bad else character)
        at += 1 if bad else len(character.encode())
    return "".join(parts)
