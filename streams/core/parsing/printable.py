"""Text from elsewhere, as it may be shown: what steers a terminal or turns the direction of writing is taken out.

Tables keep names as they came; this is for the way out.
"""

from unicodedata import category

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, formats (as bidirectional marks), half characters
_KEPT = "\n\t"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(text: str) -> str:
    """The text without what is not seen: line feeds and tabs stay, other white-space controls are spaces."""
    return text if text.isprintable() else "".join(map(_seen, text))


def one_line(text: str, most: int = 0) -> str:
    """The text on one line, cut to `most` characters where that is not 0."""
    line = " ".join(printable(text).split())
    return line if not most or len(line) <= most else line[: most - 1] + "…"


def no_formula(text: str) -> str:
    """The text with a `'` before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _seen(char: str) -> str:
    if char in _KEPT or category(char) not in _UNSEEN:
        return char
    return " " if char.isspace() else ""
