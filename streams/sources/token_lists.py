"""Lists of tokens in files: a token a line."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from streams.core.door.fields.ids import PLACEHOLDERS
from streams.core.parsing.limits import identifier
from streams.sources.cost_tables import decoded

_SEPARATORS = ",;\t"


class TokenList(NamedTuple):
    """The distinct tokens of a file; how many lines are what programs write for nobody; and `file:line: what is wrong`
    for each that was refused."""

    tokens: Collection[str]
    nobody: int
    errors: Sequence[str]


def read(path: Path, placeholders: Collection[str] = ()) -> TokenList:
    """The tokens in the file, of which what is in `placeholders` is nobody. Raises OSError, and ValueError where it is
    no text."""
    tokens, seen, errors = dict[str, None](), Counter[str](), list[str]()
    for number, line in enumerate(decoded(path).removeprefix("\ufeff").splitlines(), 1):
        token = line.strip().removeprefix('"').removesuffix('"').strip()
        if any(mark in token for mark in _SEPARATORS):
            errors.append(f"{path}:{number}: more than a token; write one token a line, and no other column")
        elif not identifier(token) and token:
            errors.append(f"{path}:{number}: longer than 1 KiB, so no event can have it")
        elif token.casefold() in PLACEHOLDERS or token.casefold() in placeholders:
            seen["nobody"] += 1
        elif token:
            tokens[token] = None
    return TokenList(tokens, seen["nobody"], errors)
