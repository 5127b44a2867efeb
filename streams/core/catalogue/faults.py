"""Everything that is wrong in a file of settings, not the first fault alone: each is taken out, to find the next."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from streams.core.parsing.toml import CatalogueError, Path, line_of

_MOST = 300  # turns, of which a fault takes three at most


class Finding(NamedTuple):
    """What is wrong or useless in a file, with what to do, and the line on which it stands."""

    line: int
    text: str


def found_at(text: str, said: str, *path: str | int) -> Finding:
    """What is to be said of what stands at a path of the text."""
    return Finding(line_of(text, path), said)


def faults(parse: Callable[[str, str, Iterable[Path]], Any], text: str, source: str) -> list[str]:
    """What `parse` refuses in a text, each as `source:line: what is wrong; what to do`, in the order of the lines."""
    found: list[CatalogueError] = []
    without: list[Path] = []
    for _ in range(_MOST):
        try:
            parse(text, source, without)
            break
        except CatalogueError as error:
            if not _follows(error, without):
                found.append(error)
            if not (path := _next(error, without)):
                break
            without.append(path)
    return [str(error) for error in sorted(found, key=lambda error: error.line)]


def _place(error: CatalogueError) -> Path:
    """Where the fault is: also of a key that is missing, where it would be."""
    if error.what == "there is no goal":
        return ("goal",)
    key, missing, _ = error.what.partition(" is missing")
    return (*error.path, key) if missing else error.path


def _follows(error: CatalogueError, without: Sequence[Path]) -> bool:
    """Whether something is only wrong because of what was taken out."""
    place = _place(error)
    if error.what.startswith("there is no campaign") and any(map(_names_a_campaign, without)):
        return True
    return place in without and not isinstance(place[-1], int)


def _names_a_campaign(path: Path) -> bool:
    return path[0] == "campaign" and (len(path) == 2 or path[2] in ("id", "aliases"))


def _next(error: CatalogueError, without: Sequence[Path]) -> Path:
    """What to take out so that the next fault is found: what is wrong; if that was not enough, the table around it."""
    place = _place(error)
    if not place or isinstance(place[-1], int) or place not in without:
        return place
    again = place != error.path and without.count(place) < 2  # what was wrong is missing now
    return place if again else place[:-1]
